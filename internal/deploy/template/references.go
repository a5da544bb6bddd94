package template

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// checkReferences refuses references to what the template does not have, and
// resources that wait for each other.
func (t *Template) checkReferences() error {
	missing := make(map[string]bool)
	graph := make(map[string][]string, len(t.Resources))
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		refs := references{t: t}
		if err := refs.walk(r.Properties); err != nil {
			return err
		}
		for _, name := range refs.names {
			if t.Resources[name] != nil {
				graph[id] = append(graph[id], name)
			} else if t.Parameters[name] == nil {
				missing[name] = true
			}
		}
		for _, name := range r.DependsOn {
			if t.Resources[name] == nil {
				missing[name] = true
			}
			graph[id] = append(graph[id], name)
		}
	}
	if len(missing) > 0 {
		return unresolved("Template format error: ", missing, "Resources")
	}
	if _, circle := order(graph); circle != nil {
		return errorf("Circular dependency between resources: [%s]", strings.Join(circle, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Outputs)) {
		refs := references{t: t}
		if err := refs.walk([]any{t.Outputs[name].Value, t.Outputs[name].Export}); err != nil {
			return err
		}
		for _, name := range refs.names {
			if t.Resources[name] == nil && t.Parameters[name] == nil {
				missing[name] = true
			}
		}
	}
	if len(missing) > 0 {
		return unresolved("Template format error: ", missing, "Outputs")
	}
	return nil
}

func unresolved(prefix string, missing map[string]bool, block string) error {
	return errorf("%sUnresolved resource dependencies [%s] in the %s block of the template",
		prefix, strings.Join(slices.Sorted(maps.Keys(missing)), ", "), block)
}

// references collects the names that a value refers to.
type references struct {
	t     *Template
	scope *Scope // if set, only branches that are taken count
	names []string
}

func (r *references) walk(v any) error {
	name, arg, ok := function(v)
	if !ok || name == "Condition" {
		return r.members(v)
	}
	switch name {
	case "Ref":
		ref, _ := arg.(string)
		if !slices.Contains(pseudoParameters, ref) {
			r.names = append(r.names, ref)
		}
		return nil
	case "Fn::GetAtt":
		id, attribute, err := getAttArgs(arg)
		if err != nil {
			return err
		}
		if r.t.Resources[id] == nil {
			return errorf("Template error: instance of Fn::GetAtt references undefined resource %s", id)
		}
		r.names = append(r.names, id)
		return r.walk(attribute)
	case "Fn::Sub":
		return r.sub(arg)
	case "Fn::If":
		list, _ := arg.([]any)
		if r.scope == nil || len(list) != 3 {
			break
		}
		taken := list[2]
		if condition, _ := list[0].(string); r.scope.Conditions[condition] {
			taken = list[1]
		}
		return r.walk(taken)
	}
	return r.members(arg)
}

func (r *references) sub(arg any) error {
	text, own, err := subArgs(arg)
	if err != nil {
		return err
	}
	pieces, err := subPieces(text)
	if err != nil {
		return err
	}
	for _, p := range pieces {
		if _, ok := own[p.name]; ok || p.name == "" || slices.Contains(pseudoParameters, p.name) {
			continue
		}
		id, _, isAttribute := strings.Cut(p.name, ".")
		if isAttribute && r.t.Resources[id] == nil {
			return errorf("Template error: instance of Fn::Sub references invalid resource attribute %s", p.name)
		}
		r.names = append(r.names, id)
	}
	return r.members(own)
}

func (r *references) members(v any) error {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := r.walk(v[key]); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range v {
			if err := r.walk(element); err != nil {
				return err
			}
		}
	}
	return nil
}

// Dependencies returns, for every resource that is made in s, those it needs
// made before it. It refuses a reference to a resource that is not made.
func (t *Template) Dependencies(s *Scope) (map[string][]string, error) {
	graph := make(map[string][]string)
	missing := make(map[string]bool)
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		if !s.Active(r.Condition) {
			continue
		}
		refs := references{t: t, scope: s}
		if err := refs.walk(r.Properties); err != nil {
			return nil, err
		}
		if err := refs.walk(r.UpdatePolicy); err != nil {
			return nil, err
		}
		needs := make(map[string]bool)
		for _, name := range refs.names {
			if other := t.Resources[name]; other == nil {
				continue
			} else if !s.Active(other.Condition) {
				missing[name] = true
			}
			needs[name] = true
		}
		for _, name := range r.DependsOn {
			if s.Active(t.Resources[name].Condition) {
				needs[name] = true
			}
		}
		graph[id] = slices.Sorted(maps.Keys(needs))
	}
	if len(missing) > 0 {
		return nil, unresolved("Template format error: ", missing, "Resources")
	}
	return graph, t.checkOutputs(s)
}

