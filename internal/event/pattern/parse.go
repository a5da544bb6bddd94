package pattern

import (
	"errors"
	"fmt"
	"slices"
)

// maxAlternatives is how many alternatives $or may make of a pattern.
const maxAlternatives = 1000

// errComplex is the refusal of globs that cost too much.
var errComplex = errors.New("Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character")

// reserved are keys that an object below $or cannot have.
var reserved = []string{
	"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
	"=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case",
	"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
}

// A parser reads a pattern.
type parser struct {
	lexer
	dialect Dialect
	globs   []glob // of the condition that is read
}

// refuse says what is wrong with what was read last.
func (p *parser) refuse(format string, args ...any) error { return p.errorf(format, args...) }

// refuseUnread is refuse where AWS has not read the string that comes next.
func (p *parser) refuseUnread(format string, args ...any) error {
	if p.kind == tokenString {
		p.pos = p.from + 1
	}
	return p.errorf(format, args...)
}

func (p *parser) pattern() (*Pattern, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.kind != '{' {
		return nil, p.refuseUnread("Filter is not an object")
	}
	all, err := p.object([]alternative{nil}, "", false)
	if err != nil {
		return nil, err
	}
	return &Pattern{all}, nil
}

// object reads the rest of an object at path and returns all with what it asks.
func (p *parser) object(all []alternative, path string, or bool) ([]alternative, error) {
	members := 0
	for ; ; members++ {
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.kind == '}' {
			break
		}
		name := p.text
		if err := p.valueAfterKey(); err != nil {
			return nil, err
		}
		if or && slices.Contains(reserved, name) {
			return nil, p.refuseUnread("%s is Ruler reserved fieldName which cannot be used inside $or.", name)
		}
		var err error
		switch {
		case name == "$or":
			all, err = p.or(all, path)
		case p.kind == '{':
			all, err = p.object(all, join(path, name), or)
		case p.kind == '[':
			err = p.conditions(all, join(path, name))
		default:
			err = p.refuseUnread("\"%s\" must be an object or an array", name)
		}
		if err != nil {
			return nil, err
		}
	}
	if members == 0 {
		return nil, p.refuse("Empty objects are not allowed")
	}
	return all, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// or reads the objects of $or and returns all with each of them.
func (p *parser) or(all []alternative, path string) ([]alternative, error) {
	if p.kind != '[' {
		return nil, p.refuseUnread("It must be an Array followed with $or.")
	}
	var either []alternative
	objects := 0
	for ; ; objects++ {
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.kind == ']' {
			break
		}
		if p.kind != '{' {
			return nil, p.refuseUnread("Only JSON object is allowed in array of $or relationship.")
		}
		own := make([]alternative, len(all))
		for i, a := range all {
			own[i] = slices.Clone(a)
		}
		own, err := p.object(own, path, true)
		if err != nil {
			return nil, err
		}
		if either = append(either, own...); len(either) > maxAlternatives {
			return nil, fmt.Errorf("Rule is too complex - $or makes more than %d rules of it", maxAlternatives)
		}
	}
	if objects < 2 {
		return nil, p.refuse("There must have at least 2 Objects in $or relationship.")
	}
	return either, nil
}

// conditions reads the rest of an array at path into each of all. Of two at
// one path the later counts.
func (p *parser) conditions(all []alternative, path string) error {
	c := condition{path: path}
	p.globs = nil
	for {
		if err := p.next(); err != nil {
			return err
		}
		if p.kind == ']' {
			break
		}
		t, err := p.condition(&c)
		if err != nil {
			return err
		}
		if t != nil {
			c.tests = append(c.tests, t)
		}
	}
	if c.tests == nil && !c.absent {
		return p.refuse("Empty arrays are not allowed")
	}
	if len(p.globs) > 0 && tooComplex(p.globs) {
		return errComplex
	}
	for i, a := range all {
		if j := slices.IndexFunc(a, func(had condition) bool { return had.path == path }); j >= 0 {
			a[j] = c
		} else {
			all[i] = append(a, c)
		}
	}
	return nil
}

// condition reads one element; nil is that there must be no value.
func (p *parser) condition(c *condition) (test, error) {
	switch p.kind {
	case tokenString:
		return equals(p.text), nil
	case tokenNumber:
		return number(p.text), nil
	case 't', 'f', 'n':
		return literal(p.kind), nil
	case '{':
		return p.operator(c)
	}
	return nil, p.refuse("Match value must be String, number, true, false, or null")
}

// operator reads the rest of an object that is a test.
func (p *parser) operator(c *condition) (test, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.kind != tokenKey {
		return nil, p.refuse("Match expression name not found")
	}
	name := p.text
	if err := p.valueAfterKey(); err != nil {
		return nil, err
	}
	switch name {
	case "exactly":
		return p.text1("exact", str1(func(s, t string) bool { return s == t }))
	case "prefix":
		return p.affix(prefix, prefixFold, "prefix", "Prefix")
	case "suffix":
		return p.affix(suffix, suffixFold, "suffix", "Suffix")
	case "equals-ignore-case":
		return p.text1(name, fold)
	case "numeric":
		return p.numeric()
	case "anything-but":
		return p.anythingBut()
	case "exists":
		return p.exists(c)
	case "cidr":
		return p.cidr()
	case "wildcard":
		if !p.dialect.plain {
			return p.wildcard()
		}
	}
	return nil, p.refuseUnread("Unrecognized match type %s", name)
}

func str1(f func(s, t string) bool) func(string) test {
	return func(s string) test { return str(func(t string) bool { return f(s, t) }) }
}

// only reads the end of an object that has one member.
func (p *parser) only(refusal string) error {
	if err := p.next(); err != nil {
		return err
	}
	if p.kind == '}' {
		return nil
	}
	if p.kind == tokenKey { // AWS looks at the value before it hands out the key
		if err := p.valueAfterKey(); err != nil {
			return err
		}
	}
	return p.refuseUnread("%s", refusal)
}

const (
	oneKey   = "Only one key allowed in match expression"
	tooManyN = "Too many elements in numeric expression"
)

// text1 makes a test of a string that is all there is.
func (p *parser) text1(name string, make func(string) test) (test, error) {
	if p.kind != tokenString {
		return nil, p.refuse("%s match pattern must be a string", name)
	}
	t := make(p.text)
	return t, p.only(oneKey)
}

// affix reads a prefix or suffix, which may be one that ignores case.
func (p *parser) affix(plain, fold func(string) test, name, title string) (test, error) {
	if p.kind != '{' {
		return p.text1(name, plain)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.kind != tokenKey {
		return nil, p.refuse("%s expression name not found", title)
	}
	inner := p.text
	if err := p.valueAfterKey(); err != nil {
		return nil, err
	}
	if inner != "equals-ignore-case" {
		return nil, p.refuseUnread("Unsupported %s pattern: %s", name, inner)
	}
	t, err := p.text1("equals-ignore-case", fold)
	if err != nil {
		return nil, err
	}
	return t, p.only(oneKey)
}

func (p *parser) exists(c *condition) (test, error) {
	var t test
	switch p.kind {
	case 't':
		t = exists
	case 'f':
		c.absent = true
	default:
		return nil, p.refuseUnread("exists match pattern must be either true or false.")
	}
	return t, p.only(oneKey)
}

func (p *parser) cidr() (test, error) {
	if p.kind != tokenString {
		return nil, p.refuse("prefix match pattern must be a string")
	}
	t, err := cidr(p.text)
	if err != nil {
		return nil, err
	}
	return t, p.only(oneKey)
}

func (p *parser) wildcard() (test, error) {
	if p.kind != tokenString {
		return nil, p.refuse("wildcard match pattern must be a string")
	}
	g, err := p.glob()
	if err != nil {
		return nil, err
	}
	return str(g.match), p.only(oneKey)
}

// glob reads the string just read as a wildcard expression.
func (p *parser) glob() (glob, error) {
	g, err := parseGlob(p.text)
	if err != nil {
		return nil, p.refuse("%s", err)
	}
	p.globs = append(p.globs, g)
	return g, nil
}

// numeric reads the array of a numeric test.
func (p *parser) numeric() (test, error) {
	if p.kind != '[' {
		return nil, p.refuseUnread("Value of numeric must be an array.")
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.kind != tokenString {
		return nil, p.refuse("Invalid member in numeric match: %s", p.shown())
	}
	first := bound{op: p.text}
	if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, first.op) {
		if err := p.next(); err != nil {
			return nil, err
		}
		return nil, p.refuseUnread("Unrecognized numeric range operator: %s", first.op)
	}
	if err := p.bound(&first); err != nil {
		return nil, err
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	bounds := []bound{first}
	switch {
	case p.kind == ']':
	case first.op[0] != '>':
		return nil, p.refuse(tooManyN)
	default:
		second, err := p.top()
		if err != nil {
			return nil, err
		}
		if second.n < first.n || second.n == first.n && (first.op == ">" || second.op == "<") {
			return nil, p.refuse("Bottom must be less than top")
		}
		bounds = append(bounds, second)
	}
	return within(bounds...), p.only(tooManyN)
}

// top reads the upper end of a range, and the end of the array.
func (p *parser) top() (bound, error) {
	b := bound{op: p.text}
	if p.kind != tokenString {
		return b, p.refuse("Bad value in numeric range: %s", p.shown())
	}
	if b.op != "<" && b.op != "<=" {
		return b, p.refuse("Bad numeric range operator: %s", b.op)
	}
	if err := p.bound(&b); err != nil {
		return b, err
	}
	if err := p.next(); err != nil {
		return b, err
	}
	if p.kind != ']' {
		return b, p.refuse("Too many terms in numeric range expression")
	}
	return b, nil
}

// bound reads the number of b.
func (p *parser) bound(b *bound) error {
	if err := p.next(); err != nil {
		return err
	}
	if p.kind != tokenNumber {
		name := b.op
		if name == "=" {
			name = "equals"
		}
		return p.refuseUnread("Value of %s must be numeric", name)
	}
	var ok bool
	if b.n, ok = parseNumber(p.text); !ok {
		return p.refuse("Cannot compare number : %s", p.text)
	}
	return nil
}

// shown is the token just read, as it was written.
func (p *parser) shown() string {
	if p.kind == tokenString {
		return p.text
	}
	return p.src[p.from:p.pos]
}
