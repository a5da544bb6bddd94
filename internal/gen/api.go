package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An api is a model with the Go names of what it holds.
type api struct {
	serviceLine
	*model
	in     map[string]bool   // shapes reachable from an input
	out    map[string]bool   // shapes reachable from an output or a fault
	names  map[string]string // of structures, by shape
	taken  map[string]bool   // names of the package
	inputs map[string]string // Go names of operations' inputs that are structures of their own, to shape
	output map[string]string // likewise outputs
}

func newAPI(s serviceLine, m *model) (*api, error) {
	a := &api{
		serviceLine: s, model: m,
		in: make(map[string]bool), out: make(map[string]bool),
		names: make(map[string]string), taken: map[string]bool{"API": true},
		inputs: make(map[string]string), output: make(map[string]string),
	}
	for n := range s.Some {
		if m.Operations.at[n] == nil {
			return nil, fmt.Errorf("there is no operation %s", n)
		}
	}
	for _, n := range a.shaped() {
		op := m.Operations.at[n]
		if op.Input != nil {
			a.walk(op.Input.Shape, a.in)
		}
		if op.Output != nil {
			a.walk(op.Output.Shape, a.out)
		}
	}
	for _, f := range a.faults() {
		for _, r := range m.Shapes.at[f].refs() {
			a.walk(r.Shape, a.out)
		}
	}
	return a, a.name()
}

// shaped are the operations that have shapes.
func (a *api) shaped() []string {
	if a.Some == nil {
		return a.Operations.names
	}
	return slices.DeleteFunc(slices.Clone(a.Operations.names), func(n string) bool { return !a.Some[n] })
}

func (a *api) walk(name string, set map[string]bool) {
	s := a.Shapes.at[name]
	if set[name] || s == nil || s.Go != "" {
		return
	}
	set[name] = true
	for _, r := range s.refs() {
		if s.Events && a.Shapes.at[r.Shape].Exception {
			continue
		}
		a.walk(r.Shape, set)
	}
}

// faults are the names of all error shapes, sorted.
func (a *api) faults() []string {
	var names []string
	for _, n := range a.Shapes.names {
		if a.Shapes.at[n].Exception {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// structures are the shapes that become Go structures, sorted.
func (a *api) structures() []string {
	var names []string
	for n, s := range a.Shapes.at {
		if (a.in[n] || a.out[n]) && s.Type == "structure" && !s.Document && !s.Exception {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// name gives Go names to operations, their inputs and outputs, faults and
// structures, in this order.
func (a *api) name() error {
	uses := a.uses()
	for _, n := range a.shaped() {
		if err := a.take(n); err != nil {
			return err
		}
		op := a.Operations.at[n]
		a.nameEnd(op.Input, n+"Input", uses, a.inputs)
		a.nameEnd(op.Output, n+"Output", uses, a.output)
	}
	for _, n := range a.faults() {
		if err := a.take(exported(n)); err != nil {
			return err
		}
	}
	for _, n := range a.structures() {
		if a.names[n] != "" {
			continue
		}
		g := exported(n)
		if a.taken[g] {
			g += "Shape"
		}
		if err := a.take(g); err != nil {
			return err
		}
		a.names[n] = g
	}
	return nil
}

// nameEnd names an operation's input or output. A shape that is used only
// there gets the name; any other keeps its own and the name is an alias of it.
func (a *api) nameEnd(r *ref, name string, uses map[string]int, ends map[string]string) {
	a.taken[name] = true
	if r == nil {
		ends[name] = ""
		return
	}
	ends[name] = r.Shape
	if uses[r.Shape] == 1 || exported(r.Shape) == name {
		a.names[r.Shape] = name
	}
}

func (a *api) take(name string) error {
	if a.taken[name] {
		return fmt.Errorf("two things are named %s", name)
	}
	a.taken[name] = true
	return nil
}

// uses counts where each shape is used.
func (a *api) uses() map[string]int {
	uses := make(map[string]int)
	count := func(r *ref) {
		if r != nil {
			uses[r.Shape]++
		}
	}
	for n := range maps.Values(a.Operations.at) {
		count(n.Input)
		count(n.Output)
	}
	for s := range maps.Values(a.Shapes.at) {
		for _, r := range s.refs() {
			count(r)
		}
	}
	return uses
}

// pkg is the name of the package.
func (a *api) pkg() string { return strings.ReplaceAll(a.Folder, "-", "") }

func (a *api) sortedShapes() []string { return slices.Sorted(maps.Keys(a.Shapes.at)) }
