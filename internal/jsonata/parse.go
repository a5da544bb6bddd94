package jsonata

import (
	"encoding/json"
	"regexp"
	"strings"
)

const maxNesting = 500 // of an expression's text

type parser struct {
	lex   lexer
	tok   token
	depth int
}

// Parse reads an expression.
func Parse(text string) (p *Program, err error) {
	defer rescue(&err)
	ps := &parser{lex: lexer{s: text}}
	ps.tok = ps.lex.next(false)
	raw := ps.expression(0)
	if ps.tok.kind != tEnd {
		failAt(ps.tok.pos, "S0201", ps.tok.text)
	}
	root := refine(raw)
	if usesFreeParent(root) {
		failAt(root.pos, "S0217")
	}
	return &Program{text: text, root: root}, nil
}

var powers = map[string]int{
	".": 75, "[": 80, "{": 70, "(": 80, "@": 80, "#": 80, "?": 20, "?:": 40, "??": 40,
	"+": 50, "-": 50, "*": 60, "/": 60, "%": 60, "=": 40, "<": 40, ">": 40, "^": 40, "..": 20, ":=": 10,
	"!=": 40, "<=": 40, ">=": 40, "~>": 40, "and": 30, "or": 25, "in": 40, "&": 50,
}

func (p *parser) power() int {
	if p.tok.kind != tOperator {
		return 0
	}
	return powers[p.tok.text]
}

func (p *parser) is(op string) bool { return p.tok.kind == tOperator && p.tok.text == op }

// advance goes past a token that must be op, "" for any.
func (p *parser) advance(op string, infix bool) {
	if op != "" && !p.is(op) {
		if p.tok.kind == tEnd {
			failAt(p.tok.pos, "S0203", op)
		}
		failAt(p.tok.pos, "S0202", op, p.tok.text)
	}
	p.tok = p.lex.next(infix)
}

func (p *parser) expression(power int) *node {
	if p.depth++; p.depth > maxNesting {
		fail("U1001")
	}
	defer func() { p.depth-- }()
	t := p.tok
	p.advance("", prefixEndsOperand(t))
	left := p.prefix(t)
	for power < p.power() {
		t := p.tok
		p.advance("", false)
		left = p.infix(t, left)
	}
	return left
}

// prefixEndsOperand reports whether an operator is expected after t.
func prefixEndsOperand(t token) bool {
	return t.kind != tOperator || t.text == "*" || t.text == "**" || t.text == "%" || t.text == "and" || t.text == "or" || t.text == "in"
}

func (p *parser) prefix(t token) *node {
	n := &node{pos: t.pos, text: t.text, value: t.value}
	switch t.kind {
	case tEnd:
		failAt(t.pos, "S0207")
	case tName:
		n.kind = nName
	case tVariable:
		n.kind = nVariable
	case tString, tNumber, tValue:
		n.kind = nLiteral
	case tRegex:
		n.kind, n.regex = nRegex, t.value.(*regexp.Regexp)
	default:
		return p.prefixOperator(n)
	}
	return n
}

func (p *parser) prefixOperator(n *node) *node {
	switch n.text {
	case "(":
		n.kind = nBlock
		for !p.is(")") {
			n.list = append(n.list, p.expression(0))
			if !p.is(";") {
				break
			}
			p.advance(";", false)
		}
		p.advance(")", true)
	case "[":
		n.kind = nArray
		p.items(n)
	case "{":
		n.kind = nObject
		n.pairs = p.pairs()
	case "-":
		n.kind, n.right = nNegate, p.expression(70)
	case "*":
		n.kind = nWildcard
	case "**":
		n.kind = nDescendant
	case "%":
		n.kind = nParent
	case "and", "or", "in":
		n.kind = nName
	case "?":
		n.kind = nHole
	case "|":
		n.kind, n.left = nTransform, p.expression(0)
		p.advance("|", false)
		n.right = p.expression(0)
		if p.is(",") {
			p.advance(",", false)
			n.other = p.expression(0)
		}
		p.advance("|", true)
	default:
		failAt(n.pos, "S0211", n.text)
	}
	return n
}

// items reads what is in an array constructor.
func (p *parser) items(n *node) {
	for !p.is("]") {
		item := p.expression(0)
		if p.is("..") {
			pos := p.tok.pos
			p.advance("..", false)
			item = &node{kind: nBinary, text: "..", pos: pos, left: item, right: p.expression(0)}
		}
		n.list = append(n.list, item)
		if !p.is(",") {
			break
		}
		p.advance(",", false)
	}
	p.advance("]", true)
}

