package insights

import (
	"fmt"
	"strings"
)

type tokenKind uint8

const (
	noToken tokenKind = iota
	wordToken
	fieldToken // `in quotes`
	numberToken
	stringToken
	regexToken
	signToken
)

type token struct {
	kind tokenKind
	text string
	at   int
}

func isWordStart(c byte) bool {
	return c == '_' || c == '@' || c == '$' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// lex cuts a query into tokens. Comments go from # to the end of their line.
func lex(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		c := text[i]
		begin := i
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case c == '#':
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				return out, nil
			}
			i += end
			continue
		case c == '"' || c == '\'' || c == '`':
			s, n, err := quoted(text[i:])
			if err != nil {
				return nil, fmt.Errorf("%w at offset %d", err, i)
			}
			kind := stringToken
			if c == '`' {
				kind = fieldToken
			}
			out = append(out, token{kind, s, begin})
			i += n
			continue
		case c == '/' && beforeRegex(out):
			s, n, ok := pattern(text[i:])
			if !ok {
				return nil, fmt.Errorf("unterminated regular expression at offset %d", i)
			}
			out = append(out, token{regexToken, s, begin})
			i += n
			continue
		case isWordStart(c):
			for i < len(text) && (isWordStart(text[i]) || isDigit(text[i]) || text[i] == '.' && i+1 < len(text) && (isWordStart(text[i+1]) || isDigit(text[i+1]))) {
				i++
			}
			out = append(out, token{wordToken, text[begin:i], begin})
			continue
		case isDigit(c):
			for i < len(text) && (isDigit(text[i]) || text[i] == '.') {
				i++
			}
			end := i
			for i < len(text) && 'a' <= text[i] && text[i] <= 'z' { // 5m
				i++
			}
			kind := numberToken
			if i > end {
				kind = wordToken
			}
			out = append(out, token{kind, text[begin:i], begin})
			continue
		}
		n := 1
		for _, two := range []string{"!=", "<=", ">=", "=~"} {
			if strings.HasPrefix(text[i:], two) {
				n = 2
			}
		}
		out = append(out, token{signToken, text[i : i+n], begin})
		i += n
	}
	return out, nil
}

// beforeRegex says whether a / after these tokens begins a regular expression,
// and does not divide.
func beforeRegex(before []token) bool {
	if len(before) == 0 {
		return true
	}
	last := before[len(before)-1]
	switch last.kind {
	case signToken:
		return last.text != ")" && last.text != "]"
	case wordToken:
		if strings.EqualFold(last.text, "like") || strings.EqualFold(last.text, "parse") {
			return true
		}
		return len(before) > 1 && strings.EqualFold(before[len(before)-2].text, "parse")
	case fieldToken:
		return len(before) > 1 && strings.EqualFold(before[len(before)-2].text, "parse")
	}
	return false
}

// quoted reads a text in quotes, and how long it is with them.
func quoted(text string) (s string, n int, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == text[0] || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case text[i] == text[0]:
			return b.String(), i + 1, nil
		default:
			b.WriteByte(text[i])
		}
	}
	return "", 0, fmt.Errorf("unterminated text")
}

// pattern reads a regular expression between slashes.
func pattern(text string) (s string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			if text[i+1] != '/' {
				b.WriteByte('\\')
			}
			i++
			b.WriteByte(text[i])
		case text[i] == '/':
			return b.String(), i + 1, true
		default:
			b.WriteByte(text[i])
		}
	}
	return "", 0, false
}
