package query

import (
	"encoding/json"
	"math/big"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// A binary operator makes a value of two.
type binary func(a, b tree.Value) tree.Value

// comparisons bind less than sums, and sums less than products.
var (
	comparisons = map[string]binary{
		"=": equal, "<>": unequal, "!=": unequal,
		"<": ordered(func(c int) bool { return c < 0 }), "<=": ordered(func(c int) bool { return c <= 0 }),
		">": ordered(func(c int) bool { return c > 0 }), ">=": ordered(func(c int) bool { return c >= 0 }),
	}
	sums = map[string]binary{
		"+": add,
		"-": arithmetic(func(z, a, b *big.Rat) bool { z.Sub(a, b); return true }),
	}
	products = map[string]binary{
		"*": arithmetic(func(z, a, b *big.Rat) bool { z.Mul(a, b); return true }),
		"/": arithmetic(quotient),
		"%": arithmetic(remainder),
	}
)

// equal compares two values of one type; those of two are never equal.
func equal(a, b tree.Value) tree.Value {
	if a == Undefined || b == Undefined {
		return Undefined
	}
	if isRaw(a) || isRaw(b) {
		return false
	}
	return tree.Equal(a, b)
}

func isRaw(v tree.Value) bool { _, ok := v.(raw); return ok }

func unequal(a, b tree.Value) tree.Value {
	if same, ok := equal(a, b).(bool); ok {
		return !same
	}
	return Undefined
}

// ordered compares two numbers, or texts that are numbers.
func ordered(holds func(int) bool) binary {
	return func(a, b tree.Value) tree.Value {
		x, ok := number(a)
		y, too := number(b)
		if !ok || !too {
			return Undefined
		}
		return holds(x.Cmp(y))
	}
}

// add adds numbers, and joins texts.
func add(a, b tree.Value) tree.Value {
	_, left := a.(string)
	_, right := b.(string)
	if left || right {
		x, ok := text(a)
		y, too := text(b)
		if !ok || !too {
			return Undefined
		}
		return x + y
	}
	return arithmetic(func(z, a, b *big.Rat) bool { z.Add(a, b); return true })(a, b)
}

func arithmetic(do func(z, a, b *big.Rat) bool) binary {
	return func(a, b tree.Value) tree.Value {
		x, ok := number(a)
		y, too := number(b)
		z := new(big.Rat)
		if !ok || !too || !do(z, x, y) {
			return Undefined
		}
		return rational(z)
	}
}

func quotient(z, a, b *big.Rat) bool {
	if b.Sign() == 0 {
		return false
	}
	z.Quo(a, b)
	return true
}

// remainder has the sign of a.
func remainder(z, a, b *big.Rat) bool {
	if b.Sign() == 0 {
		return false
	}
	q := new(big.Rat).Quo(a, b)
	n := new(big.Rat).SetInt(new(big.Int).Quo(q.Num(), q.Denom()))
	z.Sub(a, n.Mul(n, b))
	return true
}

func negate(of expr) expr {
	minus := sums["-"]
	return func(x *scope) tree.Value { return minus(json.Number("0"), of(x)) }
}

func not(of expr) expr {
	return func(x *scope) tree.Value {
		if v, ok := truth(of(x)); ok {
			return !v
		}
		return Undefined
	}
}

// logical is AND, or OR where decides is true: the value that one operand alone
// decides by.
func logical(a, b expr, decides bool) expr {
	return func(x *scope) tree.Value {
		left, ok := truth(a(x))
		right, too := truth(b(x))
		if !ok || !too {
			return Undefined
		}
		if left == decides || right == decides {
			return decides
		}
		return !decides
	}
}

// in reports whether a list has a value.
func in(of, list expr) expr {
	return func(x *scope) tree.Value {
		v := of(x)
		elements, ok := list(x).([]any)
		if !ok || v == Undefined {
			return Undefined
		}
		for _, e := range elements {
			if equal(v, e) == true {
				return true
			}
		}
		return false
	}
}
