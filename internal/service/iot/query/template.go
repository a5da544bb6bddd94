package query

import (
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/lexer"
)

// A Template is a text with expressions in it: "${topic(2)}/${id}".
type Template struct {
	version string
	parts   []part
}

// A part is a text, or an expression.
type part struct {
	text string
	of   expr
}

// ParseTemplate compiles a template.
func ParseTemplate(template, version string) (*Template, error) {
	t := &Template{version: version}
	for rest := template; rest != ""; {
		before, after, found := strings.Cut(rest, "${")
		if before != "" {
			t.parts = append(t.parts, part{text: before})
		}
		if !found {
			break
		}
		end := closing(after)
		if end < 0 {
			return nil, fmt.Errorf("the substitution template %q is not closed", template)
		}
		p, err := newParser(after[:end])
		if err != nil {
			return nil, err
		}
		of, err := p.parseExpression()
		if err != nil {
			return nil, err
		}
		if next := p.next(); next.Kind != lexer.End {
			return nil, p.errorAt(next, "unexpected "+next.Text)
		}
		t.parts = append(t.parts, part{of: of})
		rest = after[end+1:]
	}
	return t, nil
}

// closing returns where the brace is that closes an expression: not one within
// quotes. It is -1 if there is none.
func closing(s string) int {
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '}':
			return i
		}
	}
	return -1
}

// Fill returns the text with what the expressions are of m. What is Undefined
// is nothing.
func (t *Template) Fill(m *Message) string {
	x := newScope(m, t.version)
	var b strings.Builder
	for i := range t.parts {
		if t.parts[i].of == nil {
			b.WriteString(t.parts[i].text)
			continue
		}
		s, _ := text(t.parts[i].of(x))
		b.WriteString(s)
	}
	return b.String()
}
