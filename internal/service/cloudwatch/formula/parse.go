// Package formula is the language of metric math: expressions over time series,
// such as 100*(errors/FILL(calls,1)).
//
// An expression is parsed into a tree of few kinds of nodes, which Eval walks.
// A value is a number, a time series, or a list of time series, and operators
// and functions say for themselves what they make of each.
//
//	parse.go     text to tree
//	eval.go      values, operators
//	functions.go the functions, by name
//	search.go    the language of SEARCH
package formula

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDepth bounds how deep expressions are nested.
const maxDepth = 64

// A Formula is a parsed expression.
type Formula struct {
	root *node
	text string
	ids  []string
}

// A node is a part of an expression.
type node struct {
	kind nodeKind
	text string // of an id, a string, a function or an operator
	num  float64
	args []*node
}

type nodeKind uint8

const (
	numberNode nodeKind = iota
	stringNode
	idNode
	callNode
	operatorNode // of one or two arguments
	listNode
)

func (f *Formula) String() string { return f.text }

// IDs are the ids of queries that f mentions, each once.
func (f *Formula) IDs() []string { return f.ids }

// Calls says whether f calls the function of that name.
func (f *Formula) Calls(function string) bool { return f.root.calls(function) }

func (n *node) calls(function string) bool {
	if n.kind == callNode && n.text == function {
		return true
	}
	for _, a := range n.args {
		if a.calls(function) {
			return true
		}
	}
	return false
}

// Parse reads an expression.
func Parse(text string) (*Formula, error) {
	p := &parser{text: text}
	p.next()
	root := p.binary(0)
	if p.err == nil && p.tok != "" {
		p.fail("unexpected %q", p.tok)
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Formula{root: root, text: text, ids: p.ids}, nil
}

type parser struct {
	text  string
	pos   int    // after tok
	tok   string // "" at the end
	str   bool   // tok is a string
	depth int
	ids   []string
	err   error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.tok, p.str, p.pos = "", false, len(p.text)
}

// next reads the next token.
func (p *parser) next() {
	p.str = false
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	rest := p.text[p.pos:]
	if rest == "" {
		p.tok = ""
		return
	}
	n := 1
	switch c := rest[0]; {
	case c == '\'' || c == '"':
		end := strings.IndexByte(rest[1:], c)
		if end < 0 {
			p.fail("unterminated string")
			return
		}
		p.tok, p.str = rest[1:end+1], true
		p.pos += end + 2
		return
	case isLetter(c):
		for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n])) {
			n++
		}
	case isDigit(c) || c == '.':
		for n < len(rest) && (isDigit(rest[n]) || rest[n] == '.' || (rest[n] == 'e' || rest[n] == 'E') && isDigit(rest[n-1])) {
			n++
		}
	default:
		for _, op := range []string{"==", "!=", "<=", ">=", "&&", "||"} {
			if strings.HasPrefix(rest, op) {
				n = 2
			}
		}
	}
	p.tok = rest[:n]
	p.pos += n
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// levels are the operators of two arguments, those that bind least first.
var levels = [][]string{{"||", "OR"}, {"&&", "AND"}, {"==", "!=", "<", ">", "<=", ">="}, {"+", "-"}, {"*", "/"}, {"^"}}

// operator returns the operator of a level that comes next, or "".
func (p *parser) operator(level int) string {
	if p.str {
		return ""
	}
	for _, op := range levels[level] {
		if p.tok == op || isLetter(op[0]) && strings.EqualFold(p.tok, op) {
			return op
		}
	}
	return ""
}

func (p *parser) binary(level int) *node {
	if level == len(levels) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for p.err == nil {
		op := p.operator(level)
		if op == "" {
			break
		}
		p.next()
		left = &node{kind: operatorNode, text: op, args: []*node{left, p.binary(level + 1)}}
	}
	return left
}

func (p *parser) unary() *node {
	if p.depth++; p.depth > maxDepth {
		p.fail("nested too deep")
	}
	defer func() { p.depth-- }()
	if !p.str && (p.tok == "-" || p.tok == "+" || p.tok == "!") {
		op := p.tok
		p.next()
		arg := p.unary()
		if op == "+" {
			return arg
		}
		return &node{kind: operatorNode, text: op, args: []*node{arg}}
	}
	return p.primary()
}

func (p *parser) primary() *node {
	tok, str := p.tok, p.str
	switch {
	case str:
		p.next()
		return &node{kind: stringNode, text: tok}
	case tok == "":
		p.fail("unexpected end")
	case tok == "(":
		p.next()
		n := p.binary(0)
		p.expect(")")
		return n
	case tok == "[":
		p.next()
		return &node{kind: listNode, args: p.list("]")}
	case isDigit(tok[0]) || tok[0] == '.':
		v, err := strconv.ParseFloat(tok, 64)
		if err != nil {
			p.fail("malformed number %q", tok)
		}
		p.next()
		return &node{kind: numberNode, num: v}
	case isLetter(tok[0]):
		p.next()
		if p.tok == "(" && !p.str {
			p.next()
			return &node{kind: callNode, text: strings.ToUpper(tok), args: p.list(")")}
		}
		p.mention(tok)
		return &node{kind: idNode, text: tok}
	default:
		p.fail("unexpected %q", tok)
	}
	return &node{}
}

// mention notes an id, which begins with a small letter.
func (p *parser) mention(id string) {
	if id[0] < 'a' || id[0] > 'z' {
		return // a word, such as REPEAT
	}
	for _, had := range p.ids {
		if had == id {
			return
		}
	}
	p.ids = append(p.ids, id)
}

// list reads arguments up to and with end.
func (p *parser) list(end string) []*node {
	var args []*node
	for p.err == nil {
		if p.tok == end && !p.str && len(args) == 0 {
			break
		}
		args = append(args, p.binary(0))
		if p.tok != "," || p.str {
			break
		}
		p.next()
	}
	p.expect(end)
	return args
}

func (p *parser) expect(tok string) {
	if p.tok != tok || p.str {
		p.fail("missing %q", tok)
		return
	}
	p.next()
}
