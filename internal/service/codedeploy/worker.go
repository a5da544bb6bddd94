package codedeploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	hookLimit = time.Hour   // for a function to answer
	lookPause = time.Second // between two looks at alarms
	idle      = 24 * time.Hour
	retry     = 5 * time.Second // after a failure of ours
)

// run does what deployments are due for, and says how long until more is.
func (s *Service) run(ctx context.Context) (time.Duration, error) {
	var arns []aws.ARN
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		arns = nil
		for arn := range active.Scan(tx, aws.ARN{}) {
			arns = append(arns, arn)
		}
		return tx.Err()
	})
	if err != nil {
		return 0, err
	}
	wait := time.Duration(idle)
	for _, arn := range arns {
		next, err := s.advance(ctx, arn)
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err != nil {
			s.Log.Warn("deployment does not go on", "deployment", arn.String(), "err", err)
			next = retry
		}
		wait = min(wait, next)
	}
	return wait, nil
}

// A problem is why a deployment fails.
type problem struct {
	code, message string
	event         string // of automatic rollbacks
	stopped       bool
}

func failed(code, format string, args ...any) *problem {
	return &problem{code: code, message: fmt.Sprintf(format, args...), event: api.AutoRollbackEventDeploymentFailure}
}

// advance takes a deployment as far as it goes now, and says how long until more
// is due.
func (s *Service) advance(ctx context.Context, arn aws.ARN) (time.Duration, error) {
	for {
		var d deployment
		err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
			d, err = deployments.Get(tx, arn)
			return err
		})
		if err != nil || d.Phase == over {
			return idle, err
		}
		call, err := s.as(ctx, arn, d.Role)
		if refusal, ok := errors.AsType[*aws.Error](err); err != nil && !ok {
			return 0, err
		} else if ok {
			return s.end(ctx, arn, call, &d, failed(api.ErrorCodeIamRolePermissions, "The role %s cannot be assumed: %s", d.Role, refusal.Message))
		}
		wait, why, err := s.step(ctx, arn, call, &d)
		if why != nil {
			return s.end(ctx, arn, call, &d, why)
		}
		if err != nil || wait > 0 {
			return wait, err
		}
	}
}

// step does one thing. It returns 0 if there may be more to do at once.
func (s *Service) step(ctx context.Context, arn aws.ARN, call *aws.Call, d *deployment) (time.Duration, *problem, error) {
	if d.Stop {
		return 0, &problem{code: api.ErrorCodeManualStop, message: "The deployment was stopped.", event: api.AutoRollbackEventDeploymentStopOnRequest, stopped: true}, nil
	}
	if d.Phase == traffic {
		return s.move(ctx, arn, call, d)
	}
	function := d.Of.Before
	if d.Phase == after {
		function = d.Of.After
	}
	switch {
	case function == "":
		return 0, nil, s.update(ctx, arn, func(now *deployment) { now.leave(d.Phase, api.LifecycleEventStatusSkipped) })
	case !d.Hook.Asked:
		return s.ask(ctx, arn, call, d, function)
	case d.Hook.Answer == api.LifecycleEventStatusSucceeded:
		return 0, nil, s.update(ctx, arn, func(now *deployment) { now.leave(d.Phase, d.Hook.Answer) })
	case d.Hook.Answer != "":
		return 0, failed(api.ErrorCodeHookExecutionFailure, "One or more of the lifecycle event validation functions failed or timed out."), nil
	}
	if left := time.Until(d.Hook.Until); left > 0 {
		return left, nil, nil
	}
	return 0, failed(api.ErrorCodeHookExecutionFailure, "One or more of the lifecycle event validation functions failed or timed out."), nil
}

// ask calls the function of a phase. It may be called again, with the same id,
// if the platform stops meanwhile.
func (s *Service) ask(ctx context.Context, arn aws.ARN, call *aws.Call, d *deployment, function string) (time.Duration, *problem, error) {
	payload, err := json.Marshal(map[string]string{"DeploymentId": *d.Is.DeploymentId, "LifecycleEventHookExecutionId": d.Hook.ID})
	if err != nil {
		return 0, nil, err
	}
	if err := s.entered(ctx, arn, d.Phase); err != nil {
		return 0, nil, err
	}
	_, err = dispatch.CallChecked(ctx, s.Table, call, lambda.Invoke, &lambda.InvokeInput{FunctionName: function, InvocationType: new("Event"), Payload: payload})
	if refusal, ok := errors.AsType[*aws.Error](err); ok {
		return 0, failed(api.ErrorCodeHookExecutionFailure, "The function %s cannot be invoked: %s", function, refusal.Message), nil
	}
	if err != nil {
		return 0, nil, err
	}
	return 0, nil, s.update(ctx, arn, func(now *deployment) {
		if now.Phase == d.Phase {
			now.Hook.Asked, now.Hook.Until = true, time.Now().Add(hookLimit)
		}
	})
}

