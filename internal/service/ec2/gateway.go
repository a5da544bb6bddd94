package ec2

import (
	"context"
	"fmt"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// attachedTo is where a gateway is attached to a VPC, or -1.
func attachedTo(list []api.InternetGatewayAttachment, vpcID string) int {
	return slices.IndexFunc(list, func(a api.InternetGatewayAttachment) bool { return aws.Value(a.VpcId) == vpcID })
}

// CreateInternetGateway makes an internet gateway.
func (s *Service) CreateInternetGateway(ctx context.Context, call *aws.Call, in *api.CreateInternetGatewayInput) (*api.CreateInternetGatewayOutput, error) {
	tags, err := tagsOf(in.TagSpecifications, internetGateways.name)
	if err != nil {
		return nil, err
	}
	v := api.InternetGateway{InternetGatewayId: newID("igw"), OwnerId: &call.Account, Tags: tags}
	if err := s.db.Update(ctx, func(tx *store.Tx) error { return internetGateways.put(tx, call, v) }); err != nil {
		return nil, err
	}
	return &api.CreateInternetGatewayOutput{InternetGateway: &v}, nil
}

// DescribeInternetGateways describes internet gateways.
func (s *Service) DescribeInternetGateways(ctx context.Context, call *aws.Call, in *api.DescribeInternetGatewaysInput) (*api.DescribeInternetGatewaysOutput, error) {
	list, next, err := describe(ctx, s, call, internetGateways, ask{in.InternetGatewayIds, in.Filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	return &api.DescribeInternetGatewaysOutput{InternetGateways: some(list), NextToken: next}, nil
}

// DeleteInternetGateway deletes an internet gateway that is not attached.
func (s *Service) DeleteInternetGateway(ctx context.Context, call *aws.Call, in *api.DeleteInternetGatewayInput) (*api.DeleteInternetGatewayOutput, error) {
	return &api.DeleteInternetGatewayOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		v, err := internetGateways.find(tx, call, in.InternetGatewayId)
		if err != nil {
			return err
		}
		if len(v.Attachments) > 0 {
			return refused("DependencyViolation", "The internetGateway '%s' has dependencies and cannot be deleted.", in.InternetGatewayId)
		}
		return internetGateways.remove(tx, call, in.InternetGatewayId)
	})
}

// AttachInternetGateway attaches an internet gateway to a VPC.
func (s *Service) AttachInternetGateway(ctx context.Context, call *aws.Call, in *api.AttachInternetGatewayInput) (*api.AttachInternetGatewayOutput, error) {
	return &api.AttachInternetGatewayOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := vpcs.find(tx, call, in.VpcId); err != nil {
			return err
		}
		if internetGateways.some(tx, call, func(v *api.InternetGateway) bool {
			return *v.InternetGatewayId != in.InternetGatewayId && attachedTo(v.Attachments, in.VpcId) >= 0
		}) {
			return refused("InvalidParameterValue", "Network %s already has an internet gateway attached", in.VpcId)
		}
		return internetGateways.change(tx, call, in.InternetGatewayId, func(v *api.InternetGateway) error {
			if len(v.Attachments) > 0 {
				return refused("Resource.AlreadyAssociated", "resource %s is already attached to network %s", in.InternetGatewayId, aws.Value(v.Attachments[0].VpcId))
			}
			v.Attachments = []api.InternetGatewayAttachment{{VpcId: &in.VpcId, State: new("available")}}
			return nil
		})
	})
}

// DetachInternetGateway detaches an internet gateway from a VPC.
func (s *Service) DetachInternetGateway(ctx context.Context, call *aws.Call, in *api.DetachInternetGatewayInput) (*api.DetachInternetGatewayOutput, error) {
	return &api.DetachInternetGatewayOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		return internetGateways.change(tx, call, in.InternetGatewayId, func(v *api.InternetGateway) error {
			if attachedTo(v.Attachments, in.VpcId) < 0 {
				return refused("Gateway.NotAttached", "resource %s is not attached to network %s", in.InternetGatewayId, in.VpcId)
			}
			v.Attachments = nil
			return nil
		})
	})
}

