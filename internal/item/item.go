// Package item holds DynamoDB's items and attribute values in the one form
// they have from the wire to the disk and back: a compact, sorted, immutable
// string of bytes. Two values are equal if their bytes are, an attribute is
// found without decoding its neighbours, and a part of an item is a slice of it.
//
//	item  = 1 attribute*              sorted by name
//	attribute = len name value
//	value = type len payload          len is a uvarint
//
// The payload of S and B is the bytes themselves, of N the number in the form
// of number.go, of BOOL one byte, of M attributes, of L values, and of the
// sets values in order.
//
// What came over the wire may be against DynamoDB's rules. It is then kept as
// an invalid item or value, which says what is wrong with it, since AWS checks
// much else before it looks at values: see Err.
package item

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// Datatypes of values.
const (
	S    Type = 'S' // string
	N    Type = 'N' // number
	B    Type = 'B' // binary
	BOOL Type = 'T' // boolean
	NULL Type = '0' // null
	L    Type = 'L' // list
	M    Type = 'M' // map
	SS   Type = 's' // set of strings
	NS   Type = 'n' // set of numbers
	BS   Type = 'b' // set of binaries

	invalid Type = 0 // the payload says why
)

// A Type is the datatype of a value.
type Type byte

// Types lists all datatypes.
var types = [...]Type{S, N, B, BOOL, NULL, L, M, SS, NS, BS}

// String returns the name AWS has for t: "SS".
func (t Type) String() string {
	switch t {
	case BOOL:
		return "BOOL"
	case NULL:
		return "NULL"
	case SS:
		return "SS"
	case NS:
		return "NS"
	case BS:
		return "BS"
	}
	return string(rune(t))
}

