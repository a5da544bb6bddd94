package partiql

import (
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/lexer"
)

// A parser reads one statement. Its first error moves it to the end, so every
// loop ends.
type parser struct {
	tokens     []lexer.Token
	at         int
	parameters []item.Value
	used       int // of the parameters
	depth      int
	values     []item.Attribute // by reference: ":v0"
	out        *Statement
	err        error
}

func (p *parser) peek() lexer.Token { return p.tokens[p.at] }

func (p *parser) next() lexer.Token {
	t := p.tokens[p.at]
	if p.at < len(p.tokens)-1 {
		p.at++
	}
	return t
}

func (p *parser) take(s string) bool {
	if !p.peek().Is(s) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(words ...string) {
	for _, w := range words {
		if !p.take(w) {
			p.unexpected()
		}
	}
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.at = len(p.tokens) - 1
}

func (p *parser) unexpected() { p.fail(malformed("Unexpected token: " + p.peek().Text)) }

// deeper guards the recursion of what may be nested.
func (p *parser) deeper() bool {
	if p.depth++; p.depth > maxDepth {
		p.fail(malformed("Statement is nested too deeply"))
	}
	return p.err == nil
}

func (p *parser) statement() {
	switch {
	case p.take("SELECT"):
		p.selectStatement()
	case p.take("INSERT"):
		p.expect("INTO")
		p.out.Kind = Insert
		p.from()
		p.expect("VALUE")
		p.out.Item = p.value().Fields()
		if p.err == nil && p.out.Item == nil {
			p.fail(malformed("Expected an item after VALUE"))
		}
	case p.take("UPDATE"):
		p.out.Kind = Update
		p.from()
		p.update()
		p.where()
		p.returning()
	case p.take("FROM"):
		p.out.Kind = Update
		p.from()
		p.where()
		p.update()
		p.returning()
	case p.take("DELETE"):
		p.out.Kind = Delete
		p.expect("FROM")
		p.from()
		p.where()
		p.returning()
	case p.take("EXISTS"):
		p.expect("(", "SELECT")
		p.selectStatement()
		p.expect(")")
		p.out.Kind = Exists
	default:
		p.fail(malformed("Expected data manipulation"))
	}
}

func (p *parser) selectStatement() {
	if !p.take("*") {
		p.column()
		for p.take(",") {
			p.column()
		}
	}
	p.expect("FROM")
	p.from()
	if p.peek().Is("WHERE") {
		p.where()
	}
	if p.take("ORDER") {
		p.expect("BY")
		p.order()
		for p.take(",") {
			p.order()
		}
	}
}

func (p *parser) column() {
	o := p.path()
	for _, c := range p.out.Columns {
		if c.Path == o.text {
			return
		}
	}
	p.out.Columns = append(p.out.Columns, Column{o.leaf, o.text, o.depth})
}

func (p *parser) order() {
	o := Order{Attribute: p.name()}
	if p.take("DESC") {
		o.Descending = true
	} else {
		p.take("ASC")
	}
	p.out.OrderBy = append(p.out.OrderBy, o)
}

// name reads a name, with quotes or without.
func (p *parser) name() string {
	t := p.peek()
	if t.Kind != lexer.Word && t.Kind != lexer.Name {
		p.unexpected()
		return ""
	}
	if t.Text == "" {
		p.fail(malformed("Path component cannot be an empty string"))
	}
	return p.next().Text
}

// from reads the table, and the index if there is one.
func (p *parser) from() {
	p.out.Table = p.name()
	if p.take(".") {
		p.out.Index = p.name()
	}
}

func (p *parser) where() {
	p.expect("WHERE")
	p.out.Where = p.condition().terms
}

func (p *parser) returning() {
	if !p.take("RETURNING") {
		return
	}
	what, when := strings.ToUpper(p.next().Text), strings.ToUpper(p.next().Text)
	p.expect("*")
	if what != "ALL" && what != "MODIFIED" || when != "OLD" && when != "NEW" {
		p.fail(malformed("Malformed RETURNING clause; expected RETURNING <ALL|MODIFIED> <OLD|NEW> *"))
	}
	p.out.Returning = what + " " + when
}

// refName returns the reference to a name in expressions.
func (p *parser) refName(name string) string {
	for ref, have := range p.out.Names {
		if have == name {
			return ref
		}
	}
	if p.out.Names == nil {
		p.out.Names = make(map[string]string)
	}
	ref := "#n" + strconv.Itoa(len(p.out.Names))
	p.out.Names[ref] = name
	return ref
}

// refValue returns the reference to a value in expressions.
func (p *parser) refValue(v item.Value) string {
	ref := ":v" + strconv.Itoa(len(p.values))
	p.values = append(p.values, item.Attribute{Name: ref, Value: v})
	return ref
}

// An operand is a path, a value or a call, as an expression.
type operand struct {
	text  string
	name  string     // of a path that is just an attribute
	leaf  string     // the end of a path
	depth int        // of a path, below its attribute
	value item.Value // if it is one
}

// path reads the path of an attribute or a part of one.
func (p *parser) path() operand {
	name := p.name()
	o := operand{text: p.refName(name), name: name, leaf: name}
	for p.err == nil {
		switch {
		case p.take("."):
			o.leaf = p.name()
			o.text += "." + p.refName(o.leaf)
		case p.take("["):
			t := p.next()
			if t.Kind != lexer.Number || strings.Trim(t.Text, "0123456789") != "" {
				p.fail(malformed("Unexpected token: " + t.Text))
			}
			p.expect("]")
			o.leaf += "[" + t.Text + "]"
			o.text += "[" + t.Text + "]"
		default:
			return o
		}
		o.depth++
		o.name = ""
	}
	return o
}

// isValue reports whether a literal or a parameter is next.
func (p *parser) isValue() bool {
	t := p.peek()
	switch t.Kind {
	case lexer.String, lexer.Number:
		return true
	}
	for _, s := range []string{"?", "[", "{", "<<", "-", "+", "TRUE", "FALSE", "NULL"} {
		if t.Is(s) {
			return true
		}
	}
	return false
}

// value reads a literal or a parameter.
func (p *parser) value() item.Value {
	if !p.deeper() {
		return nil
	}
	defer func() { p.depth-- }()
	t := p.next()
	switch {
	case t.Kind == lexer.String:
		return item.String(t.Text)
	case t.Kind == lexer.Number:
		return p.number(t.Text)
	case t.Is("-") || t.Is("+"):
		return p.number(t.Text + p.next().Text)
	case t.Is("TRUE") || t.Is("FALSE"):
		return item.Bool(t.Is("TRUE"))
	case t.Is("NULL"):
		return item.Null()
	case t.Is("?"):
		if p.used == len(p.parameters) {
			p.fail(errParameters())
			return nil
		}
		p.used++
		return p.parameters[p.used-1]
	case t.Is("["):
		return item.List(p.list("]")...)
	case t.Is("<<"):
		return p.set(p.list(">>"))
	case t.Is("{"):
		return p.object()
	}
	p.at--
	p.unexpected()
	return nil
}

func (p *parser) number(text string) item.Value {
	v, err := item.Number(text)
	if err != nil {
		p.fail(malformed(err.Error()))
	}
	return v
}

// list reads values up to closer.
func (p *parser) list(closer string) []item.Value {
	var vs []item.Value
	for !p.take(closer) && p.err == nil {
		if len(vs) > 0 {
			p.expect(",")
		}
		vs = append(vs, p.value())
	}
	if p.err != nil {
		return nil
	}
	return vs
}

func (p *parser) set(vs []item.Value) item.Value {
	if p.err != nil {
		return nil
	}
	if len(vs) == 0 {
		p.fail(malformed("Set literals cannot be empty"))
		return nil
	}
	sets := map[item.Type]item.Type{item.S: item.SS, item.N: item.NS, item.B: item.BS}
	t, ok := sets[vs[0].Type()]
	for _, v := range vs {
		if !ok || v.Type() != vs[0].Type() {
			p.fail(malformed("Elements of a set must be all strings, all numbers or all binaries"))
			return nil
		}
	}
	return item.Set(t, vs...)
}

func (p *parser) object() item.Value {
	var fields []item.Attribute
	for !p.take("}") && p.err == nil {
		if len(fields) > 0 {
			p.expect(",")
		}
		t := p.next()
		if t.Kind != lexer.String && t.Kind != lexer.Name && t.Kind != lexer.Word {
			p.at--
			p.unexpected()
		}
		p.expect(":")
		fields = append(fields, item.Attribute{Name: t.Text, Value: p.value()})
	}
	if p.err != nil {
		return nil
	}
	for i := range fields {
		if fields[i].Name == "" {
			p.fail(malformed("Empty attribute name"))
		}
	}
	return item.Map(item.New(fields...))
}
