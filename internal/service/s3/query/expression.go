package query

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/lexer"
)

// literals are words that are values.
var literals = []string{"TRUE", "FALSE", "NULL", "MISSING"}

func constant(v Value) expression { return func(*scope) (Value, error) { return v, nil } }

// expression reads what OR joins, and so all there is.
func (p *parser) expression() expression {
	if !p.deeper() {
		return constant(nil)
	}
	defer func() { p.depth-- }()
	left := p.conjunction()
	for p.take("OR") {
		p.operator()
		left = either(left, p.conjunction(), true)
	}
	return left
}

func (p *parser) conjunction() expression {
	left := p.negation()
	for p.take("AND") {
		p.operator()
		left = either(left, p.negation(), false)
	}
	return left
}

// either joins conditions: it is end if one of them is, and else not, unless one
// is unknown.
func either(a, b expression, end bool) expression {
	return func(in *scope) (Value, error) {
		x, err := a(in)
		if err != nil || x == end {
			return x, err
		}
		y, err := b(in)
		switch {
		case err != nil || y == end:
			return y, err
		case x == !end && y == !end:
			return !end, nil
		}
		return nil, nil
	}
}

func (p *parser) negation() expression {
	n := 0
	for p.take("NOT") {
		p.operator()
		n++
	}
	return not(p.condition(), n%2 == 1)
}

// not returns the opposite of a condition, if it is to.
func not(a expression, negate bool) expression {
	if !negate {
		return a
	}
	return func(in *scope) (Value, error) {
		v, err := a(in)
		if b, ok := v.(bool); ok && err == nil {
			return !b, nil
		}
		return nil, err
	}
}

// condition reads a comparison, or what is compared.
func (p *parser) condition() expression {
	left := p.concatenation()
	for p.err == nil {
		t := p.peek()
		negate := t.Is("NOT")
		if negate {
			p.next()
			t = p.peek()
		}
		switch {
		case !negate && t.Kind == lexer.Sign && slices.Contains([]string{"=", "<>", "!=", "<", "<=", ">", ">="}, t.Text):
			p.next()
			left = comparison(t.Text, left, p.concatenation())
		case !negate && p.take("IS"):
			left = p.is(left)
		case p.take("BETWEEN"):
			low := p.concatenation()
			p.need("AND", "ParseExpectedKeyword", wordsKeyword)
			high := p.concatenation()
			left = not(either(comparison(">=", left, low), comparison("<=", left, high), false), negate)
		case p.take("IN"):
			left = not(p.in(left), negate)
		case p.take("LIKE"):
			left = not(p.like(left), negate)
		case negate:
			p.fail("ParseUnexpectedToken", wordsToken)
		default:
			return left
		}
		p.operator()
	}
	return left
}

// comparison compares two values. What cannot be compared is different, and
// neither more nor less.
func comparison(sign string, a, b expression) expression {
	return binary(a, b, func(x, y Value) (Value, error) {
		if absent(x) || absent(y) {
			return nil, nil
		}
		if sign == "=" {
			return equal(x, y), nil
		}
		if sign == "<>" || sign == "!=" {
			return !equal(x, y), nil
		}
		order, ok := compare(x, y)
		switch {
		case !ok:
			return nil, nil
		case order == 0:
			return len(sign) == 2, nil
		}
		return (order < 0) == (sign[0] == '<'), nil
	})
}

func binary(a, b expression, f func(x, y Value) (Value, error)) expression {
	return func(in *scope) (Value, error) {
		x, err := a(in)
		if err != nil {
			return nil, err
		}
		y, err := b(in)
		if err != nil {
			return nil, err
		}
		return f(x, y)
	}
}

func (p *parser) is(left expression) expression {
	negate := p.take("NOT")
	null := p.take("NULL")
	if !null && !p.take("MISSING") {
		p.fail("ParseExpectedTokenType", "The expected token in the SQL expression was not found.")
	}
	return func(in *scope) (Value, error) {
		v, err := left(in)
		_, is := v.(Missing)
		return (is || null && v == nil) != negate, err
	}
}

func (p *parser) in(left expression) expression {
	p.need("(", "ParseExpectedLeftParenValueConstructor", wordsLeft)
	list := p.list()
	return func(in *scope) (Value, error) {
		v, err := left(in)
		if err != nil || absent(v) {
			return nil, err
		}
		for _, e := range list {
			w, err := e(in)
			if err != nil {
				return nil, err
			}
			if equal(v, w) {
				return true, nil
			}
		}
		return false, nil
	}
}

// list reads expressions up to the closing parenthesis.
func (p *parser) list() []expression {
	var list []expression
	if p.take(")") {
		return nil
	}
	for {
		list = append(list, p.expression())
		if !p.take(",") {
			break
		}
	}
	p.need(")", "ParseExpectedRightParenBuiltinFunctionCall", wordsRight)
	return list
}

func (p *parser) like(left expression) expression {
	const most = 4096 // characters of a pattern
	pattern, escape := p.concatenation(), constant("")
	if p.take("ESCAPE") {
		escape = p.concatenation()
	}
	invalid := Fault("LikeInvalidInputs", "The argument given to the LIKE clause in the SQL expression is not valid.")
	var had string // the pattern of the row before, which is that of most
	var l like
	return func(in *scope) (Value, error) {
		v, err := left(in)
		if err != nil || absent(v) {
			return nil, err
		}
		pv, err := pattern(in)
		if err != nil || absent(pv) {
			return nil, err
		}
		ev, err := escape(in)
		if err != nil || absent(ev) {
			return nil, err
		}
		text, ok1 := textOf(v)
		pt, ok2 := textOf(pv)
		et, ok3 := textOf(ev)
		if !ok1 || !ok2 || !ok3 || utf8.RuneCountInString(et) > 1 || len(pt) > most {
			return nil, invalid
		}
		if l == nil || had != et+pt {
			c, _ := utf8.DecodeRuneInString(et)
			if et == "" {
				c = 0
			}
			var ok bool
			if l, ok = parseLike(pt, c); !ok {
				return nil, Fault("EvaluatorLikePatternInvalidEscapeSequence", "An argument given to the LIKE expression was not valid.")
			}
			had = et + pt
		}
		return l.matches(text), nil
	}
}

