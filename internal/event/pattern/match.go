package pattern

import "slices"

// fulfils reports whether each condition of a holds of e, with those that
// arrays fulfil fulfilled by one element of each.
func (e *Event) fulfils(a alternative) bool {
	var where [][]int // scopes of the values that fulfil conditions only in arrays
	for _, c := range a {
		scopes, free := e.fulfil(c)
		if free {
			continue
		}
		if scopes == nil {
			return false
		}
		where = append(where, scopes)
	}
	return len(where) <= 1 || e.together(where)
}

// fulfil returns the scopes of the values that fulfil c; free is that one of
// them is the whole event.
func (e *Event) fulfil(c condition) (scopes []int, free bool) {
	fields := e.fields[c.path]
	if len(fields) == 0 {
		return nil, c.absent
	}
	for _, f := range fields {
		for _, t := range c.tests {
			if !t(f.value) {
				continue
			}
			if f.scope == 0 {
				return nil, true
			}
			scopes = append(scopes, f.scope)
			break
		}
	}
	return scopes, false
}

// maxChoices bounds how many choices a scope has. Events in which more differ
// are made to do so, and are matched by the first of them.
const maxChoices = 256

// together reports whether the conditions of where, each of which is fulfilled
// within its scopes, are fulfilled by one element of each array.
func (e *Event) together(where [][]int) bool {
	t := tree{arrays: make(map[int]map[int][]int), own: make(map[int]set), size: len(where)}
	for i, scopes := range where {
		for _, s := range scopes {
			t.add(e, s)
			t.own[s].add(i)
		}
	}
	for _, c := range t.choices(0) {
		if c.full(len(where)) {
			return true
		}
	}
	return false
}

// A tree is the scopes of an event that fulfil conditions, or are around such.
type tree struct {
	arrays map[int]map[int][]int // scope to array in it to its elements
	own    map[int]set           // the conditions fulfilled in just that scope
	size   int                   // how many conditions there are
}

// add puts scope s of e, and what is around it, in the tree.
func (t *tree) add(e *Event, s int) {
	for t.own[s] == nil {
		t.own[s] = make(set, (t.size+63)/64)
		at := e.scopes[s]
		if at.parent < 0 {
			return
		}
		if t.arrays[at.parent] == nil {
			t.arrays[at.parent] = make(map[int][]int)
		}
		t.arrays[at.parent][at.array] = append(t.arrays[at.parent][at.array], s)
		s = at.parent
	}
}

// choices returns which sets of conditions scope s can fulfil at once: its
// own, with those of one element of each array in it.
func (t *tree) choices(s int) []set {
	all := []set{t.own[s]}
	for _, elements := range t.arrays[s] {
		var either []set
		for _, element := range elements {
			for _, c := range t.choices(element) {
				either = widen(either, c)
			}
		}
		var both []set
		for _, a := range all {
			for _, b := range either {
				both = widen(both, a.with(b))
			}
		}
		all = both
	}
	return all
}

// widen adds s to sets, of which none is part of another.
func widen(sets []set, s set) []set {
	if slices.ContainsFunc(sets, s.within) || len(sets) == maxChoices {
		return sets
	}
	return append(slices.DeleteFunc(sets, func(had set) bool { return had.within(s) }), s)
}

// A set is a set of small numbers.
type set []uint64

func (s set) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s set) with(t set) set {
	u := slices.Clone(s)
	for i := range u {
		u[i] |= t[i]
	}
	return u
}

func (s set) within(t set) bool {
	for i := range s {
		if s[i]&^t[i] != 0 {
			return false
		}
	}
	return true
}

// full reports whether s has all numbers below n.
func (s set) full(n int) bool {
	all := make(set, len(s))
	for i := range n {
		all.add(i)
	}
	return all.within(s)
}
