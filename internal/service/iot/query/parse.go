package query

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/lexer"
	"github.com/aloft-cloud/aloft/internal/tree"
)

const (
	deepest          = 64       // that expressions lie within one another
	longestStatement = 64 << 10 // bytes
)

// Parse compiles a statement. Its error says what is wrong with it, for people.
func Parse(statement, version string) (*Query, error) {
	p, err := newParser(statement)
	if err != nil {
		return nil, err
	}
	q := &Query{version: version}
	if p.sees("SET") {
		return nil, p.errorf("variables (SET) are not supported")
	}
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	if q.sel.value, q.sel.items, err = p.parseItems(); err != nil {
		return nil, err
	}
	if p.take("FROM") {
		t := p.next()
		if t.Kind != lexer.String && t.Kind != lexer.Name || t.Text == "" {
			return nil, p.errorAt(t, "expected a topic filter in quotes after FROM")
		}
		q.from = t.Text
	}
	if q.sel.where, err = p.parseWhere(); err != nil {
		return nil, err
	}
	if t := p.next(); t.Kind != lexer.End {
		return nil, p.errorAt(t, "unexpected "+t.Text)
	}
	return q, nil
}

// A parser reads tokens.
type parser struct {
	tokens []lexer.Token
	at     int
	depth  int
}

func newParser(text string) (*parser, error) {
	if len(text) > longestStatement {
		return nil, fmt.Errorf("the statement is longer than %d bytes", longestStatement)
	}
	tokens, ok := lexer.Cut(text)
	p := &parser{tokens: tokens}
	if !ok {
		return nil, p.errorAt(tokens[len(tokens)-1], "a letter that begins nothing")
	}
	return p, nil
}

func (p *parser) peek() lexer.Token { return p.tokens[p.at] }

func (p *parser) next() lexer.Token {
	t := p.tokens[p.at]
	if t.Kind != lexer.End {
		p.at++
	}
	return t
}

func (p *parser) sees(s string) bool { return p.peek().Is(s) }

