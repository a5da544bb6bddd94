package jsonpath

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// condition is what a filter asks of each value.
type condition struct {
	operator    string
	parts       []*condition // of && || !
	left, right *operand
}

// operand is a literal, a pattern, or a path from the value at hand (@) or the root ($).
type operand struct {
	value   tree.Value
	pattern *regexp.Regexp
	path    *Path
	local   bool
}

func (o *operand) get(g *getter, at tree.Value) (v tree.Value, found bool, err error) {
	if o.path == nil {
		return o.value, true, nil
	}
	from := g.root
	if o.local {
		from = at
	}
	sub := getter{root: g.root, definite: o.path.Definite(), left: g.left}
	if err := sub.walk(from, o.path.steps, "$"); err != nil {
		if err == errTooMuch {
			return nil, false, err
		}
		return nil, false, nil
	}
	g.left = sub.left
	if sub.definite {
		if len(sub.found) == 0 {
			return nil, false, nil
		}
		v = sub.found[0]
	} else {
		v = append([]tree.Value{}, sub.found...)
	}
	if o.path.function != "" {
		v, err = compute(o.path.function, o.path.arg, v)
		return v, err == nil, nil
	}
	return v, sub.definite || len(sub.found) > 0, nil
}

func (c *condition) holds(g *getter, at tree.Value) (bool, error) {
	if g.left--; g.left < 0 {
		return false, errTooMuch
	}
	switch c.operator {
	case "&&", "||":
		left, err := c.parts[0].holds(g, at)
		if err != nil || left == (c.operator == "||") {
			return left, err
		}
		return c.parts[1].holds(g, at)
	case "!":
		ok, err := c.parts[0].holds(g, at)
		return !ok, err
	}
	left, found, err := c.left.get(g, at)
	if err != nil {
		return false, err
	}
	if c.operator == "exists" {
		// A constant is its own truth.
		if b, ok := left.(bool); ok && c.left.path == nil {
			return b, nil
		}
		return found, nil
	}
	right, rightFound, err := c.right.get(g, at)
	if err != nil {
		return false, err
	}
	if !found || !rightFound {
		return c.operator == "!=" && found != rightFound, nil
	}
	if c.operator == "=~" {
		s, ok := left.(string)
		return ok && c.right.pattern.MatchString(s), nil
	}
	return compare(c.operator, left, right), nil
}

func compare(operator string, left, right tree.Value) bool {
	switch operator {
	case "==", "===":
		return tree.Equal(left, right)
	case "!=", "!==", "<>":
		return !tree.Equal(left, right)
	case "<", ">", "<=", ">=":
		return ordered(operator, left, right)
	case "in":
		return contains(right, left)
	case "nin":
		return !contains(right, left)
	case "contains":
		if s, ok := left.(string); ok {
			sub, ok := right.(string)
			return ok && strings.Contains(s, sub)
		}
		return contains(left, right)
	case "size":
		n, ok := tree.Int(right)
		return ok && size(left) == int(n)
	case "empty":
		want, ok := right.(bool)
		return ok && (size(left) == 0) == want
	}
	list, _ := left.([]tree.Value)
	hits := 0
	for _, v := range list {
		if contains(right, v) {
			hits++
		}
	}
	switch operator {
	case "subsetof":
		return hits == len(list)
	case "anyof":
		return hits > 0
	}
	return hits == 0 // noneof
}

func contains(list, v tree.Value) bool {
	l, _ := list.([]tree.Value)
	for _, x := range l {
		if tree.Equal(x, v) {
			return true
		}
	}
	return false
}

func size(v tree.Value) int {
	switch v := v.(type) {
	case []tree.Value:
		return len(v)
	case *tree.Object:
		return v.Len()
	case string:
		return len(v)
	}
	return -1
}

func ordered(operator string, left, right tree.Value) bool {
	var c int
	switch l := left.(type) {
	case json.Number:
		r, ok := right.(json.Number)
		if !ok {
			return false
		}
		c = tree.Compare(l, r)
	case string:
		r, ok := right.(string)
		if !ok {
			return false
		}
		switch {
		case l < r:
			c = -1
		case l > r:
			c = 1
		}
	default:
		return false
	}
	switch operator {
	case "<":
		return c < 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	}
	return c >= 0
}
