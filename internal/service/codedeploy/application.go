package codedeploy

import (
	"context"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateApplication makes an application.
func (s *Service) CreateApplication(ctx context.Context, call *aws.Call, in *api.CreateApplicationInput) (*api.CreateApplicationOutput, error) {
	arn, id := applicationARN(call, in.ApplicationName), aws.NewRequestID()
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		has, err := applications.Has(tx, arn)
		if err != nil {
			return err
		}
		if has {
			return api.ApplicationAlreadyExistsException.Errorf("Application already exists with the same name: %s", in.ApplicationName)
		}
		return applications.Put(tx, arn, application{Tags: tagMap(in.Tags), Is: api.ApplicationInfo{
			ApplicationId: &id, ApplicationName: &in.ApplicationName, CreateTime: new(time.Now()), LinkedToGitHub: new(false),
			ComputePlatform: new(aws.Or(in.ComputePlatform, api.ComputePlatformServer)),
		}})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateApplicationOutput{ApplicationId: &id}, nil
}

// GetApplication describes an application.
func (s *Service) GetApplication(ctx context.Context, call *aws.Call, in *api.GetApplicationInput) (*api.GetApplicationOutput, error) {
	out := &api.GetApplicationOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		app, err := findApplication(tx, call, in.ApplicationName)
		out.Application = &app.Is
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListApplications lists applications by name.
func (s *Service) ListApplications(ctx context.Context, call *aws.Call, in *api.ListApplicationsInput) (*api.ListApplicationsOutput, error) {
	out := &api.ListApplicationsOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		var names []string
		for arn := range applications.Scan(tx, call.ARN("codedeploy", "")) {
			names = append(names, strings.TrimPrefix(arn.Resource, "application:"))
		}
		out.Applications, out.NextToken = page(names, in.NextToken)
		return nil
	})
	return out, err
}

// DeleteApplication deletes an application and its groups. That there is none is
// no failure.
func (s *Service) DeleteApplication(ctx context.Context, call *aws.Call, in *api.DeleteApplicationInput) (*api.DeleteApplicationOutput, error) {
	return &api.DeleteApplicationOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, name := range groupsOf(tx, call, in.ApplicationName) {
			if err := groups.Delete(tx, groupARN(call, in.ApplicationName, name)); err != nil {
				return err
			}
		}
		return applications.Delete(tx, applicationARN(call, in.ApplicationName))
	})
}
