package jsonpath

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Path is a parsed path.
type Path struct {
	text     string
	root     string // "" for the input, "$" for the Context object, else a variable's name
	steps    []step
	function string // what is computed of the value: length, min ...
	arg      string
}

type kind int

const (
	member kind = iota // names
	index              // indexes, one or several
	slice
	wild
	descent // .. before the next step
	filtered
)

type step struct {
	kind     kind
	names    []string
	indexes  []int
	from, to *int
	filter   *condition
}

const maxNesting = 50 // of conditions in a filter

// Parse reads a path.
func Parse(text string) (*Path, error) {
	p := &parser{s: text}
	path := &Path{text: text}
	if !strings.HasPrefix(text, "$") {
		return nil, fmt.Errorf("Path must start with '$'")
	}
	p.i = 1
	if strings.HasPrefix(text[1:], "$") {
		p.i, path.root = 2, "$"
	} else {
		path.root = p.identifier()
	}
	if err := p.steps(path); err != nil {
		return nil, err
	}
	if p.i < len(p.s) {
		return nil, p.errorf("Could not parse token starting at position %d", p.i)
	}
	return path, nil
}

// String is the path as it was written.
func (p *Path) String() string { return p.text }

// Root is what the path begins at: "" for the input, "$" for the Context
// object, else the name of a variable.
func (p *Path) Root() string { return p.root }

// Whole reports whether the path is the root itself.
func (p *Path) Whole() bool { return len(p.steps) == 0 && p.function == "" }

// Definite reports whether the path can match in one place only.
func (p *Path) Definite() bool {
	for _, s := range p.steps {
		if s.kind > index || len(s.names) > 1 && s.kind != member || len(s.indexes) > 1 {
			return false
		}
	}
	return true
}

// Reference reports whether the path is a reference path: names and indexes, one at a time.
func (p *Path) Reference() bool {
	if !p.Definite() || p.function != "" {
		return false
	}
	for _, s := range p.steps {
		if len(s.names) > 1 {
			return false
		}
	}
	return true
}

type parser struct {
	s     string
	i     int
	depth int
}

func (p *parser) errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

func (p *parser) identifier() string {
	start := p.i
	for i, r := range p.s[p.i:] {
		if !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r)) {
			p.i = start + i
			return p.s[start:p.i]
		}
	}
	p.i = len(p.s)
	return p.s[start:]
}

func (p *parser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *parser) space() {
	for p.peek() == ' ' {
		p.i++
	}
}

func (p *parser) steps(path *Path) error {
	for p.i < len(p.s) && path.function == "" {
		switch p.s[p.i] {
		case '.':
			p.i++
			if p.peek() == '.' {
				p.i++
				path.steps = append(path.steps, step{kind: descent})
			}
			if p.peek() == '[' { // $.[0] is $[0]
				break
			}
			if err := p.dotted(path); err != nil {
				return err
			}
		case '[':
			s, err := p.bracket()
			if err != nil {
				return err
			}
			path.steps = append(path.steps, s)
		default:
			return nil
		}
	}
	if n := len(path.steps); n > 0 && path.steps[n-1].kind == descent {
		return p.errorf("Path must not end with a '.' or '..'")
	}
	return nil
}

// dotted reads a name, a wildcard or a function after a dot.
func (p *parser) dotted(path *Path) error {
	if p.peek() == '*' {
		p.i++
		path.steps = append(path.steps, step{kind: wild})
		return nil
	}
	start := p.i
	for p.i < len(p.s) && !strings.ContainsRune(".[ ()=<>!&|,~]", rune(p.s[p.i])) {
		p.i++
	}
	name := p.s[start:p.i]
	if name == "" {
		return p.errorf("Path must not end with a '.' or '..'")
	}
	if p.peek() == '(' {
		end := strings.IndexByte(p.s[p.i:], ')')
		if end < 0 || !functions[name] {
			return p.errorf("Function of name: %s cannot be created", name)
		}
		path.function, path.arg = name, strings.TrimSpace(p.s[p.i+1:p.i+end])
		p.i += end + 1
		return nil
	}
	path.steps = append(path.steps, step{kind: member, names: []string{name}})
	return nil
}

