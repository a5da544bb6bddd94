package asl

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"strings"
	"unicode/utf16"

	"github.com/aloft-cloud/aloft/internal/tree"
)

type number = json.Number

type arity struct{ min, max int }

// arities are the intrinsic functions and how many arguments they take.
var arities = map[string]arity{
	"States.Array":          {0, math.MaxInt},
	"States.ArrayContains":  {2, 2},
	"States.ArrayGetItem":   {2, 2},
	"States.ArrayLength":    {1, 1},
	"States.ArrayPartition": {2, 2},
	"States.ArrayRange":     {3, 3},
	"States.ArrayUnique":    {1, 1},
	"States.Base64Decode":   {1, 1},
	"States.Base64Encode":   {1, 1},
	"States.Format":         {1, math.MaxInt},
	"States.Hash":           {2, 2},
	"States.JsonMerge":      {3, 3},
	"States.JsonToString":   {1, 1},
	"States.MathAdd":        {2, 2},
	"States.MathRandom":     {2, 3},
	"States.StringSplit":    {2, 2},
	"States.StringToJson":   {1, 1},
	"States.UUID":           {0, 0},
}

var functions map[string]func(e *evaluation, args []Value) (Value, error)

func init() {
	functions = map[string]func(e *evaluation, args []Value) (Value, error){
		"States.Array":          func(_ *evaluation, args []Value) (Value, error) { return args, nil },
		"States.ArrayContains":  arrayContains,
		"States.ArrayGetItem":   arrayGetItem,
		"States.ArrayLength":    arrayLength,
		"States.ArrayPartition": arrayPartition,
		"States.ArrayRange":     arrayRange,
		"States.ArrayUnique":    arrayUnique,
		"States.Base64Decode":   base64Decode,
		"States.Base64Encode":   base64Encode,
		"States.Format":         format,
		"States.Hash":           hashOf,
		"States.JsonMerge":      jsonMerge,
		"States.JsonToString":   func(_ *evaluation, args []Value) (Value, error) { return tree.String(args[0]), nil },
		"States.MathAdd":        mathAdd,
		"States.MathRandom":     mathRandom,
		"States.StringSplit":    stringSplit,
		"States.StringToJson":   stringToJson,
		"States.UUID":           func(e *evaluation, _ []Value) (Value, error) { return e.env.Source.UUID(), nil },
	}
}

const (
	maxIntrinsicString = 10000 // characters, of what is encoded, decoded and hashed
	maxRange           = 1000  // items of States.ArrayRange
)

func listArg(v Value) ([]Value, error) {
	if list, ok := v.([]Value); ok {
		return list, nil
	}
	return nil, fmt.Errorf("The first argument must be an array, but was: %s", tree.String(v))
}

// intArg is a number rounded to the nearest whole one, as AWS documents it.
func intArg(v Value) (int64, error) {
	if n, ok := tree.Int(v); ok {
		return n, nil
	}
	n, ok := v.(number)
	if !ok {
		return 0, fmt.Errorf("The argument must be a number, but was: %s", tree.String(v))
	}
	f, err := n.Float64()
	if err != nil || math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("The argument is not a valid integer: %s", n)
	}
	return int64(math.Floor(f + 0.5)), nil
}

func textArg(v Value, limit int) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("The argument must be a string, but was: %s", tree.String(v))
	}
	if len(s) > limit && len(utf16.Encode([]rune(s))) > limit {
		return "", fmt.Errorf("The argument must not be longer than %d characters", limit)
	}
	return s, nil
}

func arrayContains(_ *evaluation, args []Value) (Value, error) {
	list, err := listArg(args[0])
	if err != nil {
		return nil, err
	}
	for _, x := range list {
		if same(x, args[1]) {
			return true, nil
		}
	}
	return false, nil
}

// same is equality as Java's: 1 and 1.0 are not the same.
func same(a, b Value) bool {
	x, isNumber := a.(number)
	y, isNumber2 := b.(number)
	if isNumber && isNumber2 && strings.ContainsAny(string(x), ".eE") != strings.ContainsAny(string(y), ".eE") {
		return false
	}
	return tree.Equal(a, b)
}

func arrayGetItem(_ *evaluation, args []Value) (Value, error) {
	list, err := listArg(args[0])
	if err != nil {
		return nil, err
	}
	i, err := intArg(args[1])
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= int64(len(list)) {
		return nil, fmt.Errorf("Index %d out of bounds for length %d", i, len(list))
	}
	return list[i], nil
}

func arrayLength(_ *evaluation, args []Value) (Value, error) {
	list, err := listArg(args[0])
	return intNumber(int64(len(list))), err
}

func arrayPartition(_ *evaluation, args []Value) (Value, error) {
	list, err := listArg(args[0])
	if err != nil {
		return nil, err
	}
	size, err := intArg(args[1])
	if err != nil {
		return nil, err
	}
	if size <= 0 {
		return nil, errors.New("The chunk size must be greater than 0")
	}
	parts := []Value{}
	for len(list) > 0 {
		n := min(int(min(size, math.MaxInt32)), len(list))
		parts = append(parts, list[:n:n])
		list = list[n:]
	}
	return parts, nil
}

func arrayRange(_ *evaluation, args []Value) (Value, error) {
	var n [3]int64
	for i := range n {
		var err error
		if n[i], err = intArg(args[i]); err != nil {
			return nil, err
		}
	}
	first, last, step := n[0], n[1], n[2]
	if step == 0 {
		return nil, errors.New("The increment must not be 0")
	}
	list := []Value{}
	for i := first; step > 0 && i <= last || step < 0 && i >= last; i += step {
		if len(list) == maxRange {
			return nil, fmt.Errorf("The range must not have more than %d elements", maxRange)
		}
		list = append(list, intNumber(i))
		if step > 0 && i > math.MaxInt64-step || step < 0 && i < math.MinInt64-step {
			break
		}
	}
	return list, nil
}