func (p *parser) concatenation() expression {
	left := p.sum()
	for p.take("||") {
		p.operator()
		left = binary(left, p.sum(), func(x, y Value) (Value, error) {
			if absent(x) || absent(y) {
				return nil, nil
			}
			s, ok1 := textOf(x)
			t, ok2 := textOf(y)
			if !ok1 || !ok2 {
				return nil, Fault("IncorrectSqlFunctionArgumentType", wordsArgument)
			}
			return joined(s, t)
		})
	}
	return left
}

// joined refuses texts that grow beyond what a record may be.
func joined(s, t string) (Value, error) {
	if len(s)+len(t) > MaxRecord {
		return nil, ErrTooLong()
	}
	return s + t, nil
}

func (p *parser) sum() expression { return p.chain([]string{"+", "-"}, p.product) }

func (p *parser) product() expression { return p.chain([]string{"*", "/", "%"}, p.unary) }

// chain reads operands with signs between them, from left to right.
func (p *parser) chain(signs []string, operand func() expression) expression {
	left := operand()
	for t := p.peek(); t.Kind == lexer.Sign && slices.Contains(signs, t.Text); t = p.peek() {
		p.next()
		p.operator()
		left = binary(left, operand(), func(x, y Value) (Value, error) { return arithmetic(t.Text, x, y) })
	}
	return left
}

func (p *parser) unary() expression {
	negative := false
	for t := p.peek(); t.Is("-") || t.Is("+"); t = p.peek() {
		p.next()
		p.operator()
		negative = negative != t.Is("-")
	}
	if !negative {
		return p.primary()
	}
	if t := p.peek(); t.Kind == lexer.Number { // the least integer has no positive
		p.next()
		return p.number("-" + t.Text)
	}
	return binary(constant(int64(0)), p.primary(), func(x, y Value) (Value, error) { return arithmetic("-", x, y) })
}

func (p *parser) number(text string) expression {
	n, ok := parseNumber(text)
	if !ok {
		p.fail("LexerInvalidLiteral", wordsLiteral)
	}
	return constant(n.value())
}

func (p *parser) primary() expression {
	t := p.peek()
	switch {
	case t.Kind == lexer.Number:
		p.next()
		return p.number(t.Text)
	case t.Kind == lexer.String:
		p.next()
		return constant(t.Text)
	case t.Kind == lexer.Ion:
		p.next()
		return p.ion(t.Text)
	case p.take("("):
		e := p.expression()
		p.need(")", "ParseExpectedRightParenBuiltinFunctionCall", wordsRight)
		return e
	case t.Is("CASE"):
		p.next()
		return p.cases()
	case t.Kind == lexer.Word && slices.Contains(literals, strings.ToUpper(t.Text)):
		p.next()
		return constant([]Value{true, false, nil, Missing{}}[slices.Index(literals, strings.ToUpper(t.Text))])
	case t.Kind == lexer.Word && p.tokens[p.at+1].Is("("):
		p.at += 2
		return p.call(strings.ToUpper(t.Text))
	case p.isName():
		return p.reference()
	case t.Is("SELECT"):
		p.fail("ParseUnsupportedSelect", "The SQL expression contains an unsupported use of SELECT.")
	case t.Kind == lexer.Word:
		p.fail("ParseUnExpectedKeyword", "The SQL expression contains an unexpected keyword.")
	case t.Kind == lexer.Sign && !t.Is(")") && !t.Is(","):
		p.fail("ParseUnexpectedOperator", "The SQL expression contains an unexpected operator.")
	default:
		p.fail("ParseExpectedExpression", wordsExpression)
	}
	return constant(nil)
}

// ion reads a literal of Ion, of those that SQL has no other way to write.
func (p *parser) ion(text string) expression {
	if t, ok := parseTimestamp(text); ok {
		return constant(t)
	}
	if n, ok := parseNumber(text); ok {
		return constant(n.value())
	}
	if s, err := strconv.Unquote(text); err == nil && strings.HasPrefix(text, `"`) {
		return constant(s)
	}
	if i := slices.Index([]string{"true", "false", "null"}, text); i >= 0 {
		return constant([]Value{true, false, nil}[i])
	}
	p.fail("LexerInvalidIONLiteral", wordsLiteral)
	return constant(nil)
}

// reference reads the way to a value in a row.
func (p *parser) reference() expression {
	begin := p.at
	if !p.inTotal {
		p.rows++
	}
	rows := p.isRows()
	t := p.next()
	steps := p.steps(false)
	p.path = span{begin, p.at}
	if !rows {
		steps = append([]Step{{Name: t.Text, Exact: t.Kind == lexer.Name}}, steps...)
	}
	if len(steps) == 0 {
		return func(in *scope) (Value, error) { return in.row.Value(), nil }
	}
	first, rest := steps[0], steps[1:]
	if !slices.Contains(p.out.Uses, first) {
		p.out.Uses = append(p.out.Uses, first)
	}
	return func(in *scope) (Value, error) {
		v := in.row.Get(first)
		for _, s := range rest {
			v = descend(v, s)
		}
		return v, nil
	}
}
