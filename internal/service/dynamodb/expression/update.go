package expression

import "github.com/aloft-cloud/aloft/internal/item"

// Kinds of actions, which are the sections of an update.
const (
	actionSet    = "SET"
	actionRemove = "REMOVE"
	actionAdd    = "ADD"
	actionDelete = "DELETE"
)

var updateKeywords = []string{actionSet, actionRemove, actionAdd, actionDelete}

// An action changes what is at one path.
type action struct {
	kind  string
	path  []step
	value *node // nil to remove
}

// parseUpdate reads an update:
//
//	update  = section {section}
//	section = SET set {, set} | REMOVE path {, path} | ADD path :value {, …} | DELETE path :value {, …}
//	set     = path "=" value
//	value   = operand | operand + operand | operand - operand | ( value )
//	operand = path | :value | call | ( operand )
func parseUpdate(text string) (*parsed, error) {
	p, err := parse(text, func(p *parser) {
		p.updateSection()
		for p.peek().kind != tokenEnd {
			p.updateSection()
		}
	})
	if err != nil {
		return nil, err
	}
	return &p.out, first(p.parens, p.reserved, p.function, p.misused, p.section, p.bounds)
}

func (p *parser) updateSection() {
	t := p.peek()
	for _, kind := range updateKeywords {
		if !t.is(kind) {
			continue
		}
		for _, a := range p.out.actions {
			if a.kind == kind {
				note(&p.section, `The "`+problem(kind)+`" section can only be used once in an update expression;`)
			}
		}
		p.advance()
		actions := []action{p.action(kind)}
		for p.take(",") {
			actions = append(actions, p.action(kind))
		}
		p.out.actions = append(p.out.actions, actions...)
		return
	}
	p.syntaxError()
}

func (p *parser) action(kind string) action {
	a := action{kind: kind, path: p.path(updateKeywords)}
	p.out.paths = append(p.out.paths, a.path)
	switch kind {
	case actionSet:
		p.expect("=")
		a.value = p.setValue()
	case actionAdd, actionDelete:
		a.value = p.valueRef()
	}
	return a
}

// setValue reads an operand, or the sum or difference of two.
func (p *parser) setValue() *node {
	n := p.setOperand(true)
	t := p.peek()
	if !t.is("+") && !t.is("-") {
		return n
	}
	if n.kind == nodeSum {
		p.syntaxError()
	}
	p.advance()
	p.operator()
	return &node{kind: nodeSum, name: t.text, args: []*node{n, p.setOperand(false)}}
}

// setOperand reads an operand; in parentheses, it may be a sum if that is allowed.
func (p *parser) setOperand(sum bool) *node {
	t := p.peek()
	switch {
	case p.take("("):
		open := p.at - 1
		var n *node
		if sum {
			n = p.setValue()
		} else {
			n = p.setOperand(false)
		}
		p.expect(")")
		p.checkParens(open)
		return n
	case t.kind == tokenValue:
		return p.valueRef()
	case p.isCall(updateKeywords):
		return p.updateCall()
	}
	return &node{kind: nodePath, path: p.path(updateKeywords)}
}

func (p *parser) updateCall() *node {
	n := p.call(func() *node { return p.setOperand(false) })
	if functions[n.name] > 0 && n.name != "if_not_exists" && n.name != "list_append" {
		p.misuse(n)
	}
	for _, a := range n.args {
		if a.kind == nodeCall && a.name == "list_append" {
			p.misuse(a)
		}
	}
	return n
}

// An Update is a set of changes to an item.
type Update struct {
	actions []action
	tree    *tree
	binding
}

// Update reads the update in text.
func (r *Request) Update(text string) (*Update, error) {
	p, err := r.cache.get('u', text, parseUpdate)
	if err != nil {
		return nil, invalid(UpdateExpression, err)
	}
	u := &Update{actions: p.actions, binding: r.bind(p)}
	if err := (checker{&u.binding, p}).update(); err != nil {
		return nil, invalid(UpdateExpression, err)
	}
	u.tree = newTree(&u.binding, p.paths)
	return u, nil
}

// update returns what is wrong with an update now that the names and values
// are known.
func (c checker) update() error {
	var name, value, operand, function problem
	for _, a := range c.actions {
		note(&name, c.path(a.path))
		if a.value == nil {
			continue
		}
		a.value.paths(func(path []step) { note(&name, c.path(path)) })
		note(&value, c.refs(a.value))
		if a.kind != actionSet {
			note(&operand, c.addend(a))
		} else {
			note(&function, each(c.updateCall)(a.value))
		}
	}
	overlap, conflict := c.overlap(c.paths)
	return first(name, value, overlap, conflict, operand, function)
}

// addend checks the type of what is added or deleted.
func (c checker) addend(a action) problem {
	t := c.typeOf(a.value)
	if t == 0 || t.IsSet() || t == item.N && a.kind == actionAdd {
		return ""
	}
	name := map[item.Type]problem{
		item.S: "STRING", item.N: "NUMBER", item.B: "BINARY", item.NULL: "NULL", item.BOOL: "BOOLEAN", item.L: "LIST", item.M: "MAP",
	}[t]
	return "Incorrect operand type for operator or function; operator: " + problem(a.kind) + ", operand type: " + name
}

// updateCall checks the operands of a function or sum.
func (c checker) updateCall(n *node) problem {
	if p := operands(n); p != "" {
		return p
	}
	switch {
	case n.kind == nodeSum:
		return c.mayBe(n, func(t item.Type) bool { return t == item.N })
	case n.kind == nodeCall && n.name == "list_append":
		return c.mayBe(n, func(t item.Type) bool { return t == item.L })
	case n.kind == nodeCall && n.name == "if_not_exists":
		return needsPath(n)
	}
	return ""
}
