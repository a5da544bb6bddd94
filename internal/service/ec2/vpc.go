package ec2

import (
	"context"
	"net/netip"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// parseCIDR reads a block of IPv4 addresses, and returns it as AWS writes it.
func parseCIDR(text string, code string, least, most int) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return p, refused("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", text)
	}
	if p.Bits() < least || p.Bits() > most {
		return p, refused(code, "The CIDR '%s' is invalid.", text)
	}
	return p.Masked(), nil
}

// CreateVpc makes a VPC, with a main route table, a security group and an ACL.
func (s *Service) CreateVpc(ctx context.Context, call *aws.Call, in *api.CreateVpcInput) (*api.CreateVpcOutput, error) {
	if in.Ipv4IpamPoolId != nil || in.Ipv6IpamPoolId != nil || in.Ipv6Pool != nil || in.VpcEncryptionControl != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have pools of addresses, and encryption, for VPCs yet.")
	}
	if in.CidrBlock == nil {
		return nil, refused("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
	}
	block, err := parseCIDR(*in.CidrBlock, "InvalidVpc.Range", 16, 28)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.TagSpecifications, vpcs.name)
	if err != nil {
		return nil, err
	}
	v := vpc{DNSSupport: true, Is: api.Vpc{
		VpcId: newID("vpc"), CidrBlock: new(block.String()), InstanceTenancy: in.InstanceTenancy, IsDefault: new(false), Tags: tags,
	}}
	if aws.Value(in.AmazonProvidedIpv6CidrBlock) {
		v.Is.Ipv6CidrBlockAssociationSet = []api.VpcIpv6CidrBlockAssociation{amazonBlock(*v.Is.VpcId)}
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error { return makeVPC(tx, call, &v, newID) })
	if err != nil {
		return nil, err
	}
	out := v.Is
	out.State = new("pending") // as AWS has it at first
	return &api.CreateVpcOutput{Vpc: &out}, nil
}

// makeVPC keeps a VPC, and makes what each has.
func makeVPC(tx *store.Tx, call *aws.Call, v *vpc, id func(prefix string) *string) error {
	v.Is.OwnerId, v.Is.State = &call.Account, new("available")
	v.Is.InstanceTenancy = new(aws.Or(v.Is.InstanceTenancy, "default"))
	v.Is.DhcpOptionsId = usualID(call, "dopt", "")
	v.Is.CidrBlockAssociationSet = []api.VpcCidrBlockAssociation{associated(id("vpc-cidr-assoc"), v.Is.CidrBlock)}
	if err := vpcs.put(tx, call, *v); err != nil {
		return err
	}
	table := api.RouteTable{RouteTableId: id("rtb"), VpcId: v.Is.VpcId, OwnerId: &call.Account, Routes: []api.Route{localRoute(*v.Is.CidrBlock)}}
	table.Associations = []api.RouteTableAssociation{{
		Main: new(true), RouteTableAssociationId: id("rtbassoc"), RouteTableId: table.RouteTableId, AssociationState: &api.RouteTableAssociationState{State: new("associated")},
	}}
	if err := routeTables.put(tx, call, table); err != nil {
		return err
	}
	acl := api.NetworkAcl{NetworkAclId: id("acl"), VpcId: v.Is.VpcId, OwnerId: &call.Account, IsDefault: new(true), Entries: usualEntries(true)}
	if err := acls.put(tx, call, acl); err != nil {
		return err
	}
	g := newGroup(call, id("sg"), "default", "default VPC security group", *v.Is.VpcId)
	g.Rules = append(g.Rules, api.SecurityGroupRule{
		SecurityGroupRuleId: newID("sgr"), IsEgress: new(false), IpProtocol: new("-1"), FromPort: new(int32(-1)), ToPort: new(int32(-1)),
		ReferencedGroupInfo: &api.ReferencedSecurityGroup{GroupId: g.Is.GroupId, UserId: &call.Account},
	})
	return putGroup(tx, call, g)
}

