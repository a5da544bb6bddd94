package resource

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func routeTable() networkType {
	n := networkType{
		name: "AWS::EC2::RouteTable", kind: "route-table", attributes: "RouteTableId", properties: "Tags VpcId!@",
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteRouteTable, &ec2.DeleteRouteTableInput{RouteTableId: id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		out, err := Do(op, ec2.CreateRouteTable, &ec2.CreateRouteTableInput{VpcId: op.Text("VpcId"), TagSpecifications: n.tags(op)})
		if err != nil {
			return "", err
		}
		return *out.RouteTable.RouteTableId, nil
	}
	return n
}

// destinationOf is where the route of some properties leads.
func destinationOf(properties map[string]any) string {
	return text(properties["DestinationCidrBlock"]) + text(properties["DestinationIpv6CidrBlock"]) + text(properties["DestinationPrefixListId"])
}

func route() networkType {
	idOf := func(op *Op) string { return op.Text("RouteTableId") + "|" + destinationOf(op.New) }
	return networkType{
		name: "AWS::EC2::Route", attributes: "CidrBlock",
		properties: `CarrierGatewayId CoreNetworkArn DestinationCidrBlock@ DestinationIpv6CidrBlock@ DestinationPrefixListId@ EgressOnlyInternetGatewayId GatewayId InstanceId
			LocalGatewayId NatGatewayId NetworkInterfaceId OdbNetworkArn RouteTableId!@ TransitGatewayId VpcEndpointId VpcPeeringConnectionId`,
		create: func(op *Op) (string, error) {
			in := &ec2.CreateRouteInput{}
			if err := Bind(op, op.New, in); err != nil {
				return "", err
			}
			_, err := Do(op, ec2.CreateRoute, in)
			return idOf(op), err
		},
		find: func(op *Op) (string, error) {
			out, err := Do(op, ec2.DescribeRouteTables, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{op.Text("RouteTableId")}})
			if err != nil || idOf(op) == op.Except {
				return "", err
			}
			for _, r := range out.RouteTables[0].Routes {
				to := aws.Value(r.DestinationCidrBlock) + aws.Value(r.DestinationIpv6CidrBlock) + aws.Value(r.DestinationPrefixListId)
				if to == destinationOf(op.New) && aws.Value(r.Origin) == "CreateRoute" {
					return idOf(op), nil
				}
			}
			return "", nil
		},
		change: func(op *Op) (string, error) {
			in := &ec2.ReplaceRouteInput{}
			if err := Bind(op, op.New, in); err != nil {
				return "", err
			}
			_, err := Do(op, ec2.ReplaceRoute, in)
			return op.PhysicalID, err
		},
		show: func(op *Op, id string) *Made {
			return &Made{PhysicalID: id, Attributes: map[string]any{"CidrBlock": op.Text("DestinationCidrBlock")}}
		},
		remove: func(op *Op, _ string) error {
			in := &ec2.DeleteRouteInput{}
			if err := Bind(op, pick(op.Old, "RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"), in); err != nil {
				return err
			}
			_, err := Do(op, ec2.DeleteRoute, in)
			return err
		},
	}
}

// tableAssociationOf finds the association of a subnet with a route table that
// was given to it, and that table.
func tableAssociationOf(op *Op, subnet string) (id, table string, err error) {
	out, err := Do(op, ec2.DescribeRouteTables, &ec2.DescribeRouteTablesInput{Filters: []ec2.Filter{where("association.subnet-id", subnet)}})
	if err != nil {
		return "", "", err
	}
	for _, t := range out.RouteTables {
		for _, a := range t.Associations {
			if aws.Value(a.SubnetId) == subnet {
				return *a.RouteTableAssociationId, *t.RouteTableId, nil
			}
		}
	}
	return "", "", nil
}

