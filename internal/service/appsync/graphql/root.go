package graphql

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Root is the one field that a subscription asks for.
func (op *Operation) Root() (*Field, *Error) {
	top := op.schema.Root(op.Kind)
	if top == nil {
		return nil, &Error{Type: "BadRequestException", Message: "Schema is not configured for " + string(op.Kind) + "s."}
	}
	for _, a := range op.collect(top, []ast.SelectionSet{op.def.SelectionSet}) {
		if strings.HasPrefix(a.name, "__") {
			continue
		}
		f := &Field{Parent: top.Name, Name: a.name, Def: a.fields[0].Definition, Path: []any{a.alias}, op: op, ask: a}
		var wrong *Error
		if f.Args, wrong = op.arguments(a.fields[0]); wrong != nil {
			return nil, wrong
		}
		return f, nil
	}
	return nil, &Error{Type: "BadRequestException", Message: "The operation asks for no field."}
}
