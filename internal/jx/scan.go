package jx

import (
	"strconv"
	"unicode/utf8"
)

// String reads a string.
func (r *Reader) String() string {
	if r.peek() != '"' {
		r.mismatch("String")
		return ""
	}
	s := r.s
	start := r.i + 1
	for i := start; i < len(s); {
		c := s[i]
		switch {
		case c == '"':
			r.i = i + 1
			return s[start:i]
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			r.syntax()
			return ""
		case c < utf8.RuneSelf:
			i++
		default:
			ru, n := utf8.DecodeRuneInString(s[i:])
			if ru == utf8.RuneError && n == 1 {
				r.syntax()
				return ""
			}
			i += n
		}
	}
	r.syntax()
	return ""
}

// escaped reads the rest of the string that began at start and has its first
// backslash at i.
func (r *Reader) escaped(start, i int) string {
	s := r.s
	buf := append(make([]byte, 0, i-start+32), s[start:i]...)
	for i < len(s) {
		c := s[i]
		switch {
		case c == '"':
			r.i = i + 1
			return string(buf)
		case c < ' ':
			r.syntax()
			return ""
		case c == '\\':
			ru, n := unescape(s[i:])
			if n == 0 {
				r.syntax()
				return ""
			}
			buf = utf8.AppendRune(buf, ru)
			i += n
		case c < utf8.RuneSelf:
			buf = append(buf, c)
			i++
		default:
			ru, n := utf8.DecodeRuneInString(s[i:])
			if ru == utf8.RuneError && n == 1 {
				r.syntax()
				return ""
			}
			buf = append(buf, s[i:i+n]...)
			i += n
		}
	}
	r.syntax()
	return ""
}

// unescape reads the escape that s begins with, and returns how long it is, 0
// if it is none.
func unescape(s string) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		ru, ok := hex4(s)
		if !ok {
			return 0, 0
		}
		if ru >= 0xd800 && ru < 0xdc00 {
			if low, ok := hex4(s[6:]); ok && low >= 0xdc00 && low < 0xe000 {
				return (ru-0xd800)<<10 | (low - 0xdc00) + 0x10000, 12
			}
		}
		return ru, 6 // half a pair becomes the replacement character
	}
	return 0, 0
}

// hex4 reads \uXXXX.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var v rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}

// scanNumber returns the number s begins with.
func scanNumber(s string) (string, bool) {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	switch {
	case i < len(s) && s[i] == '0':
		i++
	case digits(s[i:]) > 0:
		i += digits(s[i:])
	default:
		return "", false
	}
	if i < len(s) && s[i] == '.' {
		n := digits(s[i+1:])
		if n == 0 {
			return "", false
		}
		i += 1 + n
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		n := digits(s[i:])
		if n == 0 {
			return "", false
		}
		i += n
	}
	return s[:i], true
}

func digits(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

func integral(number string) bool {
	_, err := strconv.ParseInt(number, 10, 64)
	return err == nil
}
