package vtl

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// An Object is a value that the caller brings, such as $input.
type Object interface {
	// Get returns a property; ok is false if there is none.
	Get(name string) (v any, ok bool)
	// Call calls a method. ErrNoMethod says that there is none.
	Call(name string, args []any) (any, error)
}

// ErrNoMethod is the error of a method that an Object does not have.
var ErrNoMethod = errors.New("no such method")

// A List is a list of values, which methods may change.
type List struct {
	Items []any
	JSON  bool // it prints as JSON, as lists do that came as JSON
}

// NewList returns a list.
func NewList(items ...any) *List { return &List{Items: items} }

// A Map holds values by name, in the order in which they came.
type Map struct {
	keys   []string
	values map[string]any
}

// NewMap returns an empty map.
func NewMap() *Map { return &Map{values: make(map[string]any)} }

// Len is how many members m has.
func (m *Map) Len() int { return len(m.keys) }

// Keys are the names of m's members, in order.
func (m *Map) Keys() []string { return m.keys }

// Lookup returns a member, and whether it is there.
func (m *Map) Lookup(key string) (any, bool) {
	v, ok := m.values[key]
	return v, ok
}

// Set sets a member, and returns m.
func (m *Map) Set(key string, v any) *Map {
	if _, has := m.values[key]; !has {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
	return m
}

// Delete removes a member and returns what it was.
func (m *Map) Delete(key string) any {
	v, has := m.values[key]
	if has {
		delete(m.values, key)
		m.keys = slices.DeleteFunc(m.keys, func(k string) bool { return k == key })
	}
	return v
}

// An Entry is a member of a map.
type Entry struct {
	of  *Map
	Key string
}

// ParseJSON reads a JSON value.
func ParseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more follows after the value")
	}
	return v, nil
}

// maxDepth is how deep values and templates may nest.
const maxDepth = 200

var errDeep = errors.New("nested too deep")

func decode(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		return number(t.String()), nil
	case json.Delim:
		if t == '[' {
			return decodeList(d, depth)
		}
		return decodeMap(d, depth)
	}
	return t, nil // string, bool, nil
}

func decodeList(d *json.Decoder, depth int) (any, error) {
	l := &List{Items: []any{}, JSON: true}
	for d.More() {
		v, err := decode(d, depth+1)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, v)
	}
	_, err := d.Token()
	return l, err
}

func decodeMap(d *json.Decoder, depth int) (any, error) {
	m := NewMap()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decode(d, depth+1)
		if err != nil {
			return nil, err
		}
		m.Set(key.(string), v)
	}
	_, err := d.Token()
	return m, err
}

// number is the value of a number: whole, if it is written so and fits.
func number(text string) any {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil { // it is beyond what a number can be
		return text
	}
	return f
}

// String is how a value prints: as toString has it in Java.
func String(v any) string { return string(appendText(nil, v, 0)) }

func appendText(b []byte, v any, depth int) []byte {
	if depth > maxDepth {
		return append(b, "..."...)
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return append(b, javaFloat(v)...)
	case *List:
		if v.JSON {
			return appendJSON(b, v, depth)
		}
		b = append(b, '[')
		for i, item := range v.Items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendText(b, item, depth+1)
		}
		return append(b, ']')
	case *Map:
		b = append(b, '{')
		for i, key := range v.keys {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, key...), '=')
			b = appendText(b, v.values[key], depth+1)
		}
		return append(b, '}')
	case Entry:
		return appendText(append(append(b, v.Key...), '='), v.of.values[v.Key], depth+1)
	case interface{ String() string }:
		return append(b, v.String()...)
	}
	return b
}

// javaFloat prints a number as Double.toString does.
func javaFloat(f float64) string {
	abs := math.Abs(f)
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		if f < 0 {
			return "-Infinity"
		}
		return "Infinity"
	case abs != 0 && (abs < 1e-3 || abs >= 1e7):
		s := strconv.FormatFloat(f, 'E', -1, 64)
		mantissa, exponent, _ := strings.Cut(s, "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, _ := strconv.Atoi(exponent)
		return mantissa + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// JSON is a value as JSON.
func JSON(v any) string { return string(appendJSON(nil, v, 0)) }

func appendJSON(b []byte, v any, depth int) []byte {
	if depth > maxDepth {
		return append(b, "null"...)
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool, int64:
		return appendText(b, v, depth)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...)
		}
		return append(b, javaFloat(v)...)
	case *List:
		b = append(b, '[')
		for i, item := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item, depth+1)
		}
		return append(b, ']')
	case *Map:
		b = append(b, '{')
		for i, key := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, key), ':')
			b = appendJSON(b, v.values[key], depth+1)
		}
		return append(b, '}')
	}
	return appendQuoted(b, String(v))
}

// appendQuoted appends a string of JSON; letters that HTML minds stay as they are.
func appendQuoted(b []byte, s string) []byte {
	var w strings.Builder
	e := json.NewEncoder(&w)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return append(b, `""`...)
	}
	return append(b, strings.TrimSuffix(w.String(), "\n")...)
}
