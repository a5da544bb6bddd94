package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// LanguageExtensions is the macro that Extend is.
const LanguageExtensions = "AWS::LanguageExtensions"

const maxLoops = 5 // one inside the other

// Extend replaces what the language extensions add to templates: Fn::ForEach by
// what it repeats, and functions of parameters in the policies of resources by
// their values. Other functions they add are computed like all others.
func Extend(root map[string]any, parameters map[string]any) (map[string]any, error) {
	e := extender{t: &Template{Root: root}, parameters: parameters}
	if err := e.t.loadMappings(); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(root))
	for name, section := range root {
		v, err := e.expand(section, nil, 0)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, e.policies(out)
}

type extender struct {
	t          *Template
	parameters map[string]any
	made       int
}

// expand replaces the loops in v. Loop variables are known by loop.
func (e *extender) expand(v any, loop map[string]string, depth int) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if _, isLoop := strings.CutPrefix(key, "Fn::ForEach::"); isLoop {
				if err := e.repeat(out, v[key], loop, depth); err != nil {
					return nil, err
				}
				continue
			}
			if ref, ok := v[key].(string); ok && key == "Ref" && len(v) == 1 && loop[ref] != "" {
				return loop[ref], nil
			}
			member, err := e.expand(v[key], loop, depth)
			if err != nil {
				return nil, err
			}
			out[substitute(key, loop)] = member
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			var err error
			if out[i], err = e.expand(element, loop, depth); err != nil {
				return nil, err
			}
		}
		return out, nil
	case string:
		return substitute(v, loop), nil
	}
	return v, nil
}

// repeat adds to out what a loop makes: its body, once for each element.
func (e *extender) repeat(out map[string]any, arg any, loop map[string]string, depth int) error {
	list, ok := arg.([]any)
	if !ok || len(list) != 3 || depth >= maxLoops {
		return errorf("Fn::ForEach layout is incorrect")
	}
	name, isName := list[0].(string)
	body, isMap := list[2].(map[string]any)
	if !isName || !isMap {
		return errorf("Fn::ForEach layout is incorrect")
	}
	elements, err := e.collection(list[1], loop)
	if err != nil {
		return err
	}
	for _, element := range elements {
		if e.made++; e.made > maxNodes/10 {
			return errorf("Fn::ForEach makes more than %d elements", maxNodes/10)
		}
		inner := maps.Clone(loop)
		if inner == nil {
			inner = make(map[string]string)
		}
		inner[name] = element
		v, err := e.expand(body, inner, depth+1)
		if err != nil {
			return err
		}
		for key, member := range v.(map[string]any) {
			if _, has := out[key]; has {
				return errorf("Fn::ForEach makes two members of the name %s", key)
			}
			out[key] = member
		}
	}
	return nil
}

// collection returns what a loop is over: a list, of strings and references to
// parameters, or such a reference.
func (e *extender) collection(v any, loop map[string]string) ([]string, error) {
	v, err := e.expand(v, loop, 0)
	if err != nil {
		return nil, err
	}
	got, err := e.t.Resolve(v, &Scope{Parameters: e.parameters, Conditions: map[string]bool{}})
	if err != nil {
		return nil, err
	}
	list, ok := got.([]any)
	if !ok {
		return nil, errorf("Fn::ForEach layout is incorrect")
	}
	var out []string
	for _, element := range list {
		if inner, ok := element.([]any); ok {
			for _, v := range inner {
				text, _ := Text(v)
				out = append(out, text)
			}
			continue
		}
		text, ok := Text(element)
		if !ok {
			return nil, errorf("Fn::ForEach layout is incorrect")
		}
		out = append(out, text)
	}
	return out, nil
}

// substitute replaces ${Name}, and &{Name} which keeps letters and digits only.
func substitute(text string, loop map[string]string) string {
	for name, v := range loop {
		text = strings.ReplaceAll(text, "${"+name+"}", v)
		text = strings.ReplaceAll(text, "&{"+name+"}", strings.Map(func(r rune) rune {
			if r < 128 && alphanumeric(string(r)) {
				return r
			}
			return -1
		}, v))
	}
	return text
}

// policies computes the functions in the policies of resources.
func (e *extender) policies(root map[string]any) error {
	resources, _ := root["Resources"].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r, _ := resources[id].(map[string]any)
		for _, key := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if _, _, ok := function(r[key]); !ok {
				continue
			}
			t := &Template{Root: root, Mappings: e.t.Mappings}
			if err := t.loadConditions(); err != nil {
				return err
			}
			s := &Scope{Parameters: e.parameters}
			var err error
			if s.Conditions, err = t.EvalConditions(s); err != nil {
				return err
			}
			if r[key], err = t.Resolve(r[key], s); err != nil {
				return fmt.Errorf("%s of %s: %w", key, id, err)
			}
		}
	}
	return nil
}
