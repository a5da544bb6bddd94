package jsonata

import (
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

type undefined struct{}

// Undefined is what an expression gives that finds nothing.
var Undefined tree.Value = undefined{}

// ErrFunction says that an expression gives a function, which is no JSON.
var ErrFunction = errors.New("the result is a function")

// Program is a parsed expression.
type Program struct{ text string }

// Env is what an expression sees, and who answers for time and chance.
type Env struct {
	Input    tree.Value
	Bindings func(name string) (tree.Value, bool) // variables, by name without $
	Now      func() time.Time
	Random   func() float64
	UUID     func() string
}

// Parse reads an expression.
func Parse(text string) (*Program, error) { return &Program{text}, nil }

// Eval computes the expression.
func (p *Program) Eval(env Env) (tree.Value, error) {
	return nil, errors.New("JSONata is not built yet")
}

// Message is what an error of Parse says, without its code.
func Message(err error) string { return err.Error() }

// Check says what of the expression Step Functions does not support.
func (p *Program) Check() []string { return nil }

// Variables are the names of the variables that the expression reads and does not bind.
func (p *Program) Variables() []string { return nil }
