package protocol

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// setText puts a scalar that came as text, as in queries, headers and XML, in
// the slot v.
func (s *shape) setText(v reflect.Value, text string, usual timeForm) error {
	if s.ptr {
		p := reflect.New(s.typ)
		v.Set(p)
		v = p.Elem()
	}
	switch s.kind {
	case kindString:
		v.SetString(text)
		return nil
	case kindBlob:
		b, err := parseBlob(strings.TrimSpace(text))
		v.SetBytes(b)
		return err
	}
	text = strings.TrimSpace(text)
	switch s.kind {
	case kindBool:
		switch text {
		case "true", "True", "TRUE":
			v.SetBool(true)
		case "false", "False", "FALSE":
			v.SetBool(false)
		default:
			return cannot("Boolean")
		}
	case kindInt32, kindInt64:
		return setInt(v, text, s.kind)
	case kindFloat32, kindFloat64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || strings.ContainsAny(text, "xX_") {
			return cannot("Double")
		}
		v.SetFloat(f)
	case kindTime:
		t, err := parseTime(text, s.time.or(usual))
		if err != nil {
			return cannot("Date")
		}
		*v.Addr().Interface().(*time.Time) = t
	}
	return nil
}

func setInt(v reflect.Value, text string, k kind) error {
	bits, name := 64, "Long"
	if k == kindInt32 {
		bits, name = 32, "Integer"
	}
	n, err := jx.ParseInt(text, bits)
	if err != nil {
		return cannot(name)
	}
	v.SetInt(n)
	return nil
}

func cannot(want string) error { return &jx.TypeError{Found: jx.String, Want: want} }

// appendText appends a scalar as text.
func (s *shape) appendText(b []byte, v reflect.Value, usual timeForm) []byte {
	switch s.kind {
	case kindString:
		return append(b, v.String()...)
	case kindBool:
		return strconv.AppendBool(b, v.Bool())
	case kindInt32, kindInt64:
		return strconv.AppendInt(b, v.Int(), 10)
	case kindFloat32:
		return appendFloatText(b, v.Float(), 32)
	case kindFloat64:
		return appendFloatText(b, v.Float(), 64)
	case kindTime:
		return appendTime(b, timeIn(v), s.time.or(usual))
	}
	return b
}

func appendFloatText(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	return jx.AppendDecimal(b, f, bits)
}
