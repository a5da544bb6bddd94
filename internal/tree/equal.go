package tree

import (
	"encoding/json"
	"math/big"
	"strconv"
)

// Equal reports whether a and b are the same document: numbers by value,
// objects whatever their order.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case []Value:
		b, ok := b.([]Value)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *Object:
		b, ok := b.(*Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for k, v := range a.All() {
			if w, found := b.Get(k); !found || !Equal(v, w) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && Compare(a, b) == 0
	}
	return a == b
}

// Compare orders two numbers exactly, where both are of a sane size, and as
// float64 else.
func Compare(a, b json.Number) int {
	if a == b {
		return 0
	}
	if x, err := strconv.ParseInt(string(a), 10, 64); err == nil {
		if y, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	}
	if x, ok := rational(a); ok {
		if y, ok := rational(b); ok {
			return x.Cmp(y)
		}
	}
	x, _ := a.Float64()
	y, _ := b.Float64()
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// rational is n exactly, unless its exponent would make it huge.
func rational(n json.Number) (*big.Rat, bool) {
	f, err := n.Float64()
	if err != nil || len(n) > 400 || f != 0 && (f > 1e300 || f < -1e300 || f < 1e-300 && f > -1e-300) {
		return nil, false
	}
	if f == 0 && len(n) > 20 {
		return nil, false
	}
	return new(big.Rat).SetString(string(n))
}

// Int is n as an int64, if it is a whole number of that size, however written.
func Int(v Value) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, true
	}
	if r, ok := rational(n); ok && r.IsInt() && r.Num().IsInt64() {
		return r.Num().Int64(), true
	}
	return 0, false
}
