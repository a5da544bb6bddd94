package appconfig

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func predefinedStrategy(name, description, growth string, factor float32, lasts, bakes int32) api.DeploymentStrategy {
	id := "AppConfig." + name
	return api.DeploymentStrategy{
		Id: &id, Name: &id, Description: &description, GrowthType: &growth, GrowthFactor: &factor,
		DeploymentDurationInMinutes: &lasts, FinalBakeTimeInMinutes: &bakes, ReplicateTo: new(api.ReplicateToNone),
	}
}

// predefined are the strategies that every account has.
var predefined = func() map[string]api.DeploymentStrategy {
	all := make(map[string]api.DeploymentStrategy)
	for _, is := range []api.DeploymentStrategy{
		predefinedStrategy("AllAtOnce", "Quick", api.GrowthTypeLinear, 100, 0, 10),
		predefinedStrategy("Linear50PercentEvery30Seconds", "Test/Demo", api.GrowthTypeLinear, 50, 1, 1),
		predefinedStrategy("Canary10Percent20Minutes", "AWS Recommended", api.GrowthTypeExponential, 10, 20, 10),
		predefinedStrategy("Linear20PercentEvery6Minutes", "AWS Recommended", api.GrowthTypeLinear, 20, 30, 30),
	} {
		all[*is.Id] = is
	}
	return all
}()

// steps are the percentages that a deployment goes through, one after another
// in equal times; the last is 100.
func steps(is *api.DeploymentStrategy) (out []float32) {
	factor := float64(aws.Or(is.GrowthFactor, 100))
	for n := 0; ; n++ {
		percent := factor * float64(n+1)
		if aws.Value(is.GrowthType) == api.GrowthTypeExponential {
			percent = factor * math.Pow(2, float64(n))
		}
		if percent >= 100 || aws.Value(is.DeploymentDurationInMinutes) == 0 {
			return append(out, 100)
		}
		out = append(out, float32(percent))
	}
}

// findStrategy returns a strategy, or a refusal if there is no such.
func findStrategy(tx *store.Tx, call *aws.Call, id string) (api.DeploymentStrategy, error) {
	if is, ok := predefined[id]; ok {
		return is, nil
	}
	r, err := find(tx, strategies, strategyARN(call, id), aStrategy)
	return r.Is, err
}

// CreateDeploymentStrategy makes a deployment strategy.
func (s *Service) CreateDeploymentStrategy(ctx context.Context, call *aws.Call, in *api.CreateDeploymentStrategyInput) (*api.CreateDeploymentStrategyOutput, error) {
	if aws.Value(in.ReplicateTo) == api.ReplicateToSsmDocument {
		return nil, aws.NotImplemented.Errorf("Aloft does not have documents of Systems Manager yet.")
	}
	id := newID()
	return add(ctx, s.DB, strategies, strategyARN(call, id), api.DeploymentStrategy{
		Id: &id, Name: &in.Name, Description: in.Description, DeploymentDurationInMinutes: &in.DeploymentDurationInMinutes,
		GrowthType: new(aws.Or(in.GrowthType, api.GrowthTypeLinear)), GrowthFactor: &in.GrowthFactor,
		FinalBakeTimeInMinutes: new(aws.Value(in.FinalBakeTimeInMinutes)), ReplicateTo: new(api.ReplicateToNone),
	}, in.Tags, nil)
}

// GetDeploymentStrategy returns a deployment strategy.
func (s *Service) GetDeploymentStrategy(ctx context.Context, call *aws.Call, in *api.GetDeploymentStrategyInput) (*api.GetDeploymentStrategyOutput, error) {
	var is api.DeploymentStrategy
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		is, err = findStrategy(tx, call, in.DeploymentStrategyId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &is, nil
}

// ListDeploymentStrategies lists deployment strategies: those of AWS first.
func (s *Service) ListDeploymentStrategies(ctx context.Context, call *aws.Call, in *api.ListDeploymentStrategiesInput) (*api.ListDeploymentStrategiesOutput, error) {
	out := &api.ListDeploymentStrategiesOutput{Items: []api.DeploymentStrategy{}}
	if in.NextToken == nil {
		for _, id := range slices.Sorted(maps.Keys(predefined)) {
			out.Items = append(out.Items, predefined[id])
		}
	}
	var err error
	out.NextToken, err = listed(ctx, s.DB, strategies, strategyARN(call, ""), in.NextToken, in.MaxResults,
		func(d *api.DeploymentStrategy) *string { return d.Id }, func(d *api.DeploymentStrategy) { out.Items = append(out.Items, *d) })
	return out, err
}

// checkOwn refuses to change a strategy of AWS.
func checkOwn(id string) error {
	if strings.HasPrefix(id, "AppConfig.") {
		return invalid("Predefined deployment strategy %s cannot be changed.", id)
	}
	return nil
}

// UpdateDeploymentStrategy changes a deployment strategy.
func (s *Service) UpdateDeploymentStrategy(ctx context.Context, call *aws.Call, in *api.UpdateDeploymentStrategyInput) (*api.UpdateDeploymentStrategyOutput, error) {
	if err := checkOwn(in.DeploymentStrategyId); err != nil {
		return nil, err
	}
	return change(ctx, s.DB, strategies, strategyARN(call, in.DeploymentStrategyId), aStrategy, func(d *api.DeploymentStrategy) {
		set(&d.Description, in.Description)
		set(&d.DeploymentDurationInMinutes, in.DeploymentDurationInMinutes)
		set(&d.FinalBakeTimeInMinutes, in.FinalBakeTimeInMinutes)
		set(&d.GrowthFactor, in.GrowthFactor)
		set(&d.GrowthType, in.GrowthType)
	})
}

// DeleteDeploymentStrategy deletes a deployment strategy.
func (s *Service) DeleteDeploymentStrategy(ctx context.Context, call *aws.Call, in *api.DeleteDeploymentStrategyInput) (*api.DeleteDeploymentStrategyOutput, error) {
	if err := checkOwn(in.DeploymentStrategyId); err != nil {
		return nil, err
	}
	arn := strategyARN(call, in.DeploymentStrategyId)
	return &api.DeleteDeploymentStrategyOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, strategies, arn, aStrategy); err != nil {
			return err
		}
		return strategies.Delete(tx, arn)
	})
}