func (p *parser) take(s string) bool {
	if !p.sees(s) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(s string) error {
	if t := p.next(); !t.Is(s) {
		return p.errorAt(t, "expected "+s)
	}
	return nil
}

func (p *parser) errorf(format string, args ...any) error {
	return p.errorAt(p.peek(), fmt.Sprintf(format, args...))
}

func (p *parser) errorAt(t lexer.Token, message string) error {
	return fmt.Errorf("%s at position %d", message, t.At+1)
}

// parseItems reads what a SELECT chooses.
func (p *parser) parseItems() (value bool, items []item, err error) {
	if p.sees("VALUE") && !p.tokens[p.at+1].Is(",") && !p.tokens[p.at+1].Is("FROM") && !p.tokens[p.at+1].Is("AS") && !p.tokens[p.at+1].Is(".") {
		p.at++
		of, _, err := p.parseNamed()
		return true, []item{{get: of}}, err
	}
	for {
		begins := p.peek()
		of, name, err := p.parseNamed()
		if err != nil {
			return false, nil, err
		}
		if p.take("AS") {
			t := p.next()
			if t.Kind == lexer.End || t.Kind == lexer.Sign || t.Kind == lexer.Number || t.Text == "" {
				return false, nil, p.errorAt(t, "expected a name after AS")
			}
			name = t.Text
		} else if name == "" && !begins.Is("*") {
			return false, nil, p.errorAt(begins, "an expression needs a name: … AS name")
		}
		items = append(items, item{name, of})
		if !p.take(",") {
			return false, items, nil
		}
	}
}

func (p *parser) parseWhere() (expr, error) {
	if !p.take("WHERE") {
		return nil, nil
	}
	return p.parseExpression()
}

// parseNamed reads an expression, and the name that it has of itself: the last
// of a path, or that of a function.
func (p *parser) parseNamed() (of expr, name string, err error) {
	begins := p.at
	if of, err = p.parseExpression(); err != nil {
		return nil, "", err
	}
	read := p.tokens[begins:p.at]
	last := read[len(read)-1]
	switch {
	case len(read) > 1 && read[len(read)-2].Is(".") && last.Kind != lexer.Sign && onePath(read):
		return of, last.Text, nil
	case len(read) == 1 && (last.Kind == lexer.Word || last.Kind == lexer.Ion) && !constant(last):
		return of, last.Text, nil
	case len(read) > 2 && read[0].Kind == lexer.Word && read[1].Is("(") && closes(read[1:]) == len(read)-2:
		return of, read[0].Text, nil
	}
	return of, "", nil
}

func constant(t lexer.Token) bool { return t.Is("true") || t.Is("false") || t.Is("null") }

// onePath reports whether tokens are names with dots between them, or a call
// and then such.
func onePath(tokens []lexer.Token) bool {
	i := 1
	if len(tokens) > 1 && tokens[1].Is("(") {
		i = closes(tokens[1:]) + 2
	}
	for ; i < len(tokens); i += 2 {
		if !tokens[i].Is(".") {
			return false
		}
	}
	return true
}

// closes returns where the parenthesis that tokens begin with is closed, or -1.
func closes(tokens []lexer.Token) int {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.Is("("):
			depth++
		case t.Is(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// parseExpression reads what OR joins.
func (p *parser) parseExpression() (expr, error) {
	if p.depth++; p.depth > deepest {
		return nil, p.errorf("the expression is too deep")
	}
	defer func() { p.depth-- }()
	left, err := p.parseAnd()
	for err == nil && p.take("OR") {
		var right expr
		if right, err = p.parseAnd(); err == nil {
			left = logical(left, right, true)
		}
	}
	return left, err
}

func (p *parser) parseAnd() (expr, error) {
	left, err := p.parseNot()
	for err == nil && p.take("AND") {
		var right expr
		if right, err = p.parseNot(); err == nil {
			left = logical(left, right, false)
		}
	}
	return left, err
}

func (p *parser) parseNot() (expr, error) {
	nots := 0
	for p.take("NOT") {
		nots++
	}
	of, err := p.parseComparison()
	if err != nil {
		return nil, err
	}
	for range min(nots, 2-nots%2) {
		of = not(of)
	}
	return of, nil
}

func (p *parser) parseComparison() (expr, error) {
	left, err := p.parseChain(sums, func() (expr, error) { return p.parseChain(products, p.parseUnary) })
	if err != nil {
		return nil, err
	}
	negated := p.sees("NOT") && p.tokens[p.at+1].Is("IN")
	if negated {
		p.at++
	}
	if p.take("IN") {
		list, err := p.parseList()
		if err != nil {
			return nil, err
		}
		if left = in(left, list); negated {
			left = not(left)
		}
		return left, nil
	}
	t := p.peek()
	op := comparisons[t.Text]
	if t.Kind != lexer.Sign || op == nil {
		return left, nil
	}
	p.at++
	right, err := p.parseChain(sums, func() (expr, error) { return p.parseChain(products, p.parseUnary) })
	return apply(op, left, right), err
}

func apply(op binary, a, b expr) expr {
	return func(x *scope) tree.Value { return op(a(x), b(x)) }
}

// parseList reads what stands after IN: an array, or a list in parentheses.
func (p *parser) parseList() (expr, error) {
	if p.sees("(") && !p.tokens[p.at+1].Is("SELECT") {
		p.at++
		return p.parseArray(")")
	}
	return p.parseUnary()
}

// parseChain reads operands with operators of one rank between them.
func (p *parser) parseChain(operators map[string]binary, operand func() (expr, error)) (expr, error) {
	left, err := operand()
	for err == nil && p.peek().Kind == lexer.Sign && operators[p.peek().Text] != nil {
		op := operators[p.next().Text]
		var right expr
		if right, err = operand(); err == nil {
			left = apply(op, left, right)
		}
	}
	return left, err
}

func (p *parser) parseUnary() (expr, error) {
	minus := false
	for p.sees("-") || p.sees("+") {
		minus = minus != p.next().Is("-")
	}
	of, err := p.parsePrimary()
	for err == nil && p.take(".") {
		t := p.next()
		if t.Kind == lexer.Sign || t.Kind == lexer.End || t.Kind == lexer.Number {
			return nil, p.errorAt(t, "expected a name after .")
		}
		of = member(of, t.Text)
	}
	if err == nil && minus {
		of = negate(of)
	}
	return of, err
}

func (p *parser) parsePrimary() (expr, error) {
	t := p.next()
	switch {
	case t.Kind == lexer.String || t.Kind == lexer.Name:
		return literal(t.Text), nil
	case t.Kind == lexer.Number:
		if !plainNumber(t.Text) || !json.Valid([]byte(t.Text)) {
			return nil, p.errorAt(t, t.Text+" is not a number")
		}
		return literal(json.Number(t.Text)), nil
	case t.Is("*"):
		return everything, nil
	case t.Is("["):
		return p.parseArray("]")
	case t.Is("("):
		return p.parseParenthesis()
	case t.Is("CASE"):
		return p.parseCase()
	case t.Is("EXISTS") && p.sees("("):
		p.at++
		of, err := p.parseParenthesis()
		return exists(of), err
	case t.Is("true"), t.Is("false"):
		return literal(t.Is("true")), nil
	case t.Is("null"):
		return literal(nil), nil
	case t.Kind == lexer.Word && p.sees("("):
		p.at++
		return p.parseCall(t)
	case t.Kind == lexer.Word && reserved(t), t.Kind == lexer.Sign, t.Kind == lexer.End:
		return nil, p.errorAt(t, "expected an expression, not "+t.Text)
	}
	return root(t.Text), nil
}

// reserved are the words that no name of a document may be without quotes.
func reserved(t lexer.Token) bool {
	for _, word := range []string{"SELECT", "FROM", "WHERE", "AS", "AND", "OR", "NOT", "IN", "WHEN", "THEN", "ELSE", "END"} {
		if t.Is(word) {
			return true
		}
	}
	return false
}

func literal(v tree.Value) expr { return func(*scope) tree.Value { return v } }

func exists(of expr) expr {
	return func(x *scope) tree.Value {
		found, ok := of(x).([]any)
		return ok && len(found) > 0
	}
}

// parseArray reads the elements of an array up to what ends it.
func (p *parser) parseArray(end string) (expr, error) {
	elements, err := p.parseExpressions(end)
	if err != nil {
		return nil, err
	}
	return func(x *scope) tree.Value {
		out := make([]any, 0, len(elements))
		for _, e := range elements {
			if v := e(x); v != Undefined {
				out = append(out, v)
			}
		}
		if !x.msg.affords(out) {
			return Undefined
		}
		return out
	}, nil
}

// parseExpressions reads expressions with commas between, up to what ends them.
func (p *parser) parseExpressions(end string) (all []expr, err error) {
	if p.take(end) {
		return nil, nil
	}
	for {
		e, err := p.parseExpression()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		if !p.take(",") {
			return all, p.expect(end)
		}
	}
}

// parseParenthesis reads an expression or a SELECT, and the parenthesis that
// closes it.
func (p *parser) parseParenthesis() (of expr, err error) {
	if p.take("SELECT") {
		of, err = p.parseNested()
	} else {
		of, err = p.parseExpression()
	}
	if err != nil {
		return nil, err
	}
	return of, p.expect(")")
}

func (p *parser) parseNested() (expr, error) {
	if p.depth++; p.depth > deepest {
		return nil, p.errorf("the expression is too deep")
	}
	defer func() { p.depth-- }()
	s := new(selection)
	var err error
	if s.value, s.items, err = p.parseItems(); err != nil {
		return nil, err
	}
	if err := p.expect("FROM"); err != nil {
		return nil, err
	}
	from, err := p.parseUnary()
	if err != nil {
		return nil, err
	}
	if s.where, err = p.parseWhere(); err != nil {
		return nil, err
	}
	return func(x *scope) tree.Value { return s.nested(x, from) }, nil
}

// parseCase reads CASE v WHEN a THEN b … ELSE c END.
func (p *parser) parseCase() (expr, error) {
	of, err := p.parseExpression()
	if err != nil {
		return nil, err
	}
	type branch struct{ when, then expr }
	var branches []branch
	for p.take("WHEN") {
		var b branch
		if b.when, err = p.parseExpression(); err != nil {
			return nil, err
		}
		if err := p.expect("THEN"); err != nil {
			return nil, err
		}
		if b.then, err = p.parseExpression(); err != nil {
			return nil, err
		}
		branches = append(branches, b)
	}
	otherwise := literal(Undefined)
	if p.take("ELSE") {
		if otherwise, err = p.parseExpression(); err != nil {
			return nil, err
		}
	}
	if len(branches) == 0 {
		return nil, p.errorf("expected WHEN")
	}
	return func(x *scope) tree.Value {
		v := of(x)
		for _, b := range branches {
			if equal(v, b.when(x)) == true {
				return b.then(x)
			}
		}
		return otherwise(x)
	}, p.expect("END")
}

// parseCall reads the arguments of a function, after its parenthesis.
func (p *parser) parseCall(t lexer.Token) (expr, error) {
	name := strings.ToLower(t.Text)
	if name == "cast" {
		return p.parseCast()
	}
	args, err := p.parseExpressions(")")
	if err != nil {
		return nil, err
	}
	f, known := functions[name]
	switch {
	case !known && external[name]:
		return nil, p.errorAt(t, "the function "+name+" is not supported")
	case !known:
		return nil, p.errorAt(t, "unknown function "+t.Text)
	case len(args) < f.least || f.most >= 0 && len(args) > f.most:
		return nil, p.errorAt(t, fmt.Sprintf("wrong number of arguments for function %s: %d", t.Text, len(args)))
	}
	return func(x *scope) tree.Value {
		values := make([]tree.Value, len(args))
		for i, arg := range args {
			values[i] = arg(x)
		}
		v := f.call(x, values)
		if made, ok := v.(string); ok && !x.msg.affords(made) {
			return Undefined
		}
		return v
	}, nil
}

// parseCast reads x AS type).
func (p *parser) parseCast() (expr, error) {
	of, err := p.parseExpression()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AS"); err != nil {
		return nil, err
	}
	t := p.next()
	to := casts[strings.ToLower(t.Text)]
	if t.Kind != lexer.Word || to == nil {
		return nil, p.errorAt(t, "there is no type "+t.Text)
	}
	return func(x *scope) tree.Value { return to(of(x)) }, p.expect(")")
}
