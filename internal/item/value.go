package item

import (
	"bytes"
	"slices"
)

// String returns the string s.
func String(s string) Value { return wrap(S, []byte(s)) }

// Binary returns the binary b.
func Binary(b []byte) Value { return wrap(B, b) }

// Bool returns the boolean b.
func Bool(b bool) Value {
	if b {
		return Value{byte(BOOL), 1, 1}
	}
	return Value{byte(BOOL), 1, 0}
}

// Null returns the null.
func Null() Value { return Value{byte(NULL), 0} }

// Map returns fields as a map.
func Map(fields Item) Value { return wrap(M, fields[1:]) }

// List returns the list of elems.
func List(elems ...Value) Value {
	return wrap(L, bytes.Join(asBytes(elems), nil))
}

// Set returns the set of elems, all of them of the type's element, without
// duplicates; nil if there are none, since no set is empty.
func Set(t Type, elems ...Value) Value {
	elems = slices.Clone(elems)
	slices.SortFunc(elems, Value.Compare)
	elems = slices.CompactFunc(elems, Value.Equal)
	if len(elems) == 0 {
		return nil
	}
	return wrap(t, bytes.Join(asBytes(elems), nil))
}

func asBytes(vs []Value) [][]byte {
	out := make([][]byte, len(vs))
	for i, v := range vs {
		out[i] = v
	}
	return out
}

// Union returns the set of what is in v or in w, sets of one type.
func (v Value) Union(w Value) Value {
	return Set(v.Type(), slices.AppendSeq(slices.Collect(v.Elements), w.Elements)...)
}

// Append returns the list of what is in v and then what is in w.
func (v Value) Append(w Value) Value {
	return wrap(L, slices.Concat(v.payload(), w.payload()))
}

// Without returns the set of what is in v and not in w, sets of one type, or
// nil if nothing is left.
func (v Value) Without(w Value) Value {
	var left []Value
	for e := range v.Elements {
		if !w.Has(e) {
			left = append(left, e)
		}
	}
	return Set(v.Type(), left...)
}

// Has reports whether the set or list v has an element that equals e.
func (v Value) Has(e Value) bool {
	for have := range v.Elements {
		if have.Equal(e) {
			return true
		}
	}
	return false
}

// An Error says what is wrong with an invalid item.
type Error struct {
	Attribute string // top-level name of the value that is wrong
	Message   string // AWS's words
}

func (e *Error) Error() string { return e.Message }

// Err returns what is wrong with an item that came over the wire, or nil.
func (it Item) Err() *Error {
	if len(it) == 0 || it[0] != formInvalid {
		return nil
	}
	var out *Error
	attributes(it[1:], func(name []byte, v Value) bool {
		if Type(v[0]) == invalid {
			out = &Error{string(name), string(v.payload())}
		}
		return out == nil
	})
	return out
}

// Names yields the names of the attributes, also of an invalid item.
func (it Item) Names(yield func(name []byte) bool) {
	if len(it) > 0 {
		attributes(it[1:], func(name []byte, _ Value) bool { return yield(name) })
	}
}

// Err returns what is wrong with a value that came over the wire, or nil.
func (v Value) Err() *Error {
	if len(v) == 0 || Type(v[0]) != invalid {
		return nil
	}
	return &Error{Message: string(v.payload())}
}

// Size returns the size of it as AWS counts: against the limit of 400 KB, and
// for capacity.
func (it Item) Size() int {
	n := 0
	for name, v := range it.All {
		n += len(name) + v.Size()
	}
	return n
}

// Size returns the size of v as AWS counts. A list or map has three bytes of
// its own, and one for each element.
func (v Value) Size() int {
	switch v.Type() {
	case BOOL, NULL:
		return 1
	case S, B, N:
		return len(v.payload())
	case M:
		n := 3
		attributes(v.payload(), func(name []byte, f Value) bool {
			n += 1 + len(name) + f.Size()
			return true
		})
		return n
	case L:
		n := 3
		for e := range v.Elements {
			n += 1 + e.Size()
		}
		return n
	}
	n := 0
	for e := range v.Elements {
		n += e.Size()
	}
	return n
}

// Depth returns how deep lists and maps are nested in v: 0 if it is neither.
func (v Value) Depth() int {
	deepest := 0
	switch v.Type() {
	case M:
		attributes(v.payload(), func(_ []byte, f Value) bool {
			deepest = max(deepest, f.Depth())
			return true
		})
	case L:
		for e := range v.Elements {
			deepest = max(deepest, e.Depth())
		}
	default:
		return 0
	}
	return 1 + deepest
}
