package ec2

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// protocolNames are protocols that AWS shows by name.
var protocolNames = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}

// permissions shows rules that have protocol and ports in common as one.
func permissions(rules []api.SecurityGroupRule, egress bool) []api.IpPermission {
	list := []api.IpPermission{}
	for _, r := range rules {
		if *r.IsEgress != egress {
			continue
		}
		i := slices.IndexFunc(list, func(p api.IpPermission) bool {
			return *p.IpProtocol == *r.IpProtocol && (*r.IpProtocol == "-1" || reflect.DeepEqual(p.FromPort, r.FromPort) && reflect.DeepEqual(p.ToPort, r.ToPort))
		})
		if i < 0 {
			i = len(list)
			p := api.IpPermission{IpProtocol: r.IpProtocol, IpRanges: []api.IpRange{}, Ipv6Ranges: []api.Ipv6Range{}, PrefixListIds: []api.PrefixListId{}, UserIdGroupPairs: []api.UserIdGroupPair{}}
			if *r.IpProtocol != "-1" {
				p.FromPort, p.ToPort = r.FromPort, r.ToPort
			}
			list = append(list, p)
		}
		p := &list[i]
		switch {
		case r.CidrIpv4 != nil:
			p.IpRanges = append(p.IpRanges, api.IpRange{CidrIp: r.CidrIpv4, Description: r.Description})
		case r.CidrIpv6 != nil:
			p.Ipv6Ranges = append(p.Ipv6Ranges, api.Ipv6Range{CidrIpv6: r.CidrIpv6, Description: r.Description})
		case r.PrefixListId != nil:
			p.PrefixListIds = append(p.PrefixListIds, api.PrefixListId{PrefixListId: r.PrefixListId, Description: r.Description})
		case r.ReferencedGroupInfo != nil:
			p.UserIdGroupPairs = append(p.UserIdGroupPairs, api.UserIdGroupPair{GroupId: r.ReferencedGroupInfo.GroupId, UserId: r.ReferencedGroupInfo.UserId, Description: r.Description})
		}
	}
	return list
}

