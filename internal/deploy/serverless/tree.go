package serverless

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// An object is a map of a configuration or a template.
type object = map[string]any

func ref(id string) object               { return object{"Ref": id} }
func getAtt(id, attribute string) object { return object{"Fn::GetAtt": []any{id, attribute}} }
func sub(text string) object             { return object{"Fn::Sub": text} }

func join(separator string, parts ...any) object {
	return object{"Fn::Join": []any{separator, parts}}
}

// at returns the value at a path of members, or nil.
func at(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(object)
		v = m[key]
	}
	return v
}

func asObject(v any) object { m, _ := v.(object); return m }
func asList(v any) []any    { l, _ := v.([]any); return l }

// text returns a scalar as text, and "" of all else.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// truthy says whether JavaScript takes v for true.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	}
	return true
}

// number returns v as a whole number, or usual if it is none.
func number(v any, usual int) int {
	if n, err := strconv.Atoi(text(v)); err == nil {
		return n
	}
	return usual
}

// list returns v if it is a list, and otherwise a list of it.
func list(v any) []any {
	if l, ok := v.([]any); ok || v == nil {
		return l
	}
	return []any{v}
}

func texts(v any) []string {
	var all []string
	for _, e := range list(v) {
		all = append(all, text(e))
	}
	return all
}

func anys[T any](l []T) []any {
	out := make([]any, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

func itoa(i int) string { return strconv.Itoa(i) }

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// first returns the first value that is there.
func first(values ...any) any {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

// put sets a member if there is a value.
func put(m object, key string, v any) {
	if v != nil {
		m[key] = v
	}
}

// putTrue sets a member if JavaScript takes the value for true.
func putTrue(m object, key string, v any) {
	if truthy(v) {
		m[key] = v
	}
}

// clone copies a tree.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for key, member := range v {
			out[key] = clone(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}

// merge puts what from has into into: maps and lists member by member, and
// else what from says.
func merge(into, from object) {
	for key, v := range from {
		into[key] = merged(into[key], v)
	}
}

func merged(old, v any) any {
	switch v := v.(type) {
	case object:
		if m, ok := old.(object); ok {
			merge(m, v)
			return m
		}
	case []any:
		if l, ok := old.([]any); ok {
			for i, e := range v {
				if i < len(l) {
					l[i] = merged(l[i], e)
				} else {
					l = append(l, clone(e))
				}
			}
			return l
		}
	case nil:
		return old
	}
	return clone(v)
}

// withoutNulls removes members that are null, at any depth.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case object:
		for key, member := range v {
			if member == nil {
				delete(v, key)
				continue
			}
			v[key] = withoutNulls(member)
		}
	case []any:
		for i, e := range v {
			v[i] = withoutNulls(e)
		}
	}
	return v
}

// asJSON returns v as JSON text without escapes of HTML.
func asJSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// tagList makes a list of tags as most resources take them.
func tagList(tags object) []any {
	out := []any{}
	for _, key := range keys(tags) {
		out = append(out, object{"Key": key, "Value": tags[key]})
	}
	return out
}
