package graphql

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A Request is one, as a client sends it.
type Request struct {
	Query     string
	Operation string   // its name; "" if there is but one
	Variables *vtl.Map // nil is none
}

// An Operation is a request that is valid.
type Operation struct {
	Kind      ast.Operation
	Variables *vtl.Map // with defaults

	schema *Schema
	def    *ast.OperationDefinition
	doc    *ast.QueryDocument
}

// A Location is where something is in the text of a request.
type Location struct {
	Line, Column int
}

// An Error is one of an answer.
type Error struct {
	Message   string
	Type      string // "" if it is of the request and not of a resolver
	Data      any
	Info      any
	Path      []any
	Locations []Location
}

func (e *Error) Error() string { return e.Message }

// errSyntax is the error of a request that is no GraphQL.
var errSyntax = &Error{Type: "MalformedHttpRequestException", Message: "Unable to parse GraphQL query."}

// Prepare reads and checks a request. bad says that it is no request at all.
func (s *Schema) Prepare(r *Request) (op *Operation, errs []*Error, bad bool) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: r.Query}, maxRequestTokens)
	if err != nil || len(doc.Operations) == 0 {
		return nil, []*Error{errSyntax}, true
	}
	if list := validator.ValidateWithRules(s.ast, doc, checks); len(list) > 0 {
		for _, e := range list {
			errs = append(errs, s.worded(doc, e))
		}
		return nil, errs, false
	}
	def := doc.Operations.ForName(r.Operation)
	if r.Operation == "" && len(doc.Operations) == 1 {
		def = doc.Operations[0]
	}
	if def == nil {
		words := "Must provide operation name if query contains multiple operations."
		if r.Operation != "" {
			words = fmt.Sprintf("Unknown operation named '%s'.", r.Operation)
		}
		return nil, []*Error{{Type: "BadRequestException", Message: words}}, true
	}
	op = &Operation{Kind: def.Operation, schema: s, def: def, doc: doc}
	if op.Variables, errs = op.readVariables(r.Variables); errs != nil {
		return nil, errs, false
	}
	return op, nil, false
}

// checks are the rules that requests are checked by.
var checks = func() *rules.Rules {
	r := rules.NewDefaultRules()
	r.RemoveRule(rules.MaxIntrospectionDepth.Name)
	return r
}()

// worded is what AppSync says of a request that breaks a rule.
func (s *Schema) worded(doc *ast.QueryDocument, e *gqlerror.Error) *Error {
	out := &Error{Message: e.Message}
	for _, l := range e.Locations {
		out.Locations = append(out.Locations, Location{l.Line, l.Column})
	}
	kind, ok := ruleNames[e.Rule]
	if !ok {
		return out
	}
	words, at := e.Message, ""
	if len(out.Locations) > 0 {
		var field *ast.Field
		var parent string
		field, parent, at = s.fieldAt(doc, out.Locations[0])
		if field != nil {
			words = ruleWords(kind, field, parent, e.Message)
		}
	}
	out.Message = "Validation error of type " + kind + ": " + words
	if at != "" {
		out.Message += " @ '" + at + "'"
	}
	return out
}

// ruleNames are what AppSync calls the rules.
var ruleNames = map[string]string{
	"FieldsOnCorrectType": "FieldUndefined", "ScalarLeafs": "SubSelectionRequired", "ProvidedRequiredArguments": "MissingFieldArgument",
	"KnownArgumentNames": "UnknownArgument", "ValuesOfCorrectType": "WrongType", "NoUndefinedVariables": "UndefinedVariable",
	"NoUnusedVariables": "UnusedVariable", "NoUnusedFragments": "UnusedFragment", "KnownFragmentNames": "UndefinedFragment",
	"KnownTypeNames": "UnknownType", "KnownDirectives": "UnknownDirective", "VariablesInAllowedPosition": "VariableTypeMismatch",
	"OverlappingFieldsCanBeMerged": "FieldsConflict", "NoFragmentCycles": "FragmentCycle", "LoneAnonymousOperation": "LoneAnonymousOperationViolation",
	"VariablesAreInputTypes": "NonInputTypeOnVariable", "PossibleFragmentSpreads": "InvalidFragmentType",
	"FragmentsOnCompositeTypes": "FragmentTypeConditionInvalid", "UniqueOperationNames": "DuplicateOperationName",
}

