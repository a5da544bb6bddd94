package codedeploy

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateDeployment begins to move the traffic of an alias.
func (s *Service) CreateDeployment(ctx context.Context, call *aws.Call, in *api.CreateDeploymentInput) (*api.CreateDeploymentOutput, error) {
	if in.DeploymentGroupName == nil {
		return nil, api.DeploymentGroupNameRequiredException.Errorf("Deployment Group name is missing")
	}
	text, err := s.revisionText(ctx, call, in.Revision)
	if err != nil {
		return nil, err
	}
	id := newDeploymentID()
	arn := deploymentARN(call, id)
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, call, in.ApplicationName, *in.DeploymentGroupName)
		if err != nil {
			return err
		}
		if platform := aws.Value(g.Is.ComputePlatform); platform != api.ComputePlatformLambda {
			return aws.NotImplemented.Errorf("Aloft does not deploy to the compute platform %s yet.", platform)
		}
		for other := range active.Scan(tx, call.ARN("codedeploy", "")) {
			d, err := deployments.Get(tx, other)
			if err != nil {
				return err
			}
			if aws.Value(d.Is.ApplicationName) == in.ApplicationName && aws.Value(d.Is.DeploymentGroupName) == *in.DeploymentGroupName {
				return api.DeploymentLimitExceededException.Errorf("The Deployment Group '%s' already has an active Deployment '%s'", *in.DeploymentGroupName, *d.Is.DeploymentId)
			}
		}
		d, err := newDeployment(tx, call, id, &g.Is, in)
		if err != nil {
			return err
		}
		if d.Of, err = parseSpec(text); err != nil {
			return err
		}
		tx.AfterCommit(s.bell.Ring)
		if err := active.Put(tx, arn, struct{}{}); err != nil {
			return err
		}
		return deployments.Put(tx, arn, *d)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDeploymentOutput{DeploymentId: &id}, nil
}

func newDeployment(tx *store.Tx, call *aws.Call, id string, g *api.DeploymentGroupInfo, in *api.CreateDeploymentInput) (*deployment, error) {
	name := aws.Or(in.DeploymentConfigName, *g.DeploymentConfigName)
	config, err := findConfig(tx, call, name)
	if err != nil {
		return nil, err
	}
	d := &deployment{Role: *g.ServiceRoleArn, Hook: hook{ID: aws.NewRequestID()}}
	d.Moves, d.Every = moves(&config)
	d.Is = api.DeploymentInfo{
		ApplicationName: &in.ApplicationName, DeploymentGroupName: in.DeploymentGroupName, DeploymentConfigName: &name, DeploymentId: &id,
		Revision: in.Revision, Status: new(api.DeploymentStatusCreated), CreateTime: new(time.Now()), Description: in.Description,
		Creator: new(api.DeploymentCreatorUser), IgnoreApplicationStopFailures: new(false), UpdateOutdatedInstancesOnly: new(false),
		AutoRollbackConfiguration: g.AutoRollbackConfiguration, DeploymentStyle: g.DeploymentStyle, ComputePlatform: g.ComputePlatform,
		InstanceTerminationWaitTimeStarted: new(false), RollbackInfo: &api.RollbackInfo{},
	}
	replace(&d.Is.AutoRollbackConfiguration, in.AutoRollbackConfiguration)
	alarms := g.AlarmConfiguration
	replace(&alarms, in.OverrideAlarmConfiguration)
	if alarms != nil && aws.Value(alarms.Enabled) {
		for _, a := range alarms.Alarms {
			d.Alarms = append(d.Alarms, aws.Value(a.Name))
		}
	}
	for _, name := range phaseNames {
		d.Events = append(d.Events, api.LifecycleEvent{LifecycleEventName: &name, Status: new(api.LifecycleEventStatusPending)})
	}
	return d, nil
}

// view shows something of a deployment.
func (s *Service) view(ctx context.Context, call *aws.Call, id string, show func(*deployment) error) error {
	return s.DB.View(ctx, func(tx *store.Tx) error {
		d, err := findDeployment(tx, call, id)
		if err != nil {
			return err
		}
		return show(&d)
	})
}

// GetDeployment describes a deployment.
func (s *Service) GetDeployment(ctx context.Context, call *aws.Call, in *api.GetDeploymentInput) (*api.GetDeploymentOutput, error) {
	out := &api.GetDeploymentOutput{}
	return out, s.view(ctx, call, in.DeploymentId, func(d *deployment) error {
		is := d.Is
		count := func(status string) *int64 {
			if aws.Value(d.Is.Status) == status {
				return new(int64(1))
			}
			return new(int64(0))
		}
		is.DeploymentOverview = &api.DeploymentOverview{
			Pending: count(api.DeploymentStatusCreated), InProgress: count(api.DeploymentStatusInProgress), Succeeded: count(api.DeploymentStatusSucceeded),
			Failed: count(api.DeploymentStatusFailed), Skipped: count(api.DeploymentStatusStopped), Ready: new(int64(0)),
		}
		out.DeploymentInfo = &is
		return nil
	})
}

