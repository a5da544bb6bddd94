package template

import (
	"maps"
	"slices"
	"strings"
)

// EvalConditions computes every condition with the parameters of s.
func (t *Template) EvalConditions(s *Scope) (map[string]bool, error) {
	plain := *s
	plain.Conditions = nil
	plain.Resource = nil
	values := make(map[string]bool, len(t.Conditions))
	for _, name := range slices.Sorted(maps.Keys(t.Conditions)) {
		v, err := t.truth(t.Conditions[name], &plain)
		if err != nil {
			return nil, err
		}
		values[name] = v
	}
	return values, nil
}

// truth computes a condition.
func (t *Template) truth(v any, s *Scope) (bool, error) {
	got, err := t.resolve(v, s)
	if err != nil {
		return false, err
	}
	switch got {
	case true, "true":
		return true, nil
	case false, "false":
		return false, nil
	}
	text, _ := Text(got)
	return false, errorf("Template error: Invalid boolean value %s", text)
}

func (t *Template) logic(name string, arg any, s *Scope) (any, error) {
	list, _ := arg.([]any)
	switch name {
	case "Condition":
		return t.named(arg, s)
	case "Fn::Equals":
		return t.equals(list, s)
	case "Fn::Not":
		if len(list) != 1 {
			return nil, badArgs(name)
		}
		v, err := t.truth(list[0], s)
		return !v, err
	}
	if len(list) < 2 || len(list) > 10 {
		return nil, badArgs(name)
	}
	result := name == "Fn::And"
	for _, operand := range list {
		v, err := t.truth(operand, s)
		if err != nil {
			return nil, err
		}
		if name == "Fn::And" {
			result = result && v
		} else {
			result = result || v
		}
	}
	return result, nil
}

// named computes the condition of a name. That there is no circle has been
// checked.
func (t *Template) named(arg any, s *Scope) (any, error) {
	name, ok := arg.(string)
	if !ok {
		return nil, errorf("Template error: All Conditions must be of type string")
	}
	if v, ok := s.Conditions[name]; ok {
		return v, nil
	}
	condition, ok := t.Conditions[name]
	if !ok {
		return nil, errorf("Template format error: Condition %s is not defined.", name)
	}
	return t.truth(condition, s)
}

func (t *Template) equals(args []any, s *Scope) (any, error) {
	if len(args) != 2 {
		return nil, badArgs("Fn::Equals")
	}
	var texts [2]string
	for i, arg := range args {
		v, err := t.resolve(arg, s)
		if err != nil {
			return nil, err
		}
		var ok bool
		if texts[i], ok = Text(v); !ok {
			return nil, badArgs("Fn::Equals")
		}
	}
	return texts[0] == texts[1], nil
}

// choose computes an Fn::If: the branch that is not taken is not looked at.
func (t *Template) choose(arg any, s *Scope) (any, error) {
	list, _ := arg.([]any)
	if len(list) != 3 {
		return nil, errorf("Template error: Fn::If requires a list argument with three elements")
	}
	v, err := t.named(list[0], s)
	if err != nil {
		return nil, err
	}
	if v == true {
		return t.resolve(list[1], s)
	}
	return t.resolve(list[2], s)
}

// checkConditions checks the form of conditions, that they refer to nothing but
// parameters and each other, and that they do so without a circle.
func (t *Template) checkConditions() error {
	resources := make(map[string]bool)
	graph := make(map[string][]string, len(t.Conditions))
	for _, name := range slices.Sorted(maps.Keys(t.Conditions)) {
		c := conditionCheck{t: t, path: []string{"Conditions", name}, resources: resources}
		if err := c.value(t.Conditions[name]); err != nil {
			return err
		}
		graph[name] = c.conditions
	}
	if len(resources) > 0 {
		return errorf("Template format error: Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template",
			strings.Join(slices.Sorted(maps.Keys(resources)), ", "))
	}
	if _, circle := order(graph); circle != nil {
		return errorf("Template error: Found circular condition dependency: [%s]", strings.Join(circle, ", "))
	}
	return nil
}

// A conditionCheck checks one condition.
type conditionCheck struct {
	t          *Template
	path       []string
	resources  map[string]bool // referred to, though they may not be
	conditions []string        // referred to
}

func (c *conditionCheck) value(v any) error {
	name, arg, ok := function(v)
	if !ok {
		return c.members(v)
	}
	list, _ := arg.([]any)
	switch name {
	case "Ref":
		if ref, _ := arg.(string); c.t.Parameters[ref] == nil && !slices.Contains(pseudoParameters, ref) {
			c.resources[ref] = true
		}
		return nil
	case "Fn::GetAtt":
		id, _, err := getAttArgs(arg)
		c.resources[id] = true
		return err
	case "Condition":
		return c.condition(arg)
	case "Fn::If":
		if len(list) == 3 {
			if err := c.condition(list[0]); err != nil {
				return err
			}
		}
	case "Fn::Equals":
		if len(list) != 2 {
			return errorAt(c.path, "%s", wrongArgs[name])
		}
	case "Fn::Not":
		if len(list) != 1 {
			return errorAt(c.path, "%s", wrongArgs[name])
		}
	case "Fn::And", "Fn::Or":
		if len(list) < 2 || len(list) > 10 {
			return errorAt(c.path, "%s", wrongArgs[name])
		}
	default:
		if err := c.t.checkCall(name, arg, c.path); err != nil {
			return err
		}
	}
	return c.members(arg)
}

func (c *conditionCheck) condition(arg any) error {
	name, ok := arg.(string)
	if !ok {
		return errorAt(c.path, "Template error: All Conditions must be of type string")
	}
	if c.t.Conditions[name] == nil {
		return errorAt(c.path, "Template format error: Unresolved condition dependencies [%s] in the Conditions block of the template", name)
	}
	c.conditions = append(c.conditions, name)
	return nil
}

func (c *conditionCheck) members(v any) error {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := c.value(v[key]); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range v {
			if err := c.value(element); err != nil {
				return err
			}
		}
	}
	return nil
}

// Active says whether a resource is made: whether its condition, if it has one,
// is true in s.
func (s *Scope) Active(condition string) bool {
	return condition == "" || s.Conditions[condition]
}
