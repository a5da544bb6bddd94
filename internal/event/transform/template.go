package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
)

// A Template is text with places for values: <name>.
type Template struct{ parts []part }

// A part is text, or a place.
type part struct {
	text   string
	name   string // of the place
	quoted bool   // it stands within a JSON string
}

// place finds places. What else is between angle brackets is text.
var place = regexp.MustCompile(`<[ ]*([$A-Za-z0-9_.\-\[\]'*/]+)[ ]*>`)

// ParseTemplate reads a template. It does not ask what the names are.
func ParseTemplate(text string) *Template {
	t := &Template{}
	quoted := false
	for text != "" {
		at := place.FindStringSubmatchIndex(text)
		if at == nil {
			t.parts = append(t.parts, part{text: text})
			break
		}
		before := text[:at[0]]
		quoted = quoted != oddQuotes(before)
		t.parts = append(t.parts, part{text: before}, part{name: text[at[2]:at[3]], quoted: quoted})
		text = text[at[1]:]
	}
	return t
}

// oddQuotes reports whether a string of JSON begins or ends in text.
func oddQuotes(text string) bool {
	odd := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			odd = !odd
		}
	}
	return odd
}

// Names returns the names of places, in order.
func (t *Template) Names() []string {
	var names []string
	for _, p := range t.parts {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// Fill puts in each place the value of its name, which is JSON. Within a JSON
// string a value loses its quotes; one that there is not is empty.
func (t *Template) Fill(value func(name string) ([]byte, bool)) []byte {
	var out []byte
	for _, p := range t.parts {
		if p.name == "" {
			out = append(out, p.text...)
			continue
		}
		v, ok := value(p.name)
		switch {
		case ok && p.quoted:
			out = append(out, unquote(v)...)
		case ok:
			out = append(out, v...)
		case !p.quoted:
			out = append(out, `""`...)
		}
	}
	return out
}

// unquote returns a value as it stands within a string: a string as it was
// written, and what is no string without its quotes.
func unquote(v []byte) []byte {
	if len(v) >= 2 && v[0] == '"' {
		return v[1 : len(v)-1]
	}
	var compact bytes.Buffer
	if json.Compact(&compact, v) == nil {
		v = compact.Bytes()
	}
	return bytes.ReplaceAll(v, []byte{'"'}, nil)
}

// Quote returns s as JSON.
func Quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("transform: %v", err)) // strings always can be
	}
	return b
}
