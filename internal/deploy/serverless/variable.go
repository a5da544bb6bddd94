package serverless

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// A variable is one ${…} of a text.
type variable struct {
	start, end int // of the text it stands in
	sources    []source
}

// A source is one of the places where a variable looks for its value, in turn.
type source struct {
	kind    string   // "self", "opt", …; "" is a literal
	params  []string // "file(a, b)"; they may hold variables
	address string   // "custom.name"; it may hold variables
	literal any      // a text may hold variables
}

func (s source) String() string {
	out := s.kind
	if s.params != nil {
		out += "(" + strings.Join(s.params, ", ") + ")"
	}
	return out + ":" + s.address
}

// parseVariables returns the variables of a text. What is ${…} to others, such
// as ${AWS::Region}, is none, but may have some inside.
func parseVariables(s string) ([]variable, error) {
	var found []variable
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '$' || s[i+1] != '{' {
			continue
		}
		if i > 0 && s[i-1] == '\\' {
			found = append(found, variable{start: i - 1, end: i + 2, sources: []source{{literal: "${"}}})
			continue
		}
		end := closing(s, i+2)
		if end < 0 {
			if startsSource.MatchString(s[i+2:]) {
				return nil, fmt.Errorf("missing } in %q", s)
			}
			continue
		}
		body := s[i+2 : end]
		if !startsSource.MatchString(body) || foreign.MatchString(body) {
			continue
		}
		sources, err := parseSources(body)
		if err != nil {
			return nil, err
		}
		found = append(found, variable{i, end + 1, sources})
		i = end
	}
	return found, nil
}

var (
	startsSource = regexp.MustCompile(`^[a-z][a-zA-Z0-9.-]*[:(]`)
	foreign      = regexp.MustCompile(`^[a-z][a-zA-Z0-9.-]*::`)
	sourceForm   = regexp.MustCompile(`^([a-z][a-zA-Z0-9.-]*)\s*(?s)(.*)$`)
)

// closing returns where the } is that closes what begins at i, or -1.
func closing(s string, i int) int {
	depth, last := 1, byte('{')
	for ; i < len(s); i++ {
		switch c := s[i]; c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		case '\'', '"':
			// A quote only begins a literal where a value may begin.
			if strings.IndexByte("{,(:", last) < 0 {
				break
			}
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				return -1
			}
			i += end + 1
		}
		if s[i] != ' ' {
			last = s[i]
		}
	}
	return -1
}

// split cuts s at commas that are not inside brackets or quotes.
func split(s string) []string {
	var parts []string
	depth, from, last := 0, 0, byte(',')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '{', '(':
			depth++
		case '}', ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		case '\'', '"':
			if strings.IndexByte("{,(:", last) >= 0 {
				if end := strings.IndexByte(s[i+1:], c); end >= 0 {
					i += end + 1
				}
			}
		}
		if s[i] != ' ' {
			last = s[i]
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}

func parseSources(body string) ([]source, error) {
	var sources []source
	for _, part := range split(body) {
		s, err := parseSource(part)
		if err != nil {
			return nil, fmt.Errorf("${%s}: %w", body, err)
		}
		sources = append(sources, s)
	}
	return sources, nil
}

func parseSource(part string) (source, error) {
	if v, ok := literal(part); ok {
		return source{literal: v}, nil
	}
	if strings.HasPrefix(part, "${") && closing(part, len("${")) == len(part)-1 {
		return source{literal: part}, nil // whatever that variable is
	}
	m := sourceForm.FindStringSubmatch(part)
	if m == nil {
		return source{}, fmt.Errorf("%q is no source of a value", part)
	}
	s := source{kind: m[1]}
	rest := m[2]
	if strings.HasPrefix(rest, "(") {
		end := closingParenthesis(rest)
		if end < 0 {
			return source{}, fmt.Errorf("missing ) in %q", part)
		}
		s.params = []string{}
		for _, p := range split(rest[1:end]) {
			s.params = append(s.params, unquote(p))
		}
		rest = strings.TrimSpace(rest[end+1:])
	}
	if rest == "" && s.params != nil {
		return s, nil
	}
	address, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return source{}, fmt.Errorf("%q is no source of a value", part)
	}
	s.address = unquote(strings.TrimSpace(address))
	return s, nil
}

func closingParenthesis(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func quoted(s string) bool {
	return len(s) > 1 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0]
}

func unquote(s string) string {
	if quoted(s) {
		return s[1 : len(s)-1]
	}
	return s
}

// literal returns the value that a source spells out.
func literal(s string) (any, bool) {
	switch {
	case quoted(s):
		return unquote(s), true
	case s == "true", s == "false":
		return s == "true", true
	case s == "null", s == "":
		return nil, true
	}
	if jsonNumber.MatchString(s) {
		return json.Number(s), true
	}
	return nil, false
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
