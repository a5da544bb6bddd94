package mapping

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// Input is $input: what came, to a method or from an integration.
type Input struct {
	Body                string
	Path, Query, Header map[string]string

	parsed  any
	isKnown bool
}

// Get implements vtl.Object.
func (in *Input) Get(name string) (any, bool) {
	if name == "body" {
		return in.body(), true
	}
	return nil, false
}

// body is the body as templates see it: one that is empty is {}.
func (in *Input) body() string {
	if in.Body == "" {
		return "{}"
	}
	return in.Body
}

// value is the body as JSON; one that is no JSON has no members.
func (in *Input) value() any {
	if !in.isKnown {
		in.isKnown = true
		v, err := vtl.ParseJSON(in.body())
		if err != nil {
			v = in.Body
		}
		in.parsed = v
	}
	return in.parsed
}

// Call implements vtl.Object.
func (in *Input) Call(name string, args []any) (any, error) {
	path := "$"
	if len(args) > 0 {
		path = vtl.String(args[0])
	}
	switch name {
	case "params":
		if len(args) == 0 {
			return vtl.NewMap().Set("path", mapOf(in.Path)).Set("querystring", mapOf(in.Query)).Set("header", mapOf(in.Header)), nil
		}
		return in.param(path), nil
	case "path":
		v, err := Find(in.value(), path)
		if err == nil && in.Body == "" && path == "$" {
			return nil, nil
		}
		return v, err
	case "json":
		v, err := Find(in.value(), path)
		if err == nil && v == nil {
			return `""`, nil
		}
		return vtl.JSON(v), err
	}
	return nil, vtl.ErrNoMethod
}

// param is a parameter of the path, the query or the header, in that order.
func (in *Input) param(name string) any {
	switch name {
	case "path":
		return mapOf(in.Path)
	case "querystring":
		return mapOf(in.Query)
	case "header":
		return mapOf(in.Header)
	}
	for _, m := range []map[string]string{in.Path, in.Query, in.Header} {
		if v, ok := m[name]; ok {
			return v
		}
	}
	for k, v := range in.Header {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// mapOf is m as a value, in the order of its names.
func mapOf(m map[string]string) *vtl.Map {
	out := vtl.NewMap()
	for _, k := range sorted(m) {
		out.Set(k, m[k])
	}
	return out
}

// Util is $util.
type Util struct{}

// Get implements vtl.Object.
func (Util) Get(string) (any, bool) { return nil, false }

// Call implements vtl.Object.
func (Util) Call(name string, args []any) (any, error) {
	s := ""
	if len(args) > 0 && args[0] != nil {
		s = vtl.String(args[0])
	}
	switch name {
	case "escapeJavaScript":
		return escape(s), nil
	case "parseJson":
		v, err := vtl.ParseJSON(s)
		if err != nil {
			return nil, fmt.Errorf("$util.parseJson: %w", err)
		}
		return v, nil
	case "urlEncode":
		return url.QueryEscape(s), nil
	case "urlDecode":
		d, err := url.QueryUnescape(s)
		if err != nil {
			return nil, fmt.Errorf("$util.urlDecode: %w", err)
		}
		return d, nil
	case "base64Encode":
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	case "base64Decode":
		d, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, fmt.Errorf("$util.base64Decode: %w", err)
		}
		return string(d), nil
	}
	return nil, vtl.ErrNoMethod
}

// escape writes a text as it stands in a string of JavaScript.
func escape(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch c {
		case '\'', '"', '\\', '/':
			b.WriteByte('\\')
			b.WriteRune(c)
		case '\b':
			b.WriteString(`\b`)
		case '\n':
			b.WriteString(`\n`)
		case '\t':
			b.WriteString(`\t`)
		case '\f':
			b.WriteString(`\f`)
		case '\r':
			b.WriteString(`\r`)
		default:
			if c >= 32 && c <= 0x7f {
				b.WriteRune(c)
				continue
			}
			for _, u := range utf16.Encode([]rune{c}) {
				fmt.Fprintf(&b, `\u%04X`, u)
			}
		}
	}
	return b.String()
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
