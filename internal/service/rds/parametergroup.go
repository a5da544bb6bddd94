package rds

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// createGroup makes a parameter group of either kind.
func (s *Service) createGroup(ctx context.Context, call *aws.Call, k *kind[parameterGroup], g parameterGroup) error {
	arn := k.arn(call, g.Name)
	if strings.HasPrefix(strings.ToLower(g.Name), "default.") {
		return bad("The parameter DBParameterGroupName is not a valid identifier. Names that begin with default. are reserved.")
	}
	known := slices.ContainsFunc(engines, func(e engine) bool { return strings.HasPrefix(g.Family, e.name) })
	if !known {
		return bad("ParameterGroupFamily %s is not a valid parameter group family", g.Family)
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if there, err := k.Has(tx, arn); err != nil || there {
			return errorOr(err, api.DBParameterGroupAlreadyExistsFault.Errorf("Parameter group %s already exists", g.Name))
		}
		return k.Put(tx, arn, g)
	})
}

// changeGroup changes the values of a parameter group, and of the databases that
// have it.
func (s *Service) changeGroup(ctx context.Context, call *aws.Call, k *kind[parameterGroup], name string, change func(map[string]api.Parameter) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		arn, g, err := k.find(tx, call, name)
		if err != nil {
			return err
		}
		g.Values = maps.Clone(g.Values)
		if g.Values == nil {
			g.Values = make(map[string]api.Parameter)
		}
		if err := change(g.Values); err != nil {
			return err
		}
		return k.Put(tx, arn, g)
	})
}

func setParameters(values map[string]api.Parameter, changes []api.Parameter) error {
	for _, p := range changes {
		if p.ParameterName == nil || p.ParameterValue == nil {
			return bad("The parameters ParameterName and ParameterValue must be provided and must not be blank.")
		}
		p.Source, p.IsModifiable = new("user"), new(true)
		values[*p.ParameterName] = p
	}
	return nil
}

func resetParameters(values map[string]api.Parameter, all *bool, changes []api.Parameter) error {
	if aws.Value(all) {
		clear(values)
	}
	for _, p := range changes {
		delete(values, aws.Value(p.ParameterName))
	}
	return nil
}

// deleteGroup removes a parameter group that no database has.
func (s *Service) deleteGroup(ctx context.Context, call *aws.Call, k *kind[parameterGroup], name string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		arn, g, err := k.find(tx, call, name)
		if err != nil {
			return err
		}
		used := api.InvalidDBParameterGroupStateFault.Errorf("One or more database instances are still members of this parameter group %s, so the group cannot be deleted", g.Name)
		for _, c := range clusters.of(tx, call) {
			if k.prefix == clusterParameterGroups.prefix && strings.EqualFold(*c.Is.DBClusterParameterGroup, g.Name) {
				return used
			}
		}
		for _, i := range instances.of(tx, call) {
			for _, of := range i.Is.DBParameterGroups {
				if k.prefix == parameterGroups.prefix && strings.EqualFold(*of.DBParameterGroupName, g.Name) {
					return used
				}
			}
		}
		return k.Delete(tx, arn)
	})
}

// listGroups returns a parameter group, or all, and where the next page begins.
func (s *Service) listGroups(ctx context.Context, call *aws.Call, k *kind[parameterGroup], name *string, most *int32, marker *string) (all []parameterGroup, next *string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		if name != nil {
			_, g, err := k.find(tx, call, *name)
			all = append(all, g)
			return err
		}
		for _, g := range k.of(tx, call) {
			all = append(all, g)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, nil, err
	}
	all, next = page(all, most, marker, func(g *parameterGroup) string { return g.Name })
	return all, next, nil
}

// parametersOf returns the parameters of a group that were set. A default group has none.
func (s *Service) parametersOf(ctx context.Context, call *aws.Call, k *kind[parameterGroup], name string) ([]api.Parameter, error) {
	out := []api.Parameter{}
	if strings.HasPrefix(name, "default.") {
		return out, nil
	}
	all, _, err := s.listGroups(ctx, call, k, &name, nil, nil)
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(all[0].Values)) {
		out = append(out, all[0].Values[key])
	}
	return out, nil
}

