package sam

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// An object is a map of a template.
type object = map[string]any

func ref(id string) object               { return object{"Ref": id} }
func getAtt(id, attribute string) object { return object{"Fn::GetAtt": []any{id, attribute}} }

func sub(text string, names object) object {
	if len(names) > 0 {
		return object{"Fn::Sub": []any{text, names}}
	}
	return object{"Fn::Sub": text}
}

func noValue() object { return ref("AWS::NoValue") }

// choice is an Fn::If.
func choice(condition, yes, no any) object {
	return object{"Fn::If": []any{condition, yes, no}}
}

// call returns the name and argument of v if v calls a function.
func call(v any) (name string, arg any, ok bool) {
	m, isMap := v.(object)
	if !isMap || len(m) != 1 {
		return "", nil, false
	}
	for name, arg = range m {
	}
	return name, arg, name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::")
}

func isCall(v any) bool {
	_, _, ok := call(v)
	return ok
}

func isIf(v any) bool {
	name, _, ok := call(v)
	return ok && name == "Fn::If"
}

func isNoValue(v any) bool {
	name, arg, ok := call(v)
	return ok && name == "Ref" && arg == "AWS::NoValue"
}

// ifArgs returns the arguments of an Fn::If.
func ifArgs(v any) ([]any, bool) {
	_, arg, _ := call(v)
	list, ok := arg.([]any)
	return list, ok && len(list) == 3
}

// refersTo returns the logical id that v, a Ref or a GetAtt, refers to.
func refersTo(v any) string {
	name, arg, ok := call(v)
	if !ok {
		return ""
	}
	switch arg := arg.(type) {
	case string:
		if name == "Ref" {
			return arg
		}
		if id, attribute, found := strings.Cut(arg, "."); found && name == "Fn::GetAtt" && !strings.Contains(attribute, ".") {
			return id
		}
	case []any:
		if name == "Fn::GetAtt" && len(arg) == 2 {
			id, _ := arg[0].(string)
			return id
		}
	}
	return ""
}

// given says whether v is there and not empty, zero or false.
func given(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	case object:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return true
}

// clone copies a tree.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for key, member := range v {
			out[key] = clone(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = clone(element)
		}
		return out
	}
	return v
}

func cloneObject(m object) object {
	if m == nil {
		return object{}
	}
	return clone(m).(object)
}

// asObject returns v if it is a map, or nil.
func asObject(v any) object {
	m, _ := v.(object)
	return m
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

func asString(v any) string {
	s, _ := v.(string)
	return s
}

func keys(m object) []string { return slices.Sorted(maps.Keys(m)) }

func contains(list []any, v any) bool {
	return slices.ContainsFunc(list, func(element any) bool { return equal(element, v) })
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

// at walks down the members of v; what is not there is nil.
func at(v any, path ...string) any {
	for _, name := range path {
		v = asObject(v)[name]
	}
	return v
}

// tagList turns a map of tags into CloudFormation's list.
func tagList(tags object) []any {
	list := []any{}
	for _, key := range keys(tags) {
		v := tags[key]
		if v == nil {
			v = ""
		}
		list = append(list, object{"Key": key, "Value": v})
	}
	return list
}

// put sets a member unless v is nil.
func put(m object, key string, v any) {
	if v != nil {
		m[key] = v
	}
}

// copyMembers copies those members of from that are there.
func copyMembers(to, from object, names ...string) {
	for _, name := range names {
		put(to, name, from[name])
	}
}

// hashOf is the short hash that ends generated logical ids: of data as JSON, or
// as it is if it is a string.
func hashOf(data any) string {
	text, ok := data.(string)
	if !ok {
		text = canonical(data)
	}
	if text == "" {
		return ""
	}
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])[:10]
}

// canonical writes v as JSON of one form: sorted keys, no spaces, ASCII.
func canonical(v any) string {
	var b strings.Builder
	writeCanonical(&b, v)
	return b.String()
}

func writeCanonical(b *strings.Builder, v any) {
	switch v := v.(type) {
	case object:
		b.WriteByte('{')
		for i, key := range keys(v) {
			if i > 0 {
				b.WriteByte(',')
			}
			quote(b, key)
			b.WriteByte(':')
			writeCanonical(b, v[key])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeCanonical(b, element)
		}
		b.WriteByte(']')
	case string:
		quote(b, v)
	case json.Number:
		b.WriteString(v.String())
	case bool:
		b.WriteString(strconv.FormatBool(v))
	default:
		b.WriteString("null")
	}
}

func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || 0x7e < r && r < 0x10000:
			b.WriteString(escape(r))
		case r >= 0x10000:
			hi, lo := utf16.EncodeRune(r)
			b.WriteString(escape(hi) + escape(lo))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

func escape(r rune) string {
	const digits = "0123456789abcdef"
	return `\u` + string([]byte{digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15]})
}

var alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// suffixed ends prefix with suffix, or with its hash if an id may not hold it.
func suffixed(prefix, suffix string) string {
	if alphanumeric.MatchString(suffix) {
		return prefix + suffix
	}
	return prefix + hashOf(suffix)
}

const pathVariable = `\{([a-zA-Z0-9._-]+|proxy\+)\}`

var pathVariables = regexp.MustCompile(pathVariable)

// anyPath replaces the variables of a path by stars, as permissions have them.
func anyPath(path string) string {
	return pathVariables.ReplaceAllString(path, "*")
}

// hashInFull is the whole hash of which hashOf is the beginning.
func hashInFull(data any) string {
	sum := sha1.Sum([]byte(canonical(data)))
	return hex.EncodeToString(sum[:])
}
