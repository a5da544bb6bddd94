package resource

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	elb "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
)

// ElasticLoadBalancing has the types of Elastic Load Balancing.
func ElasticLoadBalancing() []*Type {
	return []*Type{loadBalancer(), targetGroup(), balancerListener(), balancerRule(), listenerCertificate()}
}

// fullName is what metrics call a load balancer or a target group.
func fullName(arn, kind string) string {
	_, name, _ := strings.Cut(arn, ":"+kind)
	return name
}

func elbTags(tags map[string]string) []elb.Tag {
	var out []elb.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, elb.Tag{Key: key, Value: new(tags[key])})
	}
	return out
}

// retagELB makes the tags of what an ARN names those of op.New.
func retagELB(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, elb.AddTags, &elb.AddTagsInput{ResourceArns: []string{arn}, Tags: elbTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := Do(op, elb.RemoveTags, &elb.RemoveTagsInput{ResourceArns: []string{arn}, TagKeys: keys})
		return err
	})
}

func loadBalancer() *Type {
	return &Type{
		Name: "AWS::ElasticLoadBalancingV2::LoadBalancer",
		Properties: Props(`EnableCapacityReservationProvisionStabilize- EnablePrefixForIpv6SourceNat@ EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic IpAddressType
			Ipv4IpamPoolId- LoadBalancerAttributes MinimumLoadBalancerCapacity- Name@ Scheme@ SecurityGroups SubnetMappings Subnets Tags Type@`),
		Attributes: []string{"CanonicalHostedZoneID", "DNSName", "LoadBalancerArn", "LoadBalancerFullName", "LoadBalancerName", "SecurityGroups"},
		Naming:     Naming{Property: "Name", Max: 32},
		Shape:      func() any { return new(elb.CreateLoadBalancerInput) },
		Create: func(op *Op) (*Made, error) {
			in := &elb.CreateLoadBalancerInput{Tags: elbTags(tagMap(op.New["Tags"]))}
			if err := Bind(op, without(op.New, "Tags", "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"), in); err != nil {
				return nil, err
			}
			in.Name = op.Named("Name")
			out, err := Do(op, elb.CreateLoadBalancer, in)
			if err != nil {
				return nil, err
			}
			made := madeBalancer(&out.LoadBalancers[0])
			return made, setBalancer(op, made.PhysicalID)
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, elb.DescribeLoadBalancers, &elb.DescribeLoadBalancersInput{Names: []string{op.Named("Name")}})
			if err != nil {
				return nil, ignoreGone(err)
			}
			made := madeBalancer(&out.LoadBalancers[0])
			return made, setBalancer(op, made.PhysicalID)
		},
		Update: updateBalancer,
		Delete: func(op *Op) error {
			_, err := Do(op, elb.DeleteLoadBalancer, &elb.DeleteLoadBalancerInput{LoadBalancerArn: op.PhysicalID})
			return err
		},
	}
}

func madeBalancer(b *elb.LoadBalancer) *Made {
	groups := []any{}
	for _, id := range b.SecurityGroups {
		groups = append(groups, id)
	}
	arn := *b.LoadBalancerArn
	return &Made{PhysicalID: arn, Attributes: map[string]any{
		"CanonicalHostedZoneID": *b.CanonicalHostedZoneId, "DNSName": *b.DNSName, "LoadBalancerArn": arn, "LoadBalancerFullName": fullName(arn, "loadbalancer/"),
		"LoadBalancerName": *b.LoadBalancerName, "SecurityGroups": groups,
	}}
}

// setBalancer sets the attributes of a load balancer.
func setBalancer(op *Op, arn string) error {
	if op.New["LoadBalancerAttributes"] == nil {
		return nil
	}
	in := &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: arn}
	if err := Bind(op, map[string]any{"Attributes": op.New["LoadBalancerAttributes"]}, in); err != nil {
		return err
	}
	_, err := Do(op, elb.ModifyLoadBalancerAttributes, in)
	return err
}

func updateBalancer(op *Op) (*Made, error) {
	arn := op.PhysicalID
	if op.Changed("SecurityGroups") {
		in := &elb.SetSecurityGroupsInput{LoadBalancerArn: arn, SecurityGroups: append([]string{}, texts(op.New["SecurityGroups"])...)}
		if _, err := Do(op, elb.SetSecurityGroups, in); err != nil {
			return nil, err
		}
	}
	if op.Changed("Subnets", "SubnetMappings") {
		in := &elb.SetSubnetsInput{LoadBalancerArn: arn}
		if err := Bind(op, pick(op.New, "Subnets", "SubnetMappings"), in); err != nil {
			return nil, err
		}
		if _, err := Do(op, elb.SetSubnets, in); err != nil {
			return nil, err
		}
	}
	if kind := op.Text("IpAddressType"); op.Changed("IpAddressType") && kind != "" {
		if _, err := Do(op, elb.SetIpAddressType, &elb.SetIpAddressTypeInput{LoadBalancerArn: arn, IpAddressType: kind}); err != nil {
			return nil, err
		}
	}
	if err := setBalancer(op, arn); err != nil {
		return nil, err
	}
	if err := retagELB(op, arn); err != nil {
		return nil, err
	}
	out, err := Do(op, elb.DescribeLoadBalancers, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{arn}})
	if err != nil {
		return nil, err
	}
	return madeBalancer(&out.LoadBalancers[0]), nil
}

