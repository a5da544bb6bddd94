package query

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// MaxRecord is the most bytes that a record has, of the input or the answer.
const MaxRecord = 1 << 20

// ErrTooLong refuses longer ones.
func ErrTooLong() error {
	return Fault("OverMaxRecordSize", "The length of a record in the input or result is greater than maxCharsPerRecord of 1 MB.")
}

// A function is one that is called as most are.
type function struct {
	arity int
	call  func(*scope, []Value) (Value, error)
}

var functions = map[string]function{
	"LOWER":            {1, onText(strings.ToLower)},
	"UPPER":            {1, onText(strings.ToUpper)},
	"CHAR_LENGTH":      {1, length},
	"CHARACTER_LENGTH": {1, length},
	"NULLIF":           {2, nullIf},
	"TO_STRING":        {2, toString},
	"TO_TIMESTAMP":     {1, toTimestamp},
	"UTCNOW": {0, func(in *scope, _ []Value) (Value, error) {
		return Timestamp{time: in.now.UTC().Truncate(time.Millisecond), precision: second, digits: 3}, nil
	}},
}

func errArgument() error { return Fault("IncorrectSqlFunctionArgumentType", wordsArgument) }

// texts calls f with the texts that values are, unless one is absent.
func texts(values []Value, f func([]string) (Value, error)) (Value, error) {
	out := make([]string, len(values))
	for i, v := range values {
		if absent(v) {
			return nil, nil
		}
		var ok bool
		if out[i], ok = textOf(v); !ok {
			return nil, errArgument()
		}
	}
	return f(out)
}

// times calls f with the timestamps that values are, unless one is absent.
func times(values []Value, f func([]Timestamp) (Value, error)) (Value, error) {
	out := make([]Timestamp, len(values))
	for i, v := range values {
		if absent(v) {
			return nil, nil
		}
		var ok bool
		if out[i], ok = v.(Timestamp); !ok {
			return nil, errArgument()
		}
	}
	return f(out)
}

func onText(f func(string) string) func(*scope, []Value) (Value, error) {
	return func(_ *scope, v []Value) (Value, error) {
		return texts(v, func(s []string) (Value, error) { return f(s[0]), nil })
	}
}

func length(_ *scope, v []Value) (Value, error) {
	return texts(v, func(s []string) (Value, error) { return int64(utf8.RuneCountInString(s[0])), nil })
}

func nullIf(_ *scope, v []Value) (Value, error) {
	if !absent(v[0]) && equal(v[0], v[1]) {
		return nil, nil
	}
	return v[0], nil
}

func toString(_ *scope, v []Value) (Value, error) {
	return times(v[:1], func(t []Timestamp) (Value, error) {
		return texts(v[1:], func(s []string) (Value, error) { return t[0].format(s[0]) })
	})
}

func toTimestamp(_ *scope, v []Value) (Value, error) {
	return texts(v, func(s []string) (Value, error) {
		t, ok := parseTimestamp(s[0])
		if !ok {
			return nil, Fault("ValueParseFailure", "A timestamp parse failure occurred in the SQL expression.")
		}
		return t, nil
	})
}

// substring is what begins at v[1], from 1, and has v[2] characters. What is
// before the first counts, as in SQL.
func substring(_ *scope, v []Value) (Value, error) {
	at := []int64{0, math.MaxInt32}
	for i, a := range v[1:] {
		if absent(a) {
			return nil, nil
		}
		n, ok := numberOf(a)
		if !ok || n.kind != isInt {
			return nil, errArgument()
		}
		at[i] = max(min(n.int, math.MaxInt32), math.MinInt32)
	}
	return texts(v[:1], func(s []string) (Value, error) {
		if at[1] < 0 {
			return nil, Fault("IllegalSqlFunctionArgument", "An illegal argument was used in the SQL function.")
		}
		text := []rune(s[0])
		from := min(max(at[0]-1, 0), int64(len(text)))
		to := min(max(at[0]-1+at[1], from), int64(len(text)))
		return string(text[from:to]), nil
	})
}

// casts are what makes values of other types, by the names of those.
var casts = map[string]func(Value) (Value, bool){
	"BOOL": toBool, "BOOLEAN": toBool,
	"INT": toInt, "INTEGER": toInt,
	"FLOAT": func(v Value) (Value, bool) {
		n, ok := castNumber(v)
		return n.float(), ok
	},
	"DECIMAL": toDecimal, "NUMERIC": toDecimal,
	"STRING": toText,
	"TIMESTAMP": func(v Value) (Value, bool) {
		if s, ok := textOf(v); ok {
			return parseTimestamp(s)
		}
		t, ok := v.(Timestamp)
		return t, ok
	},
}

// castNumber returns the number that v is, or says.
func castNumber(v Value) (number, bool) {
	switch v := v.(type) {
	case string:
		return parseNumber(strings.TrimSpace(v))
	case Text:
		return parseNumber(strings.TrimSpace(string(v)))
	case bool:
		return number{int: int64(truth(v))}, true
	}
	if n, ok := numberOf(v); ok {
		return n, true
	}
	return number{dec: new(big.Rat)}, false
}

func toBool(v Value) (Value, bool) {
	if b, ok := v.(bool); ok {
		return b, true
	}
	if s, ok := textOf(v); ok {
		return strings.EqualFold(s, "true"), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
	}
	n, ok := numberOf(v)
	return n.compare(number{}) != 0, ok
}

// toInt cuts fractions off numbers, but takes no text that has one.
func toInt(v Value) (Value, bool) {
	n, ok := castNumber(v)
	_, text := textOf(v)
	switch {
	case !ok || text && n.kind != isInt:
		return nil, false
	case n.kind == isInt:
		return n.int, true
	case n.kind == isFloat:
		return int64(n.flo), math.Abs(n.flo) < 1<<63
	}
	whole := new(big.Int).Quo(n.dec.Num(), n.dec.Denom())
	return whole.Int64(), whole.IsInt64()
}

func toDecimal(v Value) (Value, bool) {
	n, ok := castNumber(v)
	switch {
	case !ok:
		return nil, false
	case n.kind != isFloat:
		return n.rat(), true
	case math.Abs(n.flo) > 1e38 || n.flo != 0 && math.Abs(n.flo) < 1e-38:
		return n.flo, true // as a float it has all the digits that were said
	}
	return new(big.Rat).SetString(strconv.FormatFloat(n.flo, 'f', -1, 64))
}

func toText(v Value) (Value, bool) {
	switch p := Plain(v).(type) {
	case string:
		return p, true
	case json.Number:
		return string(p), true
	default:
		return tree.String(p), true
	}
}
