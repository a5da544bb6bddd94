package ec2

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// begun has the account and region of all that were given a default VPC.
var begun = store.NewTable[aws.ARN, struct{}]("ec2.begun")

// A vpc is one, with the attributes that are asked of one by one.
type vpc struct {
	Is                               api.Vpc
	DNSSupport, DNSHostnames, Usages bool
}

// A group is a security group. Its rules are kept one by one, and shown as
// permissions too.
type group struct {
	Is    api.SecurityGroup
	Rules []api.SecurityGroupRule
}

// A kind is one kind of record: how it is named, and where it is kept.
type kind[V any] struct {
	table  store.Table[aws.ARN, V]
	name   string // in ARNs, and as types of tags say it
	prefix string // of ids
	code   string // of the refusal of one that is not there
	words  string // of that refusal
	of     func(*V) (id **string, tags *[]api.Tag, is any)
	also   map[string]string // filters whose names are not those of members
}

func newKind[V any](name, prefix, code, words string, of func(*V) (**string, *[]api.Tag, any)) kind[V] {
	return kind[V]{store.NewTable[aws.ARN, V]("ec2." + name), name, prefix, code, words, of, nil}
}

// alias returns k with names of filters that are not those of members.
func (k kind[V]) alias(names ...string) kind[V] {
	k.also = make(map[string]string)
	for i := 0; i+1 < len(names); i += 2 {
		k.also[names[i]] = names[i+1]
	}
	return k
}

var (
	vpcs = newKind("vpc", "vpc", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", func(v *vpc) (**string, *[]api.Tag, any) {
		return &v.Is.VpcId, &v.Is.Tags, &v.Is
	}).alias("cidr", "cidr-block")
	subnets = newKind("subnet", "subnet", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", func(v *api.Subnet) (**string, *[]api.Tag, any) {
		return &v.SubnetId, &v.Tags, v
	}).alias("cidr", "cidr-block")
	routeTables = newKind("route-table", "rtb", "InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", func(v *api.RouteTable) (**string, *[]api.Tag, any) {
		return &v.RouteTableId, &v.Tags, v
	})
	internetGateways = newKind("internet-gateway", "igw", "InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist", func(v *api.InternetGateway) (**string, *[]api.Tag, any) {
		return &v.InternetGatewayId, &v.Tags, v
	})
	egressGateways = newKind("egress-only-internet-gateway", "eigw", "InvalidGatewayID.NotFound", "The egressOnlyInternetGateway ID '%s' does not exist", func(v *api.EgressOnlyInternetGateway) (**string, *[]api.Tag, any) {
		return &v.EgressOnlyInternetGatewayId, &v.Tags, v
	})
	natGateways = newKind("natgateway", "nat", "NatGatewayNotFound", "The Nat Gateway %s was not found", func(v *api.NatGateway) (**string, *[]api.Tag, any) {
		return &v.NatGatewayId, &v.Tags, v
	})
	addresses = newKind("elastic-ip", "eipalloc", "InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", func(v *api.Address) (**string, *[]api.Tag, any) {
		return &v.AllocationId, &v.Tags, v
	})
	groups = newKind("security-group", "sg", "InvalidGroup.NotFound", "The security group '%s' does not exist", func(v *group) (**string, *[]api.Tag, any) {
		return &v.Is.GroupId, &v.Is.Tags, &v.Is
	}).alias("ip-permission.cidr", "ip-permissions.ip-ranges.cidr-ip", "egress.ip-permission.cidr", "ip-permissions-egress.ip-ranges.cidr-ip",
		"ip-permission.group-id", "ip-permissions.user-id-group-pairs.group-id", "egress.ip-permission.group-id", "ip-permissions-egress.user-id-group-pairs.group-id",
		"ip-permission.protocol", "ip-permissions.ip-protocol", "egress.ip-permission.protocol", "ip-permissions-egress.ip-protocol",
		"egress.ip-permission.from-port", "ip-permissions-egress.from-port", "egress.ip-permission.to-port", "ip-permissions-egress.to-port")
	endpoints = newKind("vpc-endpoint", "vpce", "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", func(v *api.VpcEndpoint) (**string, *[]api.Tag, any) {
		return &v.VpcEndpointId, &v.Tags, v
	}).alias("vpc-endpoint-state", "state")
	acls = newKind("network-acl", "acl", "InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist", func(v *api.NetworkAcl) (**string, *[]api.Tag, any) {
		return &v.NetworkAclId, &v.Tags, v
	}).alias("association.association-id", "association.network-acl-association-id", "default", "is-default", "entry.cidr", "entry.cidr-block")
	dhcpOptions = newKind("dhcp-options", "dopt", "InvalidDhcpOptionID.NotFound", "The dhcpOption ID '%s' does not exist", func(v *api.DhcpOptions) (**string, *[]api.Tag, any) {
		return &v.DhcpOptionsId, &v.Tags, v
	}).alias("key", "dhcp-configurations.key", "value", "dhcp-configurations.values.value")
)

