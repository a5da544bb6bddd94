package resource

import (
	"fmt"

	"github.com/aloft-cloud/aloft/internal/api/ec2"
)

func networkACL() networkType {
	n := networkType{
		name: "AWS::EC2::NetworkAcl", kind: "network-acl", attributes: "Id", properties: "Tags VpcId!@",
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteNetworkAcl, &ec2.DeleteNetworkAclInput{NetworkAclId: id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		out, err := Do(op, ec2.CreateNetworkAcl, &ec2.CreateNetworkAclInput{VpcId: op.Text("VpcId"), TagSpecifications: n.tags(op)})
		if err != nil {
			return "", err
		}
		return *out.NetworkAcl.NetworkAclId, nil
	}
	return n
}

// aclEntryID is how an entry is known: an ACL numbers those that let in and those
// that let out apart.
func aclEntryID(properties map[string]any) string {
	return fmt.Sprintf("%s|%s|%t", text(properties["NetworkAclId"]), text(properties["RuleNumber"]), truth(properties["Egress"]))
}

func aclEntry() networkType {
	return networkType{
		name: "AWS::EC2::NetworkAclEntry", attributes: "Id", properties: "CidrBlock Egress@ Icmp Ipv6CidrBlock NetworkAclId!@ PortRange Protocol! RuleAction! RuleNumber!@",
		create: func(op *Op) (string, error) {
			in := &ec2.CreateNetworkAclEntryInput{}
			if err := Bind(op, aclEntryInput(op), in); err != nil {
				return "", err
			}
			_, err := Do(op, ec2.CreateNetworkAclEntry, in)
			return aclEntryID(op.New), err
		},
		find: func(op *Op) (string, error) {
			out, err := Do(op, ec2.DescribeNetworkAcls, &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{op.Text("NetworkAclId")}})
			if err != nil || aclEntryID(op.New) == op.Except {
				return "", err
			}
			for _, e := range out.NetworkAcls[0].Entries {
				if fmt.Sprint(*e.RuleNumber) == op.Text("RuleNumber") && *e.Egress == truth(op.New["Egress"]) {
					return aclEntryID(op.New), nil
				}
			}
			return "", nil
		},
		change: func(op *Op) (string, error) {
			in := &ec2.ReplaceNetworkAclEntryInput{}
			if err := Bind(op, aclEntryInput(op), in); err != nil {
				return "", err
			}
			_, err := Do(op, ec2.ReplaceNetworkAclEntry, in)
			return op.PhysicalID, err
		},
		remove: func(op *Op, _ string) error {
			in := &ec2.DeleteNetworkAclEntryInput{}
			if err := Bind(op, pick(op.Old, "NetworkAclId", "RuleNumber", "Egress"), in); err != nil {
				return err
			}
			_, err := Do(op, ec2.DeleteNetworkAclEntry, in)
			return err
		},
	}
}

func aclEntryInput(op *Op) map[string]any {
	in := without(op.New, "Icmp")
	if icmp, has := op.New["Icmp"]; has {
		in["IcmpTypeCode"] = icmp
	}
	return in
}

// aclAssociationOf finds the association of a subnet with its ACL.
func aclAssociationOf(op *Op, subnet string) (string, error) {
	out, err := Do(op, ec2.DescribeNetworkAcls, &ec2.DescribeNetworkAclsInput{Filters: []ec2.Filter{where("association.subnet-id", subnet)}})
	if err != nil {
		return "", err
	}
	for _, acl := range out.NetworkAcls {
		for _, a := range acl.Associations {
			if *a.SubnetId == subnet {
				return *a.NetworkAclAssociationId, nil
			}
		}
	}
	return "", nil
}

