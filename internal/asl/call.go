package asl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/asl/jsonpath"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// maxCallDepth is how deep intrinsic functions nest, as AWS documents it.
const maxCallDepth = 10

// call is an invocation of an intrinsic function.
type call struct {
	name string
	args []callArg
}

// callArg is a path, another call, or a constant.
type callArg struct {
	path     *jsonpath.Path
	call     *call
	constant Value
}

// missingPath says that an argument leads nowhere.
type missingPath struct{ path *jsonpath.Path }

func (m *missingPath) Error() string { return "no results for path " + m.path.String() }

// parseCall reads States.Name(arguments).
func parseCall(text string) (*call, error) {
	p := callParser{s: text}
	c, err := p.call(1)
	if err == nil && p.i < len(p.s) {
		err = errors.New("trailing text")
	}
	return c, err
}

type callParser struct {
	s string
	i int
}

func (p *callParser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\n\r", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *callParser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *callParser) call(depth int) (*call, error) {
	if depth > maxCallDepth {
		return nil, errors.New("nested too deep")
	}
	open := strings.IndexByte(p.s[p.i:], '(')
	if open < 0 {
		return nil, errors.New("no arguments")
	}
	c := &call{name: p.s[p.i : p.i+open]}
	arity, known := arities[c.name]
	if !known {
		return nil, fmt.Errorf("unknown function %s", c.name)
	}
	p.i += open + 1
	p.space()
	for p.peek() != ')' {
		if len(c.args) > 0 {
			if p.peek() != ',' {
				return nil, errors.New("expected a comma")
			}
			p.i++
			p.space()
		}
		a, err := p.arg(depth)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
		p.space()
	}
	p.i++
	p.space()
	if n := len(c.args); n < arity.min || n > arity.max {
		return nil, fmt.Errorf("%s takes %d to %d arguments", c.name, arity.min, arity.max)
	}
	return c, nil
}

func (p *callParser) arg(depth int) (callArg, error) {
	rest := p.s[p.i:]
	switch {
	case rest == "":
		return callArg{}, errors.New("unexpected end")
	case rest[0] == '\'':
		s, err := p.quoted()
		return callArg{constant: s}, err
	case rest[0] == '$':
		end := pathEnd(rest)
		path, err := jsonpath.Parse(strings.TrimSpace(rest[:end]))
		p.i += end
		return callArg{path: path}, err
	case strings.HasPrefix(rest, "States."):
		c, err := p.call(depth + 1)
		return callArg{call: c}, err
	}
	end := strings.IndexAny(rest, ",) \t\n\r")
	if end < 0 {
		end = len(rest)
	}
	v, err := tree.ParseString(rest[:end])
	p.i += end
	if _, isString := v.(string); isString {
		err = errors.New("strings have single quotes")
	}
	return callArg{constant: v}, err
}

// pathEnd is where a path among arguments ends: at a comma or parenthesis that
// is not inside brackets, parentheses or quotes.
func pathEnd(s string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case depth > 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '[' || c == '(':
			depth++
		case (c == ']' || c == ')') && depth > 0:
			depth--
		case depth == 0 && (c == ',' || c == ')'):
			return i
		}
	}
	return len(s)
}

// quoted reads a string in single quotes. A backslash stands before a quote, a
// brace or a backslash only; braces stay escaped, for States.Format to see.
func (p *callParser) quoted() (string, error) {
	var b strings.Builder
	for p.i++; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; c {
		case '\'':
			p.i++
			return b.String(), nil
		case '\\':
			p.i++
			switch c := p.peek(); c {
			case '\'', '\\':
				b.WriteByte(c)
			case '{', '}':
				b.WriteByte('\\')
				b.WriteByte(c)
			default:
				return "", errors.New("unknown escape")
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("string is not closed")
}

// invoke computes a call, arguments first.
func (e *evaluation) invoke(c *call) (Value, error) {
	args := make([]Value, len(c.args))
	for i, a := range c.args {
		var err error
		switch {
		case a.path != nil:
			if args[i], err = e.find(a.path); err != nil {
				return nil, &missingPath{a.path}
			}
		case a.call != nil:
			if args[i], err = e.invoke(a.call); err != nil {
				return nil, err
			}
		default:
			args[i] = a.constant
			if s, ok := a.constant.(string); ok && c.name != "States.Format" {
				args[i] = unescapeBraces(s)
			}
		}
	}
	return functions[c.name](e, args)
}

func unescapeBraces(s string) string {
	return strings.NewReplacer(`\{`, "{", `\}`, "}").Replace(s)
}

func intNumber(n int64) Value { return number(strconv.FormatInt(n, 10)) }
