package graphql

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// What there is to know of a schema is computed as it is asked for: types lead to
// each other without end.
type (
	metaSchema struct{ s *Schema }
	metaType   struct {
		s   *Schema
		typ *ast.Type // a list, or one that is not null; else
		def *ast.Definition
	}
	metaField struct {
		s   *Schema
		def *ast.FieldDefinition
	}
	metaArgument struct {
		s         *Schema
		name      string
		text      string
		typ       *ast.Type
		byDefault *ast.Value
		list      ast.DirectiveList
	}
	metaValue     struct{ def *ast.EnumValueDefinition }
	metaDirective struct {
		s   *Schema
		def *ast.DirectiveDefinition
	}
)

func isMeta(v any) bool {
	switch v.(type) {
	case metaSchema, metaType, metaField, metaArgument, metaValue, metaDirective:
		return true
	}
	return false
}

// introspect answers a field that is about the schema.
func (s *Schema) introspect(o *object, name string, args *vtl.Map) (any, bool) {
	old, _ := args.Lookup("includeDeprecated")
	switch of := o.source.(type) {
	case metaSchema:
		return of.get(name), true
	case metaType:
		return of.get(name, old == true), true
	case metaField:
		return of.get(name), true
	case metaArgument:
		return of.get(name), true
	case metaValue:
		switch name {
		case "name":
			return of.def.Name, true
		case "description":
			return optional(of.def.Description), true
		}
		return deprecation(of.def.Directives, name), true
	case metaDirective:
		return of.get(name), true
	}
	if len(o.path) > 0 || o.def != s.ast.Query {
		return nil, false
	}
	switch name {
	case "__schema":
		return metaSchema{s}, true
	case "__type":
		wanted, _ := args.Lookup("name")
		text, _ := wanted.(string)
		if def := s.ast.Types[text]; def != nil {
			return metaType{s: s, def: def}, true
		}
		return nil, true
	}
	return nil, false
}

// optional is nil for nothing.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list[E any](all []E, of func(E) any) *vtl.List {
	out := &vtl.List{Items: []any{}, JSON: true}
	for _, e := range all {
		out.Items = append(out.Items, of(e))
	}
	return out
}

func (s *Schema) named(name string) any {
	if def := s.ast.Types[name]; def != nil {
		return metaType{s: s, def: def}
	}
	return nil
}

func (s *Schema) rootMeta(def *ast.Definition) any {
	if def == nil {
		return nil
	}
	return metaType{s: s, def: def}
}

func (m metaSchema) get(name string) any {
	switch name {
	case "types":
		return list(sortedTypes(m.s.ast), func(def *ast.Definition) any { return metaType{s: m.s, def: def} })
	case "queryType":
		return m.s.rootMeta(m.s.ast.Query)
	case "mutationType":
		return m.s.rootMeta(m.s.ast.Mutation)
	case "subscriptionType":
		return m.s.rootMeta(m.s.ast.Subscription)
	case "directives":
		return list(sortedDirectives(m.s.ast), func(def *ast.DirectiveDefinition) any { return metaDirective{m.s, def} })
	}
	return optional(m.s.ast.Description)
}

func (m metaType) of(t *ast.Type) any {
	if t == nil {
		return nil
	}
	if t.NonNull || t.Elem != nil {
		return metaType{s: m.s, typ: t}
	}
	return m.s.named(t.NamedType)
}

func (m metaType) get(name string, old bool) any {
	if m.typ != nil {
		switch {
		case name == "kind" && m.typ.NonNull:
			return "NON_NULL"
		case name == "kind":
			return "LIST"
		case name == "ofType" && m.typ.NonNull:
			inner := *m.typ
			inner.NonNull = false
			return m.of(&inner)
		case name == "ofType":
			return m.of(m.typ.Elem)
		}
		return nil
	}
	d := m.def
	switch name {
	case "kind":
		return string(d.Kind)
	case "name":
		return d.Name
	case "description":
		return optional(d.Description)
	case "fields":
		if d.Kind != ast.Object && d.Kind != ast.Interface {
			return nil
		}
		out := &vtl.List{Items: []any{}, JSON: true}
		for _, f := range d.Fields {
			if !strings.HasPrefix(f.Name, "__") && (old || f.Directives.ForName("deprecated") == nil) {
				out.Items = append(out.Items, metaField{m.s, f})
			}
		}
		return out
	case "inputFields":
		if d.Kind != ast.InputObject {
			return nil
		}
		return list(d.Fields, func(f *ast.FieldDefinition) any {
			return metaArgument{m.s, f.Name, f.Description, f.Type, f.DefaultValue, f.Directives}
		})
	case "interfaces":
		if d.Kind != ast.Object && d.Kind != ast.Interface {
			return nil
		}
		return list(d.Interfaces, m.s.named)
	case "possibleTypes":
		if !d.IsAbstractType() {
			return nil
		}
		return list(m.s.ast.GetPossibleTypes(d), func(def *ast.Definition) any { return metaType{s: m.s, def: def} })
	case "enumValues":
		if d.Kind != ast.Enum {
			return nil
		}
		out := &vtl.List{Items: []any{}, JSON: true}
		for _, v := range d.EnumValues {
			if old || v.Directives.ForName("deprecated") == nil {
				out.Items = append(out.Items, metaValue{v})
			}
		}
		return out
	}
	return nil
}

func (m metaField) get(name string) any {
	switch name {
	case "name":
		return m.def.Name
	case "description":
		return optional(m.def.Description)
	case "args":
		return arguments(m.s, m.def.Arguments)
	case "type":
		return metaType{s: m.s}.of(m.def.Type)
	}
	return deprecation(m.def.Directives, name)
}

func arguments(s *Schema, defs ast.ArgumentDefinitionList) any {
	return list(defs, func(a *ast.ArgumentDefinition) any {
		return metaArgument{s, a.Name, a.Description, a.Type, a.DefaultValue, a.Directives}
	})
}

func (m metaArgument) get(name string) any {
	switch name {
	case "name":
		return m.name
	case "description":
		return optional(m.text)
	case "type":
		return metaType{s: m.s}.of(m.typ)
	case "defaultValue":
		if m.byDefault == nil {
			return nil
		}
		return m.byDefault.String()
	}
	return deprecation(m.list, name)
}

func (m metaDirective) get(name string) any {
	switch name {
	case "name":
		return m.def.Name
	case "description":
		return optional(m.def.Description)
	case "locations":
		return list(m.def.Locations, func(l ast.DirectiveLocation) any { return string(l) })
	case "args":
		return arguments(m.s, m.def.Arguments)
	case "isRepeatable":
		return m.def.IsRepeatable
	case "onOperation", "onFragment", "onField":
		return false
	}
	return nil
}

// deprecation says whether something is not to be used any more, and why.
func deprecation(directives ast.DirectiveList, name string) any {
	d := directives.ForName("deprecated")
	switch {
	case name == "isDeprecated":
		return d != nil
	case name != "deprecationReason" || d == nil:
		return nil
	}
	if reason := d.Arguments.ForName("reason"); reason != nil {
		return reason.Value.Raw
	}
	return "No longer supported"
}
