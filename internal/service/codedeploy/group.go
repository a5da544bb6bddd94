package codedeploy

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// groupsOf names the groups of an application.
func groupsOf(tx *store.Tx, call *aws.Call, app string) (names []string) {
	prefix := groupARN(call, app, "").Resource
	for arn := range groups.Scan(tx, call.ARN("codedeploy", "")) {
		if name, ok := strings.CutPrefix(arn.Resource, prefix); ok {
			names = append(names, name)
		}
	}
	return names
}

func scalingGroups(names []string) (out []api.AutoScalingGroup) {
	for _, name := range names {
		out = append(out, api.AutoScalingGroup{Name: &name})
	}
	return out
}

func errGroupExists(name string) error {
	return api.DeploymentGroupAlreadyExistsException.Errorf("Deployment group already exists with the same name: %s", name)
}

// CreateDeploymentGroup makes a group: how an application is deployed.
func (s *Service) CreateDeploymentGroup(ctx context.Context, call *aws.Call, in *api.CreateDeploymentGroupInput) (*api.CreateDeploymentGroupOutput, error) {
	id, arn := aws.NewRequestID(), groupNamed(call, in)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		app, err := findApplication(tx, call, in.ApplicationName)
		if err != nil {
			return err
		}
		has, err := groups.Has(tx, arn)
		if err != nil {
			return err
		}
		if has {
			return errGroupExists(in.DeploymentGroupName)
		}
		platform := aws.Value(app.Is.ComputePlatform)
		config := aws.Or(in.DeploymentConfigName, usualConfig(platform))
		if platform == api.ComputePlatformLambda {
			if _, err := findConfig(tx, call, config); err != nil {
				return err
			}
		}
		return groups.Put(tx, arn, group{Tags: tagMap(in.Tags), Is: api.DeploymentGroupInfo{
			ApplicationName: &in.ApplicationName, DeploymentGroupId: &id, DeploymentGroupName: &in.DeploymentGroupName, DeploymentConfigName: &config,
			ServiceRoleArn: &in.ServiceRoleArn, ComputePlatform: &platform, Ec2TagFilters: in.Ec2TagFilters, OnPremisesInstanceTagFilters: in.OnPremisesInstanceTagFilters,
			AutoScalingGroups: scalingGroups(in.AutoScalingGroups), TriggerConfigurations: in.TriggerConfigurations, AlarmConfiguration: in.AlarmConfiguration,
			AutoRollbackConfiguration: in.AutoRollbackConfiguration, OutdatedInstancesStrategy: in.OutdatedInstancesStrategy, DeploymentStyle: in.DeploymentStyle,
			BlueGreenDeploymentConfiguration: in.BlueGreenDeploymentConfiguration, LoadBalancerInfo: in.LoadBalancerInfo, Ec2TagSet: in.Ec2TagSet,
			EcsServices: in.EcsServices, OnPremisesTagSet: in.OnPremisesTagSet, TerminationHookEnabled: in.TerminationHookEnabled,
		}})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDeploymentGroupOutput{DeploymentGroupId: &id}, nil
}

// GetDeploymentGroup describes a group.
func (s *Service) GetDeploymentGroup(ctx context.Context, call *aws.Call, in *api.GetDeploymentGroupInput) (*api.GetDeploymentGroupOutput, error) {
	out := &api.GetDeploymentGroupOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, call, in.ApplicationName, in.DeploymentGroupName)
		out.DeploymentGroupInfo = &g.Is
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListDeploymentGroups lists the groups of an application.
func (s *Service) ListDeploymentGroups(ctx context.Context, call *aws.Call, in *api.ListDeploymentGroupsInput) (*api.ListDeploymentGroupsOutput, error) {
	out := &api.ListDeploymentGroupsOutput{ApplicationName: &in.ApplicationName}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		if _, err := findApplication(tx, call, in.ApplicationName); err != nil {
			return err
		}
		out.DeploymentGroups, out.NextToken = page(groupsOf(tx, call, in.ApplicationName), in.NextToken)
		return nil
	})
	return out, err
}

// replace sets what is there to what is given.
func replace[V any](to **V, given *V) {
	if given != nil {
		*to = given
	}
}

// UpdateDeploymentGroup changes of a group what the input says.
func (s *Service) UpdateDeploymentGroup(ctx context.Context, call *aws.Call, in *api.UpdateDeploymentGroupInput) (*api.UpdateDeploymentGroupOutput, error) {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, call, in.ApplicationName, in.CurrentDeploymentGroupName)
		if err != nil {
			return err
		}
		if in.DeploymentConfigName != nil && aws.Value(g.Is.ComputePlatform) == api.ComputePlatformLambda {
			if _, err := findConfig(tx, call, *in.DeploymentConfigName); err != nil {
				return err
			}
		}
		replace(&g.Is.DeploymentConfigName, in.DeploymentConfigName)
		replace(&g.Is.ServiceRoleArn, in.ServiceRoleArn)
		replace(&g.Is.AlarmConfiguration, in.AlarmConfiguration)
		replace(&g.Is.AutoRollbackConfiguration, in.AutoRollbackConfiguration)
		replace(&g.Is.OutdatedInstancesStrategy, in.OutdatedInstancesStrategy)
		replace(&g.Is.DeploymentStyle, in.DeploymentStyle)
		replace(&g.Is.BlueGreenDeploymentConfiguration, in.BlueGreenDeploymentConfiguration)
		replace(&g.Is.LoadBalancerInfo, in.LoadBalancerInfo)
		replace(&g.Is.Ec2TagSet, in.Ec2TagSet)
		replace(&g.Is.OnPremisesTagSet, in.OnPremisesTagSet)
		replace(&g.Is.TerminationHookEnabled, in.TerminationHookEnabled)
		if in.TriggerConfigurations != nil {
			g.Is.TriggerConfigurations = in.TriggerConfigurations
		}
		if in.Ec2TagFilters != nil {
			g.Is.Ec2TagFilters = in.Ec2TagFilters
		}
		if in.EcsServices != nil {
			g.Is.EcsServices = in.EcsServices
		}
		if in.AutoScalingGroups != nil {
			g.Is.AutoScalingGroups = scalingGroups(in.AutoScalingGroups)
		}
		if name := aws.Value(in.NewDeploymentGroupName); name != "" && name != in.CurrentDeploymentGroupName {
			if has, err := groups.Has(tx, groupARN(call, in.ApplicationName, name)); err != nil {
				return err
			} else if has {
				return errGroupExists(name)
			}
			if err := groups.Delete(tx, groupARN(call, in.ApplicationName, in.CurrentDeploymentGroupName)); err != nil {
				return err
			}
			g.Is.DeploymentGroupName = &name
		}
		return groups.Put(tx, groupARN(call, in.ApplicationName, *g.Is.DeploymentGroupName), g)
	})
	return &api.UpdateDeploymentGroupOutput{}, err
}

// DeleteDeploymentGroup deletes a group. That there is none is no failure.
func (s *Service) DeleteDeploymentGroup(ctx context.Context, call *aws.Call, in *api.DeleteDeploymentGroupInput) (*api.DeleteDeploymentGroupOutput, error) {
	return &api.DeleteDeploymentGroupOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error { return groups.Delete(tx, groupNamed(call, in)) })
}
