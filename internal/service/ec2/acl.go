package ec2

import (
	"context"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const lastRule = 32767 // denies what no other rule is about

// usualEntries are those that an ACL has from the start.
func usualEntries(open bool) (list []api.NetworkAclEntry) {
	for _, egress := range []bool{true, false} {
		if open {
			list = append(list, api.NetworkAclEntry{CidrBlock: new("0.0.0.0/0"), Egress: &egress, Protocol: new("-1"), RuleAction: new("allow"), RuleNumber: new(int32(100))})
		}
		list = append(list, api.NetworkAclEntry{CidrBlock: new("0.0.0.0/0"), Egress: &egress, Protocol: new("-1"), RuleAction: new("deny"), RuleNumber: new(int32(lastRule))})
	}
	return list
}

// aclOf is where an ACL has the association of a subnet, or -1.
func aclOf(v *api.NetworkAcl, subnet string) int {
	return slices.IndexFunc(v.Associations, func(a api.NetworkAclAssociation) bool { return *a.SubnetId == subnet })
}

// CreateNetworkAcl makes an ACL of a VPC.
func (s *Service) CreateNetworkAcl(ctx context.Context, call *aws.Call, in *api.CreateNetworkAclInput) (*api.CreateNetworkAclOutput, error) {
	tags, err := tagsOf(in.TagSpecifications, acls.name)
	if err != nil {
		return nil, err
	}
	v := api.NetworkAcl{NetworkAclId: newID("acl"), VpcId: &in.VpcId, OwnerId: &call.Account, IsDefault: new(false), Entries: usualEntries(false), Tags: tags}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := vpcs.find(tx, call, in.VpcId); err != nil {
			return err
		}
		return acls.put(tx, call, v)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateNetworkAclOutput{NetworkAcl: &v, ClientToken: in.ClientToken}, nil
}

// DescribeNetworkAcls describes ACLs.
func (s *Service) DescribeNetworkAcls(ctx context.Context, call *aws.Call, in *api.DescribeNetworkAclsInput) (*api.DescribeNetworkAclsOutput, error) {
	list, next, err := describe(ctx, s, call, acls, ask{in.NetworkAclIds, in.Filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	return &api.DescribeNetworkAclsOutput{NetworkAcls: some(list), NextToken: next}, nil
}

// DeleteNetworkAcl deletes an ACL that no subnet has.
func (s *Service) DeleteNetworkAcl(ctx context.Context, call *aws.Call, in *api.DeleteNetworkAclInput) (*api.DeleteNetworkAclOutput, error) {
	return &api.DeleteNetworkAclOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		v, err := acls.find(tx, call, in.NetworkAclId)
		if err != nil {
			return err
		}
		if *v.IsDefault {
			return refused("InvalidParameterValue", "cannot delete default network ACL %s", in.NetworkAclId)
		}
		if len(v.Associations) > 0 {
			return refused("DependencyViolation", "The networkAcl '%s' has dependencies and cannot be deleted.", in.NetworkAclId)
		}
		return acls.remove(tx, call, in.NetworkAclId)
	})
}

// entryAt is where an ACL has the entry of a number, or -1.
func entryAt(v *api.NetworkAcl, number int32, egress bool) int {
	return slices.IndexFunc(v.Entries, func(e api.NetworkAclEntry) bool { return *e.RuleNumber == number && *e.Egress == egress })
}

func errNoEntry(number int32, acl string) error {
	return refused("InvalidNetworkAclEntry.NotFound", "The network acl entry identified by %d does not exist in network acl %s", number, acl)
}

// CreateNetworkAclEntry adds an entry to an ACL.
func (s *Service) CreateNetworkAclEntry(ctx context.Context, call *aws.Call, in *api.CreateNetworkAclEntryInput) (*api.CreateNetworkAclEntryOutput, error) {
	e := api.NetworkAclEntry{CidrBlock: in.CidrBlock, Ipv6CidrBlock: in.Ipv6CidrBlock, Egress: &in.Egress, IcmpTypeCode: in.IcmpTypeCode, PortRange: in.PortRange,
		Protocol: &in.Protocol, RuleAction: &in.RuleAction, RuleNumber: &in.RuleNumber}
	return &api.CreateNetworkAclEntryOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		return acls.change(tx, call, in.NetworkAclId, func(v *api.NetworkAcl) error {
			if entryAt(v, in.RuleNumber, in.Egress) >= 0 {
				return refused("NetworkAclEntryAlreadyExists", "The network acl entry identified by %d already exists.", in.RuleNumber)
			}
			v.Entries = append(v.Entries, e)
			return nil
		})
	})
}

// ReplaceNetworkAclEntry changes an entry of an ACL.
func (s *Service) ReplaceNetworkAclEntry(ctx context.Context, call *aws.Call, in *api.ReplaceNetworkAclEntryInput) (*api.ReplaceNetworkAclEntryOutput, error) {
	e := api.NetworkAclEntry{CidrBlock: in.CidrBlock, Ipv6CidrBlock: in.Ipv6CidrBlock, Egress: &in.Egress, IcmpTypeCode: in.IcmpTypeCode, PortRange: in.PortRange,
		Protocol: &in.Protocol, RuleAction: &in.RuleAction, RuleNumber: &in.RuleNumber}
	return &api.ReplaceNetworkAclEntryOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		return acls.change(tx, call, in.NetworkAclId, func(v *api.NetworkAcl) error {
			i := entryAt(v, in.RuleNumber, in.Egress)
			if i < 0 {
				return errNoEntry(in.RuleNumber, in.NetworkAclId)
			}
			v.Entries[i] = e
			return nil
		})
	})
}

// DeleteNetworkAclEntry removes an entry from an ACL.
func (s *Service) DeleteNetworkAclEntry(ctx context.Context, call *aws.Call, in *api.DeleteNetworkAclEntryInput) (*api.DeleteNetworkAclEntryOutput, error) {
	return &api.DeleteNetworkAclEntryOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		return acls.change(tx, call, in.NetworkAclId, func(v *api.NetworkAcl) error {
			i := entryAt(v, in.RuleNumber, in.Egress)
			if i < 0 || in.RuleNumber == lastRule {
				return errNoEntry(in.RuleNumber, in.NetworkAclId)
			}
			v.Entries = append(v.Entries[:i], v.Entries[i+1:]...)
			return nil
		})
	})
}

// ReplaceNetworkAclAssociation gives a subnet another ACL.
func (s *Service) ReplaceNetworkAclAssociation(ctx context.Context, call *aws.Call, in *api.ReplaceNetworkAclAssociationInput) (*api.ReplaceNetworkAclAssociationOutput, error) {
	out := &api.ReplaceNetworkAclAssociationOutput{NewAssociationId: newID("aclassoc")}
	is := func(a api.NetworkAclAssociation) bool { return *a.NetworkAclAssociationId == in.AssociationId }
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		found := acls.all(tx, call, func(v *api.NetworkAcl) bool { return slices.ContainsFunc(v.Associations, is) })
		if len(found) == 0 {
			return refused("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", in.AssociationId)
		}
		v := found[0]
		i := slices.IndexFunc(v.Associations, is)
		a := v.Associations[i]
		v.Associations = append(v.Associations[:i], v.Associations[i+1:]...)
		if err := acls.put(tx, call, v); err != nil {
			return err
		}
		a.NetworkAclAssociationId, a.NetworkAclId = out.NewAssociationId, &in.NetworkAclId
		return acls.change(tx, call, in.NetworkAclId, func(v *api.NetworkAcl) error {
			v.Associations = append(v.Associations, a)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
