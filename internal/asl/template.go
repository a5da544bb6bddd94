package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/asl/jsonpath"
	"github.com/aloft-cloud/aloft/internal/jsonata"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// template is a value of a definition that is computed when its state runs: a
// constant, an expression, or an object or list that has some.
type template struct {
	text     string           // of an expression, as it was written
	path     *jsonpath.Path   // one of these four is set, or it is a constant
	call     *call            // States.Format(...)
	query    *jsonata.Program // {% ... %}
	members  []templateMember
	list     []*template
	constant Value
}

type templateMember struct {
	name  string // without .$
	field string // as written
	value *template
}

// isQuery reports whether s is a JSONata expression, and which.
func isQuery(s string) (string, bool) {
	if len(s) >= 4 && strings.HasPrefix(s, "{%") && strings.HasSuffix(s, "%}") {
		return strings.TrimSpace(s[2 : len(s)-2]), true
	}
	return "", false
}

// evaluation is one run of the expressions of a state.
type evaluation struct {
	state  *State
	env    Env
	input  Value        // what $ is
	result Value        // $states.result, if there is one
	failed *tree.Object // $states.errorOutput, if there is one
	has    bool         // there is a result
	states *tree.Object // $states, made when it is first needed
}

func (s *State) on(env Env, input Value) *evaluation {
	return &evaluation{state: s, env: env, input: input}
}

func (e *evaluation) fail(name, format string, args ...any) *Error {
	return e.state.fail(e.env, name, format, args...)
}

// eval computes t, which is the value of field.
func (e *evaluation) eval(t *template, field string) (Value, *Error) {
	switch {
	case t.path != nil:
		v, err := e.find(t.path)
		if err != nil {
			return nil, e.fail(ErrRuntime, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
				t.text, leaf(field), tree.String(e.root(t.path)))
		}
		return v, nil
	case t.call != nil:
		return e.intrinsic(t, field)
	case t.query != nil:
		return e.query(t, field)
	case t.members != nil:
		o := &tree.Object{}
		for _, m := range t.members {
			v, err := e.eval(m.value, field+"/"+m.field)
			if err != nil {
				return nil, err
			}
			o.Set(m.name, v)
		}
		return o, nil
	case t.list != nil:
		list := make([]Value, len(t.list))
		for i, x := range t.list {
			v, err := e.eval(x, fmt.Sprintf("%s[%d]", field, i))
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	}
	return t.constant, nil
}

// leaf is the last name of a field's place.
func leaf(field string) string { return field[strings.LastIndexByte(field, '/')+1:] }

// root is the document that the path begins at.
func (e *evaluation) root(p *jsonpath.Path) Value {
	switch p.Root() {
	case "":
		return e.input
	case "$":
		return e.context()
	}
	v, _ := e.env.Variables.Get(p.Root())
	return v
}

func (e *evaluation) context() Value {
	if e.env.Context == nil {
		return &tree.Object{}
	}
	return e.env.Context
}

func (e *evaluation) find(p *jsonpath.Path) (Value, error) {
	if name := p.Root(); name != "" && name != "$" {
		if _, found := e.env.Variables.Get(name); !found {
			return nil, fmt.Errorf("No results for path: $['%s']", name)
		}
	}
	return p.Get(e.root(p))
}

func (e *evaluation) intrinsic(t *template, field string) (Value, *Error) {
	v, err := e.invoke(t.call)
	var missing *missingPath
	if errors.As(err, &missing) {
		return nil, e.fail(ErrRuntime, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			missing.path, leaf(field), tree.String(e.root(missing.path)))
	}
	if err != nil {
		return nil, e.fail(ErrIntrinsicFailure, "The function '%s' had the following error: %s", t.text, err)
	}
	return v, nil
}

// query computes a JSONata expression.
func (e *evaluation) query(t *template, field string) (Value, *Error) {
	v, err := t.query.Eval(jsonata.Env{
		Bindings: e.bindings(),
		Now:      e.env.Source.Now,
		Random:   e.env.Source.Float64,
		UUID:     e.env.Source.UUID,
	})
	switch {
	case err != nil && errors.Is(err, jsonata.ErrFunction):
		return nil, e.fail(ErrQueryEvaluationError, "The JSONata expression '%s' specified for the field '%s' returned an unsupported result type.", t.text, field)
	case err != nil && jsonata.Bounded(err): // the service's own limits have no code of the language
		return nil, e.fail(ErrQueryEvaluationError, "The JSONata expression '%s' specified for the field '%s' threw an error during evaluation: %s", t.text, field, jsonata.Message(err))
	case err != nil:
		return nil, e.fail(ErrQueryEvaluationError, "The JSONata expression '%s' specified for the field '%s' threw an error during evaluation. %s", t.text, field, err)
	case v == jsonata.Undefined:
		return nil, e.fail(ErrQueryEvaluationError, "The JSONata expression '%s' specified for the field '%s' returned nothing (undefined).", t.text, field)
	}
	return v, nil
}

// bindings are the variables of JSONata: those of the state machine, and $states.
func (e *evaluation) bindings() func(name string) (Value, bool) {
	return func(name string) (Value, bool) {
		if name != "states" {
			return e.env.Variables.Get(name)
		}
		if e.states == nil {
			e.states = tree.NewObject("input", e.env.Input, "context", e.context())
			if e.has {
				e.states.Set("result", e.result)
			}
			if e.failed != nil {
				e.states.Set("errorOutput", e.failed)
			}
		}
		return e.states, true
	}
}

// typed computes t and insists on a type, by JSONata's name of it.
func (e *evaluation) typed(t *template, field, want string) (Value, *Error) {
	v, err := e.eval(t, field)
	if err != nil || typeName(v) == want {
		return v, err
	}
	if t.query == nil {
		return nil, e.fail(ErrQueryEvaluationError, "The field '%s' has an unexpected type. Expected '%s', but was '%s' for value: %s", field, want, typeName(v), tree.String(v))
	}
	return nil, e.fail(ErrQueryEvaluationError,
		"The JSONata expression '%s' specified for the field '%s' returned an unexpected result type. Expected '%s', but was '%s' for value: %s",
		t.text, field, want, typeName(v), tree.String(v))
}

func typeName(v Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	case []Value:
		return "array"
	}
	return "object"
}

// pathField is a field that holds a path, or null.
type pathField struct {
	*template      // nil when the field is missing
	null      bool // JSON's null: nothing at all
}

// through finds what the field leads to, or v without it. Null leads to {}.
func (e *evaluation) through(f pathField, field string, v Value) (Value, *Error) {
	switch {
	case f.null:
		return &tree.Object{}, nil
	case f.template == nil:
		return v, nil
	case f.path == nil:
		return e.eval(f.template, field)
	}
	e.input = v
	found, err := e.find(f.path)
	if err != nil {
		return nil, e.fail(ErrRuntime, "Invalid path '%s' : %s", f.text, err)
	}
	return found, nil
}
