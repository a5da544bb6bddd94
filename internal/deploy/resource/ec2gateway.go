package resource

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func internetGateway() networkType {
	n := networkType{
		name: "AWS::EC2::InternetGateway", kind: "internet-gateway", attributes: "InternetGatewayId", properties: "Tags",
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteInternetGateway, &ec2.DeleteInternetGatewayInput{InternetGatewayId: id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		out, err := Do(op, ec2.CreateInternetGateway, &ec2.CreateInternetGatewayInput{TagSpecifications: n.tags(op)})
		if err != nil {
			return "", err
		}
		return *out.InternetGateway.InternetGatewayId, nil
	}
	return n
}

func egressGateway() networkType {
	n := networkType{
		name: "AWS::EC2::EgressOnlyInternetGateway", kind: "egress-only-internet-gateway", attributes: "Id", properties: "Tags VpcId!@",
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteEgressOnlyInternetGateway, &ec2.DeleteEgressOnlyInternetGatewayInput{EgressOnlyInternetGatewayId: id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		out, err := Do(op, ec2.CreateEgressOnlyInternetGateway, &ec2.CreateEgressOnlyInternetGatewayInput{VpcId: op.Text("VpcId"), TagSpecifications: n.tags(op)})
		if err != nil {
			return "", err
		}
		return *out.EgressOnlyInternetGateway.EgressOnlyInternetGatewayId, nil
	}
	return n
}

// gatewayOf finds the internet gateway that is attached to a VPC, or "".
func gatewayOf(op *Op, vpc string) (string, error) {
	out, err := Do(op, ec2.DescribeInternetGateways, &ec2.DescribeInternetGatewaysInput{Filters: []ec2.Filter{where("attachment.vpc-id", vpc)}})
	if err != nil || len(out.InternetGateways) == 0 {
		return "", err
	}
	return *out.InternetGateways[0].InternetGatewayId, nil
}

// gatewayAttachment is the attachment of a gateway to a VPC. Its id says of which
// VPC it is, and not which gateway that is.
func gatewayAttachment() networkType {
	attach := func(op *Op) (string, error) {
		id, vpc := op.Text("InternetGatewayId"), op.Text("VpcId")
		_, err := Do(op, ec2.AttachInternetGateway, &ec2.AttachInternetGatewayInput{InternetGatewayId: id, VpcId: vpc})
		return "IGW|" + vpc, err
	}
	detach := func(op *Op, vpc string) error {
		id, err := gatewayOf(op, vpc)
		if err != nil || id == "" {
			return err
		}
		_, err = Do(op, ec2.DetachInternetGateway, &ec2.DetachInternetGatewayInput{InternetGatewayId: id, VpcId: vpc})
		return err
	}
	return networkType{
		name: "AWS::EC2::VPCGatewayAttachment", attributes: "AttachmentType", properties: "InternetGatewayId VpcId!@ VpnGatewayId-",
		create: attach,
		find: func(op *Op) (string, error) {
			id, err := gatewayOf(op, op.Text("VpcId"))
			if err != nil || id == "" || id != op.Text("InternetGatewayId") {
				return "", err
			}
			return "IGW|" + op.Text("VpcId"), nil
		},
		change: func(op *Op) (string, error) {
			if err := detach(op, op.Text("VpcId")); err != nil {
				return "", err
			}
			return attach(op)
		},
		show: func(_ *Op, id string) *Made {
			return &Made{PhysicalID: id, Attributes: map[string]any{"AttachmentType": "IGW"}}
		},
		remove: func(op *Op, id string) error { return detach(op, strings.TrimPrefix(id, "IGW|")) },
	}
}

func natGateway() networkType {
	n := networkType{
		name: "AWS::EC2::NatGateway", kind: "natgateway", attributes: "NatGatewayId EniId",
		properties: `AllocationId@ AvailabilityMode- AvailabilityZoneAddresses- ConnectivityType@ MaxDrainDurationSeconds PrivateIpAddress@ SecondaryAllocationIds-
			SecondaryPrivateIpAddressCount- SecondaryPrivateIpAddresses- SubnetId@ Tags VpcId-`,
		look: func(op *Op, id string) (*Made, error) {
			out, err := Do(op, ec2.DescribeNatGateways, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{id}})
			if err != nil {
				return nil, err
			}
			eni := ""
			for _, a := range out.NatGateways[0].NatGatewayAddresses {
				eni = aws.Value(a.NetworkInterfaceId)
			}
			return &Made{PhysicalID: id, Attributes: map[string]any{"NatGatewayId": id, "EniId": eni}}, nil
		},
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteNatGateway, &ec2.DeleteNatGatewayInput{NatGatewayId: id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		in := &ec2.CreateNatGatewayInput{TagSpecifications: n.tags(op), ClientToken: &op.Token}
		if err := Bind(op, pick(op.New, "AllocationId", "ConnectivityType", "PrivateIpAddress", "SubnetId"), in); err != nil {
			return "", err
		}
		out, err := Do(op, ec2.CreateNatGateway, in)
		if err != nil {
			return "", err
		}
		return *out.NatGateway.NatGatewayId, nil
	}
	return n
}

func elasticAddress() networkType {
	n := networkType{
		name: "AWS::EC2::EIP", kind: "elastic-ip", key: "AllocationId", attributes: "PublicIp AllocationId",
		properties: "Address- Domain InstanceId IpamPoolId- NetworkBorderGroup@ PublicIpv4Pool- Tags TransferAddress-",
		look: func(op *Op, id string) (*Made, error) {
			out, err := Do(op, ec2.DescribeAddresses, &ec2.DescribeAddressesInput{AllocationIds: []string{id}})
			if err != nil {
				return nil, err
			}
			ip := *out.Addresses[0].PublicIp
			return &Made{PhysicalID: ip, Attributes: map[string]any{"PublicIp": ip, "AllocationId": id}}, nil
		},
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.ReleaseAddress, &ec2.ReleaseAddressInput{AllocationId: &id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		in := &ec2.AllocateAddressInput{TagSpecifications: n.tags(op)}
		if err := Bind(op, pick(op.New, "Domain", "NetworkBorderGroup"), in); err != nil {
			return "", err
		}
		out, err := Do(op, ec2.AllocateAddress, in)
		if err != nil {
			return "", err
		}
		return *out.AllocationId, nil
	}
	return n
}
