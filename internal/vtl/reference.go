package vtl

import (
	"errors"
	"slices"
	"strings"
)

// A reference is $name with what follows.
type reference struct {
	name      string
	quiet     bool
	parts     []part
	otherwise expr // of ${name|otherwise}
	slashes   int  // before it
	literal   string
}

type part struct {
	name  string
	call  bool
	args  []expr
	index expr
}

func (f *reference) run(r *run) error {
	v, err := f.eval(r)
	if err != nil {
		return err
	}
	slashes := strings.Repeat(`\`, f.slashes)
	if f.slashes > 0 {
		if v == nil && !r.Quiet {
			return r.print(slashes + f.literal)
		}
		if slashes = slashes[:f.slashes/2]; f.slashes%2 == 1 {
			return r.print(slashes + f.literal)
		}
	}
	switch {
	case v != nil:
		s := String(v)
		return r.print(slashes + s)
	case f.quiet || r.Quiet:
		return r.print(slashes)
	}
	return r.print(slashes + f.literal)
}

func (f *reference) eval(r *run) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	if r.depth++; r.depth > maxDepth {
		return nil, errDeep
	}
	defer func() { r.depth-- }()
	v, err := r.walk(r.lookup(f.name), f.parts)
	if err == nil && v == nil && f.otherwise != nil {
		return f.otherwise.eval(r)
	}
	return v, err
}

// walk follows the parts of a reference.
func (r *run) walk(v any, parts []part) (any, error) {
	for i := range parts {
		if v == nil {
			return nil, nil
		}
		p := &parts[i]
		switch {
		case p.index != nil:
			index, err := p.index.eval(r)
			if err != nil {
				return nil, err
			}
			v = at(v, index)
		case p.call:
			args := make([]any, len(p.args))
			for i, a := range p.args {
				var err error
				if args[i], err = a.eval(r); err != nil {
					return nil, err
				}
			}
			got, err := r.call(v, p.name, args)
			if err != nil && !errors.Is(err, ErrNoMethod) {
				return nil, err
			}
			v = got
		default:
			v = get(v, p.name)
		}
	}
	return v, nil
}

// reference reads a reference, or returns nil and reads nothing if there is none.
func (p *parser) reference() *reference {
	start := p.i
	if p.peek(0) != '$' {
		return nil
	}
	p.i++
	r := new(reference)
	if p.peek(0) == '!' {
		r.quiet = true
		p.i++
	}
	braces := p.peek(0) == '{'
	if braces {
		p.i++
	}
	if !isNameStart(p.peek(0)) {
		p.i = start
		return nil
	}
	r.name = p.name()
	for p.more() && p.part(r) {
		if len(r.parts) > maxDepth {
			p.fail("nested too deep")
		}
	}
	if braces {
		if p.peek(0) == '|' {
			p.i++
			r.otherwise = p.expr()
			p.space()
		}
		if p.peek(0) != '}' {
			if p.err == nil {
				p.i = start
			}
			return nil
		}
		p.i++
	}
	r.literal = p.s[start:p.i]
	return r
}

func (p *parser) name() string {
	j := p.i
	for j < len(p.s) && isNamePart(p.s[j]) {
		j++
	}
	name := p.s[p.i:j]
	p.i = j
	return name
}

// part reads .name, .name(args) or [index] of a reference, if there is one.
func (p *parser) part(r *reference) bool {
	switch {
	case p.peek(0) == '.' && isNameStart(p.peek(1)):
		p.i++
		n := part{name: p.name()}
		if start, before := p.i, p.err; p.peek(0) == '(' {
			p.i++
			n.call, n.args = true, p.list(')')
			if p.err != nil && before == nil { // it is text then
				p.i, p.err, n.call = start, nil, false
			}
		}
		r.parts = append(r.parts, n)
		return true
	case p.peek(0) == '[':
		start, before := p.i, p.err
		p.i++
		index := p.expr()
		p.space()
		if p.err != nil || p.peek(0) != ']' { // it is text then
			p.i, p.err = start, before
			return false
		}
		p.i++
		r.parts = append(r.parts, part{index: index})
		return true
	}
	return false
}

// list reads expressions with commas between them, and what closes them.
func (p *parser) list(closer byte) []expr {
	var all []expr
	for p.space(); p.more() && p.peek(0) != closer; p.space() {
		if len(all) > 0 {
			if p.peek(0) != ',' {
				p.fail("expected ,")
				break
			}
			p.i++
		}
		all = append(all, p.expr())
	}
	if p.peek(0) != closer {
		p.fail("expected " + string(closer))
		return nil
	}
	p.i++
	return slices.Clip(all)
}
