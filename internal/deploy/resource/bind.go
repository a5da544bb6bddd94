package resource

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// Bind sets the members of in, an input of an operation, from properties of the
// same names. CloudFormation is lenient with scalars: a number may be written as
// a string, and a string as a number. Properties that in has no member for are
// left out, but their own members must all be known.
func Bind(op *Op, properties map[string]any, in any) error {
	b := binder{}
	b.object(reflect.ValueOf(in).Elem(), properties, "#")
	if b.reasons != nil {
		return invalid(op.LogicalID, b.reasons)
	}
	return nil
}

// pick returns those properties that are named.
func pick(properties map[string]any, names ...string) map[string]any {
	out := make(map[string]any)
	for _, name := range names {
		if v, has := properties[name]; has {
			out[name] = v
		}
	}
	return out
}

// without returns the properties but those that are named.
func without(properties map[string]any, names ...string) map[string]any {
	out := make(map[string]any)
	for name, v := range properties {
		if !slices.Contains(names, name) {
			out[name] = v
		}
	}
	return out
}

// A binder sets values, and collects what is wrong with them.
type binder struct{ reasons []string }

func (b *binder) refuse(path, reason string) { b.reasons = append(b.reasons, path+": "+reason) }

// object sets the members of a struct. At the top, members that the struct
// lacks are for others to see to.
func (b *binder) object(dst reflect.Value, src map[string]any, path string) {
	for name, v := range src {
		field := dst.FieldByNameFunc(func(f string) bool { return strings.EqualFold(f, name) })
		if !field.IsValid() {
			if path != "#" {
				b.refuse(path, "extraneous key ["+name+"] is not permitted")
			}
			continue
		}
		b.value(field, v, path+"/"+name)
	}
}

func (b *binder) value(dst reflect.Value, src any, path string) {
	if _, unknown := src.(template.Unknown); unknown || src == nil {
		return
	}
	if _, scalar := template.Text(src); !scalar && isText(dst.Type()) {
		b.document(dst, src, path)
		return
	}
	if dst.Type() == reflect.TypeFor[time.Time]() {
		b.time(dst, src, path)
		return
	}
	switch dst.Kind() {
	case reflect.Pointer:
		p := reflect.New(dst.Type().Elem())
		b.value(p.Elem(), src, path)
		dst.Set(p)
	case reflect.Struct:
		m, ok := src.(map[string]any)
		if !ok {
			b.mismatch(path, "JSONObject", src)
			return
		}
		b.object(dst, m, path)
	case reflect.Map:
		b.mapping(dst, src, path)
	case reflect.Slice:
		b.list(dst, src, path)
	case reflect.Interface:
		dst.Set(reflect.ValueOf(src))
	default:
		b.scalar(dst, src, path)
	}
}

// time reads a moment, as a date or in seconds.
func (b *binder) time(dst reflect.Value, src any, path string) {
	s, _ := template.Text(src)
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		dst.Set(reflect.ValueOf(time.UnixMilli(int64(seconds * 1000)).UTC()))
		return
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			dst.Set(reflect.ValueOf(t))
			return
		}
	}
	b.refuse(path, "["+s+"] is not a valid date-time")
}

func isText(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.String
}

// document sets a string from a map or a list: policies are maps in templates
// and text in operations.
func (b *binder) document(dst reflect.Value, src any, path string) {
	if _, ok := src.(map[string]any); !ok {
		b.mismatch(path, "String", src)
		return
	}
	text := JSON(src)
	if dst.Kind() == reflect.Pointer {
		p := reflect.New(dst.Type().Elem())
		p.Elem().SetString(text)
		dst.Set(p)
		return
	}
	dst.SetString(text)
}

// JSON writes a value as JSON.
func JSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (b *binder) mapping(dst reflect.Value, src any, path string) {
	m, ok := src.(map[string]any)
	if !ok {
		b.mismatch(path, "JSONObject", src)
		return
	}
	out := reflect.MakeMapWithSize(dst.Type(), len(m))
	for key, v := range m {
		member := reflect.New(dst.Type().Elem()).Elem()
		b.value(member, v, path+"/"+key)
		out.SetMapIndex(reflect.ValueOf(key).Convert(dst.Type().Key()), member)
	}
	dst.Set(out)
}

func (b *binder) list(dst reflect.Value, src any, path string) {
	if dst.Type().Elem().Kind() == reflect.Uint8 {
		if s, ok := template.Text(src); ok {
			dst.SetBytes([]byte(s))
			return
		}
		dst.SetBytes([]byte(JSON(src)))
		return
	}
	l, ok := src.([]any)
	if !ok {
		b.mismatch(path, "JSONArray", src)
		return
	}
	out := reflect.MakeSlice(dst.Type(), len(l), len(l))
	for i, v := range l {
		b.value(out.Index(i), v, path+"/"+strconv.Itoa(i))
	}
	dst.Set(out)
}

func (b *binder) scalar(dst reflect.Value, src any, path string) {
	s, ok := template.Text(src)
	if !ok {
		b.mismatch(path, kindName(dst.Kind()), src)
		return
	}
	switch dst.Kind() {
	case reflect.String:
		dst.SetString(s)
	case reflect.Bool:
		v, err := strconv.ParseBool(s)
		if err != nil {
			b.mismatch(path, "Boolean", src)
			return
		}
		dst.SetBool(v)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || n != math.Trunc(n) || dst.OverflowInt(int64(n)) {
			b.mismatch(path, "Integer", src)
			return
		}
		dst.SetInt(int64(n))
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			b.mismatch(path, "Number", src)
			return
		}
		dst.SetFloat(n)
	default:
		b.refuse(path, "is not supported by Aloft yet")
	}
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "String"
	case reflect.Bool:
		return "Boolean"
	case reflect.Float32, reflect.Float64:
		return "Number"
	}
	return "Integer"
}

func (b *binder) mismatch(path, want string, got any) {
	b.refuse(path, "expected type: "+want+", found: "+found(got))
}

func found(v any) string {
	switch v.(type) {
	case map[string]any:
		return "JSONObject"
	case []any:
		return "JSONArray"
	case bool:
		return "Boolean"
	case template.Number:
		return "Number"
	}
	return "String"
}
