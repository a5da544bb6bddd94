package asl

import (
	"fmt"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/asl/jsonpath"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// rule is one of the Choices.
type rule struct {
	test comparison
	next string
	flow flow // its own Assign and Output
}

// comparison is a condition: And, Or, Not of others, an operator on a variable,
// or a Condition of JSONata.
type comparison struct {
	operator  string // And, Or, Not, Condition, StringEquals ...
	parts     []comparison
	variable  *jsonpath.Path
	value     Value          // what the variable is compared with
	path      *jsonpath.Path // or where that is, when the operator ends with Path
	condition *template
}

// Choose leaves a Choice by the rule that matches.
func (s *State) Choose(env Env) (Exit, *Error) {
	in := env.Input
	if s.QueryLanguage == JSONPath {
		var err *Error
		if in, err = s.input(env); err != nil {
			return Exit{}, err
		}
		env.Inspect.set("afterInputPath", in)
	}
	e := s.on(env, in)
	for i, r := range s.flow.choices {
		at := fmt.Sprintf("Choices[%d]/", i)
		ok, err := e.holds(r.test, at)
		if err != nil {
			return Exit{}, err
		}
		if ok {
			return e.leaveChoice(r.flow, at, r.next)
		}
	}
	if s.flow.other == "" {
		return Exit{}, e.fail(ErrNoChoiceMatched, "Failed to transition out of the state. The state does not point to a next state.")
	}
	return e.leaveChoice(s.flow, "", s.flow.other)
}

func (e *evaluation) leaveChoice(f flow, at, next string) (Exit, *Error) {
	if e.state.QueryLanguage == JSONata {
		return e.leave(f, at, next, e.env.Input)
	}
	variables, assigned, err := e.assign(f.assign, at+"Assign")
	if err != nil {
		return Exit{}, err
	}
	out, err := e.through(e.state.flow.outputPath, "OutputPath", e.input)
	return Exit{Next: next, Output: out, Variables: variables, Assigned: assigned}, err
}

func (e *evaluation) holds(c comparison, at string) (bool, *Error) {
	switch c.operator {
	case "And", "Or":
		for _, p := range c.parts {
			ok, err := e.holds(p, at)
			if err != nil || ok == (c.operator == "Or") {
				return ok, err
			}
		}
		return c.operator == "And", nil
	case "Not":
		ok, err := e.holds(c.parts[0], at)
		return !ok, err
	case "Condition":
		v, err := e.typed(c.condition, at+"Condition", "boolean")
		if err != nil {
			return false, err
		}
		return v.(bool), nil
	}
	v, err := e.find(c.variable)
	if c.operator == "IsPresent" {
		return (err == nil) == c.value.(bool), nil
	}
	if err != nil {
		return false, e.fail(ErrRuntime, "Invalid path '%s': The choice state's condition path references an invalid value.", c.variable)
	}
	want, operator := c.value, c.operator
	if c.path != nil {
		operator = strings.TrimSuffix(operator, "Path")
		if want, err = e.find(c.path); err != nil {
			return false, e.fail(ErrRuntime, "Invalid path '%s': The choice state's condition path references an invalid value.", c.path)
		}
	}
	return comparators[operator](v, want), nil
}

// comparators are the operators, without those of IsPresent, And, Or and Not.
var comparators = map[string]func(v, want Value) bool{
	"IsNull":      func(v, want Value) bool { return (v == nil) == want },
	"IsNumeric":   func(v, want Value) bool { return (typeName(v) == "number") == want },
	"IsString":    func(v, want Value) bool { return (typeName(v) == "string") == want },
	"IsBoolean":   func(v, want Value) bool { return (typeName(v) == "boolean") == want },
	"IsTimestamp": isTimestamp,

	"BooleanEquals": func(v, want Value) bool {
		b, ok := v.(bool)
		return ok && b == want
	},
	"StringMatches": func(v, want Value) bool {
		s, ok := v.(string)
		pattern, ok2 := want.(string)
		return ok && ok2 && matches(pattern, s)
	},
}

func isTimestamp(v, want Value) bool {
	s, ok := v.(string)
	if ok {
		_, ok = parseTimestamp(s)
	}
	return ok == want
}

func init() {
	for suffix, holds := range map[string]func(c int) bool{
		"Equals":            func(c int) bool { return c == 0 },
		"LessThan":          func(c int) bool { return c < 0 },
		"GreaterThan":       func(c int) bool { return c > 0 },
		"LessThanEquals":    func(c int) bool { return c <= 0 },
		"GreaterThanEquals": func(c int) bool { return c >= 0 },
	} {
		comparators["String"+suffix] = func(v, want Value) bool {
			a, ok := v.(string)
			b, ok2 := want.(string)
			return ok && ok2 && holds(strings.Compare(a, b))
		}
		comparators["Numeric"+suffix] = func(v, want Value) bool {
			a, ok := v.(number)
			b, ok2 := want.(number)
			return ok && ok2 && holds(tree.Compare(a, b))
		}
		comparators["Timestamp"+suffix] = func(v, want Value) bool {
			a, ok := asTime(v)
			b, ok2 := asTime(want)
			return ok && ok2 && holds(a.Compare(b))
		}
	}
}

func asTime(v Value) (at time.Time, ok bool) {
	s, ok := v.(string)
	if !ok {
		return at, false
	}
	return parseTimestamp(s)
}

// matches reports whether s is what pattern says, in which * is anything and \
// takes the meaning from * and \.
func matches(pattern, s string) bool {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*':
			parts = append(parts, b.String())
			b.Reset()
		case c == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '\\'):
			i++
			b.WriteByte(pattern[i])
		default:
			b.WriteByte(c)
		}
	}
	last := b.String()
	if parts == nil {
		return s == last
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1:] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, last)
}