func arrayUnique(_ *evaluation, args []Value) (Value, error) {
	list, err := listArg(args[0])
	if err != nil {
		return nil, err
	}
	unique, seen := []Value{}, map[string][]Value{}
next:
	for _, x := range list {
		key := typeName(x)
		if _, isObject := x.(*tree.Object); !isObject {
			key = tree.String(x)
		}
		for _, y := range seen[key] {
			if same(x, y) {
				continue next
			}
		}
		seen[key] = append(seen[key], x)
		unique = append(unique, x)
	}
	return unique, nil
}

func base64Encode(_ *evaluation, args []Value) (Value, error) {
	s, err := textArg(args[0], maxIntrinsicString)
	return base64.StdEncoding.EncodeToString([]byte(s)), err
}

func base64Decode(_ *evaluation, args []Value) (Value, error) {
	s, err := textArg(args[0], maxIntrinsicString)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		if b, err = base64.RawStdEncoding.DecodeString(s); err != nil {
			return nil, errors.New("The argument is not valid Base64")
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

// format fills the braces of its first argument.
func format(_ *evaluation, args []Value) (Value, error) {
	pattern, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("The first argument must be a string, but was: %s", tree.String(args[0]))
	}
	args = args[1:]
	var b strings.Builder
	used := 0
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern) && (pattern[i+1] == '{' || pattern[i+1] == '}'):
			i++
			b.WriteByte(pattern[i])
		case strings.HasPrefix(pattern[i:], "{}"):
			if used == len(args) {
				return nil, errors.New("The number of arguments does not match the occurrences of {}")
			}
			b.WriteString(javaString(args[used]))
			used++
			i++
		default:
			b.WriteByte(pattern[i])
		}
		if b.Len() > 4*MaxPayload {
			return nil, errors.New("The result is too large")
		}
	}
	if used < len(args) {
		return nil, errors.New("The number of arguments does not match the occurrences of {}")
	}
	return b.String(), nil
}

// javaString prints a value as Java does, which is how States.Format shows
// objects and lists.
func javaString(v Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []Value:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = javaString(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *tree.Object:
		parts := make([]string, 0, v.Len())
		for k, x := range v.All() {
			parts = append(parts, k+"="+javaString(x))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return tree.String(v)
}

func hashOf(_ *evaluation, args []Value) (Value, error) {
	text, ok := args[0].(string)
	if !ok {
		text = tree.String(args[0])
	}
	if _, err := textArg(text, maxIntrinsicString); err != nil {
		return nil, err
	}
	name, _ := args[1].(string)
	return Hash(text, name)
}

// Hash is the digest of text in hex, by one of the algorithms that Step
// Functions knows.
func Hash(text, algorithm string) (string, error) {
	var h hash.Hash
	switch algorithm {
	case "MD5":
		h = md5.New()
	case "SHA-1":
		h = sha1.New()
	case "SHA-256":
		h = sha256.New()
	case "SHA-384":
		h = sha512.New384()
	case "SHA-512":
		h = sha512.New()
	default:
		return "", fmt.Errorf("The hashing algorithm '%s' is not supported. It must be one of [MD5, SHA-1, SHA-256, SHA-384, SHA-512]", algorithm)
	}
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)), nil
}

func jsonMerge(_ *evaluation, args []Value) (Value, error) {
	left, ok := args[0].(*tree.Object)
	right, ok2 := args[1].(*tree.Object)
	if !ok || !ok2 {
		return nil, errors.New("The first two arguments must be JSON objects")
	}
	if deep, isBool := args[2].(bool); !isBool || deep {
		return nil, errors.New("Deep merging is not supported: the third argument must be false")
	}
	merged := left.Clone()
	for k, v := range right.All() {
		merged.Set(k, v)
	}
	return merged, nil
}

func mathAdd(_ *evaluation, args []Value) (Value, error) {
	a, err := intArg(args[0])
	if err != nil {
		return nil, err
	}
	b, err := intArg(args[1])
	if err != nil {
		return nil, err
	}
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return nil, errors.New("The sum is out of range")
	}
	return intNumber(sum), nil
}

// mathRandom gives a number from the first argument on and below the second;
// the same for the same seed.
func mathRandom(e *evaluation, args []Value) (Value, error) {
	from, err := intArg(args[0])
	if err != nil {
		return nil, err
	}
	to, err := intArg(args[1])
	if err != nil {
		return nil, err
	}
	if to <= from || to-from <= 0 {
		return nil, errors.New("The end number must be greater than the start number")
	}
	f := e.env.Source.Float64
	if len(args) == 3 {
		seed, err := intArg(args[2])
		if err != nil {
			return nil, err
		}
		f = rand.New(rand.NewPCG(uint64(seed), 0)).Float64
	}
	return intNumber(from + min(int64(f()*float64(to-from)), to-from-1)), nil
}

// stringSplit splits at each character of the second argument; what is empty is left out.
func stringSplit(_ *evaluation, args []Value) (Value, error) {
	s, ok := args[0].(string)
	at, ok2 := args[1].(string)
	if !ok || !ok2 {
		return nil, errors.New("Both arguments must be strings")
	}
	parts := []Value{}
	for _, p := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(at, r) }) {
		parts = append(parts, p)
	}
	return parts, nil
}

func stringToJson(_ *evaluation, args []Value) (Value, error) {
	s, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("The argument must be a string, but was: %s", tree.String(args[0]))
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	return tree.ParseString(s)
}
