package formula

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A Query is what SEARCH looks for: {AWS/Lambda,FunctionName} MetricName="Errors".
type Query struct {
	Namespace  string   // of the schema, "" if there is none
	Dimensions []string // of the schema, in order of their names
	schema     bool
	root       term
}

// A Candidate is a metric that a query may match.
type Candidate struct {
	Namespace, Name string
	Dimensions      [][2]string // names and values, in order of their names
}

// A term is a part of a query: it says of a metric whether it matches.
type term func(c *Candidate) bool

// ParseQuery reads a search expression.
func ParseQuery(text string) (*Query, error) {
	p := &queryParser{rest: text}
	q := &Query{}
	p.space()
	if schema, ok := strings.CutPrefix(p.rest, "{"); ok {
		inside, rest, closed := strings.Cut(schema, "}")
		if !closed {
			return nil, fmt.Errorf("SEARCH: missing }")
		}
		for i, part := range strings.Split(inside, ",") {
			part = strings.Trim(strings.TrimSpace(part), `"`)
			if i == 0 {
				q.Namespace = part
			} else if part != "" {
				q.Dimensions = append(q.Dimensions, part)
			}
		}
		slices.Sort(q.Dimensions)
		q.schema, p.rest = true, rest
	}
	q.root = p.or()
	if p.err == nil && p.rest != "" {
		p.err = fmt.Errorf("SEARCH: unexpected %q", p.rest)
	}
	return q, p.err
}

// Match says whether a metric is looked for.
func (q *Query) Match(c *Candidate) bool {
	if q.schema {
		if c.Namespace != q.Namespace || len(c.Dimensions) != len(q.Dimensions) {
			return false
		}
		for i, name := range q.Dimensions {
			if c.Dimensions[i][0] != name {
				return false
			}
		}
	}
	return q.root(c)
}

type queryParser struct {
	rest  string
	depth int
	err   error
}

func (p *queryParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// word takes a word that stands alone.
func (p *queryParser) word(w string) bool {
	p.space()
	if len(p.rest) < len(w) || !strings.EqualFold(p.rest[:len(w)], w) || len(p.rest) > len(w) && !strings.ContainsRune(" \t\r\n(", rune(p.rest[len(w)])) {
		return false
	}
	p.rest = p.rest[len(w):]
	return true
}

func (p *queryParser) or() term {
	t := p.and()
	for p.err == nil && p.word("OR") {
		left, right := t, p.and()
		t = func(c *Candidate) bool { return left(c) || right(c) }
	}
	return t
}

// and reads terms that all must match; AND between them may be left out.
func (p *queryParser) and() term {
	t := term(func(*Candidate) bool { return true })
	for p.err == nil {
		p.space()
		if p.rest == "" || p.rest[0] == ')' {
			break
		}
		save := p.rest
		if p.word("OR") {
			p.rest = save
			break
		}
		p.word("AND")
		left, right := t, p.not()
		t = func(c *Candidate) bool { return left(c) && right(c) }
	}
	return t
}

func (p *queryParser) not() term {
	if p.depth++; p.depth > maxDepth {
		p.err = fmt.Errorf("SEARCH: nested too deep")
	}
	defer func() { p.depth-- }()
	p.space()
	if p.err != nil {
		return func(*Candidate) bool { return false }
	}
	if p.word("NOT") {
		t := p.not()
		return func(c *Candidate) bool { return !t(c) }
	}
	if rest, ok := strings.CutPrefix(p.rest, "("); ok {
		p.rest = rest
		t := p.or()
		p.space()
		if rest, ok = strings.CutPrefix(p.rest, ")"); !ok && p.err == nil {
			p.err = fmt.Errorf("SEARCH: missing )")
		}
		p.rest = rest
		return t
	}
	return p.match()
}

// match reads a word, a "phrase", or either after a property: Name="x".
func (p *queryParser) match() term {
	text, exact := p.text()
	if p.err != nil {
		return func(*Candidate) bool { return false }
	}
	p.space()
	property := ""
	if rest, ok := strings.CutPrefix(p.rest, "="); ok {
		p.rest = rest
		p.space()
		property = text
		if rest, ok := strings.CutPrefix(p.rest, "("); ok {
			p.rest = rest
			return p.values(property)
		}
		text, exact = p.text()
	}
	return func(c *Candidate) bool { return c.has(property, text, exact) }
}

// values reads the alternatives of a property: Name=("a" OR "b").
func (p *queryParser) values(property string) term {
	t := term(func(*Candidate) bool { return false })
	for p.err == nil {
		text, exact := p.text()
		left := t
		t = func(c *Candidate) bool { return left(c) || c.has(property, text, exact) }
		if !p.word("OR") {
			break
		}
		p.space()
	}
	p.space()
	rest, ok := strings.CutPrefix(p.rest, ")")
	if !ok && p.err == nil {
		p.err = fmt.Errorf("SEARCH: missing )")
	}
	p.rest = rest
	return t
}

func (p *queryParser) text() (text string, exact bool) {
	if rest, ok := strings.CutPrefix(p.rest, `"`); ok {
		text, p.rest, ok = strings.Cut(rest, `"`)
		if !ok {
			p.err = fmt.Errorf(`SEARCH: missing "`)
		}
		return text, true
	}
	n := strings.IndexAny(p.rest, " \t\r\n()=\"")
	if n < 0 {
		n = len(p.rest)
	}
	if n == 0 {
		p.err = fmt.Errorf("SEARCH: malformed at %q", p.rest)
	}
	text, p.rest = p.rest[:n], p.rest[n:]
	return text, false
}

// has says whether a property of c, or any if it is "", is text, or has its words.
func (c *Candidate) has(property, text string, exact bool) bool {
	is := func(value string) bool {
		if exact {
			return value == text
		}
		have := words(value)
		for _, w := range words(text) {
			if !slices.Contains(have, w) {
				return false
			}
		}
		return true
	}
	switch property {
	case "Namespace":
		return is(c.Namespace)
	case "MetricName":
		return is(c.Name)
	}
	if property == "" && (is(c.Namespace) || is(c.Name)) {
		return true
	}
	for _, d := range c.Dimensions {
		if property == "" && (is(d[0]) || is(d[1])) || property == d[0] && is(d[1]) {
			return true
		}
	}
	return false
}

// words are what a name is made of, in small letters: at signs, at digits, and
// where a small letter is followed by a capital; and the name itself.
func words(s string) []string {
	out := []string{strings.ToLower(s)}
	begin, last := 0, rune(0)
	cut := func(i int) {
		if i > begin {
			out = append(out, strings.ToLower(s[begin:i]))
		}
		begin = i
	}
	for i, r := range s {
		letter, digit := unicode.IsLetter(r), unicode.IsDigit(r)
		switch {
		case !letter && !digit:
			cut(i)
			begin = i + len(string(r))
		case unicode.IsUpper(r) && unicode.IsLower(last), digit != unicode.IsDigit(last) && last != 0:
			cut(i)
		}
		last = r
	}
	cut(len(s))
	return out
}
