// Package lexer cuts statements of SQL into tokens: those of DynamoDB's PartiQL
// and those of S3 Select, which are two dialects of one language. What the
// tokens mean is for the parsers to say.
package lexer

import "strings"

// Kinds of tokens.
const (
	End    Kind = iota
	Word        // a keyword, or a name without quotes
	Name        // "a name"
	String      // 'text'
	Ion         // `a literal of Ion`
	Number      // 1.5e3
	Sign        // = <> << [ , ?
)

// A Kind is what a token is.
type Kind uint8

// A Token is a piece of a statement.
type Token struct {
	Kind Kind
	Text string // of names, strings and literals without quotes
	At   int    // where it begins, in bytes
}

// Is reports whether t is the sign or, in any case, the keyword s.
func (t Token) Is(s string) bool {
	return t.Kind == Sign && t.Text == s || t.Kind == Word && strings.EqualFold(t.Text, s)
}

var signs = []string{"<<", ">>", "<>", "<=", ">=", "!=", "||", "=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "+", "-", "*", "/", "%"}

// Cut cuts text into tokens; the last one is the end. If it meets what is no
// token, ok is false, and the end is there.
func Cut(text string) (tokens []Token, ok bool) { return cut(text, trimBlanks) }

// CutCommented is Cut of a text that may have comments: from -- to the end of
// the line, and between /* and */.
func CutCommented(text string) (tokens []Token, ok bool) { return cut(text, trimComments) }

func trimBlanks(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// trimComments returns s without the blanks and comments that it begins with.
func trimComments(s string) string {
	for {
		s = trimBlanks(s)
		var rest string
		switch {
		case strings.HasPrefix(s, "--"):
			_, rest, _ = strings.Cut(s, "\n")
		case strings.HasPrefix(s, "/*"):
			ended := false
			if _, rest, ended = strings.Cut(s[2:], "*/"); !ended {
				return s
			}
		default:
			return s
		}
		s = rest
	}
}

// cut is Cut, with what is between tokens trimmed by trim.
func cut(text string, trim func(string) string) (tokens []Token, ok bool) {
	for at := 0; ; {
		rest := trim(text[at:])
		at = len(text) - len(rest)
		if rest == "" {
			return append(tokens, Token{End, "end of statement", at}), true
		}
		t, n := scan(rest)
		if n == 0 {
			return append(tokens, Token{End, "end of statement", at}), false
		}
		t.At = at
		tokens = append(tokens, t)
		at += n
	}
}

// scan returns the token that s begins with and its length, 0 if there is none.
func scan(s string) (Token, int) {
	switch c := s[0]; {
	case c == '"':
		return scanQuoted(s, Name)
	case c == '\'':
		return scanQuoted(s, String)
	case c == '`':
		return scanQuoted(s, Ion)
	case isLetter(c):
		n := 1
		for n < len(s) && (isLetter(s[n]) || isDigit(s[n])) {
			n++
		}
		return Token{Kind: Word, Text: s[:n]}, n
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		return scanNumber(s)
	}
	for _, sign := range signs {
		if strings.HasPrefix(s, sign) {
			return Token{Kind: Sign, Text: sign}, len(sign)
		}
	}
	return Token{}, 0
}

// scanQuoted reads what is between quotes. A quote in it is written twice.
func scanQuoted(s string, kind Kind) (Token, int) {
	quote := s[:1]
	var text strings.Builder
	for i := 1; ; {
		n := strings.Index(s[i:], quote)
		if n < 0 {
			return Token{}, 0
		}
		text.WriteString(s[i : i+n])
		i += n + 1
		if !strings.HasPrefix(s[i:], quote) {
			return Token{Kind: kind, Text: text.String()}, i
		}
		text.WriteString(quote)
		i++
	}
}

func scanNumber(s string) (Token, int) {
	n := 0
	for n < len(s) {
		c := s[n]
		sign := (c == '+' || c == '-') && (s[n-1] == 'e' || s[n-1] == 'E')
		if !isDigit(c) && c != '.' && c != 'e' && c != 'E' && !sign {
			break
		}
		n++
	}
	return Token{Kind: Number, Text: s[:n]}, n
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
