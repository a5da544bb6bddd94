package codedeploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const ofAWS = "CodeDeployDefault."

// predefined are the configurations of functions that every account has.
var predefined = func() map[string]api.DeploymentConfigInfo {
	all := make(map[string]api.DeploymentConfigInfo)
	add := func(name string, routing *api.TrafficRoutingConfig) {
		name = ofAWS + "Lambda" + name
		all[name] = api.DeploymentConfigInfo{DeploymentConfigName: &name, ComputePlatform: new(api.ComputePlatformLambda), TrafficRoutingConfig: routing}
	}
	add("AllAtOnce", &api.TrafficRoutingConfig{Type: new(api.TrafficRoutingTypeAllAtOnce)})
	for _, minutes := range []int32{5, 10, 15, 30} {
		add(fmt.Sprintf("Canary10Percent%dMinutes", minutes), &api.TrafficRoutingConfig{
			Type: new(api.TrafficRoutingTypeTimeBasedCanary), TimeBasedCanary: &api.TimeBasedCanary{CanaryPercentage: new(int32(10)), CanaryInterval: &minutes},
		})
	}
	for _, minutes := range []int32{1, 2, 3, 10} {
		unit := "Minutes"
		if minutes == 1 {
			unit = "Minute"
		}
		add(fmt.Sprintf("Linear10PercentEvery%d%s", minutes, unit), &api.TrafficRoutingConfig{
			Type: new(api.TrafficRoutingTypeTimeBasedLinear), TimeBasedLinear: &api.TimeBasedLinear{LinearPercentage: new(int32(10)), LinearInterval: &minutes},
		})
	}
	return all
}()

// usualConfig is how a platform is deployed to if nothing is said.
func usualConfig(platform string) string {
	switch platform {
	case api.ComputePlatformLambda:
		return ofAWS + "LambdaAllAtOnce"
	case api.ComputePlatformEcs:
		return ofAWS + "ECSAllAtOnce"
	}
	return ofAWS + "OneAtATime"
}

// moves are the weights that a target gets, one after another, and the time
// between two of them.
func moves(c *api.DeploymentConfigInfo) (weights []float64, every time.Duration) {
	r := aws.Value(c.TrafficRoutingConfig)
	switch aws.Value(r.Type) {
	case api.TrafficRoutingTypeTimeBasedCanary:
		return []float64{float64(aws.Value(r.TimeBasedCanary.CanaryPercentage)) / 100, 1}, time.Duration(aws.Value(r.TimeBasedCanary.CanaryInterval)) * time.Minute
	case api.TrafficRoutingTypeTimeBasedLinear:
		step := aws.Value(r.TimeBasedLinear.LinearPercentage)
		for percent := step; percent < 100; percent += step {
			weights = append(weights, float64(percent)/100)
		}
		return append(weights, 1), time.Duration(aws.Value(r.TimeBasedLinear.LinearInterval)) * time.Minute
	}
	return []float64{1}, 0
}

func checkRouting(r *api.TrafficRoutingConfig) error {
	bad := func(percent, interval *int32) bool {
		return percent == nil || *percent < 1 || *percent > 99 || interval == nil || *interval < 1
	}
	switch {
	case r == nil || r.Type == nil:
		return api.InvalidTrafficRoutingConfigurationException.Errorf("A traffic routing configuration must be specified for the Lambda compute platform.")
	case *r.Type == api.TrafficRoutingTypeTimeBasedCanary && (r.TimeBasedCanary == nil || bad(r.TimeBasedCanary.CanaryPercentage, r.TimeBasedCanary.CanaryInterval)),
		*r.Type == api.TrafficRoutingTypeTimeBasedLinear && (r.TimeBasedLinear == nil || bad(r.TimeBasedLinear.LinearPercentage, r.TimeBasedLinear.LinearInterval)):
		return api.InvalidTrafficRoutingConfigurationException.Errorf("The percentage must be between 1 and 99, and the interval at least 1 minute.")
	}
	return nil
}

// CreateDeploymentConfig makes a configuration: how fast traffic moves.
func (s *Service) CreateDeploymentConfig(ctx context.Context, call *aws.Call, in *api.CreateDeploymentConfigInput) (*api.CreateDeploymentConfigOutput, error) {
	if strings.HasPrefix(in.DeploymentConfigName, ofAWS) {
		return nil, api.InvalidDeploymentConfigNameException.Errorf("Deployment configuration names cannot begin with %s", ofAWS)
	}
	platform := aws.Or(in.ComputePlatform, api.ComputePlatformServer)
	if platform == api.ComputePlatformLambda {
		if err := checkRouting(in.TrafficRoutingConfig); err != nil {
			return nil, err
		}
	}
	id, arn := aws.NewRequestID(), configNamed(call, in)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		has, err := configs.Has(tx, arn)
		if err != nil {
			return err
		}
		if has {
			return api.DeploymentConfigAlreadyExistsException.Errorf("Deployment configuration already exists with the same name: %s", in.DeploymentConfigName)
		}
		return configs.Put(tx, arn, api.DeploymentConfigInfo{
			DeploymentConfigId: &id, DeploymentConfigName: &in.DeploymentConfigName, MinimumHealthyHosts: in.MinimumHealthyHosts, CreateTime: new(time.Now()),
			ComputePlatform: &platform, TrafficRoutingConfig: in.TrafficRoutingConfig, ZonalConfig: in.ZonalConfig,
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDeploymentConfigOutput{DeploymentConfigId: &id}, nil
}

// GetDeploymentConfig describes a configuration.
func (s *Service) GetDeploymentConfig(ctx context.Context, call *aws.Call, in *api.GetDeploymentConfigInput) (*api.GetDeploymentConfigOutput, error) {
	out := &api.GetDeploymentConfigOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		is, err := findConfig(tx, call, in.DeploymentConfigName)
		out.DeploymentConfigInfo = &is
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListDeploymentConfigs lists configurations, those of AWS too.
func (s *Service) ListDeploymentConfigs(ctx context.Context, call *aws.Call, in *api.ListDeploymentConfigsInput) (*api.ListDeploymentConfigsOutput, error) {
	out := &api.ListDeploymentConfigsOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		names := slices.Collect(maps.Keys(predefined))
		for arn := range configs.Scan(tx, call.ARN("codedeploy", "")) {
			names = append(names, strings.TrimPrefix(arn.Resource, "deploymentconfig:"))
		}
		slices.Sort(names)
		out.DeploymentConfigsList, out.NextToken = page(names, in.NextToken)
		return nil
	})
	return out, err
}

// DeleteDeploymentConfig deletes a configuration that no group has.
func (s *Service) DeleteDeploymentConfig(ctx context.Context, call *aws.Call, in *api.DeleteDeploymentConfigInput) (*api.DeleteDeploymentConfigOutput, error) {
	if strings.HasPrefix(in.DeploymentConfigName, ofAWS) {
		return nil, api.InvalidOperationException.Errorf("Cannot delete default deployment configuration: %s", in.DeploymentConfigName)
	}
	return &api.DeleteDeploymentConfigOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, g := range groups.Scan(tx, call.ARN("codedeploy", "")) {
			if aws.Value(g.Is.DeploymentConfigName) == in.DeploymentConfigName {
				return api.DeploymentConfigInUseException.Errorf("Deployment configuration: %s, is currently in use by one or more deployment groups", in.DeploymentConfigName)
			}
		}
		return configs.Delete(tx, configNamed(call, in))
	})
}