// aclAssociation gives a subnet another ACL than that of its VPC, which it has
// again afterwards.
func aclAssociation() networkType {
	give := func(op *Op, association, acl string) (string, error) {
		out, err := Do(op, ec2.ReplaceNetworkAclAssociation, &ec2.ReplaceNetworkAclAssociationInput{AssociationId: association, NetworkAclId: acl})
		if err != nil {
			return "", err
		}
		return *out.NewAssociationId, nil
	}
	return networkType{
		name: "AWS::EC2::SubnetNetworkAclAssociation", attributes: "AssociationId", properties: "NetworkAclId!@ SubnetId!@",
		create: func(op *Op) (string, error) {
			association, err := aclAssociationOf(op, op.Text("SubnetId"))
			if err != nil {
				return "", err
			}
			return give(op, association, op.Text("NetworkAclId"))
		},
		find: func(*Op) (string, error) { return "", nil }, // it is given once more
		remove: func(op *Op, id string) error {
			out, err := Do(op, ec2.DescribeNetworkAcls, &ec2.DescribeNetworkAclsInput{Filters: []ec2.Filter{where("association.association-id", id)}})
			if err != nil || len(out.NetworkAcls) == 0 {
				return err
			}
			usual, err := Do(op, ec2.DescribeNetworkAcls, &ec2.DescribeNetworkAclsInput{Filters: []ec2.Filter{where("vpc-id", *out.NetworkAcls[0].VpcId), where("default", "true")}})
			if err != nil || len(usual.NetworkAcls) == 0 {
				return err
			}
			_, err = give(op, id, *usual.NetworkAcls[0].NetworkAclId)
			return err
		},
	}
}

// dhcpNames are the options that properties stand for.
var dhcpNames = [][2]string{
	{"DomainName", "domain-name"}, {"DomainNameServers", "domain-name-servers"}, {"NtpServers", "ntp-servers"}, {"NetbiosNameServers", "netbios-name-servers"},
	{"NetbiosNodeType", "netbios-node-type"}, {"Ipv6AddressPreferredLeaseTime", "ipv6-address-preferred-lease-time"},
}

func dhcpOptions() networkType {
	n := networkType{
		name: "AWS::EC2::DHCPOptions", kind: "dhcp-options", attributes: "DhcpOptionsId",
		properties: "DomainName@ DomainNameServers@ Ipv6AddressPreferredLeaseTime@ NetbiosNameServers@ NetbiosNodeType@ NtpServers@ Tags",
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteDhcpOptions, &ec2.DeleteDhcpOptionsInput{DhcpOptionsId: id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		in := &ec2.CreateDhcpOptionsInput{TagSpecifications: n.tags(op)}
		for _, name := range dhcpNames {
			values := texts(op.New[name[0]])
			if v := op.Text(name[0]); v != "" {
				values = []string{v}
			}
			if len(values) > 0 {
				in.DhcpConfigurations = append(in.DhcpConfigurations, ec2.NewDhcpConfiguration{Key: &name[1], Values: values})
			}
		}
		out, err := Do(op, ec2.CreateDhcpOptions, in)
		if err != nil {
			return "", err
		}
		return *out.DhcpOptions.DhcpOptionsId, nil
	}
	return n
}

func dhcpAssociation() networkType {
	return networkType{
		name: "AWS::EC2::VPCDHCPOptionsAssociation", properties: "DhcpOptionsId!@ VpcId!@",
		create: func(op *Op) (string, error) {
			_, err := Do(op, ec2.AssociateDhcpOptions, &ec2.AssociateDhcpOptionsInput{DhcpOptionsId: op.Text("DhcpOptionsId"), VpcId: op.Text("VpcId")})
			return op.Text("DhcpOptionsId") + "|" + op.Text("VpcId"), err
		},
		find: func(*Op) (string, error) { return "", nil }, // it is set once more
		show: func(_ *Op, id string) *Made { return &Made{PhysicalID: id} },
		remove: func(op *Op, _ string) error {
			vpc := text(op.Old["VpcId"])
			out, err := Do(op, ec2.DescribeVpcs, &ec2.DescribeVpcsInput{VpcIds: []string{vpc}})
			if err != nil || *out.Vpcs[0].DhcpOptionsId != text(op.Old["DhcpOptionsId"]) {
				return err // another has taken its place
			}
			_, err = Do(op, ec2.AssociateDhcpOptions, &ec2.AssociateDhcpOptionsInput{DhcpOptionsId: "default", VpcId: vpc})
			return err
		},
	}
}
