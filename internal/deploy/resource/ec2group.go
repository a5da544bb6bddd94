package resource

import (
	"errors"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// openEgress is the rule that a group has if the template gives it none: it lets
// everything out.
var openEgress = []any{map[string]any{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}}

func securityGroup() networkType {
	n := networkType{
		name: "AWS::EC2::SecurityGroup", kind: "security-group", attributes: "GroupId Id VpcId",
		properties: "GroupDescription!@ GroupName@ SecurityGroupEgress SecurityGroupIngress Tags VpcId@",
		naming:     Naming{Property: "GroupName"},
		set:        setGroupRules,
		look: func(op *Op, id string) (*Made, error) {
			out, err := Do(op, ec2.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
			if err != nil {
				return nil, err
			}
			return &Made{PhysicalID: id, Attributes: map[string]any{"GroupId": id, "Id": id, "VpcId": aws.Value(out.SecurityGroups[0].VpcId)}}, nil
		},
		remove: func(op *Op, id string) error {
			_, err := Do(op, ec2.DeleteSecurityGroup, &ec2.DeleteSecurityGroupInput{GroupId: &id})
			return err
		},
	}
	n.create = func(op *Op) (string, error) {
		in := &ec2.CreateSecurityGroupInput{TagSpecifications: n.tags(op), GroupName: op.Named("GroupName"), Description: op.Text("GroupDescription")}
		if err := Bind(op, pick(op.New, "VpcId"), in); err != nil {
			return "", err
		}
		out, err := Do(op, ec2.CreateSecurityGroup, in)
		if err != nil {
			return "", err
		}
		return *out.GroupId, nil
	}
	n.find = func(op *Op) (string, error) {
		id, err := n.tagged(op)
		if err != nil || id == "" {
			return "", err
		}
		return id, asNew(op, id)
	}
	return n
}

// asNew makes the rules of a group those of one that was just made, so that those
// of the template can be added.
func asNew(op *Op, id string) error {
	rules, err := Do(op, ec2.DescribeSecurityGroupRules, &ec2.DescribeSecurityGroupRulesInput{Filters: []ec2.Filter{where("group-id", id)}})
	if err != nil {
		return err
	}
	for _, r := range rules.SecurityGroupRules {
		if err := revokeRule(op, id, *r.SecurityGroupRuleId, *r.IsEgress); err != nil {
			return err
		}
	}
	_, err = authorizeRule(op, id, object(openEgress[0]), true, nil)
	return err
}

// setGroupRules makes the rules of a group that was as op.Old says what op.New
// says. What another attempt did already is no failure then.
func setGroupRules(op *Op, id string) error {
	for _, egress := range []bool{false, true} {
		property, usual := "SecurityGroupIngress", []any(nil)
		if egress {
			property, usual = "SecurityGroupEgress", openEgress
		}
		old, wanted := any(list(op.Old[property])), any(list(op.New[property]))
		if len(list(old)) == 0 {
			old = usual
		}
		if len(list(wanted)) == 0 {
			wanted = usual
		}
		for _, rule := range missingFrom(old, wanted) {
			if err := revokeSame(op, id, object(rule), egress); err != nil {
				return err
			}
		}
		for _, rule := range missingFrom(wanted, old) {
			if _, err := authorizeRule(op, id, object(rule), egress, nil); err != nil && (op.Old == nil || !isDuplicate(err)) {
				return err
			}
		}
	}
	return nil
}

func isDuplicate(err error) bool {
	e, ok := errors.AsType[*aws.Error](err)
	return ok && e.Code == "InvalidPermission.Duplicate"
}

// rulePermission is a rule of a template as EC2 takes it.
func rulePermission(op *Op, rule map[string]any) (ec2.IpPermission, error) {
	var of struct{ CidrIp, CidrIpv6, Description, PrefixListId, GroupId, GroupName, UserId *string }
	var p ec2.IpPermission
	flat := make(map[string]any)
	for name, v := range rule {
		name = strings.TrimPrefix(strings.TrimPrefix(name, "Source"), "Destination")
		switch name {
		case "SecurityGroupId":
			name = "GroupId"
		case "SecurityGroupName":
			name = "GroupName"
		case "SecurityGroupOwnerId":
			name = "UserId"
		case "GroupId", "GroupName": // whose rule it is
			continue
		}
		flat[name] = v
	}
	if err := Bind(op, flat, &of); err != nil {
		return p, err
	}
	if err := Bind(op, pick(flat, "IpProtocol", "FromPort", "ToPort"), &p); err != nil {
		return p, err
	}
	if of.GroupId == nil && of.GroupName != nil {
		id, err := groupNamed(op, *of.GroupName)
		if err != nil {
			return p, err
		}
		of.GroupId = &id
	}
	switch {
	case of.CidrIp != nil:
		p.IpRanges = []ec2.IpRange{{CidrIp: of.CidrIp, Description: of.Description}}
	case of.CidrIpv6 != nil:
		p.Ipv6Ranges = []ec2.Ipv6Range{{CidrIpv6: of.CidrIpv6, Description: of.Description}}
	case of.PrefixListId != nil:
		p.PrefixListIds = []ec2.PrefixListId{{PrefixListId: of.PrefixListId, Description: of.Description}}
	case of.GroupId != nil:
		p.UserIdGroupPairs = []ec2.UserIdGroupPair{{GroupId: of.GroupId, UserId: of.UserId, Description: of.Description}}
	default:
		return p, invalidRequest("Either CidrIp, CidrIpv6, SourcePrefixListId or SourceSecurityGroupId must be provided")
	}
	return p, nil
}

// groupNamed finds a group by its name, which is one of the default VPC.
func groupNamed(op *Op, name string) (string, error) {
	out, err := Do(op, ec2.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{GroupNames: []string{name}})
	if err != nil {
		return "", err
	}
	if len(out.SecurityGroups) == 0 {
		return "", aws.Fault{Code: "InvalidGroup.NotFound", Status: 400}.Errorf("The security group '%s' does not exist", name)
	}
	return *out.SecurityGroups[0].GroupId, nil
}

func authorizeRule(op *Op, group string, rule map[string]any, egress bool, tags []ec2.TagSpecification) (string, error) {
	p, err := rulePermission(op, rule)
	if err != nil {
		return "", err
	}
	if egress {
		out, err := Do(op, ec2.AuthorizeSecurityGroupEgress, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: group, IpPermissions: []ec2.IpPermission{p}, TagSpecifications: tags})
		if err != nil {
			return "", err
		}
		return *out.SecurityGroupRules[0].SecurityGroupRuleId, nil
	}
	out, err := Do(op, ec2.AuthorizeSecurityGroupIngress, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: []ec2.IpPermission{p}, TagSpecifications: tags})
	if err != nil {
		return "", err
	}
	return *out.SecurityGroupRules[0].SecurityGroupRuleId, nil
}