func associated(id, block *string) api.VpcCidrBlockAssociation {
	return api.VpcCidrBlockAssociation{AssociationId: id, CidrBlock: block, CidrBlockState: &api.VpcCidrBlockState{State: new("associated")}}
}

// amazonBlock is a block of IPv6 addresses that AWS would give: here one for
// documentation, which is no VPC's alone.
func amazonBlock(id string) api.VpcIpv6CidrBlockAssociation {
	return api.VpcIpv6CidrBlockAssociation{
		AssociationId: newID("vpc-cidr-assoc"), Ipv6CidrBlock: new("2001:db8:" + id[len(id)-4:] + ":" + id[len(id)-6:len(id)-4] + "00::/56"),
		Ipv6CidrBlockState: &api.VpcCidrBlockState{State: new("associated")}, Ipv6Pool: new("Amazon"), IpSource: new("amazon"), Ipv6AddressAttribute: new("public"),
	}
}

// DescribeVpcs describes VPCs.
func (s *Service) DescribeVpcs(ctx context.Context, call *aws.Call, in *api.DescribeVpcsInput) (*api.DescribeVpcsOutput, error) {
	list, next, err := describe(ctx, s, call, vpcs, ask{in.VpcIds, in.Filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeVpcsOutput{Vpcs: []api.Vpc{}, NextToken: next}
	for _, v := range list {
		out.Vpcs = append(out.Vpcs, v.Is)
	}
	return out, nil
}

// DescribeVpcAttribute describes one attribute of a VPC.
func (s *Service) DescribeVpcAttribute(ctx context.Context, call *aws.Call, in *api.DescribeVpcAttributeInput) (*api.DescribeVpcAttributeOutput, error) {
	out := &api.DescribeVpcAttributeOutput{VpcId: &in.VpcId}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		v, err := vpcs.find(tx, call, in.VpcId)
		if err != nil {
			return err
		}
		switch in.Attribute {
		case "enableDnsSupport":
			out.EnableDnsSupport = &api.AttributeBooleanValue{Value: &v.DNSSupport}
		case "enableDnsHostnames":
			out.EnableDnsHostnames = &api.AttributeBooleanValue{Value: &v.DNSHostnames}
		case "enableNetworkAddressUsageMetrics":
			out.EnableNetworkAddressUsageMetrics = &api.AttributeBooleanValue{Value: &v.Usages}
		default:
			return refused("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ModifyVpcAttribute changes attributes of a VPC.
func (s *Service) ModifyVpcAttribute(ctx context.Context, call *aws.Call, in *api.ModifyVpcAttributeInput) (*api.ModifyVpcAttributeOutput, error) {
	return &api.ModifyVpcAttributeOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		return vpcs.change(tx, call, in.VpcId, func(v *vpc) error {
			setBool(&v.DNSSupport, in.EnableDnsSupport)
			setBool(&v.DNSHostnames, in.EnableDnsHostnames)
			setBool(&v.Usages, in.EnableNetworkAddressUsageMetrics)
			return nil
		})
	})
}

func setBool(to *bool, from *api.AttributeBooleanValue) {
	if from != nil {
		*to = aws.Value(from.Value)
	}
}

// AssociateVpcCidrBlock gives a VPC more addresses.
func (s *Service) AssociateVpcCidrBlock(ctx context.Context, call *aws.Call, in *api.AssociateVpcCidrBlockInput) (*api.AssociateVpcCidrBlockOutput, error) {
	out := &api.AssociateVpcCidrBlockOutput{VpcId: &in.VpcId}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		return vpcs.change(tx, call, in.VpcId, func(v *vpc) error {
			switch {
			case in.CidrBlock != nil:
				block, err := parseCIDR(*in.CidrBlock, "InvalidVpc.Range", 16, 28)
				if err != nil {
					return err
				}
				a := associated(newID("vpc-cidr-assoc"), new(block.String()))
				v.Is.CidrBlockAssociationSet = append(v.Is.CidrBlockAssociationSet, a)
				out.CidrBlockAssociation = &a
			case aws.Value(in.AmazonProvidedIpv6CidrBlock):
				a := amazonBlock(in.VpcId)
				v.Is.Ipv6CidrBlockAssociationSet = append(v.Is.Ipv6CidrBlockAssociationSet, a)
				out.Ipv6CidrBlockAssociation = &a
			default:
				return aws.NotImplemented.Errorf("Aloft does not have pools of addresses for VPCs yet.")
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DisassociateVpcCidrBlock takes addresses from a VPC.
func (s *Service) DisassociateVpcCidrBlock(ctx context.Context, call *aws.Call, in *api.DisassociateVpcCidrBlockInput) (*api.DisassociateVpcCidrBlockOutput, error) {
	out := &api.DisassociateVpcCidrBlockOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		*out = api.DisassociateVpcCidrBlockOutput{}
		for _, v := range vpcs.all(tx, call, func(*vpc) bool { return true }) {
			out.VpcId = v.Is.VpcId
			for i, a := range v.Is.CidrBlockAssociationSet {
				if *a.AssociationId != in.AssociationId {
					continue
				}
				if *a.CidrBlock == *v.Is.CidrBlock {
					return refused("OperationNotPermitted", "The vpc CIDR block with association ID %s may not be disassociated. It is the primary IPv4 CIDR block of the VPC", in.AssociationId)
				}
				out.CidrBlockAssociation = &a
				v.Is.CidrBlockAssociationSet = slices.Concat(v.Is.CidrBlockAssociationSet[:i], v.Is.CidrBlockAssociationSet[i+1:])
				return vpcs.put(tx, call, v)
			}
			for i, a := range v.Is.Ipv6CidrBlockAssociationSet {
				if *a.AssociationId == in.AssociationId {
					out.Ipv6CidrBlockAssociation = &a
					v.Is.Ipv6CidrBlockAssociationSet = slices.Concat(v.Is.Ipv6CidrBlockAssociationSet[:i], v.Is.Ipv6CidrBlockAssociationSet[i+1:])
					return vpcs.put(tx, call, v)
				}
			}
		}
		return refused("InvalidVpcCidrBlockAssociationID.NotFound", "The vpc CIDR block association ID '%s' does not exist", in.AssociationId)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteVpc deletes a VPC in which nothing is left but what each has.
func (s *Service) DeleteVpc(ctx context.Context, call *aws.Call, in *api.DeleteVpcInput) (*api.DeleteVpcOutput, error) {
	return &api.DeleteVpcOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if err := vpcs.remove(tx, call, in.VpcId); err != nil {
			return err
		}
		here := func(id *string) bool { return aws.Value(id) == in.VpcId }
		if subnets.some(tx, call, func(v *api.Subnet) bool { return here(v.VpcId) }) ||
			internetGateways.some(tx, call, func(v *api.InternetGateway) bool { return attachedTo(v.Attachments, in.VpcId) >= 0 }) ||
			egressGateways.some(tx, call, func(v *api.EgressOnlyInternetGateway) bool { return attachedTo(v.Attachments, in.VpcId) >= 0 }) ||
			endpoints.some(tx, call, func(v *api.VpcEndpoint) bool { return here(v.VpcId) }) ||
			groups.some(tx, call, func(v *group) bool { return here(v.Is.VpcId) && *v.Is.GroupName != "default" }) ||
			acls.some(tx, call, func(v *api.NetworkAcl) bool { return here(v.VpcId) && !*v.IsDefault }) ||
			routeTables.some(tx, call, func(v *api.RouteTable) bool { return here(v.VpcId) && !isMain(v) }) {
			return refused("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", in.VpcId)
		}
		for _, v := range groups.all(tx, call, func(v *group) bool { return here(v.Is.VpcId) }) {
			if err := groups.remove(tx, call, *v.Is.GroupId); err != nil {
				return err
			}
		}
		for _, v := range acls.all(tx, call, func(v *api.NetworkAcl) bool { return here(v.VpcId) }) {
			if err := acls.remove(tx, call, *v.NetworkAclId); err != nil {
				return err
			}
		}
		return routeTables.remove(tx, call, *mainTable(tx, call, in.VpcId).RouteTableId)
	})
}
