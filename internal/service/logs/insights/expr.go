package insights

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A value is a string, a float64, a bool or nil.
type value any

// An expr is an expression: what it comes to for a record, and of a group of
// records if it has functions of such.
type expr interface {
	eval(r *Record) value
	// groups appends the functions of groups that it has.
	groups(all []*groupCall) []*groupCall
}

type constant struct{ v value }

func (c constant) eval(*Record) value                   { return c.v }
func (c constant) groups(all []*groupCall) []*groupCall { return all }

type field string

func (f field) eval(r *Record) value                 { return r.Get(string(f)) }
func (f field) groups(all []*groupCall) []*groupCall { return all }

// A call is a function or operator and its arguments.
type call struct {
	args []expr
	do   func(r *Record, args []value) value
}

func (c *call) eval(r *Record) value {
	args := make([]value, len(c.args))
	for i, a := range c.args {
		args[i] = a.eval(r)
	}
	return c.do(r, args)
}

func (c *call) groups(all []*groupCall) []*groupCall {
	for _, a := range c.args {
		all = a.groups(all)
	}
	return all
}

func operator(do func(a, b value) value, args ...expr) expr {
	return &call{args, func(_ *Record, v []value) value { return do(v[0], v[1]) }}
}

// number returns v as a number, if it is one or reads as one.
func number(v value) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return n, err == nil
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// text returns v as results have it.
func text(v value) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return ""
}

func truth(v value) bool {
	n, ok := number(v)
	return ok && n != 0
}

// compare orders values: as numbers if both are, else as texts.
func compare(a, b value) int {
	x, isX := number(a)
	y, isY := number(b)
	if isX && isY {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return strings.Compare(text(a), text(b))
}

func comparison(holds func(int) bool) func(a, b value) value {
	return func(a, b value) value {
		if a == nil || b == nil {
			return false
		}
		return holds(compare(a, b))
	}
}

var comparisons = map[string]func(a, b value) value{
	"=": comparison(func(c int) bool { return c == 0 }),
	"<": comparison(func(c int) bool { return c < 0 }), "<=": comparison(func(c int) bool { return c <= 0 }),
	">": comparison(func(c int) bool { return c > 0 }), ">=": comparison(func(c int) bool { return c >= 0 }),
	"!=": func(a, b value) value { return a == nil || b == nil || compare(a, b) != 0 },
}

func arithmetic(f func(a, b float64) float64) func(a, b value) value {
	return func(a, b value) value {
		x, isX := number(a)
		y, isY := number(b)
		if z := f(x, y); isX && isY && !math.IsNaN(z) && !math.IsInf(z, 0) {
			return z
		}
		return nil
	}
}

var operators = map[string]func(a, b value) value{
	"+": arithmetic(func(a, b float64) float64 { return a + b }), "-": arithmetic(func(a, b float64) float64 { return a - b }),
	"*": arithmetic(func(a, b float64) float64 { return a * b }), "/": arithmetic(func(a, b float64) float64 { return a / b }),
	"%": arithmetic(math.Mod), "^": arithmetic(math.Pow),
}

func (p *parser) or() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("nested too deep")
	}
	defer func() { p.depth-- }()
	left, err := p.and()
	for err == nil && p.take("or") {
		var right expr
		right, err = p.and()
		left = operator(func(a, b value) value { return truth(a) || truth(b) }, left, right)
	}
	return left, err
}

func (p *parser) and() (expr, error) {
	left, err := p.not()
	for err == nil && p.take("and") {
		var right expr
		right, err = p.not()
		left = operator(func(a, b value) value { return truth(a) && truth(b) }, left, right)
	}
	return left, err
}

func (p *parser) not() (expr, error) {
	n := 0
	for p.take("not") {
		n++
	}
	e, err := p.comparison()
	if n%2 == 1 {
		e = negated(e)
	}
	return e, err
}

func negated(e expr) expr {
	return &call{[]expr{e}, func(_ *Record, v []value) value { return !truth(v[0]) }}
}

