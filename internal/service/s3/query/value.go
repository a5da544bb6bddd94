package query

import (
	"encoding/json"
	"math/big"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// A Value is of one of the types that doc.go lists.
type Value = any

// Missing is the value of what is not there.
type Missing struct{}

// Text is a cell of CSV: a string, which is a number where one is compared with
// it, if it reads like one.
type Text string

// absent reports whether v is null or missing.
func absent(v Value) bool {
	_, missing := v.(Missing)
	return v == nil || missing
}

// textOf returns the text of v, if it is text.
func textOf(v Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Text:
		return string(v), true
	}
	return "", false
}

// compare orders a and b, if they can be: numbers, texts, truths or times.
func compare(a, b Value) (order int, ok bool) {
	if s, is := textOf(a); is {
		if t, is := textOf(b); is {
			return strings.Compare(s, t), true
		}
	}
	switch x := a.(type) {
	case bool:
		y, ok := b.(bool)
		return truth(x) - truth(y), ok
	case Timestamp:
		y, ok := b.(Timestamp)
		return x.time.Compare(y.time), ok
	}
	x, ok1 := numberOf(a)
	y, ok2 := numberOf(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	return x.compare(y), true
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// equal reports whether a and b are equal; what cannot be compared is not.
func equal(a, b Value) bool {
	if order, ok := compare(a, b); ok {
		return order == 0
	}
	switch a.(type) {
	case []any, *tree.Object:
		return tree.Equal(a, b)
	}
	return false
}

// descend returns what is one step below v.
func descend(v Value, s Step) Value {
	switch v := v.(type) {
	case *tree.Object:
		if s.Kind == Member {
			return member(v, s)
		}
	case []any:
		if s.Kind == Element && s.Index < len(v) {
			return v[s.Index]
		}
	}
	return Missing{}
}

// member returns the member of o that s names.
func member(o *tree.Object, s Step) Value {
	if v, ok := o.Get(s.Name); ok {
		return v
	}
	if !s.Exact {
		for name, v := range o.All() {
			if strings.EqualFold(name, s.Name) {
				return v
			}
		}
	}
	return Missing{}
}

// Plain returns v as a value of JSON.
func Plain(v Value) tree.Value {
	switch v := v.(type) {
	case Missing:
		return nil
	case Text:
		return string(v)
	case Timestamp:
		return v.String()
	case int64, float64, *big.Rat:
		n, _ := numberOf(v)
		return json.Number(n.String())
	}
	return v
}
