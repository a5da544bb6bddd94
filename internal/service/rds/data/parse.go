package data

import (
	"strconv"
	"strings"
)

// A dialect is how an engine writes what is no plain text of a statement.
type dialect struct {
	dollars    bool // $tag$ quotes, and parameters are $1
	backslash  bool // escapes in quotes
	backtick   bool // quotes names
	hash       bool // begins a comment
	nested     bool // comments may be within comments
	parameters func(n int) string
}

var postgresDialect = dialect{dollars: true, nested: true, parameters: func(n int) string { return "$" + strconv.Itoa(n) }}

// parse returns a statement with its named parameters as the engine has them, and
// their names in order: of an engine that has numbers for them, each once.
func (d *dialect) parse(sql string) (text string, names []string) {
	var b strings.Builder
	seen := make(map[string]int)
	for i := 0; i < len(sql); {
		if n := d.skip(sql[i:]); n > 0 {
			b.WriteString(sql[i : i+n])
			i += n
			continue
		}
		if sql[i] != ':' {
			b.WriteByte(sql[i])
			i++
			continue
		}
		n := nameLength(sql[i+1:])
		if strings.HasPrefix(sql[i:], "::") || n == 0 { // a cast, a slice, an assignment
			end := i + 1
			for end < len(sql) && sql[end] == ':' {
				end++
			}
			b.WriteString(sql[i:end])
			i = end
			continue
		}
		name := sql[i+1 : i+1+n]
		if seen[name] == 0 || !d.dollars {
			names = append(names, name)
			seen[name] = len(names)
		}
		b.WriteString(d.parameters(seen[name]))
		i += 1 + n
	}
	return b.String(), names
}

// multiple reports whether a text has several statements.
func (d *dialect) multiple(sql string) bool {
	for i := 0; i < len(sql); {
		if n := d.skip(sql[i:]); n > 0 {
			i += n
			continue
		}
		if sql[i] == ';' && strings.TrimSpace(sql[i+1:]) != "" {
			return true
		}
		i++
	}
	return false
}

// nameLength is how much of s is the name of a parameter.
func nameLength(s string) int {
	for i := range len(s) {
		letter := s[i] == '_' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z'
		if !letter && (i == 0 || s[i] < '0' || s[i] > '9') {
			return i
		}
	}
	return len(s)
}

// skip is how much of s, from its beginning, is a quote, a comment or a word: no
// place for a parameter. It is 0 if none of that is there.
func (d *dialect) skip(s string) int {
	switch c := s[0]; {
	case c == '\'':
		return quote(s, d.backslash)
	case c == '"', c == '`' && d.backtick:
		return quote(s, d.backslash && c == '"')
	case strings.HasPrefix(s, "--"), c == '#' && d.hash:
		if end := strings.IndexByte(s, '\n'); end >= 0 {
			return end
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		return d.comment(s)
	case c == '$' && d.dollars:
		return dollarQuote(s)
	case (c == 'e' || c == 'E') && d.dollars && len(s) > 1 && s[1] == '\'':
		return 1 + quote(s[1:], true)
	}
	n := nameLength(s)
	if n > 0 && n < len(s) && s[n] == '$' && d.dollars { // names may have dollars in them
		for n < len(s) && (s[n] == '$' || nameLength(s[n:]) > 0) {
			n += max(1, nameLength(s[n:]))
		}
	}
	return n
}

// quote is the length of the quote that s begins with, doubled ones within.
func quote(s string, backslash bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case backslash && s[i] == '\\':
			i++
		case s[i] != s[0]:
		case i+1 < len(s) && s[i+1] == s[0]:
			i++
		default:
			return i + 1
		}
	}
	return len(s)
}

func (d *dialect) comment(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/*") && (depth == 0 || d.nested):
			depth++
			i++
		case strings.HasPrefix(s[i:], "*/"):
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// dollarQuote is the length of the quote between $tag$ that s begins with, or 0.
func dollarQuote(s string) int {
	tag := 1 + nameLength(s[1:])
	if tag >= len(s) || s[tag] != '$' {
		return 0
	}
	tag++
	end := strings.Index(s[tag:], s[:tag])
	if end < 0 {
		return len(s)
	}
	return tag + end + tag
}
