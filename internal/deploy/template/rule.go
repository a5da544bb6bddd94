package template

import (
	"maps"
	"slices"
	"strings"
)

// A Rule holds parameters against each other before anything is made.
type Rule struct {
	Condition  any // nil: always
	Assertions []Assertion
}

// An Assertion is one thing that a rule demands.
type Assertion struct {
	Assert      any
	Description string
}

func (t *Template) loadRules() error {
	section, err := t.section("Rules")
	if err != nil {
		return err
	}
	t.Rules = make(map[string]*Rule, len(section))
	for _, name := range slices.Sorted(maps.Keys(section)) {
		m := section[name].(map[string]any)
		if extra := unknownKeys(m, []string{"Assertions", "RuleCondition"}); extra != nil {
			return errorAt([]string{"Rules", name}, "Invalid template rule property '%s'", extra[0])
		}
		r := &Rule{Condition: m["RuleCondition"]}
		list, ok := m["Assertions"].([]any)
		if !ok {
			return errorAt([]string{"Rules", name}, "Template format error: Every Rules member must contain an Assertions list.")
		}
		for _, element := range list {
			a, _ := element.(map[string]any)
			if a["Assert"] == nil {
				return errorAt([]string{"Rules", name}, "Template format error: Every Assertions member must contain an Assert object.")
			}
			description, _ := a["AssertDescription"].(string)
			r.Assertions = append(r.Assertions, Assertion{Assert: a["Assert"], Description: description})
		}
		t.Rules[name] = r
	}
	return nil
}

// CheckRules refuses parameters that break a rule of the template.
func (t *Template) CheckRules(s *Scope) error {
	plain := *s
	plain.Conditions = nil
	plain.Resource = nil
	for _, name := range slices.Sorted(maps.Keys(t.Rules)) {
		rule := t.Rules[name]
		if rule.Condition != nil {
			applies, err := t.ruleTruth(rule.Condition, &plain)
			if err != nil {
				return err
			}
			if !applies {
				continue
			}
		}
		for _, a := range rule.Assertions {
			holds, err := t.ruleTruth(a.Assert, &plain)
			if err != nil {
				return err
			}
			if !holds {
				return errorf("Template error: rule %s failed. %s", name, a.Description)
			}
		}
	}
	return nil
}

// ruleTruth computes a condition with the functions that rules have besides.
func (t *Template) ruleTruth(v any, s *Scope) (bool, error) {
	name, arg, ok := function(v)
	list, _ := arg.([]any)
	if !ok {
		return t.truth(v, s)
	}
	switch name {
	case "Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals":
		if len(list) != 2 {
			return false, errorf("Template error: every %s object requires a list of 2 parameters.", name)
		}
		return t.member(name, list, s)
	case "Fn::Not":
		if len(list) != 1 {
			return false, badArgs(name)
		}
		b, err := t.ruleTruth(list[0], s)
		return !b, err
	case "Fn::And", "Fn::Or":
		if len(list) < 2 || len(list) > 10 {
			return false, badArgs(name)
		}
		for _, operand := range list {
			b, err := t.ruleTruth(operand, s)
			if err != nil || b == (name == "Fn::Or") {
				return b, err
			}
		}
		return name == "Fn::And", nil
	case "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll":
		return false, errorf("Aloft does not compute %s in rules yet.", name)
	}
	return t.truth(v, s)
}

// member computes the functions that look for values in lists.
func (t *Template) member(name string, args []any, s *Scope) (bool, error) {
	first, err := t.texts(args[0], s)
	if err != nil {
		return false, err
	}
	second, err := t.texts(args[1], s)
	if err != nil {
		return false, err
	}
	switch name {
	case "Fn::Contains":
		return len(second) == 1 && slices.Contains(first, second[0]), nil
	case "Fn::EachMemberEquals":
		return len(second) == 1 && !slices.ContainsFunc(first, func(v string) bool { return v != second[0] }), nil
	}
	return !slices.ContainsFunc(first, func(v string) bool { return !slices.Contains(second, v) }), nil
}

func (t *Template) texts(v any, s *Scope) ([]string, error) {
	got, err := t.resolve(v, s)
	if err != nil {
		return nil, err
	}
	list, ok := got.([]any)
	if !ok {
		list = []any{got}
	}
	texts := make([]string, len(list))
	for i, element := range list {
		if texts[i], ok = Text(element); !ok {
			return nil, errorf("Template error: rules compare strings and lists of strings")
		}
	}
	return texts, nil
}

// Capabilities returns what the caller must acknowledge for the template, and
// the reason CloudFormation gives for it.
func (t *Template) Capabilities() (needed []string, reason string) {
	var types []string
	named := false
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		key, ok := iamNames[r.Type]
		if !ok {
			continue
		}
		if !slices.Contains(types, r.Type) {
			types = append(types, r.Type)
		}
		if _, ok := r.Properties[key]; ok && key != "" {
			named = true
		}
	}
	if types == nil {
		return nil, ""
	}
	slices.Sort(types)
	needed = []string{"CAPABILITY_IAM"}
	if named {
		needed = []string{"CAPABILITY_NAMED_IAM"}
	}
	return needed, "The following resource(s) require capabilities: [" + strings.Join(types, ", ") + "]"
}

// iamNames are the types that may give rights, and the property that names them.
var iamNames = map[string]string{
	"AWS::IAM::AccessKey": "", "AWS::IAM::Group": "GroupName", "AWS::IAM::InstanceProfile": "InstanceProfileName",
	"AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::IAM::Policy": "", "AWS::IAM::Role": "RoleName",
	"AWS::IAM::User": "UserName", "AWS::IAM::UserToGroupAddition": "", "AWS::IAM::RolePolicy": "",
	"AWS::IAM::UserPolicy": "", "AWS::IAM::GroupPolicy": "",
}
