package jsonata

import (
	"errors"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// ErrFunction says that an expression gives a function, which is no JSON.
var ErrFunction = errors.New("the result is a function")

// Program is a parsed expression.
type Program struct {
	text string
	root *node
}

// Env is what an expression sees, and who answers for time and chance.
type Env struct {
	Input    tree.Value                           // what $ is; Undefined for nothing
	Bindings func(name string) (tree.Value, bool) // variables, by name without $
	Now      func() time.Time
	Random   func() float64
	UUID     func() string
	Eval     bool // $eval is there; Step Functions does without
	MaxDepth int  // how deep evaluations nest, 0 for as deep as is safe
}

// The bounds of one evaluation.
const (
	maxDepth  = 3000
	maxSteps  = 4_000_000
	maxMemory = 128 << 20 // bytes of what was made in all, roughly
)

// machine is one evaluation.
type machine struct {
	env    Env
	depth  int
	limit  int
	steps  int
	memory int
	start  time.Time
	root   *frame
}

func (m *machine) tick() {
	if m.steps++; m.steps > maxSteps {
		fail("U1002")
	}
}

// spend counts memory that something needs.
func (m *machine) spend(bytes int) {
	if m.memory += bytes; m.memory > maxMemory || bytes < 0 {
		fail("U1003")
	}
}

// now is when the evaluation began: it does not move.
func (m *machine) now() time.Time {
	if m.start.IsZero() {
		m.start = m.env.Now()
	}
	return m.start
}

// Eval computes the expression.
func (p *Program) Eval(env Env) (out tree.Value, err error) {
	defer rescue(&err)
	m := &machine{env: env, limit: env.MaxDepth}
	if m.limit == 0 {
		m.limit = maxDepth
	}
	var in value = env.Input
	if list, ok := in.([]value); ok {
		in = &seq{items: []value{list}, sequence: true, outer: true}
	}
	m.root = &frame{lookup: env.Bindings}
	m.root.bind("$", in)
	v := m.eval(p.root, in, m.root)
	if s, ok := v.(*seq); ok && s.outer {
		v = s.items[0]
	}
	return m.output(v)
}

// Check says what of the expression Step Functions does not support: there is
// no input, so nothing can be read from it.
func (p *Program) Check() []string {
	var found []string
	checkTop(p.root, false, &found)
	return found
}

func checkTop(n *node, inside bool, found *[]string) {
	if n == nil {
		return
	}
	say := func(what string) {
		if !slices.Contains(*found, what) {
			*found = append(*found, what)
		}
	}
	if !inside {
		switch {
		case n.kind == nPath && n.list[0].kind == nName:
			say("Reference to '" + n.list[0].text + "' at the top level is not supported.")
		case n.kind == nVariable && n.text == "$":
			say("Reference to '$$' is not supported.")
		case n.kind == nVariable && n.text == "":
			say("Reference to '$' at the top level is not supported.")
		}
	}
	switch n.kind {
	case nPath:
		for i, s := range n.list {
			checkTop(s, inside || i > 0, found)
		}
	case nTransform: // what it reads is what it is called with
		return
	case nName:
		return
	}
	for _, s := range n.stages {
		checkTop(s.filter, true, found)
	}
	if n.kind != nPath {
		for _, x := range n.list {
			checkTop(x, inside, found)
		}
	}
	for _, x := range []*node{n.left, n.right, n.other} {
		checkTop(x, inside, found)
	}
	for _, p := range n.pairs {
		checkTop(p[0], inside, found)
		checkTop(p[1], inside, found)
	}
}

// Variables are the names of the variables that the expression reads and does
// not bind itself.
func (p *Program) Variables() []string {
	var names []string
	bound := map[string]bool{}
	visit(p.root, func(n *node) {
		if n.kind == nBind {
			bound[n.left.text] = true
		}
		for _, name := range n.names {
			bound[name] = true
		}
		bound[n.focus], bound[n.index] = true, true
		for _, s := range n.stages {
			bound[s.index] = true
		}
	})
	visit(p.root, func(n *node) {
		if n.kind == nVariable && n.text != "" && n.text != "$" && !bound[n.text] && builtins[n.text] == nil && !slices.Contains(names, n.text) {
			names = append(names, n.text)
		}
	})
	return names
}

// visit calls f for n and everything below.
func visit(n *node, f func(*node)) {
	if n == nil {
		return
	}
	f(n)
	for _, x := range []*node{n.left, n.right, n.other} {
		visit(x, f)
	}
	for _, x := range n.list {
		visit(x, f)
	}
	for _, pairs := range [][][2]*node{n.pairs, n.group} {
		for _, p := range pairs {
			visit(p[0], f)
			visit(p[1], f)
		}
	}
	for _, t := range n.terms {
		visit(t.expr, f)
	}
	for _, s := range n.stages {
		visit(s.filter, f)
	}
}
