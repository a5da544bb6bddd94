package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of what is taken for a template.
const (
	MaxBody   = 51200     // bytes of a template in a request
	MaxStored = 1_000_000 // bytes of a template in a bucket
	maxDepth  = 100       // maps and lists inside each other
	maxNodes  = 200_000   // values, counted after aliases are expanded
)

// Options say what a parser takes beyond what CloudFormation does.
type Options struct {
	// Aliases takes anchors, aliases and merge keys of YAML. CloudFormation
	// refuses them, but the tools that package templates for it do not.
	Aliases bool
	// Plain reads scalars as YAML 1.2 has them, where yes is text, and takes
	// any value for the root: so do the tools that are not CloudFormation.
	Plain bool
}

// A Document is a template as it was written.
type Document struct {
	Root  map[string]any
	Value any  // Root, or what else there is if that is allowed
	JSON  bool // not YAML

	text string
	node *yaml.Node // nil if JSON
}

// Parse reads a template in JSON or YAML. The short forms of functions, such
// as !Ref, become their long ones.
func Parse(text string, options Options) (*Document, error) {
	if len(text) > MaxStored {
		return nil, errorf("Template may not exceed %d bytes in size.", MaxStored)
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return parseJSON(text)
	}
	return parseYAML(text, options)
}

func parseJSON(text string) (*Document, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var root map[string]any
	err := dec.Decode(&root)
	if err == nil {
		if _, extra := dec.Token(); !errors.Is(extra, io.EOF) {
			return nil, notJSON(text, dec.InputOffset())
		}
	}
	if err != nil {
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, notJSON(text, e.Offset)
		}
		return nil, notJSON(text, dec.InputOffset())
	}
	count := 0
	if err := checkSize(root, 0, &count); err != nil {
		return nil, err
	}
	return &Document{Root: root, Value: root, JSON: true, text: text}, nil
}

// notJSON names the place after the byte that is wrong, as CloudFormation does.
func notJSON(text string, offset int64) error {
	before := text[:min(int(offset), len(text))]
	line := strings.Count(before, "\n") + 1
	column := len(before) - strings.LastIndexByte(before, '\n')
	return errorf("Template format error: JSON not well-formed. (line %d, column %d)", line, column)
}

func checkSize(v any, depth int, count *int) error {
	if *count++; *count > maxNodes {
		return errorf("Template format error: the template has more than %d values.", maxNodes)
	}
	if depth > maxDepth {
		return errorf("Template format error: values are nested more than %d deep.", maxDepth)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if err := checkSize(member, depth+1, count); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range v {
			if err := checkSize(element, depth+1, count); err != nil {
				return err
			}
		}
	}
	return nil
}

// Line returns the line on which the value at path begins, or that of the
// innermost value around it that there is. The first line is 1.
func (d *Document) Line(path ...string) int {
	if d.JSON {
		return lineJSON(d.text, path)
	}
	return lineYAML(d.node, path)
}

// lineJSON walks the text again: lines are wanted of one place, rarely, and a
// tree without positions is simpler to work with.
func lineJSON(text string, path []string) int {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	line := func() int { return strings.Count(text[:dec.InputOffset()], "\n") + 1 }
	found := 1
	for _, want := range path {
		t, err := dec.Token()
		if err != nil {
			return found
		}
		at, ok := seekJSON(dec, t, want, line)
		if !ok {
			return found
		}
		found = at
	}
	return found
}

// seekJSON moves dec to the value of member or element want of the value that
// t begins.
func seekJSON(dec *json.Decoder, t json.Token, want string, line func() int) (int, bool) {
	delim, _ := t.(json.Delim)
	if delim != '{' && delim != '[' {
		return 0, false
	}
	for i := 0; dec.More(); i++ {
		name := indexName(i)
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return 0, false
			}
			name, _ = key.(string)
		}
		if name == want {
			return line(), true
		}
		var skipped json.RawMessage
		if dec.Decode(&skipped) != nil {
			return 0, false
		}
	}
	return 0, false
}
