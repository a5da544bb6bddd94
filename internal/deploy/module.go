package deploy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// deepestModules is how deep modules may stand within modules.
const deepestModules = 3

// UsesModules says whether a template has resources that are modules: parts of
// templates that are registered under a name, "Org::Service::Use::MODULE".
func UsesModules(root map[string]any) bool {
	resources, _ := root["Resources"].(map[string]any)
	for _, r := range resources {
		if isModule(r) {
			return true
		}
	}
	return false
}

func isModule(r any) bool {
	m, _ := r.(map[string]any)
	name, _ := m["Type"].(string)
	return strings.HasSuffix(name, "::MODULE") && strings.Count(name, "::") == 3
}

// expandModules puts in the place of each module what it stands for. A module
// that is not registered stays, and is refused as a type that there is not.
func expandModules(root map[string]any, macros Macros, depth int) (map[string]any, error) {
	if !UsesModules(root) || macros == nil {
		return root, nil
	}
	resources, _ := root["Resources"].(map[string]any)
	out := maps.Clone(root)
	inside := make(map[string][]string) // what each module has become
	all := make(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if !isModule(resources[id]) {
			all[id] = resources[id]
			continue
		}
		use := resources[id].(map[string]any)
		fragment, err := macros.Module(use["Type"].(string))
		if err != nil {
			return nil, err
		}
		if fragment == nil {
			all[id] = use
			continue
		}
		if depth == deepestModules {
			return nil, moduleError("Modules can be nested up to %d levels: %s", deepestModules, id)
		}
		if fragment, err = expandModules(fragment, macros, depth+1); err != nil {
			return nil, err
		}
		m := module{id: id, use: use, fragment: fragment}
		if err := m.put(all, out); err != nil {
			return nil, err
		}
		inside[id] = slices.Sorted(maps.Keys(m.section("Resources")))
	}
	out["Resources"] = all
	return outside{inside}.rename(out).(map[string]any), nil
}

func moduleError(format string, args ...any) error {
	return &template.Error{Message: fmt.Sprintf(format, args...)}
}

// A module is one use of a fragment.
type module struct {
	id            string // in the template that uses it
	use, fragment map[string]any
}

func (m *module) section(name string) map[string]any {
	v, _ := m.fragment[name].(map[string]any)
	return v
}

// put adds the resources of a module to those of a template, and what they need
// to its other sections.
func (m *module) put(resources, root map[string]any) error {
	given, _ := m.use["Properties"].(map[string]any)
	parameters := make(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if m.section("Parameters")[name] == nil {
			return moduleError("Template format error: Module %s does not have a parameter %s", m.id, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.section("Parameters"))) {
		p, _ := m.section("Parameters")[name].(map[string]any)
		v, has := given[name]
		if !has {
			if v, has = p["Default"]; !has {
				return moduleError("Template format error: Module %s needs a value for its parameter %s", m.id, name)
			}
		}
		typ, _ := p["Type"].(string)
		if text, isText := v.(string); isText && (typ == "CommaDelimitedList" || strings.HasPrefix(typ, "List<")) {
			list := []any{}
			for part := range strings.SplitSeq(text, ",") {
				list = append(list, strings.TrimSpace(part))
			}
			v = list
		}
		parameters[name] = v
	}
	in := within{m, parameters}
	for _, name := range []string{"Conditions", "Mappings"} {
		if len(m.section(name)) == 0 {
			continue
		}
		whole, _ := root[name].(map[string]any)
		whole = maps.Clone(whole)
		if whole == nil {
			whole = make(map[string]any)
		}
		for key, v := range m.section(name) {
			whole[m.id+key] = in.rename(v)
		}
		root[name] = whole
	}
	for id, v := range m.section("Resources") {
		r, ok := in.rename(v).(map[string]any)
		if !ok {
			return moduleError("Template format error: [/Resources/%s] resource definition is malformed", m.id+id)
		}
		if err := m.attributes(r, root, m.id+id); err != nil {
			return err
		}
		resources[m.id+id] = r
	}
	return nil
}

// attributes gives a resource of a module what the use of it says of all.
func (m *module) attributes(r, root map[string]any, id string) error {
	if own, ok := r["Condition"].(string); ok {
		r["Condition"] = m.id + own
	}
	if names := dependencies(r["DependsOn"]); names != nil {
		for i, name := range names {
			names[i] = m.id + name.(string)
		}
		r["DependsOn"] = names
	}
	if more := dependencies(m.use["DependsOn"]); more != nil {
		r["DependsOn"] = append(dependencies(r["DependsOn"]), more...)
	}
	for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		if v, has := m.use[name]; has {
			r[name] = v
		}
	}
	whole, ok := m.use["Condition"].(string)
	if !ok {
		return nil
	}
	own, has := r["Condition"].(string)
	if !has {
		r["Condition"] = whole
		return nil
	}
	conditions, _ := root["Conditions"].(map[string]any)
	if conditions = maps.Clone(conditions); conditions == nil {
		conditions = make(map[string]any)
	}
	conditions[id+"Condition"] = map[string]any{"Fn::And": []any{map[string]any{"Condition": whole}, map[string]any{"Condition": own}}}
	root["Conditions"], r["Condition"] = conditions, id+"Condition"
	return nil
}

