package ec2

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const openPolicy = `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`

// CreateVpcEndpoint makes an endpoint of a service in a VPC.
func (s *Service) CreateVpcEndpoint(ctx context.Context, call *aws.Call, in *api.CreateVpcEndpointInput) (*api.CreateVpcEndpointOutput, error) {
	tags, err := tagsOf(in.TagSpecifications, endpoints.name)
	if err != nil {
		return nil, err
	}
	service := aws.Value(in.ServiceName)
	if service == "" && in.ServiceNetworkArn == nil && in.ResourceConfigurationArn == nil {
		return nil, refused("MissingParameter", "The request must contain the parameter serviceName")
	}
	kind := aws.Or(in.VpcEndpointType, "Gateway")
	if kind == "Gateway" && service != "" && !strings.HasSuffix(service, ".s3") && !strings.HasSuffix(service, ".dynamodb") {
		return nil, refused("InvalidParameter", "Endpoint type (Gateway) does not match available service types ([Interface]).")
	}
	v := api.VpcEndpoint{
		VpcEndpointId: newID("vpce"), VpcEndpointType: &kind, VpcId: &in.VpcId, ServiceName: in.ServiceName, State: new("available"),
		PolicyDocument: new(aws.Or(in.PolicyDocument, openPolicy)), RouteTableIds: some(in.RouteTableIds), SubnetIds: some(in.SubnetIds), Groups: []api.SecurityGroupIdentifier{},
		PrivateDnsEnabled: new(aws.Value(in.PrivateDnsEnabled)), RequesterManaged: new(false), CreationTimestamp: new(time.Now()), OwnerId: &call.Account, Tags: tags,
		IpAddressType: in.IpAddressType, NetworkInterfaceIds: []string{}, ServiceNetworkArn: in.ServiceNetworkArn, ResourceConfigurationArn: in.ResourceConfigurationArn,
		ServiceRegion: in.ServiceRegion,
	}
	if kind == "Interface" {
		v.DnsEntries = []api.DnsEntry{{DnsName: new(*v.VpcEndpointId + "." + service[strings.LastIndexByte(service, '.')+1:] + "." + call.Region + ".vpce.amazonaws.com"), HostedZoneId: new("Z00000000000000000000")}}
		for range in.SubnetIds {
			v.NetworkInterfaceIds = append(v.NetworkInterfaceIds, *newID("eni"))
		}
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := vpcs.find(tx, call, in.VpcId); err != nil {
			return err
		}
		if err := checkParts(tx, call, in.RouteTableIds, in.SubnetIds); err != nil {
			return err
		}
		wanted := in.SecurityGroupIds
		if len(wanted) == 0 && kind == "Interface" {
			for _, g := range groups.all(tx, call, func(g *group) bool { return *g.Is.VpcId == in.VpcId && *g.Is.GroupName == "default" }) {
				wanted = append(wanted, *g.Is.GroupId)
			}
		}
		v.Groups, err = identified(tx, call, wanted)
		if err != nil {
			return err
		}
		return endpoints.put(tx, call, v)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateVpcEndpointOutput{VpcEndpoint: &v, ClientToken: in.ClientToken}, nil
}

// checkParts refuses route tables and subnets that are not there.
func checkParts(tx *store.Tx, call *aws.Call, tables, nets []string) error {
	for _, id := range tables {
		if _, err := routeTables.find(tx, call, id); err != nil {
			return err
		}
	}
	for _, id := range nets {
		if _, err := subnets.find(tx, call, id); err != nil {
			return err
		}
	}
	return nil
}

// identified are security groups as endpoints show them.
func identified(tx *store.Tx, call *aws.Call, ids []string) ([]api.SecurityGroupIdentifier, error) {
	list := []api.SecurityGroupIdentifier{}
	for _, id := range ids {
		g, err := groups.find(tx, call, id)
		if err != nil {
			return nil, err
		}
		list = append(list, api.SecurityGroupIdentifier{GroupId: &id, GroupName: g.Is.GroupName})
	}
	return list, nil
}

// DescribeVpcEndpoints describes endpoints.
func (s *Service) DescribeVpcEndpoints(ctx context.Context, call *aws.Call, in *api.DescribeVpcEndpointsInput) (*api.DescribeVpcEndpointsOutput, error) {
	list, next, err := describe(ctx, s, call, endpoints, ask{in.VpcEndpointIds, in.Filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	return &api.DescribeVpcEndpointsOutput{VpcEndpoints: some(list), NextToken: next}, nil
}

// without is a list without some of it, and with more.
func without(list, remove, more []string) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(id string) bool { return slices.Contains(remove, id) })
	for _, id := range more {
		if !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return some(list)
}

// ModifyVpcEndpoint changes an endpoint.
func (s *Service) ModifyVpcEndpoint(ctx context.Context, call *aws.Call, in *api.ModifyVpcEndpointInput) (*api.ModifyVpcEndpointOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if err := checkParts(tx, call, in.AddRouteTableIds, in.AddSubnetIds); err != nil {
			return err
		}
		return endpoints.change(tx, call, in.VpcEndpointId, func(v *api.VpcEndpoint) (err error) {
			v.RouteTableIds = without(v.RouteTableIds, in.RemoveRouteTableIds, in.AddRouteTableIds)
			v.SubnetIds = without(v.SubnetIds, in.RemoveSubnetIds, in.AddSubnetIds)
			var ids []string
			for _, g := range v.Groups {
				ids = append(ids, *g.GroupId)
			}
			if v.Groups, err = identified(tx, call, without(ids, in.RemoveSecurityGroupIds, in.AddSecurityGroupIds)); err != nil {
				return err
			}
			if aws.Value(in.ResetPolicy) {
				v.PolicyDocument = new(openPolicy)
			}
			if in.PolicyDocument != nil {
				v.PolicyDocument = in.PolicyDocument
			}
			if in.PrivateDnsEnabled != nil {
				v.PrivateDnsEnabled = in.PrivateDnsEnabled
			}
			if in.IpAddressType != nil {
				v.IpAddressType = in.IpAddressType
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.ModifyVpcEndpointOutput{Return: new(true)}, nil
}

// DeleteVpcEndpoints deletes endpoints, and says which were not there.
func (s *Service) DeleteVpcEndpoints(ctx context.Context, call *aws.Call, in *api.DeleteVpcEndpointsInput) (*api.DeleteVpcEndpointsOutput, error) {
	out := &api.DeleteVpcEndpointsOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		out.Unsuccessful = []api.UnsuccessfulItem{}
		for _, id := range in.VpcEndpointIds {
			if has, err := endpoints.table.Has(tx, endpoints.arn(call, id)); err != nil {
				return err
			} else if !has {
				out.Unsuccessful = append(out.Unsuccessful, api.UnsuccessfulItem{ResourceId: &id, Error: &api.UnsuccessfulItemError{
					Code: &endpoints.code, Message: new("The Vpc Endpoint Id '" + id + "' does not exist"),
				}})
				continue
			}
			if err := endpoints.remove(tx, call, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
