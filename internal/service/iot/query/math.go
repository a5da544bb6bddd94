package query

import (
	"math"
	"math/big"
	"math/rand/v2"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// addNumbers adds the functions of numbers.
func addNumbers(functions map[string]function) {
	for name, f := range map[string]func(float64) float64{
		"acos": math.Acos, "asin": math.Asin, "atan": math.Atan, "cos": math.Cos, "cosh": math.Cosh, "exp": math.Exp,
		"ln": math.Log, "log": math.Log10, "sin": math.Sin, "sinh": math.Sinh, "sqrt": math.Sqrt, "tan": math.Tan, "tanh": math.Tanh,
	} {
		functions[name] = ofReal(f)
	}
	for name, f := range map[string]func(float64, float64) float64{"atan2": math.Atan2, "power": math.Pow} {
		functions[name] = ofReals(f)
	}
	for name, f := range map[string]func(a, b *big.Int) *big.Int{
		"bitand": func(a, b *big.Int) *big.Int { return a.And(a, b) },
		"bitor":  func(a, b *big.Int) *big.Int { return a.Or(a, b) },
		"bitxor": func(a, b *big.Int) *big.Int { return a.Xor(a, b) },
	} {
		functions[name] = ofInts(f)
	}
	functions["bitnot"] = ofRational(func(r *big.Rat) *big.Rat { return new(big.Rat).SetInt(new(big.Int).Not(cut(r))) })
	functions["abs"] = ofRational(func(r *big.Rat) *big.Rat { return r.Abs(r) })
	functions["ceil"] = ofRational(func(r *big.Rat) *big.Rat { return r.Neg(below(r.Neg(r))) })
	functions["floor"] = ofRational(below)
	functions["round"] = ofRational(func(r *big.Rat) *big.Rat { return new(big.Rat).SetInt(nearest(r)) })
	functions["sign"] = ofRational(func(r *big.Rat) *big.Rat { return big.NewRat(int64(r.Sign()), 1) })
	functions["mod"] = function{2, 2, func(_ *scope, args []tree.Value) tree.Value { return products["%"](args[0], args[1]) }}
	functions["remainder"] = functions["mod"]
	functions["rand"] = function{0, 0, func(*scope, []tree.Value) tree.Value { return real(rand.Float64()) }}
	functions["trunc"] = function{2, 2, trunc}
}

func ofReal(f func(float64) float64) function {
	return function{1, 1, func(_ *scope, args []tree.Value) tree.Value {
		v, ok := float(args[0])
		if !ok {
			return Undefined
		}
		return real(f(v))
	}}
}

func ofReals(f func(a, b float64) float64) function {
	return function{2, 2, func(_ *scope, args []tree.Value) tree.Value {
		a, ok := float(args[0])
		b, too := float(args[1])
		if !ok || !too {
			return Undefined
		}
		return real(f(a, b))
	}}
}

func ofInts(f func(a, b *big.Int) *big.Int) function {
	return function{2, 2, func(_ *scope, args []tree.Value) tree.Value {
		a, ok := number(args[0])
		b, too := number(args[1])
		if !ok || !too {
			return Undefined
		}
		return rational(new(big.Rat).SetInt(f(cut(a), cut(b))))
	}}
}

func ofRational(f func(*big.Rat) *big.Rat) function {
	return function{1, 1, func(_ *scope, args []tree.Value) tree.Value {
		r, ok := number(args[0])
		if !ok {
			return Undefined
		}
		return rational(f(r))
	}}
}

// cut is r without its fraction.
func cut(r *big.Rat) *big.Int { return new(big.Int).Quo(r.Num(), r.Denom()) }

// below is the next whole number that is not above r.
func below(r *big.Rat) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Div(r.Num(), r.Denom())) // of Euclid: a denominator is positive
}

// nearest is the whole number next to r; of halves, the one away from zero.
func nearest(r *big.Rat) *big.Int {
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		n := below(half.Sub(half, r)).Num()
		return new(big.Int).Neg(n)
	}
	return new(big.Int).Set(below(half.Add(half, r)).Num())
}

// trunc cuts a number to some digits after its point.
func trunc(_ *scope, args []tree.Value) tree.Value {
	r, ok := number(args[0])
	digits, too := integer(args[1])
	if !ok || !too || digits < 0 || digits > mostDigits {
		return Undefined
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	n := cut(r.Mul(r, new(big.Rat).SetInt(scale)))
	return rational(new(big.Rat).SetFrac(n, scale))
}
