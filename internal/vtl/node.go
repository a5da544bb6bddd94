package vtl

import (
	"errors"
	"strings"
)

// Config is how templates run. Its zero value is Velocity's own way.
type Config struct {
	// Quiet prints nothing for references that have no value, and takes an
	// empty string for one that is not there, as API Gateway does. Else such a
	// reference prints as it was written.
	Quiet bool

	MaxOutput int // bytes that it may print; 10 MB if zero
	MaxSteps  int // nodes that it may run; a million if zero
	MaxLoop   int // rounds that one #foreach goes at most; the rest is left out; no limit if zero
}

// Errors of templates that run away.
var (
	ErrOutput = errors.New("the template prints too much")
	ErrSteps  = errors.New("the template runs too long")
)

// errLeave ends loops and templates; they are no failures.
var (
	errBreak = errors.New("#break")
	errStop  = errors.New("#stop")
)

// Render runs a template. What it sets is left in variables.
func (t *Template) Render(cfg Config, variables map[string]any) (string, error) {
	if cfg.MaxOutput == 0 {
		cfg.MaxOutput = 10 << 20
	}
	if cfg.MaxSteps == 0 {
		cfg.MaxSteps = 1_000_000
	}
	r := &run{Config: cfg, variables: variables, macros: t.macros, budget: 4 * cfg.MaxOutput}
	err := r.nodes(t.body)
	if errors.Is(err, errStop) || errors.Is(err, errBreak) {
		err = nil
	}
	return r.out.String(), err
}

// A run is one run of a template.
type run struct {
	Config
	out       strings.Builder
	variables map[string]any
	macros    map[string]*macro
	frames    []*frame // of the macros that are being run
	loop      *Loop
	steps     int
	depth     int
	budget    int // bytes that strings may still be made of
}

// A frame is what a macro's arguments are, in the frames where it was called.
type frame struct {
	args   map[string]expr
	values map[string]any
	outer  []*frame
	body   []node // $bodyContent
}

// A node is a part of a template that prints.
type node interface{ run(r *run) error }

// An expr is a part of a template that has a value.
type expr interface{ eval(r *run) (any, error) }

type text string

func (t text) run(r *run) error { return r.print(string(t)) }

func (r *run) print(s string) error {
	if r.out.Len()+len(s) > r.MaxOutput {
		return ErrOutput
	}
	r.out.WriteString(s)
	return nil
}

func (r *run) step() error {
	if r.steps++; r.steps > r.MaxSteps {
		return ErrSteps
	}
	return nil
}

// spend takes n bytes for a string that is made.
func (r *run) spend(n int) error {
	if r.budget -= n; r.budget < 0 {
		return ErrOutput
	}
	return nil
}

func (r *run) nodes(all []node) error {
	if r.depth++; r.depth > maxDepth {
		return errDeep
	}
	defer func() { r.depth-- }()
	for _, n := range all {
		if err := r.step(); err != nil {
			return err
		}
		if err := n.run(r); err != nil {
			return err
		}
	}
	return nil
}

// captured is what nodes print.
func (r *run) captured(all []node) (string, error) {
	before := r.out
	r.out = strings.Builder{}
	err := r.nodes(all)
	s := r.out.String()
	r.out = before
	if err == nil {
		err = r.spend(len(s))
	}
	return s, err
}

// A Returned is the error of a template that #return ended: it has a value.
type Returned struct{ Value any }

func (e *Returned) Error() string { return "#return" }

type returns struct{ value expr }

func (n *returns) run(r *run) error {
	out := new(Returned)
	if n.value == nil {
		return out
	}
	var err error
	if out.Value, err = n.value.eval(r); err != nil {
		return err
	}
	return out
}

type leave string

func (l leave) run(*run) error {
	if l == "stop" {
		return errStop
	}
	return errBreak
}

type set struct {
	to    *reference
	value expr
}

func (s *set) run(r *run) error {
	v, err := s.value.eval(r)
	if err != nil {
		return err
	}
	if len(s.to.parts) == 0 {
		r.assign(s.to.name, v)
		return nil
	}
	last := s.to.parts[len(s.to.parts)-1]
	target, err := r.walk(r.lookup(s.to.name), s.to.parts[:len(s.to.parts)-1])
	if err != nil || target == nil {
		return err
	}
	if last.index != nil {
		i, err := last.index.eval(r)
		if err != nil {
			return err
		}
		put(target, i, v)
		return nil
	}
	if setter, ok := target.(interface {
		Set(name string, v any) error
	}); ok {
		return setter.Set(last.name, v)
	}
	if m, ok := target.(*Map); ok && !last.call {
		m.Set(last.name, v)
	}
	return nil
}

// put sets an element of a list or a member of a map.
func put(target, index, v any) {
	switch target := target.(type) {
	case *List:
		if i, ok := index.(int64); ok {
			if i < 0 {
				i += int64(len(target.Items))
			}
			if i >= 0 && i < int64(len(target.Items)) {
				target.Items[i] = v
			}
		}
	case *Map:
		target.Set(String(index), v)
	}
}

// assign sets a variable; one that is an argument of a macro is the macro's own.
func (r *run) assign(name string, v any) {
	if n := len(r.frames); n > 0 {
		f := r.frames[n-1]
		if _, arg := f.args[name]; arg {
			if f.values == nil {
				f.values = make(map[string]any)
			}
			f.values[name] = v
			return
		}
	}
	if v == nil {
		delete(r.variables, name)
		return
	}
	r.variables[name] = v
}

