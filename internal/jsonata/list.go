package jsonata

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// callback calls fn with as many of the arguments as it takes.
func (m *machine) callback(fn *function, args ...value) value {
	if fn == nil {
		fail("T1006")
	}
	n := max(fn.arity(), 1)
	if fn.native != nil && fn.signature == nil && !fn.match {
		n = len(args)
	}
	return m.apply(fn, args[:min(n, len(args))], undef)
}

func mapOver(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	fn, _ := asFunction(a[1])
	list := asList(a[0])
	out := &seq{sequence: true}
	for i, x := range list {
		if v := m.callback(fn, x, float64(i), a[0]); !isUndef(v) {
			out.items = append(out.items, v)
		}
	}
	m.spend(16 * len(list))
	return out
}

func filterBy(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	fn, _ := asFunction(a[1])
	out := &seq{sequence: true}
	for i, x := range asList(a[0]) {
		if truth(m.callback(fn, x, float64(i), a[0])) {
			out.items = append(out.items, x)
		}
	}
	m.spend(16 * len(out.items))
	return out
}

func single(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	fn, hasFunction := asFunction(a[1])
	var found value = undef
	n := 0
	for i, x := range asList(a[0]) {
		if !hasFunction || truth(m.callback(fn, x, float64(i), a[0])) {
			if n++; n > 1 {
				fail("D3138")
			}
			found = x
		}
	}
	if n == 0 {
		fail("D3139")
	}
	return found
}

func reduce(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	fn, ok := asFunction(a[1])
	if !ok || fn.arity() < 2 {
		fail("D3050")
	}
	list := asList(a[0])
	acc, i := a[2], 0
	if isUndef(acc) && len(list) > 0 {
		acc, i = list[0], 1
	}
	for ; i < len(list); i++ {
		acc = m.callback(fn, acc, list[i], float64(i), a[0])
	}
	return acc
}

func zip(m *machine, a []value, _ value) value {
	n := math.MaxInt
	for _, x := range a {
		n = min(n, len(asList(x)))
	}
	out := []value{}
	for i := range n {
		row := make([]value, len(a))
		for j, x := range a {
			row[j] = asList(x)[i]
		}
		m.spend(16 * len(row))
		out = append(out, row)
	}
	return out
}

func sift(m *machine, a []value, in value) value {
	if isUndef(a[0]) {
		return undef
	}
	fn, _ := asFunction(a[1])
	out := newObject()
	for k, v := range a[0].(*tree.Object).All() {
		if truth(m.callback(fn, v, k, a[0])) {
			out.Set(k, v)
		}
	}
	m.spend(32 * out.Len())
	if out.Len() == 0 {
		return undef
	}
	return out
}

func each(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	fn, _ := asFunction(a[1])
	out := &seq{sequence: true}
	for k, v := range a[0].(*tree.Object).All() {
		if r := m.callback(fn, v, k, a[0]); !isUndef(r) {
			out.items = append(out.items, r)
		}
	}
	return out
}

func keys(_ *machine, a []value, _ value) value {
	out := &seq{sequence: true}
	seen := map[string]bool{}
	for _, x := range asList(a[0]) {
		o, ok := x.(*tree.Object)
		if list, isList := listOf(x); isList {
			for _, k := range asList(unwrap(keys(nil, []value{list}, nil), true)) {
				if !seen[k.(string)] {
					seen[k.(string)] = true
					out.items = append(out.items, k)
				}
			}
		}
		if !ok {
			continue
		}
		for _, k := range o.Keys() {
			if !seen[k] {
				seen[k] = true
				out.items = append(out.items, k)
			}
		}
	}
	return out
}

func (m *machine) appended(a, b value) value {
	v := appendTo(a, b)
	if list, ok := listOf(v); ok {
		m.spend(16 * len(list))
	}
	return v
}

func spread(_ *machine, a []value, _ value) value {
	if list, ok := listOf(a[0]); ok {
		out := &seq{sequence: true}
		for _, x := range list {
			out.items = append(out.items, asList(spread(nil, []value{x}, nil))...)
		}
		return out
	}
	o, ok := a[0].(*tree.Object)
	if !ok {
		return a[0]
	}
	out := &seq{sequence: true}
	for k, v := range o.All() {
		out.items = append(out.items, tree.NewObject(k, v))
	}
	return out
}

func merge(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	out := newObject()
	for _, x := range asList(a[0]) {
		for k, v := range x.(*tree.Object).All() {
			out.Set(k, v)
		}
	}
	m.spend(32 * out.Len())
	return out
}

func reverse(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	list := slices.Clone(asList(a[0]))
	m.spend(16 * len(list))
	slices.Reverse(list)
	return list
}

func sortBy(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	list := slices.Clone(asList(a[0]))
	m.spend(16 * len(list))
	if len(list) < 2 {
		return list
	}
	fn, ok := asFunction(a[1])
	if !ok {
		_, texts := list[0].(string)
		for _, x := range list {
			if _, isText := x.(string); isText != texts || !isText && !isNumber(x) {
				fail("D3070")
			}
		}
		slices.SortStableFunc(list, order)
		return list
	}
	after := func(x, y value) bool { return truth(m.callback(fn, x, y)) }
	return m.mergeSort(list, after)
}

// mergeSort asks, as JSONata does, whether one item belongs after another, and
// keeps the order of those that are alike.
func (m *machine) mergeSort(list []value, after func(x, y value) bool) []value {
	if len(list) < 2 {
		return list
	}
	middle := len(list) / 2
	left, right := m.mergeSort(list[:middle], after), m.mergeSort(list[middle:], after)
	m.spend(16 * len(list))
	out := make([]value, 0, len(list))
	for len(left) > 0 && len(right) > 0 {
		if after(left[0], right[0]) {
			out, right = append(out, right[0]), right[1:]
		} else {
			out, left = append(out, left[0]), left[1:]
		}
	}
	return append(append(out, left...), right...)
}

func shuffle(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	list := slices.Clone(asList(a[0]))
	for i := len(list) - 1; i > 0; i-- {
		j := int(m.env.Random() * float64(i+1))
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func distinct(m *machine, a []value, _ value) value {
	list, ok := listOf(a[0])
	if !ok || len(list) <= 1 {
		return a[0]
	}
	out := &seq{sequence: isSequence(a[0])}
	seen := map[string][]value{}
	for _, x := range list {
		key := hashKey(x)
		if !slices.ContainsFunc(seen[key], func(y value) bool { m.tick(); return equal(x, y) }) {
			seen[key] = append(seen[key], x)
			out.items = append(out.items, x)
		}
	}
	m.spend(32 * len(out.items))
	return out
}

// hashKey is the same for values that are equal.
func hashKey(v value) string {
	switch v := v.(type) {
	case string:
		return "s" + v
	case *tree.Object:
		return "o" + strconv.Itoa(v.Len())
	}
	if isNumber(v) {
		return formatFloat(toFloat(v))
	}
	if list, ok := listOf(v); ok {
		return "a" + strconv.Itoa(len(list))
	}
	return fmt.Sprint(v)
}
