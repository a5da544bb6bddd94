package jsonata

import "slices"

// trackedPath evaluates a path in which each context remembers how it was come
// by: for the parent operator, and for variables that are bound on the way.
func (m *machine) trackedPath(n *node, in value, f *frame) value {
	items := m.track(n, in, f)
	if n.hasGroup {
		return m.groupTracked(n, items, f)
	}
	out := &seq{sequence: true}
	for _, it := range items {
		out.items = append(out.items, it.v)
	}
	return kept(n, out)
}

// track is the items that a path leads to.
func (m *machine) track(n *node, in value, f *frame) []*item {
	at := f.context()
	var items []*item
	input := []value{in}
	if list, ok := listOf(in); ok && n.list[0].kind != nVariable {
		input = list
	}
	for _, x := range input {
		it := &item{v: x}
		if at != nil {
			it.up, it.names, it.vals = at.up, at.names, at.vals
		}
		items = append(items, it)
	}
	focused := false // the step before was one of @
	whole := false   // predicates are of all that a step finds, not of what it finds in each context
	for _, step := range n.list {
		whole = whole || step.bound || slices.ContainsFunc(step.stages, func(s stage) bool { return s.filter != nil && s.filter.parents })
		items = m.trackStep(step, items, f, whole, focused)
		focused = step.focus != ""
		if len(items) == 0 {
			break
		}
	}
	return items
}

func (m *machine) trackStep(step *node, items []*item, f *frame, whole, focused bool) []*item {
	if step.kind == nSort {
		items = slices.Clone(items)
		m.sortItems(step.terms, items, func(it *item) *frame { return it.scope(f) })
		if step.index != "" {
			items = numbered(items, step.index)
		}
		return m.trackStages(step, items, f)
	}
	bare := *step
	bare.stages = nil
	var out []*item
	for _, it := range items {
		found := m.leadsTo(&bare, it, f)
		for i, next := range found {
			if step.focus != "" {
				bound := next.v
				next = &item{v: it.v, up: it, names: next.names, vals: next.vals}
				if focused { // steps that follow each other with @ count as one
					next.up = it.up
				}
				next.bind(step.focus, bound)
			}
			if step.index != "" {
				next.bind(step.index, float64(i))
			}
			found[i] = next
		}
		if !whole {
			found = m.trackStages(step, found, f)
		}
		out = append(out, found...)
	}
	m.spend(64 * len(out))
	if whole {
		out = m.trackStages(step, out, f)
	}
	return out
}

func numbered(items []*item, name string) []*item {
	for i, it := range items {
		c := *it
		c.bind(name, float64(i))
		items[i] = &c
	}
	return items
}

// leadsTo is what one step finds from one item.
func (m *machine) leadsTo(step *node, it *item, f *frame) []*item {
	m.tick()
	switch {
	case step.kind == nParent:
		if it.up == nil || isUndef(it.up.v) {
			return nil
		}
		up := *it.up
		up.names, up.vals = it.names, it.vals
		return []*item{&up}
	case step.kind == nVariable && step.text == "":
		var out []*item
		for _, x := range asList(variable("", it.v, f)) {
			out = append(out, &item{v: x, up: it.up, names: it.names, vals: it.vals})
		}
		return out
	case step.kind == nBlock && len(step.list) > 0 && step.list[len(step.list)-1].kind == nPath && !step.list[len(step.list)-1].hasGroup:
		inner := &frame{parent: it.scope(f)}
		for _, x := range step.list[:len(step.list)-1] {
			m.eval(x, it.v, inner)
		}
		return m.track(step.list[len(step.list)-1], it.v, inner)
	case step.kind == nPath && !step.hasGroup:
		return m.track(step, it.v, it.scope(f))
	}
	v := m.eval(step, it.v, it.scope(f))
	var out []*item
	for _, x := range asList(v) {
		out = append(out, &item{v: x, up: it, names: it.names, vals: it.vals})
	}
	return out
}

