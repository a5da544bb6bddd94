package partiql

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/lexer"
)

// A clause is a condition: terms that must all hold.
type clause struct {
	terms  []Term
	joined bool // one term that is several with OR between them
}

// text is c as one expression, in parentheses if it stands among others.
func (c clause) text(among bool) string {
	texts := make([]string, len(c.terms))
	for i, t := range c.terms {
		texts[i] = t.Text
	}
	text := strings.Join(texts, " AND ")
	if among && (len(c.terms) > 1 || c.joined) {
		return "(" + text + ")"
	}
	return text
}

func single(text string) clause { return clause{terms: []Term{{Text: text}}} }

// condition reads what follows WHERE, or what is in parentheses:
//
//	or   = and {OR and}
//	and  = not {AND not}
//	not  = NOT not | test
func (p *parser) condition() clause {
	if !p.deeper() {
		return clause{}
	}
	defer func() { p.depth-- }()
	c := p.and()
	if !p.peek().Is("OR") {
		return c
	}
	texts := []string{c.text(true)}
	for p.take("OR") {
		texts = append(texts, p.and().text(true))
	}
	out := single(strings.Join(texts, " OR "))
	out.joined = true
	return out
}

func (p *parser) and() clause {
	c := p.not()
	for p.take("AND") {
		if c.joined {
			c = single(c.text(true))
		}
		next := p.not()
		if next.joined {
			next = single(next.text(true))
		}
		c.terms = append(c.terms, next.terms...)
	}
	return c
}

func (p *parser) not() clause {
	if !p.take("NOT") {
		return p.test()
	}
	if !p.deeper() {
		return clause{}
	}
	defer func() { p.depth-- }()
	return single("NOT (" + p.not().text(false) + ")")
}

var comparators = []string{"=", "<>", "!=", "<=", ">=", "<", ">"}

// test reads a comparison, a call or a condition in parentheses.
func (p *parser) test() clause {
	if p.take("(") {
		c := p.condition()
		p.expect(")")
		return c
	}
	if p.isCall() && !p.peek().Is("size") {
		return p.asked(p.call())
	}
	left := p.operand()
	for _, op := range comparators {
		if p.take(op) {
			return p.comparison(left, strings.Replace(op, "!=", "<>", 1), p.operand())
		}
	}
	switch {
	case p.take("BETWEEN"):
		low := p.operand()
		p.expect("AND")
		high := p.operand()
		c := single(left.text + " BETWEEN " + low.text + " AND " + high.text)
		if left.name != "" && low.value != nil && high.value != nil {
			c.terms[0].Test = &Test{left.name, "BETWEEN", values(low, high)}
		}
		return c
	case p.take("IN"):
		return p.in(left)
	case p.take("IS"):
		return p.is(left)
	}
	p.unexpected()
	return clause{}
}

// asked reads whether c, a call, is to be true, as it is if that is not said, or
// to be false.
func (p *parser) asked(c clause) clause {
	switch {
	case !p.take("="), p.take("TRUE"):
		return c
	case p.take("FALSE"):
		return single("NOT (" + c.text(false) + ")")
	}
	p.unexpected()
	return clause{}
}

func (p *parser) isCall() bool {
	return p.peek().Kind == lexer.Word && p.at+1 < len(p.tokens) && p.tokens[p.at+1].Is("(")
}

// flipped has the operators for operands that change places.
var flipped = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (p *parser) comparison(left operand, op string, right operand) clause {
	c := single(left.text + " " + op + " " + right.text)
	switch {
	case left.name != "" && right.value != nil:
		c.terms[0].Test = &Test{left.name, op, values(right)}
	case left.value != nil && right.name != "":
		c.terms[0].Test = &Test{right.name, flipped[op], values(left)}
	}
	return c
}

// in reads the list behind IN.
func (p *parser) in(left operand) clause {
	closer := "]"
	if p.take("(") {
		closer = ")"
	} else {
		p.expect("[")
	}
	var texts []string
	for {
		texts = append(texts, p.operand().text)
		if !p.take(",") {
			break
		}
	}
	p.expect(closer)
	return single(left.text + " IN (" + strings.Join(texts, ", ") + ")")
}

// types are those that IS names.
var types = map[string]string{"NULL": "NULL", "BOOL": "BOOL", "STRING": "S"}

