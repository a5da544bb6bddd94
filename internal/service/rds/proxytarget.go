package rds

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// checkTargetGroup refuses target groups that no proxy has.
func checkTargetGroup(name *string) error {
	if name != nil && *name != "default" {
		return api.DBProxyTargetGroupNotFoundFault.Errorf("The target group %s doesn't exist.", *name)
	}
	return nil
}

// RegisterDBProxyTargets has a proxy lead to a database.
func (s *Service) RegisterDBProxyTargets(ctx context.Context, call *aws.Call, in *api.RegisterDBProxyTargetsInput) (*api.RegisterDBProxyTargetsOutput, error) {
	if err := checkTargetGroup(in.TargetGroupName); err != nil {
		return nil, err
	}
	if len(in.DBClusterIdentifiers)+len(in.DBInstanceIdentifiers) != 1 {
		return nil, invalidCombination.Errorf("Exactly one DB instance or DB cluster must be specified.")
	}
	out := new(api.RegisterDBProxyTargetsOutput)
	_, err := s.changeProxy(ctx, call, in.DBProxyName, func(tx *store.Tx, _ aws.ARN, p *proxy) error {
		var b base
		var arn aws.ARN
		for _, id := range in.DBClusterIdentifiers {
			at, c, err := clusters.find(tx, call, id)
			if err != nil {
				return err
			}
			arn, b = at, c.Base
		}
		for _, id := range in.DBInstanceIdentifiers {
			at, i, err := instances.find(tx, call, id)
			if err != nil {
				return err
			}
			arn, b = at, i.Base
		}
		if e, err := findEngine(b.Engine); err != nil || e.family != *p.Is.EngineFamily {
			return errorOr(err, bad("The engine %s of the target is not of the proxy's engine family %s.", b.Engine, *p.Is.EngineFamily))
		}
		if p.Target != (aws.ARN{}) {
			return api.DBProxyTargetAlreadyRegisteredFault.Errorf("The proxy %s has a target already: %s.", *p.Is.DBProxyName, nameOf(p.Target))
		}
		p.Target = arn
		var err error
		out.DBProxyTargets, err = targetsOf(tx, p)
		return err
	})
	return out, err
}

// DeregisterDBProxyTargets has a proxy lead nowhere.
func (s *Service) DeregisterDBProxyTargets(ctx context.Context, call *aws.Call, in *api.DeregisterDBProxyTargetsInput) (*api.DeregisterDBProxyTargetsOutput, error) {
	if err := checkTargetGroup(in.TargetGroupName); err != nil {
		return nil, err
	}
	_, err := s.changeProxy(ctx, call, in.DBProxyName, func(_ *store.Tx, _ aws.ARN, p *proxy) error {
		drop := func(prefix string, ids []string) error {
			for _, id := range ids {
				if p.Target.Resource != prefix+strings.ToLower(id) {
					return api.DBProxyTargetNotFoundFault.Errorf("The target %s isn't registered with the proxy %s.", id, *p.Is.DBProxyName)
				}
				p.Target = aws.ARN{}
			}
			return nil
		}
		return errorOr(drop(clusters.prefix, in.DBClusterIdentifiers), drop(instances.prefix, in.DBInstanceIdentifiers))
	})
	return &api.DeregisterDBProxyTargetsOutput{}, err
}

// targetsOf are the targets of a proxy, as answers show them: a cluster, and its instances.
func targetsOf(tx *store.Tx, p *proxy) ([]api.DBProxyTarget, error) {
	out := []api.DBProxyTarget{}
	health := func(is bool) *api.TargetHealth {
		if is {
			return &api.TargetHealth{State: new(api.TargetStateAvailable)}
		}
		return &api.TargetHealth{State: new(api.TargetStateUnavailable), Reason: new(api.TargetHealthReasonUnreachable), Description: new("The database takes no connections.")}
	}
	instance := func(i *instance, port int32, role string) {
		t := api.DBProxyTarget{
			RdsResourceId: i.Is.DBInstanceIdentifier, Port: &port, Type: new(api.TargetTypeRdsInstance), Role: &role, TrackedClusterId: i.Is.DBClusterIdentifier,
			TargetHealth: health(*i.Is.DBInstanceStatus == available),
		}
		if i.Is.Endpoint != nil {
			t.Endpoint = i.Is.Endpoint.Address
		}
		out = append(out, t)
	}
	if strings.HasPrefix(p.Target.Resource, clusters.prefix) {
		c, err := clusters.Get(tx, p.Target)
		if errors.Is(err, store.ErrNotFound) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, api.DBProxyTarget{
			RdsResourceId: c.Is.DBClusterIdentifier, Port: &c.Base.Port, Type: new(api.TargetTypeTrackedCluster), TargetHealth: health(*c.Is.Status == available),
		})
		role := api.TargetRoleReadWrite
		for _, i := range members(tx, p.Target, &c) {
			instance(&i, c.Base.Port, role)
			role = api.TargetRoleReadOnly
		}
		return out, tx.Err()
	}
	i, err := instances.Get(tx, p.Target)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	instance(&i, i.Base.Port, api.TargetRoleReadWrite)
	return out, nil
}

// DescribeDBProxyTargets lists the targets of a proxy.
func (s *Service) DescribeDBProxyTargets(ctx context.Context, call *aws.Call, in *api.DescribeDBProxyTargetsInput) (*api.DescribeDBProxyTargetsOutput, error) {
	if err := checkTargetGroup(in.TargetGroupName); err != nil {
		return nil, err
	}
	out := new(api.DescribeDBProxyTargetsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, p, err := proxies.find(tx, call, in.DBProxyName)
		if err != nil {
			return err
		}
		out.Targets, err = targetsOf(tx, &p)
		return err
	})
	return out, err
}

// DescribeDBProxyTargetGroups lists the target groups of a proxy: one.
func (s *Service) DescribeDBProxyTargetGroups(ctx context.Context, call *aws.Call, in *api.DescribeDBProxyTargetGroupsInput) (*api.DescribeDBProxyTargetGroupsOutput, error) {
	if err := checkTargetGroup(in.TargetGroupName); err != nil {
		return nil, err
	}
	all, err := listOf(ctx, s, call, &proxies, &in.DBProxyName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeDBProxyTargetGroupsOutput{TargetGroups: []api.DBProxyTargetGroup{all[0].Group}}, nil
}

// ModifyDBProxyTargetGroup changes how a proxy is to pool connections.
func (s *Service) ModifyDBProxyTargetGroup(ctx context.Context, call *aws.Call, in *api.ModifyDBProxyTargetGroupInput) (*api.ModifyDBProxyTargetGroupOutput, error) {
	if err := checkTargetGroup(&in.TargetGroupName); err != nil {
		return nil, err
	}
	if c := in.ConnectionPoolConfig; c != nil && aws.Value(c.InitQuery) != "" {
		return nil, notYet("statements that proxies run first")
	}
	p, err := s.changeProxy(ctx, call, in.DBProxyName, func(_ *store.Tx, _ aws.ARN, p *proxy) error {
		p.Group.ConnectionPoolConfig = poolOf(p.Group.ConnectionPoolConfig, in.ConnectionPoolConfig)
		p.Group.UpdatedDate = new(time.Now().Truncate(time.Millisecond))
		return nil
	})
	return &api.ModifyDBProxyTargetGroupOutput{DBProxyTargetGroup: &p.Group}, err
}
