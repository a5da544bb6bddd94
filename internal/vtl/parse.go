package vtl

import (
	"fmt"
	"strings"
)

// A Template is a parsed template.
type Template struct {
	body   []node
	macros map[string]*macro
}

// maxTemplate is how long a template may be, in bytes.
const maxTemplate = 1 << 20

// Parse reads a template.
func Parse(text string) (*Template, error) { return parse(text, false) }

// ParseReturning reads a template that has #return, as AppSync's do.
func ParseReturning(text string) (*Template, error) { return parse(text, true) }

func parse(text string, returns bool) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("the template is longer than %d bytes", maxTemplate)
	}
	p := &parser{s: text, macros: make(map[string]*macro), returns: returns}
	body, end := p.block("")
	if p.err == nil && end != "" {
		p.fail("#" + end + " without a directive that it ends")
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Template{body: body, macros: p.macros}, nil
}

// A parser reads a template from its start to its end.
type parser struct {
	s      string
	i      int
	depth  int
	macros map[string]*macro
	err    error

	returns bool // there is #return
}

// knows reports whether a word means something after #.
func (p *parser) knows(name string) bool { return directives[name] || p.returns && name == "return" }

func (p *parser) fail(what string) {
	if p.err == nil {
		line := 1 + strings.Count(p.s[:min(p.i, len(p.s))], "\n")
		p.err = fmt.Errorf("line %d: %s", line, what)
	}
}

// more reports whether there is more to read, and no error.
func (p *parser) more() bool { return p.err == nil && p.i < len(p.s) }

func (p *parser) rest() string { return p.s[p.i:] }

func (p *parser) at(prefix string) bool { return strings.HasPrefix(p.s[p.i:], prefix) }

// peek is the byte n past the next, or 0.
func (p *parser) peek(n int) byte {
	if p.i+n < len(p.s) {
		return p.s[p.i+n]
	}
	return 0
}

// block reads nodes up to a word that ends the block, which it returns: "end",
// "else" or "elseif", or "" at the end of the text. Of what it is a block says in.
func (p *parser) block(in string) (nodes []node, end string) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		p.fail("nested too deep")
		return nil, ""
	}
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			nodes = append(nodes, text(plain.String()))
			plain.Reset()
		}
	}
	for p.more() {
		switch c := p.s[p.i]; {
		case c == '\\':
			if n := p.escape(&plain); n != nil {
				flush()
				nodes = append(nodes, n)
			}
		case c == '$':
			if n := p.reference(); n != nil {
				flush()
				nodes = append(nodes, n)
				continue
			}
			plain.WriteByte(c)
			p.i++
			p.notQuiet(&plain)
		case c == '#':
			n, word, ok := p.hash(&plain, in)
			if word != "" {
				flush()
				return nodes, word
			}
			if n != nil {
				flush()
				nodes = append(nodes, n)
			}
			if !ok {
				plain.WriteByte(c)
				p.i++
			}
		default:
			j := strings.IndexAny(p.rest(), `\$#`)
			if j < 0 {
				j = len(p.rest())
			}
			plain.WriteString(p.s[p.i : p.i+j])
			p.i += j
		}
	}
	flush()
	return nodes, ""
}

// notQuiet reads what follows $ in $\!name, where a backslash says that the
// mark is text.
func (p *parser) notQuiet(plain *strings.Builder) {
	n := 0
	for p.peek(n) == '\\' {
		n++
	}
	if n > 0 && p.peek(n) == '!' && (isNameStart(p.peek(n+1)) || p.peek(n+1) == '{') {
		plain.WriteString(p.s[p.i+1 : p.i+n+1])
		p.i += n + 1
	}
}

// escape reads backslashes: before a reference or a directive they say that it
// is none.
func (p *parser) escape(plain *strings.Builder) node {
	n := 0
	for p.peek(n) == '\\' {
		n++
	}
	slashes := p.s[p.i : p.i+n]
	p.i += n
	switch p.peek(0) {
	case '$':
		if r := p.reference(); r != nil {
			r.slashes = n
			return r
		}
	case '#':
		name, _ := p.word(p.i + 1)
		if name == "" || !p.knows(name) && p.macros[name] == nil {
			break
		}
		plain.WriteString(slashes[:n/2])
		if n%2 == 1 {
			plain.WriteString(p.s[p.i : p.i+1])
			p.i++
		}
		return nil
	}
	plain.WriteString(slashes)
	return nil
}

// directives are the words that mean something after #.
var directives = map[string]bool{
	"set": true, "if": true, "else": true, "elseif": true, "end": true, "foreach": true, "macro": true, "define": true, "evaluate": true,
	"break": true, "stop": true, "include": true, "parse": true,
}