// move gives the target its next weight, if that is due.
func (s *Service) move(ctx context.Context, arn aws.ARN, call *aws.Call, d *deployment) (time.Duration, *problem, error) {
	ringing, err := s.ringing(ctx, call, d.Alarms)
	if err != nil {
		return 0, nil, err
	}
	if ringing != "" {
		return 0, &problem{code: api.ErrorCodeAlarmActive, message: "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected deployments have been stopped. Activated alarms: <" + ringing + ">",
			event: api.AutoRollbackEventDeploymentStopOnAlarm, stopped: true}, nil
	}
	if left := time.Until(d.Next); left > 0 {
		if len(d.Alarms) > 0 {
			left = min(left, lookPause)
		}
		return left, nil, nil
	}
	if err := s.entered(ctx, arn, traffic); err != nil {
		return 0, nil, err
	}
	weight := d.Moves[d.Moved]
	version, weights := d.Of.Current, map[string]float64{d.Of.Target: weight}
	if weight == 1 {
		version, weights = d.Of.Target, map[string]float64{}
	}
	err = s.setAlias(ctx, call, d, version, weights)
	if refusal, ok := errors.AsType[*aws.Error](err); ok {
		return 0, failed(api.ErrorCodeInvalidLambdaFunction, "%s", refusal.Message), nil
	}
	if err != nil {
		return 0, nil, err
	}
	return 0, nil, s.update(ctx, arn, func(now *deployment) {
		if now.Phase != traffic || now.Moved != d.Moved {
			return
		}
		now.Moved, now.Next = d.Moved+1, time.Now().Add(d.Every)
		if now.Moved == len(now.Moves) {
			now.leave(traffic, api.LifecycleEventStatusSucceeded)
		}
	})
}

func (s *Service) setAlias(ctx context.Context, call *aws.Call, d *deployment, version string, weights map[string]float64) error {
	_, err := dispatch.CallChecked(ctx, s.Table, call, lambda.UpdateAlias, &lambda.UpdateAliasInput{
		FunctionName: d.Of.Function, Name: d.Of.Alias, FunctionVersion: &version, RoutingConfig: &lambda.AliasRoutingConfiguration{AdditionalVersionWeights: weights},
	})
	return err
}

// ringing names those of the alarms that are in ALARM. What cannot be looked at
// is taken not to be.
func (s *Service) ringing(ctx context.Context, call *aws.Call, alarms []string) (string, error) {
	if len(alarms) == 0 {
		return "", nil
	}
	out, err := dispatch.CallChecked(ctx, s.Table, call, cloudwatch.DescribeAlarms, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: alarms, AlarmTypes: []string{cloudwatch.AlarmTypeMetricAlarm, cloudwatch.AlarmTypeCompositeAlarm}, StateValue: new(cloudwatch.StateValueAlarm),
	})
	if _, refused := errors.AsType[*aws.Error](err); refused {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var names []string
	for _, a := range out.MetricAlarms {
		names = append(names, aws.Value(a.AlarmName))
	}
	for _, a := range out.CompositeAlarms {
		names = append(names, aws.Value(a.AlarmName))
	}
	return strings.Join(names, ", "), nil
}

// update changes a deployment as it is now.
func (s *Service) update(ctx context.Context, arn aws.ARN, change func(*deployment)) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		d, err := deployments.Get(tx, arn)
		if err != nil {
			return err
		}
		change(&d)
		if d.Phase == over {
			if err := active.Delete(tx, arn); err != nil {
				return err
			}
		}
		return deployments.Put(tx, arn, d)
	})
}

// entered notes that a phase has begun.
func (s *Service) entered(ctx context.Context, arn aws.ARN, p phase) error {
	return s.update(ctx, arn, func(d *deployment) {
		if aws.Value(d.Is.Status) == api.DeploymentStatusCreated {
			d.Is.Status, d.Is.StartTime = new(api.DeploymentStatusInProgress), new(time.Now())
		}
		if e := &d.Events[p]; e.StartTime == nil {
			e.StartTime, e.Status = new(time.Now()), new(api.LifecycleEventStatusInProgress)
		}
	})
}

// leave goes on from a phase to the next; after the last the deployment is over.
func (d *deployment) leave(p phase, status string) {
	if d.Phase != p {
		return
	}
	d.Events[p].Status, d.Events[p].EndTime = &status, new(time.Now())
	d.Phase, d.Hook = p+1, hook{ID: aws.NewRequestID()}
	if d.Phase == over {
		d.Is.Status, d.Is.CompleteTime = new(api.DeploymentStatusSucceeded), new(time.Now())
	}
}

// end takes a deployment back, if that is wanted, and writes down why it is over.
func (s *Service) end(ctx context.Context, arn aws.ARN, call *aws.Call, d *deployment, why *problem) (time.Duration, error) {
	auto := aws.Value(d.Is.AutoRollbackConfiguration)
	undo := d.Undo || aws.Value(auto.Enabled) && slices.Contains(auto.Events, why.event)
	message := ""
	if undo && call != nil {
		err := s.setAlias(ctx, call, d, d.Of.Current, map[string]float64{})
		if _, refused := errors.AsType[*aws.Error](err); err != nil && !refused {
			return 0, err
		}
		message = "All traffic goes to version " + d.Of.Current + " again."
		if err != nil {
			message = aws.Refusal(err).Message
		}
	}
	return idle, s.update(ctx, arn, func(now *deployment) {
		if now.Phase == over {
			return
		}
		status := api.DeploymentStatusFailed
		if why.stopped {
			status = api.DeploymentStatusStopped
		}
		if now.Phase < over {
			now.Events[now.Phase].Status, now.Events[now.Phase].EndTime = new(api.LifecycleEventStatusFailed), new(time.Now())
		}
		now.Phase, now.Is.Status, now.Is.CompleteTime = over, &status, new(time.Now())
		now.Is.ErrorInformation = &api.ErrorInformation{Code: &why.code, Message: &why.message}
		if message != "" {
			now.Is.RollbackInfo = &api.RollbackInfo{RollbackMessage: &message}
		}
	})
}
