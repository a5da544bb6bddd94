package pipes

import (
	"context"
	"log/slog"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what Pipes needs of the platform.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Router   *event.Router
	Sessions *dispatch.Sessions
	Log      *slog.Logger
}

// Service is EventBridge Pipes.
type Service struct {
	Config
	engine *poll.Engine
}

// New returns EventBridge Pipes.
func New(cfg Config) *Service {
	s := &Service{Config: cfg}
	s.engine = poll.New(poll.Config{DB: cfg.DB, Table: cfg.Table, Log: cfg.Log, Owners: s.owners, Job: s.job})
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.OpEach(api.CreatePipe, s.CreatePipe, mayCreate).But("Sources are queues and streams; brokers and keys of KMS are refused. Targets of AWS Batch, ECS, Redshift and SageMaker are records: what is sent to them fails. Logs are written when an execution is over."),
			service.OpEach(api.UpdatePipe, s.UpdatePipe, mayUpdate),
			service.Op(api.DescribePipe, s.DescribePipe, pipeNamed),
			service.Op(api.DeletePipe, s.DeletePipe, pipeNamed),
			service.Op(api.StartPipe, s.StartPipe, pipeNamed),
			service.Op(api.StopPipe, s.StopPipe, pipeNamed),
			service.Op(api.ListPipes, s.ListPipes, service.Any),
			service.Op(api.TagResource, s.TagResource, service.ResourceArn),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
		},
		Tasks: []task.Task{{Name: "pipes/poll", Run: s.engine.Run}},
	}
}

func pipeNamed[In interface{ GetName() string }](call *aws.Call, in In) aws.ARN {
	return pipeARN(call, in.GetName())
}

func mayCreate(call *aws.Call, in *api.CreatePipeInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "pipes:CreatePipe", Resource: pipeNamed(call, in)}); err != nil {
		return err
	}
	return check(auth.PassRole(in.RoleArn, "pipes"))
}

func mayUpdate(call *aws.Call, in *api.UpdatePipeInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "pipes:UpdatePipe", Resource: pipeNamed(call, in)}); err != nil {
		return err
	}
	return check(auth.PassRole(in.RoleArn, "pipes"))
}

// invalid refuses an input.
func invalid(format string, args ...any) error {
	return api.ValidationException.Errorf(format, args...)
}

// errAbsent refuses by name what is not there yet.
func errAbsent(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not have %s yet.", what)
}

// as is a call that the role of a pipe makes.
func (s *Service) as(ctx context.Context, arn aws.ARN, role string) (*aws.Call, error) {
	by := aws.ServiceCall("pipes", arn)
	session, err := s.Sessions.Assume(ctx, by, role)
	if err != nil {
		return nil, err
	}
	return session.Call(by), nil
}
