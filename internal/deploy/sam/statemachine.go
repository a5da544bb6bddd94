package sam

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

var stateMachineSchema = newSchema(stateMachineType, `Definition:m DefinitionUri:sm Logging:m Role:s RolePath
	DefinitionSubstitutions:m Events:{m} Name:s Type:s Tags:m PropagateTags:b Policies:s[sm] Tracing:m
	PermissionsBoundary:s AutoPublishAlias DeploymentPreference UseAliasAsEventTarget:b=`)

// A stateMachine is an AWS::Serverless::StateMachine that is being expanded.
type stateMachine struct {
	*macro
	made  *resource // the AWS::StepFunctions::StateMachine
	alias *resource // nil if there is none
}

// expandStateMachine makes a state machine, its role, its version and alias,
// and what its events need.
func expandStateMachine(m *macro) ([]*resource, error) {
	s := &stateMachine{macro: m}
	if err := s.linkEvents(); err != nil {
		return nil, err
	}
	if err := s.construct(); err != nil {
		return nil, err
	}
	made := []*resource{s.made}
	for _, part := range []func() ([]*resource, error){s.executionRole, s.versionAndAlias, s.events} {
		more, err := part()
		if err != nil {
			return nil, err
		}
		made = append(made, more...)
	}
	if tags := asObject(m.props["Tags"]); len(tags) > 0 && given(m.props["PropagateTags"]) {
		propagateTags(made, tags)
	}
	return made, nil
}

func (s *stateMachine) construct() error {
	p := s.props
	s.made = newResource("AWS::StepFunctions::StateMachine", s.id, s.attrs)
	s.made.dependsOn = s.dependsOn
	if substitutions := asObject(p["DefinitionSubstitutions"]); len(substitutions) > 0 {
		s.made.props["DefinitionSubstitutions"] = maps.Clone(substitutions)
	}
	if err := s.definition(); err != nil {
		return err
	}
	if given(p["Role"]) && given(p["Policies"]) {
		return badResource(s.id, "Specify either 'Role' or 'Policies' (but not both at the same time) or neither of them")
	}
	for property, from := range map[string]string{
		"StateMachineName": "Name", "StateMachineType": "Type", "LoggingConfiguration": "Logging", "TracingConfiguration": "Tracing",
	} {
		put(s.made.props, property, p[from])
	}
	s.made.props["Tags"] = s.tags()
	return nil
}

func (s *stateMachine) tags() []any {
	return append(tagList(object{"stateMachine:createdBy": "SAM"}), tagList(asObject(s.props["Tags"]))...)
}

func (s *stateMachine) definition() error {
	p := s.props
	switch {
	case given(p["Definition"]) && given(p["DefinitionUri"]):
		return badResource(s.id, "Specify either 'Definition' or 'DefinitionUri' property and not both.")
	case given(p["Definition"]):
		sub := substituter{values: object{}}
		definition := sub.replace(clone(p["Definition"]))
		if len(sub.values) > 0 {
			all := asObject(s.made.props["DefinitionSubstitutions"])
			if all == nil {
				all = object{}
			}
			maps.Copy(all, sub.values)
			s.made.props["DefinitionSubstitutions"] = all
		}
		var lines []any
		for line := range strings.SplitSeq(indented(definition, ""), "\n") {
			lines = append(lines, line)
		}
		s.made.props["DefinitionString"] = object{"Fn::Join": []any{"\n", lines}}
		return nil
	case given(p["DefinitionUri"]):
		location, err := s3Location(s.id, "DefinitionUri", p["DefinitionUri"], "Bucket", "Key", "Version")
		s.made.props["DefinitionS3Location"] = location
		return err
	}
	return badResource(s.id, "Either 'Definition' or 'DefinitionUri' property must be specified.")
}

var dynamicReference = regexp.MustCompile(`^\{\{resolve:([a-z-]+):(.+)\}\}$`)

// A substituter puts variables in the place of what is known only when the
// definition is deployed.
type substituter struct{ values object }

func (s *substituter) replace(v any) any {
	switch v := v.(type) {
	case object:
		for _, key := range keys(v) {
			v[key] = s.member(v[key])
		}
	case []any:
		for i := range v {
			v[i] = s.member(v[i])
		}
	}
	return v
}

func (s *substituter) member(v any) any {
	if !isCall(v) && !dynamicReference.MatchString(asString(v)) {
		return s.replace(v)
	}
	name := "definition_substitution_" + itoa(len(s.values)+1)
	s.values[name] = v
	return "${" + name + "}"
}

// indented writes v as JSON for people to read.
func indented(v any, margin string) string {
	const step = "    "
	inner := margin + step
	var parts []string
	brackets := "{}"
	switch v := v.(type) {
	case object:
		for _, key := range keys(v) {
			parts = append(parts, inner+canonical(key)+": "+indented(v[key], inner))
		}
	case []any:
		brackets = "[]"
		for _, element := range v {
			parts = append(parts, inner+indented(element, inner))
		}
	default:
		return canonical(v)
	}
	if parts == nil {
		return brackets
	}
	return brackets[:1] + "\n" + strings.Join(parts, ",\n") + "\n" + margin + brackets[1:]
}

// executionRole makes the role that the state machine acts as, if it names none.
func (s *stateMachine) executionRole() ([]*resource, error) {
	p := s.props
	if given(p["Role"]) {
		s.made.props["RoleArn"] = p["Role"]
		return nil, nil
	}
	policies := slices.Clone(policyList(p["Policies"]))
	if at(p["Tracing"], "Enabled") == true {
		policies = append(policies, "AWSXrayWriteOnlyAccess")
	}
	spec := roleSpec{
		resource: s.id, attrs: s.passed(), assume: assumeRole("states.amazonaws.com"), policies: policies,
		path: p["RolePath"], boundary: p["PermissionsBoundary"], tags: s.tags(),
	}
	role, err := spec.role()
	if err != nil {
		return nil, err
	}
	s.made.props["RoleArn"] = role.arn()
	return []*resource{role}, nil
}

// versionAndAlias makes what AutoPublishAlias asks for.
func (s *stateMachine) versionAndAlias() ([]*resource, error) {
	p := s.props
	if !given(p["AutoPublishAlias"]) {
		for _, property := range []string{"UseAliasAsEventTarget", "DeploymentPreference"} {
			if given(p[property]) {
				return nil, badResource(s.id, "'%s' requires 'AutoPublishAlias' property to be specified.", property)
			}
		}
		return nil, nil
	}
	version := newResource("AWS::StepFunctions::StateMachineVersion", s.id+"Version", s.passed())
	for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		if _, has := version.attrs[policy]; !has {
			version.attrs[policy] = "Retain"
		}
	}
	version.props["StateMachineArn"] = s.made.ref()
	version.props["StateMachineRevisionId"] = getAtt(s.id, "StateMachineRevisionId")
	s.alias = newResource("AWS::StepFunctions::StateMachineAlias", s.id+"Alias"+shown(p["AutoPublishAlias"]), s.passed())
	s.alias.props["Name"] = p["AutoPublishAlias"]
	how := cloneObject(asObject(p["DeploymentPreference"]))
	if len(how) == 0 {
		how["Type"] = "ALL_AT_ONCE"
	}
	how["StateMachineVersionArn"] = version.ref()
	s.alias.props["DeploymentPreference"] = how
	return []*resource{version, s.alias}, nil
}
