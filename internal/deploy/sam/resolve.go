package sam

import (
	"regexp"
	"strings"
)

// A resolver replaces references to parameters whose values are known. As in
// AWS's transform it does so in place, within maps and lists.
type resolver struct {
	values object
}

// resolve returns v with its references replaced.
func (r resolver) resolve(v any) (any, error) {
	var err error
	if v, err = r.replace(v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case object:
		for _, key := range keys(v) {
			if v[key], err = r.resolve(v[key]); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range v {
			if v[i], err = r.resolve(v[i]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func (r resolver) replace(v any) (any, error) {
	name, arg, ok := call(v)
	if !ok {
		return v, nil
	}
	switch name {
	case "Ref":
		id, _ := arg.(string)
		if value, known := r.values[id]; known {
			return value, nil
		}
	case "Fn::Sub":
		return v, replaceSub(v.(object), func(whole, name string) (string, error) {
			value, known := r.values[name]
			if !known {
				return whole, nil
			}
			text, ok := value.(string)
			if !ok {
				return "", badDocument("Invalid Fn::Sub variable value %s. Fn::Sub expects all variables to be strings.", shown(value))
			}
			return text, nil
		})
	}
	return v, nil
}

var subVariable = regexp.MustCompile(`\$\{([A-Za-z0-9.]+|AWS::[A-Z][A-Za-z]*)\}`)

// replaceSub replaces variables in the string of an Fn::Sub.
func replaceSub(v object, replace func(whole, name string) (string, error)) error {
	text, ok := v["Fn::Sub"].(string)
	list, _ := v["Fn::Sub"].([]any)
	if !ok && len(list) > 0 {
		text, ok = list[0].(string)
	}
	if !ok {
		return nil
	}
	out := text
	for _, m := range subVariable.FindAllStringSubmatch(text, -1) {
		value, err := replace(m[0], m[1])
		if err != nil {
			return err
		}
		out = strings.Replace(out, m[0], value, 1)
	}
	if len(list) > 0 {
		list[0] = out
	} else {
		v["Fn::Sub"] = out
	}
	return nil
}

// inMappings returns what an Fn::FindInMap of constants finds, or v.
func inMappings(mappings object, v any) (any, error) {
	name, arg, ok := call(v)
	if !ok || name != "Fn::FindInMap" {
		return v, nil
	}
	list, _ := arg.([]any)
	if len(list) != 3 {
		return nil, badDocument("Invalid FindInMap value %s. FindInMap expects an array with 3 values.", shown(arg))
	}
	if found := at(mappings, asString(list[0]), asString(list[1]), asString(list[2])); found != nil {
		return found, nil
	}
	return v, nil
}

// references replaces references to things that SAM resources stand for, such
// as Function.Alias, and to resources whose ids have changed.
type references struct {
	things  map[string]map[string]string // by logical id and name: the id of what was made
	renamed map[string]string
}

func (r references) add(id, name, made string) {
	if r.things[id] == nil {
		r.things[id] = make(map[string]string)
	}
	r.things[id][name] = made
}

// rewrite replaces references in a tree, in place.
func (r references) rewrite(v any) any {
	switch v := v.(type) {
	case object:
		if name, _, ok := call(v); ok {
			r.rewriteCall(name, v)
		}
		for key, member := range v {
			v[key] = r.rewrite(member)
		}
		r.rewriteDependsOn(v)
	case []any:
		for i, element := range v {
			v[i] = r.rewrite(element)
		}
	}
	return v
}

func (r references) rewriteDependsOn(v object) {
	switch on := v["DependsOn"].(type) {
	case string:
		if id, ok := r.renamed[on]; ok {
			v["DependsOn"] = id
		}
	case []any:
		for i, element := range on {
			if id, ok := r.renamed[asString(element)]; ok {
				on[i] = id
			}
		}
	}
}

func (r references) rewriteCall(name string, v object) {
	switch name {
	case "Ref":
		target := asString(v["Ref"])
		if id, ok := r.renamed[target]; ok {
			v["Ref"] = id
		} else if id, thing, ok := strings.Cut(target, "."); ok && r.things[id][thing] != "" {
			v["Ref"] = r.things[id][thing]
		}
	case "Fn::GetAtt":
		r.rewriteGetAtt(v)
	case "Fn::Sub":
		_ = replaceSub(v, func(whole, name string) (string, error) { // replace never fails
			id, rest, dotted := strings.Cut(name, ".")
			if to, ok := r.renamed[id]; ok {
				return strings.Replace(whole, id, to, -1), nil
			}
			thing, _, _ := strings.Cut(rest, ".")
			if made := r.things[id][thing]; dotted && made != "" {
				return strings.Replace(whole, id+"."+thing, made, -1), nil
			}
			return whole, nil
		})
	}
}

func (r references) rewriteGetAtt(v object) {
	list, _ := v["Fn::GetAtt"].([]any)
	var parts []string
	for _, element := range list {
		text, ok := element.(string)
		if !ok {
			return
		}
		parts = append(parts, text)
	}
	if len(parts) < 2 {
		return
	}
	parts = strings.Split(strings.Join(parts, "."), ".")
	var to []string
	if id, ok := r.renamed[parts[0]]; ok {
		to = append([]string{id}, parts[1:]...)
	} else if made := r.things[parts[0]][parts[1]]; made != "" {
		to = append([]string{made}, parts[2:]...)
	} else {
		return
	}
	out := make([]any, len(to))
	for i, part := range to {
		out[i] = part
	}
	v["Fn::GetAtt"] = out
}