func targetGroup() *Type {
	return &Type{
		Name: "AWS::ElasticLoadBalancingV2::TargetGroup",
		Properties: Props(`HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol HealthCheckTimeoutSeconds HealthyThresholdCount
			IpAddressType@ Matcher Name@ Port@ Protocol@ ProtocolVersion@ Tags TargetControlPort- TargetGroupAttributes TargetType@ Targets UnhealthyThresholdCount VpcId@`),
		Attributes: []string{"LoadBalancerArns", "TargetGroupArn", "TargetGroupFullName", "TargetGroupName"},
		Naming:     Naming{Property: "Name", Max: 32},
		Shape:      func() any { return new(elb.CreateTargetGroupInput) },
		Create: func(op *Op) (*Made, error) {
			in := &elb.CreateTargetGroupInput{Tags: elbTags(tagMap(op.New["Tags"]))}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			in.Name = op.Named("Name")
			out, err := Do(op, elb.CreateTargetGroup, in)
			if err != nil {
				return nil, err
			}
			made := madeGroup(&out.TargetGroups[0])
			return made, setGroup(op, made.PhysicalID)
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, elb.DescribeTargetGroups, &elb.DescribeTargetGroupsInput{Names: []string{op.Named("Name")}})
			if err != nil {
				return nil, ignoreGone(err)
			}
			made := madeGroup(&out.TargetGroups[0])
			return made, setGroup(op, made.PhysicalID)
		},
		Update: func(op *Op) (*Made, error) {
			in := &elb.ModifyTargetGroupInput{}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			in.TargetGroupArn = op.PhysicalID
			out, err := Do(op, elb.ModifyTargetGroup, in)
			if err != nil {
				return nil, err
			}
			if err := setGroup(op, op.PhysicalID); err != nil {
				return nil, err
			}
			return madeGroup(&out.TargetGroups[0]), retagELB(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, elb.DeleteTargetGroup, &elb.DeleteTargetGroupInput{TargetGroupArn: op.PhysicalID})
			return err
		},
	}
}

func madeGroup(g *elb.TargetGroup) *Made {
	users := []any{}
	for _, arn := range g.LoadBalancerArns {
		users = append(users, arn)
	}
	arn := *g.TargetGroupArn
	return &Made{PhysicalID: arn, Attributes: map[string]any{
		"LoadBalancerArns": users, "TargetGroupArn": arn, "TargetGroupFullName": arn[strings.LastIndexByte(arn, ':')+1:], "TargetGroupName": *g.TargetGroupName,
	}}
}

// setGroup makes the attributes and the targets of a group those of op.New.
func setGroup(op *Op, arn string) error {
	if op.New["TargetGroupAttributes"] != nil {
		in := &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: arn}
		if err := Bind(op, map[string]any{"Attributes": op.New["TargetGroupAttributes"]}, in); err != nil {
			return err
		}
		if _, err := Do(op, elb.ModifyTargetGroupAttributes, in); err != nil {
			return err
		}
	}
	if !op.Changed("Targets") {
		return nil
	}
	old, to := &elb.DeregisterTargetsInput{TargetGroupArn: arn}, &elb.RegisterTargetsInput{TargetGroupArn: arn}
	if err := Bind(op, map[string]any{"Targets": missingFrom(op.Old["Targets"], op.New["Targets"])}, old); err != nil {
		return err
	}
	if err := Bind(op, map[string]any{"Targets": missingFrom(op.New["Targets"], op.Old["Targets"])}, to); err != nil {
		return err
	}
	if len(old.Targets) > 0 {
		if _, err := Do(op, elb.DeregisterTargets, old); err != nil {
			return err
		}
	}
	if len(to.Targets) > 0 {
		_, err := Do(op, elb.RegisterTargets, to)
		return err
	}
	return nil
}

// missingFrom are the elements of one list that another has not.
func missingFrom(a, b any) []any {
	return slices.DeleteFunc(slices.Clone(list(a)), func(v any) bool {
		return slices.ContainsFunc(list(b), func(w any) bool { return Equal(v, w) })
	})
}