// settingsOf are the values of a parameter group for a server; nil of a default one.
func settingsOf(tx *store.Tx, call *aws.Call, k *kind[parameterGroup], name *string) (map[string]string, error) {
	if name == nil || strings.HasPrefix(*name, "default.") {
		return nil, nil
	}
	_, g, err := k.find(tx, call, *name)
	out := make(map[string]string)
	for key, p := range g.Values {
		out[key] = aws.Value(p.ParameterValue)
	}
	return out, err
}

func clusterSettings(tx *store.Tx, call *aws.Call, name *string) (map[string]string, error) {
	return settingsOf(tx, call, &clusterParameterGroups, name)
}

func instanceSettings(tx *store.Tx, call *aws.Call, name *string) (map[string]string, error) {
	return settingsOf(tx, call, &parameterGroups, name)
}

func (g *parameterGroup) describe(call *aws.Call) api.DBParameterGroup {
	return api.DBParameterGroup{DBParameterGroupName: &g.Name, DBParameterGroupFamily: &g.Family, Description: &g.Description, DBParameterGroupArn: new(parameterGroups.arn(call, g.Name).String())}
}

func (g *parameterGroup) describeCluster(call *aws.Call) api.DBClusterParameterGroup {
	return api.DBClusterParameterGroup{
		DBClusterParameterGroupName: &g.Name, DBParameterGroupFamily: &g.Family, Description: &g.Description, DBClusterParameterGroupArn: new(clusterParameterGroups.arn(call, g.Name).String()),
	}
}

// CreateDBParameterGroup makes a parameter group for instances.
func (s *Service) CreateDBParameterGroup(ctx context.Context, call *aws.Call, in *api.CreateDBParameterGroupInput) (*api.CreateDBParameterGroupOutput, error) {
	g := parameterGroup{Name: strings.ToLower(in.DBParameterGroupName), Family: in.DBParameterGroupFamily, Description: in.Description, Tags: tagged(nil, in.Tags)}
	return &api.CreateDBParameterGroupOutput{DBParameterGroup: new(g.describe(call))}, s.createGroup(ctx, call, &parameterGroups, g)
}

// ModifyDBParameterGroup sets parameters.
func (s *Service) ModifyDBParameterGroup(ctx context.Context, call *aws.Call, in *api.ModifyDBParameterGroupInput) (*api.ModifyDBParameterGroupOutput, error) {
	err := s.changeGroup(ctx, call, &parameterGroups, in.DBParameterGroupName, func(v map[string]api.Parameter) error { return setParameters(v, in.Parameters) })
	return &api.ModifyDBParameterGroupOutput{DBParameterGroupName: &in.DBParameterGroupName}, err
}

// ResetDBParameterGroup forgets parameters that were set.
func (s *Service) ResetDBParameterGroup(ctx context.Context, call *aws.Call, in *api.ResetDBParameterGroupInput) (*api.ResetDBParameterGroupOutput, error) {
	err := s.changeGroup(ctx, call, &parameterGroups, in.DBParameterGroupName, func(v map[string]api.Parameter) error {
		return resetParameters(v, in.ResetAllParameters, in.Parameters)
	})
	return &api.ResetDBParameterGroupOutput{DBParameterGroupName: &in.DBParameterGroupName}, err
}

// DeleteDBParameterGroup removes a parameter group.
func (s *Service) DeleteDBParameterGroup(ctx context.Context, call *aws.Call, in *api.DeleteDBParameterGroupInput) (*api.DeleteDBParameterGroupOutput, error) {
	return &api.DeleteDBParameterGroupOutput{}, s.deleteGroup(ctx, call, &parameterGroups, in.DBParameterGroupName)
}

// DescribeDBParameterGroups describes parameter groups.
func (s *Service) DescribeDBParameterGroups(ctx context.Context, call *aws.Call, in *api.DescribeDBParameterGroupsInput) (*api.DescribeDBParameterGroupsOutput, error) {
	all, next, err := s.listGroups(ctx, call, &parameterGroups, in.DBParameterGroupName, in.MaxRecords, in.Marker)
	out := &api.DescribeDBParameterGroupsOutput{DBParameterGroups: []api.DBParameterGroup{}, Marker: next}
	for _, g := range all {
		out.DBParameterGroups = append(out.DBParameterGroups, g.describe(call))
	}
	return out, err
}