func routeTableAssociation() networkType {
	return networkType{
		name: "AWS::EC2::SubnetRouteTableAssociation", attributes: "Id", properties: "RouteTableId! SubnetId!@",
		create: func(op *Op) (string, error) {
			out, err := Do(op, ec2.AssociateRouteTable, &ec2.AssociateRouteTableInput{RouteTableId: op.Text("RouteTableId"), SubnetId: new(op.Text("SubnetId"))})
			if err != nil {
				return "", err
			}
			return *out.AssociationId, nil
		},
		find: func(op *Op) (string, error) {
			id, table, err := tableAssociationOf(op, op.Text("SubnetId"))
			if err != nil || table != op.Text("RouteTableId") || id == op.Except {
				return "", err
			}
			return id, nil
		},
		change: func(op *Op) (string, error) {
			id, table, err := tableAssociationOf(op, op.Text("SubnetId"))
			if err != nil || id != "" && table == op.Text("RouteTableId") {
				return id, err
			}
			out, err := Do(op, ec2.ReplaceRouteTableAssociation, &ec2.ReplaceRouteTableAssociationInput{AssociationId: id, RouteTableId: op.Text("RouteTableId")})
			if err != nil {
				return "", err
			}
			return *out.NewAssociationId, nil
		},
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DisassociateRouteTable, &ec2.DisassociateRouteTableInput{AssociationId: id})
			return err
		},
	}
}

func networkEndpoint() networkType {
	n := networkType{
		name: "AWS::EC2::VPCEndpoint", kind: "vpc-endpoint", attributes: "Id CreationTimestamp DnsEntries NetworkInterfaceIds",
		properties: `DnsOptions IpAddressType PolicyDocument PrivateDnsEnabled ResourceConfigurationArn@ RouteTableIds SecurityGroupIds ServiceName@ ServiceNetworkArn@
			ServiceRegion@ SubnetIds Tags VpcEndpointType@ VpcId!@`,
		look: seeEndpoint,
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteVpcEndpoints, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
			return err
		},
		change: func(op *Op) (string, error) {
			in := &ec2.ModifyVpcEndpointInput{}
			for _, l := range []struct {
				property    string
				add, remove *[]string
			}{
				{"RouteTableIds", &in.AddRouteTableIds, &in.RemoveRouteTableIds}, {"SubnetIds", &in.AddSubnetIds, &in.RemoveSubnetIds},
				{"SecurityGroupIds", &in.AddSecurityGroupIds, &in.RemoveSecurityGroupIds},
			} {
				*l.add = texts(missingFrom(op.New[l.property], op.Old[l.property]))
				*l.remove = texts(missingFrom(op.Old[l.property], op.New[l.property]))
			}
			settings := slices.DeleteFunc([]string{"DnsOptions", "IpAddressType", "PolicyDocument", "PrivateDnsEnabled"}, func(name string) bool { return !op.Changed(name) })
			if err := Bind(op, pick(op.New, settings...), in); err != nil {
				return "", err
			}
			in.VpcEndpointId, in.ResetPolicy = op.PhysicalID, new(op.Changed("PolicyDocument") && op.New["PolicyDocument"] == nil)
			_, err := Do(op, ec2.ModifyVpcEndpoint, in)
			return op.PhysicalID, err
		},
	}
	n.create = func(op *Op) (string, error) {
		in := &ec2.CreateVpcEndpointInput{TagSpecifications: n.tags(op)}
		if err := Bind(op, without(op.New, "Tags"), in); err != nil {
			return "", err
		}
		out, err := Do(op, ec2.CreateVpcEndpoint, in)
		if err != nil {
			return "", err
		}
		return *out.VpcEndpoint.VpcEndpointId, nil
	}
	return n
}

func seeEndpoint(op *Op, id string) (*Made, error) {
	out, err := Do(op, ec2.DescribeVpcEndpoints, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
	if err != nil {
		return nil, err
	}
	v := out.VpcEndpoints[0]
	entries, interfaces := []any{}, []any{}
	for _, e := range v.DnsEntries {
		entries = append(entries, strings.Join([]string{aws.Value(e.HostedZoneId), aws.Value(e.DnsName)}, ":"))
	}
	for _, id := range v.NetworkInterfaceIds {
		interfaces = append(interfaces, id)
	}
	return &Made{PhysicalID: id, Attributes: map[string]any{
		"Id": id, "CreationTimestamp": v.CreationTimestamp.UTC().Format("2006-01-02T15:04:05Z07:00"), "DnsEntries": entries, "NetworkInterfaceIds": interfaces,
	}}, nil
}
