package jsonata

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
)

func sum(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	var total value = 0.0
	for _, x := range asList(a[0]) {
		total = arithmetic("+", total, x)
	}
	return total
}

func extreme(sign int) native {
	return func(_ *machine, a []value, _ value) value {
		list := asList(a[0])
		if len(list) == 0 {
			return undef
		}
		return slices.MaxFunc(list, func(x, y value) int { return sign * order(x, y) })
	}
}

func average(_ *machine, a []value, _ value) value {
	list := asList(a[0])
	if len(list) == 0 {
		return undef
	}
	total := 0.0
	for _, x := range list {
		total += toFloat(x)
	}
	return total / float64(len(list))
}

func boolean(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	return truth(a[0])
}

func not(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	return !truth(a[0])
}

func typeOf(v value) value {
	switch symbol(v) {
	case 'm':
		return undef
	case 'l':
		return "null"
	case 'b':
		return "boolean"
	case 's':
		return "string"
	case 'n':
		return "number"
	case 'a':
		return "array"
	case 'o':
		return "object"
	}
	return "function"
}

func toNumber(_ *machine, a []value, _ value) value {
	switch v := a[0].(type) {
	case bool:
		if v {
			return 1.0
		}
		return 0.0
	case string:
		if n, ok := parseNumber(v); ok {
			return n
		}
		fail("D3030", v)
	}
	return a[0]
}

var decimalNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$`)

func parseNumber(s string) (value, bool) {
	if decimalNumber.MatchString(s) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return normal(json.Number(formatInt(n))), true
		}
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	if len(s) > 2 && s[0] == '0' {
		if base := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'O': 8, 'b': 2, 'B': 2}[s[1]]; base != 0 {
			n, err := strconv.ParseUint(s[2:], base, 64)
			return float64(n), err == nil
		}
	}
	return nil, false
}

func rounding(f func(float64) float64) native {
	return func(_ *machine, a []value, _ value) value {
		if x, ok := a[0].(float64); ok {
			return f(x)
		}
		return a[0]
	}
}

func abs(_ *machine, a []value, _ value) value {
	if isNumber(a[0]) && toFloat(a[0]) < 0 {
		return negative(a[0])
	}
	return a[0]
}

// round rounds half to even, as decimal digits say.
func round(_ *machine, a []value, _ value) value {
	x, ok := a[0].(float64)
	if !ok {
		return a[0]
	}
	digits := 0
	if isNumber(a[1]) {
		digits = int(max(min(toFloat(a[1]), 400), -400))
	}
	return roundEven(x, digits)
}

func roundEven(x float64, digits int) float64 {
	s := strconv.FormatFloat(x, 'e', -1, 64)
	shifted, err := strconv.ParseFloat(shift(s, digits), 64)
	if err != nil || math.IsInf(shifted, 0) {
		return x
	}
	back, _ := strconv.ParseFloat(shift(strconv.FormatFloat(math.RoundToEven(shifted), 'e', -1, 64), -digits), 64)
	return back
}

// shift moves the decimal point of a number that is written with an exponent.
func shift(s string, by int) string {
	for i := range s {
		if s[i] == 'e' {
			n, _ := strconv.Atoi(s[i+1:])
			return s[:i+1] + strconv.Itoa(n+by)
		}
	}
	return s
}

func sqrt(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	x := toFloat(a[0])
	if x < 0 {
		fail("D3060", a[0])
	}
	return math.Sqrt(x)
}

func power(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	f := math.Pow(toFloat(a[0]), toFloat(a[1]))
	if math.IsInf(f, 0) || math.IsNaN(f) {
		fail("D3061", a[0], a[1])
	}
	return f
}

// random is $random of JSONata and of Step Functions, which has a seed.
func random(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return m.env.Random()
	}
	seed, _ := wholeOf(a[0])
	return seeded(seed).Float64()
}

func formatBase(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	base := 10.0
	if isNumber(a[1]) {
		base = math.RoundToEven(toFloat(a[1]))
	}
	if base < 2 || base > 36 {
		fail("D3100", base)
	}
	return strconv.FormatInt(int64(math.RoundToEven(toFloat(a[0]))), int(base))
}
