package expression

import "strings"

// Kinds of tokens.
const (
	tokenEnd    tokenKind = iota
	tokenWord             // a, a_1
	tokenName             // #a
	tokenValue            // :a
	tokenNumber           // 12
	tokenSign             // = <> ( , and whatever else is no word
)

type tokenKind uint8

// A token is a piece of an expression, and where in its text it stands.
type token struct {
	kind    tokenKind
	text    string
	at, end int
}

// is reports whether t is the sign or, in any case, the word s.
func (t token) is(s string) bool {
	return t.kind == tokenSign && t.text == s || t.kind == tokenWord && strings.EqualFold(t.text, s)
}

// lex cuts text into tokens; the last one is the end.
func lex(text string) []token {
	tokens := make([]token, 0, len(text)/3+2)
	for i := 0; i < len(text); {
		if strings.IndexByte(" \t\r\n", text[i]) >= 0 {
			i++
			continue
		}
		kind, n := scan(text[i:])
		tokens = append(tokens, token{kind, text[i : i+n], i, i + n})
		i += n
	}
	return append(tokens, token{tokenEnd, "<EOF>", len(text), len(text)})
}

// scan returns the kind and length of the token that s begins with.
func scan(s string) (tokenKind, int) {
	switch c := s[0]; {
	case isLetter(c):
		return tokenWord, 1 + span(s[1:], isWordPart)
	case isDigit(c):
		return tokenNumber, span(s, isDigit)
	case c == '#' || c == ':':
		n := 1 + span(s[1:], isWordPart)
		switch {
		case n == 1:
			return tokenSign, 1
		case c == '#':
			return tokenName, n
		}
		return tokenValue, n
	case strings.HasPrefix(s, "<>"), strings.HasPrefix(s, "<="), strings.HasPrefix(s, ">="):
		return tokenSign, 2
	}
	for i := range s {
		if i > 0 {
			return tokenSign, i // one character
		}
	}
	return tokenSign, len(s)
}

func span(s string, in func(byte) bool) int {
	for i := range len(s) {
		if !in(s[i]) {
			return i
		}
	}
	return len(s)
}

func isLetter(c byte) bool   { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isWordPart(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }
