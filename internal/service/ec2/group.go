package ec2

import (
	"context"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// newGroup is a security group that lets everything out.
func newGroup(call *aws.Call, id *string, name, description, vpcID string) *group {
	g := &group{Is: api.SecurityGroup{GroupId: id, GroupName: &name, Description: &description, VpcId: &vpcID, OwnerId: &call.Account}}
	g.Is.SecurityGroupArn = new(groups.arn(call, *id).String())
	g.Rules = []api.SecurityGroupRule{{
		SecurityGroupRuleId: newID("sgr"), IsEgress: new(true), IpProtocol: new("-1"), FromPort: new(int32(-1)), ToPort: new(int32(-1)), CidrIpv4: new("0.0.0.0/0"),
	}}
	return g
}

// putGroup keeps a group, with its rules as permissions.
func putGroup(tx *store.Tx, call *aws.Call, g *group) error {
	for i := range g.Rules {
		r := &g.Rules[i]
		r.GroupId, r.GroupOwnerId = g.Is.GroupId, g.Is.OwnerId
		r.SecurityGroupRuleArn = new(call.ARN("ec2", "security-group-rule/"+*r.SecurityGroupRuleId).String())
	}
	g.Is.IpPermissions, g.Is.IpPermissionsEgress = permissions(g.Rules, false), permissions(g.Rules, true)
	return groups.put(tx, call, *g)
}

// CreateSecurityGroup makes a security group.
func (s *Service) CreateSecurityGroup(ctx context.Context, call *aws.Call, in *api.CreateSecurityGroupInput) (*api.CreateSecurityGroupOutput, error) {
	tags, err := tagsOf(in.TagSpecifications, groups.name)
	if err != nil {
		return nil, err
	}
	if in.GroupName == "default" {
		return nil, refused("InvalidGroup.Reserved", "The security group name 'default' is reserved")
	}
	if len(in.GroupName) > 3 && in.GroupName[:3] == "sg-" {
		return nil, refused("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*.", in.GroupName)
	}
	id := newID("sg")
	out := &api.CreateSecurityGroupOutput{GroupId: id, Tags: tags, SecurityGroupArn: new(groups.arn(call, *id).String())}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		vpcID := aws.Or(in.VpcId, defaultVPC(tx, call))
		if vpcID == "" {
			return refused("VPCIdNotSpecified", "No default VPC for this user")
		}
		if _, err := vpcs.find(tx, call, vpcID); err != nil {
			return err
		}
		if groups.some(tx, call, func(v *group) bool { return *v.Is.VpcId == vpcID && *v.Is.GroupName == in.GroupName }) {
			return refused("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", in.GroupName, vpcID)
		}
		g := newGroup(call, id, in.GroupName, in.Description, vpcID)
		g.Is.Tags = tags
		return putGroup(tx, call, g)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// defaultVPC is the id of the account's default VPC, or "".
func defaultVPC(tx *store.Tx, call *aws.Call) string {
	for _, v := range vpcs.all(tx, call, func(v *vpc) bool { return *v.Is.IsDefault }) {
		return *v.Is.VpcId
	}
	return ""
}

// findGroup finds a group by its id, or by its name in the default VPC.
func findGroup(tx *store.Tx, call *aws.Call, id, name *string) (*group, error) {
	if id == nil && name != nil {
		vpcID := defaultVPC(tx, call)
		for _, v := range groups.all(tx, call, func(v *group) bool { return *v.Is.VpcId == vpcID && *v.Is.GroupName == *name }) {
			return &v, nil
		}
		return nil, refused("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", *name, vpcID)
	}
	if id == nil {
		return nil, refused("MissingParameter", "The request must contain the parameter groupName or groupId")
	}
	g, err := groups.find(tx, call, *id)
	return &g, err
}

// DescribeSecurityGroups describes security groups.
func (s *Service) DescribeSecurityGroups(ctx context.Context, call *aws.Call, in *api.DescribeSecurityGroupsInput) (*api.DescribeSecurityGroupsOutput, error) {
	filters := in.Filters
	if len(in.GroupNames) > 0 {
		filters = append(slices.Clone(filters), api.Filter{Name: new("group-name"), Values: in.GroupNames})
	}
	list, next, err := describe(ctx, s, call, groups, ask{in.GroupIds, filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeSecurityGroupsOutput{SecurityGroups: []api.SecurityGroup{}, NextToken: next}
	for _, g := range list {
		out.SecurityGroups = append(out.SecurityGroups, g.Is)
	}
	return out, nil
}

// DeleteSecurityGroup deletes a security group that no other names.
func (s *Service) DeleteSecurityGroup(ctx context.Context, call *aws.Call, in *api.DeleteSecurityGroupInput) (*api.DeleteSecurityGroupOutput, error) {
	out := &api.DeleteSecurityGroupOutput{Return: new(true)}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, call, in.GroupId, in.GroupName)
		if err != nil {
			return err
		}
		id := *g.Is.GroupId
		out.GroupId = &id
		if *g.Is.GroupName == "default" {
			return refused("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", id)
		}
		if groups.some(tx, call, func(v *group) bool {
			return *v.Is.GroupId != id && slices.ContainsFunc(v.Rules, func(r api.SecurityGroupRule) bool {
				return r.ReferencedGroupInfo != nil && *r.ReferencedGroupInfo.GroupId == id
			})
		}) || endpoints.some(tx, call, func(v *api.VpcEndpoint) bool {
			return slices.ContainsFunc(v.Groups, func(g api.SecurityGroupIdentifier) bool { return *g.GroupId == id })
		}) {
			return refused("DependencyViolation", "resource %s has a dependent object", id)
		}
		return groups.remove(tx, call, id)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
