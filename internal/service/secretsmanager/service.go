package secretsmanager

import (
	"context"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is Secrets Manager.
type Service struct {
	db     *store.DB
	table  *dispatch.Table
	router *event.Router
	epoch  atomic.Uint64 // changes with the policies of secrets
	due    task.Bell     // rung when a secret may be due sooner
}

// New returns Secrets Manager over db, which reaches KMS and functions by table.
func New(db *store.DB, table *dispatch.Table, router *event.Router) *Service {
	return &Service{db: db, table: table, router: router, due: task.NewBell()}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:     api.API,
		Policy:  s.policyOf,
		Epoch:   s.epoch.Load,
		Receive: receive,
		Tasks:   []task.Task{{Name: "secretsmanager/due", Run: s.runDue, Bell: s.due}},
		Operations: []service.Operation{
			service.OpEach(api.CreateSecret, s.CreateSecret, mayCreate).But("Replicas in other regions are refused."),
			onSecret(s, api.DescribeSecret, s.DescribeSecret),
			onSecret(s, api.UpdateSecret, s.UpdateSecret),
			onSecret(s, api.DeleteSecret, s.DeleteSecret),
			onSecret(s, api.RestoreSecret, s.RestoreSecret),
			service.Op(api.ListSecrets, s.ListSecrets, service.Any),

			onSecret(s, api.PutSecretValue, s.PutSecretValue),
			onSecret(s, api.GetSecretValue, s.GetSecretValue),
			service.OpEach(api.BatchGetSecretValue, s.BatchGetSecretValue, s.mayGetEach),
			onSecret(s, api.ListSecretVersionIds, s.ListSecretVersionIds),
			onSecret(s, api.UpdateSecretVersionStage, s.UpdateSecretVersionStage),
			service.Op(api.GetRandomPassword, s.GetRandomPassword, service.Any),

			onSecret(s, api.RotateSecret, s.RotateSecret).But("External secrets are refused."),
			onSecret(s, api.CancelRotateSecret, s.CancelRotateSecret),
			service.OpEach(rotate, s.rotate, mayRotate),

			onSecret(s, api.PutResourcePolicy, s.PutResourcePolicy),
			onSecret(s, api.GetResourcePolicy, s.GetResourcePolicy),
			onSecret(s, api.DeleteResourcePolicy, s.DeleteResourcePolicy),
			service.Op(api.ValidateResourcePolicy, s.ValidateResourcePolicy, service.Any).But("Whether a policy lets everybody in is not looked into."),
			onSecret(s, api.TagResource, s.TagResource),
			onSecret(s, api.UntagResource, s.UntagResource),
		},
	}
}

// mayCreate checks who makes a secret; nobody knows yet how its ARN ends.
func mayCreate(call *aws.Call, in *api.CreateSecretInput, check func(service.Access) error) error {
	return check(service.Access{
		Action: "secretsmanager:CreateSecret", Resource: call.ARN("secretsmanager", kind+in.Name+"-??????"), Granted: owns(call, in.Name),
	})
}

// onSecret is the row of an operation on the secret that its input names.
func onSecret[In, Out any, P interface {
	*In
	GetSecretId() string
}](s *Service, op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		return s.allow(call, op.Name, P(in).GetSecretId(), check)
	})
}

func (s *Service) allow(call *aws.Call, operation, id string, check func(service.Access) error) error {
	var f found
	err := s.db.View(context.Background(), func(tx *store.Tx) (err error) {
		f, err = find(tx, call, id)
		return err
	})
	if err != nil {
		return err
	}
	keys := service.Keys{"secretsmanager:SecretId": {f.arn(f.key).String()}, "secretsmanager:Name": {nameOf(f.key)}}
	for _, t := range f.Tags {
		keys["aws:ResourceTag/"+aws.Value(t.Key)] = []string{aws.Value(t.Value)}
		keys["secretsmanager:ResourceTag/"+aws.Value(t.Key)] = []string{aws.Value(t.Value)}
	}
	own := f.Owner != "" && owns(call, nameOf(f.key))
	if err := check(service.Access{Action: "secretsmanager:" + operation, Resource: f.arn(f.key), Keys: keys, Granted: own}); err != nil {
		return err
	}
	if f.Owner != "" && !own && !readOnly[operation] {
		return refused("The secret is managed by another service, and you must use that service to update it.")
	}
	return nil
}

func (s *Service) mayGetEach(call *aws.Call, in *api.BatchGetSecretValueInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "secretsmanager:BatchGetSecretValue", Resource: aws.AnyResource}); err != nil {
		return err
	}
	if in.Filters != nil {
		return check(service.Access{Action: "secretsmanager:GetSecretValue", Resource: call.ARN("secretsmanager", kind+"*")})
	}
	for _, id := range in.SecretIdList {
		if err := s.allow(call, "GetSecretValue", id, check); err != nil {
			return err
		}
	}
	return nil
}
