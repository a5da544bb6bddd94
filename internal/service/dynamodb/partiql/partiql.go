// Package partiql reads statements of PartiQL, the SQL of DynamoDB, and puts
// them in the terms of DynamoDB's own expressions: a statement becomes a
// condition, a projection, an update or an item, with the names and values
// they refer to. So there is one engine for both languages, and what a
// statement means is what the expression means.
//
//	SELECT a, b[0] FROM "t"."ix" WHERE k = ? AND a > 5
//	-> Columns "#n0" and "#n1[0]", Where "#n2 = :v0" and "#n0 > :v1"
package partiql

import (
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/lexer"
)

// Kinds of statements.
const (
	Select Kind = iota
	Insert
	Update
	Delete
	Exists // a condition in a transaction
)

// A Kind is what a statement does.
type Kind uint8

// String returns the name of k in the actions of policies.
func (k Kind) String() string {
	return [...]string{"Select", "Insert", "Update", "Delete", "Select"}[k]
}

// A Statement is one that has been read.
type Statement struct {
	Kind  Kind
	Table string
	Index string // "" for the table itself

	Columns   []Column // of a select; none is all
	Where     []Term   // all must hold
	Update    string   // as an expression
	Item      item.Item
	Returning string // "ALL OLD", "MODIFIED NEW", …
	OrderBy   []Order

	Names  map[string]string // that the expressions refer to
	Values item.Item
}

// A Column is a part of items that is returned by a name of its own.
type Column struct {
	Name  string // "b[0]"
	Path  string // as an expression
	Depth int    // how far below the item's attributes it is
}

// A Term is a condition, as an expression.
type Term struct {
	Text string
	Test *Test // what it asks, if it is a plain test of one attribute
}

// A Test compares an attribute with values.
type Test struct {
	Attribute string
	Operator  string // = <> < <= > >= BETWEEN begins_with
	Values    []item.Value
}

// An Order is one key to sort by.
type Order struct {
	Attribute  string
	Descending bool
}

// Equal returns the value that the attribute of that name must have, and the
// place of the term that says so, or nil.
func (s *Statement) Equal(name string) (item.Value, int) {
	for i, t := range s.Where {
		if t.Test != nil && t.Test.Attribute == name && t.Test.Operator == "=" {
			return t.Test.Values[0], i
		}
	}
	return nil, -1
}

const (
	maxText  = 8192
	maxDepth = 100 // of parentheses and literals
)

func malformed(detail string) error {
	return aws.ValidationException.With(nil, "Statement wasn't well formed, can't be processed: "+detail)
}

// Parse reads text, in which parameters stand for question marks.
func Parse(text string, parameters []item.Value) (*Statement, error) {
	if len(text) > maxText {
		return nil, aws.ValidationException.With(nil, "Statement is longer than the maximum size of 8192 bytes")
	}
	tokens, ok := lexer.CutCommented(text)
	if !ok {
		return nil, malformed("Unexpected token")
	}
	for _, v := range parameters {
		if err := v.Err(); err != nil {
			return nil, aws.ValidationException.With(nil, err.Message)
		}
	}
	p := &parser{tokens: tokens, parameters: parameters, out: &Statement{}}
	p.statement()
	if p.err == nil && p.peek().Kind != lexer.End {
		p.unexpected()
	}
	switch {
	case p.err != nil:
		return nil, p.err
	case p.used != len(parameters):
		return nil, errParameters()
	}
	p.out.Values = item.New(p.values...)
	if len(p.values) == 0 {
		p.out.Values = nil
	}
	return p.out, nil
}

func errParameters() error {
	return aws.ValidationException.With(nil, "Number of parameters in request and statement don't match.")
}

func values(list ...operand) []item.Value {
	out := make([]item.Value, len(list))
	for i, o := range list {
		out[i] = o.value
	}
	return out
}
