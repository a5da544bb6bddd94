package tree

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep arrays and objects nest.
const maxDepth = 1000

// SyntaxError says why a text is not JSON, in the words of Jackson, which AWS
// passes on to callers, and where.
type SyntaxError struct {
	Message string
	Offset  int
}

func (e *SyntaxError) Error() string { return e.Message }

// Place adds to a message the place in text that it is about, as Jackson does.
func Place(message string, text []byte, at int) string {
	line, column := 1, 1
	for _, c := range text[:min(at, len(text))] {
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
	}
	return fmt.Sprintf("%s\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", message, line, column)
}

// Parse reads one JSON document. Of members with the same name the last counts.
func Parse(text []byte) (Value, error) {
	p := parser{s: string(text)}
	return p.document()
}

// ParseString is Parse for a string.
func ParseString(text string) (Value, error) {
	p := parser{s: text}
	return p.document()
}

type parser struct {
	s   string
	i   int
	dep int
}

func (p *parser) document() (v Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			v, err = nil, e
		}
	}()
	p.space()
	if p.i == len(p.s) {
		p.fail("No content to map due to end-of-input")
	}
	v = p.value()
	p.space()
	if p.i < len(p.s) {
		p.unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
	}
	return v, nil
}

func (p *parser) fail(format string, args ...any) {
	panic(&SyntaxError{Message: fmt.Sprintf(format, args...), Offset: p.i})
}

// unexpected refuses the character at hand.
func (p *parser) unexpected(expecting string) {
	if p.i >= len(p.s) {
		p.fail("Unexpected end-of-input")
	}
	r, _ := utf8.DecodeRuneInString(p.s[p.i:])
	p.fail("Unexpected character ('%c' (code %d)): %s", r, r, expecting)
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) value() Value {
	if p.i >= len(p.s) {
		p.fail("Unexpected end-of-input")
	}
	switch c := p.s[p.i]; {
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '"':
		return p.str()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return p.word()
	}
	p.unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
	return nil
}

func (p *parser) enter() {
	p.i++
	p.dep++
	if p.dep > maxDepth {
		p.fail("Document nesting depth (%d) exceeds the maximum allowed (%d)", p.dep, maxDepth)
	}
	p.space()
}

func (p *parser) object() Value {
	p.enter()
	o := &Object{}
	for first := true; ; first = false {
		if p.i < len(p.s) && p.s[p.i] == '}' && first {
			break
		}
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			p.unexpected("was expecting double-quote to start field name")
		}
		key := p.str()
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			p.unexpected("was expecting a colon to separate field name and value")
		}
		p.i++
		p.space()
		o.Set(key, p.value())
		p.space()
		if p.i < len(p.s) && p.s[p.i] == '}' {
			break
		}
		if p.i >= len(p.s) || p.s[p.i] != ',' {
			p.unexpected("was expecting comma to separate Object entries")
		}
		p.i++
		p.space()
	}
	p.i++
	p.dep--
	return o
}

func (p *parser) array() Value {
	p.enter()
	list := []Value{}
	for first := true; ; first = false {
		if p.i < len(p.s) && p.s[p.i] == ']' && first {
			break
		}
		list = append(list, p.value())
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ']' {
			break
		}
		if p.i >= len(p.s) || p.s[p.i] != ',' {
			p.unexpected("was expecting comma to separate Array entries")
		}
		p.i++
		p.space()
	}
	p.i++
	p.dep--
	return list
}

func (p *parser) word() Value {
	end := p.i
	for end < len(p.s) && isWord(p.s[end]) {
		end++
	}
	w := p.s[p.i:end]
	switch w {
	case "true", "false":
		p.i = end
		return w == "true"
	case "null":
		p.i = end
		return nil
	}
	p.i = end
	p.fail("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", w)
	return nil
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

func (p *parser) number() Value {
	start := p.i
	if p.s[p.i] == '-' {
		p.i++
	}
	if p.i < len(p.s) && p.s[p.i] == '0' {
		p.i++
		if p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			p.fail("Invalid numeric value: Leading zeroes not allowed")
		}
	} else {
		p.digits("expected digit (0-9) to follow minus sign, for valid numeric value")
	}
	if p.i < len(p.s) && p.s[p.i] == '.' {
		p.i++
		p.digits("Decimal point not followed by a digit")
	}
	if p.i < len(p.s) && (p.s[p.i] == 'e' || p.s[p.i] == 'E') {
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		p.digits("Exponent indicator not followed by a digit")
	}
	if p.i < len(p.s) && isWord(p.s[p.i]) {
		p.unexpected("Expected space separating root-level values")
	}
	if p.s[start:p.i] == "-0" { // as Jackson has it
		return json.Number("0")
	}
	return json.Number(p.s[start:p.i])
}

func (p *parser) digits(expecting string) {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	if p.i == start {
		p.unexpected(expecting)
	}
}

func (p *parser) str() string {
	p.i++
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != '"' && p.s[p.i] != '\\' && p.s[p.i] >= ' ' {
		p.i++
	}
	if p.i < len(p.s) && p.s[p.i] == '"' {
		p.i++
		return valid(p.s[start : p.i-1])
	}
	var b strings.Builder
	b.WriteString(p.s[start:p.i])
	for {
		if p.i >= len(p.s) {
			p.fail("Unexpected end-of-input: was expecting closing quote for a string value")
		}
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return valid(b.String())
		case c == '\\':
			p.escape(&b)
		case c < ' ':
			p.fail("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		default:
			b.WriteByte(c)
			p.i++
		}
	}
}

// valid replaces what is not UTF-8, so that what was read prints as JSON.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (p *parser) escape(b *strings.Builder) {
	p.i++
	if p.i >= len(p.s) {
		p.fail("Unexpected end-of-input in character escape sequence")
	}
	c := p.s[p.i]
	if out, ok := escapes[c]; ok {
		b.WriteByte(out)
		p.i++
		return
	}
	if c != 'u' {
		r, _ := utf8.DecodeRuneInString(p.s[p.i:])
		p.fail("Unrecognized character escape '%c' (code %d)", r, r)
	}
	r := p.hex()
	if utf16.IsSurrogate(r) {
		low := rune(-1)
		if strings.HasPrefix(p.s[p.i:], `\u`) {
			mark := p.i
			p.i++
			if low = p.hex(); utf16.DecodeRune(r, low) == utf8.RuneError {
				p.i = mark
			}
		}
		r = utf16.DecodeRune(r, low)
	}
	b.WriteRune(r)
}

// hex reads uXXXX.
func (p *parser) hex() rune {
	if p.i+5 > len(p.s) {
		p.i = len(p.s)
		p.fail("Unexpected end-of-input in character escape sequence")
	}
	n, err := strconv.ParseUint(p.s[p.i+1:p.i+5], 16, 16)
	if err != nil {
		p.i++
		p.unexpected("expected a hex-digit for character escape sequence")
	}
	p.i += 5
	return rune(n)
}