// lookup returns the value of a variable, or nil.
func (r *run) lookup(name string) any {
	if n := len(r.frames); n > 0 {
		f := r.frames[n-1]
		if v, own := f.values[name]; own {
			return v
		}
		if arg := f.args[name]; arg != nil {
			inner := r.frames
			r.frames = f.outer
			v, err := arg.eval(r)
			r.frames = inner
			if err != nil {
				return nil
			}
			return v
		}
		if name == "bodyContent" && f.body != nil {
			inner := r.frames
			r.frames = f.outer
			s, err := r.captured(f.body)
			r.frames = inner
			if err != nil {
				return nil
			}
			return s
		}
	}
	switch {
	case name == "foreach" && r.loop != nil:
		return r.loop
	case name == "velocityCount" && r.loop != nil:
		return r.loop.index + 1
	case name == "velocityHasNext" && r.loop != nil:
		return r.loop.hasNext
	}
	if d, ok := r.variables[name].(*define); ok {
		s, err := r.captured(d.body)
		if err != nil {
			return nil
		}
		return s
	}
	return r.variables[name]
}

type branch struct {
	cond expr
	body []node
}

type choice struct {
	branches  []branch
	otherwise []node
}

func (c *choice) run(r *run) error {
	for _, b := range c.branches {
		v, err := b.cond.eval(r)
		if err != nil {
			return err
		}
		if truth(v) {
			return r.nodes(b.body)
		}
	}
	return r.nodes(c.otherwise)
}

// truth reports whether a value is true: what is neither false nor missing.
func truth(v any) bool {
	b, isBool := v.(bool)
	return v != nil && (!isBool || b)
}

type loop struct {
	name            string
	over            expr
	body, otherwise []node
}

// A Loop is $foreach.
type Loop struct {
	index   int64
	hasNext bool
	outer   *Loop
	stopped bool
}

// Get implements Object.
func (l *Loop) Get(name string) (any, bool) {
	switch name {
	case "index":
		return l.index, true
	case "count":
		return l.index + 1, true
	case "hasNext":
		return l.hasNext, true
	case "first":
		return l.index == 0, true
	case "last":
		return !l.hasNext, true
	case "parent":
		return l.outer, l.outer != nil
	case "topmost":
		top := l
		for top.outer != nil {
			top = top.outer
		}
		return top, true
	}
	return nil, false
}

// Call implements Object.
func (l *Loop) Call(name string, _ []any) (any, error) {
	if name == "hasNext" {
		return l.hasNext, nil
	}
	if name == "stop" {
		l.stopped = true
		return "", nil
	}
	return nil, ErrNoMethod
}

func (l *loop) run(r *run) error {
	over, err := l.over.eval(r)
	if err != nil {
		return err
	}
	items := itemsOf(over)
	if len(items) == 0 {
		return r.nodes(l.otherwise)
	}
	if r.MaxLoop > 0 && len(items) > r.MaxLoop {
		items = items[:r.MaxLoop]
	}
	before, had := r.variables[l.name]
	state := &Loop{outer: r.loop}
	r.loop = state
	defer func() {
		r.loop = state.outer
		if delete(r.variables, l.name); had {
			r.variables[l.name] = before
		}
	}()
	for i, item := range items {
		if err := r.step(); err != nil {
			return err
		}
		state.index, state.hasNext = int64(i), i < len(items)-1
		r.assign(l.name, item)
		err := r.nodes(l.body)
		if errors.Is(err, errBreak) || state.stopped && err == nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// itemsOf is what a loop goes over: elements, or the values of a map.
func itemsOf(v any) []any {
	switch v := v.(type) {
	case *List:
		return append([]any{}, v.Items...)
	case *Map:
		all := make([]any, len(v.keys))
		for i, k := range v.keys {
			all[i] = v.values[k]
		}
		return all
	case interface{ Items() []any }:
		return v.Items()
	}
	return nil
}

type define struct {
	name string
	body []node
}

func (d *define) run(r *run) error {
	r.variables[d.name] = d
	return nil
}

type evaluate struct{ what expr }

func (e *evaluate) run(r *run) error {
	v, err := e.what.eval(r)
	if err != nil || v == nil {
		return err
	}
	s := String(v)
	if err := r.spend(len(s)); err != nil {
		return err
	}
	p := &parser{s: s, macros: r.macros}
	body, end := p.block("")
	if p.err != nil || end != "" {
		return p.err
	}
	return r.nodes(body)
}

// A macro is what #macro defines.
type macro struct {
	args  []string
	usual []expr
	body  []node
}

type invoke struct {
	name    string
	args    []expr
	body    []node
	block   bool
	literal string
}

func (n *invoke) run(r *run) error {
	m := r.macros[n.name]
	if m == nil {
		return r.print(n.literal)
	}
	f := &frame{args: make(map[string]expr, len(m.args)), outer: r.frames}
	if n.block {
		f.body = n.body
	}
	for i, name := range m.args {
		switch {
		case i < len(n.args):
			f.args[name] = n.args[i]
		case m.usual[i] != nil:
			f.args[name] = m.usual[i]
		}
	}
	r.frames = append(r.frames[:len(r.frames):len(r.frames)], f)
	err := r.nodes(m.body)
	r.frames = f.outer
	return err
}