// rulesOf are the rules that permissions are made of.
func rulesOf(call *aws.Call, permissions []api.IpPermission, egress bool) (rules []api.SecurityGroupRule, err error) {
	for _, p := range permissions {
		protocol := strings.ToLower(aws.Value(p.IpProtocol))
		if name, has := protocolNames[protocol]; has {
			protocol = name
		}
		if protocol == "" {
			return nil, refused("MissingParameter", "The request must contain the parameter ipProtocol")
		}
		from, to := p.FromPort, p.ToPort
		switch {
		case protocol == "-1" || from == nil && to == nil && protocol != "tcp" && protocol != "udp":
			from, to = new(int32(-1)), new(int32(-1))
		case from == nil || to == nil:
			return nil, refused("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		case *from > *to && *to >= 0 && !strings.HasPrefix(protocol, "icmp"):
			return nil, refused("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", *from, *to)
		}
		rule := func(description *string) *api.SecurityGroupRule {
			rules = append(rules, api.SecurityGroupRule{SecurityGroupRuleId: newID("sgr"), IsEgress: &egress, IpProtocol: &protocol, FromPort: from, ToPort: to, Description: description})
			return &rules[len(rules)-1]
		}
		for _, r := range p.IpRanges {
			if rule(r.Description).CidrIpv4, err = peerCIDR(r.CidrIp, netip.Addr.Is4); err != nil {
				return nil, err
			}
		}
		for _, r := range p.Ipv6Ranges {
			if rule(r.Description).CidrIpv6, err = peerCIDR(r.CidrIpv6, netip.Addr.Is6); err != nil {
				return nil, err
			}
		}
		for _, r := range p.PrefixListIds {
			rule(r.Description).PrefixListId = r.PrefixListId
		}
		for _, r := range p.UserIdGroupPairs {
			rule(r.Description).ReferencedGroupInfo = &api.ReferencedSecurityGroup{GroupId: r.GroupId, UserId: new(aws.Or(r.UserId, call.Account))}
		}
	}
	if len(rules) == 0 {
		return nil, refused("MissingParameter", "The request must contain the parameter ipPermissions")
	}
	return rules, nil
}

// peerCIDR is the block of addresses of a rule as AWS keeps it: bits behind the prefix are
// none of it.
func peerCIDR(text *string, family func(netip.Addr) bool) (*string, error) {
	p, err := netip.ParsePrefix(aws.Value(text))
	if err != nil || !family(p.Addr()) {
		return nil, refused("InvalidParameterValue", "CIDR block %s is malformed", aws.Value(text))
	}
	return new(p.Masked().String()), nil
}

// peer is whom a rule is about.
func peer(r *api.SecurityGroupRule) string {
	return aws.Value(r.CidrIpv4) + aws.Value(r.CidrIpv6) + aws.Value(r.PrefixListId) + aws.Value(aws.Value(r.ReferencedGroupInfo).GroupId)
}

func sameRule(a, b *api.SecurityGroupRule) bool {
	return *a.IsEgress == *b.IsEgress && *a.IpProtocol == *b.IpProtocol && *a.FromPort == *b.FromPort && *a.ToPort == *b.ToPort && peer(a) == peer(b)
}

// ruleText is a rule as AWS's refusals write it.
func ruleText(r *api.SecurityGroupRule) string {
	protocol := strings.ToUpper(*r.IpProtocol)
	if protocol == "-1" {
		return fmt.Sprintf("peer: %s, ALL, ALLOW", peer(r))
	}
	return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", peer(r), protocol, *r.FromPort, *r.ToPort)
}

// flat is the one permission of a request that writes it without a list.
func flat(protocol *string, from, to *int32, cidr *string, list []api.IpPermission) []api.IpPermission {
	if len(list) > 0 || protocol == nil {
		return list
	}
	p := api.IpPermission{IpProtocol: protocol, FromPort: from, ToPort: to}
	if cidr != nil {
		p.IpRanges = []api.IpRange{{CidrIp: cidr}}
	}
	return []api.IpPermission{p}
}

// authorize adds rules to a group.
func (s *Service) authorize(ctx context.Context, call *aws.Call, id, name *string, list []api.IpPermission, egress bool, specifications []api.TagSpecification) (rules []api.SecurityGroupRule, err error) {
	tags, err := tagsOf(specifications, "security-group-rule")
	if err != nil {
		return nil, err
	}
	if rules, err = rulesOf(call, list, egress); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, call, id, name)
		if err != nil {
			return err
		}
		for i := range rules {
			r := &rules[i]
			r.Tags = tags
			if of := r.ReferencedGroupInfo; of != nil && *of.UserId == call.Account {
				if _, err := groups.find(tx, call, aws.Value(of.GroupId)); err != nil {
					return err
				}
			}
			if slices.ContainsFunc(g.Rules, func(old api.SecurityGroupRule) bool { return sameRule(&old, r) }) {
				return refused("InvalidPermission.Duplicate", "the specified rule %s already exists", strconv.Quote(ruleText(r)))
			}
			g.Rules = append(g.Rules, *r)
		}
		if err := putGroup(tx, call, g); err != nil {
			return err
		}
		copy(rules, g.Rules[len(g.Rules)-len(rules):])
		return nil
	})
	return rules, err
}

