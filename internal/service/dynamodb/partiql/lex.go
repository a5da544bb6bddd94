package partiql

import "strings"

// Kinds of tokens.
const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword, or a name without quotes
	tokenName             // "a name"
	tokenString           // 'text'
	tokenNumber           // 1.5e3
	tokenSign             // = <> << [ , ?
)

type tokenKind uint8

// A token is a piece of a statement. The text of names and strings is without
// quotes.
type token struct {
	kind tokenKind
	text string
}

// is reports whether t is the sign or, in any case, the keyword s.
func (t token) is(s string) bool {
	return t.kind == tokenSign && t.text == s || t.kind == tokenWord && strings.EqualFold(t.text, s)
}

var signs = []string{"<<", ">>", "<>", "<=", ">=", "!=", "=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "+", "-", "*"}

// lex cuts text into tokens; the last one is the end.
func lex(text string) ([]token, error) {
	var tokens []token
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return append(tokens, token{tokenEnd, "end of statement"}), nil
		}
		t, n := scan(text)
		if n == 0 {
			return nil, malformed("Unexpected token")
		}
		tokens = append(tokens, t)
		text = text[n:]
	}
}

// scan returns the token that s begins with and its length, 0 if there is none.
func scan(s string) (token, int) {
	switch c := s[0]; {
	case c == '"' || c == '\'':
		return scanQuoted(s)
	case isLetter(c):
		n := 1
		for n < len(s) && (isLetter(s[n]) || isDigit(s[n])) {
			n++
		}
		return token{tokenWord, s[:n]}, n
	case isDigit(c):
		return scanNumber(s)
	}
	for _, sign := range signs {
		if strings.HasPrefix(s, sign) {
			return token{tokenSign, sign}, len(sign)
		}
	}
	return token{}, 0
}

// scanQuoted reads a name or string. A quote in it is written twice.
func scanQuoted(s string) (token, int) {
	quote := s[:1]
	kind := tokenString
	if quote == `"` {
		kind = tokenName
	}
	var text strings.Builder
	for i := 1; ; {
		n := strings.Index(s[i:], quote)
		if n < 0 {
			return token{}, 0
		}
		text.WriteString(s[i : i+n])
		i += n + 1
		if !strings.HasPrefix(s[i:], quote) {
			return token{kind, text.String()}, i
		}
		text.WriteString(quote)
		i++
	}
}

func scanNumber(s string) (token, int) {
	n := 0
	for n < len(s) {
		c := s[n]
		sign := (c == '+' || c == '-') && (s[n-1] == 'e' || s[n-1] == 'E')
		if !isDigit(c) && c != '.' && c != 'e' && c != 'E' && !sign {
			break
		}
		n++
	}
	return token{tokenNumber, s[:n]}, n
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
