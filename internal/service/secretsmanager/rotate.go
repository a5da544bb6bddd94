package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/event/cron"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// steps are what a function is asked to do to rotate a secret, in order.
var steps = []string{"createSecret", "setSecret", "testSecret", "finishSecret"}

// rotating is how a rotation that fails is tried again.
var rotating = event.Retry{Attempts: 5, MaxAge: day, First: time.Minute}

// rotationFailed is a fault after which a rotation is tried again.
var rotationFailed = aws.Fault{Code: "RotationFailed", Status: 500}

const paramToken = "ClientRequestToken"

// rotate has the function of a secret rotate it. AWS has no such operation.
var rotate = smithy.Operation[rotateInput, rotateOutput]{Service: "secretsmanager", Name: "Rotate"}

type rotateInput struct {
	secret aws.ARN
	token  string
}

type rotateOutput struct{}

// receive answers deliveries of secrets to themselves.
func receive(d *event.Delivery) (operation string, in any, err error) {
	return rotate.Name, &rotateInput{d.Target, d.Params[paramToken]}, nil
}

// mayRotate lets secrets rotate, and nobody else: the operation is not AWS's.
func mayRotate(call *aws.Call, _ *rotateInput, _ func(service.Access) error) error {
	if call.Principal.Kind == aws.Service && call.Principal.Source.Service == "secretsmanager" {
		return nil
	}
	return aws.AccessDenied.Errorf("Only secrets have themselves rotated.")
}

// RotateSecret says how a secret is rotated, and has it done now unless that is
// to wait.
func (s *Service) RotateSecret(ctx context.Context, call *aws.Call, in *api.RotateSecretInput) (*api.RotateSecretOutput, error) {
	if in.ClientRequestToken == nil {
		return nil, invalid("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	}
	if in.ExternalSecretRotationMetadata != nil || in.ExternalSecretRotationRoleArn != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not rotate external secrets.")
	}
	if err := checkRules(in.RotationRules); err != nil {
		return nil, err
	}
	if err := s.mayInvoke(ctx, call, in); err != nil {
		return nil, err
	}
	out := &api.RotateSecretOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := need(tx, call, in.SecretId)
		if err != nil {
			return err
		}
		if f.Function = aws.Or(in.RotationLambdaARN, f.Function); f.Function == "" {
			return refused("No Lambda rotation function ARN is associated with this secret.")
		}
		if in.RotationRules != nil {
			f.Rules = in.RotationRules
		}
		out.ARN, out.Name = new(f.arn(f.key).String()), new(nameOf(f.key))
		f.Rotates = true
		if err := dues.Move(tx, f.key, &f.Next, f.after(time.Now().UTC()), s.due); err != nil {
			return err
		}
		if aws.Or(in.RotateImmediately, true) {
			if out.VersionId, err = s.begin(tx, &f, *in.ClientRequestToken); err != nil {
				return err
			}
		}
		return secrets.Put(tx, f.key, f.secret)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// mayInvoke refuses a function that does not let the secret call it.
func (s *Service) mayInvoke(ctx context.Context, call *aws.Call, in *api.RotateSecretInput) error {
	var f found
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		f, err = need(tx, call, in.SecretId)
		return err
	})
	name := aws.Or(in.RotationLambdaARN, f.Function)
	if err != nil || name == "" {
		return err
	}
	try := &lambda.InvokeInput{FunctionName: name, InvocationType: new(lambda.InvocationTypeDryRun)}
	if _, err := dispatch.CallChecked(ctx, s.table, aws.ServiceCall("secretsmanager", f.arn(f.key)), lambda.Invoke, try); err != nil {
		return aws.AccessDenied.Errorf("Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.")
	}
	return nil
}

func checkRules(r *api.RotationRulesType) error {
	if r == nil {
		return nil
	}
	if r.AutomaticallyAfterDays != nil && r.ScheduleExpression != nil {
		return invalid("You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.")
	}
	if r.ScheduleExpression == nil {
		return nil
	}
	if _, err := cron.ParseRule(*r.ScheduleExpression); err != nil {
		return invalid("The schedule expression is not valid: %s", *r.ScheduleExpression)
	}
	return nil
}

// after is when a secret is to be rotated next, past t; zero if never.
func (f *found) after(t time.Time) time.Time {
	switch {
	case !f.Rotates || f.Rules == nil:
	case f.Rules.AutomaticallyAfterDays != nil:
		return t.Add(time.Duration(*f.Rules.AutomaticallyAfterDays) * day)
	case f.Rules.ScheduleExpression != nil:
		if schedule, err := cron.ParseRule(*f.Rules.ScheduleExpression); err == nil {
			next, _ := schedule.Next(t, f.Created)
			return next
		}
	}
	return time.Time{}
}

// begin makes the version that a rotation is to give a value, and has it done.
func (s *Service) begin(tx *store.Tx, f *found, token string) (id *string, err error) {
	all, err := f.all(tx)
	if err != nil {
		return nil, err
	}
	for had, v := range all {
		if had != token && slices.Contains(v.Stages, pending) && !slices.Contains(v.Stages, current) {
			return nil, refused("A previous rotation isn't complete. That rotation will be reattempted.")
		}
	}
	if _, there := all[token]; !there {
		all[token] = version{Created: time.Now().UTC()}
	}
	move(all, pending, token)
	arn := f.arn(f.key)
	return &token, errors.Join(keep(tx, f.key, all), s.router.Send(tx, event.Delivery{
		Source: arn, Target: arn, Params: map[string]string{paramToken: token}, Ordered: true, Retry: rotating,
	}))
}

// rotate has the function of a secret do its steps.
func (s *Service) rotate(ctx context.Context, call *aws.Call, in *rotateInput) (*rotateOutput, error) {
	id := in.secret.String()
	var f found
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		f, err = need(tx, call, id)
		return err
	})
	if err != nil || !f.Rotates {
		return &rotateOutput{}, err
	}
	for _, step := range steps {
		payload, err := json.Marshal(map[string]string{"Step": step, "SecretId": id, "ClientRequestToken": in.token})
		if err != nil {
			return nil, err
		}
		out, err := dispatch.CallChecked(ctx, s.table, call, lambda.Invoke, &lambda.InvokeInput{FunctionName: f.Function, Payload: payload})
		if err != nil {
			return nil, rotationFailed.Errorf("%s of %s failed: %v", step, id, err)
		}
		if out.FunctionError != nil {
			return nil, rotationFailed.Errorf("%s of %s failed: %s", step, id, out.Payload)
		}
	}
	return &rotateOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := need(tx, call, id)
		if err != nil {
			return err
		}
		f.Rotated = time.Now().UTC()
		return secrets.Put(tx, f.key, f.secret)
	})
}

// CancelRotateSecret has a secret rotate no more.
func (s *Service) CancelRotateSecret(ctx context.Context, call *aws.Call, in *api.CancelRotateSecretInput) (*api.CancelRotateSecretOutput, error) {
	out := &api.CancelRotateSecretOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := need(tx, call, in.SecretId)
		if err != nil {
			return err
		}
		if f.Function == "" {
			return refused("No Lambda rotation function ARN is associated with this secret.")
		}
		out.ARN, out.Name = new(f.arn(f.key).String()), new(nameOf(f.key))
		f.Rotates = false
		if err := dues.Move(tx, f.key, &f.Next, time.Time{}, s.due); err != nil {
			return err
		}
		return secrets.Put(tx, f.key, f.secret)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
