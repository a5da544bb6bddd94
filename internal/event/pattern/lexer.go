package pattern

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Kinds of tokens; of literals the first letter.
const (
	tokenEnd    = 0
	tokenKey    = 'k'
	tokenString = 's'
	tokenNumber = '0'
)

// maxDepth is how deep JSON may nest.
const maxDepth = 1000

// A lexer reads JSON token by token, and remembers the last of them.
type lexer struct {
	src  string
	pos  int // of the next byte
	kind byte
	text string // of a key, a string with its escapes resolved, a number or a literal
	from int    // where the token begins

	open   []byte // brackets that are open
	starts []int  // where they are
	inside bool   // the innermost has a member already
}

// next reads the next token.
func (l *lexer) next() error {
	l.space()
	l.kind, l.text, l.from = tokenEnd, "", l.pos
	if len(l.open) == 0 {
		if l.pos == len(l.src) {
			return nil
		}
		return l.value()
	}
	closer := byte(']')
	if l.top() == '{' {
		closer = '}'
	}
	if l.pos == len(l.src) {
		return l.ended()
	}
	if l.src[l.pos] == closer {
		l.pos++
		l.kind = closer
		l.open, l.starts, l.inside = l.open[:len(l.open)-1], l.starts[:len(l.starts)-1], true
		return nil
	}
	if l.inside {
		if l.src[l.pos] != ',' {
			return l.unexpected(fmt.Sprintf("was expecting comma to separate %s entries", l.container()))
		}
		l.pos++
		if l.space(); l.pos == len(l.src) {
			return l.ended()
		}
		l.from = l.pos
	}
	l.inside = true
	if closer == ']' {
		return l.value()
	}
	return l.key()
}

// top is the innermost open bracket.
func (l *lexer) top() byte { return l.open[len(l.open)-1] }

func (l *lexer) container() string {
	if l.top() == '{' {
		return "Object"
	}
	return "Array"
}

// key reads a key and its colon; the value follows at the next call.
func (l *lexer) key() error {
	if l.src[l.pos] != '"' {
		return l.unexpected("was expecting double-quote to start field name")
	}
	if err := l.quoted(); err != nil {
		return err
	}
	l.space()
	if l.pos == len(l.src) {
		return l.ended()
	}
	if l.src[l.pos] != ':' {
		return l.unexpected("was expecting a colon to separate field name and value")
	}
	l.pos++
	l.kind = tokenKey
	return nil
}

// valueAfterKey reads the value of the key just read.
func (l *lexer) valueAfterKey() error {
	l.space()
	l.kind, l.text, l.from = tokenEnd, "", l.pos
	if l.pos == len(l.src) {
		return l.ended()
	}
	return l.value()
}

func (l *lexer) value() error {
	switch c := l.src[l.pos]; {
	case c == '{' || c == '[':
		if len(l.open) == maxDepth {
			return l.errorf("Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNestingDepth()`)", maxDepth+1, maxDepth)
		}
		l.open, l.starts, l.inside = append(l.open, c), append(l.starts, l.pos), false
		l.pos++
		l.kind = c
		return nil
	case c == '"':
		l.kind = tokenString
		return l.quoted()
	case c == '-' || c >= '0' && c <= '9':
		l.kind = tokenNumber
		return l.number()
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= utf8.RuneSelf:
		return l.literal()
	}
	return l.unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
}

func (l *lexer) literal() error {
	for l.pos < len(l.src) && (l.src[l.pos] >= utf8.RuneSelf || isWord(l.src[l.pos])) {
		l.pos++
	}
	l.text = l.src[l.from:l.pos]
	switch l.text {
	case "true", "false", "null":
		l.kind = l.text[0]
		return nil
	}
	return l.errorf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", l.text)
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$'
}