// checkOutputs refuses outputs of resources that are not made.
func (t *Template) checkOutputs(s *Scope) error {
	missing := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(t.Outputs)) {
		o := t.Outputs[name]
		if !s.Active(o.Condition) {
			continue
		}
		refs := references{t: t, scope: s}
		if err := refs.walk([]any{o.Value, o.Export}); err != nil {
			return err
		}
		for _, name := range refs.names {
			if r := t.Resources[name]; r != nil && !s.Active(r.Condition) {
				missing[name] = true
			}
		}
	}
	if len(missing) > 0 {
		return unresolved("", missing, "Outputs")
	}
	return nil
}

// References returns the names of parameters and resources that v refers to,
// in branches that are taken in s.
func (t *Template) References(v any, s *Scope) []string {
	refs := references{t: t, scope: s}
	if refs.walk(v) != nil {
		return nil
	}
	slices.Sort(refs.names)
	return slices.Compact(refs.names)
}

// order sorts the nodes of a graph so that each comes after those it needs. If
// some need each other it returns these instead.
func order(graph map[string][]string) (sorted, circle []string) {
	waits := make(map[string]int, len(graph))
	users := make(map[string][]string)
	for node, needs := range graph {
		waits[node] += 0
		for _, need := range needs {
			if need != node {
				waits[need] += 0
			}
			waits[node]++
			users[need] = append(users[need], node)
		}
	}
	var ready []string
	for node, n := range waits {
		if n == 0 {
			ready = append(ready, node)
		}
	}
	for len(ready) > 0 {
		slices.Sort(ready)
		node := ready[0]
		ready = ready[1:]
		sorted = append(sorted, node)
		for _, user := range users[node] {
			if waits[user]--; waits[user] == 0 {
				ready = append(ready, user)
			}
		}
		delete(waits, node)
	}
	if len(waits) > 0 {
		return nil, trim(graph, waits)
	}
	return sorted, nil
}

// trim leaves of the nodes that never became ready those on a circle: those
// that only wait for a circle are dropped until no more can be.
func trim(graph map[string][]string, waits map[string]int) []string {
	for {
		needed := make(map[string]bool)
		for node := range waits {
			for _, need := range graph[node] {
				needed[need] = true
			}
		}
		dropped := false
		for node := range waits {
			if !needed[node] {
				delete(waits, node)
				dropped = true
			}
		}
		if !dropped {
			return slices.Sorted(maps.Keys(waits))
		}
	}
}

var subAttribute = regexp.MustCompile(`\$\{([A-Za-z0-9]+\.[\w.:]+)\}`)

// Attributes returns what v reads of resources by Fn::GetAtt and Fn::Sub, as
// "Table.Arn", sorted.
func Attributes(v any) []string {
	var names []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, arg := range v {
				switch name {
				case "Fn::GetAtt":
					names = append(names, attributeName(arg)...)
				case "Fn::Sub":
					for _, m := range subAttribute.FindAllStringSubmatch(subText(arg), -1) {
						names = append(names, m[1])
					}
				}
				walk(arg)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	slices.Sort(names)
	return slices.Compact(names)
}

// attributeName is what Fn::GetAtt is given, as one text.
func attributeName(arg any) []string {
	if s, ok := arg.(string); ok {
		return []string{s}
	}
	l, _ := arg.([]any)
	var parts []string
	for _, e := range l {
		s, ok := e.(string)
		if !ok {
			return nil // it is computed
		}
		parts = append(parts, s)
	}
	if len(parts) < 2 {
		return nil
	}
	return []string{strings.Join(parts, ".")}
}

// subText is the text that Fn::Sub fills.
func subText(arg any) string {
	if l, ok := arg.([]any); ok && len(l) > 0 {
		arg = l[0]
	}
	s, _ := arg.(string)
	return s
}
