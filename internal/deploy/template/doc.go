// Package template understands CloudFormation templates: it parses them, says
// what is wrong with them in CloudFormation's words, binds parameters, works
// out conditions, orders resources and computes functions such as Fn::Sub. It
// makes nothing, and knows no service.
//
// A template is a tree of plain values: map[string]any, []any, string,
// Number, bool and nil. Text becomes a tree (Parse), macros turn trees into
// trees (package sam, Expand), Load checks a tree and makes a Template of it,
// Bind gives the Template its parameters, and Resolve computes its values once
// what they refer to is known. Where it is not known yet the value is Unknown,
// so that a plan can be made before anything is.
package template

import (
	"encoding/json"
	"fmt"
)

// A Number is a number as the template spells it: 1.0 stays "1.0" where it
// becomes part of a string.
type Number = json.Number

// Unknown is a value that depends on a resource that is yet to be made.
// What is computed from it is Unknown too.
type Unknown struct{}

// MarshalJSON writes what CloudFormation shows for such values in change sets.
func (Unknown) MarshalJSON() ([]byte, error) {
	return []byte(`"` + KnownAfterApply + `"`), nil
}

// KnownAfterApply stands for an Unknown in what is shown to people.
const KnownAfterApply = "{{changeSet:KNOWN_AFTER_APPLY}}"

// An Error says what is wrong with a template or its parameters, in the words
// of CloudFormation.
type Error struct {
	Message string
	Path    []string // where: "Resources", "Table", "Properties"; nil if it is about no one place
}

func (e *Error) Error() string { return e.Message }

func errorf(format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}

func errorAt(path []string, format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), Path: path}
}