func (p *parser) comparison() (expr, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	t := p.peek()
	if f := comparisons[t.text]; f != nil && t.kind == signToken {
		p.next()
		right, err := p.sum()
		return operator(f, left, right), err
	}
	save := p.at
	negative := p.take("not")
	var e expr
	switch {
	case p.take("like"):
		e, err = p.like(left)
	case p.is("=~"):
		p.next()
		e, err = p.like(left)
	case p.take("in"):
		e, err = p.in(left)
	default:
		p.at = save
		return left, nil
	}
	if negative {
		e = negated(e)
	}
	return e, err
}

// like reads what a text is to be like: a part of it, or a regular expression.
func (p *parser) like(left expr) (expr, error) {
	t := p.next()
	switch t.kind {
	case stringToken:
		part := t.text
		return &call{[]expr{left}, func(_ *Record, v []value) value { return v[0] != nil && strings.Contains(text(v[0]), part) }}, nil
	case regexToken:
		re, err := regexp.Compile(t.text)
		if err != nil {
			return nil, fmt.Errorf("malformed regular expression %q", t.text)
		}
		return &call{[]expr{left}, func(_ *Record, v []value) value { return v[0] != nil && re.MatchString(text(v[0])) }}, nil
	}
	p.at--
	return nil, p.unexpected()
}

func (p *parser) in(left expr) (expr, error) {
	if err := p.expect("["); err != nil {
		return nil, err
	}
	list := []expr{left}
	for {
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
		if !p.is(",") {
			break
		}
		p.next()
	}
	return &call{list, func(_ *Record, v []value) value {
		return v[0] != nil && slices.ContainsFunc(v[1:], func(w value) bool { return w != nil && compare(v[0], w) == 0 })
	}}, p.expect("]")
}

func (p *parser) sum() (expr, error) {
	return p.joined([]string{"+", "-"}, func() (expr, error) {
		return p.joined([]string{"*", "/", "%"}, func() (expr, error) { return p.joined([]string{"^"}, p.unary) })
	})
}

func (p *parser) joined(signs []string, next func() (expr, error)) (expr, error) {
	left, err := next()
	for err == nil && p.peek().kind == signToken && slices.Contains(signs, p.peek().text) {
		sign := p.next().text
		var right expr
		right, err = next()
		left = operator(operators[sign], left, right)
	}
	return left, err
}

func (p *parser) unary() (expr, error) {
	if p.is("-") {
		p.next()
		e, err := p.primary()
		return operator(operators["-"], constant{0.0}, e), err
	}
	return p.primary()
}

func (p *parser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case stringToken:
		return constant{t.text}, nil
	case numberToken:
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			p.at--
			return nil, p.unexpected()
		}
		return constant{n}, nil
	case fieldToken:
		return field(t.text), nil
	case wordToken:
		if p.is("(") {
			p.next()
			return p.function(t)
		}
		if strings.EqualFold(t.text, "null") {
			return constant{nil}, nil
		}
		return field(t.text), nil
	case signToken:
		if t.text == "(" {
			e, err := p.or()
			if err != nil {
				return nil, err
			}
			return e, p.expect(")")
		}
	}
	p.at--
	return nil, p.unexpected()
}

// function reads the arguments of a function.
func (p *parser) function(name token) (expr, error) {
	var args []expr
	for !p.is(")") {
		if p.is("*") { // count(*)
			p.next()
			continue
		}
		if t := p.peek(); t.kind == wordToken && isDigit(t.text[0]) { // 5m
			p.next()
			args = append(args, constant{t.text})
		} else {
			e, err := p.or()
			if err != nil {
				return nil, err
			}
			args = append(args, e)
		}
		if !p.is(",") {
			break
		}
		p.next()
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	lower := strings.ToLower(name.text)
	if g, ok := groupFunctions[lower]; ok {
		if len(args) > g.most || len(args) < g.least {
			return nil, fmt.Errorf("wrong number of arguments for %s", name.text)
		}
		return &groupCall{name: lower, args: args}, nil
	}
	f, ok := functions[lower]
	if !ok {
		return nil, fmt.Errorf("unknown function %s at offset %d", name.text, name.at)
	}
	if len(args) < f.least || len(args) > f.most {
		return nil, fmt.Errorf("wrong number of arguments for %s", name.text)
	}
	return &call{args, f.do}, nil
}
