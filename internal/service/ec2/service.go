package ec2

import (
	"context"
	"reflect"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Service is EC2's networks.
type Service struct{ db *store.DB }

// New returns the service, which keeps its records in db.
func New(db *store.DB) *Service { return &Service{db} }

// What is said of operations on records.
const (
	aRecord   = "A record: it is kept and can be referred to; no traffic goes through it."
	noneRuns  = "There are none: no instance runs here."
	noneStand = "There are none."
)

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{API: api.API, Operations: append(append(s.networks(), s.access()...), s.asked()...)}
}

func (s *Service) networks() []service.Operation {
	return []service.Operation{
		anyOf(s, api.CreateVpc, s.CreateVpc, vpcs).But(aRecord),
		op(s, api.DeleteVpc, s.DeleteVpc, the(vpcs, (*api.DeleteVpcInput).GetVpcId)),
		op(s, api.ModifyVpcAttribute, s.ModifyVpcAttribute, the(vpcs, (*api.ModifyVpcAttributeInput).GetVpcId)),
		op(s, api.AssociateVpcCidrBlock, s.AssociateVpcCidrBlock, the(vpcs, (*api.AssociateVpcCidrBlockInput).GetVpcId)).But(aRecord),
		anyOf(s, api.DisassociateVpcCidrBlock, s.DisassociateVpcCidrBlock, vpcs),
		anyOf(s, api.CreateSubnet, s.CreateSubnet, subnets).But(aRecord),
		op(s, api.DeleteSubnet, s.DeleteSubnet, the(subnets, (*api.DeleteSubnetInput).GetSubnetId)),
		op(s, api.ModifySubnetAttribute, s.ModifySubnetAttribute, the(subnets, (*api.ModifySubnetAttributeInput).GetSubnetId)),
		op(s, api.AssociateSubnetCidrBlock, s.AssociateSubnetCidrBlock, the(subnets, (*api.AssociateSubnetCidrBlockInput).GetSubnetId)).But(aRecord),
		anyOf(s, api.DisassociateSubnetCidrBlock, s.DisassociateSubnetCidrBlock, subnets),
		anyOf(s, api.CreateRouteTable, s.CreateRouteTable, routeTables).But(aRecord),
		op(s, api.DeleteRouteTable, s.DeleteRouteTable, the(routeTables, (*api.DeleteRouteTableInput).GetRouteTableId)),
		op(s, api.AssociateRouteTable, s.AssociateRouteTable, the(routeTables, (*api.AssociateRouteTableInput).GetRouteTableId)),
		op(s, api.ReplaceRouteTableAssociation, s.ReplaceRouteTableAssociation, the(routeTables, (*api.ReplaceRouteTableAssociationInput).GetRouteTableId)),
		anyOf(s, api.DisassociateRouteTable, s.DisassociateRouteTable, routeTables),
		op(s, api.CreateRoute, s.CreateRoute, the(routeTables, (*api.CreateRouteInput).GetRouteTableId)).But(aRecord),
		op(s, api.ReplaceRoute, s.ReplaceRoute, the(routeTables, (*api.ReplaceRouteInput).GetRouteTableId)).But(aRecord),
		op(s, api.DeleteRoute, s.DeleteRoute, the(routeTables, (*api.DeleteRouteInput).GetRouteTableId)),
		anyOf(s, api.CreateInternetGateway, s.CreateInternetGateway, internetGateways).But(aRecord),
		op(s, api.DeleteInternetGateway, s.DeleteInternetGateway, the(internetGateways, (*api.DeleteInternetGatewayInput).GetInternetGatewayId)),
		op(s, api.AttachInternetGateway, s.AttachInternetGateway, the(internetGateways, (*api.AttachInternetGatewayInput).GetInternetGatewayId)).But(aRecord),
		op(s, api.DetachInternetGateway, s.DetachInternetGateway, the(internetGateways, (*api.DetachInternetGatewayInput).GetInternetGatewayId)),
		anyOf(s, api.CreateEgressOnlyInternetGateway, s.CreateEgressOnlyInternetGateway, egressGateways).But(aRecord),
		op(s, api.DeleteEgressOnlyInternetGateway, s.DeleteEgressOnlyInternetGateway, the(egressGateways, (*api.DeleteEgressOnlyInternetGatewayInput).GetEgressOnlyInternetGatewayId)),
		anyOf(s, api.CreateNatGateway, s.CreateNatGateway, natGateways).But(aRecord),
		op(s, api.DeleteNatGateway, s.DeleteNatGateway, the(natGateways, (*api.DeleteNatGatewayInput).GetNatGatewayId)),
		anyOf(s, api.AllocateAddress, s.AllocateAddress, addresses).But("A record: the address is one for documentation, and leads nowhere."),
		op(s, api.ReleaseAddress, s.ReleaseAddress, the(addresses, (*api.ReleaseAddressInput).GetAllocationId)),
		anyOf(s, api.CreateDhcpOptions, s.CreateDhcpOptions, dhcpOptions).But(aRecord),
		op(s, api.DeleteDhcpOptions, s.DeleteDhcpOptions, the(dhcpOptions, (*api.DeleteDhcpOptionsInput).GetDhcpOptionsId)),
		op(s, api.AssociateDhcpOptions, s.AssociateDhcpOptions, the(vpcs, (*api.AssociateDhcpOptionsInput).GetVpcId)).But(aRecord),
	}
}

