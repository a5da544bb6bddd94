package dockerfile

import (
	"fmt"
	"strings"
)

// Lookup returns the value of a variable, and whether it has one.
type Lookup func(name string) (string, bool)

// Expand replaces the variables of a word, and takes its quotes away.
func (f *File) Expand(word string, lookup Lookup) (string, error) {
	e := &expander{text: word, escape: f.Escape, lookup: lookup}
	return e.until("", true)
}

// ExpandText replaces the variables of a document, whose quotes are its own.
func (f *File) ExpandText(text string, lookup Lookup) (string, error) {
	e := &expander{text: text, escape: f.Escape, lookup: lookup}
	return e.until("", false)
}

const maxNesting = 50 // variables within defaults of variables

// An expander is somewhere in a word.
type expander struct {
	text   string
	at     int
	escape byte
	lookup Lookup
	depth  int
}

// until expands what there is up to one of the bytes of end, or the end of all.
func (e *expander) until(end string, quotes bool) (string, error) {
	var b strings.Builder
	for e.at < len(e.text) {
		c := e.text[e.at]
		switch {
		case strings.IndexByte(end, c) >= 0:
			return b.String(), nil
		case quotes && c == '\'':
			e.at++
			i := strings.IndexByte(e.text[e.at:], '\'')
			if i < 0 {
				return "", fmt.Errorf("%s: a quote has no end", e.text)
			}
			b.WriteString(e.text[e.at : e.at+i])
			e.at += i + 1
		case quotes && c == '"':
			e.at++
			if err := e.quoted(&b); err != nil {
				return "", err
			}
		case c == e.escape:
			e.at++
			if e.at < len(e.text) {
				if !quotes && e.text[e.at] != '$' {
					b.WriteByte(c)
				}
				b.WriteByte(e.text[e.at])
				e.at++
			} else if !quotes {
				b.WriteByte(c)
			}
		case c == '$':
			value, err := e.variable()
			if err != nil {
				return "", err
			}
			b.WriteString(value)
		default:
			b.WriteByte(c)
			e.at++
		}
	}
	if end != "" {
		return "", fmt.Errorf("%s: %q is missing", e.text, end)
	}
	return b.String(), nil
}

// quoted expands what is between double quotes.
func (e *expander) quoted(b *strings.Builder) error {
	for e.at < len(e.text) {
		c := e.text[e.at]
		switch {
		case c == '"':
			e.at++
			return nil
		case c == e.escape && e.at+1 < len(e.text):
			next := e.text[e.at+1]
			if next != '"' && next != '$' && next != e.escape {
				b.WriteByte(c)
			}
			b.WriteByte(next)
			e.at += 2
		case c == '$':
			value, err := e.variable()
			if err != nil {
				return err
			}
			b.WriteString(value)
		default:
			b.WriteByte(c)
			e.at++
		}
	}
	return fmt.Errorf("%s: a quote has no end", e.text)
}

// variable expands the variable that begins here.
func (e *expander) variable() (string, error) {
	e.at++ // the $
	if e.at >= len(e.text) || e.text[e.at] != '{' {
		name := e.name()
		if name == "" {
			return "$", nil
		}
		value, _ := e.lookup(name)
		return value, nil
	}
	if e.depth++; e.depth > maxNesting {
		return "", fmt.Errorf("%s: variables are nested too deep", e.text)
	}
	defer func() { e.depth-- }()
	e.at++
	name := e.name()
	if name == "" || e.at >= len(e.text) {
		return "", fmt.Errorf("%s: a variable has no name, or no end", e.text)
	}
	value, ok := e.lookup(name)
	if e.text[e.at] == '}' {
		e.at++
		return value, nil
	}
	if e.text[e.at] == ':' {
		ok = ok && value != ""
		e.at++
	}
	if e.at >= len(e.text) {
		return "", fmt.Errorf("%s: a variable has no end", e.text)
	}
	op := e.text[e.at]
	e.at++
	other, err := e.until("}", true)
	if err != nil {
		return "", err
	}
	e.at++
	switch {
	case op == '-' && !ok, op == '+' && ok:
		return other, nil
	case op == '-':
		return value, nil
	case op == '+':
		return "", nil
	case op == '?' && !ok:
		return "", fmt.Errorf("%s: %s", name, other)
	case op == '?':
		return value, nil
	}
	return "", fmt.Errorf("%s: what %q does to a variable is not known here", e.text, string(op))
}

// name reads the name of a variable.
func (e *expander) name() string {
	begin := e.at
	for e.at < len(e.text) {
		c := e.text[e.at]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9' || e.at == begin) {
			break
		}
		e.at++
	}
	return e.text[begin:e.at]
}

// A Pair is a name and the value it is given, not yet expanded.
type Pair struct {
	Name, Value string
	HasValue    bool
}

// Pairs reads what ENV, LABEL and ARG are given: "name=value" any number of
// times, or a name and a value that has the rest of the line.
func (f *File) Pairs(in Instruction) ([]Pair, error) {
	words, err := f.split(in.Args)
	if err != nil {
		return nil, err
	}
	if len(words) > 0 && in.Name != "ARG" && !strings.Contains(words[0], "=") {
		name, value := cut(in.Args)
		if value == "" {
			return nil, fmt.Errorf("%s %s: the value is missing", in.Name, name)
		}
		return []Pair{{name, value, true}}, nil
	}
	var all []Pair
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if name == "" || !ok && in.Name != "ARG" {
			return nil, fmt.Errorf("%s: %q is not of the form name=value", in.Name, w)
		}
		all = append(all, Pair{name, value, ok})
	}
	return all, nil
}

// split cuts text into words, whose quotes stay.
func (f *File) split(text string) ([]string, error) {
	var all []string
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == f.Escape && quote != '\'' && i+1 < len(text):
			b.WriteByte(c)
			i++
			c = text[i]
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t'):
			if b.Len() > 0 {
				all = append(all, b.String())
				b.Reset()
			}
			continue
		}
		b.WriteByte(c)
	}
	if quote != 0 {
		return nil, fmt.Errorf("%s: a quote has no end", text)
	}
	if b.Len() > 0 {
		all = append(all, b.String())
	}
	return all, nil
}