func (p *parser) bracket() (step, error) {
	p.i++
	p.space()
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		return p.quotedNames()
	case c == '*':
		p.i++
		return step{kind: wild}, p.close()
	case c == '?':
		return p.filterStep()
	case c == '-' || c == ':' || c >= '0' && c <= '9':
		return p.indexes()
	}
	return step{}, p.errorf("'[' must be followed by ' or '['")
}

func (p *parser) close() error {
	p.space()
	if p.peek() != ']' {
		return p.errorf("Property is not separated by comma or closed with ']'")
	}
	p.i++
	return nil
}

func (p *parser) quotedNames() (step, error) {
	s := step{kind: member}
	for {
		name, err := p.quoted()
		if err != nil {
			return s, err
		}
		s.names = append(s.names, name)
		p.space()
		if p.peek() != ',' {
			return s, p.close()
		}
		p.i++
		p.space()
		if c := p.peek(); c != '\'' && c != '"' {
			return s, p.errorf("Found empty property at index %d", p.i)
		}
	}
}

func (p *parser) quoted() (string, error) {
	quote := p.s[p.i]
	var b strings.Builder
	for p.i++; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == quote:
			p.i++
			return b.String(), nil
		case c == '\\' && p.i+1 < len(p.s):
			p.i++
			b.WriteString(unescape(p.s[p.i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", p.errorf("Property has not been closed - missing closing %c", quote)
}

func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case 'b':
		return "\b"
	case 'f':
		return "\f"
	}
	return string(c)
}

func (p *parser) indexes() (step, error) {
	end := strings.IndexByte(p.s[p.i:], ']')
	if end < 0 {
		return step{}, p.errorf("Could not parse token starting at position %d. Expected ?, ', 0-9, * ", p.i)
	}
	text := strings.TrimSpace(p.s[p.i : p.i+end])
	p.i += end + 1
	if from, to, ok := strings.Cut(text, ":"); ok {
		s := step{kind: slice}
		var err error
		if s.from, err = bound(from); err == nil {
			s.to, err = bound(to)
		}
		if err != nil || s.from == nil && s.to == nil {
			return s, p.errorf("Failed to parse SliceOperation: %s", text)
		}
		return s, nil
	}
	s := step{kind: index}
	for t := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(t))
		if err != nil {
			return s, p.errorf("Failed to parse token in ArrayIndexOperation: %s", t)
		}
		s.indexes = append(s.indexes, n)
	}
	return s, nil
}

func bound(t string) (*int, error) {
	if t = strings.TrimSpace(t); t == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(t)
	return &n, err
}

func (p *parser) filterStep() (step, error) {
	p.i++
	p.space()
	if p.peek() != '(' {
		return step{}, p.errorf("Expected character: (")
	}
	c, err := p.or()
	if err != nil {
		return step{}, err
	}
	return step{kind: filtered, filter: c}, p.close()
}

// or reads conditions joined by ||, which binds less than &&.
func (p *parser) or() (*condition, error) {
	return p.joined("||", func() (*condition, error) { return p.joined("&&", p.unary) })
}

func (p *parser) joined(operator string, next func() (*condition, error)) (*condition, error) {
	c, err := next()
	if err != nil {
		return nil, err
	}
	for {
		p.space()
		if !strings.HasPrefix(p.s[p.i:], operator) {
			return c, nil
		}
		p.i += 2
		right, err := next()
		if err != nil {
			return nil, err
		}
		c = &condition{operator: operator, parts: []*condition{c, right}}
	}
}

