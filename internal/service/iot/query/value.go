package query

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Undefined is what is not there, or cannot be said: AWS has it for a value.
var Undefined tree.Value = undefined{}

type undefined struct{}

// raw is a payload that is not JSON. It goes into no document.
type raw []byte

// A scope is what expressions are evaluated in.
type scope struct {
	msg     *Message
	doc     tree.Value // what names are members of
	version string
}

// mostMade is what a statement may make of a message, in bytes of texts and
// values. Values within one another can double at every level.
const mostMade = 4 << 20

func newScope(m *Message, version string) *scope {
	m.left = mostMade
	return &scope{msg: m, doc: m.document(), version: version}
}

// affords reports whether v may be made of m, besides what was.
func (m *Message) affords(v tree.Value) bool {
	m.left = spend(m.left, v)
	return m.left >= 0
}

// spend returns what is left when v is made, and stops at less than nothing.
func spend(left int, v tree.Value) int {
	left--
	switch v := v.(type) {
	case string:
		left -= len(v)
	case []any:
		for i := 0; i < len(v) && left >= 0; i++ {
			left = spend(left, v[i])
		}
	case *tree.Object:
		for name, e := range v.All() {
			if left = spend(left-len(name), e); left < 0 {
				break
			}
		}
	}
	return left
}

// An expr is an expression, compiled.
type expr func(*scope) tree.Value

// document returns v as a part of a document, if it can be one.
func document(v tree.Value) (tree.Value, bool) {
	switch v := v.(type) {
	case undefined, raw:
		return nil, false
	case []any:
		for _, e := range v {
			if _, ok := document(e); !ok {
				return nil, false
			}
		}
	}
	return v, true
}

const (
	mostDigits   = 34
	mostExponent = 999
)

// number returns v as a number, as operators and functions take it.
func number(v tree.Value) (*big.Rat, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = string(v)
	case string:
		s = strings.TrimSpace(v)
	default:
		return nil, false
	}
	if !plainNumber(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// plainNumber reports whether s is a number of a size that can be dealt with.
func plainNumber(s string) bool {
	if s == "" || len(s) > 400 {
		return false
	}
	digits, exponent, found := strings.Cut(strings.ToLower(s), "e")
	if found {
		if n, err := strconv.Atoi(exponent); err != nil || n > mostExponent || n < -mostExponent {
			return false
		}
	}
	return strings.Trim(strings.TrimLeft(digits, "+-"), "0123456789.") == "" && strings.ContainsAny(digits, "0123456789")
}

// rational is a number as a value, of 34 digits if it is not whole.
func rational(r *big.Rat) tree.Value {
	if r.IsInt() {
		if s := r.Num().String(); len(s) <= 400 {
			return json.Number(s)
		}
	}
	return json.Number(new(big.Float).SetPrec(160).SetRat(r).Text('g', mostDigits))
}

// real is a number of double precision as a value.
func real(f float64) tree.Value {
	r := new(big.Rat).SetFloat64(f)
	if r == nil {
		return Undefined // infinite, or none
	}
	if r.IsInt() {
		return rational(r)
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}

func whole(n int) tree.Value { return json.Number(strconv.Itoa(n)) }

// float returns v as a number of double precision.
func float(v tree.Value) (float64, bool) {
	r, ok := number(v)
	if !ok {
		return 0, false
	}
	f, _ := r.Float64()
	return f, true
}

// integer returns v as a whole number, cut off where it has a fraction.
func integer(v tree.Value) (int, bool) {
	r, ok := number(v)
	if !ok {
		return 0, false
	}
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() {
		return 0, false
	}
	return int(n.Int64()), true
}

// text returns v as a text.
func text(v tree.Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	case []any, *tree.Object:
		if v, ok := document(v); ok {
			return tree.String(v), true
		}
	case raw:
		if utf8.Valid(v) {
			return string(v), true
		}
	}
	return "", false
}

// truth returns v as a truth value, as AND and OR take it.
func truth(v tree.Value) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return false, false
}
