package resource

import (
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// EC2 has the types of networks. They are made by EC2's own operations, which
// keep them as records: they are found, and depend on each other, and no traffic
// goes through them.
func EC2() []*Type {
	return []*Type{
		networkVPC().typ(), subnet().typ(), vpcBlock().typ(), subnetBlock().typ(), routeTable().typ(), route().typ(), routeTableAssociation().typ(),
		internetGateway().typ(), egressGateway().typ(), gatewayAttachment().typ(), natGateway().typ(), elasticAddress().typ(),
		securityGroup().typ(), groupIngress().typ(), groupEgress().typ(), networkEndpoint().typ(), networkACL().typ(), aclEntry().typ(), aclAssociation().typ(),
		dhcpOptions().typ(), dhcpAssociation().typ(),
	}
}

// A networkType is a type whose resources are records of EC2. Each is known there by
// an id, which is its physical id unless key says otherwise.
type networkType struct {
	name, properties, attributes string

	kind string // as types of tags say it; "": it has no tags
	key  string // the attribute that has the id

	create func(*Op) (id string, err error)
	find   func(*Op) (id string, err error) // nil: by the tags that it was made with
	change func(*Op) (id string, err error) // what a change makes of it; nil: it stays the same
	set    func(op *Op, id string) error    // sets what operations of their own set
	show   func(op *Op, id string) *Made    // what it is, if that is plain; or
	look   func(*Op, string) (*Made, error) // what it is, if EC2 has to be asked
	remove func(op *Op, id string) error    //
	live   []string                         // attributes that other resources change
	naming Naming                           //
}

func (n networkType) typ() *Type {
	t := &Type{
		Name: n.name, Properties: Props(n.properties), Attributes: strings.Fields(n.attributes), Naming: n.naming, Note: RecordNote, Record: true,
		Live: n.live,
	}
	if n.find == nil {
		n.find = n.tagged
	}
	t.Create = func(op *Op) (*Made, error) {
		id, err := n.create(op)
		if err != nil {
			return nil, err
		}
		return n.made(op, id)
	}
	t.Find = func(op *Op) (*Made, error) {
		id, err := n.find(op)
		if err != nil || id == "" {
			return nil, ignoreGone(err)
		}
		return n.made(op, id)
	}
	t.Update = func(op *Op) (*Made, error) {
		id, err := n.id(op), error(nil)
		if n.change != nil {
			if id, err = n.change(op); err != nil {
				return nil, err
			}
		}
		if n.kind != "" {
			if err := retagNetwork(op, id); err != nil {
				return nil, err
			}
		}
		return n.made(op, id)
	}
	t.Delete = func(op *Op) error { return n.remove(op, n.id(op)) }
	t.Read = func(op *Op) (*Made, error) { return n.seen(op, n.id(op)) }
	return t
}

func (n networkType) id(op *Op) string {
	if n.key != "" {
		return text(op.Attributes[n.key])
	}
	return op.PhysicalID
}

// made finishes what is there, and tells what it is.
func (n networkType) made(op *Op, id string) (*Made, error) {
	m, err := n.seen(op, id)
	if err == nil && n.set != nil {
		err = n.set(op, id)
	}
	return m, err
}

func (n networkType) seen(op *Op, id string) (*Made, error) {
	if n.look != nil {
		return n.look(op, id)
	}
	if n.show != nil {
		return n.show(op, id), nil
	}
	return &Made{PhysicalID: id, Attributes: map[string]any{strings.Fields(n.attributes)[0]: id}}, nil
}

// tags are those that a record is made with: its own, and those that say whence
// it is, by which it is found again.
func (n networkType) tags(op *Op) []ec2.TagSpecification {
	all := origin(op)
	maps.Copy(all, tagMap(op.New["Tags"]))
	return []ec2.TagSpecification{{ResourceType: &n.kind, Tags: networkTags(all)}}
}

func networkTags(tags map[string]string) (out []ec2.Tag) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, ec2.Tag{Key: &key, Value: new(tags[key])})
	}
	return out
}

func retagNetwork(op *Op, id string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, ec2.CreateTags, &ec2.CreateTagsInput{Resources: []string{id}, Tags: networkTags(tags)})
		return err
	}, func(keys []string) error {
		in := &ec2.DeleteTagsInput{Resources: []string{id}}
		for _, key := range keys {
			in.Tags = append(in.Tags, ec2.Tag{Key: &key})
		}
		_, err := Do(op, ec2.DeleteTags, in)
		return err
	})
}

// where is a filter of what EC2 describes.
func where(name string, values ...string) ec2.Filter { return ec2.Filter{Name: &name, Values: values} }

// tagged finds the record that op made, and not the one that it replaces.
func (n networkType) tagged(op *Op) (string, error) {
	from := origin(op)
	var ids []string
	for _, key := range slices.Sorted(maps.Keys(from)) {
		filters := []ec2.Filter{where("resource-type", n.kind), where("key", key), where("value", from[key])}
		if ids != nil {
			filters = append(filters, where("resource-id", ids...))
		}
		out, err := Do(op, ec2.DescribeTags, &ec2.DescribeTagsInput{Filters: filters})
		if err != nil || len(out.Tags) == 0 {
			return "", err
		}
		ids = nil
		for _, t := range out.Tags {
			ids = append(ids, *t.ResourceId)
		}
	}
	for _, id := range ids {
		if n.key == "" && id != op.Except {
			return id, nil
		}
		if m, err := n.seen(op, id); err != nil || m.PhysicalID != op.Except {
			return id, err
		}
	}
	return "", nil
}