func ruleWords(kind string, field *ast.Field, parent, words string) string {
	switch kind {
	case "FieldUndefined":
		return fmt.Sprintf("Field '%s' in type '%s' is undefined", field.Name, parent)
	case "SubSelectionRequired":
		typ := "null"
		if field.Definition != nil {
			typ = field.Definition.Type.Name()
		}
		if len(field.SelectionSet) > 0 {
			return fmt.Sprintf("Sub selection not allowed on leaf type %s of field %s", typ, field.Name)
		}
		return fmt.Sprintf("Sub selection required for type %s of field %s", typ, field.Name)
	case "MissingFieldArgument":
		if field.Definition != nil {
			for _, arg := range field.Definition.Arguments {
				if arg.Type.NonNull && arg.DefaultValue == nil && field.Arguments.ForName(arg.Name) == nil {
					return "Missing field argument " + arg.Name
				}
			}
		}
	case "UnknownArgument":
		if field.Definition != nil {
			for _, arg := range field.Arguments {
				if field.Definition.Arguments.ForName(arg.Name) == nil {
					return "Unknown field argument " + arg.Name
				}
			}
		}
	}
	return words
}

// fieldAt finds the field at or around a place of a request, the type that it
// is asked of, and the path to it.
func (s *Schema) fieldAt(doc *ast.QueryDocument, at Location) (found *ast.Field, parent, path string) {
	var walk func(set ast.SelectionSet, typ *ast.Definition, names []string)
	walk = func(set ast.SelectionSet, typ *ast.Definition, names []string) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.InlineFragment:
				inner := typ
				if t := s.ast.Types[sel.TypeCondition]; t != nil {
					inner = t
				}
				walk(sel.SelectionSet, inner, names)
			case *ast.Field:
				below := append(names[:len(names):len(names)], sel.Name)
				if p := sel.Position; p != nil && (p.Line < at.Line || p.Line == at.Line && p.Column <= at.Column) {
					found, path = sel, strings.Join(below, "/")
					if parent = ""; typ != nil {
						parent = typ.Name
					}
				}
				var inner *ast.Definition
				if sel.Definition != nil {
					inner = s.ast.Types[sel.Definition.Type.Name()]
				}
				walk(sel.SelectionSet, inner, below)
			}
		}
	}
	for _, op := range doc.Operations {
		walk(op.SelectionSet, s.Root(op.Operation), nil)
	}
	for _, f := range doc.Fragments {
		walk(f.SelectionSet, s.ast.Types[f.TypeCondition], []string{f.Name})
	}
	return found, parent, path
}

// Depth is how deep the operation's fields nest, without introspection.
func (op *Operation) Depth() int { return op.depth(op.def.SelectionSet) }

func (op *Operation) depth(set ast.SelectionSet) int {
	most := 0
	for _, sel := range set {
		d := 0
		switch sel := sel.(type) {
		case *ast.Field:
			if !strings.HasPrefix(sel.Name, "__") {
				d = 1 + op.depth(sel.SelectionSet)
			}
		case *ast.InlineFragment:
			d = op.depth(sel.SelectionSet)
		case *ast.FragmentSpread:
			d = op.depth(sel.Definition.SelectionSet)
		}
		most = max(most, d)
	}
	return most
}

// Introspects reports whether the operation asks for the schema.
func (op *Operation) Introspects() bool {
	for _, f := range op.collect(op.schema.Root(op.Kind), []ast.SelectionSet{op.def.SelectionSet}) {
		if f.name == "__schema" || f.name == "__type" {
			return true
		}
	}
	return false
}

// Name is the operation's, or "".
func (op *Operation) Name() string { return op.def.Name }