// AuthorizeSecurityGroupIngress lets more in.
func (s *Service) AuthorizeSecurityGroupIngress(ctx context.Context, call *aws.Call, in *api.AuthorizeSecurityGroupIngressInput) (*api.AuthorizeSecurityGroupIngressOutput, error) {
	list := flat(in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.IpPermissions)
	rules, err := s.authorize(ctx, call, in.GroupId, in.GroupName, list, false, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	return &api.AuthorizeSecurityGroupIngressOutput{Return: new(true), SecurityGroupRules: rules}, nil
}

// AuthorizeSecurityGroupEgress lets more out.
func (s *Service) AuthorizeSecurityGroupEgress(ctx context.Context, call *aws.Call, in *api.AuthorizeSecurityGroupEgressInput) (*api.AuthorizeSecurityGroupEgressOutput, error) {
	list := flat(in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.IpPermissions)
	rules, err := s.authorize(ctx, call, &in.GroupId, nil, list, true, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	return &api.AuthorizeSecurityGroupEgressOutput{Return: new(true), SecurityGroupRules: rules}, nil
}

// revoke takes rules from a group. Of those that are given by what they say, one
// that is not there is no failure if it is given by permissions, as in AWS.
func (s *Service) revoke(ctx context.Context, call *aws.Call, id, name *string, list []api.IpPermission, ids []string, egress bool) (revoked []api.RevokedSecurityGroupRule, err error) {
	var wanted []api.SecurityGroupRule
	if len(ids) == 0 {
		if wanted, err = rulesOf(call, list, egress); err != nil {
			return nil, err
		}
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		revoked = nil
		g, err := findGroup(tx, call, id, name)
		if err != nil {
			return err
		}
		left := g.Rules[:0:0]
		for _, r := range g.Rules {
			if *r.IsEgress != egress || !slices.Contains(ids, *r.SecurityGroupRuleId) && !slices.ContainsFunc(wanted, func(w api.SecurityGroupRule) bool { return sameRule(&w, &r) }) {
				left = append(left, r)
				continue
			}
			revoked = append(revoked, api.RevokedSecurityGroupRule{
				SecurityGroupRuleId: r.SecurityGroupRuleId, GroupId: g.Is.GroupId, IsEgress: r.IsEgress, IpProtocol: r.IpProtocol, FromPort: r.FromPort, ToPort: r.ToPort,
				CidrIpv4: r.CidrIpv4, CidrIpv6: r.CidrIpv6, PrefixListId: r.PrefixListId, ReferencedGroupId: aws.Value(r.ReferencedGroupInfo).GroupId, Description: r.Description,
			})
		}
		if len(revoked) < max(len(ids), len(wanted)) {
			if len(ids) > 0 {
				return refused("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", ids[0])
			}
			return refused("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
		}
		g.Rules = left
		return putGroup(tx, call, g)
	})
	return revoked, err
}

// RevokeSecurityGroupIngress lets less in.
func (s *Service) RevokeSecurityGroupIngress(ctx context.Context, call *aws.Call, in *api.RevokeSecurityGroupIngressInput) (*api.RevokeSecurityGroupIngressOutput, error) {
	list := flat(in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.IpPermissions)
	revoked, err := s.revoke(ctx, call, in.GroupId, in.GroupName, list, in.SecurityGroupRuleIds, false)
	if err != nil {
		return nil, err
	}
	return &api.RevokeSecurityGroupIngressOutput{Return: new(true), RevokedSecurityGroupRules: revoked}, nil
}

// RevokeSecurityGroupEgress lets less out.
func (s *Service) RevokeSecurityGroupEgress(ctx context.Context, call *aws.Call, in *api.RevokeSecurityGroupEgressInput) (*api.RevokeSecurityGroupEgressOutput, error) {
	list := flat(in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.IpPermissions)
	revoked, err := s.revoke(ctx, call, &in.GroupId, nil, list, in.SecurityGroupRuleIds, true)
	if err != nil {
		return nil, err
	}
	return &api.RevokeSecurityGroupEgressOutput{Return: new(true), RevokedSecurityGroupRules: revoked}, nil
}

// DescribeSecurityGroupRules describes rules.
func (s *Service) DescribeSecurityGroupRules(ctx context.Context, call *aws.Call, in *api.DescribeSecurityGroupRulesInput) (*api.DescribeSecurityGroupRulesOutput, error) {
	out := &api.DescribeSecurityGroupRulesOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		list := []api.SecurityGroupRule{}
		for _, g := range groups.all(tx, call, func(*group) bool { return true }) {
			for _, r := range g.Rules {
				ok, err := matches(&r, r.Tags, in.Filters, nil)
				if err != nil {
					return err
				}
				if ok && (len(in.SecurityGroupRuleIds) == 0 || slices.Contains(in.SecurityGroupRuleIds, *r.SecurityGroupRuleId)) {
					list = append(list, r)
				}
			}
		}
		if len(list) < len(in.SecurityGroupRuleIds) {
			return refused("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", in.SecurityGroupRuleIds[0])
		}
		id := func(r *api.SecurityGroupRule) string { return *r.SecurityGroupRuleId }
		slices.SortFunc(list, func(a, b api.SecurityGroupRule) int { return strings.Compare(id(&a), id(&b)) })
		var err error
		out.SecurityGroupRules, out.NextToken, err = page(list, ask{next: in.NextToken, most: in.MaxResults}, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