func networkVPC() networkType {
	n := networkType{
		name: "AWS::EC2::VPC", kind: "vpc",
		properties: "CidrBlock@ EnableDnsHostnames EnableDnsSupport InstanceTenancy@ Ipv4IpamPoolId- Ipv4NetmaskLength- Tags VpcEncryptionControl-",
		attributes: "VpcId CidrBlock CidrBlockAssociations DefaultNetworkAcl DefaultSecurityGroup Ipv6CidrBlocks",
		live:       []string{"CidrBlockAssociations", "Ipv6CidrBlocks"},
		look:       seeVPC,
		set: func(op *Op, id string) error {
			for _, name := range []string{"EnableDnsSupport", "EnableDnsHostnames"} {
				if !op.Changed(name) {
					continue
				}
				value := name == "EnableDnsSupport" // what it is if nothing is said
				if v, has := op.New[name]; has {
					value = truth(v)
				}
				in := &ec2.ModifyVpcAttributeInput{VpcId: id}
				if err := Bind(op, map[string]any{name: map[string]any{"Value": value}}, in); err != nil {
					return err
				}
				if _, err := Do(op, ec2.ModifyVpcAttribute, in); err != nil {
					return err
				}
			}
			return nil
		},
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteVpc, &ec2.DeleteVpcInput{VpcId: id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		in := &ec2.CreateVpcInput{TagSpecifications: n.tags(op)}
		if err := Bind(op, pick(op.New, "CidrBlock", "InstanceTenancy"), in); err != nil {
			return "", err
		}
		out, err := Do(op, ec2.CreateVpc, in)
		if err != nil {
			return "", err
		}
		return *out.Vpc.VpcId, nil
	}
	return n
}

func seeVPC(op *Op, id string) (*Made, error) {
	out, err := Do(op, ec2.DescribeVpcs, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	if err != nil {
		return nil, err
	}
	groups, err := Do(op, ec2.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{Filters: []ec2.Filter{where("vpc-id", id), where("group-name", "default")}})
	if err != nil {
		return nil, err
	}
	acls, err := Do(op, ec2.DescribeNetworkAcls, &ec2.DescribeNetworkAclsInput{Filters: []ec2.Filter{where("vpc-id", id), where("default", "true")}})
	if err != nil {
		return nil, err
	}
	v := out.Vpcs[0]
	attributes := map[string]any{"VpcId": id, "CidrBlock": aws.Value(v.CidrBlock), "DefaultSecurityGroup": "", "DefaultNetworkAcl": ""}
	for _, g := range groups.SecurityGroups {
		attributes["DefaultSecurityGroup"] = *g.GroupId
	}
	for _, a := range acls.NetworkAcls {
		attributes["DefaultNetworkAcl"] = *a.NetworkAclId
	}
	associations, blocks := []any{}, []any{}
	for _, a := range v.CidrBlockAssociationSet {
		associations = append(associations, *a.AssociationId)
	}
	for _, a := range v.Ipv6CidrBlockAssociationSet {
		blocks = append(blocks, aws.Value(a.Ipv6CidrBlock))
	}
	attributes["CidrBlockAssociations"], attributes["Ipv6CidrBlocks"] = associations, blocks
	return &Made{PhysicalID: id, Attributes: attributes}, nil
}

func vpcBlock() networkType {
	return networkType{
		name: "AWS::EC2::VPCCidrBlock", attributes: "Id",
		properties: `AmazonProvidedIpv6CidrBlock@ CidrBlock@ Ipv4IpamPoolId- Ipv4NetmaskLength- Ipv6CidrBlock@ Ipv6CidrBlockNetworkBorderGroup@
			Ipv6IpamPoolId- Ipv6NetmaskLength- Ipv6Pool@ VpcId!@`,
		create: func(op *Op) (string, error) {
			in := &ec2.AssociateVpcCidrBlockInput{}
			if err := Bind(op, op.New, in); err != nil {
				return "", err
			}
			out, err := Do(op, ec2.AssociateVpcCidrBlock, in)
			if err != nil {
				return "", err
			}
			if out.CidrBlockAssociation != nil {
				return *out.CidrBlockAssociation.AssociationId, nil
			}
			return *out.Ipv6CidrBlockAssociation.AssociationId, nil
		},
		find: func(op *Op) (string, error) {
			out, err := Do(op, ec2.DescribeVpcs, &ec2.DescribeVpcsInput{VpcIds: []string{op.Text("VpcId")}})
			if err != nil {
				return "", err
			}
			for _, a := range out.Vpcs[0].CidrBlockAssociationSet {
				if *a.CidrBlock == op.Text("CidrBlock") && *a.AssociationId != op.Except {
					return *a.AssociationId, nil
				}
			}
			for _, a := range out.Vpcs[0].Ipv6CidrBlockAssociationSet {
				if op.Text("CidrBlock") == "" && *a.AssociationId != op.Except {
					return *a.AssociationId, nil
				}
			}
			return "", nil
		},
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DisassociateVpcCidrBlock, &ec2.DisassociateVpcCidrBlockInput{AssociationId: id})
			return err
		},
	}
}
