package vtl

import "strings"

// expr reads an expression.
func (p *parser) expr() expr {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.fail("nested too deep")
		return literal{nil}
	}
	return p.binary(0)
}

// levels are the operators, from those that bind least.
var levels = [][]string{
	{"||", "or"},
	{"&&", "and"},
	{"==", "!=", "eq", "ne"},
	{"<=", ">=", "<", ">", "lt", "le", "gt", "ge"},
	{"+", "-"},
	{"*", "/", "%"},
}

// spelled are the operators that are words.
var spelled = map[string]string{"or": "||", "and": "&&", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

func (p *parser) binary(level int) expr {
	if level == len(levels) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for n := 0; p.err == nil; n++ {
		p.space()
		op := p.operator(levels[level])
		if op == "" {
			return left
		}
		if n > 10*maxDepth {
			p.fail("the expression is too long")
		}
		left = &operation{op, left, p.binary(level + 1)}
	}
	return left
}

// operator reads one of ops, if it is next.
func (p *parser) operator(ops []string) string {
	for _, op := range ops {
		if !p.at(op) {
			continue
		}
		if isNameStart(op[0]) {
			if isNamePart(p.peek(len(op))) {
				continue
			}
			p.i += len(op)
			return spelled[op]
		}
		p.i += len(op)
		return op
	}
	return ""
}

func (p *parser) unary() expr {
	p.space()
	switch {
	case p.peek(0) == '!' && p.peek(1) != '=':
		p.i++
		return &not{p.deeper()}
	case p.at("not") && !isNamePart(p.peek(3)):
		p.i += 3
		return &not{p.deeper()}
	case p.peek(0) == '-' && (p.peek(1) < '0' || p.peek(1) > '9'):
		p.i++
		return &operation{"-", literal{int64(0)}, p.deeper()}
	}
	return p.primary()
}

func (p *parser) deeper() expr {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.fail("nested too deep")
		return literal{nil}
	}
	return p.unary()
}

func (p *parser) primary() expr {
	p.space()
	switch c := p.peek(0); {
	case c == '$':
		if r := p.reference(); r != nil {
			return r
		}
	case c == '(':
		p.i++
		e := p.expr()
		if p.space(); p.peek(0) != ')' {
			p.fail("expected )")
			return e
		}
		p.i++
		return e
	case c == '"' || c == '\'':
		return p.quoted(c)
	case c == '[':
		p.i++
		return p.array()
	case c == '{':
		p.i++
		return p.object()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case isNameStart(c):
		switch name := p.name(); name {
		case "true":
			return literal{true}
		case "false":
			return literal{false}
		case "null":
			return literal{nil}
		default:
			p.fail("unexpected " + name)
			return literal{nil}
		}
	}
	p.fail("expected an expression")
	return literal{nil}
}

func (p *parser) number() expr {
	j := p.i + 1
	digits := func() {
		for j < len(p.s) && '0' <= p.s[j] && p.s[j] <= '9' {
			j++
		}
	}
	digits()
	if j+1 < len(p.s) && p.s[j] == '.' && '0' <= p.s[j+1] && p.s[j+1] <= '9' {
		j++
		digits()
	}
	if j < len(p.s) && (p.s[j] == 'e' || p.s[j] == 'E') {
		k := j
		if j++; j < len(p.s) && (p.s[j] == '+' || p.s[j] == '-') {
			j++
		}
		first := j
		if digits(); j == first {
			j = k
		}
	}
	v := number(p.s[p.i:j])
	p.i = j
	return literal{v}
}

// quoted reads a string. In double quotes it is a template; two quotes stand
// for one.
func (p *parser) quoted(quote byte) expr {
	var b strings.Builder
	for p.i++; p.i < len(p.s); p.i++ {
		c := p.s[p.i]
		if c == quote {
			if p.peek(1) != quote {
				p.i++
				return p.string(b.String(), quote)
			}
			p.i++
		}
		b.WriteByte(c)
	}
	p.fail("a string is not ended")
	return literal{""}
}

func (p *parser) string(s string, quote byte) expr {
	if quote == '\'' || !strings.ContainsAny(s, "$#") {
		return literal{s}
	}
	inner := &parser{s: s, depth: p.depth, macros: p.macros}
	body, end := inner.block("")
	if inner.err != nil || end != "" {
		return literal{s} // such as "#": Velocity takes it as it is
	}
	return &interpolated{body}
}

// array reads [a, b], or [a..b].
func (p *parser) array() expr {
	p.space()
	if p.peek(0) == ']' {
		p.i++
		return &array{}
	}
	first := p.expr()
	if p.space(); p.at("..") {
		p.i += 2
		last := p.expr()
		if p.space(); p.peek(0) != ']' {
			p.fail("expected ]")
			return first
		}
		p.i++
		return &span{first, last}
	}
	a := &array{items: []expr{first}}
	if p.peek(0) == ',' {
		p.i++
		a.items = append(a.items, p.list(']')...)
		return a
	}
	if p.peek(0) != ']' {
		p.fail("expected ]")
		return a
	}
	p.i++
	return a
}

func (p *parser) object() expr {
	o := new(object)
	for p.space(); p.more() && p.peek(0) != '}'; p.space() {
		if len(o.keys) > 0 {
			if p.peek(0) != ',' {
				p.fail("expected ,")
				return o
			}
			p.i++
		}
		key := p.expr()
		if p.space(); p.peek(0) != ':' {
			p.fail("expected :")
			return o
		}
		p.i++
		o.keys, o.values = append(o.keys, key), append(o.values, p.expr())
	}
	if p.peek(0) != '}' {
		p.fail("expected }")
		return o
	}
	p.i++
	return o
}
