package query

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// A number is an integer, a decimal or a float.
type number struct {
	kind numberKind
	int  int64
	dec  *big.Rat
	flo  float64
}

// Kinds of numbers; of two, the result of an operation is the later.
type numberKind uint8

const (
	isInt numberKind = iota
	isDecimal
	isFloat
)

const maxDigits = 38 // of decimals

func (n number) value() Value {
	switch n.kind {
	case isInt:
		return n.int
	case isDecimal:
		return n.dec
	}
	return n.flo
}

// numberOf returns the number that v is.
func numberOf(v Value) (number, bool) {
	switch v := v.(type) {
	case int64:
		return number{int: v}, true
	case float64:
		return number{kind: isFloat, flo: v}, true
	case *big.Rat:
		return number{kind: isDecimal, dec: v}, true
	case json.Number:
		return parseNumber(string(v))
	case Text:
		return parseNumber(string(v))
	}
	return number{}, false
}

// parseNumber reads a number. What has an exponent, or more digits than
// decimals have, is a float, so no text makes a number that is long to handle.
func parseNumber(s string) (number, bool) {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number{int: i}, true
	}
	if s == "" || strings.Trim(s, "+-.0123456789eE") != "" {
		return number{}, false // and neither are Inf and NaN
	}
	if len(s) <= maxDigits && !strings.ContainsAny(s, "eE") {
		if r, ok := new(big.Rat).SetString(s); ok {
			return number{kind: isDecimal, dec: r}, true
		}
		return number{}, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return number{kind: isFloat, flo: f}, err == nil
}

func (n number) rat() *big.Rat {
	if n.kind == isInt {
		return new(big.Rat).SetInt64(n.int)
	}
	return n.dec
}

func (n number) float() float64 {
	if n.kind == isFloat {
		return n.flo
	}
	f, _ := n.rat().Float64()
	return f
}

func (n number) compare(m number) int {
	switch max(n.kind, m.kind) {
	case isInt:
		return cmpOf(n.int, m.int)
	case isDecimal:
		return n.rat().Cmp(m.rat())
	}
	return cmpOf(n.float(), m.float())
}

func cmpOf[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// String prints n as JSON would.
func (n number) String() string {
	switch n.kind {
	case isInt:
		return strconv.FormatInt(n.int, 10)
	case isFloat:
		return strconv.FormatFloat(n.flo, 'g', -1, 64)
	}
	if digits, exact := n.dec.FloatPrec(); exact && digits <= maxDigits {
		return n.dec.FloatString(digits)
	}
	whole := len(new(big.Int).Quo(n.dec.Num(), n.dec.Denom()).String())
	return strings.TrimRight(strings.TrimRight(n.dec.FloatString(max(maxDigits-whole, 0)), "0"), ".")
}

// arithmetic is a sign of SQL between two numbers.
func arithmetic(sign string, a, b Value) (Value, error) {
	if absent(a) || absent(b) {
		return nil, nil
	}
	x, ok1 := numberOf(a)
	y, ok2 := numberOf(b)
	if !ok1 || !ok2 {
		return nil, Fault("InvalidDataType", "The SQL expression contains a data type that is not valid.")
	}
	switch max(x.kind, y.kind) {
	case isInt:
		return integers(sign, x.int, y.int)
	case isDecimal:
		return decimals(sign, x.rat(), y.rat())
	}
	return floats(sign, x.float(), y.float())
}

func errOverflow() error { return Fault("IntegerOverflow", wordsOverflow) }

func errByZero() error {
	return Fault("ExternalEvalException", "The query cannot be evaluated. Check the file and try again.")
}

func integers(sign string, a, b int64) (Value, error) {
	var r int64
	ok := true
	switch sign {
	case "+":
		r = a + b
		ok = (r > a) == (b > 0)
	case "-":
		r = a - b
		ok = (r < a) == (b > 0)
	case "*":
		r = a * b
		ok = a == 0 || r/a == b && !(a == -1 && b == math.MinInt64)
	default:
		switch {
		case b == 0:
			return nil, errByZero()
		case sign == "%":
			return a % b, nil
		}
		r, ok = a/b, !(a == math.MinInt64 && b == -1)
	}
	if !ok {
		return nil, errOverflow()
	}
	return r, nil
}

func decimals(sign string, a, b *big.Rat) (Value, error) {
	r := new(big.Rat)
	switch sign {
	case "+":
		r.Add(a, b)
	case "-":
		r.Sub(a, b)
	case "*":
		r.Mul(a, b)
	default:
		if b.Sign() == 0 {
			return nil, errByZero()
		}
		r.Quo(a, b)
		if sign == "%" {
			whole := new(big.Rat).SetInt(new(big.Int).Quo(r.Num(), r.Denom()))
			r.Sub(a, whole.Mul(whole, b))
		}
	}
	// Far more than 38 digits, so that what is printed is right, and no chain of
	// operations makes numbers that are long to handle.
	const bits = 512
	if r.Num().BitLen()+r.Denom().BitLen() > 2*bits {
		new(big.Float).SetPrec(bits).SetRat(r).Rat(r)
	}
	return r, nil
}

func floats(sign string, a, b float64) (Value, error) {
	var r float64
	switch sign {
	case "+":
		r = a + b
	case "-":
		r = a - b
	case "*":
		r = a * b
	default:
		if b == 0 {
			return nil, errByZero()
		}
		r = a / b
		if sign == "%" {
			r = math.Mod(a, b)
		}
	}
	if math.IsInf(r, 0) || math.IsNaN(r) {
		return nil, Fault("NumberFormatError", "An error occurred while parsing a number. This error can be caused by underflow or overflow of integers.")
	}
	return r, nil
}
