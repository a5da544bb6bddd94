package jsonata

import (
	"math"
	"slices"
)

// item is one context of a path, with how the path got there: what % and the
// variables of @ and # need.
type item struct {
	v     value
	up    *item
	names []string
	vals  []value
}

func (it *item) bind(name string, v value) {
	it.names = append(slices.Clip(it.names), name)
	it.vals = append(slices.Clip(it.vals), v)
}

// scope is a frame in which the item is the context.
func (it *item) scope(f *frame) *frame {
	return &frame{names: it.names, values: it.vals, parent: f, at: it}
}

// path evaluates steps, one after the other, each for all that the one before found.
func (m *machine) path(n *node, in value, f *frame) value {
	tracked := n.parents || slices.ContainsFunc(n.list, func(s *node) bool { return s.bound })
	if tracked {
		return m.trackedPath(n, in, f)
	}
	input := []value{in}
	if list, ok := listOf(in); ok && n.list[0].kind != nVariable {
		input = list
	}
	var result value = undef
	for i, step := range n.list {
		if i == 0 && step.cons && step.kind == nArray {
			result = m.eval(step, in, f)
		} else {
			result = m.step(step, input, f, i == len(n.list)-1)
		}
		list, _ := listOf(result)
		if len(list) == 0 && !isConstructed(result) {
			break
		}
		input = list
		if len(list) == 0 {
			break
		}
	}
	result = kept(n, result)
	if n.hasGroup {
		return m.groupBy(n.group, result, f)
	}
	return result
}

func isConstructed(v value) bool {
	s, ok := v.(*seq)
	return ok && !s.sequence || !ok && !isUndef(v)
}

// kept is a result as [] in the path asks.
func kept(n *node, result value) value {
	if !n.keep {
		return result
	}
	switch r := result.(type) {
	case *seq:
		if r.cons && !r.sequence {
			return &seq{items: []value{r}, sequence: true, keep: true}
		}
		c := *r
		c.keep = true
		return &c
	}
	return result
}

func (m *machine) step(n *node, input []value, f *frame, last bool) value {
	if n.kind == nSort {
		return m.staged(n, &seq{items: m.sorted(n.terms, input, f), sequence: true}, f)
	}
	results := make([]value, 0, len(input))
	for _, in := range input {
		var v value
		if len(n.stages) == 0 || n.kind == nPath {
			v = m.eval(n, in, f)
		} else {
			bare := *n
			bare.stages = nil
			v = m.staged(n, m.eval(&bare, in, f), f)
		}
		if !isUndef(v) {
			results = append(results, v)
		}
	}
	if last && len(results) == 1 {
		if _, isList := listOf(results[0]); isList && !isSequence(results[0]) {
			return results[0]
		}
	}
	return m.flattened(results)
}

func (m *machine) flattened(results []value) *seq {
	out := &seq{sequence: true}
	for _, v := range results {
		list, isList := listOf(v)
		if s, ok := v.(*seq); !isList || ok && s.cons {
			out.items = append(out.items, v)
		} else {
			out.items = append(out.items, list...)
		}
	}
	m.spend(16 * len(out.items))
	return out
}

func (m *machine) staged(n *node, v value, f *frame) value {
	for _, s := range n.stages {
		if s.filter != nil {
			v = m.filter(s.filter, v, f)
		}
	}
	return v
}

// filter keeps what a predicate says: the items at its numbers, or those for which it is true.
func (m *machine) filter(predicate *node, v value, f *frame) value {
	input := asList(v)
	if predicate.kind == nLiteral && isNumber(predicate.value) {
		i := position(predicate.value, len(input))
		if i < 0 || i >= len(input) {
			return &seq{sequence: true}
		}
		if _, isList := listOf(input[i]); isList {
			return input[i]
		}
		return &seq{items: []value{input[i]}, sequence: true}
	}
	out := &seq{sequence: true}
	for i, x := range input {
		if selects(m.eval(predicate, x, f), i, len(input)) {
			out.items = append(out.items, x)
		}
	}
	return out
}

func position(number value, n int) int {
	f := math.Floor(toFloat(number))
	if f < 0 {
		f += float64(n)
	}
	if f < 0 || f >= float64(n) {
		return -1
	}
	return int(f)
}

// selects reports whether the result of a predicate keeps item i of n.
func selects(result value, i, n int) bool {
	if isNumber(result) {
		return position(result, n) == i
	}
	list, isList := listOf(result)
	if isList && len(list) > 0 && !slices.ContainsFunc(list, func(x value) bool { return !isNumber(x) }) {
		return slices.ContainsFunc(list, func(x value) bool { return position(x, n) == i })
	}
	return truth(result)
}

// sorted orders items by terms.
func (m *machine) sorted(terms []sortTerm, input []value, f *frame) []value {
	items := make([]*item, len(input))
	for i, x := range input {
		items[i] = &item{v: x}
	}
	m.sortItems(terms, items, func(it *item) *frame { return f })
	out := make([]value, len(items))
	for i, it := range items {
		out[i] = it.v
	}
	return out
}

func (m *machine) sortItems(terms []sortTerm, items []*item, scope func(*item) *frame) {
	slices.SortStableFunc(items, func(a, b *item) int {
		for _, t := range terms {
			x, y := m.eval(t.expr, a.v, scope(a)), m.eval(t.expr, b.v, scope(b))
			c := orderTerms(x, y)
			if t.descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func orderTerms(x, y value) int {
	switch {
	case isUndef(x) && isUndef(y):
		return 0
	case isUndef(x):
		return 1
	case isUndef(y):
		return -1
	}
	_, a := x.(string)
	_, b := y.(string)
	if !a && !isNumber(x) || !b && !isNumber(y) {
		fail("T2008")
	}
	if a != b {
		fail("T2007", x, y)
	}
	return order(x, y)
}

// group is what has the same key.
type group struct {
	key   string
	pair  int
	data  value
	items []*item
}

// groupBy makes an object: of each pair, and of what has the key that it gives.
func (m *machine) groupBy(pairs [][2]*node, in value, f *frame) value {
	input := asList(in)
	if len(input) == 0 {
		input = []value{undef}
	}
	items := make([]*item, len(input))
	for i, x := range input {
		items[i] = &item{v: x}
	}
	return m.grouped(pairs, items, func(*item) *frame { return f }, func(g *group) *frame { return f })
}

func (m *machine) grouped(pairs [][2]*node, items []*item, scope func(*item) *frame, whole func(*group) *frame) value {
	var groups []*group
	byKey := map[string]*group{}
	for _, it := range items {
		for i, p := range pairs {
			k := m.eval(p[0], it.v, scope(it))
			if isUndef(k) {
				continue
			}
			key, ok := k.(string)
			if !ok {
				fail("T1003", stringify(k))
			}
			g := byKey[key]
			switch {
			case g == nil:
				g = &group{key: key, pair: i, data: it.v}
				byKey[key] = g
				groups = append(groups, g)
			case g.pair != i:
				fail("D1009", key)
			default:
				g.data = appendTo(g.data, it.v)
			}
			g.items = append(g.items, it)
		}
	}
	out := newObject()
	for _, g := range groups {
		v := m.eval(pairs[g.pair][1], g.data, whole(g))
		if !isUndef(v) {
			out.Set(g.key, v)
		}
	}
	m.spend(64 * len(groups))
	return out
}
