// Package transform makes of an event what a target is to receive: a part of
// it, by a path, or a text with parts of it filled in, by a template. Rules and
// pipes share it.
package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// A Path leads to a part of a JSON document: "$.detail.items[0].id".
type Path struct{ steps []step }

// A step leads from a value to one within it, or to all of them.
type step struct {
	name  string
	index int // of an array, if isIndex
	kind  stepKind
}

type stepKind uint8

const (
	byName stepKind = iota
	byIndex
	all
)

// ErrPath is the error of a text that is no path.
var ErrPath = errors.New("not a JSON path")

// ParsePath reads a path: names after dots or in brackets with quotes, indexes
// in brackets, and * for all.
func ParsePath(text string) (Path, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return Path{}, ErrPath
	}
	var p Path
	for rest != "" {
		var s step
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			s.name, rest = rest[1:end], rest[end:]
			if s.name == "" || strings.ContainsAny(s.name, "]'\"$") {
				return Path{}, ErrPath
			}
			if s.name == "*" {
				s.kind = all
			}
		case '[':
			inner, after, err := bracket(rest[1:])
			if err != nil {
				return Path{}, err
			}
			s, rest = inner, after
		default:
			return Path{}, ErrPath
		}
		p.steps = append(p.steps, s)
	}
	return p, nil
}

// bracket reads what follows an opening bracket, to its end.
func bracket(text string) (s step, rest string, err error) {
	if text != "" && (text[0] == '\'' || text[0] == '"') {
		name, rest, ok := strings.Cut(text[1:], text[:1]+"]")
		if !ok || name == "" {
			return s, "", ErrPath
		}
		return step{name: name}, rest, nil
	}
	inner, rest, ok := strings.Cut(text, "]")
	switch {
	case !ok:
		return s, "", ErrPath
	case inner == "*":
		return step{kind: all}, rest, nil
	}
	n, err := strconv.Atoi(inner)
	if err != nil || n < 0 {
		return s, "", ErrPath
	}
	return step{kind: byIndex, index: n}, rest, nil
}

// Find returns the part of doc that p leads to, as it is written there; false
// is that there is none. What several lead to is an array.
func (p Path) Find(doc []byte) ([]byte, bool) {
	doc = bytes.TrimSpace(doc)
	for i, s := range p.steps {
		if s.kind == all {
			return p.each(doc, i)
		}
		next, ok := s.find(doc)
		if !ok {
			return nil, false
		}
		doc = next
	}
	return doc, true
}

// each gathers what the steps past i lead to from all values of doc.
func (p Path) each(doc []byte, i int) ([]byte, bool) {
	var values []json.RawMessage
	if json.Unmarshal(doc, &values) != nil {
		return nil, false
	}
	found := []json.RawMessage{}
	for _, v := range values {
		if part, ok := (Path{p.steps[i+1:]}).Find(v); ok {
			found = append(found, part)
		}
	}
	text, err := json.Marshal(found)
	return text, err == nil
}

// find returns one value of doc.
func (s step) find(doc []byte) ([]byte, bool) {
	if s.kind == byIndex {
		var values []json.RawMessage
		if json.Unmarshal(doc, &values) != nil || s.index >= len(values) {
			return nil, false
		}
		return values[s.index], true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) != nil {
		return nil, false
	}
	v, ok := members[s.name]
	return v, ok
}
