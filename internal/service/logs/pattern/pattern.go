// Package pattern implements the filter patterns of CloudWatch Logs. There are
// four kinds, told apart by how they begin:
//
//	ERROR -"retry soon"            terms that a message has, or has not
//	?ERROR ?WARN                   any of some terms
//	%timed? out%                   a regular expression
//	{ $.status >= 500 }            a condition on a message that is JSON
//	[ip, user, ..., status = 4*]   conditions on the fields of a line
//
// A pattern is parsed once and may then match from many goroutines. Matching
// takes time linear in the message for each condition of the pattern.
package pattern

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Error says what is wrong with a pattern, in AWS's words.
type Error string

func (e Error) Error() string { return string(e) }

// ErrInvalid is the error for a pattern whose structure is wrong.
const ErrInvalid = Error("Invalid metric filter pattern")

// A Pattern says which messages are meant.
type Pattern struct {
	text   string
	match  func(message string) bool
	fields *columns // of a space-delimited pattern, else nil
}

// Parse reads a filter pattern. The errors are worded as AWS words them.
func Parse(text string) (*Pattern, error) {
	p := &Pattern{text: text}
	var err error
	switch {
	case strings.TrimSpace(text) == "":
		p.match = func(string) bool { return true }
	case text[0] == '{':
		p.match, err = parseJSON(text)
	case text[0] == '[':
		p.fields, err = parseColumns(text)
		if err == nil {
			p.match = func(m string) bool { _, ok := p.fields.extract(m); return ok }
		}
	case text[0] == '%':
		var re *regexp.Regexp
		if re, err = wholeRegexp(text); err == nil {
			p.match = re.MatchString
		}
	default:
		p.match, err = parseTerms(text)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// String returns the text that was parsed.
func (p *Pattern) String() string { return p.text }

// Match tells whether message is meant.
func (p *Pattern) Match(message string) bool { return p.match(message) }

// Extract tells whether message is meant, and what the columns of a
// space-delimited pattern hold, by their names: "$status", or "$3" for the
// third if it has none. Other patterns extract nothing.
func (p *Pattern) Extract(message string) (map[string]string, bool) {
	if p.fields == nil {
		return map[string]string{}, p.match(message)
	}
	return p.fields.extract(message)
}

// terms are the words and phrases of a pattern for free text.
type terms struct {
	all, none, any []string
}

func (t *terms) match(m string) bool {
	for _, s := range t.none {
		if strings.Contains(m, s) {
			return false
		}
	}
	for _, s := range t.all {
		if !strings.Contains(m, s) {
			return false
		}
	}
	// Optional terms count only if there are no others.
	if len(t.any) == 0 || len(t.all)+len(t.none) > 0 {
		return true
	}
	for _, s := range t.any {
		if strings.Contains(m, s) {
			return true
		}
	}
	return false
}

func parseTerms(text string) (func(string) bool, error) {
	var t terms
	for l := (lexer{s: text}); ; {
		l.space()
		if l.done() {
			return t.match, nil
		}
		into := &t.all
		switch {
		case l.take("-"):
			into = &t.none
			l.space() // "ERROR" - "Exiting" is an example of the manual
		case l.take("?"):
			into = &t.any
		}
		var term string
		var err error
		if l.peek() == '"' {
			term, err = l.quoted()
		} else {
			term, err = l.word()
		}
		if err != nil {
			return nil, err
		}
		*into = append(*into, term)
	}
}

// A lexer reads a pattern from left to right.
type lexer struct {
	s string
	i int
}

func (l *lexer) done() bool { return l.i >= len(l.s) }

// peek returns the next byte, 0 at the end.
func (l *lexer) peek() byte {
	if l.done() {
		return 0
	}
	return l.s[l.i]
}

// space skips white space and tells whether there was some.
func (l *lexer) space() bool {
	from := l.i
	for !l.done() && strings.IndexByte(" \t\r\n", l.s[l.i]) >= 0 {
		l.i++
	}
	return l.i > from
}

// take skips word if it comes next.
func (l *lexer) take(word string) bool {
	if !strings.HasPrefix(l.s[l.i:], word) {
		return false
	}
	l.i += len(word)
	return true
}

// keyword skips word in any case if it comes next and ends there.
func (l *lexer) keyword(word string) bool {
	end := l.i + len(word)
	if end > len(l.s) || !strings.EqualFold(l.s[l.i:end], word) {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(l.s[end:]); end < len(l.s) && isWord(r) {
		return false
	}
	l.i = end
	return true
}

// run takes the runes that ok accepts.
func (l *lexer) run(ok func(rune) bool) string {
	rest := l.s[l.i:]
	n := strings.IndexFunc(rest, func(r rune) bool { return !ok(r) })
	if n < 0 {
		n = len(rest)
	}
	l.i += n
	return rest[:n]
}

// word takes a term without quotes: letters, digits and underscores.
func (l *lexer) word() (string, error) {
	w := l.run(isWord)
	if l.done() && w == "" {
		return "", ErrInvalid
	}
	if !l.done() && !strings.ContainsRune(" \t\r\n", rune(l.peek())) {
		return "", errCharacter(l.run(func(r rune) bool { return !isWord(r) && !unicode.IsSpace(r) }))
	}
	return w, nil
}

// quoted takes a phrase in double quotes, in which \" is a quote and \\ a backslash.
func (l *lexer) quoted() (string, error) {
	var b strings.Builder
	for i := l.i + 1; i < len(l.s); i++ {
		switch c := l.s[i]; {
		case c == '"':
			l.i = i + 1
			return b.String(), nil
		case c == '\\' && i+1 < len(l.s) && (l.s[i+1] == '"' || l.s[i+1] == '\\'):
			i++
			b.WriteByte(l.s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", ErrInvalid
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

func errCharacter(s string) error {
	return Error("Invalid character(s) in term '" + s + "'")
}