func (p *parser) pairs() [][2]*node {
	pairs := [][2]*node{}
	for !p.is("}") {
		key := p.expression(0)
		p.advance(":", false)
		pairs = append(pairs, [2]*node{key, p.expression(0)})
		if !p.is(",") {
			break
		}
		p.advance(",", false)
	}
	p.advance("}", true)
	return pairs
}

func (p *parser) infix(t token, left *node) *node {
	n := &node{kind: nBinary, pos: t.pos, text: t.text, left: left}
	switch t.text {
	case "(":
		return p.call(n)
	case "[":
		return p.predicate(n)
	case "{":
		n.kind, n.pairs = nObject, p.pairs()
		n.text = "group"
	case "^":
		p.sortTerms(n)
	case "?":
		n.kind, n.right = nCondition, p.expression(0)
		if p.is(":") {
			p.advance(":", false)
			n.other = p.expression(0)
		}
	case ":=":
		if left.kind != nVariable {
			failAt(t.pos, "S0212", left.text)
		}
		n.kind, n.right = nBind, p.expression(powers[":="]-1)
	case "@", "#":
		n.right = p.expression(powers["@"])
		if n.right.kind != nVariable {
			failAt(n.right.pos, "S0214", t.text)
		}
	case "??", "?:":
		n.kind = nCoalesce
		if t.text == "?:" {
			n.kind = nElvis
		}
		n.right = p.expression(0)
	case "~>":
		n.kind, n.right = nApply, p.expression(powers["~>"])
	default:
		n.right = p.expression(powers[t.text])
	}
	return n
}

func (p *parser) predicate(n *node) *node {
	if p.is("]") {
		step := n.left
		for step.kind == nBinary && step.text == "[" {
			step = step.left
		}
		step.keep = true
		p.advance("]", true)
		return n.left
	}
	n.right = p.expression(0)
	p.advance("]", true)
	return n
}

func (p *parser) sortTerms(n *node) {
	n.kind = nSort
	p.advance("(", false)
	for {
		term := sortTerm{}
		if p.is("<") || p.is(">") {
			term.descending = p.is(">")
			p.advance("", false)
		}
		term.expr = p.expression(0)
		n.terms = append(n.terms, term)
		if !p.is(",") {
			break
		}
		p.advance(",", false)
	}
	p.advance(")", true)
}

// call reads arguments, or a function's parameters and body.
func (p *parser) call(n *node) *node {
	n.kind = nCall
	for !p.is(")") {
		if p.is("?") {
			n.kind = nPartial
			n.list = append(n.list, &node{kind: nHole, pos: p.tok.pos})
			p.advance("?", true)
		} else {
			n.list = append(n.list, p.expression(0))
		}
		if !p.is(",") {
			break
		}
		p.advance(",", false)
	}
	p.advance(")", true)
	if n.left.kind != nName || n.left.text != "function" && n.left.text != "λ" {
		return n
	}
	lambda := &node{kind: nLambda, pos: n.pos}
	for i, a := range n.list {
		if a.kind != nVariable {
			failAt(a.pos, "S0208", i+1)
		}
		lambda.names = append(lambda.names, a.text)
	}
	if p.is("<") {
		lambda.signature = p.signature()
	}
	p.advance("{", false)
	lambda.right = p.expression(0)
	p.advance("}", true)
	return lambda
}

// signature reads <...> after a function's parameters.
func (p *parser) signature() *signature {
	start, depth := p.tok.pos, 0
	for {
		switch {
		case p.tok.kind == tEnd:
			failAt(p.tok.pos, "S0203", ">")
		case p.is("<"):
			depth++
		case p.is(">"):
			depth--
		}
		end := p.tok.pos + 1
		p.advance("", true)
		if depth == 0 {
			return parseSignature(p.lex.s[start:end])
		}
	}
}

