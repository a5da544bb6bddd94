package expression

import (
	"fmt"
	"strconv"
)

const (
	maxText      = 4096 // bytes
	maxOperators = 300
	maxLevels    = 32 // of a document path
)

// A problem is what is wrong with an expression, in AWS's words.
type problem string

func (p problem) Error() string { return string(p) }

func problemf(format string, args ...any) problem { return problem(fmt.Sprintf(format, args...)) }

// Kinds of nodes.
const (
	nodePath nodeKind = iota
	nodeValue
	nodeCall    // of a function
	nodeCompare // with one of = <> < <= > >=
	nodeBetween
	nodeIn
	nodeAnd
	nodeOr
	nodeNot
	nodeSum // with + or -
)

type nodeKind uint8

// A node is a part of a parsed expression.
type node struct {
	kind  nodeKind
	name  string // the function or operator as it was written
	path  []step
	value int // which of the values the expression refers to
	args  []*node
}

// isOperand reports whether n has a value, as opposed to a truth. A call is
// both until it is known what stands beside it.
func (n *node) isOperand() bool { return n.kind <= nodeCall }

// isCondition reports whether n may be true or false.
func (n *node) isCondition() bool { return n.kind >= nodeCall && n.kind <= nodeNot }

// A step of a path is a name, or the index of an element.
type step struct {
	name  string // as written, if it is not a reference
	ref   int    // which of the names the expression refers to, from 1 on
	index int    // of an element, or -1
}

// A parsed expression refers to names and values of requests, and fits any
// request that defines them.
type parsed struct {
	root    *node    // of a condition
	paths   [][]step // of a projection
	actions []action // of an update
	names   []string // "#a", each once
	values  []string // ":a", each once
}

// A parser reads one expression. The first syntax error moves it to the end,
// so every loop ends; what else is wrong is noted, since AWS reports it in an
// order of its own.
type parser struct {
	text   string
	tokens []token
	at     int
	ops    int
	out    parsed

	syntax, parens, function, misused, reserved, section, bounds problem // the first of each kind
}

func note(at *problem, p problem) {
	if *at == "" {
		*at = p
	}
}

// parse reads text as grammar says.
func parse(text string, grammar func(*parser)) (*parser, error) {
	switch {
	case text == "":
		return nil, problem("The expression can not be empty;")
	case len(text) > maxText:
		return nil, problemf("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	p := &parser{text: text, tokens: lex(text)}
	grammar(p)
	if p.peek().kind != tokenEnd {
		p.syntaxError()
	}
	if p.syntax == "" && p.ops > maxOperators {
		return nil, problemf("The expression contains too many operators; operator count: %d", p.ops)
	}
	return p, first(p.syntax)
}

// first returns the first of problems that there is.
func first(problems ...problem) error {
	for _, p := range problems {
		if p != "" {
			return p
		}
	}
	return nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

// advance moves past the next token.
func (p *parser) advance() {
	if p.at < len(p.tokens)-1 {
		p.at++
	}
}

// take moves past the next token if it is s.
func (p *parser) take(s string) bool {
	if !p.peek().is(s) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(s string) {
	if !p.take(s) {
		p.syntaxError()
	}
}

// syntaxError notes that the next token is wrong. AWS shows it with its
// neighbours.
func (p *parser) syntaxError() {
	t := p.peek()
	from, to := t.at, t.end
	if p.at > 0 {
		from = p.tokens[p.at-1].at
	}
	switch {
	case t.kind == tokenEnd && p.at > 0:
		to = p.tokens[p.at-1].end
	case t.kind != tokenEnd && p.tokens[p.at+1].kind != tokenEnd:
		to = p.tokens[p.at+1].end
	}
	note(&p.syntax, problemf(`Syntax error; token: "%s", near: "%s"`, t.text, p.text[from:to]))
	p.at = len(p.tokens) - 1
}

// operator counts one more operator.
func (p *parser) operator() { p.ops++ }

// refer returns the place of s in refs, from 0 on, and adds it if it has none.
func refer(refs *[]string, s string) int {
	for i, have := range *refs {
		if have == s {
			return i
		}
	}
	*refs = append(*refs, s)
	return len(*refs) - 1
}

// valueRef reads a reference to a value.
func (p *parser) valueRef() *node {
	t := p.peek()
	if t.kind != tokenValue {
		p.syntaxError()
	}
	p.advance()
	return &node{kind: nodeValue, value: refer(&p.out.values, t.text)}
}

// path reads a document path: a.#b[3].c
func (p *parser) path(keywords []string) []step {
	return p.steps([]step{p.nameStep(keywords)}, keywords)
}

// steps reads what may follow the beginning of a path.
func (p *parser) steps(path []step, keywords []string) []step {
	for {
		switch {
		case p.take("."):
			path = append(path, p.nameStep(keywords))
		case p.take("["):
			t := p.peek()
			i, err := strconv.ParseInt(t.text, 10, 32)
			if t.kind != tokenNumber {
				p.syntaxError()
			} else if err != nil {
				note(&p.bounds, "List index is not within the allowable range; index: ["+problem(t.text)+"]")
			}
			p.advance()
			p.expect("]")
			path = append(path, step{index: int(i)})
		default:
			if len(path) > maxLevels {
				note(&p.bounds, problemf("The document path has too many nesting levels; nesting levels: %d", len(path)))
			}
			return path
		}
	}
}

// nameStep reads the name of an attribute. It is none of keywords.
func (p *parser) nameStep(keywords []string) step {
	t := p.peek()
	switch t.kind {
	case tokenName:
		p.advance()
		return step{ref: refer(&p.out.names, t.text) + 1, index: -1}
	case tokenWord:
		if isOne(t, keywords) {
			break
		}
		p.advance()
		if reserved(t.text) {
			note(&p.reserved, "Attribute name is a reserved keyword; reserved keyword: "+problem(t.text))
		}
		return step{name: t.text, index: -1}
	}
	p.syntaxError()
	return step{}
}

// isCall reports whether a function, whose name is none of keywords, and its
// parenthesis are next.
func (p *parser) isCall(keywords []string) bool {
	t := p.peek()
	return t.kind == tokenWord && p.tokens[p.at+1].is("(") && !isOne(t, keywords)
}

func isOne(t token, words []string) bool {
	for _, w := range words {
		if t.is(w) {
			return true
		}
	}
	return false
}

// call reads a function and its arguments.
func (p *parser) call(argument func() *node) *node {
	n := &node{kind: nodeCall, name: p.peek().text}
	p.advance()
	p.advance()
	p.operator()
	for {
		n.args = append(n.args, argument())
		if !p.take(",") {
			break
		}
	}
	p.expect(")")
	if _, ok := functions[n.name]; !ok {
		note(&p.function, "Invalid function name; function: "+problem(n.name))
	}
	return n
}

// functions are those of conditions and of updates, with how many operands
// they take.
var functions = map[string]int{
	"attribute_exists":     1,
	"attribute_not_exists": 1,
	"attribute_type":       2,
	"begins_with":          2,
	"contains":             2,
	"size":                 1,
	"if_not_exists":        2,
	"list_append":          2,
}

// misuse notes that a function stands where it may not.
func (p *parser) misuse(n *node) {
	note(&p.misused, "The function is not allowed to be used this way in an expression; function: "+problem(n.name))
}