// DescribeDBParameters lists the parameters of a group.
func (s *Service) DescribeDBParameters(ctx context.Context, call *aws.Call, in *api.DescribeDBParametersInput) (*api.DescribeDBParametersOutput, error) {
	all, err := s.parametersOf(ctx, call, &parameterGroups, in.DBParameterGroupName)
	return &api.DescribeDBParametersOutput{Parameters: all}, err
}

// CreateDBClusterParameterGroup makes a parameter group for clusters.
func (s *Service) CreateDBClusterParameterGroup(ctx context.Context, call *aws.Call, in *api.CreateDBClusterParameterGroupInput) (*api.CreateDBClusterParameterGroupOutput, error) {
	g := parameterGroup{Name: strings.ToLower(in.DBClusterParameterGroupName), Family: in.DBParameterGroupFamily, Description: in.Description, Tags: tagged(nil, in.Tags)}
	return &api.CreateDBClusterParameterGroupOutput{DBClusterParameterGroup: new(g.describeCluster(call))}, s.createGroup(ctx, call, &clusterParameterGroups, g)
}

// ModifyDBClusterParameterGroup sets parameters.
func (s *Service) ModifyDBClusterParameterGroup(ctx context.Context, call *aws.Call, in *api.ModifyDBClusterParameterGroupInput) (*api.ModifyDBClusterParameterGroupOutput, error) {
	err := s.changeGroup(ctx, call, &clusterParameterGroups, in.DBClusterParameterGroupName, func(v map[string]api.Parameter) error { return setParameters(v, in.Parameters) })
	return &api.ModifyDBClusterParameterGroupOutput{DBClusterParameterGroupName: &in.DBClusterParameterGroupName}, err
}

// ResetDBClusterParameterGroup forgets parameters that were set.
func (s *Service) ResetDBClusterParameterGroup(ctx context.Context, call *aws.Call, in *api.ResetDBClusterParameterGroupInput) (*api.ResetDBClusterParameterGroupOutput, error) {
	err := s.changeGroup(ctx, call, &clusterParameterGroups, in.DBClusterParameterGroupName, func(v map[string]api.Parameter) error {
		return resetParameters(v, in.ResetAllParameters, in.Parameters)
	})
	return &api.ResetDBClusterParameterGroupOutput{DBClusterParameterGroupName: &in.DBClusterParameterGroupName}, err
}

// DeleteDBClusterParameterGroup removes a parameter group.
func (s *Service) DeleteDBClusterParameterGroup(ctx context.Context, call *aws.Call, in *api.DeleteDBClusterParameterGroupInput) (*api.DeleteDBClusterParameterGroupOutput, error) {
	return &api.DeleteDBClusterParameterGroupOutput{}, s.deleteGroup(ctx, call, &clusterParameterGroups, in.DBClusterParameterGroupName)
}

// DescribeDBClusterParameterGroups describes parameter groups.
func (s *Service) DescribeDBClusterParameterGroups(ctx context.Context, call *aws.Call, in *api.DescribeDBClusterParameterGroupsInput) (*api.DescribeDBClusterParameterGroupsOutput, error) {
	all, next, err := s.listGroups(ctx, call, &clusterParameterGroups, in.DBClusterParameterGroupName, in.MaxRecords, in.Marker)
	out := &api.DescribeDBClusterParameterGroupsOutput{DBClusterParameterGroups: []api.DBClusterParameterGroup{}, Marker: next}
	for _, g := range all {
		out.DBClusterParameterGroups = append(out.DBClusterParameterGroups, g.describeCluster(call))
	}
	return out, err
}

// DescribeDBClusterParameters lists the parameters of a group.
func (s *Service) DescribeDBClusterParameters(ctx context.Context, call *aws.Call, in *api.DescribeDBClusterParametersInput) (*api.DescribeDBClusterParametersOutput, error) {
	all, err := s.parametersOf(ctx, call, &clusterParameterGroups, in.DBClusterParameterGroupName)
	return &api.DescribeDBClusterParametersOutput{Parameters: all}, err
}
