package graphql

import (
	"errors"
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// prelude is what every schema of AppSync has besides its own.
const prelude = `
scalar AWSDate
scalar AWSTime
scalar AWSDateTime
scalar AWSTimestamp
scalar AWSEmail
scalar AWSJSON
scalar AWSURL
scalar AWSPhone
scalar AWSIPAddress
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
directive @aws_publish(subscriptions: [String]) on FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String]) on FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String]) on OBJECT | FIELD_DEFINITION
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_oidc on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @canonical on OBJECT | FIELD_DEFINITION
directive @hidden on OBJECT | FIELD_DEFINITION
directive @renamed(to: String!) on OBJECT | FIELD_DEFINITION
`

// maxTokens bounds how long a schema may be, and a request.
const (
	maxSchemaTokens  = 1_000_000
	maxRequestTokens = 15_000
)

// A Schema is a schema that is whole.
type Schema struct {
	ast *ast.Schema
	own *ast.SchemaDocument // as it was written
}

// implements finds lists of interfaces with commas, as GraphQL once had them.
var implements = regexp.MustCompile(`\bimplements\s+[\w\s,&]+\{`)

// ParseSchema reads a schema in SDL.
func ParseSchema(text string) (*Schema, error) {
	text = implements.ReplaceAllStringFunc(text, func(s string) string {
		if strings.Contains(s, "&") {
			return strings.ReplaceAll(s, ",", " ")
		}
		return strings.ReplaceAll(s, ",", " & ")
	})
	own, err := parser.ParseSchemaWithLimit(&ast.Source{Name: "schema", Input: text}, maxSchemaTokens)
	if err != nil {
		return nil, plain(err)
	}
	return newSchema(own)
}

// newSchema completes what was written of a schema.
func newSchema(own *ast.SchemaDocument) (*Schema, error) {
	doc, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: "appsync", Input: prelude, BuiltIn: true})
	if err != nil {
		return nil, err
	}
	for _, def := range own.Definitions { // a schema may say again what it has anyway
		if old := doc.Definitions.ForName(def.Name); old != nil && old.Kind == ast.Scalar && def.Kind == ast.Scalar {
			doc.Definitions = remove(doc.Definitions, old)
		}
	}
	for _, def := range own.Directives {
		if old := doc.Directives.ForName(def.Name); old != nil {
			doc.Directives = remove(doc.Directives, old)
		}
	}
	doc.Merge(own)
	schema, err := validator.ValidateSchemaDocument(doc)
	if err != nil {
		return nil, plain(err)
	}
	if schema.Query == nil {
		return nil, errors.New("There is no top level schema object, or it has no query")
	}
	return &Schema{ast: schema, own: own}, nil
}

func remove[L ~[]*E, E any](list L, gone *E) L {
	var kept L
	for _, e := range list {
		if e != gone {
			kept = append(kept, e)
		}
	}
	return kept
}

// plain is an error of the parser's without the name of a file.
func plain(err error) error {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok {
		if len(e.Locations) > 0 {
			return errors.New(e.Message + " at " + e.Locations[0].String())
		}
		return errors.New(e.Message)
	}
	return err
}

// Type returns the definition of a type, or nil.
func (s *Schema) Type(name string) *ast.Definition { return s.ast.Types[name] }

// Root returns the type that operations of a kind begin with, or nil.
func (s *Schema) Root(kind ast.Operation) *ast.Definition {
	switch kind {
	case ast.Mutation:
		return s.ast.Mutation
	case ast.Subscription:
		return s.ast.Subscription
	}
	return s.ast.Query
}

// HasField reports whether a type has a field.
func (s *Schema) HasField(typ, field string) bool {
	def := s.ast.Types[typ]
	return def != nil && def.Fields.ForName(field) != nil
}

// Subscriptions are the fields of the subscription type that a mutation feeds.
func (s *Schema) Subscriptions(mutation string) []string {
	if s.ast.Subscription == nil {
		return nil
	}
	var names []string
	for _, field := range s.ast.Subscription.Fields {
		d := field.Directives.ForName("aws_subscribe")
		if d == nil || d.Arguments.ForName("mutations") == nil {
			continue
		}
		for _, child := range d.Arguments.ForName("mutations").Value.Children {
			if child.Value.Raw == mutation {
				names = append(names, field.Name)
			}
		}
	}
	return names
}