// dependencies are the names of a DependsOn, or nil.
func dependencies(v any) []any {
	switch v := v.(type) {
	case string:
		return []any{v}
	case []any:
		return slices.DeleteFunc(slices.Clone(v), func(name any) bool { _, ok := name.(string); return !ok })
	}
	return nil
}

// within renames what a fragment refers to: its parameters become what they were
// given, and its resources, conditions and mappings have the name of the module
// before their own.
type within struct {
	m          *module
	parameters map[string]any
}

func (w within) rename(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = w.rename(element)
		}
		return out
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if out, is := w.function(name, arg); is {
					return out
				}
			}
		}
		out := make(map[string]any, len(v))
		for key, member := range v {
			out[key] = w.rename(member)
		}
		return out
	}
	return v
}

// function renames what a function of a fragment refers to, if it is one that
// names something.
func (w within) function(name string, arg any) (any, bool) {
	text, isText := arg.(string)
	list, _ := arg.([]any)
	switch {
	case name == "Ref" && isText:
		if v, is := w.parameters[text]; is {
			return v, true
		}
		return map[string]any{name: w.resource(text)}, true
	case name == "Condition" && isText:
		return map[string]any{name: w.m.id + text}, true
	case name == "Fn::GetAtt" && isText:
		return map[string]any{name: w.resource(text)}, true
	case name == "Fn::GetAtt" && len(list) == 2:
		first, _ := list[0].(string)
		return map[string]any{name: []any{w.resource(first), w.rename(list[1])}}, true
	case (name == "Fn::If" || name == "Fn::FindInMap") && len(list) > 0:
		out, _ := w.rename(list).([]any)
		if first, ok := list[0].(string); ok {
			out[0] = w.m.id + first
		}
		return map[string]any{name: out}, true
	case name == "Fn::Sub" && isText:
		return w.sub(text, nil), true
	case name == "Fn::Sub" && len(list) == 2:
		format, _ := list[0].(string)
		own, _ := w.rename(list[1]).(map[string]any)
		return w.sub(format, own), true
	}
	return nil, false
}

// resource is the name of a resource of the fragment, with what follows it, in
// the template.
func (w within) resource(name string) string {
	id, _, _ := strings.Cut(name, ".")
	if w.m.section("Resources")[id] == nil {
		return name
	}
	return w.m.id + name
}

var substituted = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// sub is an Fn::Sub with the names of the template, and values for parameters.
func (w within) sub(format string, own map[string]any) any {
	values := maps.Clone(own)
	if values == nil {
		values = make(map[string]any)
	}
	format = substituted.ReplaceAllStringFunc(format, func(word string) string {
		name := strings.TrimSpace(word[2 : len(word)-1])
		if _, is := own[name]; is {
			return word
		}
		if v, is := w.parameters[name]; is {
			values[name] = v
			return word
		}
		return "${" + w.resource(name) + "}"
	})
	if len(values) == 0 {
		return map[string]any{"Fn::Sub": format}
	}
	return map[string]any{"Fn::Sub": []any{format, values}}
}

// outside renames what a template refers to of modules, "Module.Resource", to
// what that has become.
type outside struct{ inside map[string][]string }

func (o outside) name(text string) string {
	id, rest, dotted := strings.Cut(text, ".")
	if !dotted {
		return text
	}
	resource, _, _ := strings.Cut(rest, ".")
	if !slices.Contains(o.inside[id], resource) {
		return text
	}
	return id + rest
}

func (o outside) rename(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = o.rename(element)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, member := range v {
			out[key] = o.member(key, member)
		}
		return out
	}
	return v
}

func (o outside) member(key string, v any) any {
	text, isText := v.(string)
	list, _ := v.([]any)
	switch {
	case (key == "Ref" || key == "Fn::GetAtt") && isText:
		return o.name(text)
	case key == "Fn::GetAtt" && len(list) == 2:
		first, _ := list[0].(string)
		if second, ok := list[1].(string); ok { // the module may be one part, or the module and the resource
			if whole := o.name(first + "." + second); whole != first+"."+second {
				id, attribute, _ := strings.Cut(whole, ".")
				return []any{id, attribute}
			}
		}
	case key == "Fn::Sub" && isText:
		return o.sub(text)
	case key == "Fn::Sub" && len(list) == 2:
		if format, ok := list[0].(string); ok {
			return []any{o.sub(format), o.rename(list[1])}
		}
	case key == "DependsOn" && (isText || len(dependencies(v)) == len(list)):
		var names []any
		for _, name := range dependencies(v) {
			if members, is := o.inside[name.(string)]; is {
				for _, id := range members {
					names = append(names, name.(string)+id)
				}
				continue
			}
			names = append(names, o.name(name.(string)))
		}
		return names
	}
	return o.rename(v)
}

func (o outside) sub(format string) string {
	return substituted.ReplaceAllStringFunc(format, func(word string) string {
		return "${" + o.name(strings.TrimSpace(word[2:len(word)-1])) + "}"
	})
}
