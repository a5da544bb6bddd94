package jx

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string. What is not UTF-8 becomes the
// replacement character.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			ru, n := utf8.DecodeRuneInString(s[i:])
			if ru == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// AppendKey appends s as the name of a member, and a colon.
func AppendKey(b []byte, s string) []byte {
	return append(AppendString(b, s), ':')
}

// AppendBlob appends v in base64.
func AppendBlob(b, v []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, v)
	return append(b, '"')
}

// AppendFloat appends f, shortest for the given bits, 32 or 64. What is not a
// number becomes a string: "NaN", "Infinity", "-Infinity".
func AppendFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	}
	return AppendDecimal(b, f, bits)
}

// AppendDecimal appends the finite number f, without an exponent where that is
// short.
func AppendDecimal(b []byte, f float64, bits int) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(b, f, 'f', -1, bits)
}

// Close ends the object or array whose members each ended with a comma, and
// which began at n: it puts closer in place of the last comma.
func Close(b []byte, n int, closer byte) []byte {
	if len(b) > n && b[len(b)-1] == ',' {
		b[len(b)-1] = closer
		return b
	}
	return append(b, closer)
}
