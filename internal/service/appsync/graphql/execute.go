package graphql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/aloft-cloud/aloft/internal/task"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A Resolver has the values of fields.
type Resolver interface {
	// Allow returns why the caller may not have a field, or nil.
	Allow(f *Field) *Error
	// Has reports whether a field of a type has a resolver. If not, its value is
	// the member of that name of what its parent resolved to.
	Has(typ, field string) bool
	// Resolve resolves one field of several objects.
	Resolve(ctx context.Context, fields []*Field) []Outcome
}

// A Field is one that is asked for, of one object.
type Field struct {
	Parent string // the type that it is of
	Name   string
	Def    *ast.FieldDefinition
	Args   *vtl.Map
	Source any   // what the parent resolved to
	Path   []any // names and indexes from the root

	op  *Operation
	ask *asked
}

// An Outcome is what a field resolved to.
type Outcome struct {
	Value  any
	Errors []*Error
	Failed bool // the value does not count
}

// Variables are those of the request.
func (f *Field) Variables() *vtl.Map { return f.op.Variables }

// Operation is what the field is part of.
func (f *Field) Operation() *Operation { return f.op }

// Fail adds to an error where it came up.
func (f *Field) Fail(e *Error) *Error {
	e.Path, e.Locations = f.Path, f.ask.locations()
	return e
}

// An asked is a field of a request, with all that is asked of it.
type asked struct {
	name, alias string
	fields      []*ast.Field // which are merged
}

func (a *asked) locations() []Location { return locations(a.fields[0].Position) }

func (a *asked) sets() []ast.SelectionSet {
	sets := make([]ast.SelectionSet, len(a.fields))
	for i, f := range a.fields {
		sets[i] = f.SelectionSet
	}
	return sets
}

