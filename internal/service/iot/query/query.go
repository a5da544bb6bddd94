package query

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Versions of the language. There is a third, "beta", that is refused.
const (
	Version2015 = "2015-10-08"
	Version2016 = "2016-03-23"
)

// A Message is one that a rule sees.
type Message struct {
	Topic     string
	Payload   []byte
	ClientID  string // of who sent it by MQTT, else "n/a"
	Principal string
	SourceIP  string
	Account   string
	TraceID   string
	At        time.Time

	doc    tree.Value // the payload, or Undefined if it is not JSON
	parsed bool
	left   int // what may yet be made of it, in bytes and values
}

// document returns the payload as a document, or Undefined.
func (m *Message) document() tree.Value {
	if !m.parsed {
		m.parsed = true
		if v, err := tree.Parse(m.Payload); err == nil {
			m.doc = v
		} else {
			m.doc = Undefined
		}
	}
	return m.doc
}

// A Query is a statement, compiled.
type Query struct {
	version string
	from    string // the topic filter; empty: the rule has none
	sel     selection
}

// A selection is what a SELECT chooses, and of what.
type selection struct {
	items []item
	value bool // the one item as it is, not a member of an object
	where expr // nil: all
}

// An item is one choice of a SELECT.
type item struct {
	name string // "" of a bare *
	get  expr
}

// From returns the topic filter of the statement, or "" if it has none.
func (q *Query) From() string { return q.from }

// Run says whether the statement is for m, whose topic matches, and what goes
// on of it.
func (q *Query) Run(m *Message) (out []byte, ok bool) {
	x := newScope(m, q.version)
	if !q.sel.holds(x) {
		return nil, false
	}
	if len(q.sel.items) == 1 && q.sel.items[0].name == "" && !q.sel.value {
		return m.Payload, true // SELECT *, whatever it is
	}
	v := q.sel.pick(x)
	if v == Undefined {
		return nil, false
	}
	return tree.Append(nil, v), true
}

// holds reports whether the condition is true of x.
func (s *selection) holds(x *scope) bool {
	return s.where == nil || s.where(x) == true
}

// pick returns what is chosen of x. Undefined is what cannot be.
func (s *selection) pick(x *scope) tree.Value {
	if s.value {
		return s.items[0].get(x)
	}
	out := new(tree.Object)
	for i := range s.items {
		it := &s.items[i]
		v := it.get(x)
		if !x.msg.affords(v) {
			return Undefined
		}
		if it.name != "" {
			if v, ok := document(v); ok {
				out.Set(it.name, v)
			}
			continue
		}
		all, ok := v.(*tree.Object)
		if !ok {
			return Undefined // * beside others is of objects
		}
		for name, v := range all.All() {
			out.Set(name, v)
		}
	}
	return out
}

// nested returns the results of a SELECT within an expression: one for each
// element of what from leads to that it is for.
func (s *selection) nested(x *scope, from expr) tree.Value {
	v := from(x)
	elements, ok := v.([]any)
	if !ok {
		if v == Undefined {
			return Undefined
		}
		elements = []any{v}
	}
	out := []any{}
	for _, element := range elements {
		if x.msg.left--; x.msg.left < 0 {
			return Undefined
		}
		of := &scope{msg: x.msg, doc: element, version: x.version}
		if !s.holds(of) {
			continue
		}
		if v, ok := document(s.pick(of)); ok {
			out = append(out, v)
		}
	}
	return out
}
