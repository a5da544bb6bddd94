package expression

var conditionKeywords = []string{"BETWEEN", "IN", "AND", "OR", "NOT"}

// parseCondition reads a condition, filter or key condition:
//
//	or        = and {OR and}
//	and       = not {AND not}
//	not       = NOT not | test
//	test      = operand comparator operand | operand BETWEEN operand AND operand |
//	            operand IN ( operand {, operand} ) | call | ( or )
//	operand   = path | :value | call | ( operand )
func parseCondition(text string) (*parsed, error) {
	p, err := parse(text, func(p *parser) { p.out.root = p.condition(p.or()) })
	if err != nil {
		return nil, err
	}
	return &p.out, first(p.parens, p.function, p.misused, p.reserved, p.bounds)
}

// condition returns n, which must be true or false.
func (p *parser) condition(n *node) *node {
	if !n.isCondition() {
		p.syntaxError() // where the comparator should have been
	}
	if n.kind == nodeCall && n.name == "size" {
		p.misuse(n)
	}
	return n
}

// operand returns n, which must have a value.
func (p *parser) operand(n *node) *node {
	if !n.isOperand() {
		p.syntaxError()
	}
	return n
}

func (p *parser) or() *node {
	return p.chain(nodeOr, "OR", p.and)
}

func (p *parser) and() *node {
	return p.chain(nodeAnd, "AND", p.not)
}

// chain reads parts with the word between them. What is one part alone may
// still be an operand.
func (p *parser) chain(kind nodeKind, word string, part func() *node) *node {
	n := part()
	for p.peek().is(word) {
		p.condition(n)
		p.advance()
		p.operator()
		n = &node{kind: kind, name: word, args: []*node{n, p.condition(part())}}
	}
	return n
}

func (p *parser) not() *node {
	if !p.take("NOT") {
		return p.test()
	}
	p.operator()
	return &node{kind: nodeNot, args: []*node{p.condition(p.not())}}
}

// test reads a comparison, or just an operand or a condition in parentheses.
func (p *parser) test() *node {
	left := p.term()
	t := p.peek()
	n := &node{name: t.text, args: []*node{left}}
	switch {
	case t.is("="), t.is("<>"), t.is("<"), t.is("<="), t.is(">"), t.is(">="):
		p.operand(left)
		p.advance()
		n.kind = nodeCompare
		n.args = append(n.args, p.operand(p.term()))
	case t.is("BETWEEN"):
		p.operand(left)
		p.advance()
		n.kind, n.name = nodeBetween, "BETWEEN"
		n.args = append(n.args, p.operand(p.term()))
		p.expect("AND")
		n.args = append(n.args, p.operand(p.term()))
	case t.is("IN"):
		p.operand(left)
		p.advance()
		n.kind, n.name = nodeIn, "IN"
		p.expect("(")
		n.args = append(n.args, p.operand(p.term()))
		for p.take(",") {
			n.args = append(n.args, p.operand(p.term()))
		}
		p.expect(")")
	default:
		return left
	}
	p.operator()
	p.onlySize(n.args)
	return n
}

// onlySize notes functions among args that have no value to compare.
func (p *parser) onlySize(args []*node) {
	for _, a := range args {
		if a.kind == nodeCall && a.name != "size" {
			p.misuse(a)
		}
	}
}

// term reads an operand, or anything in parentheses.
func (p *parser) term() *node {
	t := p.peek()
	switch {
	case t.is("("):
		return p.inParens()
	case t.kind == tokenValue:
		return p.valueRef()
	case p.isCall(conditionKeywords):
		n := p.call(func() *node { return p.operand(p.term()) })
		p.onlySize(n.args)
		return n
	}
	return &node{kind: nodePath, path: p.path(conditionKeywords)}
}

// inParens reads what is in parentheses, and what may follow if it is a path.
func (p *parser) inParens() *node {
	open := p.at
	p.expect("(")
	n := p.or()
	p.expect(")")
	p.checkParens(open)
	if n.kind == nodePath {
		n.path = p.steps(n.path, conditionKeywords)
	}
	return n
}

// checkParens notes if all that is in the parentheses which opened at open,
// and have just been closed, is in parentheses of its own.
func (p *parser) checkParens(open int) {
	if p.syntax == "" && p.tokens[open+1].is("(") && p.closes(open+1) == p.at-2 {
		note(&p.parens, "The expression has redundant parentheses;")
	}
}

// closes returns where the parenthesis that opens at open is closed.
func (p *parser) closes(open int) int {
	depth := 0
	for i := open; i < p.at; i++ {
		if p.tokens[i].is("(") {
			depth++
		} else if p.tokens[i].is(")") {
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
