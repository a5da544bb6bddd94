package handlebars

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	maxSteps  = 1 << 20 // nodes that are shown
	maxOutput = 4 << 20 // bytes
)

// ErrTooMuch reports that a template and its data make too much of a message.
var ErrTooMuch = errors.New("the message is too large, or takes too long to render")

// A Missing is a value that a template wants and its data lacks.
type Missing struct{ Name string }

func (m *Missing) Error() string {
	return "Attribute '" + m.Name + "' is not present in the rendering data."
}

// Render shows t for data, which is JSON. What is no HTML is not escaped.
func (t *Template) Render(data []byte, html bool) (string, error) {
	var root any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return "", err
	}
	r := &renderer{t: t, root: root, html: html}
	err := r.all(t.nodes, &scope{value: root})
	return r.out.String(), err
}

// A renderer shows one template.
type renderer struct {
	t     *Template
	root  any
	html  bool
	out   strings.Builder
	steps int
	depth int // of partials
}

// A scope is what names are looked up in.
type scope struct {
	value any
	outer *scope
	data  map[string]any // "index", "key", "first", "last"
}

func (r *renderer) all(nodes []node, s *scope) error {
	for i := range nodes {
		if r.steps++; r.steps > maxSteps || r.out.Len() > maxOutput {
			return ErrTooMuch
		}
		if err := r.one(&nodes[i], s); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) one(n *node, s *scope) error {
	switch n.kind {
	case isText:
		r.out.WriteString(n.text)
		return nil
	case isPartial:
		body, ok := r.t.partials[n.text]
		if !ok {
			return &Error{"the partial " + n.text + " is not known"}
		}
		if r.depth++; r.depth > maxDepth {
			return ErrTooMuch
		}
		err := r.all(body, s)
		r.depth--
		return err
	}
	v, there := r.find(n.path, s)
	switch n.kind {
	case isValue:
		if !there {
			return &Missing{n.path.text}
		}
		text := display(v)
		if r.html && !n.raw {
			text = escaper.Replace(text)
		}
		r.out.WriteString(text)
		return nil
	case isIf:
		return r.all(choose(truthy(v), n), s)
	case isUnless:
		return r.all(choose(!truthy(v), n), s)
	case isEach:
		return r.each(v, n, s)
	case isBlock:
		switch list := v.(type) {
		case []any:
			return r.each(list, n, s)
		case bool:
			return r.all(choose(list, n), s)
		}
	}
	if !truthy(v) {
		return r.all(n.other, s)
	}
	return r.all(n.body, &scope{value: v, outer: s, data: s.data})
}

// each shows a block for each element of a list, or member of an object.
func (r *renderer) each(v any, n *node, s *scope) error {
	var keys []string
	var values []any
	switch v := v.(type) {
	case []any:
		values = v
	case map[string]any:
		keys = slices.Sorted(maps.Keys(v))
		for _, key := range keys {
			values = append(values, v[key])
		}
	}
	if len(values) == 0 {
		return r.all(n.other, s)
	}
	for i, value := range values {
		data := map[string]any{"index": i, "key": i, "first": i == 0, "last": i == len(values)-1}
		if keys != nil {
			data["key"] = keys[i]
		}
		if err := r.all(n.body, &scope{value: value, outer: s, data: data}); err != nil {
			return err
		}
	}
	return nil
}

func choose(yes bool, n *node) []node {
	if yes {
		return n.body
	}
	return n.other
}

// find looks a path up.
func (r *renderer) find(p *path, s *scope) (v any, there bool) {
	for range p.up {
		if s.outer == nil {
			return nil, false
		}
		s = s.outer
	}
	switch {
	case p.data == "root":
		v = r.root
	case p.data != "":
		if v, there = s.data[p.data]; !there {
			return nil, false
		}
	default:
		v = s.value
	}
	for _, name := range p.names {
		switch of := v.(type) {
		case map[string]any:
			if v, there = of[name]; !there {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(name)
			if name == "length" {
				v = len(of)
				continue
			}
			if err != nil || i < 0 || i >= len(of) {
				return nil, false
			}
			v = of[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// truthy is what Handlebars takes for true: an empty list is not, 0 is not.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int:
		return v != 0
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	case []any:
		return len(v) > 0
	}
	return true
}

// display is a value as text, as JavaScript writes it.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case json.Number:
		return v.String()
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = display(v[i])
		}
		return strings.Join(parts, ",")
	}
	return "[object Object]"
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;", "`", "&#x60;", "=", "&#x3D;")
