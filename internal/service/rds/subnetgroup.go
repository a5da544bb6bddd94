package rds

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// subnets are those of a group as answers show them, one after another in the
// region's zones.
func subnets(call *aws.Call, ids []string) []api.Subnet {
	out := []api.Subnet{}
	for n, id := range ids {
		zone := call.Region + string(rune('a'+n%3))
		out = append(out, api.Subnet{SubnetIdentifier: &id, SubnetAvailabilityZone: &api.AvailabilityZone{Name: &zone}, SubnetStatus: new("Active")})
	}
	return out
}

// CreateDBSubnetGroup makes a subnet group.
func (s *Service) CreateDBSubnetGroup(ctx context.Context, call *aws.Call, in *api.CreateDBSubnetGroupInput) (*api.CreateDBSubnetGroupOutput, error) {
	name := strings.ToLower(in.DBSubnetGroupName)
	arn := subnetGroups.arn(call, name)
	if name == "default" {
		return nil, bad("The parameter DBSubnetGroupName is not a valid identifier: default is reserved.")
	}
	g := subnetGroup{Tags: tagged(nil, in.Tags), Is: api.DBSubnetGroup{
		DBSubnetGroupName: &name, DBSubnetGroupDescription: &in.DBSubnetGroupDescription, VpcId: new("vpc-0"), SubnetGroupStatus: new("Complete"),
		Subnets: subnets(call, in.SubnetIds), DBSubnetGroupArn: new(arn.String()), SupportedNetworkTypes: []string{"IPV4"},
	}}
	if len(in.SubnetIds) < 2 {
		return nil, api.DBSubnetGroupDoesNotCoverEnoughAZs.Errorf("The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: %sa. Add subnets to cover at least 2 AZs.", call.Region)
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if there, err := subnetGroups.Has(tx, arn); err != nil || there {
			return errorOr(err, api.DBSubnetGroupAlreadyExistsFault.Errorf("The DB subnet group '%s' already exists.", name))
		}
		return subnetGroups.Put(tx, arn, g)
	})
	return &api.CreateDBSubnetGroupOutput{DBSubnetGroup: &g.Is}, err
}

// ModifyDBSubnetGroup changes a subnet group.
func (s *Service) ModifyDBSubnetGroup(ctx context.Context, call *aws.Call, in *api.ModifyDBSubnetGroupInput) (*api.ModifyDBSubnetGroupOutput, error) {
	var out api.DBSubnetGroup
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, g, err := subnetGroups.find(tx, call, in.DBSubnetGroupName)
		if err != nil {
			return err
		}
		g.Is.Subnets = subnets(call, in.SubnetIds)
		setIf(&g.Is.DBSubnetGroupDescription, in.DBSubnetGroupDescription)
		out = g.Is
		return subnetGroups.Put(tx, arn, g)
	})
	return &api.ModifyDBSubnetGroupOutput{DBSubnetGroup: &out}, err
}

// DeleteDBSubnetGroup removes a subnet group that no database is in.
func (s *Service) DeleteDBSubnetGroup(ctx context.Context, call *aws.Call, in *api.DeleteDBSubnetGroupInput) (*api.DeleteDBSubnetGroupOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, g, err := subnetGroups.find(tx, call, in.DBSubnetGroupName)
		if err != nil {
			return err
		}
		used := api.InvalidDBSubnetGroupStateFault.Errorf("Cannot delete the subnet group '%s' because at least one database instance: is still using it.", *g.Is.DBSubnetGroupName)
		for _, c := range clusters.of(tx, call) {
			if *c.Is.DBSubnetGroup == *g.Is.DBSubnetGroupName {
				return used
			}
		}
		for _, i := range instances.of(tx, call) {
			if i.Is.DBSubnetGroup != nil && *i.Is.DBSubnetGroup.DBSubnetGroupName == *g.Is.DBSubnetGroupName {
				return used
			}
		}
		return subnetGroups.Delete(tx, arn)
	})
	return &api.DeleteDBSubnetGroupOutput{}, err
}

// DescribeDBSubnetGroups describes subnet groups.
func (s *Service) DescribeDBSubnetGroups(ctx context.Context, call *aws.Call, in *api.DescribeDBSubnetGroupsInput) (*api.DescribeDBSubnetGroupsOutput, error) {
	all := []api.DBSubnetGroup{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		if in.DBSubnetGroupName != nil {
			_, g, err := subnetGroups.find(tx, call, *in.DBSubnetGroupName)
			all = append(all, g.Is)
			return err
		}
		for _, g := range subnetGroups.of(tx, call) {
			all = append(all, g.Is)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := new(api.DescribeDBSubnetGroupsOutput)
	out.DBSubnetGroups, out.Marker = page(all, in.MaxRecords, in.Marker, func(g *api.DBSubnetGroup) string { return *g.DBSubnetGroupName })
	return out, nil
}

// subnetGroupOf is the subnet group of an instance, as answers show it. The default
// one is always there.
func subnetGroupOf(tx *store.Tx, call *aws.Call, wanted *api.DBSubnetGroup) (*api.DBSubnetGroup, error) {
	if wanted == nil || *wanted.DBSubnetGroupName == "default" {
		return &api.DBSubnetGroup{
			DBSubnetGroupName: new("default"), DBSubnetGroupDescription: new("default"), VpcId: new("vpc-0"), SubnetGroupStatus: new("Complete"), Subnets: []api.Subnet{},
		}, nil
	}
	_, g, err := subnetGroups.find(tx, call, *wanted.DBSubnetGroupName)
	return &g.Is, err
}

// checkGroups refuses groups that there are not.
func checkGroups(tx *store.Tx, call *aws.Call, subnets, parameters *string) error {
	if subnets != nil {
		if _, err := subnetGroupOf(tx, call, &api.DBSubnetGroup{DBSubnetGroupName: subnets}); err != nil {
			return err
		}
	}
	if parameters == nil || strings.HasPrefix(*parameters, "default.") {
		return nil
	}
	_, _, err := clusterParameterGroups.find(tx, call, *parameters)
	return err
}
