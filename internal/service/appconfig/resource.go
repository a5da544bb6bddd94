package appconfig

import (
	"context"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// What resources are called in refusals.
const (
	anApplication = "Application"
	anEnvironment = "Environment"
	aProfile      = "ConfigurationProfile"
	aStrategy     = "DeploymentStrategy"
)

const (
	freeform     = "AWS.Freeform"
	featureFlags = "AWS.AppConfig.FeatureFlags"
	hosted       = "hosted"
)

// CreateApplication makes an application.
func (s *Service) CreateApplication(ctx context.Context, call *aws.Call, in *api.CreateApplicationInput) (*api.CreateApplicationOutput, error) {
	id := newID()
	return add(ctx, s.DB, applications, applicationARN(call, id), api.Application{Id: &id, Name: &in.Name, Description: in.Description}, in.Tags, nil)
}

// GetApplication returns an application.
func (s *Service) GetApplication(ctx context.Context, call *aws.Call, in *api.GetApplicationInput) (*api.GetApplicationOutput, error) {
	return look(ctx, s.DB, applications, applicationARN(call, in.ApplicationId), anApplication)
}

// ListApplications lists applications.
func (s *Service) ListApplications(ctx context.Context, call *aws.Call, in *api.ListApplicationsInput) (*api.ListApplicationsOutput, error) {
	out := &api.ListApplicationsOutput{Items: []api.Application{}}
	var err error
	out.NextToken, err = listed(ctx, s.DB, applications, applicationARN(call, ""), in.NextToken, in.MaxResults,
		func(a *api.Application) *string { return a.Id }, func(a *api.Application) { out.Items = append(out.Items, *a) })
	return out, err
}

// UpdateApplication changes an application.
func (s *Service) UpdateApplication(ctx context.Context, call *aws.Call, in *api.UpdateApplicationInput) (*api.UpdateApplicationOutput, error) {
	return change(ctx, s.DB, applications, applicationARN(call, in.ApplicationId), anApplication, func(a *api.Application) {
		set(&a.Name, in.Name)
		set(&a.Description, in.Description)
	})
}

// set sets what is said.
func set[V any](to **V, from *V) {
	if from != nil {
		*to = from
	}
}

// DeleteApplication deletes an application that has nothing in it.
func (s *Service) DeleteApplication(ctx context.Context, call *aws.Call, in *api.DeleteApplicationInput) (*api.DeleteApplicationOutput, error) {
	arn := applicationARN(call, in.ApplicationId)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, applications, arn, anApplication); err != nil {
			return err
		}
		if has(tx, environments, arn) || has(tx, profiles, arn) {
			return invalid("Cannot delete application %s: it has environments or configuration profiles.", in.ApplicationId)
		}
		return applications.Delete(tx, arn)
	})
	return &api.DeleteApplicationOutput{}, err
}

// has says whether an application has any of a kind.
func has[V any](tx *store.Tx, table store.Table[aws.ARN, row[V]], application aws.ARN) bool {
	all := application
	all.Resource = ""
	for arn := range table.Scan(tx, all) {
		if strings.HasPrefix(arn.Resource, application.Resource+"/") {
			return true
		}
	}
	return false
}

// within refuses what is to be in an application that is not there.
func within(call *aws.Call, application string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := find(tx, applications, applicationARN(call, application), anApplication)
		return err
	}
}

// CreateEnvironment makes an environment.
func (s *Service) CreateEnvironment(ctx context.Context, call *aws.Call, in *api.CreateEnvironmentInput) (*api.CreateEnvironmentOutput, error) {
	id := newID()
	is := api.Environment{
		ApplicationId: &in.ApplicationId, Id: &id, Name: &in.Name, Description: in.Description, State: new(api.EnvironmentStateReadyForDeployment), Monitors: in.Monitors,
	}
	return add(ctx, s.DB, environments, environmentARN(call, in.ApplicationId, id), is, in.Tags, within(call, in.ApplicationId))
}

// GetEnvironment returns an environment.
func (s *Service) GetEnvironment(ctx context.Context, call *aws.Call, in *api.GetEnvironmentInput) (*api.GetEnvironmentOutput, error) {
	return look(ctx, s.DB, environments, environmentARN(call, in.ApplicationId, in.EnvironmentId), anEnvironment)
}

// ListEnvironments lists the environments of an application.
func (s *Service) ListEnvironments(ctx context.Context, call *aws.Call, in *api.ListEnvironmentsInput) (*api.ListEnvironmentsOutput, error) {
	out := &api.ListEnvironmentsOutput{Items: []api.Environment{}}
	if _, err := s.GetApplication(ctx, call, &api.GetApplicationInput{ApplicationId: in.ApplicationId}); err != nil {
		return nil, err
	}
	var err error
	out.NextToken, err = listed(ctx, s.DB, environments, environmentARN(call, in.ApplicationId, ""), in.NextToken, in.MaxResults,
		func(e *api.Environment) *string { return e.Id }, func(e *api.Environment) { out.Items = append(out.Items, *e) })
	return out, err
}

// UpdateEnvironment changes an environment.
func (s *Service) UpdateEnvironment(ctx context.Context, call *aws.Call, in *api.UpdateEnvironmentInput) (*api.UpdateEnvironmentOutput, error) {
	return change(ctx, s.DB, environments, environmentARN(call, in.ApplicationId, in.EnvironmentId), anEnvironment, func(e *api.Environment) {
		set(&e.Name, in.Name)
		set(&e.Description, in.Description)
		if in.Monitors != nil {
			e.Monitors = in.Monitors
		}
	})
}

