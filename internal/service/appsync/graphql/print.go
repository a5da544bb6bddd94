package graphql

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// sortedTypes are all types of a schema, by name.
func sortedTypes(s *ast.Schema) []*ast.Definition {
	var all []*ast.Definition
	for _, name := range slices.Sorted(maps.Keys(s.Types)) {
		all = append(all, s.Types[name])
	}
	return all
}

func sortedDirectives(s *ast.Schema) []*ast.DirectiveDefinition {
	var all []*ast.DirectiveDefinition
	for _, name := range slices.Sorted(maps.Keys(s.Directives)) {
		all = append(all, s.Directives[name])
	}
	return all
}

// OwnTypes are the names of the types that were written, in order.
func (s *Schema) OwnTypes() []string {
	var names []string
	for _, def := range s.own.Definitions {
		names = append(names, def.Name)
	}
	return names
}

// IsOwn reports whether a type was written.
func (s *Schema) IsOwn(name string) bool { return s.own.Definitions.ForName(name) != nil }

// SDL is the schema as text; without directives if they are not wanted.
func (s *Schema) SDL(directives bool) string {
	doc := *s.own
	if !directives {
		doc.Definitions = nil
		for _, def := range s.own.Definitions {
			doc.Definitions = append(doc.Definitions, bare(def))
		}
		doc.Directives = nil
	}
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchemaDocument(&doc)
	return b.String()
}

// bare is a definition without directives.
func bare(def *ast.Definition) *ast.Definition {
	out := *def
	out.Directives = nil
	out.Fields = nil
	for _, f := range def.Fields {
		field := *f
		field.Directives = nil
		out.Fields = append(out.Fields, &field)
	}
	return &out
}

// TypeSDL is a type as text.
func (s *Schema) TypeSDL(name string) string {
	def := s.own.Definitions.ForName(name)
	if def == nil {
		return ""
	}
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchemaDocument(&ast.SchemaDocument{Definitions: ast.DefinitionList{def}})
	return b.String()
}

// Without is the schema's text without a type.
func (s *Schema) Without(name string) string {
	doc := *s.own
	doc.Definitions = nil
	for _, def := range s.own.Definitions {
		if def.Name != name {
			doc.Definitions = append(doc.Definitions, def)
		}
	}
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchemaDocument(&doc)
	return b.String()
}

// Introspection is what clients that know a schema by JSON read.
func (s *Schema) Introspection() []byte {
	op, _, _ := s.Prepare(&Request{Query: introspection})
	if op == nil {
		return nil
	}
	return op.Execute(context.Background(), nobody{}, 0, nil).JSON()
}

// nobody resolves nothing.
type nobody struct{}

// Allow lets everything be seen.
func (nobody) Allow(*Field) *Error { return nil }

// Has is false.
func (nobody) Has(string, string) bool { return false }

// Resolve is never called.
func (nobody) Resolve(context.Context, []*Field) []Outcome { return nil }

const introspection = `query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
types { ...Whole } directives { name description locations args { ...Input } } } }
fragment Whole on __Type { kind name description
fields(includeDeprecated: true) { name description args { ...Input } type { ...Ref } isDeprecated deprecationReason }
inputFields { ...Input } interfaces { ...Ref } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...Ref } }
fragment Input on __InputValue { name description type { ...Ref } defaultValue }
fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }`
