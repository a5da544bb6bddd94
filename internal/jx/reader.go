// Package jx reads and writes JSON without reflection. It is what the protocols
// stand on, and what hot types use to bring their own form.
//
// A Reader pulls values out of one string. Strings without escapes are parts of
// it, so reading them allocates nothing. Errors are sticky, as in bufio.Scanner:
// after the first one every method returns a zero value and every loop ends, and
// Err says what it was. So a decoder is written without an if per value:
//
//	r.BeginObject()
//	for r.More('}') {
//		switch r.Key() {
//		case "Name":
//			v.Name = r.String()
//		default:
//			r.Skip()
//		}
//	}
//	return r.Err()
package jx

import (
	"errors"
	"math"
	"strconv"
)

// A Codec is a type with a JSON form of its own.
type Codec interface {
	// DecodeJSON reads one value, which is not null.
	DecodeJSON(*Reader) error
	// AppendJSON appends the value to b.
	AppendJSON(b []byte) []byte
}

// ErrSyntax is the error of text that is not JSON.
var ErrSyntax = errors.New("invalid JSON")

// NotCollection is what AWS's parsers say of an element that should be a list
// or map and is neither: of all that, an accident of their language.
const NotCollection = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class " +
	"(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')"

// ErrDepth is the error of values nested deeper than MaxDepth.
var ErrDepth = errors.New("JSON nested too deep")

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 1000

// A TypeError is a value of another type than the one wanted. It speaks as AWS does.
type TypeError struct {
	Found Kind
	Want  string // "String", "Integer"; "Map" is any object, "List" any array
}

func (e *TypeError) Error() string {
	switch e.Found {
	case Object:
		return "Start of structure or map found where not expected"
	case Array:
		if e.Want == "Map" {
			return "Unrecognized collection type class java.util.Map"
		}
		return "Unrecognized collection type class java.lang." + e.Want
	case String:
		if e.Want == "Boolean" {
			return "Unexpected token received from parser"
		}
	}
	if e.Want == "Map" || e.Want == "List" {
		return "Unexpected field type"
	}
	return e.Found.String() + " cannot be converted to " + e.Want
}

// Kinds of values.
const (
	Invalid Kind = iota // no value: the end, or what is not JSON
	Object
	Array
	String
	Integer // a number without fraction and exponent
	Decimal
	True
	False
	Null
)

// A Kind is what sort of value one is. It prints as AWS's parser names it.
type Kind uint8

func (k Kind) String() string {
	return [...]string{
		Invalid: "UNKNOWN_VALUE",
		Object:  "START_OBJECT",
		Array:   "START_ARRAY",
		String:  "STRING_VALUE",
		Integer: "NUMBER_VALUE",
		Decimal: "DECIMAL_VALUE",
		True:    "TRUE_VALUE",
		False:   "FALSE_VALUE",
		Null:    "NULL_VALUE",
	}[k]
}

// A Reader reads JSON from a string. Use it as a pointer, by one goroutine.
type Reader struct {
	s     string
	i     int
	depth int
	fresh bool // just behind an opening bracket
	err   error
}

// NewReader returns a reader of the JSON text s.
func NewReader(s string) *Reader { return &Reader{s: s} }

// Reset makes r a reader of s.
func (r *Reader) Reset(s string) { *r = Reader{s: s} }

// Err returns the first error, nil if there was none.
func (r *Reader) Err() error { return r.err }

// Fail makes err the reader's error, unless it has one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.i = len(r.s)
}

func (r *Reader) syntax() { r.Fail(ErrSyntax) }

// Offset returns how many bytes have been read.
func (r *Reader) Offset() int { return r.i }

// peek returns the first byte of the next token, 0 at the end.
func (r *Reader) peek() byte {
	for r.i < len(r.s) {
		switch c := r.s[r.i]; c {
		case ' ', '\n', '\t', '\r':
			r.i++
		case 0:
			return 1 // not JSON, and not the end
		default:
			return c
		}
	}
	return 0
}

// Kind returns the kind of the next value without reading it.
func (r *Reader) Kind() Kind {
	switch r.peek() {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't':
		return True
	case 'f':
		return False
	case 'n':
		return Null
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if text, _ := scanNumber(r.s[r.i:]); integral(text) {
			return Integer
		}
		return Decimal
	}
	return Invalid
}

// mismatch fails with the type of the next value, or with its bad syntax.
func (r *Reader) mismatch(want string) {
	if k := r.Kind(); k != Invalid {
		r.Fail(&TypeError{Found: k, Want: want})
		return
	}
	r.syntax()
}

// BeginObject reads the opening brace of an object.
func (r *Reader) BeginObject() bool { return r.begin('{', "Map") }