func (p *parser) unary() (*condition, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.errorf("Filter is nested too deep")
	}
	defer func() { p.depth-- }()
	p.space()
	switch p.peek() {
	case '!':
		p.i++
		c, err := p.unary()
		return &condition{operator: "!", parts: []*condition{c}}, err
	case '(':
		p.i++
		c, err := p.or()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.peek() != ')' {
			return nil, p.errorf("Expected character: )")
		}
		p.i++
		return c, nil
	}
	return p.comparison()
}

var operators = []string{"===", "!==", "==", "!=", "=~", "<=", ">=", "<>", "<", ">"}
var words = []string{"in", "nin", "subsetof", "anyof", "noneof", "size", "empty", "contains"}

func (p *parser) comparison() (*condition, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.space()
	op := ""
	for _, o := range operators {
		if strings.HasPrefix(p.s[p.i:], o) {
			op = o
			break
		}
	}
	if op == "" {
		rest := strings.ToLower(p.s[p.i:])
		for _, o := range words {
			if strings.HasPrefix(rest, o+" ") || strings.HasPrefix(rest, o+"[") {
				op = o
				break
			}
		}
	}
	if op == "" {
		return &condition{operator: "exists", left: left}, nil
	}
	p.i += len(op)
	p.space()
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	if op == "=~" && right.pattern == nil {
		return nil, p.errorf("Expected a regular expression after =~")
	}
	return &condition{operator: op, left: left, right: right}, nil
}

func (p *parser) operand() (*operand, error) {
	switch c := p.peek(); {
	case c == '@' || c == '$':
		path := &Path{text: p.s[p.i:]}
		start := p.i
		p.i++
		if err := p.steps(path); err != nil {
			return nil, err
		}
		path.text = p.s[start:p.i]
		return &operand{path: path, local: c == '@'}, nil
	case c == '\'' || c == '"':
		s, err := p.quoted()
		return &operand{value: s}, err
	case c == '/':
		return p.pattern()
	case c == '[' || c == '{':
		return p.literal()
	}
	start := p.i
	for p.i < len(p.s) && !strings.ContainsRune(" )&|=<>!,]", rune(p.s[p.i])) {
		p.i++
	}
	text := p.s[start:p.i]
	v, err := tree.ParseString(text)
	if err != nil {
		// A word without quotes is a string.
		if text == "" || strings.ContainsAny(text[:1], "0123456789-'\"@?*") {
			return nil, p.errorf("Could not parse token starting at position %d", start)
		}
		v = text
	}
	return &operand{value: v}, nil
}

// literal reads a JSON array or object, whose strings may be in single quotes.
func (p *parser) literal() (*operand, error) {
	var b strings.Builder
	depth := 0
	for p.i < len(p.s) {
		c := p.s[p.i]
		if c == '\'' || c == '"' {
			s, err := p.quoted()
			if err != nil {
				return nil, err
			}
			b.Write(tree.AppendString(nil, s))
			continue
		}
		p.i++
		b.WriteByte(c)
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if depth == 0 {
			break
		}
	}
	v, err := tree.ParseString(b.String())
	return &operand{value: v}, err
}

func (p *parser) pattern() (*operand, error) {
	start := p.i + 1
	for p.i++; p.i < len(p.s) && p.s[p.i] != '/'; p.i++ {
		if p.s[p.i] == '\\' {
			p.i++
		}
	}
	if p.i >= len(p.s) {
		return nil, p.errorf("Pattern not closed")
	}
	text := strings.ReplaceAll(p.s[start:p.i], `\/`, "/")
	flags := ""
	for p.i++; strings.IndexByte("ismxud", p.peek()) >= 0 && p.peek() != 0; p.i++ {
		if c := p.peek(); c == 'i' || c == 's' || c == 'm' {
			flags += string(c)
		}
	}
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	re, err := regexp.Compile(flags + `^(?:` + text + `)$`)
	if err != nil {
		return nil, err
	}
	return &operand{pattern: re}, nil
}
