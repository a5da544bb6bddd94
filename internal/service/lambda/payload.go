package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// checkJSON says what is wrong with text that should be JSON, in words like
// those of the parser that AWS uses, or "" if nothing is.
func checkJSON(text []byte) string {
	if json.Valid(text) {
		for i, size := 0, 0; i < len(text); i += size {
			var c rune
			if c, size = utf8.DecodeRune(text[i:]); c == utf8.RuneError && size == 1 {
				return wrongByte(text, i)
			}
		}
		return ""
	}
	var v any
	err := json.Unmarshal(text, &v)
	syntax, _ := errors.AsType[*json.SyntaxError](err)
	at := int(syntax.Offset) - 1 // of the byte that is wrong
	switch {
	case at < 0 || at >= len(text) || strings.HasPrefix(syntax.Error(), "unexpected end"):
		return tree.Place("Unexpected end-of-input", text, len(text))
	case !utf8.Valid(text[at:min(len(text), at+1)]) && strings.Contains(syntax.Error(), "in literal"):
		return wrongByte(text, at)
	}
	const expected = "JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
	from, to := at, at
	for from > 0 && isIdentifier(text[from-1]) {
		from--
	}
	for to < len(text) && isIdentifier(text[to]) {
		to++
	}
	if to > from && !isDigit(text[from]) {
		return tree.Place(fmt.Sprintf("Unrecognized token '%s': was expecting (%s", text[from:min(to, from+maxToken)], expected), text, to)
	}
	return tree.Place(fmt.Sprintf("Unexpected character (%s): expected a valid value (%s", character(text[at]), expected), text, at)
}

// maxToken is how much of a token is shown.
const maxToken = 256

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdentifier(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '$'
}

func wrongByte(text []byte, at int) string {
	return tree.Place(fmt.Sprintf("Invalid UTF-8 start byte 0x%x", text[at]), text, at+1)
}

// character shows c as the parser that AWS uses does.
func character(c byte) string {
	if c < ' ' || c >= 0x7f {
		return fmt.Sprintf("(CTRL-CHAR, code %d)", c)
	}
	return fmt.Sprintf("'%c' (code %d)", c, c)
}