// is reads what follows IS.
func (p *parser) is(left operand) clause {
	not := p.take("NOT")
	missing := p.take("MISSING")
	switch {
	case missing && not:
		return single("attribute_exists(" + left.text + ")")
	case missing:
		return single("attribute_not_exists(" + left.text + ")")
	}
	kind, ok := types[strings.ToUpper(p.peek().Text)]
	if !ok || p.next().Kind != lexer.Word {
		p.unexpected()
	}
	text := "attribute_type(" + left.text + ", " + p.refValue(item.String(kind)) + ")"
	if not {
		text = "NOT (" + text + ")"
	}
	return single(text)
}

// function reads the beginning of a call of one of functions.
func (p *parser) function(functions ...string) string {
	name := strings.ToLower(p.next().Text)
	if !slices.Contains(functions, name) {
		p.fail(malformed("No such function: " + name))
	}
	p.expect("(")
	return name
}

// call reads a function that is true or false. Their names are the same in
// expressions.
func (p *parser) call() clause {
	name := p.function("begins_with", "contains", "attribute_type", "attribute_exists", "attribute_not_exists")
	if p.peek().Is(")") {
		p.fail(aws.ValidationException.Errorf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: 0", name))
		return clause{}
	}
	args := []operand{p.operand()}
	texts := []string{args[0].text}
	for p.take(",") {
		a := p.operand()
		args, texts = append(args, a), append(texts, a.text)
	}
	p.expect(")")
	c := single(name + "(" + strings.Join(texts, ", ") + ")")
	if name == "begins_with" && len(args) == 2 && args[0].name != "" && args[1].value != nil {
		c.terms[0].Test = &Test{args[0].name, name, values(args[1])}
	}
	return c
}

// operand reads a path, a value or a call of size.
func (p *parser) operand() operand {
	switch {
	case p.isValue():
		v := p.value()
		if v == nil {
			return operand{}
		}
		return operand{text: p.refValue(v), value: v}
	case p.peek().Is("size") && p.isCall():
		p.next()
		p.expect("(")
		path := p.path()
		p.expect(")")
		return operand{text: "size(" + path.text + ")"}
	}
	return p.path()
}

// update reads the SET and REMOVE clauses of an update.
func (p *parser) update() {
	sections := make(map[string][]string)
	for {
		switch {
		case p.take("SET"):
			p.set1(sections)
			for p.take(",") {
				p.set1(sections)
			}
		case p.take("REMOVE"):
			sections["REMOVE"] = append(sections["REMOVE"], p.path().text)
			for p.take(",") {
				sections["REMOVE"] = append(sections["REMOVE"], p.path().text)
			}
		case len(sections) == 0:
			p.unexpected()
			return
		default:
			var texts []string
			for _, name := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
				if list := sections[name]; list != nil {
					texts = append(texts, name+" "+strings.Join(list, ", "))
				}
			}
			p.out.Update = strings.Join(texts, " ")
			return
		}
	}
}

// set1 reads one assignment. Functions of sets are sections of their own in
// expressions.
func (p *parser) set1(sections map[string][]string) {
	path := p.path()
	p.expect("=")
	for function, section := range map[string]string{"set_add": "ADD", "set_delete": "DELETE"} {
		if p.isCall() && p.peek().Is(function) {
			p.next()
			p.expect("(")
			if from := p.path(); from.text != path.text {
				p.fail(malformed(function + " must be given the attribute that it sets"))
			}
			p.expect(",")
			text := path.text + " " + p.refValue(p.value())
			p.expect(")")
			sections[section] = append(sections[section], text)
			return
		}
	}
	text := path.text + " = " + p.term()
	for _, op := range []string{"+", "-"} {
		if p.take(op) {
			text += " " + op + " " + p.term()
			break
		}
	}
	sections["SET"] = append(sections["SET"], text)
}

// term reads an operand of an assignment.
func (p *parser) term() string {
	if !p.isCall() {
		return p.operand().text
	}
	if !p.deeper() {
		return ""
	}
	defer func() { p.depth-- }()
	text := p.function("list_append", "if_not_exists") + "(" + p.term()
	for p.take(",") {
		text += ", " + p.term()
	}
	p.expect(")")
	return text + ")"
}