func (m *machine) trackStages(step *node, items []*item, f *frame) []*item {
	for _, s := range step.stages {
		if s.filter == nil {
			items = numbered(items, s.index)
			continue
		}
		n := len(items)
		var kept []*item
		for i, it := range items {
			var ok bool
			if s.filter.kind == nLiteral && isNumber(s.filter.value) {
				ok = position(s.filter.value, n) == i
			} else {
				ok = selects(m.eval(s.filter, it.v, it.scope(f)), i, n)
			}
			if ok {
				kept = append(kept, it)
			}
		}
		items = kept
	}
	return items
}

// groupTracked groups items; variables and parents of a group are lists of those of its items.
func (m *machine) groupTracked(n *node, items []*item, f *frame) value {
	whole := func(g *group) *frame {
		at := &item{v: g.data}
		if up := g.items[0].up; up != nil {
			at.up = &item{v: undef, up: up.up}
			for _, it := range g.items {
				if it.up != nil {
					at.up.v = appendTo(at.up.v, it.up.v)
				}
			}
		}
		at.names = g.items[0].names
		at.vals = make([]value, len(at.names))
		for i := range at.names {
			at.vals[i] = undef
			for _, it := range g.items {
				if i < len(it.vals) {
					at.vals[i] = appendTo(at.vals[i], it.vals[i])
				}
			}
		}
		return at.scope(f)
	}
	return m.grouped(n.group, items, func(it *item) *frame { return it.scope(f) }, whole)
}

// mark notes whether the parent operator is in n.
func mark(n *node) *node {
	n.parents = n.kind == nParent
	consider := func(list ...*node) {
		for _, x := range list {
			n.parents = n.parents || x != nil && x.parents
		}
	}
	if n.kind != nCall && n.kind != nPartial {
		consider(n.left)
	}
	consider(n.right, n.other)
	consider(n.list...)
	for _, pairs := range [][][2]*node{n.pairs, n.group} {
		for _, p := range pairs {
			consider(p[0], p[1])
		}
	}
	for _, t := range n.terms {
		consider(t.expr)
	}
	for _, s := range n.stages {
		consider(s.filter)
	}
	return n
}

// usesFreeParent reports whether n looks for parents of its own context, or
// for one that steps do not tell of.
func usesFreeParent(n *node) bool { return n.parents && needs(n) > 0 }

const opaque = 1 << 20 // parents that cannot be found

// needs is how many parents of its context n looks for.
func needs(n *node) int {
	if n == nil || !n.parents {
		return 0
	}
	most := 0
	count := func(list ...*node) {
		for _, x := range list {
			most = max(most, needs(x))
		}
	}
	if n.kind != nPath {
		if n.kind == nParent {
			most = 1
		}
		count(n.left, n.right, n.other)
		count(n.list...)
		for _, p := range n.pairs {
			count(p[0], p[1])
		}
		return most
	}
	level, below := 0, false
	need := func(x *node) {
		k := needs(x) - level
		if k > 0 && below {
			k = opaque
		}
		most = max(most, k)
	}
	focused := false
	for _, s := range n.list {
		bare := *s
		bare.stages = nil
		need(mark(&bare))
		switch d, known := levels(s); {
		case s.kind == nSort:
		case !known:
			level, below = 0, true
		case s.focus != "" && focused:
		default:
			level += d
		}
		focused = s.focus != ""
		for _, st := range s.stages {
			need(st.filter)
		}
		for _, t := range s.terms {
			need(t.expr)
		}
	}
	for _, p := range n.group {
		need(p[0])
		need(p[1])
	}
	return most
}

// levels is by how much a step leads away from its context, if that is known.
func levels(s *node) (int, bool) {
	switch s.kind {
	case nName, nWildcard:
		return 1, true
	case nParent:
		return -1, true
	case nVariable:
		return 0, s.text == ""
	case nBlock:
		if len(s.list) == 0 {
			return 1, true
		}
		return levels(s.list[len(s.list)-1])
	case nPath:
		sum := 0
		for _, x := range s.list {
			d, known := levels(x)
			if !known && x.kind != nSort {
				return 0, false
			}
			sum += d
		}
		return sum, true
	}
	return 1, false
}