// revokeSame takes the rule from a group that a template describes, if it is
// there.
func revokeSame(op *Op, group string, rule map[string]any, egress bool) error {
	p, err := rulePermission(op, rule)
	if err != nil {
		return err
	}
	if egress {
		_, err = Do(op, ec2.RevokeSecurityGroupEgress, &ec2.RevokeSecurityGroupEgressInput{GroupId: group, IpPermissions: []ec2.IpPermission{p}})
	} else {
		_, err = Do(op, ec2.RevokeSecurityGroupIngress, &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, IpPermissions: []ec2.IpPermission{p}})
	}
	return ignoreGone(err)
}

func revokeRule(op *Op, group, id string, egress bool) (err error) {
	if egress {
		_, err = Do(op, ec2.RevokeSecurityGroupEgress, &ec2.RevokeSecurityGroupEgressInput{GroupId: group, SecurityGroupRuleIds: []string{id}})
	} else {
		_, err = Do(op, ec2.RevokeSecurityGroupIngress, &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, SecurityGroupRuleIds: []string{id}})
	}
	return err
}

func groupIngress() networkType {
	return groupRule(networkType{
		name: "AWS::EC2::SecurityGroupIngress",
		properties: `CidrIp@ CidrIpv6@ Description FromPort@ GroupId@ GroupName@ IpProtocol!@ SourcePrefixListId@ SourceSecurityGroupId@ SourceSecurityGroupName@
			SourceSecurityGroupOwnerId@ ToPort@`,
	}, false)
}

func groupEgress() networkType {
	return groupRule(networkType{
		name:       "AWS::EC2::SecurityGroupEgress",
		properties: "CidrIp@ CidrIpv6@ Description DestinationPrefixListId@ DestinationSecurityGroupId@ FromPort@ GroupId!@ IpProtocol!@ ToPort@",
	}, true)
}

// groupRule is the type of rules that templates add to groups one by one. Each
// is tagged with where it is from.
func groupRule(n networkType, egress bool) networkType {
	n.attributes = "Id"
	group := func(op *Op, properties map[string]any) (string, error) {
		if id := text(properties["GroupId"]); id != "" {
			return id, nil
		}
		return groupNamed(op, text(properties["GroupName"]))
	}
	n.create = func(op *Op) (string, error) {
		id, err := group(op, op.New)
		if err != nil {
			return "", err
		}
		return authorizeRule(op, id, op.New, egress, []ec2.TagSpecification{{ResourceType: new("security-group-rule"), Tags: networkTags(origin(op))}})
	}
	n.find = func(op *Op) (string, error) {
		id, err := group(op, op.New)
		if err != nil {
			return "", err
		}
		in := &ec2.DescribeSecurityGroupRulesInput{Filters: []ec2.Filter{where("group-id", id)}}
		for key, value := range origin(op) {
			in.Filters = append(in.Filters, where("tag:"+key, value))
		}
		out, err := Do(op, ec2.DescribeSecurityGroupRules, in)
		if err != nil {
			return "", err
		}
		for _, r := range out.SecurityGroupRules {
			if *r.SecurityGroupRuleId != op.Except {
				return *r.SecurityGroupRuleId, nil
			}
		}
		return "", nil
	}
	n.remove = func(op *Op, rule string) error {
		id, err := group(op, op.Old)
		if err != nil {
			return err
		}
		return revokeRule(op, id, rule, egress)
	}
	n.change = func(op *Op) (string, error) { // its description: EC2 makes another of it
		if err := ignoreGone(n.remove(op, op.PhysicalID)); err != nil {
			return "", err
		}
		if id, err := n.find(op); err != nil || id != "" {
			return id, err
		}
		return n.create(op)
	}
	return n
}