// TypeNamed returns the type AWS names so, or false.
func TypeNamed(name string) (Type, bool) {
	for _, t := range types {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

// IsSet reports whether t is one of the three sets.
func (t Type) IsSet() bool { return t == SS || t == NS || t == BS }

// Element returns the type of the elements of a set.
func (t Type) Element() Type {
	switch t {
	case SS:
		return S
	case NS:
		return N
	case BS:
		return B
	}
	return 0
}

// First bytes of an item.
const (
	formInvalid = 0
	formPlain   = 1
)

// An Item is a set of named values. The nil Item is no item; one without
// attributes is Empty. An Item is never changed once made.
type Item []byte

// Empty is the item without attributes.
var Empty = Item{formPlain}

// A Value is one attribute value. The nil Value is no value. A Value is never
// changed once made.
type Value []byte

// Type returns the datatype of v, or 0 if v is nil or invalid.
func (v Value) Type() Type {
	if len(v) == 0 {
		return 0
	}
	return Type(v[0])
}

// payload returns what follows the length.
func (v Value) payload() []byte {
	if len(v) == 0 {
		return nil
	}
	_, k := binary.Uvarint(v[1:])
	return v[1+k:]
}

// Bytes returns the content of a string or binary, which must not be changed.
func (v Value) Bytes() []byte { return v.payload() }

// Text returns the content of a string or binary, or the digits of a number.
func (v Value) Text() string {
	if v.Type() == N {
		return string(appendNumberText(nil, v.payload()))
	}
	return string(v.payload())
}

// Bool returns the value of a BOOL.
func (v Value) Bool() bool { p := v.payload(); return len(p) == 1 && p[0] == 1 }

// Fields returns the content of a map as an item.
func (v Value) Fields() Item {
	if v.Type() != M {
		return nil
	}
	return append(Item{formPlain}, v.payload()...)
}

// Field returns the value of name in a map, or nil.
func (v Value) Field(name string) Value {
	if v.Type() != M {
		return nil
	}
	return find(v.payload(), name)
}

// Elements yields the elements of a list or set, in order.
func (v Value) Elements(yield func(Value) bool) {
	switch v.Type() {
	case L, SS, NS, BS:
	default:
		return
	}
	for b := v.payload(); len(b) > 0; {
		var e Value
		e, b = splitValue(b)
		if !yield(e) {
			return
		}
	}
}

// Index returns the i-th element of a list, or nil.
func (v Value) Index(i int) Value {
	if v.Type() != L {
		return nil
	}
	for e := range v.Elements {
		if i == 0 {
			return e
		}
		i--
	}
	return nil
}

// Len returns how many bytes a string or binary, elements a list or set, or
// attributes a map has.
func (v Value) Len() int {
	n := 0
	switch v.Type() {
	case S, B:
		return len(v.payload())
	case M:
		attributes(v.payload(), func([]byte, Value) bool { n++; return true })
	default:
		for range v.Elements {
			n++
		}
	}
	return n
}

// Equal reports whether v and w are of one type and equal: numbers by value,
// sets whatever the order they were given in.
func (v Value) Equal(w Value) bool { return len(v) > 0 && bytes.Equal(v, w) }

// Compare orders two strings, numbers or binaries of the same type.
func (v Value) Compare(w Value) int { return bytes.Compare(v.payload(), w.payload()) }

// Get returns the value of the attribute name, or nil.
func (it Item) Get(name string) Value {
	if len(it) == 0 || it[0] != formPlain {
		return nil
	}
	return find(it[1:], name)
}

// All yields the attributes in order of their names, which must not be changed.
func (it Item) All(yield func(name []byte, v Value) bool) {
	if len(it) > 0 && it[0] == formPlain {
		attributes(it[1:], yield)
	}
}

// Len returns how many attributes it has.
func (it Item) Len() int {
	n := 0
	for range it.All {
		n++
	}
	return n
}

// Equal reports whether it and other have the same attributes.
func (it Item) Equal(other Item) bool { return bytes.Equal(it, other) }

func attributes(b []byte, yield func([]byte, Value) bool) {
	for len(b) > 0 {
		var name []byte
		var v Value
		name, v, b = splitAttribute(b)
		if !yield(name, v) {
			return
		}
	}
}

func find(b []byte, name string) Value {
	for len(b) > 0 {
		have, v, rest := splitAttribute(b)
		if string(have) == name {
			return v
		}
		if string(have) > name {
			return nil
		}
		b = rest
	}
	return nil
}

// splitAttribute takes the first attribute off b.
func splitAttribute(b []byte) (name []byte, v Value, rest []byte) {
	n, k := binary.Uvarint(b)
	name = b[k : k+int(n)]
	v, rest = splitValue(b[k+int(n):])
	return name, v, rest
}

// splitValue takes the first value off b.
func splitValue(b []byte) (v Value, rest []byte) {
	n, k := binary.Uvarint(b[1:])
	end := 1 + k + int(n)
	return Value(b[:end:end]), b[end:]
}

// An Attribute is a name and its value, which may be nil for none.
type Attribute struct {
	Name  string
	Value Value
}

// New returns the item of attrs; of two of one name the later counts.
func New(attrs ...Attribute) Item { return Empty.With(attrs...) }

// With returns it with each of changes made: a value replaces or adds the
// attribute, nil removes it. It reorders changes.
func (it Item) With(changes ...Attribute) Item {
	size := len(it) + 1
	for _, c := range changes {
		size += len(c.Name) + len(c.Value) + binary.MaxVarintLen32
	}
	out := append(make(Item, 0, size), formPlain)
	var old []byte
	if len(it) > 0 {
		old = it[1:]
	}
	return merge(out, old, changes)
}

// With returns the map v with changes made, as Item.With does.
func (v Value) With(changes ...Attribute) Value {
	return wrap(M, merge(make([]byte, 0, len(v)+64), v.payload(), changes))
}

// merge appends the attributes in old to dst, with changes made.
func merge(dst, old []byte, changes []Attribute) []byte {
	slices.SortStableFunc(changes, func(a, b Attribute) int { return cmp.Compare(a.Name, b.Name) })
	for i, c := range changes {
		if i+1 < len(changes) && changes[i+1].Name == c.Name {
			continue
		}
		for len(old) > 0 {
			name, _, rest := splitAttribute(old)
			if string(name) >= c.Name {
				if string(name) == c.Name {
					old = rest
				}
				break
			}
			dst = append(dst, old[:len(old)-len(rest)]...)
			old = rest
		}
		if c.Value != nil {
			dst = binary.AppendUvarint(dst, uint64(len(c.Name)))
			dst = append(dst, c.Name...)
			dst = append(dst, c.Value...)
		}
	}
	return append(dst, old...)
}

// wrap returns the value of type t with payload p.
func wrap(t Type, p []byte) Value {
	v := make(Value, 0, 1+binary.MaxVarintLen32+len(p))
	v = append(v, byte(t))
	v = binary.AppendUvarint(v, uint64(len(p)))
	return append(v, p...)
}
