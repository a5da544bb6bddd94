package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func subnet() networkType {
	n := networkType{
		name: "AWS::EC2::Subnet", kind: "subnet",
		properties: `AssignIpv6AddressOnCreation AvailabilityZone@ AvailabilityZoneId@ CidrBlock@ EnableDns64 EnableLniAtDeviceIndex- Ipv4IpamPoolId- Ipv4NetmaskLength-
			Ipv6CidrBlock Ipv6IpamPoolId- Ipv6Native@ Ipv6NetmaskLength- MapPublicIpOnLaunch OutpostArn- PrivateDnsNameOptionsOnLaunch Tags VpcId!@`,
		attributes: "SubnetId AvailabilityZone AvailabilityZoneId CidrBlock Ipv6CidrBlocks NetworkAclAssociationId OutpostArn VpcId",
		live:       []string{"Ipv6CidrBlocks", "NetworkAclAssociationId"},
		look:       seeSubnet,
		set:        setSubnet,
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteSubnet, &ec2.DeleteSubnetInput{SubnetId: id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		in := &ec2.CreateSubnetInput{TagSpecifications: n.tags(op)}
		if err := Bind(op, pick(op.New, "AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv6Native", "VpcId"), in); err != nil {
			return "", err
		}
		out, err := Do(op, ec2.CreateSubnet, in)
		if err != nil {
			return "", err
		}
		return *out.Subnet.SubnetId, nil
	}
	return n
}

// setSubnet sets what a subnet does for what is launched in it, one thing in a
// request as EC2 wants it, and its addresses of IPv6.
func setSubnet(op *Op, id string) error {
	if op.Changed("Ipv6CidrBlock") {
		if err := setSubnetBlock(op, id); err != nil {
			return err
		}
	}
	modify := func(member string, value any) error {
		in := &ec2.ModifySubnetAttributeInput{SubnetId: id}
		if err := Bind(op, map[string]any{member: value}, in); err != nil {
			return err
		}
		_, err := Do(op, ec2.ModifySubnetAttribute, in)
		return err
	}
	for _, name := range []string{"AssignIpv6AddressOnCreation", "MapPublicIpOnLaunch", "EnableDns64"} {
		if op.Changed(name) {
			if err := modify(name, map[string]any{"Value": truth(op.New[name])}); err != nil {
				return err
			}
		}
	}
	if !op.Changed("PrivateDnsNameOptionsOnLaunch") {
		return nil
	}
	options := object(op.New["PrivateDnsNameOptionsOnLaunch"])
	if v := text(options["HostnameType"]); v != "" {
		if err := modify("PrivateDnsHostnameTypeOnLaunch", v); err != nil {
			return err
		}
	}
	for _, name := range []string{"EnableResourceNameDnsARecord", "EnableResourceNameDnsAAAARecord"} {
		if v, has := options[name]; has {
			if err := modify(name+"OnLaunch", map[string]any{"Value": truth(v)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// setSubnetBlock makes the addresses of IPv6 that a subnet has those of op.New.
func setSubnetBlock(op *Op, id string) error {
	out, err := Do(op, ec2.DescribeSubnets, &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
	if err != nil {
		return err
	}
	wanted := op.Text("Ipv6CidrBlock")
	for _, a := range out.Subnets[0].Ipv6CidrBlockAssociationSet {
		switch aws.Value(a.Ipv6CidrBlock) {
		case wanted:
			return nil
		case text(op.Old["Ipv6CidrBlock"]):
			if _, err := Do(op, ec2.DisassociateSubnetCidrBlock, &ec2.DisassociateSubnetCidrBlockInput{AssociationId: *a.AssociationId}); err != nil {
				return err
			}
		}
	}
	if wanted == "" {
		return nil
	}
	_, err = Do(op, ec2.AssociateSubnetCidrBlock, &ec2.AssociateSubnetCidrBlockInput{SubnetId: id, Ipv6CidrBlock: &wanted})
	return err
}

func seeSubnet(op *Op, id string) (*Made, error) {
	out, err := Do(op, ec2.DescribeSubnets, &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
	if err != nil {
		return nil, err
	}
	association, err := aclAssociationOf(op, id)
	if err != nil {
		return nil, err
	}
	v := out.Subnets[0]
	blocks := []any{}
	for _, a := range v.Ipv6CidrBlockAssociationSet {
		blocks = append(blocks, aws.Value(a.Ipv6CidrBlock))
	}
	return &Made{PhysicalID: id, Attributes: map[string]any{
		"SubnetId": id, "AvailabilityZone": aws.Value(v.AvailabilityZone), "AvailabilityZoneId": aws.Value(v.AvailabilityZoneId), "CidrBlock": aws.Value(v.CidrBlock),
		"Ipv6CidrBlocks": blocks, "NetworkAclAssociationId": association, "OutpostArn": aws.Value(v.OutpostArn), "VpcId": aws.Value(v.VpcId),
	}}, nil
}

func subnetBlock() networkType {
	return networkType{
		name: "AWS::EC2::SubnetCidrBlock", attributes: "Id", properties: "Ipv6CidrBlock@ Ipv6IpamPoolId- Ipv6NetmaskLength- SubnetId!@",
		create: func(op *Op) (string, error) {
			in := &ec2.AssociateSubnetCidrBlockInput{}
			if err := Bind(op, op.New, in); err != nil {
				return "", err
			}
			out, err := Do(op, ec2.AssociateSubnetCidrBlock, in)
			if err != nil {
				return "", err
			}
			return *out.Ipv6CidrBlockAssociation.AssociationId, nil
		},
		find: func(op *Op) (string, error) {
			out, err := Do(op, ec2.DescribeSubnets, &ec2.DescribeSubnetsInput{SubnetIds: []string{op.Text("SubnetId")}})
			if err != nil {
				return "", err
			}
			for _, a := range out.Subnets[0].Ipv6CidrBlockAssociationSet {
				if aws.Value(a.Ipv6CidrBlock) == op.Text("Ipv6CidrBlock") && *a.AssociationId != op.Except {
					return *a.AssociationId, nil
				}
			}
			return "", nil
		},
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DisassociateSubnetCidrBlock, &ec2.DisassociateSubnetCidrBlockInput{AssociationId: id})
			return err
		},
	}
}
