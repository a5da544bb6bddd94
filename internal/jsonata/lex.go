package jsonata

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	tEnd tokenKind = iota
	tName
	tVariable
	tString
	tNumber
	tValue // true, false, null
	tRegex
	tOperator
)

type token struct {
	kind  tokenKind
	text  string
	value value
	pos   int
}

type lexer struct {
	s string
	i int
}

const operatorChars = ".[]{}(),@#;:?+-*/%|=<>^&!~"

var longOperators = []string{"..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??"}

// next reads a token. A slash begins a regular expression, unless an operator
// is expected.
func (l *lexer) next(infix bool) token {
	l.skip()
	pos := l.i
	if l.i >= len(l.s) {
		return token{kind: tEnd, text: "(end)", pos: pos}
	}
	c := l.s[l.i]
	if c == '/' && !infix {
		return l.regex()
	}
	for _, op := range longOperators {
		if strings.HasPrefix(l.s[l.i:], op) {
			l.i += 2
			return token{kind: tOperator, text: op, pos: pos}
		}
	}
	switch {
	case c == '!' || c == '~':
		failAt(pos, "S0204", string(c))
	case strings.IndexByte(operatorChars, c) >= 0:
		l.i++
		return token{kind: tOperator, text: string(c), pos: pos}
	case c == '"' || c == '\'':
		s := l.str(c)
		return token{kind: tString, text: s, value: s, pos: pos}
	case c >= '0' && c <= '9':
		return l.number()
	case c == '`':
		end := strings.IndexByte(l.s[l.i+1:], '`')
		if end < 0 {
			failAt(len(l.s), "S0105")
		}
		name := l.s[l.i+1 : l.i+1+end]
		l.i += end + 2
		return token{kind: tName, text: name, pos: pos}
	}
	return l.word()
}

func (l *lexer) skip() {
	for l.i < len(l.s) {
		switch c := l.s[l.i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v':
			l.i++
		case strings.HasPrefix(l.s[l.i:], "/*"):
			end := strings.Index(l.s[l.i+2:], "*/")
			if end < 0 {
				failAt(l.i, "S0106")
			}
			l.i += end + 4
		default:
			return
		}
	}
}

func (l *lexer) word() token {
	pos := l.i
	for l.i < len(l.s) {
		c := l.s[l.i]
		if strings.IndexByte(" \t\n\r\v", c) >= 0 || strings.IndexByte(operatorChars, c) >= 0 {
			break
		}
		l.i++
	}
	w := l.s[pos:l.i]
	switch w {
	case "and", "or", "in":
		return token{kind: tOperator, text: w, pos: pos}
	case "true", "false":
		return token{kind: tValue, text: w, value: w == "true", pos: pos}
	case "null":
		return token{kind: tValue, text: w, pos: pos}
	}
	if name, ok := strings.CutPrefix(w, "$"); ok {
		return token{kind: tVariable, text: name, pos: pos}
	}
	return token{kind: tName, text: w, pos: pos}
}

func (l *lexer) number() token {
	pos := l.i
	digits := func() bool {
		start := l.i
		for l.i < len(l.s) && l.s[l.i] >= '0' && l.s[l.i] <= '9' {
			l.i++
		}
		return l.i > start
	}
	if l.s[l.i] == '0' {
		l.i++
	} else {
		digits()
	}
	mark := l.i
	if l.i < len(l.s) && l.s[l.i] == '.' {
		if l.i++; !digits() {
			l.i = mark
		}
	}
	mark = l.i
	if l.i < len(l.s) && (l.s[l.i] == 'e' || l.s[l.i] == 'E') {
		l.i++
		if l.i < len(l.s) && (l.s[l.i] == '+' || l.s[l.i] == '-') {
			l.i++
		}
		if !digits() {
			l.i = mark
		}
	}
	text := l.s[pos:l.i]
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		failAt(pos, "S0102", text)
	}
	var v value = f
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		v = normal(json.Number(text))
	}
	return token{kind: tNumber, text: text, value: v, pos: pos}
}

func (l *lexer) str(quote byte) string {
	var b strings.Builder
	for l.i++; l.i < len(l.s); l.i++ {
		c := l.s[l.i]
		switch {
		case c == quote:
			l.i++
			return b.String()
		case c == '\\':
			l.i++
			if l.i < len(l.s) {
				l.escape(&b)
			}
		default:
			b.WriteByte(c)
		}
	}
	failAt(l.i, "S0101")
	return ""
}

func (l *lexer) escape(b *strings.Builder) {
	c := l.s[l.i]
	if i := strings.IndexByte(`"'\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"'\\/\b\f\n\r\t"[i])
		return
	}
	if c != 'u' {
		r, _ := utf8.DecodeRuneInString(l.s[l.i:])
		failAt(l.i, "S0103", string(r))
	}
	code := func(at int) rune {
		if at+4 <= len(l.s) {
			if n, err := strconv.ParseUint(l.s[at:at+4], 16, 16); err == nil {
				return rune(n)
			}
		}
		return -1
	}
	r := code(l.i + 1)
	if r < 0 {
		failAt(l.i, "S0104")
	}
	l.i += 4
	if r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(l.s[l.i+1:], `\u`) {
		if low := code(l.i + 3); low >= 0xdc00 && low < 0xe000 {
			r = (r-0xd800)<<10 + (low - 0xdc00) + 0x10000
			l.i += 6
		}
	}
	b.WriteRune(r)
}

func (l *lexer) regex() token {
	pos := l.i
	depth := 0
	for l.i++; l.i < len(l.s); l.i++ {
		switch c := l.s[l.i]; {
		case c == '\\':
			l.i++
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '/' && depth <= 0:
			text := l.s[pos+1 : l.i]
			l.i++
			if text == "" {
				failAt(l.i, "S0301")
			}
			flags := ""
			for l.i < len(l.s) && (l.s[l.i] == 'i' || l.s[l.i] == 'm') {
				flags += string(l.s[l.i])
				l.i++
			}
			return token{kind: tRegex, text: text, value: compileRegex(text, flags), pos: pos}
		}
	}
	failAt(l.i, "S0302")
	return token{}
}

// compileRegex reads a pattern of JavaScript. What only backtracking could
// match, look-around and back-references, is refused.
func compileRegex(text, flags string) *regexp.Regexp {
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	re, err := regexp.Compile(flags + strings.ReplaceAll(text, `\/`, "/"))
	if err != nil {
		fail("S0303", text, err.Error())
	}
	return re
}
