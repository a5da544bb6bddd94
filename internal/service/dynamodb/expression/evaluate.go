package expression

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/item"
)

// A Condition is true or false of an item. The nil Condition is always true.
type Condition struct {
	root *node
	binding
}

// Condition reads the condition or filter in text; parameter is where it came
// from.
func (r *Request) Condition(parameter, text string) (*Condition, error) {
	p, err := r.cache.get('c', text, parseCondition)
	if err != nil {
		return nil, invalid(parameter, err)
	}
	c := &Condition{p.root, r.bind(p)}
	if err := (checker{&c.binding, p}).condition(c.root); err != "" {
		return nil, invalid(parameter, err)
	}
	return c, nil
}

// Attributes lists the attributes that c looks at.
func (c *Condition) Attributes() []Attribute {
	if c == nil {
		return nil
	}
	return c.attributes(c.root.paths)
}

// Match reports whether c is true of it, which may be nil.
func (c *Condition) Match(it item.Item) bool { return c == nil || c.match(c.root, it) }

func (c *Condition) match(n *node, it item.Item) bool {
	switch n.kind {
	case nodeAnd:
		return c.match(n.args[0], it) && c.match(n.args[1], it)
	case nodeOr:
		return c.match(n.args[0], it) || c.match(n.args[1], it)
	case nodeNot:
		return !c.match(n.args[0], it)
	case nodeCall:
		return c.call(n, it)
	}
	v := c.value(n.args[0], it)
	switch n.kind {
	case nodeCompare:
		return Compare(n.name, v, c.value(n.args[1], it))
	case nodeBetween:
		return Compare(">=", v, c.value(n.args[1], it)) && Compare("<=", v, c.value(n.args[2], it))
	case nodeIn:
		for _, a := range n.args[1:] {
			if v.Equal(c.value(a, it)) {
				return true
			}
		}
	}
	return false
}

func (c *Condition) call(n *node, it item.Item) bool {
	v := c.value(n.args[0], it)
	switch n.name {
	case "attribute_exists":
		return v != nil
	case "attribute_not_exists":
		return v == nil
	}
	arg := c.value(n.args[1], it)
	switch n.name {
	case "attribute_type":
		return v != nil && arg != nil && v.Type().String() == arg.Text()
	case "begins_with":
		return BeginsWith(v, arg)
	case "contains":
		return Contains(v, arg)
	}
	return false
}

// value returns the value of an operand, or nil.
func (b *binding) value(n *node, it item.Item) item.Value {
	switch n.kind {
	case nodePath:
		return b.find(n.path, it)
	case nodeValue:
		return b.values[n.value]
	}
	return size(b.value(n.args[0], it)) // the one function that has a value
}

// Compare compares two values. Those of different types, or none, differ, and
// have no order.
func Compare(op string, v, w item.Value) bool {
	switch op {
	case "=":
		return v.Equal(w)
	case "<>":
		return !v.Equal(w)
	}
	if v == nil || v.Type() != w.Type() || !ordered(v.Type()) {
		return false
	}
	n := v.Compare(w)
	switch op {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

// ordered reports whether values of type t have an order.
func ordered(t item.Type) bool { return t == item.S || t == item.N || t == item.B }

// BeginsWith reports whether v, a string or binary, begins with prefix.
func BeginsWith(v, prefix item.Value) bool {
	return v.Type() == prefix.Type() && (v.Type() == item.S || v.Type() == item.B) && bytes.HasPrefix(v.Bytes(), prefix.Bytes())
}

// Contains reports whether part is in the text, or among the elements, of v.
func Contains(v, part item.Value) bool {
	switch t := v.Type(); t {
	case item.S, item.B:
		return part.Type() == t && bytes.Contains(v.Bytes(), part.Bytes())
	default:
		return v.Has(part)
	}
}

// size returns the size of v as a number, or nil if it has none. Strings are
// measured in UTF-16, as AWS does.
func size(v item.Value) item.Value {
	switch v.Type() {
	case item.S:
		n := 0
		for b := v.Bytes(); len(b) > 0; {
			r, k := utf8.DecodeRune(b)
			n += max(utf16.RuneLen(r), 1)
			b = b[k:]
		}
		return item.Int(n)
	case item.B, item.SS, item.NS, item.BS, item.L, item.M:
		return item.Int(v.Len())
	}
	return nil
}