// collect merges what is asked of an object of a type.
func (op *Operation) collect(typ *ast.Definition, sets []ast.SelectionSet) []*asked {
	var all []*asked
	by := make(map[string]*asked)
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				if !op.included(sel.Directives) {
					continue
				}
				a := by[sel.Alias]
				if a == nil {
					a = &asked{name: sel.Name, alias: sel.Alias}
					by[sel.Alias] = a
					all = append(all, a)
				}
				a.fields = append(a.fields, sel)
			case *ast.InlineFragment:
				if op.included(sel.Directives) && op.applies(sel.TypeCondition, typ) {
					walk(sel.SelectionSet)
				}
			case *ast.FragmentSpread:
				if op.included(sel.Directives) && op.applies(sel.Definition.TypeCondition, typ) {
					walk(sel.Definition.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		walk(set)
	}
	return all
}

// included reports whether @skip and @include let something be.
func (op *Operation) included(list ast.DirectiveList) bool {
	holds := func(name string) (value, has bool) {
		d := list.ForName(name)
		if d == nil || d.Arguments.ForName("if") == nil {
			return false, false
		}
		v, _ := op.literal(d.Arguments.ForName("if").Value, nil)
		return v == true, true
	}
	if skip, has := holds("skip"); has && skip {
		return false
	}
	include, has := holds("include")
	return !has || include
}

// applies reports whether a fragment on a type is for objects of another.
func (op *Operation) applies(condition string, typ *ast.Definition) bool {
	if condition == "" || condition == typ.Name {
		return true
	}
	def := op.schema.ast.Types[condition]
	return def != nil && slices.Contains(op.schema.ast.GetPossibleTypes(def), typ)
}

// A cell is a value of the answer.
type cell struct {
	typ    *ast.Type
	path   []any
	parent string // the type of the object that it is of
	failed bool   // there is an error that says why it is null

	null   bool
	leaf   any
	items  []*cell
	object *object
}

// An object is one of the answer.
type object struct {
	def    *ast.Definition
	source any
	path   []any
	sets   []ast.SelectionSet
	asked  []*asked
	cells  []*cell
}

// An execution is one of an operation.
type execution struct {
	op       *Operation
	resolver Resolver
	limit    int // of resolvers
	count    int
	errors   []*Error
	next     []*object
}

// A batch is one field of the objects of a level.
type batch struct {
	fields   []*Field
	cells    []*cell
	outcomes []Outcome
}

// Execute runs the operation. limit is how many resolvers may run. root is what
// the roots' fields are taken from that have no resolver.
func (op *Operation) Execute(ctx context.Context, resolver Resolver, limit int, root any) *Response {
	x := &execution{op: op, resolver: resolver, limit: limit}
	top := &object{def: op.schema.Root(op.Kind), source: root, sets: []ast.SelectionSet{op.def.SelectionSet}}
	if top.def == nil {
		return &Response{Errors: []*Error{{Message: "Schema is not configured for " + string(op.Kind) + "s."}}}
	}
	for level := []*object{top}; len(level) > 0 && ctx.Err() == nil; level = x.next {
		x.level(ctx, level)
	}
	if ctx.Err() != nil {
		return &Response{Errors: []*Error{{Type: "ExecutionTimeout", Message: "Request timed out."}}}
	}
	answer := &cell{typ: &ast.Type{NamedType: top.def.Name}, object: top}
	x.settle(answer)
	return &Response{data: answer, Errors: x.errors}
}

// level resolves the fields of objects.
func (x *execution) level(ctx context.Context, objects []*object) {
	x.next = nil
	var order []*batch
	by := make(map[string]*batch)
	for _, o := range objects {
		o.asked = x.op.collect(o.def, o.sets)
		for _, a := range o.asked {
			c := &cell{parent: o.def.Name, path: append(o.path[:len(o.path):len(o.path)], a.alias)}
			o.cells = append(o.cells, c)
			f, ok := x.begin(o, a, c)
			if !ok {
				continue
			}
			key := o.def.Name + "." + a.name
			if len(o.path) == 0 {
				key += " " + a.alias // each by itself
			}
			b := by[key]
			if b == nil {
				b = new(batch)
				by[key] = b
				order = append(order, b)
			}
			b.fields, b.cells = append(b.fields, f), append(b.cells, c)
		}
	}
	x.run(ctx, order, x.op.Kind == ast.Mutation && len(objects[0].path) == 0)
	for _, b := range order {
		for i, out := range b.outcomes {
			x.errors = append(x.errors, out.Errors...)
			if out.Failed {
				b.cells[i].null, b.cells[i].failed = true, true
				continue
			}
			x.complete(b.cells[i], out.Value, b.fields[i].ask.sets())
		}
	}
}

// run has resolvers answer batches: one after the other, or all at once.
func (x *execution) run(ctx context.Context, batches []*batch, serial bool) {
	var group task.Group
	for i, b := range batches {
		resolve := func() { b.outcomes = x.resolver.Resolve(ctx, b.fields) }
		if serial || i == len(batches)-1 {
			resolve()
		} else {
			group.Go(resolve)
		}
	}
	group.Wait()
}

// begin completes a field that needs no resolver, or returns it.
func (x *execution) begin(o *object, a *asked, c *cell) (*Field, bool) {
	first := a.fields[0]
	if a.name == "__typename" {
		c.typ, c.leaf = first.Definition.Type, o.def.Name
		return nil, false
	}
	def := o.def.Fields.ForName(a.name)
	if def == nil { // __schema and __type
		def = first.Definition
	}
	c.typ = def.Type
	f := &Field{Parent: o.def.Name, Name: a.name, Def: def, Source: o.source, Path: c.path, op: x.op, ask: a}
	var wrong *Error
	if f.Args, wrong = x.op.arguments(first); wrong != nil {
		x.fail(c, wrong)
		return nil, false
	}
	if meta, ok := x.op.schema.introspect(o, a.name, f.Args); ok {
		x.complete(c, meta, a.sets())
		return nil, false
	}
	if wrong = x.resolver.Allow(f); wrong != nil {
		x.fail(c, f.Fail(wrong))
		return nil, false
	}
	if !x.resolver.Has(o.def.Name, a.name) {
		x.complete(c, member(o.source, a.name), a.sets())
		return nil, false
	}
	if x.count++; x.count > x.limit {
		x.fail(c, f.Fail(&Error{Type: "ResolverCountLimitExceeded", Message: fmt.Sprintf("Resolver invocation limit of %d exceeded.", x.limit)}))
		return nil, false
	}
	return f, true
}

func (x *execution) fail(c *cell, e *Error) {
	c.null, c.failed = true, true
	x.errors = append(x.errors, e)
}

// member is one of what something resolved to.
func member(source any, name string) any {
	if m, ok := source.(*vtl.Map); ok {
		v, _ := m.Lookup(name)
		return v
	}
	return nil
}

// place is a path as errors say it.
func place(path []any) string {
	var b []byte
	for _, p := range path {
		if i, ok := p.(int); ok {
			b = append(strconv.AppendInt(append(b, '['), int64(i), 10), ']')
			continue
		}
		b = append(append(b, '/'), fmt.Sprint(p)...)
	}
	return string(b)
}

// settle lets what is null where it may not be so make null what it is in. It
// reports whether c may stand.
func (x *execution) settle(c *cell) bool {
	switch {
	case c.items != nil:
		for _, item := range c.items {
			if !x.settle(item) {
				c.null, c.failed = true, true
			}
		}
	case c.object != nil:
		for _, inner := range c.object.cells {
			if !x.settle(inner) {
				c.null, c.failed = true, true
			}
		}
	}
	if !c.null || !c.typ.NonNull {
		return true
	}
	if !c.failed {
		c.failed = true
		x.errors = append(x.errors, &Error{Path: c.path,
			Message: fmt.Sprintf("Cannot return null for non-nullable type: '%s' within parent '%s' (%s)", c.typ.Name(), c.parent, place(c.path))})
	}
	return false
}

// SelectionList are the paths of what is asked of the field's value.
func (f *Field) SelectionList() []string {
	var all []string
	var walk func(prefix string, typ *ast.Definition, sets []ast.SelectionSet)
	walk = func(prefix string, typ *ast.Definition, sets []ast.SelectionSet) {
		if typ == nil {
			return
		}
		for _, a := range f.op.selected(typ, sets) {
			all = append(all, prefix+a.alias)
			if d := a.fields[0].Definition; d != nil {
				walk(prefix+a.alias+"/", f.op.schema.ast.Types[d.Type.Name()], a.sets())
			}
		}
	}
	walk("", f.op.schema.ast.Types[f.Def.Type.Name()], f.ask.sets())
	return all
}

// selected merges what is asked of an object, of whatever type it may turn out
// to be.
func (op *Operation) selected(typ *ast.Definition, sets []ast.SelectionSet) []*asked {
	if !typ.IsAbstractType() {
		return op.collect(typ, sets)
	}
	all := op.collect(typ, sets)
	for _, possible := range op.schema.ast.GetPossibleTypes(typ) {
		for _, a := range op.collect(possible, sets) {
			if !slices.ContainsFunc(all, func(b *asked) bool { return a.alias == b.alias }) {
				all = append(all, a)
			}
		}
	}
	return all
}

// SelectionGraphQL is what is asked of the field's value, as text.
func (f *Field) SelectionGraphQL() string {
	op := &ast.OperationDefinition{Operation: ast.Query}
	for _, field := range f.ask.fields {
		op.SelectionSet = append(op.SelectionSet, field.SelectionSet...)
	}
	if len(op.SelectionSet) == 0 {
		return ""
	}
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatQueryDocument(&ast.QueryDocument{Operations: ast.OperationList{op}})
	return strings.TrimSpace(strings.TrimPrefix(b.String(), "query"))
}