func (s *Service) access() []service.Operation {
	return []service.Operation{
		anyOf(s, api.CreateSecurityGroup, s.CreateSecurityGroup, groups).But(aRecord),
		op(s, api.DeleteSecurityGroup, s.DeleteSecurityGroup, the(groups, (*api.DeleteSecurityGroupInput).GetGroupId)),
		op(s, api.AuthorizeSecurityGroupIngress, s.AuthorizeSecurityGroupIngress, the(groups, (*api.AuthorizeSecurityGroupIngressInput).GetGroupId)).But(aRecord),
		op(s, api.AuthorizeSecurityGroupEgress, s.AuthorizeSecurityGroupEgress, the(groups, (*api.AuthorizeSecurityGroupEgressInput).GetGroupId)).But(aRecord),
		op(s, api.RevokeSecurityGroupIngress, s.RevokeSecurityGroupIngress, the(groups, (*api.RevokeSecurityGroupIngressInput).GetGroupId)),
		op(s, api.RevokeSecurityGroupEgress, s.RevokeSecurityGroupEgress, the(groups, (*api.RevokeSecurityGroupEgressInput).GetGroupId)),
		anyOf(s, api.CreateNetworkAcl, s.CreateNetworkAcl, acls).But(aRecord),
		op(s, api.DeleteNetworkAcl, s.DeleteNetworkAcl, the(acls, (*api.DeleteNetworkAclInput).GetNetworkAclId)),
		op(s, api.CreateNetworkAclEntry, s.CreateNetworkAclEntry, the(acls, (*api.CreateNetworkAclEntryInput).GetNetworkAclId)).But(aRecord),
		op(s, api.ReplaceNetworkAclEntry, s.ReplaceNetworkAclEntry, the(acls, (*api.ReplaceNetworkAclEntryInput).GetNetworkAclId)).But(aRecord),
		op(s, api.DeleteNetworkAclEntry, s.DeleteNetworkAclEntry, the(acls, (*api.DeleteNetworkAclEntryInput).GetNetworkAclId)),
		op(s, api.ReplaceNetworkAclAssociation, s.ReplaceNetworkAclAssociation, the(acls, (*api.ReplaceNetworkAclAssociationInput).GetNetworkAclId)),
		anyOf(s, api.CreateVpcEndpoint, s.CreateVpcEndpoint, endpoints).But("A record: functions reach the platform without one, and its policy is not asked."),
		op(s, api.ModifyVpcEndpoint, s.ModifyVpcEndpoint, the(endpoints, (*api.ModifyVpcEndpointInput).GetVpcEndpointId)).But(aRecord),
		anyOf(s, api.DeleteVpcEndpoints, s.DeleteVpcEndpoints, endpoints),
		op(s, api.CreateTags, s.CreateTags, service.Any),
		op(s, api.DeleteTags, s.DeleteTags, service.Any),
	}
}