// refine turns what was parsed into what is evaluated: paths with their steps,
// predicates as stages of steps, groups and bindings in their place.
func refine(n *node) *node {
	if n == nil {
		return nil
	}
	switch n.kind {
	case nName:
		step := *n
		step.keep = false
		return mark(&node{kind: nPath, pos: n.pos, list: []*node{&step}, keep: n.keep})
	case nBinary:
		switch n.text {
		case ".":
			return refinePath(n)
		case "[":
			return refinePredicate(n)
		case "@", "#":
			return refineBinding(n)
		}
		n.left, n.right = refine(n.left), refine(n.right)
	case nSort:
		return refineSort(n)
	case nNegate:
		if n.right = refine(n.right); n.right.kind == nLiteral && isNumber(n.right.value) && !n.right.keep {
			n.right.value = negative(n.right.value)
			return n.right
		}
	case nObject:
		if n.text == "group" {
			return refineGroup(n)
		}
		refinePairs(n.pairs)
	case nArray, nBlock:
		for i, x := range n.list {
			n.list[i] = refine(x)
			if n.kind == nBlock && n.list[i].cons {
				n.cons = true
			}
		}
	case nCall, nPartial:
		n.left = refine(n.left)
		for i, x := range n.list {
			n.list[i] = refine(x)
		}
	case nLambda:
		n.right = refine(n.right)
	default:
		n.left, n.right, n.other = refine(n.left), refine(n.right), refine(n.other)
	}
	return mark(n)
}

func refinePairs(pairs [][2]*node) {
	for i, p := range pairs {
		pairs[i] = [2]*node{refine(p[0]), refine(p[1])}
	}
}

func refinePath(n *node) *node {
	left := refine(n.left)
	path := left
	if left.kind != nPath {
		path = &node{kind: nPath, pos: n.pos, list: []*node{left}}
	}
	right := refine(n.right)
	switch {
	case right.kind == nPath && !right.hasGroup:
		path.list = append(path.list, right.list...)
		path.keep = path.keep || right.keep
	case right.kind == nPath:
		path.list = append(path.list, right.list...)
		path.keep = path.keep || right.keep
		path.group, path.hasGroup = right.group, true
	default:
		path.list = append(path.list, right)
	}
	for _, s := range path.list {
		if s.kind == nLiteral {
			if text, ok := s.value.(string); ok {
				s.kind, s.text = nName, text
			} else {
				failAt(s.pos, "S0213", s.value)
			}
		}
		path.keep = path.keep || s.keep
	}
	if first := path.list[0]; first.kind == nArray {
		first.cons = true
	}
	if last := path.list[len(path.list)-1]; last.kind == nArray {
		last.cons = true
	}
	return mark(path)
}

func lastStep(n *node) *node {
	if n.kind == nPath {
		return n.list[len(n.list)-1]
	}
	return n
}

func refinePredicate(n *node) *node {
	result := refine(n.left)
	step := lastStep(result)
	if step.hasGroup || result.hasGroup {
		failAt(n.pos, "S0209")
	}
	step.stages = append(step.stages, stage{filter: refine(n.right)})
	mark(step)
	return mark(result)
}

func refineGroup(n *node) *node {
	result := refine(n.left)
	if result.hasGroup {
		failAt(n.pos, "S0210")
	}
	refinePairs(n.pairs)
	result.group, result.hasGroup = n.pairs, true
	return mark(result)
}

func refineSort(n *node) *node {
	result := refine(n.left)
	if result.kind != nPath {
		result = &node{kind: nPath, pos: n.pos, list: []*node{result}}
	}
	for i := range n.terms {
		n.terms[i].expr = refine(n.terms[i].expr)
	}
	result.list = append(result.list, mark(&node{kind: nSort, pos: n.pos, terms: n.terms}))
	result.keep = result.keep || n.keep
	return mark(result)
}

func refineBinding(n *node) *node {
	result := refine(n.left)
	if result.kind != nPath {
		result = &node{kind: nPath, pos: n.pos, list: []*node{result}}
	}
	step := lastStep(result)
	switch {
	case n.text == "#" && step.stages == nil:
		step.index = n.right.text
	case n.text == "#":
		step.stages = append(step.stages, stage{index: n.right.text})
	case step.stages != nil:
		failAt(n.pos, "S0215")
	case step.kind == nSort:
		failAt(n.pos, "S0216")
	default:
		step.focus = n.right.text
	}
	result.keep = result.keep || n.keep
	step.bound = true
	mark(step)
	return mark(result)
}

func negative(v value) value {
	if n, ok := v.(json.Number); ok {
		if text, found := strings.CutPrefix(string(n), "-"); found {
			return normal(json.Number(text))
		}
		return normal("-" + n)
	}
	return -toFloat(v)
}