// CreateEgressOnlyInternetGateway makes a gateway out of a VPC, for IPv6.
func (s *Service) CreateEgressOnlyInternetGateway(ctx context.Context, call *aws.Call, in *api.CreateEgressOnlyInternetGatewayInput) (*api.CreateEgressOnlyInternetGatewayOutput, error) {
	tags, err := tagsOf(in.TagSpecifications, egressGateways.name)
	if err != nil {
		return nil, err
	}
	v := api.EgressOnlyInternetGateway{EgressOnlyInternetGatewayId: newID("eigw"), Tags: tags, Attachments: []api.InternetGatewayAttachment{{VpcId: &in.VpcId, State: new("attached")}}}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := vpcs.find(tx, call, in.VpcId); err != nil {
			return err
		}
		return egressGateways.put(tx, call, v)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateEgressOnlyInternetGatewayOutput{EgressOnlyInternetGateway: &v, ClientToken: in.ClientToken}, nil
}

// DescribeEgressOnlyInternetGateways describes gateways out of VPCs, for IPv6.
func (s *Service) DescribeEgressOnlyInternetGateways(ctx context.Context, call *aws.Call, in *api.DescribeEgressOnlyInternetGatewaysInput) (*api.DescribeEgressOnlyInternetGatewaysOutput, error) {
	list, next, err := describe(ctx, s, call, egressGateways, ask{in.EgressOnlyInternetGatewayIds, in.Filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	return &api.DescribeEgressOnlyInternetGatewaysOutput{EgressOnlyInternetGateways: some(list), NextToken: next}, nil
}

// DeleteEgressOnlyInternetGateway deletes a gateway out of a VPC.
func (s *Service) DeleteEgressOnlyInternetGateway(ctx context.Context, call *aws.Call, in *api.DeleteEgressOnlyInternetGatewayInput) (*api.DeleteEgressOnlyInternetGatewayOutput, error) {
	return &api.DeleteEgressOnlyInternetGatewayOutput{ReturnCode: new(true)}, s.db.Update(ctx, func(tx *store.Tx) error {
		return egressGateways.remove(tx, call, in.EgressOnlyInternetGatewayId)
	})
}

// CreateNatGateway makes a NAT gateway in a subnet.
func (s *Service) CreateNatGateway(ctx context.Context, call *aws.Call, in *api.CreateNatGatewayInput) (*api.CreateNatGatewayOutput, error) {
	tags, err := tagsOf(in.TagSpecifications, natGateways.name)
	if err != nil {
		return nil, err
	}
	if in.SubnetId == nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have NAT gateways of a whole region yet.")
	}
	public := aws.Or(in.ConnectivityType, "public")
	if public == "public" && in.AllocationId == nil {
		return nil, refused("MissingParameter", "The request must include the AllocationId parameter. Add the required parameter and retry the request.")
	}
	v := api.NatGateway{NatGatewayId: newID("nat"), CreateTime: new(time.Now()), State: new("available"), SubnetId: in.SubnetId, ConnectivityType: &public, Tags: tags}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		sub, err := subnets.find(tx, call, *in.SubnetId)
		if err != nil {
			return err
		}
		v.VpcId = sub.VpcId
		a := api.NatGatewayAddress{AllocationId: in.AllocationId, NetworkInterfaceId: newID("eni"), PrivateIp: in.PrivateIpAddress, IsPrimary: new(true), Status: new("succeeded")}
		if in.AllocationId != nil {
			a.AssociationId = newID("eipassoc")
			if err := addresses.change(tx, call, *in.AllocationId, func(of *api.Address) error {
				if of.AssociationId != nil {
					return refused("Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", *in.AllocationId)
				}
				a.PublicIp, of.AssociationId, of.NetworkInterfaceId = of.PublicIp, a.AssociationId, a.NetworkInterfaceId
				return nil
			}); err != nil {
				return err
			}
		}
		v.NatGatewayAddresses = []api.NatGatewayAddress{a}
		return natGateways.put(tx, call, v)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateNatGatewayOutput{NatGateway: &v, ClientToken: in.ClientToken}, nil
}

// DescribeNatGateways describes NAT gateways.
func (s *Service) DescribeNatGateways(ctx context.Context, call *aws.Call, in *api.DescribeNatGatewaysInput) (*api.DescribeNatGatewaysOutput, error) {
	list, next, err := describe(ctx, s, call, natGateways, ask{in.NatGatewayIds, in.Filter, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	return &api.DescribeNatGatewaysOutput{NatGateways: some(list), NextToken: next}, nil
}

// DeleteNatGateway deletes a NAT gateway, and gives its address back.
func (s *Service) DeleteNatGateway(ctx context.Context, call *aws.Call, in *api.DeleteNatGatewayInput) (*api.DeleteNatGatewayOutput, error) {
	return &api.DeleteNatGatewayOutput{NatGatewayId: &in.NatGatewayId}, s.db.Update(ctx, func(tx *store.Tx) error {
		v, err := natGateways.find(tx, call, in.NatGatewayId)
		if err != nil {
			return err
		}
		for _, a := range v.NatGatewayAddresses {
			if a.AllocationId == nil {
				continue
			}
			if err := addresses.change(tx, call, *a.AllocationId, func(of *api.Address) error {
				of.AssociationId, of.NetworkInterfaceId = nil, nil
				return nil
			}); err != nil {
				return err
			}
		}
		return natGateways.remove(tx, call, in.NatGatewayId)
	})
}

// AllocateAddress makes an elastic address. It is one of those for documentation,
// which nobody has.
func (s *Service) AllocateAddress(ctx context.Context, call *aws.Call, in *api.AllocateAddressInput) (*api.AllocateAddressOutput, error) {
	if in.Address != nil || in.PublicIpv4Pool != nil || in.IpamPoolId != nil || in.CustomerOwnedIpv4Pool != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have pools of addresses yet.")
	}
	tags, err := tagsOf(in.TagSpecifications, addresses.name)
	if err != nil {
		return nil, err
	}
	v := api.Address{AllocationId: newID("eipalloc"), Domain: new("vpc"), PublicIpv4Pool: new("amazon"), NetworkBorderGroup: &call.Region, Tags: tags}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		v.PublicIp = freeAddress(addresses.all(tx, call, func(*api.Address) bool { return true }))
		if v.PublicIp == nil {
			return refused("AddressLimitExceeded", "The maximum number of addresses has been reached.")
		}
		return addresses.put(tx, call, v)
	})
	if err != nil {
		return nil, err
	}
	return &api.AllocateAddressOutput{AllocationId: v.AllocationId, Domain: v.Domain, PublicIp: v.PublicIp, PublicIpv4Pool: v.PublicIpv4Pool, NetworkBorderGroup: v.NetworkBorderGroup}, nil
}