// ListDeployments lists deployments.
func (s *Service) ListDeployments(ctx context.Context, call *aws.Call, in *api.ListDeploymentsInput) (*api.ListDeploymentsOutput, error) {
	out := &api.ListDeploymentsOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		if in.ApplicationName != nil && in.DeploymentGroupName != nil {
			if _, err := findGroup(tx, call, *in.ApplicationName, *in.DeploymentGroupName); err != nil {
				return err
			}
		}
		var ids []string
		for arn, d := range deployments.Scan(tx, call.ARN("codedeploy", "")) {
			r := aws.Value(in.CreateTimeRange)
			switch {
			case in.ApplicationName != nil && *in.ApplicationName != aws.Value(d.Is.ApplicationName),
				in.DeploymentGroupName != nil && *in.DeploymentGroupName != aws.Value(d.Is.DeploymentGroupName),
				in.ExternalId != nil,
				len(in.IncludeOnlyStatuses) > 0 && !slices.Contains(in.IncludeOnlyStatuses, aws.Value(d.Is.Status)),
				r.Start != nil && d.Is.CreateTime.Before(*r.Start), r.End != nil && d.Is.CreateTime.After(*r.End):
				continue
			}
			ids = append(ids, strings.TrimPrefix(arn.Resource, "deployment:"))
		}
		out.Deployments, out.NextToken = page(ids, in.NextToken)
		return nil
	})
	return out, err
}

// change changes a deployment that is not over, and wakes the worker.
func (s *Service) change(ctx context.Context, call *aws.Call, id string, change func(*deployment) error) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		d, err := findDeployment(tx, call, id)
		if err != nil {
			return err
		}
		if d.Phase == over {
			return api.DeploymentAlreadyCompletedException.Errorf("Deployment %s is already in terminal state.", id)
		}
		if err := change(&d); err != nil {
			return err
		}
		tx.AfterCommit(s.bell.Ring)
		return deployments.Put(tx, deploymentARN(call, id), d)
	})
}

// StopDeployment ends a deployment.
func (s *Service) StopDeployment(ctx context.Context, call *aws.Call, in *api.StopDeploymentInput) (*api.StopDeploymentOutput, error) {
	err := s.change(ctx, call, in.DeploymentId, func(d *deployment) error {
		d.Stop, d.Undo = true, aws.Value(in.AutoRollbackEnabled)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.StopDeploymentOutput{Status: new(api.StopStatusPending), StatusMessage: new("The deployment is being stopped.")}, nil
}

// PutLifecycleEventHookExecutionStatus is what a function answers that was asked.
func (s *Service) PutLifecycleEventHookExecutionStatus(ctx context.Context, call *aws.Call, in *api.PutLifecycleEventHookExecutionStatusInput) (*api.PutLifecycleEventHookExecutionStatusOutput, error) {
	status := aws.Value(in.Status)
	if status != api.LifecycleEventStatusSucceeded && status != api.LifecycleEventStatusFailed {
		return nil, api.InvalidLifecycleEventHookExecutionStatusException.Errorf("The status must be Succeeded or Failed.")
	}
	err := s.change(ctx, call, aws.Value(in.DeploymentId), func(d *deployment) error {
		switch {
		case d.Hook.ID != aws.Value(in.LifecycleEventHookExecutionId) || d.Phase == traffic:
			return api.InvalidLifecycleEventHookExecutionIdException.Errorf("No lifecycle event hook execution found with ID: %s", aws.Value(in.LifecycleEventHookExecutionId))
		case d.Hook.Answer != "":
			return api.LifecycleEventAlreadyCompletedException.Errorf("The lifecycle event is already completed.")
		}
		d.Hook.Answer = status
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutLifecycleEventHookExecutionStatusOutput{LifecycleEventHookExecutionId: in.LifecycleEventHookExecutionId}, nil
}

// target is what a deployment is of, as its id shows it.
func (d *deployment) target() string { return d.Of.Function + ":" + d.Of.Alias }

// ListDeploymentTargets lists what a deployment is of.
func (s *Service) ListDeploymentTargets(ctx context.Context, call *aws.Call, in *api.ListDeploymentTargetsInput) (*api.ListDeploymentTargetsOutput, error) {
	out := &api.ListDeploymentTargetsOutput{}
	return out, s.view(ctx, call, in.DeploymentId, func(d *deployment) error {
		out.TargetIds = []string{d.target()}
		return nil
	})
}

// GetDeploymentTarget says how far a deployment is.
func (s *Service) GetDeploymentTarget(ctx context.Context, call *aws.Call, in *api.GetDeploymentTargetInput) (*api.GetDeploymentTargetOutput, error) {
	out := &api.GetDeploymentTargetOutput{}
	return out, s.view(ctx, call, in.DeploymentId, func(d *deployment) error {
		if in.TargetId != d.target() {
			return api.DeploymentTargetDoesNotExistException.Errorf("No target found with ID: %s", in.TargetId)
		}
		weight, status := 0.0, api.TargetStatusInProgress
		if d.Moved > 0 {
			weight = d.Moves[d.Moved-1]
		}
		switch aws.Value(d.Is.Status) {
		case api.DeploymentStatusSucceeded:
			status = api.TargetStatusSucceeded
		case api.DeploymentStatusFailed, api.DeploymentStatusStopped:
			status = api.TargetStatusFailed
		}
		out.DeploymentTarget = &api.DeploymentTarget{DeploymentTargetType: new(api.DeploymentTargetTypeLambdaTarget), LambdaTarget: &api.LambdaTarget{
			DeploymentId: &in.DeploymentId, TargetId: &in.TargetId, TargetArn: new(call.ARN("lambda", "function:"+in.TargetId).String()), Status: &status,
			LifecycleEvents: d.Events, LambdaFunctionInfo: &api.LambdaFunctionInfo{
				FunctionName: &d.Of.Function, FunctionAlias: &d.Of.Alias, CurrentVersion: &d.Of.Current, TargetVersion: &d.Of.Target, TargetVersionWeight: &weight,
			},
		}}
		return nil
	})
}
