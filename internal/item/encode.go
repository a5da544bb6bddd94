package item

import (
	"encoding/base64"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// AppendJSON appends it in the form it has on the wire.
func (it Item) AppendJSON(b []byte) []byte {
	if len(it) == 0 {
		return append(b, "{}"...)
	}
	return appendFields(b, it[1:])
}

// AppendJSON appends v in the form it has on the wire.
func (v Value) AppendJSON(b []byte) []byte {
	t, p := v.Type(), v.payload()
	b = append(b, '{', '"')
	b = append(b, t.String()...)
	b = append(b, '"', ':')
	switch t {
	case M:
		b = appendFields(b, p)
	case L:
		n := len(b) + 1
		b = append(b, '[')
		for e := range v.Elements {
			b = append(e.AppendJSON(b), ',')
		}
		b = jx.Close(b, n, ']')
	case SS, NS, BS:
		n := len(b) + 1
		b = append(b, '[')
		for e := range v.Elements {
			b = append(appendScalar(b, e.Type(), e.payload()), ',')
		}
		b = jx.Close(b, n, ']')
	default:
		b = appendScalar(b, t, p)
	}
	return append(b, '}')
}

func appendFields(b, p []byte) []byte {
	b = append(b, '{')
	n := len(b)
	for len(p) > 0 {
		var name []byte
		var v Value
		name, v, p = splitAttribute(p)
		b = appendText(b, name)
		b = append(b, ':')
		b = append(v.AppendJSON(b), ',')
	}
	return jx.Close(b, n, '}')
}

func appendScalar(b []byte, t Type, p []byte) []byte {
	switch t {
	case N:
		b = append(b, '"')
		b = appendNumberText(b, p)
		return append(b, '"')
	case B:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, p)
		return append(b, '"')
	case BOOL:
		return strconv.AppendBool(b, len(p) == 1 && p[0] == 1)
	case NULL:
		return append(b, "true"...)
	}
	return appendText(b, p)
}

// appendText appends text, which is UTF-8 since it came as JSON, as a string.
func appendText(b, text []byte) []byte {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' {
			return jx.AppendString(b, string(text))
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// String returns it as it is on the wire, for messages and tests.
func (it Item) String() string { return string(it.AppendJSON(nil)) }

// String returns v as it is on the wire, for messages and tests.
func (v Value) String() string {
	if len(v) == 0 {
		return "null"
	}
	return string(v.AppendJSON(nil))
}