// number reads a number as the grammar of JSON has it.
func (l *lexer) number() error {
	if l.src[l.pos] == '-' {
		l.pos++
	}
	first := l.pos
	if n := l.digits(); n == 0 {
		return l.unexpected("Expected digit (0-9) to follow minus sign, for valid numeric value")
	} else if n > 1 && l.src[first] == '0' {
		return l.errorf("Invalid numeric value: Leading zeroes not allowed")
	}
	if l.pos < len(l.src) && l.src[l.pos] == '.' {
		l.pos++
		if l.digits() == 0 {
			return l.unexpected("Decimal point not followed by a digit")
		}
	}
	if l.pos < len(l.src) && l.src[l.pos]|0x20 == 'e' {
		l.pos++
		if l.pos < len(l.src) && (l.src[l.pos] == '+' || l.src[l.pos] == '-') {
			l.pos++
		}
		if l.digits() == 0 {
			return l.unexpected("Exponent indicator not followed by a digit")
		}
	}
	l.text = l.src[l.from:l.pos]
	return nil
}

func (l *lexer) digits() int {
	from := l.pos
	for l.pos < len(l.src) && l.src[l.pos] >= '0' && l.src[l.pos] <= '9' {
		l.pos++
	}
	return l.pos - from
}

// quoted reads a string.
func (l *lexer) quoted() error {
	l.pos++
	from := l.pos
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '"':
			l.text = l.src[from:l.pos]
			l.pos++
			return nil
		case c == '\\':
			return l.escaped(from)
		case c < ' ':
			l.pos++
			return l.errorf("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		}
		l.pos++
	}
	return l.errorf("Unexpected end-of-input: was expecting closing quote for a string value")
}

// escaped goes on with a string, that began at from, at its first escape.
func (l *lexer) escaped(from int) error {
	b := []byte(l.src[from:l.pos])
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		l.pos++
		switch {
		case c == '"':
			l.text = string(b)
			return nil
		case c < ' ':
			return l.errorf("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		case c != '\\':
			b = append(b, c)
		default:
			r, err := l.escape()
			if err != nil {
				return err
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return l.errorf("Unexpected end-of-input: was expecting closing quote for a string value")
}

// escape reads what follows a backslash.
func (l *lexer) escape() (rune, error) {
	if l.pos == len(l.src) {
		return 0, l.errorf("Unexpected end-of-input in character escape sequence")
	}
	c := l.src[l.pos]
	l.pos++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, l.errorf("Unrecognized character escape '%c' (code %d)", c, c)
	}
	r, err := l.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if rest := l.src[l.pos:]; strings.HasPrefix(rest, `\u`) {
		l.pos += 2
		low, err := l.hex()
		if err != nil {
			return 0, err
		}
		if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, nil
		}
		l.pos -= 6 // an escape of its own
	}
	return utf8.RuneError, nil
}

func (l *lexer) hex() (rune, error) {
	end := min(l.pos+4, len(l.src))
	n, err := strconv.ParseUint(l.src[l.pos:end], 16, 16)
	if err != nil || end-l.pos < 4 {
		return 0, l.errorf("Unexpected character in hex escape: expected a hex-digit for character escape sequence")
	}
	l.pos = end
	return rune(n), nil
}

func (l *lexer) space() {
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case ' ', '\t', '\n', '\r':
			l.pos++
		default:
			return
		}
	}
}

// ended refuses JSON that is over too soon.
func (l *lexer) ended() error {
	at := lexer{src: l.src, pos: l.starts[len(l.starts)-1]}
	return l.errorf("Unexpected end-of-input: expected close marker for %s (start marker at %s)", l.container(), at.where())
}

// unexpected refuses the next byte.
func (l *lexer) unexpected(why string) error {
	if l.pos == len(l.src) {
		return l.errorf("Unexpected end-of-input: %s", why)
	}
	r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
	return l.errorf("Unexpected character ('%c' (code %d)): %s", r, r, why)
}

// errorf refuses the JSON for what was read last.
func (l *lexer) errorf(format string, args ...any) error {
	return fmt.Errorf("%s\n at %s", fmt.Sprintf(format, args...), l.where())
}

// where says where the lexer is as Jackson does.
func (l *lexer) where() string {
	const most = 500 // of the source that is shown
	src, note := l.src, ""
	if len(src) > most {
		src, note = src[:most], fmt.Sprintf("[truncated %d chars]", len(l.src)-most)
	}
	read := l.src[:l.pos]
	line := 1 + strings.Count(read, "\n")
	column := l.pos - strings.LastIndexByte(read, '\n')
	return fmt.Sprintf(`[Source: (String)"%s"%s; line: %d, column: %d]`, src, note, line, column)
}