// word reads the name of a directive at i, which may be in braces, and returns
// where it ends.
func (p *parser) word(i int) (name string, end int) {
	braces := i < len(p.s) && p.s[i] == '{'
	if braces {
		i++
	}
	j := i
	if j < len(p.s) && p.s[j] == '@' {
		j++
	}
	for j < len(p.s) && isNamePart(p.s[j]) {
		j++
	}
	name, end = p.s[i:j], j
	if braces {
		if j >= len(p.s) || p.s[j] != '}' {
			return "", i
		}
		end++
	}
	return name, end
}

func isNameStart(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isNamePart(c byte) bool  { return isNameStart(c) || c == '-' || '0' <= c && c <= '9' }

// hash reads what begins with #. ok is false if that is nothing but text; end is
// the word that ends the block that p is in.
func (p *parser) hash(plain *strings.Builder, in string) (n node, end string, ok bool) {
	switch {
	case p.at("##"):
		if j := strings.IndexByte(p.rest(), '\n'); j >= 0 {
			p.i += j + 1
		} else {
			p.i = len(p.s)
		}
		return nil, "", true
	case p.at("#*"):
		if j := strings.Index(p.rest(), "*#"); j >= 0 {
			p.i += j + 2
		} else {
			p.i = len(p.s)
		}
		return nil, "", true
	case p.at("#[["):
		j := strings.Index(p.rest(), "]]#")
		if j < 0 {
			p.fail("#[[ is not closed by ]]#")
			return nil, "", true
		}
		plain.WriteString(p.s[p.i+3 : p.i+j])
		p.i += j + 3
		return nil, "", true
	}
	name, after := p.word(p.i + 1)
	if name == "" || !isNameStart(name[0]) && name[0] != '@' {
		return nil, "", false
	}
	braced := p.s[p.i+1] == '{'
	if !braced && !p.knows(name) { // #elsefoo and #endfoo end what they begin with
		for _, w := range []string{"elseif", "else", "end"} {
			if strings.HasPrefix(name, w) && p.macros[name] == nil && !(after < len(p.s) && p.s[after] == '(') {
				name, after = w, p.i+1+len(w)
				break
			}
		}
	}
	start := p.i
	p.i = after
	switch name {
	case "end":
		if in == "" {
			p.fail("#end without a directive that it ends")
			return nil, "", true
		}
		p.gobble()
		return nil, name, true
	case "else", "elseif":
		if in != "if" && in != "foreach" {
			p.fail("#" + name + " without #if")
			return nil, "", true
		}
		if name == "else" {
			p.gobble()
		}
		return nil, name, true
	}
	n, ok = p.directive(name, plain)
	if !ok {
		p.i = start
	}
	return n, "", ok
}

// gobble skips the rest of a line if there is nothing on it.
func (p *parser) gobble() {
	j := p.i
	for j < len(p.s) && (p.s[j] == ' ' || p.s[j] == '\t') {
		j++
	}
	switch {
	case strings.HasPrefix(p.s[j:], "\r\n"):
		p.i = j + 2
	case j < len(p.s) && (p.s[j] == '\n' || p.s[j] == '\r'):
		p.i = j + 1
	}
}

// open reads a bracket that may follow after blanks.
func (p *parser) open() bool {
	j := p.i
	for j < len(p.s) && (p.s[j] == ' ' || p.s[j] == '\t') {
		j++
	}
	if j < len(p.s) && p.s[j] == '(' {
		p.i = j + 1
		return true
	}
	return false
}

// close reads the bracket that ends a directive, and the end of its line.
func (p *parser) close() {
	p.space()
	if p.peek(0) != ')' {
		p.fail("expected )")
		return
	}
	p.i++
	p.gobble()
}

// directive reads what follows after the word of a directive.
func (p *parser) directive(name string, plain *strings.Builder) (node, bool) {
	switch name {
	case "set":
		return p.set(plain)
	case "if":
		return p.branches()
	case "foreach":
		return p.foreach()
	case "macro":
		return nil, p.macro()
	case "define":
		return p.define()
	case "evaluate":
		if !p.open() {
			return nil, false
		}
		e := p.expr()
		p.close()
		return &evaluate{e}, true
	case "break", "stop":
		if p.open() {
			if p.space(); p.peek(0) != ')' {
				p.expr()
			}
			p.close()
		}
		return leave(name), true
	case "return":
		if p.returns {
			return p.returning(), true
		}
	case "include", "parse":
		p.fail("#" + name + " is not supported: a template cannot read others")
		return nil, true
	}
	return p.call(name)
}

// returning reads what follows after #return.
func (p *parser) returning() node {
	var e expr
	if p.open() {
		if p.space(); p.peek(0) != ')' {
			e = p.expr()
		}
		p.close()
	}
	return &returns{e}
}

func (p *parser) set(plain *strings.Builder) (node, bool) {
	if !p.open() {
		return nil, false
	}
	p.space()
	r := p.reference()
	if r == nil {
		p.fail("#set needs a reference to set")
		return nil, true
	}
	p.space()
	if p.peek(0) != '=' {
		p.fail("#set needs a =")
		return nil, true
	}
	p.i++
	e := p.expr()
	p.close()
	// The blanks before #set are not printed.
	before := strings.TrimRight(plain.String(), " \t")
	plain.Reset()
	plain.WriteString(before)
	return &set{r, e}, true
}

func (p *parser) branches() (node, bool) {
	if !p.open() {
		return nil, false
	}
	n := new(choice)
	for p.err == nil {
		cond := p.expr()
		p.close()
		body, end := p.block("if")
		n.branches = append(n.branches, branch{cond, body})
		switch end {
		case "elseif":
			if !p.open() {
				p.fail("#elseif needs a condition")
			}
			continue
		case "else":
			if n.otherwise, end = p.block("if"); end != "end" {
				p.fail("#else is not ended")
			}
		case "":
			p.fail("#if is not ended")
		}
		break
	}
	return n, true
}

func (p *parser) foreach() (node, bool) {
	if !p.open() {
		return nil, false
	}
	p.space()
	r := p.reference()
	if r == nil || len(r.parts) > 0 {
		p.fail("#foreach needs a variable")
		return nil, true
	}
	p.space()
	if !p.at("in") {
		p.fail("#foreach needs in")
		return nil, true
	}
	p.i += 2
	n := &loop{name: r.name, over: p.expr()}
	p.close()
	var end string
	if n.body, end = p.block("foreach"); end == "else" {
		n.otherwise, end = p.block("if")
	}
	if end != "end" {
		p.fail("#foreach is not ended")
	}
	return n, true
}

func (p *parser) define() (node, bool) {
	if !p.open() {
		return nil, false
	}
	p.space()
	r := p.reference()
	if r == nil || len(r.parts) > 0 {
		p.fail("#define needs a variable")
		return nil, true
	}
	p.close()
	return &define{r.name, p.body("define")}, true
}

// body reads a block that only #end ends.
func (p *parser) body(of string) []node {
	nodes, end := p.block(of)
	if end != "end" {
		p.fail("#" + of + " is not ended")
	}
	return nodes
}

// macro reads the definition of a macro. The first of a name stays.
func (p *parser) macro() bool {
	if !p.open() {
		return false
	}
	p.space()
	name, end := p.word(p.i)
	if name == "" {
		p.fail("#macro needs a name")
		return true
	}
	p.i = end
	m := new(macro)
	for p.space(); p.more() && p.peek(0) != ')'; p.space() {
		if p.peek(0) == ',' {
			p.i++
			continue
		}
		r := p.reference()
		if r == nil || len(r.parts) > 0 {
			p.fail("the arguments of #macro are variables")
			return true
		}
		var usual expr
		if p.space(); p.peek(0) == '=' {
			p.i++
			usual = p.expr()
		}
		m.args = append(m.args, r.name)
		m.usual = append(m.usual, usual)
	}
	p.close()
	if p.macros[name] == nil {
		p.macros[name] = m // before its body, so that it can call itself
	}
	m.body = p.body("macro")
	return true
}

// call reads a call of a macro: #name(args), or #@name(args) body #end.
func (p *parser) call(name string) (node, bool) {
	n := &invoke{name: name}
	start := p.i
	name, n.block = strings.CutPrefix(name, "@")
	n.name = name
	if !p.open() {
		return nil, false
	}
	for p.space(); p.more() && p.peek(0) != ')'; p.space() {
		if p.peek(0) == ',' {
			p.i++
			continue
		}
		before := p.i
		n.args = append(n.args, p.expr())
		if p.i == before {
			break
		}
	}
	if p.err != nil && p.macros[name] == nil { // then it is text that looks like a call
		p.err = nil
		return nil, false
	}
	p.close()
	n.literal = p.s[start-len(name)-1 : p.i]
	if n.block {
		n.body = p.body("@" + name)
	}
	return n, true
}

// space skips blanks and ends of lines.
func (p *parser) space() {
	for p.more() && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}
