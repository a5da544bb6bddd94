package pattern

import (
	"regexp"
	"strconv"
	"strings"
)

// Operators that compare.
const (
	equal        = "="
	notEqual     = "!="
	less         = "<"
	lessEqual    = "<="
	greater      = ">"
	greaterEqual = ">="
)

// A value is the right side of a condition: text with a wildcard at either
// end, a number, or a regular expression.
type value struct {
	text          string // without its wildcards
	before, after bool   // anything may come before text, after it
	number        *float64
	re            *regexp.Regexp
}

// operator takes an operator that compares.
func (l *lexer) operator() (string, error) {
	for _, op := range []string{notEqual, lessEqual, greaterEqual, equal, less, greater} {
		if l.take(op) {
			return op, nil
		}
	}
	return "", ErrInvalid
}

// value takes what is compared with by op.
func (l *lexer) value(op string) (value, error) {
	from := l.i
	var v value
	var err error
	switch l.peek() {
	case '"':
		var text string
		if text, err = l.quoted(); err == nil {
			v = newValue(text)
			v.number = nil // in quotes it is text, even if it looks like a number
		}
	case '%':
		v.re, err = l.regexp()
	default:
		text := l.run(isValue)
		if text == "" {
			return v, ErrInvalid
		}
		if err = l.checkEnd(); err == nil {
			v = newValue(text)
		}
	}
	if err != nil {
		return v, err
	}
	if op != equal && op != notEqual && v.number == nil {
		return v, errCharacter(l.s[from:l.i])
	}
	return v, nil
}

// checkEnd refuses what may not follow a value without quotes.
func (l *lexer) checkEnd() error {
	if l.done() || strings.IndexByte(" \t\r\n)}],&|", l.peek()) >= 0 {
		return nil
	}
	return errCharacter(l.run(func(r rune) bool { return !isValue(r) && r != ' ' }))
}

func newValue(text string) value {
	v := value{text: text}
	if n, err := strconv.ParseFloat(text, 64); err == nil && !strings.ContainsAny(text, "xXpPnN_") {
		v.number = &n
	}
	if strings.HasPrefix(v.text, "*") {
		v.before, v.text = true, v.text[1:]
	}
	if strings.HasSuffix(v.text, "*") {
		v.after, v.text = true, v.text[:len(v.text)-1]
	}
	return v
}

// is tells whether s is what v says.
func (v *value) is(s string) bool {
	switch {
	case v.re != nil:
		return v.re.MatchString(s)
	case v.before && v.after:
		return strings.Contains(s, v.text)
	case v.before:
		return strings.HasSuffix(s, v.text)
	case v.after:
		return strings.HasPrefix(s, v.text)
	}
	return s == v.text
}

// compare does op on text s, whose number is n if it has one.
func (v *value) compare(op, s string, n *float64) bool {
	if v.number == nil || n == nil {
		switch op {
		case equal:
			return v.is(s)
		case notEqual:
			return !v.is(s)
		}
		return false
	}
	switch op {
	case equal:
		return *n == *v.number
	case notEqual:
		return *n != *v.number
	case less:
		return *n < *v.number
	case lessEqual:
		return *n <= *v.number
	case greater:
		return *n > *v.number
	}
	return *n >= *v.number
}

// wholeRegexp reads a pattern that is one regular expression.
func wholeRegexp(text string) (*regexp.Regexp, error) {
	l := lexer{s: strings.TrimRight(text, " \t\r\n")}
	re, err := l.regexp()
	if err == nil && !l.done() {
		err = ErrInvalid
	}
	return re, err
}

// repeat is a count of repetitions without a lower bound, which RE2 takes literally.
var repeat = regexp.MustCompile(`\{ *, *([0-9]+) *\}`)

// regexp takes a regular expression between percent signs.
func (l *lexer) regexp() (*regexp.Regexp, error) {
	end := strings.IndexByte(l.s[l.i+1:], '%')
	if end < 0 {
		return nil, ErrInvalid
	}
	text := l.s[l.i+1 : l.i+1+end]
	if text == "" {
		return nil, ErrInvalid
	}
	for i := 0; i < len(text); i++ {
		if !isRegexp(text[i]) {
			return nil, errCharacter(text[i : i+1])
		}
		if text[i] == '\\' {
			i++
			if i == len(text) || isLetter(text[i]) && strings.IndexByte("dDsSwWxtnr", text[i]) < 0 {
				return nil, ErrInvalid
			}
		}
	}
	re, err := regexp.Compile(repeat.ReplaceAllString(text, "{0,$1}"))
	if err != nil {
		return nil, ErrInvalid
	}
	l.i += end + 2
	return re, nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isRegexp(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || strings.IndexByte(` :_#=@/;,-^$?[]{}|\*+.`, c) >= 0
}

func isValue(r rune) bool {
	return isWord(r) || r == '.' || r == '*' || r == '+' || r == '-' || r == '/' || r == ':' || r == '@'
}
