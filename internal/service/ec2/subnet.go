package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateSubnet makes a subnet of a VPC.
func (s *Service) CreateSubnet(ctx context.Context, call *aws.Call, in *api.CreateSubnetInput) (*api.CreateSubnetOutput, error) {
	if in.Ipv4IpamPoolId != nil || in.Ipv6IpamPoolId != nil || in.OutpostArn != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have pools of addresses, and outposts, for subnets yet.")
	}
	if in.CidrBlock == nil && !aws.Value(in.Ipv6Native) {
		return nil, refused("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
	}
	tags, err := tagsOf(in.TagSpecifications, subnets.name)
	if err != nil {
		return nil, err
	}
	zone, err := zoneNamed(call, in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	v := api.Subnet{
		SubnetId: newID("subnet"), VpcId: &in.VpcId, AvailabilityZone: &zone, Tags: tags, DefaultForAz: new(false), MapPublicIpOnLaunch: new(false), Ipv6Native: new(aws.Value(in.Ipv6Native)),
	}
	if in.Ipv6CidrBlock != nil {
		v.Ipv6CidrBlockAssociationSet = []api.SubnetIpv6CidrBlockAssociation{subnetBlock(in.Ipv6CidrBlock)}
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		v.CidrBlock = in.CidrBlock
		return makeSubnet(tx, call, &v)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateSubnetOutput{Subnet: &v}, nil
}

// zoneNamed is the zone that is given by its name or its id, or the first.
func zoneNamed(call *aws.Call, name, id *string) (string, error) {
	if name == nil && id == nil {
		return call.Region + zoneLetters[:1], nil
	}
	for i, letter := range zoneLetters {
		zone := call.Region + string(letter)
		if aws.Value(name) == zone || aws.Value(id) == zoneID(call.Region, i) {
			return zone, nil
		}
	}
	if name != nil && len(*name) == len(call.Region)+1 && strings.HasPrefix(*name, call.Region) && (*name)[len(call.Region)] <= 'f' {
		return *name, nil // some regions have more; templates that name one are for those
	}
	return "", refused("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %s.",
		aws.Or(name, aws.Value(id)), call.Region+"a, "+call.Region+"b, "+call.Region+"c")
}

// makeSubnet keeps a subnet, if there is room for it in its VPC.
func makeSubnet(tx *store.Tx, call *aws.Call, v *api.Subnet) error {
	in, err := vpcs.find(tx, call, *v.VpcId)
	if err != nil {
		return err
	}
	v.OwnerId, v.State, v.SubnetArn = &call.Account, new("available"), new(subnets.arn(call, *v.SubnetId).String())
	v.AvailabilityZoneId = new(zoneID(call.Region, int((*v.AvailabilityZone)[len(*v.AvailabilityZone)-1]-'a')))
	v.AssignIpv6AddressOnCreation, v.EnableDns64, v.MapCustomerOwnedIpOnLaunch = new(false), new(false), new(false)
	v.PrivateDnsNameOptionsOnLaunch = &api.PrivateDnsNameOptionsOnLaunch{HostnameType: new("ip-name"), EnableResourceNameDnsARecord: new(false), EnableResourceNameDnsAAAARecord: new(false)}
	v.AvailableIpAddressCount = new(int32(0))
	if v.CidrBlock != nil {
		block, err := parseCIDR(*v.CidrBlock, "InvalidSubnet.Range", 16, 28)
		if err != nil {
			return err
		}
		v.CidrBlock = new(block.String())
		v.AvailableIpAddressCount = new(int32(1)<<(32-block.Bits()) - 5)
		if !slices.ContainsFunc(in.Is.CidrBlockAssociationSet, func(a api.VpcCidrBlockAssociation) bool {
			whole, err := netip.ParsePrefix(*a.CidrBlock)
			return err == nil && whole.Bits() <= block.Bits() && whole.Contains(block.Addr())
		}) {
			return refused("InvalidSubnet.Range", "The CIDR '%s' is invalid.", *v.CidrBlock)
		}
		if subnets.some(tx, call, func(other *api.Subnet) bool {
			taken, err := netip.ParsePrefix(aws.Value(other.CidrBlock))
			return *other.VpcId == *v.VpcId && err == nil && taken.Overlaps(block)
		}) {
			return refused("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", *v.CidrBlock)
		}
	}
	if err := subnets.put(tx, call, *v); err != nil {
		return err
	}
	for _, acl := range acls.all(tx, call, func(a *api.NetworkAcl) bool { return *a.VpcId == *v.VpcId && *a.IsDefault }) {
		acl.Associations = append(acl.Associations, api.NetworkAclAssociation{NetworkAclAssociationId: newID("aclassoc"), NetworkAclId: acl.NetworkAclId, SubnetId: v.SubnetId})
		return acls.put(tx, call, acl)
	}
	return nil
}

// DescribeSubnets describes subnets.
func (s *Service) DescribeSubnets(ctx context.Context, call *aws.Call, in *api.DescribeSubnetsInput) (*api.DescribeSubnetsOutput, error) {
	list, next, err := describe(ctx, s, call, subnets, ask{in.SubnetIds, in.Filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	return &api.DescribeSubnetsOutput{Subnets: some(list), NextToken: next}, nil
}

// some is a list that is there, if it is empty too.
func some[V any](list []V) []V {
	if list == nil {
		return []V{}
	}
	return list
}

// ModifySubnetAttribute changes what a subnet does for what is launched in it.
func (s *Service) ModifySubnetAttribute(ctx context.Context, call *aws.Call, in *api.ModifySubnetAttributeInput) (*api.ModifySubnetAttributeOutput, error) {
	return &api.ModifySubnetAttributeOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		return subnets.change(tx, call, in.SubnetId, func(v *api.Subnet) error {
			setBool(v.AssignIpv6AddressOnCreation, in.AssignIpv6AddressOnCreation)
			setBool(v.MapPublicIpOnLaunch, in.MapPublicIpOnLaunch)
			setBool(v.EnableDns64, in.EnableDns64)
			setBool(v.MapCustomerOwnedIpOnLaunch, in.MapCustomerOwnedIpOnLaunch)
			o := v.PrivateDnsNameOptionsOnLaunch
			setBool(o.EnableResourceNameDnsARecord, in.EnableResourceNameDnsARecordOnLaunch)
			setBool(o.EnableResourceNameDnsAAAARecord, in.EnableResourceNameDnsAAAARecordOnLaunch)
			if in.PrivateDnsHostnameTypeOnLaunch != nil {
				o.HostnameType = in.PrivateDnsHostnameTypeOnLaunch
			}
			return nil
		})
	})
}

func subnetBlock(block *string) api.SubnetIpv6CidrBlockAssociation {
	return api.SubnetIpv6CidrBlockAssociation{
		AssociationId: newID("subnet-cidr-assoc"), Ipv6CidrBlock: block, Ipv6CidrBlockState: &api.SubnetCidrBlockState{State: new("associated")},
		IpSource: new("amazon"), Ipv6AddressAttribute: new("public"),
	}
}

// AssociateSubnetCidrBlock gives a subnet addresses of IPv6.
func (s *Service) AssociateSubnetCidrBlock(ctx context.Context, call *aws.Call, in *api.AssociateSubnetCidrBlockInput) (*api.AssociateSubnetCidrBlockOutput, error) {
	if in.Ipv6CidrBlock == nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have pools of addresses for subnets yet.")
	}
	a := subnetBlock(in.Ipv6CidrBlock)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		return subnets.change(tx, call, in.SubnetId, func(v *api.Subnet) error {
			v.Ipv6CidrBlockAssociationSet = append(v.Ipv6CidrBlockAssociationSet, a)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.AssociateSubnetCidrBlockOutput{SubnetId: &in.SubnetId, Ipv6CidrBlockAssociation: &a}, nil
}

// DisassociateSubnetCidrBlock takes addresses of IPv6 from a subnet.
func (s *Service) DisassociateSubnetCidrBlock(ctx context.Context, call *aws.Call, in *api.DisassociateSubnetCidrBlockInput) (*api.DisassociateSubnetCidrBlockOutput, error) {
	out := &api.DisassociateSubnetCidrBlockOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for _, v := range subnets.all(tx, call, func(*api.Subnet) bool { return true }) {
			for i, a := range v.Ipv6CidrBlockAssociationSet {
				if *a.AssociationId == in.AssociationId {
					out.SubnetId, out.Ipv6CidrBlockAssociation = v.SubnetId, &a
					v.Ipv6CidrBlockAssociationSet = append(v.Ipv6CidrBlockAssociationSet[:i], v.Ipv6CidrBlockAssociationSet[i+1:]...)
					return subnets.put(tx, call, v)
				}
			}
		}
		return refused("InvalidSubnetCidrBlockAssociationID.NotFound", "The subnet CIDR block association ID '%s' does not exist", in.AssociationId)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteSubnet deletes a subnet in which nothing is.
func (s *Service) DeleteSubnet(ctx context.Context, call *aws.Call, in *api.DeleteSubnetInput) (*api.DeleteSubnetOutput, error) {
	return &api.DeleteSubnetOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if err := subnets.remove(tx, call, in.SubnetId); err != nil {
			return err
		}
		if natGateways.some(tx, call, func(v *api.NatGateway) bool { return aws.Value(v.SubnetId) == in.SubnetId && *v.State != "deleted" }) ||
			endpoints.some(tx, call, func(v *api.VpcEndpoint) bool { return slices.Contains(v.SubnetIds, in.SubnetId) }) {
			return refused("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", in.SubnetId)
		}
		for _, v := range routeTables.all(tx, call, func(v *api.RouteTable) bool { return associationOf(v, in.SubnetId) >= 0 }) {
			i := associationOf(&v, in.SubnetId)
			v.Associations = append(v.Associations[:i], v.Associations[i+1:]...)
			if err := routeTables.put(tx, call, v); err != nil {
				return err
			}
		}
		for _, v := range acls.all(tx, call, func(v *api.NetworkAcl) bool { return aclOf(v, in.SubnetId) >= 0 }) {
			i := aclOf(&v, in.SubnetId)
			v.Associations = append(v.Associations[:i], v.Associations[i+1:]...)
			if err := acls.put(tx, call, v); err != nil {
				return err
			}
		}
		return nil
	})
}
