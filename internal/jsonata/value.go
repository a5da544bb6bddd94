package jsonata

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// value is a tree.Value or, while an expression is evaluated, a float64, a
// *seq, a *function, a *regexp.Regexp, or undefined.
type value = any

type undefined struct{}

// Undefined is what an expression gives that finds nothing.
var Undefined tree.Value = undefined{}

var undef value = undefined{}

func isUndef(v value) bool { _, ok := v.(undefined); return ok }

// seq is a list that an expression made. One that is a sequence stands for its
// item when it has one, and for nothing when it has none.
type seq struct {
	items    []value
	sequence bool
	keep     bool // one item stays a list all the same
	cons     bool // made by an array constructor that a path ends with: not flattened
	outer    bool // wraps the list that is the input of the whole
}

// listOf is the items of a list of any kind.
func listOf(v value) ([]value, bool) {
	switch v := v.(type) {
	case []value:
		return v, true
	case *seq:
		return v.items, true
	}
	return nil, false
}

// asList is the items of v, or v alone; nothing for undefined.
func asList(v value) []value {
	if list, ok := listOf(v); ok {
		return list
	}
	if isUndef(v) {
		return nil
	}
	return []value{v}
}

func isSequence(v value) bool {
	s, ok := v.(*seq)
	return ok && s.sequence
}

func isOuter(v value) bool {
	s, ok := v.(*seq)
	return ok && s.outer
}

// unwrap is a sequence as what it stands for.
func unwrap(v value, keep bool) value {
	s, ok := v.(*seq)
	if !ok || !s.sequence || s.outer {
		return v
	}
	if keep && !s.keep {
		s = &seq{items: s.items, sequence: true, keep: true, cons: s.cons}
	}
	switch {
	case len(s.items) == 0:
		return undef
	case len(s.items) == 1 && !s.keep:
		return s.items[0]
	}
	return s
}

func isNumber(v value) bool {
	switch v.(type) {
	case float64, json.Number:
		return true
	}
	return false
}

func toFloat(v value) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			fail("D1001", string(v))
		}
		return f
	}
	return math.NaN()
}

const exact = 1 << 53 // up to here, float64 holds every whole number

// normal is n as a float64 if that loses nothing, else as it is.
func normal(n json.Number) value {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		if i <= exact && i >= -exact && n != "-0" {
			return float64(i)
		}
		return n
	}
	f, err := n.Float64()
	if err != nil {
		return n
	}
	return f
}

// wholeOf is v as an int64, if it is one exactly.
func wholeOf(v value) (int64, bool) {
	switch v := v.(type) {
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) <= exact
	case json.Number:
		return tree.Int(v)
	}
	return 0, false
}

// formatFloat prints as JavaScript does.
func formatFloat(f float64) string {
	if a := math.Abs(f); f != 0 && (a < 1e-6 || a >= 1e21) {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		mantissa, exponent, _ := strings.Cut(s, "e")
		sign := exponent[:1]
		exponent = strings.TrimLeft(exponent[1:], "0")
		return mantissa + "e" + sign + exponent
	}
	if f == 0 {
		return "0"
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// shortest is a number as $string shows it: with 15 digits at most.
func shortest(v value) string {
	if n, ok := v.(json.Number); ok {
		if _, err := strconv.ParseInt(string(n), 10, 64); err == nil {
			return string(n)
		}
	}
	f := toFloat(v)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		fail("D1001", outputFloat(f))
	}
	if f != math.Trunc(f) || math.Abs(f) >= exact {
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	}
	return formatFloat(f)
}

func equal(a, b value) bool {
	if isNumber(a) && isNumber(b) {
		x, ok := wholeOf(a)
		if y, ok2 := wholeOf(b); ok && ok2 {
			return x == y
		}
		return toFloat(a) == toFloat(b)
	}
	if x, ok := listOf(a); ok {
		y, ok := listOf(b)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	switch a := a.(type) {
	case *tree.Object:
		b, ok := b.(*tree.Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for k, v := range a.All() {
			if w, found := b.Get(k); !found || !equal(v, w) {
				return false
			}
		}
		return true
	case nil, bool, string, *function, *regexp.Regexp:
		if _, isList := listOf(b); isList {
			return false
		}
		return a == b
	}
	return false
}

// truth is what a value means as a condition.
func truth(v value) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v != ""
	case float64, json.Number:
		f := toFloat(v)
		return f != 0 && !math.IsNaN(f)
	case *tree.Object:
		return v.Len() > 0
	}
	if list, ok := listOf(v); ok {
		if len(list) == 1 {
			return truth(list[0])
		}
		for _, x := range list {
			if truth(x) {
				return true
			}
		}
	}
	return false
}

// appendTo is a list of both, each flattened by one level.
func appendTo(a, b value) value {
	if isUndef(a) {
		return b
	}
	if isUndef(b) {
		return a
	}
	x, y := asList(a), asList(b)
	if _, isList := listOf(a); !isList {
		return &seq{items: append([]value{a}, y...), sequence: true}
	}
	items := make([]value, 0, len(x)+len(y))
	s := &seq{items: append(append(items, x...), y...)}
	if old, ok := a.(*seq); ok {
		s.sequence, s.keep = old.sequence, old.keep
	}
	return s
}

// output is v as JSON, undefined members and items left out; an error for functions.
func (m *machine) output(v value) (tree.Value, error) {
	switch v := v.(type) {
	case undefined, nil, bool, string, json.Number:
		return v, nil
	case float64:
		return outputFloat(v), nil
	case *tree.Object:
		return m.outputObject(v)
	case *function, *regexp.Regexp:
		return nil, ErrFunction
	}
	list, _ := listOf(v)
	out := make([]tree.Value, 0, len(list))
	for _, x := range list {
		switch x.(type) {
		case *function, *regexp.Regexp:
			x = ""
		}
		y, err := m.output(x)
		if err != nil {
			return nil, err
		}
		if isUndef(y) {
			y = nil
		}
		out = append(out, y)
	}
	return out, nil
}

// outputFloat prints a number. One that JSON has no word for becomes a string, as AWS does it.
func outputFloat(f float64) tree.Value {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return json.Number(formatFloat(f))
}

func (m *machine) outputObject(o *tree.Object) (tree.Value, error) {
	clean := true
	for _, x := range o.All() {
		switch x.(type) {
		case nil, bool, string, json.Number:
		default:
			clean = false
		}
	}
	if clean {
		return o, nil
	}
	out := &tree.Object{}
	for k, x := range o.All() {
		switch x.(type) {
		case *function, *regexp.Regexp:
			x = ""
		}
		y, err := m.output(x)
		if err != nil {
			return nil, err
		}
		if !isUndef(y) {
			out.Set(k, y)
		}
	}
	return out, nil
}
