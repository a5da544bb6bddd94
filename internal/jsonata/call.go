package jsonata

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// function is a function of an expression, one of ours, or what was made of others.
type function struct {
	lambda *node
	frame  *frame
	input  value

	name      string
	signature *signature
	native    func(m *machine, args []value, in value) value
	params    int

	first *function // of a chain: the other is called with what this one gives
	then  *function
	bound []value // of a partial application; a hole is nil
	holes []bool
	match bool // takes a text and gives matches
}

// arity is how many parameters a function has.
func (f *function) arity() int {
	switch {
	case f.bound != nil:
		n := 0
		for _, h := range f.holes {
			if h {
				n++
			}
		}
		return n
	case f.lambda != nil:
		return len(f.lambda.names)
	case f.first != nil:
		return 1
	case f.signature != nil:
		return f.signature.required
	}
	return f.params
}

// tail is a call that is still to be made, in place of its result.
type tail struct {
	f    *function
	args []value
	in   value
}

// apply calls f. Calls that a function ends with need no depth.
func (m *machine) apply(f *function, args []value, in value) value {
	v := m.applyOnce(f, args, in)
	for {
		t, more := v.(*tail)
		if !more {
			return v
		}
		m.tick()
		v = m.applyOnce(t.f, t.args, t.in)
	}
}

func (m *machine) applyOnce(f *function, args []value, in value) value {
	m.tick()
	if f == nil {
		fail("T1006")
	}
	if m.depth++; m.depth > m.limit {
		fail("U1001")
	}
	v := m.invoke(f, args, in)
	m.depth--
	return v
}

func (m *machine) invoke(f *function, args []value, in value) value {
	if f.signature != nil {
		args = f.signature.check(f.name, args, in)
	}
	switch {
	case f.native != nil:
		return f.native(m, args, in)
	case f.first != nil:
		return m.apply(f.then, []value{m.apply(f.first, args, in)}, in)
	case f.bound != nil:
		all := slices.Clone(f.bound)
		for i := range all {
			if f.holes[i] {
				all[i] = undef
				if len(args) > 0 {
					all[i], args = args[0], args[1:]
				}
			}
		}
		return m.apply(f.then, append(all, args...), in)
	}
	if sig := f.lambda.signature; sig != nil {
		args = sig.check(f.name, args, f.input)
	}
	inner := &frame{parent: f.frame}
	for i, name := range f.lambda.names {
		v := undef
		if i < len(args) {
			v = args[i]
		}
		inner.bind(name, v)
	}
	return m.evalTail(f.lambda.right, f.input, inner)
}

// evalTail computes the body of a function, and leaves a call at its end to be made.
func (m *machine) evalTail(n *node, in value, f *frame) value {
	if n.stages != nil || n.hasGroup || n.keep {
		return m.eval(n, in, f)
	}
	switch n.kind {
	case nCall:
		fn, args := m.callee(n, in, f, nil)
		return &tail{fn, args, in}
	case nCondition:
		if truth(m.eval(n.left, in, f)) {
			return m.evalTail(n.right, in, f)
		}
		if n.other == nil {
			return undef
		}
		return m.evalTail(n.other, in, f)
	case nBlock:
		if len(n.list) == 0 {
			return undef
		}
		inner := &frame{parent: f}
		for _, x := range n.list[:len(n.list)-1] {
			m.eval(x, in, inner)
		}
		return m.evalTail(n.list[len(n.list)-1], in, inner)
	}
	return m.eval(n, in, f)
}

func (m *machine) call(n *node, in value, f *frame, first []value) value {
	fn, args := m.callee(n, in, f, first)
	return m.apply(fn, args, in)
}

// callee is what a call calls, and with what.
func (m *machine) callee(n *node, in value, f *frame, first []value) (*function, []value) {
	fn, ok := asFunction(m.eval(n.left, in, f))
	if !ok {
		failCall(n.left, f, "T1005", "T1006")
	}
	args := slices.Clone(first)
	for _, a := range n.list {
		args = append(args, m.eval(a, in, f))
	}
	return fn, args
}

// failCall refuses to call what is no function, with a guess at what was meant.
func failCall(callee *node, f *frame, meant, plainly string) {
	if callee.kind == nPath && len(callee.list) == 1 && callee.list[0].kind == nName {
		if _, ok := asFunction(f.get(callee.list[0].text)); ok {
			fail(meant, callee.list[0].text)
		}
	}
	fail(plainly)
}

// asFunction is v as a function; so are regular expressions.
func asFunction(v value) (*function, bool) {
	if f, ok := v.(*function); ok {
		return f, true
	}
	if re, ok := asRegex(v); ok {
		return matcher(re), true
	}
	return nil, false
}

func (m *machine) partial(n *node, in value, f *frame) value {
	fn, ok := asFunction(m.eval(n.left, in, f))
	if !ok {
		failCall(n.left, f, "T1007", "T1008")
	}
	p := &function{then: fn, bound: []value{}}
	for _, a := range n.list {
		p.holes = append(p.holes, a.kind == nHole)
		var v value
		if a.kind != nHole {
			v = m.eval(a, in, f)
		}
		p.bound = append(p.bound, v)
	}
	return p
}

// applyTo is left ~> right: right called with left as its first argument.
func (m *machine) applyTo(n *node, in value, f *frame) value {
	if n.right.kind == nCall && n.right.stages == nil {
		left := m.eval(n.left, in, f)
		return unwrap(m.call(n.right, in, f, []value{left}), n.right.keep)
	}
	left := m.eval(n.left, in, f)
	right, ok := asFunction(m.eval(n.right, in, f))
	if !ok {
		fail("T2006")
	}
	if first, ok := asFunction(left); ok {
		return &function{first: first, then: right}
	}
	return m.apply(right, []value{left}, undef)
}

// transformer is |location|update, delete|: a function that changes a copy.
func (m *machine) transformer(n *node, f *frame) value {
	change := func(m *machine, args []value, _ value) value {
		if isUndef(args[0]) {
			return undef
		}
		// What is found is known by its identity, so the copy is searched.
		copied := m.clone(args[0])
		for _, found := range asList(m.eval(n.left, copied, f)) {
			o, ok := found.(*tree.Object)
			if !ok {
				continue
			}
			if update := m.eval(n.right, o, f); !isUndef(update) {
				with, ok := update.(*tree.Object)
				if !ok {
					fail("T2011", stringify(update))
				}
				for k, v := range with.All() {
					o.Set(k, v)
				}
			}
			if n.other != nil {
				m.remove(o, m.eval(n.other, o, f))
			}
		}
		return copied
	}
	return &function{native: change, signature: parseSignature("<(oa):o>")}
}

func (m *machine) remove(o *tree.Object, names value) {
	for _, name := range asList(names) {
		text, ok := name.(string)
		if !ok {
			fail("T2012", stringify(names))
		}
		o.Delete(text)
	}
}

func (m *machine) clone(v value) value {
	m.tick()
	m.spend(32)
	if list, ok := listOf(v); ok {
		out := make([]value, len(list))
		for i, x := range list {
			out[i] = m.clone(x)
		}
		return out
	}
	if o, ok := v.(*tree.Object); ok {
		out := &tree.Object{}
		for k, x := range o.All() {
			out.Set(k, m.clone(x))
		}
		return out
	}
	return v
}

func newObject() *tree.Object { return &tree.Object{} }
