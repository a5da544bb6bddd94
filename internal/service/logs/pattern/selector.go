package pattern

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A Selector names something in the messages that a pattern matches: "$.size"
// in JSON, or "$size", a column.
type Selector struct {
	json   *selector
	column string
}

// ParseSelector reads a selector.
func ParseSelector(text string) (*Selector, error) {
	if !strings.HasPrefix(text, "$.") && !strings.HasPrefix(text, "$[") {
		if len(text) < 2 || text[0] != '$' {
			return nil, ErrInvalid
		}
		return &Selector{column: text}, nil
	}
	l := &lexer{s: text}
	s, err := l.selector()
	if err != nil {
		return nil, err
	}
	if !l.done() {
		return nil, ErrInvalid
	}
	return &Selector{json: &s}, nil
}

// Of returns what s names in a message, as text, and whether there is such.
// columns are those that the pattern extracted.
func (s *Selector) Of(message string, columns map[string]string) (text string, found bool) {
	if s.json == nil {
		text, found = columns[s.column]
		return text, found
	}
	v, ok := decode(message)
	if !ok {
		return "", false
	}
	found = s.json.any(v, func(node any) bool {
		switch node := node.(type) {
		case string:
			text = node
		case json.Number:
			text = node.String()
		case float64:
			text = strconv.FormatFloat(node, 'g', -1, 64)
		case bool:
			text = strconv.FormatBool(node)
		default:
			return false
		}
		return true
	})
	return text, found
}
