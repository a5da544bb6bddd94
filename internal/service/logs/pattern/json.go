package pattern

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// Wildcard selectors allowed in one selector, and in a whole pattern.
const (
	maxWildcards    = 1
	maxAllWildcards = 3
)

// parseJSON reads a pattern like { $.status >= 500 && $.user.id IS NULL }.
func parseJSON(text string) (func(string) bool, error) {
	l := lexer{s: strings.TrimRight(text, " \t\r\n"), i: 1}
	wildcards := 0
	e, err := parseExpr(&l, 0, func(l *lexer) (expr[any], error) {
		return parseProperty(l, &wildcards)
	})
	if err != nil {
		return nil, err
	}
	if !l.take("}") || !l.done() || wildcards > maxAllWildcards {
		return nil, ErrInvalid
	}
	return func(m string) bool {
		v, ok := decode(m)
		return ok && e(v)
	}, nil
}

// decode reads a message that is one JSON value. Numbers keep their text.
func decode(m string) (any, bool) {
	if t := strings.TrimLeft(m, " \t\r\n"); t == "" || t[0] != '{' && t[0] != '[' {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(m))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, err == io.EOF
}

// parseProperty takes one condition on a property.
func parseProperty(l *lexer, wildcards *int) (expr[any], error) {
	sel, err := l.selector()
	if err != nil {
		return nil, err
	}
	if sel.wildcards > maxWildcards {
		return nil, ErrInvalid
	}
	*wildcards += sel.wildcards
	spaced := l.space()
	switch {
	case spaced && l.keyword("NOT"):
		l.space()
		if !l.keyword("EXISTS") {
			return nil, ErrInvalid
		}
		return func(v any) bool { return !sel.any(v, func(any) bool { return true }) }, nil
	case spaced && l.keyword("IS"):
		want, err := l.constant()
		return func(v any) bool { return sel.any(v, func(node any) bool { return node == want }) }, err
	}
	op, err := l.operator()
	if err != nil {
		return nil, err
	}
	l.space()
	val, err := l.value(op)
	if err != nil {
		return nil, err
	}
	return func(v any) bool { return sel.any(v, func(node any) bool { return val.compareNode(op, node) }) }, nil
}

// constant takes what may follow IS: nil, true or false.
func (l *lexer) constant() (any, error) {
	l.space()
	switch {
	case l.keyword("NULL"):
		return nil, nil
	case l.keyword("TRUE"):
		return true, nil
	case l.keyword("FALSE"):
		return false, nil
	}
	return nil, ErrInvalid
}

// compareNode does op on a node of a JSON value. Only text and numbers can be compared.
func (v *value) compareNode(op string, node any) bool {
	switch node := node.(type) {
	case string:
		// A number in the pattern is compared with text as text.
		return (op == equal || op == notEqual) && v.is(node) == (op == equal)
	case json.Number:
		n, err := strconv.ParseFloat(string(node), 64)
		if err != nil {
			return false
		}
		return v.compare(op, string(node), &n)
	}
	return false
}

// A selector is a path to nodes of a JSON value.
type selector struct {
	steps     []step
	wildcards int
}

// A step goes to a member, an element, or (any) all of them.
type step struct {
	name    string
	index   int
	element bool // index, not name
	any     bool
}

// selector takes a path like $.users[0].name or $.['a.b'].
func (l *lexer) selector() (selector, error) {
	var s selector
	if !l.take("$") {
		return s, ErrInvalid
	}
	for {
		var next step
		switch {
		case l.take(".["), l.take("["):
			var err error
			if next, err = l.bracket(); err != nil {
				return s, err
			}
		case l.take(".*"):
			next.any = true
		case l.take("."):
			next.name = l.run(func(r rune) bool { return isWord(r) || r == '-' })
			if next.name == "" {
				return s, errCharacter("$." + l.run(func(r rune) bool { return !isWord(r) && r != ' ' }))
			}
		default:
			if len(s.steps) == 0 {
				return s, ErrInvalid
			}
			return s, nil
		}
		if next.any {
			s.wildcards++
		}
		s.steps = append(s.steps, next)
	}
}

// bracket takes an index, a wildcard or a quoted name, and the bracket after it.
func (l *lexer) bracket() (step, error) {
	var s step
	switch c := l.peek(); c {
	case '*':
		l.i++
		s.any = true
	case '\'', '"':
		end := strings.IndexByte(l.s[l.i+1:], c)
		if end < 1 {
			return s, ErrInvalid
		}
		s.name = l.s[l.i+1 : l.i+1+end]
		l.i += end + 2
	default:
		n, err := strconv.Atoi(l.run(func(r rune) bool { return r >= '0' && r <= '9' }))
		if err != nil {
			return s, ErrInvalid
		}
		s.index, s.element = n, true
	}
	if !l.take("]") {
		return s, ErrInvalid
	}
	return s, nil
}

// any tells whether ok holds for one of the nodes that s selects in v.
func (s *selector) any(v any, ok func(any) bool) bool { return anyNode(v, s.steps, ok) }

func anyNode(v any, steps []step, ok func(any) bool) bool {
	if len(steps) == 0 {
		return ok(v)
	}
	at, rest := steps[0], steps[1:]
	switch v := v.(type) {
	case map[string]any:
		if at.any {
			for _, member := range v {
				if anyNode(member, rest, ok) {
					return true
				}
			}
			return false
		}
		member, found := v[at.name]
		return found && !at.element && anyNode(member, rest, ok)
	case []any:
		if at.any {
			for _, element := range v {
				if anyNode(element, rest, ok) {
					return true
				}
			}
			return false
		}
		return at.element && at.index < len(v) && anyNode(v[at.index], rest, ok)
	}
	return false
}
