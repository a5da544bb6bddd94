package codedeploy

import (
	"context"
	"log/slog"

	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what CodeDeploy needs of the platform.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Sessions *dispatch.Sessions
	Log      *slog.Logger
}

// Service is CodeDeploy.
type Service struct {
	Config
	bell task.Bell // rung when a deployment may have something to do
}

// New returns CodeDeploy.
func New(cfg Config) *Service { return &Service{Config: cfg, bell: task.NewBell()} }

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.Op(api.CreateApplication, s.CreateApplication, appNamed[*api.CreateApplicationInput]).But("Those of servers and of ECS are kept, and nothing is deployed to them."),
			service.Op(api.GetApplication, s.GetApplication, appNamed[*api.GetApplicationInput]),
			service.Op(api.ListApplications, s.ListApplications, service.Any),
			service.Op(api.DeleteApplication, s.DeleteApplication, appNamed[*api.DeleteApplicationInput]),

			service.OpEach(api.CreateDeploymentGroup, s.CreateDeploymentGroup, mayCreateGroup).But("Triggers are kept; nobody is told. Those of servers and of ECS are kept, and nothing is deployed to them."),
			service.Op(api.GetDeploymentGroup, s.GetDeploymentGroup, groupNamed[*api.GetDeploymentGroupInput]),
			service.Op(api.ListDeploymentGroups, s.ListDeploymentGroups, appNamed[*api.ListDeploymentGroupsInput]),
			service.OpEach(api.UpdateDeploymentGroup, s.UpdateDeploymentGroup, mayUpdateGroup),
			service.Op(api.DeleteDeploymentGroup, s.DeleteDeploymentGroup, groupNamed[*api.DeleteDeploymentGroupInput]),

			service.Op(api.CreateDeploymentConfig, s.CreateDeploymentConfig, configNamed[*api.CreateDeploymentConfigInput]),
			service.Op(api.GetDeploymentConfig, s.GetDeploymentConfig, configNamed[*api.GetDeploymentConfigInput]).But("Of those of AWS there are those of functions."),
			service.Op(api.ListDeploymentConfigs, s.ListDeploymentConfigs, service.Any),
			service.Op(api.DeleteDeploymentConfig, s.DeleteDeploymentConfig, configNamed[*api.DeleteDeploymentConfigInput]),

			service.Op(api.CreateDeployment, s.CreateDeployment, ofDeployment).But("Functions alone are deployed. Notifications are not sent, and a deployment that fails is taken back by itself, not by another."),
			service.Op(api.GetDeployment, s.GetDeployment, service.Any),
			service.Op(api.ListDeployments, s.ListDeployments, service.Any),
			service.Op(api.StopDeployment, s.StopDeployment, service.Any),
			service.Op(api.GetDeploymentTarget, s.GetDeploymentTarget, service.Any),
			service.Op(api.ListDeploymentTargets, s.ListDeploymentTargets, service.Any),
			service.Op(api.PutLifecycleEventHookExecutionStatus, s.PutLifecycleEventHookExecutionStatus, service.Any),

			service.Op(api.TagResource, s.TagResource, service.ResourceArn[*api.TagResourceInput]),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn[*api.UntagResourceInput]),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn[*api.ListTagsForResourceInput]),
		},
		Tasks: []task.Task{{Name: "codedeploy/deploy", Run: s.run, Bell: s.bell}},
	}
}

func appNamed[In interface{ GetApplicationName() string }](call *aws.Call, in In) aws.ARN {
	return applicationARN(call, in.GetApplicationName())
}

func groupNamed[In interface {
	GetApplicationName() string
	GetDeploymentGroupName() string
}](call *aws.Call, in In) aws.ARN {
	return groupARN(call, in.GetApplicationName(), in.GetDeploymentGroupName())
}

func configNamed[In interface{ GetDeploymentConfigName() string }](call *aws.Call, in In) aws.ARN {
	return configARN(call, in.GetDeploymentConfigName())
}

func ofDeployment(call *aws.Call, in *api.CreateDeploymentInput) aws.ARN {
	return groupARN(call, in.ApplicationName, aws.Value(in.DeploymentGroupName))
}

func mayCreateGroup(call *aws.Call, in *api.CreateDeploymentGroupInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "codedeploy:CreateDeploymentGroup", Resource: groupNamed(call, in)}); err != nil {
		return err
	}
	return check(auth.PassRole(in.ServiceRoleArn, "codedeploy"))
}

func mayUpdateGroup(call *aws.Call, in *api.UpdateDeploymentGroupInput, check func(service.Access) error) error {
	resource := groupARN(call, in.ApplicationName, in.CurrentDeploymentGroupName)
	if err := check(service.Access{Action: "codedeploy:UpdateDeploymentGroup", Resource: resource}); err != nil || in.ServiceRoleArn == nil {
		return err
	}
	return check(auth.PassRole(*in.ServiceRoleArn, "codedeploy"))
}

// as is a call that the role of a deployment makes.
func (s *Service) as(ctx context.Context, arn aws.ARN, role string) (*aws.Call, error) {
	by := aws.ServiceCall("codedeploy", arn)
	session, err := s.Sessions.Assume(ctx, by, role)
	if err != nil {
		return nil, err
	}
	return session.Call(by), nil
}

// page returns the names after a token that fit on a page, and the token of the rest.
func page(names []string, token *string) (out []string, next *string) {
	const most = 100
	out = []string{}
	for _, name := range names {
		if token != nil && name <= *token {
			continue
		}
		if len(out) == most {
			return out, &out[most-1]
		}
		out = append(out, name)
	}
	return out, nil
}