// newID is an id that nothing has yet.
func newID(prefix string) *string {
	var b [9]byte
	rand.Read(b[:])
	return new(prefix + "-" + hex.EncodeToString(b[:])[:17])
}

// arn names a record, or, of "*", those that may be made.
func (k kind[V]) arn(call *aws.Call, id string) aws.ARN { return call.ARN("ec2", k.name+"/"+id) }

// find returns a record, or AWS's refusal.
func (k kind[V]) find(tx *store.Tx, call *aws.Call, id string) (V, error) {
	v, err := k.table.Get(tx, k.arn(call, id))
	if errors.Is(err, store.ErrNotFound) {
		return v, refused(k.code, k.words, id)
	}
	return v, err
}

// put keeps a record.
func (k kind[V]) put(tx *store.Tx, call *aws.Call, v V) error {
	id, _, _ := k.of(&v)
	return k.table.Put(tx, k.arn(call, **id), v)
}

// change changes a record that is there.
func (k kind[V]) change(tx *store.Tx, call *aws.Call, id string, change func(*V) error) error {
	v, err := k.find(tx, call, id)
	if err != nil {
		return err
	}
	if err := change(&v); err != nil {
		return err
	}
	return k.put(tx, call, v)
}

// remove removes a record that is there.
func (k kind[V]) remove(tx *store.Tx, call *aws.Call, id string) error {
	if _, err := k.find(tx, call, id); err != nil {
		return err
	}
	return k.table.Delete(tx, k.arn(call, id))
}

// all are the records of an account in a region that keep says yes to.
func (k kind[V]) all(tx *store.Tx, call *aws.Call, keep func(*V) bool) (list []V) {
	for _, v := range k.table.Scan(tx, call.ARN("ec2", "")) {
		if keep(&v) {
			list = append(list, v)
		}
	}
	return list
}

// some reports whether there is a record that is says yes to.
func (k kind[V]) some(tx *store.Tx, call *aws.Call, is func(*V) bool) bool {
	return len(k.all(tx, call, is)) > 0
}

// tagsOf are the tags that a request gives to what it makes.
func tagsOf(specifications []api.TagSpecification, kind string) (tags []api.Tag, err error) {
	for _, s := range specifications {
		if t := aws.Value(s.ResourceType); t != kind {
			return nil, refused("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", t)
		}
		tags = append(tags, s.Tags...)
	}
	return tags, checkTags(tags)
}

func checkTags(tags []api.Tag) error {
	for _, t := range tags {
		if key := aws.Value(t.Key); strings.HasPrefix(key, "aws:") && !strings.HasPrefix(key, "aws:cloudformation:") {
			return refused("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		}
	}
	return nil
}

// refused is a refusal of EC2, whose codes no model has.
func refused(code, format string, args ...any) error {
	return aws.Fault{Code: code, Status: 400}.Errorf(format, args...)
}