func (s *Service) asked() []service.Operation {
	return []service.Operation{
		op(s, api.DescribeVpcs, s.DescribeVpcs, service.Any),
		op(s, api.DescribeVpcAttribute, s.DescribeVpcAttribute, service.Any),
		op(s, api.DescribeSubnets, s.DescribeSubnets, service.Any),
		op(s, api.DescribeRouteTables, s.DescribeRouteTables, service.Any),
		op(s, api.DescribeInternetGateways, s.DescribeInternetGateways, service.Any),
		op(s, api.DescribeEgressOnlyInternetGateways, s.DescribeEgressOnlyInternetGateways, service.Any),
		op(s, api.DescribeNatGateways, s.DescribeNatGateways, service.Any),
		op(s, api.DescribeAddresses, s.DescribeAddresses, service.Any),
		op(s, api.DescribeAddressesAttribute, s.DescribeAddressesAttribute, service.Any),
		op(s, api.DescribeDhcpOptions, s.DescribeDhcpOptions, service.Any),
		op(s, api.DescribeSecurityGroups, s.DescribeSecurityGroups, service.Any),
		op(s, api.DescribeSecurityGroupRules, s.DescribeSecurityGroupRules, service.Any),
		op(s, api.DescribeNetworkAcls, s.DescribeNetworkAcls, service.Any),
		op(s, api.DescribeVpcEndpoints, s.DescribeVpcEndpoints, service.Any),
		op(s, api.DescribeTags, s.DescribeTags, service.Any),
		op(s, api.DescribeAvailabilityZones, s.DescribeAvailabilityZones, service.Any).But("A region has the zones a, b and c."),
		op(s, api.DescribeRegions, s.DescribeRegions, service.Any),
		op(s, api.DescribeAccountAttributes, s.DescribeAccountAttributes, service.Any),
		op(s, api.DescribeImages, s.DescribeImages, service.Any).But("The images of Amazon Linux, Windows and Ubuntu that templates name most, as records: nothing is started from them."),
		op(s, api.DescribeInstances, s.DescribeInstances, service.Any).But(noneRuns),
		op(s, api.DescribeNetworkInterfaces, s.DescribeNetworkInterfaces, service.Any).But(noneRuns),
		op(s, api.DescribeVpnGateways, s.DescribeVpnGateways, service.Any).But(noneStand),
	}
}

// op is the row of an operation, with what all of them have in common: members
// that are required, dry runs, and that a region is there once it is asked.
func op[In, Out any](s *Service, o smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), resource func(*aws.Call, *In) aws.ARN) service.Operation {
	return service.Op(o, func(ctx context.Context, call *aws.Call, in *In) (*Out, error) {
		if err := s.begin(ctx, call, in); err != nil {
			return nil, err
		}
		return handle(ctx, call, in)
	}, resource)
}

func (s *Service) begin(ctx context.Context, call *aws.Call, in any) error {
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("aws"), ",")
		kind := v.Field(i).Kind()
		if strings.HasPrefix(options+",", "required,") && v.Field(i).IsZero() && (kind == reflect.String || kind == reflect.Slice) {
			return refused("MissingParameter", "The request must contain the parameter %s", strings.ToLower(name[:1])+name[1:])
		}
	}
	if dry := v.FieldByName("DryRun"); dry.IsValid() && aws.Value(dry.Interface().(*bool)) {
		return aws.Fault{Code: "DryRunOperation", Status: 412}.Errorf("Request would have succeeded, but DryRun flag is set.")
	}
	return s.beginRegion(ctx, call)
}

// the is the record that an input names.
func the[V, In any](k kind[V], id func(*In) string) func(*aws.Call, *In) aws.ARN {
	return func(call *aws.Call, in *In) aws.ARN {
		if id(in) == "" {
			return k.arn(call, "*")
		}
		return k.arn(call, id(in))
	}
}

// anyOf is the row of an operation on no record that its input names.
func anyOf[V, In, Out any](s *Service, o smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), k kind[V]) service.Operation {
	return op(s, o, handle, func(call *aws.Call, _ *In) aws.ARN { return k.arn(call, "*") })
}