func balancerListener() *Type {
	made := func(arn string) *Made { return &Made{PhysicalID: arn, Attributes: map[string]any{"ListenerArn": arn}} }
	return &Type{
		Name:       "AWS::ElasticLoadBalancingV2::Listener",
		Properties: Props("AlpnPolicy Certificates DefaultActions! ListenerAttributes LoadBalancerArn!@ MutualAuthentication Port Protocol SslPolicy"),
		Attributes: []string{"ListenerArn"},
		Shape:      func() any { return new(elb.CreateListenerInput) },
		Create: func(op *Op) (*Made, error) {
			in := &elb.CreateListenerInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, elb.CreateListener, in)
			if err != nil {
				return nil, err
			}
			arn := *out.Listeners[0].ListenerArn
			return made(arn), setListener(op, arn)
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, elb.DescribeListeners, &elb.DescribeListenersInput{LoadBalancerArn: new(op.Text("LoadBalancerArn"))})
			if err != nil {
				return nil, ignoreGone(err)
			}
			for _, l := range out.Listeners {
				if strconv.Itoa(int(*l.Port)) == op.Text("Port") && *l.ListenerArn != op.Except {
					return made(*l.ListenerArn), setListener(op, *l.ListenerArn)
				}
			}
			return nil, nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &elb.ModifyListenerInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.ListenerArn = op.PhysicalID
			if _, err := Do(op, elb.ModifyListener, in); err != nil {
				return nil, err
			}
			return made(op.PhysicalID), setListener(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, elb.DeleteListener, &elb.DeleteListenerInput{ListenerArn: op.PhysicalID})
			return err
		},
	}
}

// setListener sets the attributes of a listener.
func setListener(op *Op, arn string) error {
	if op.New["ListenerAttributes"] == nil {
		return nil
	}
	in := &elb.ModifyListenerAttributesInput{ListenerArn: arn}
	if err := Bind(op, map[string]any{"Attributes": op.New["ListenerAttributes"]}, in); err != nil {
		return err
	}
	_, err := Do(op, elb.ModifyListenerAttributes, in)
	return err
}

func balancerRule() *Type {
	made := func(arn string) *Made {
		return &Made{PhysicalID: arn, Attributes: map[string]any{"RuleArn": arn, "IsDefault": "false"}}
	}
	return &Type{
		Name:       "AWS::ElasticLoadBalancingV2::ListenerRule",
		Properties: Props("Actions! Conditions! ListenerArn!@ Priority! Transforms"),
		Attributes: []string{"IsDefault", "RuleArn"},
		Shape:      func() any { return new(elb.CreateRuleInput) },
		Create: func(op *Op) (*Made, error) {
			in := &elb.CreateRuleInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, elb.CreateRule, in)
			if err != nil {
				return nil, err
			}
			return made(*out.Rules[0].RuleArn), nil
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, elb.DescribeRules, &elb.DescribeRulesInput{ListenerArn: new(op.Text("ListenerArn"))})
			if err != nil {
				return nil, ignoreGone(err)
			}
			for _, r := range out.Rules {
				if *r.Priority == op.Text("Priority") && *r.RuleArn != op.Except {
					return made(*r.RuleArn), nil
				}
			}
			return nil, nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &elb.ModifyRuleInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.RuleArn = op.PhysicalID
			if _, err := Do(op, elb.ModifyRule, in); err != nil {
				return nil, err
			}
			if !op.Changed("Priority") {
				return made(op.PhysicalID), nil
			}
			pair := elb.RulePriorityPair{}
			if err := Bind(op, pick(op.New, "Priority"), &pair); err != nil {
				return nil, err
			}
			pair.RuleArn = &op.PhysicalID
			_, err := Do(op, elb.SetRulePriorities, &elb.SetRulePrioritiesInput{RulePriorities: []elb.RulePriorityPair{pair}})
			return made(op.PhysicalID), err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, elb.DeleteRule, &elb.DeleteRuleInput{RuleArn: op.PhysicalID})
			return err
		},
	}
}

func listenerCertificate() *Type {
	change := func(op *Op, add, remove any) error {
		in := &elb.AddListenerCertificatesInput{}
		if err := Bind(op, map[string]any{"Certificates": add}, in); err != nil {
			return err
		}
		out := &elb.RemoveListenerCertificatesInput{}
		if err := Bind(op, map[string]any{"Certificates": remove}, out); err != nil {
			return err
		}
		properties := op.New
		if properties == nil {
			properties = op.Old
		}
		in.ListenerArn = text(properties["ListenerArn"])
		if out.ListenerArn = in.ListenerArn; len(in.Certificates) > 0 {
			if _, err := Do(op, elb.AddListenerCertificates, in); err != nil {
				return err
			}
		}
		if len(out.Certificates) == 0 {
			return nil
		}
		_, err := Do(op, elb.RemoveListenerCertificates, out)
		return err
	}
	return &Type{
		Name:       "AWS::ElasticLoadBalancingV2::ListenerCertificate",
		Properties: Props("Certificates! ListenerArn!@"),
		Create: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.Text("ListenerArn") + "|" + op.LogicalID}, change(op, op.New["Certificates"], nil)
		},
		Update: func(op *Op) (*Made, error) {
			add, remove := missingFrom(op.New["Certificates"], op.Old["Certificates"]), missingFrom(op.Old["Certificates"], op.New["Certificates"])
			return &Made{PhysicalID: op.PhysicalID}, change(op, add, remove)
		},
		Delete: func(op *Op) error {
			if err := change(op, nil, op.Old["Certificates"]); !errors.Is(err, elb.ListenerNotFoundException) {
				return err
			}
			return nil // it went with its listener
		},
	}
}
