package appconfig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func findDeployment(tx *store.Tx, key numberKey) (deployment, error) {
	d, err := deployments.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return d, errNone("Deployment", strconv.Itoa(int(key.Number)))
	}
	return d, err
}

// StartDeployment deploys a configuration to an environment.
func (s *Service) StartDeployment(ctx context.Context, call *aws.Call, in *api.StartDeploymentInput) (*api.StartDeploymentOutput, error) {
	if in.KmsKeyIdentifier != nil || in.DynamicExtensionParameters != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have extensions of AppConfig, nor keys of KMS for it, yet.")
	}
	from := profileARN(call, in.ApplicationId, in.ConfigurationProfileId)
	p, err := look(ctx, s.DB, profiles, from, aProfile)
	if err != nil {
		return nil, err
	}
	r, err := s.fetch(ctx, from, p, in.ConfigurationVersion)
	if err != nil {
		return nil, err
	}
	if err := s.validate(ctx, from, p, r); err != nil {
		return nil, err
	}
	if *p.Type == featureFlags {
		if r.Content, err = readFlags(r.Content); err != nil {
			return nil, invalid("Error parsing the feature flag configuration: %s", err)
		}
	}
	var d deployment
	to := environmentARN(call, in.ApplicationId, in.EnvironmentId)
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		e, err := find(tx, environments, to, anEnvironment)
		if err != nil {
			return err
		}
		if *e.Is.State == api.EnvironmentStateDeploying {
			return api.ConflictException.Errorf("Environment %s is already being deployed to.", in.EnvironmentId)
		}
		if in.LatestDeploymentNumber != nil && *in.LatestDeploymentNumber != e.Count {
			return api.ConflictException.Errorf("The latest deployment number is %d.", e.Count)
		}
		how, err := findStrategy(tx, call, in.DeploymentStrategyId)
		if err != nil {
			return err
		}
		e.Count++
		e.Is.State = new(api.EnvironmentStateDeploying)
		key := numberKey{to, e.Count}
		d = newDeployment(in, p, &how, r, e.Count, time.Now())
		d.Tags = in.Tags
		next := *r
		next.Deployment = e.Count
		l, err := lives.Get(tx, liveKey{to, *p.Id})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		l.Next, l.Percent = &next, 0
		if err := errors.Join(environments.Put(tx, to, e), lives.Put(tx, liveKey{to, *p.Id}, l)); err != nil {
			return err
		}
		return s.step(tx, key, &d, *d.Is.StartedAt)
	})
	if err != nil {
		return nil, err
	}
	return &d.Is, nil
}

func newDeployment(in *api.StartDeploymentInput, p *api.ConfigurationProfile, how *api.DeploymentStrategy, r *release, number int32, now time.Time) deployment {
	d := deployment{Is: api.Deployment{
		ApplicationId: &in.ApplicationId, EnvironmentId: &in.EnvironmentId, DeploymentStrategyId: how.Id, ConfigurationProfileId: p.Id, DeploymentNumber: &number,
		ConfigurationName: p.Name, ConfigurationLocationUri: p.LocationUri, ConfigurationVersion: &r.Version, Description: in.Description,
		DeploymentDurationInMinutes: how.DeploymentDurationInMinutes, GrowthType: how.GrowthType, GrowthFactor: how.GrowthFactor,
		FinalBakeTimeInMinutes: how.FinalBakeTimeInMinutes, State: new(api.DeploymentStateDeploying), PercentageComplete: new(float32(0)), StartedAt: &now,
		AppliedExtensions: []api.AppliedExtension{}, VersionLabel: r.Label,
	}}
	d.note(api.DeploymentEventTypeDeploymentStarted, "Deployment started", now)
	return d
}

// note adds an event to the log of a deployment, the newest first.
func (d *deployment) note(kind, text string, at time.Time) {
	d.Is.EventLog = slices.Insert(slices.Clone(d.Is.EventLog), 0, api.DeploymentEvent{
		EventType: &kind, TriggeredBy: new(api.TriggeredByAppconfig), Description: &text, OccurredAt: &at, ActionInvocations: []api.ActionInvocation{},
	})
}

// runDue takes deployments a step further, and returns how long until the next is due.
func (s *Service) runDue(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.DB, func(tx *store.Tx, at time.Time, key numberKey) error {
		d, err := deployments.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && !d.At.Equal(at) {
			return nil
		}
		if err != nil {
			return err
		}
		d.At = time.Time{}
		return s.step(tx, key, &d, at)
	})
}

// step takes a deployment a step further, at its time: to its next percentage,
// to baking, or to its end.
func (s *Service) step(tx *store.Tx, key numberKey, d *deployment, at time.Time) error {
	how := api.DeploymentStrategy{GrowthType: d.Is.GrowthType, GrowthFactor: d.Is.GrowthFactor, DeploymentDurationInMinutes: d.Is.DeploymentDurationInMinutes}
	percents := steps(&how)
	lasts := time.Duration(aws.Value(d.Is.DeploymentDurationInMinutes)) * time.Minute
	bakes := time.Duration(aws.Value(d.Is.FinalBakeTimeInMinutes)) * time.Minute
	var next time.Time
	switch {
	case d.Step < len(percents):
		percent := percents[d.Step]
		d.Is.PercentageComplete = &percent
		d.note(api.DeploymentEventTypePercentageUpdated, fmt.Sprintf("Configuration available to %.2f%% of clients", percent), at)
		if err := s.show(tx, key, d, percent); err != nil {
			return err
		}
		next = at.Add(lasts / time.Duration(len(percents)))
	case d.Step == len(percents) && bakes > 0:
		d.Is.State = new(api.DeploymentStateBaking)
		d.note(api.DeploymentEventTypeBakeTimeStarted, "Baking started", at)
		next = at.Add(bakes)
	default:
		d.Is.State, d.Is.CompletedAt = new(api.DeploymentStateComplete), &at
		d.note(api.DeploymentEventTypeDeploymentCompleted, "Deployment completed", at)
		if err := s.settle(tx, key, d, true); err != nil {
			return err
		}
	}
	d.Step++
	if !next.IsZero() && !next.After(at) {
		return s.step(tx, key, d, at)
	}
	if err := dues.Move(tx, key, &d.At, next, s.bell); err != nil {
		return err
	}
	return deployments.Put(tx, key, *d)
}

