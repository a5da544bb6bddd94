package query

import "unicode/utf8"

// A like is the pattern of LIKE, piece by piece.
type like []likePiece

type likePiece struct {
	any  bool // %
	one  bool // _
	rune rune
}

// parseLike reads a pattern in which escape, if it is not 0, takes the meaning
// from the character after it.
func parseLike(pattern string, escape rune) (like, bool) {
	var out like
	escaped := false
	for _, c := range pattern {
		switch {
		case escaped && c != '%' && c != '_' && c != escape:
			return nil, false
		case escaped:
			out = append(out, likePiece{rune: c})
			escaped = false
		case escape != 0 && c == escape:
			escaped = true
		case c == '%':
			out = append(out, likePiece{any: true})
		default:
			out = append(out, likePiece{one: c == '_', rune: c})
		}
	}
	return out, !escaped
}

// matches reports whether all of text is as the pattern says. Going back only to
// the last % is enough, so the time is that of the text by that of the pattern.
func (l like) matches(text string) bool {
	at, again, from := 0, -1, 0 // in the pattern; after the last %, and the text where it was tried
	for i := 0; ; {
		switch {
		case at < len(l) && l[at].any:
			at++
			again, from = at, i
			continue
		case i == len(text):
			return at == len(l)
		}
		c, n := utf8.DecodeRuneInString(text[i:])
		if at < len(l) && (l[at].one || l[at].rune == c) {
			at++
			i += n
			continue
		}
		if again < 0 {
			return false
		}
		_, n = utf8.DecodeRuneInString(text[from:])
		from += n
		at, i = again, from
	}
}
