package sam

import (
	"encoding/json"
	"slices"
	"strings"
)

var capacitySchema = newSchema(capacityType, `CapacityProviderName:sm= VpcConfig!:m= OperatorRole:sm= Tags:m=
	PropagateTags:b= InstanceRequirements:m= ScalingConfig:m= KmsKeyArn:sm=`)

// capacityMembers are the members of a capacity provider's properties, and what
// they must be besides a function: a list, an integer or a number.
var capacityMembers = []struct{ property, member, kind string }{
	{"VpcConfig", "SecurityGroupIds", "list"}, {"VpcConfig", "SubnetIds", "list"},
	{"InstanceRequirements", "Architectures", "list"}, {"InstanceRequirements", "AllowedTypes", "list"},
	{"InstanceRequirements", "ExcludedTypes", "list"},
	{"ScalingConfig", "MaxVCpuCount", "integer"}, {"ScalingConfig", "AverageCPUUtilization", "number"},
}

// expandCapacityProvider makes what functions run on that manage their own
// instances, and the role that manages them.
func expandCapacityProvider(m *macro) ([]*resource, error) {
	if err := m.checkCapacity(); err != nil {
		return nil, err
	}
	p := m.props
	r := newResource("AWS::Lambda::CapacityProvider", m.id, m.attrs)
	r.dependsOn = m.dependsOn
	var made []*resource
	role := p["OperatorRole"]
	mark := object{"lambda:createdBy": "SAM"}
	if !given(role) {
		operator := newResource("AWS::IAM::Role", m.id+"OperatorRole", m.passed())
		operator.props["AssumeRolePolicyDocument"] = assumeRole("lambda.amazonaws.com")
		operator.props["ManagedPolicyArns"] = []any{managedARN("AWSLambdaManagedEC2ResourceOperator")}
		operator.props["Tags"] = tagList(mark)
		if given(p["PropagateTags"]) {
			operator.props["Tags"] = append(tagList(mark), tagList(asObject(p["Tags"]))...)
		}
		made = append(made, operator)
		role = operator.arn()
	}
	for _, name := range []string{"CapacityProviderName", "KmsKeyArn"} {
		if given(p[name]) {
			r.props[name] = p[name]
		}
	}
	network := object{}
	copyMembers(network, asObject(p["VpcConfig"]), "SubnetIds", "SecurityGroupIds")
	r.props["VpcConfig"] = network
	r.props["PermissionsConfig"] = object{"CapacityProviderOperatorRoleArn": role}
	r.props["Tags"] = append(tagList(mark), tagList(asObject(p["Tags"]))...)
	if needs := asObject(p["InstanceRequirements"]); len(needs) > 0 {
		out := object{}
		put(out, "Architectures", needs["Architectures"])
		put(out, "AllowedInstanceTypes", needs["AllowedTypes"])
		put(out, "ExcludedInstanceTypes", needs["ExcludedTypes"])
		r.props["InstanceRequirements"] = out
	}
	if scaling := asObject(p["ScalingConfig"]); len(scaling) > 0 {
		out := object{"ScalingMode": "Auto"}
		put(out, "MaxVCpuCount", scaling["MaxVCpuCount"])
		if target := scaling["AverageCPUUtilization"]; target != nil {
			out["ScalingMode"] = "Manual"
			out["ScalingPolicies"] = []any{object{"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": target}}
		}
		r.props["CapacityProviderScalingConfig"] = out
	}
	return append(made, r), nil
}

func (m *macro) checkCapacity() error {
	var reasons []string
	for _, property := range []string{"VpcConfig", "InstanceRequirements", "ScalingConfig"} {
		given, has := m.props[property].(object)
		if !has {
			continue
		}
		for _, c := range capacityMembers {
			if c.property != property {
				continue
			}
			v, has := given[c.member]
			switch {
			case !has && c.member == "SubnetIds":
				reasons = append(reasons, "Property 'VpcConfig.SubnetIds' is required.")
			case has && !isMap(v) && !isCapacity(v, c.kind):
				reasons = append(reasons, "Property '"+property+"."+c.member+"' value must be dictionary or "+c.kind+".")
			}
		}
		for _, key := range keys(given) {
			if !slices.ContainsFunc(capacityMembers, func(c struct{ property, member, kind string }) bool {
				return c.property == property && c.member == key
			}) {
				reasons = append(reasons, "Property '"+property+"."+key+"' is an invalid property.")
			}
		}
	}
	if reasons != nil {
		return badResource(m.id, "%s", strings.Join(reasons, " "))
	}
	if needs := asObject(m.props["InstanceRequirements"]); needs["AllowedTypes"] != nil && needs["ExcludedTypes"] != nil {
		return badResource(m.id, "Cannot specify 'InstanceRequirements.AllowedTypes' and 'InstanceRequirements.ExcludedTypes' together.")
	}
	return nil
}

func isCapacity(v any, kind string) bool {
	switch kind {
	case "list":
		return isList(v)
	case "integer":
		return isInt(v)
	}
	_, ok := v.(json.Number)
	return ok
}