// show lets so many sessions read what is deployed.
func (s *Service) show(tx *store.Tx, key numberKey, d *deployment, percent float32) error {
	at := liveKey{key.Of, *d.Is.ConfigurationProfileId}
	l, err := lives.Get(tx, at)
	if err != nil {
		return err
	}
	l.Percent = percent
	return lives.Put(tx, at, l)
}

// settle ends a deployment: what was deployed is what all read, or nobody.
func (s *Service) settle(tx *store.Tx, key numberKey, d *deployment, good bool) error {
	at := liveKey{key.Of, *d.Is.ConfigurationProfileId}
	l, err := lives.Get(tx, at)
	if err != nil {
		return err
	}
	state := api.EnvironmentStateReadyForDeployment
	if good {
		l.Current = l.Next
	} else {
		state = api.EnvironmentStateRolledBack
	}
	l.Next, l.Percent = nil, 0
	e, err := find(tx, environments, key.Of, anEnvironment)
	if err != nil {
		return err
	}
	e.Is.State = &state
	return errors.Join(lives.Put(tx, at, l), environments.Put(tx, key.Of, e))
}

// GetDeployment returns a deployment.
func (s *Service) GetDeployment(ctx context.Context, call *aws.Call, in *api.GetDeploymentInput) (*api.GetDeploymentOutput, error) {
	var d deployment
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		d, err = findDeployment(tx, numberKey{environmentARN(call, in.ApplicationId, in.EnvironmentId), in.DeploymentNumber})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &d.Is, nil
}

// ListDeployments lists deployments, the newest first.
func (s *Service) ListDeployments(ctx context.Context, call *aws.Call, in *api.ListDeploymentsInput) (*api.ListDeploymentsOutput, error) {
	arn := environmentARN(call, in.ApplicationId, in.EnvironmentId)
	out := &api.ListDeploymentsOutput{}
	before, _ := strconv.Atoi(aws.Value(in.NextToken)) // 0: there is none
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		out.Items, out.NextToken = []api.DeploymentSummary{}, nil
		if _, err := find(tx, environments, arn, anEnvironment); err != nil {
			return err
		}
		for key, d := range deployments.ScanReverse(tx, numberKey{Of: arn}) {
			switch {
			case before > 0 && int(key.Number) >= before:
				continue
			case len(out.Items) == int(aws.Or(in.MaxResults, 50)):
				out.NextToken = new(strconv.Itoa(int(*out.Items[len(out.Items)-1].DeploymentNumber)))
				return nil
			}
			is := d.Is
			out.Items = append(out.Items, api.DeploymentSummary{
				DeploymentNumber: is.DeploymentNumber, ConfigurationProfileId: is.ConfigurationProfileId, ConfigurationName: is.ConfigurationName,
				ConfigurationVersion: is.ConfigurationVersion, DeploymentDurationInMinutes: is.DeploymentDurationInMinutes, GrowthType: is.GrowthType,
				GrowthFactor: is.GrowthFactor, FinalBakeTimeInMinutes: is.FinalBakeTimeInMinutes, State: is.State, PercentageComplete: is.PercentageComplete,
				StartedAt: is.StartedAt, CompletedAt: is.CompletedAt, VersionLabel: is.VersionLabel,
			})
		}
		return tx.Err()
	})
	return out, err
}

// StopDeployment stops a deployment: all read again what they did before.
func (s *Service) StopDeployment(ctx context.Context, call *aws.Call, in *api.StopDeploymentInput) (*api.StopDeploymentOutput, error) {
	key := numberKey{environmentARN(call, in.ApplicationId, in.EnvironmentId), in.DeploymentNumber}
	var d deployment
	err := s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if d, err = findDeployment(tx, key); err != nil {
			return err
		}
		if aws.Value(in.AllowRevert) && *d.Is.State == api.DeploymentStateComplete {
			return aws.NotImplemented.Errorf("Aloft does not revert deployments that are complete yet.")
		}
		if *d.Is.State != api.DeploymentStateDeploying && *d.Is.State != api.DeploymentStateBaking {
			return invalid("Deployment %d is not in progress.", in.DeploymentNumber)
		}
		now := time.Now()
		d.Is.State, d.Is.CompletedAt = new(api.DeploymentStateRolledBack), &now
		d.note(api.DeploymentEventTypeRollbackStarted, "Rollback started", now)
		d.note(api.DeploymentEventTypeRollbackCompleted, "Rollback completed", now)
		if err := s.settle(tx, key, &d, false); err != nil {
			return err
		}
		if err := dues.Move(tx, key, &d.At, time.Time{}, s.bell); err != nil {
			return err
		}
		return deployments.Put(tx, key, d)
	})
	if err != nil {
		return nil, err
	}
	return &d.Is, nil
}