// BeginArray reads the opening bracket of an array.
func (r *Reader) BeginArray() bool { return r.begin('[', "List") }

func (r *Reader) begin(open byte, want string) bool {
	if r.peek() != open {
		r.mismatch(want)
		return false
	}
	if r.depth == MaxDepth {
		r.Fail(ErrDepth)
		return false
	}
	r.i++
	r.depth++
	r.fresh = true
	return true
}

// More reports whether the object or array has another member, and moves to
// it. Otherwise it reads closer, '}' or ']'. The caller must read what follows.
func (r *Reader) More(closer byte) bool {
	if r.err != nil {
		return false
	}
	c := r.peek()
	fresh := r.fresh
	r.fresh = false
	switch {
	case c == closer:
		r.i++
		r.depth--
		return false
	case c == 0:
		r.syntax()
		return false
	case fresh:
		return true
	case c != ',':
		r.syntax()
		return false
	}
	r.i++
	return true
}

// Key reads the name of a member and the colon behind it.
func (r *Reader) Key() string {
	if r.peek() != '"' {
		r.syntax()
		return ""
	}
	k := r.String()
	if r.peek() != ':' {
		r.syntax()
		return ""
	}
	r.i++
	return k
}

// Null reads a null if one is next, and reports whether it did.
func (r *Reader) Null() bool {
	return r.peek() == 'n' && r.literal("null")
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	switch r.peek() {
	case 't':
		return r.literal("true")
	case 'f':
		r.literal("false")
	default:
		r.mismatch("Boolean")
	}
	return false
}

func (r *Reader) literal(text string) bool {
	if len(r.s)-r.i < len(text) || r.s[r.i:r.i+len(text)] != text {
		r.syntax()
		return false
	}
	r.i += len(text)
	return true
}

// Number reads a number and returns its text.
func (r *Reader) Number() string { return r.number("Number") }

func (r *Reader) number(want string) string {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		r.mismatch(want)
		return ""
	}
	text, ok := scanNumber(r.s[r.i:])
	if !ok {
		r.syntax()
		return ""
	}
	r.i += len(text)
	return text
}

// Int reads an integer of at most the given bits, 32 or 64. It accepts 5.0.
func (r *Reader) Int(bits int) int64 {
	want := "Long"
	if bits == 32 {
		want = "Integer"
	}
	text := r.number(want)
	if r.err != nil {
		return 0
	}
	n, err := ParseInt(text, bits)
	if err != nil {
		r.Fail(&TypeError{Found: Decimal, Want: want})
	}
	return n
}

var errRange = errors.New("not an integer of that size")

// ParseInt reads the text of a number that has no fraction, such as 5 or 5.0.
func ParseInt(text string, bits int) (int64, error) {
	n, err := strconv.ParseInt(text, 10, bits)
	if err == nil {
		return n, nil
	}
	f, ferr := strconv.ParseFloat(text, 64)
	// 1<<53 is the last integer that floats tell from its neighbours.
	if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 || bits == 32 && f != float64(int32(f)) {
		return 0, errRange
	}
	return int64(f), nil
}

// Float reads a number, or one of the strings "NaN", "Infinity", "-Infinity".
func (r *Reader) Float() float64 {
	if r.peek() == '"' {
		at := r.i
		if f, ok := special(r.String()); ok || r.err != nil {
			return f
		}
		r.i = at
		r.mismatch("Double")
		return 0
	}
	text := r.number("Double")
	if r.err != nil {
		return 0
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		r.Fail(&TypeError{Found: Decimal, Want: "Double"})
	}
	return f
}

func special(s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

// Skip reads one value of any kind.
func (r *Reader) Skip() {
	switch r.peek() {
	case '{':
		r.BeginObject()
		for r.More('}') {
			r.Key()
			r.Skip()
		}
	case '[':
		r.BeginArray()
		for r.More(']') {
			r.Skip()
		}
	case '"':
		_ = r.String()
	case 't', 'f':
		r.Bool()
	case 'n':
		r.Null()
	default:
		r.Number()
	}
}

// Raw reads one value of any kind and returns its text.
func (r *Reader) Raw() string {
	r.peek()
	start := r.i
	r.Skip()
	if r.err != nil {
		return ""
	}
	return r.s[start:r.i]
}

// End fails if anything but white space is left.
func (r *Reader) End() error {
	if r.err == nil && r.peek() != 0 {
		r.syntax()
	}
	return r.err
}

// Valid reports whether s is one JSON value.
func Valid(s string) bool {
	r := Reader{s: s}
	r.Skip()
	return r.End() == nil
}