// DeleteEnvironment deletes an environment, and what is live in it.
func (s *Service) DeleteEnvironment(ctx context.Context, call *aws.Call, in *api.DeleteEnvironmentInput) (*api.DeleteEnvironmentOutput, error) {
	arn := environmentARN(call, in.ApplicationId, in.EnvironmentId)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, environments, arn, anEnvironment); err != nil {
			return err
		}
		for key, d := range deployments.Scan(tx, numberKey{Of: arn}) {
			if err := dues.Move(tx, key, &d.At, time.Time{}, s.bell); err != nil {
				return err
			}
		}
		if err := deployments.DeletePrefix(tx, numberKey{Of: arn}); err != nil {
			return err
		}
		if err := lives.DeletePrefix(tx, liveKey{Environment: arn}); err != nil {
			return err
		}
		return environments.Delete(tx, arn)
	})
	return &api.DeleteEnvironmentOutput{}, err
}

// CreateConfigurationProfile makes a configuration profile.
func (s *Service) CreateConfigurationProfile(ctx context.Context, call *aws.Call, in *api.CreateConfigurationProfileInput) (*api.CreateConfigurationProfileOutput, error) {
	if in.KmsKeyIdentifier != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not encrypt configurations by keys of KMS yet.")
	}
	if err := checkLocation(in.LocationUri, in.RetrievalRoleArn); err != nil {
		return nil, err
	}
	kind := aws.Or(in.Type, freeform)
	if kind == featureFlags && in.LocationUri != hosted {
		return nil, invalid("Feature flag configuration profiles must be hosted.")
	}
	id := newID()
	is := api.ConfigurationProfile{
		ApplicationId: &in.ApplicationId, Id: &id, Name: &in.Name, Description: in.Description, LocationUri: &in.LocationUri,
		RetrievalRoleArn: in.RetrievalRoleArn, Validators: in.Validators, Type: &kind,
	}
	return add(ctx, s.DB, profiles, profileARN(call, in.ApplicationId, id), is, in.Tags, within(call, in.ApplicationId))
}

// GetConfigurationProfile returns a configuration profile.
func (s *Service) GetConfigurationProfile(ctx context.Context, call *aws.Call, in *api.GetConfigurationProfileInput) (*api.GetConfigurationProfileOutput, error) {
	return look(ctx, s.DB, profiles, profileARN(call, in.ApplicationId, in.ConfigurationProfileId), aProfile)
}

// ListConfigurationProfiles lists the configuration profiles of an application.
func (s *Service) ListConfigurationProfiles(ctx context.Context, call *aws.Call, in *api.ListConfigurationProfilesInput) (*api.ListConfigurationProfilesOutput, error) {
	out := &api.ListConfigurationProfilesOutput{Items: []api.ConfigurationProfileSummary{}}
	var err error
	out.NextToken, err = listed(ctx, s.DB, profiles, profileARN(call, in.ApplicationId, ""), in.NextToken, in.MaxResults,
		func(p *api.ConfigurationProfile) *string { return p.Id },
		func(p *api.ConfigurationProfile) {
			if in.Type != nil && *p.Type != *in.Type {
				return
			}
			sum := api.ConfigurationProfileSummary{ApplicationId: p.ApplicationId, Id: p.Id, Name: p.Name, LocationUri: p.LocationUri, Type: p.Type}
			for _, v := range p.Validators {
				sum.ValidatorTypes = append(sum.ValidatorTypes, v.Type)
			}
			out.Items = append(out.Items, sum)
		})
	return out, err
}

// UpdateConfigurationProfile changes a configuration profile.
func (s *Service) UpdateConfigurationProfile(ctx context.Context, call *aws.Call, in *api.UpdateConfigurationProfileInput) (*api.UpdateConfigurationProfileOutput, error) {
	if aws.Value(in.KmsKeyIdentifier) != "" {
		return nil, aws.NotImplemented.Errorf("Aloft does not encrypt configurations by keys of KMS yet.")
	}
	return change(ctx, s.DB, profiles, profileARN(call, in.ApplicationId, in.ConfigurationProfileId), aProfile, func(p *api.ConfigurationProfile) {
		set(&p.Name, in.Name)
		set(&p.Description, in.Description)
		set(&p.RetrievalRoleArn, in.RetrievalRoleArn)
		if in.Validators != nil {
			p.Validators = in.Validators
		}
	})
}

// DeleteConfigurationProfile deletes a configuration profile that has no versions.
func (s *Service) DeleteConfigurationProfile(ctx context.Context, call *aws.Call, in *api.DeleteConfigurationProfileInput) (*api.DeleteConfigurationProfileOutput, error) {
	arn := profileARN(call, in.ApplicationId, in.ConfigurationProfileId)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, profiles, arn, aProfile); err != nil {
			return err
		}
		for range versions.Scan(tx, numberKey{Of: arn}) {
			return api.ConflictException.Errorf("Cannot delete configuration profile %s: it has hosted configuration versions.", in.ConfigurationProfileId)
		}
		return profiles.Delete(tx, arn)
	})
	return &api.DeleteConfigurationProfileOutput{}, err
}