func freeAddress(taken []api.Address) *string {
	for _, net := range []string{"203.0.113", "198.51.100", "192.0.2"} {
		for host := 1; host < 255; host++ {
			ip := fmt.Sprintf("%s.%d", net, host)
			if !slices.ContainsFunc(taken, func(a api.Address) bool { return *a.PublicIp == ip }) {
				return &ip
			}
		}
	}
	return nil
}

// DescribeAddresses describes elastic addresses.
func (s *Service) DescribeAddresses(ctx context.Context, call *aws.Call, in *api.DescribeAddressesInput) (*api.DescribeAddressesOutput, error) {
	filters := in.Filters
	if len(in.PublicIps) > 0 {
		filters = append(slices.Clone(filters), api.Filter{Name: new("public-ip"), Values: in.PublicIps})
	}
	list, _, err := describe(ctx, s, call, addresses, ask{ids: in.AllocationIds, filters: filters})
	if err != nil {
		return nil, err
	}
	if len(list) < len(in.PublicIps) {
		return nil, refused("InvalidAddress.NotFound", "Address '%s' not found.", in.PublicIps[0])
	}
	return &api.DescribeAddressesOutput{Addresses: some(list)}, nil
}

// DescribeAddressesAttribute describes the names of elastic addresses, which have
// none of their own.
func (s *Service) DescribeAddressesAttribute(ctx context.Context, call *aws.Call, in *api.DescribeAddressesAttributeInput) (*api.DescribeAddressesAttributeOutput, error) {
	list, next, err := describe(ctx, s, call, addresses, ask{ids: in.AllocationIds, next: in.NextToken, most: in.MaxResults})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeAddressesAttributeOutput{NextToken: next, Addresses: []api.AddressAttribute{}}
	for _, a := range list {
		out.Addresses = append(out.Addresses, api.AddressAttribute{AllocationId: a.AllocationId, PublicIp: a.PublicIp})
	}
	return out, nil
}

// ReleaseAddress gives an elastic address up.
func (s *Service) ReleaseAddress(ctx context.Context, call *aws.Call, in *api.ReleaseAddressInput) (*api.ReleaseAddressOutput, error) {
	return &api.ReleaseAddressOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		id := aws.Value(in.AllocationId)
		if id == "" {
			for _, v := range addresses.all(tx, call, func(v *api.Address) bool { return *v.PublicIp == aws.Value(in.PublicIp) }) {
				id = *v.AllocationId
			}
		}
		v, err := addresses.find(tx, call, id)
		if err != nil {
			return err
		}
		if v.AssociationId != nil {
			return refused("InvalidIPAddress.InUse", "Address %s is in use.", *v.PublicIp)
		}
		return addresses.remove(tx, call, id)
	})
}
