package jsonpath

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// maxVisits bounds the work of one path: recursive descents multiply.
const maxVisits = 1 << 20

var errTooMuch = errors.New("Path visits too many values")

var functions = map[string]bool{"length": true, "size": true, "min": true, "max": true, "avg": true, "sum": true, "stddev": true, "keys": true, "first": true, "last": true, "index": true, "concat": true}

// Get finds what the path leads to from root. An error says what is missing.
func (p *Path) Get(root tree.Value) (tree.Value, error) {
	g := getter{root: root, definite: p.Definite(), left: maxVisits}
	if err := g.walk(root, p.steps, "$"); err != nil {
		return nil, err
	}
	var v tree.Value
	if !g.definite {
		v = g.found
		if g.found == nil {
			v = []tree.Value{}
		}
	} else if len(g.found) == 0 {
		return nil, errors.New("No results for path: " + p.where())
	} else {
		v = g.found[0]
	}
	if p.function != "" {
		return compute(p.function, p.arg, v)
	}
	return v, nil
}

// where is the path as Jayway writes it: $['a'][0].
func (p *Path) where() string {
	b := "$"
	for _, s := range p.steps {
		b += s.where()
	}
	return b
}

func (s step) where() string {
	switch s.kind {
	case member:
		return "['" + strings.Join(s.names, "','") + "']"
	case index:
		texts := make([]string, len(s.indexes))
		for i, n := range s.indexes {
			texts[i] = strconv.Itoa(n)
		}
		return "[" + strings.Join(texts, ",") + "]"
	case wild:
		return "[*]"
	case descent:
		return ".."
	case slice:
		return "[:]"
	}
	return "[?]"
}

type getter struct {
	root     tree.Value
	definite bool
	found    []tree.Value
	left     int
}

func (g *getter) walk(v tree.Value, steps []step, at string) error {
	if g.left--; g.left < 0 {
		return errTooMuch
	}
	if len(steps) == 0 {
		g.found = append(g.found, v)
		return nil
	}
	s, rest := steps[0], steps[1:]
	switch s.kind {
	case member:
		return g.member(v, s, rest, at)
	case index:
		return g.index(v, s, rest, at)
	case descent:
		return g.descend(v, rest, at)
	case wild:
		return children(v, func(c tree.Value) error { return g.walk(c, rest, at+"[*]") })
	case slice:
		list, _ := v.([]tree.Value)
		from, to := s.bounds(len(list))
		for i := from; i < to; i++ {
			if err := g.walk(list[i], rest, at+"[:]"); err != nil {
				return err
			}
		}
		return nil
	}
	test := func(c tree.Value) error {
		if ok, err := s.filter.holds(g, c); !ok || err != nil {
			return err
		}
		return g.walk(c, rest, at+"[?]")
	}
	if list, ok := v.([]tree.Value); ok {
		return children(list, test)
	}
	return test(v)
}

func (g *getter) member(v tree.Value, s step, rest []step, at string) error {
	here := at + s.where()
	o, ok := v.(*tree.Object)
	if !ok {
		if !g.definite {
			return nil
		}
		if v == nil {
			return fmt.Errorf("Missing property in path %s", at)
		}
		return fmt.Errorf("Expected to find an object with property %s in path %s but found '%s'. "+
			"This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.", s.where(), at, javaType(v))
	}
	if len(s.names) > 1 {
		some := &tree.Object{}
		for _, name := range s.names {
			if m, found := o.Get(name); found {
				some.Set(name, m)
			} else if g.definite {
				return errors.New("Missing property in path " + at + "['" + name + "']")
			}
		}
		return g.walk(some, rest, here)
	}
	m, found := o.Get(s.names[0])
	switch {
	case found:
		return g.walk(m, rest, here)
	case !g.definite:
		return nil
	case len(rest) == 0:
		return errors.New("No results for path: " + here)
	}
	return errors.New("Missing property in path " + here)
}

func (g *getter) index(v tree.Value, s step, rest []step, at string) error {
	list, ok := v.([]tree.Value)
	if !ok {
		if g.definite {
			return fmt.Errorf("Filter: %s can only be applied to arrays. Current context is: %s", s.where(), tree.String(v))
		}
		return nil
	}
	for _, n := range s.indexes {
		if n < 0 {
			n += len(list)
		}
		if n < 0 || n >= len(list) {
			if g.definite {
				return errors.New("Index out of bounds when evaluating path " + at + s.where())
			}
			continue
		}
		if err := g.walk(list[n], rest, at+s.where()); err != nil {
			return err
		}
	}
	return nil
}

func (s step) bounds(n int) (from, to int) {
	at := func(p *int, missing int) int {
		if p == nil {
			return missing
		}
		i := *p
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	return at(s.from, 0), at(s.to, n)
}

// descend applies the steps to v and everything below it.
func (g *getter) descend(v tree.Value, steps []step, at string) error {
	container := false
	switch v.(type) {
	case []tree.Value:
		container = steps[0].kind != member
	case *tree.Object:
		container = steps[0].kind != index && steps[0].kind != slice && steps[0].kind != filtered
	}
	if container {
		if err := g.walk(v, steps, at+".."); err != nil {
			return err
		}
	}
	if g.left--; g.left < 0 {
		return errTooMuch
	}
	return children(v, func(c tree.Value) error { return g.descend(c, steps, at) })
}

func children(v tree.Value, each func(tree.Value) error) error {
	switch v := v.(type) {
	case []tree.Value:
		for _, c := range v {
			if err := each(c); err != nil {
				return err
			}
		}
	case *tree.Object:
		for _, c := range v.All() {
			if err := each(c); err != nil {
				return err
			}
		}
	}
	return nil
}

func javaType(v tree.Value) string {
	switch v := v.(type) {
	case string:
		return "com.fasterxml.jackson.databind.node.TextNode"
	case bool:
		return "com.fasterxml.jackson.databind.node.BooleanNode"
	case json.Number:
		if _, ok := tree.Int(v); ok {
			return "com.fasterxml.jackson.databind.node.IntNode"
		}
		return "com.fasterxml.jackson.databind.node.DoubleNode"
	case []tree.Value:
		return "com.fasterxml.jackson.databind.node.ArrayNode"
	case *tree.Object:
		return "com.fasterxml.jackson.databind.node.ObjectNode"
	}
	return "null"
}

// compute applies a function of Jayway to the value.
func compute(name, arg string, v tree.Value) (tree.Value, error) {
	list, isList := v.([]tree.Value)
	switch name {
	case "length", "size":
		switch v := v.(type) {
		case []tree.Value:
			return number(float64(len(v))), nil
		case *tree.Object:
			return number(float64(v.Len())), nil
		case string:
			return number(float64(len([]rune(v)))), nil
		}
		return nil, errors.New("Aggregation function attempted to calculate value using empty array")
	case "keys":
		o, _ := v.(*tree.Object)
		keys := []tree.Value{}
		for _, k := range o.Keys() {
			keys = append(keys, k)
		}
		return keys, nil
	case "first", "last", "index":
		n := 0
		if name == "last" {
			n = -1
		} else if name == "index" {
			n, _ = strconv.Atoi(arg)
		}
		if n < 0 {
			n += len(list)
		}
		if n < 0 || n >= len(list) {
			return nil, errors.New("Aggregation function attempted to calculate value using empty array")
		}
		return list[n], nil
	case "concat":
		var b strings.Builder
		for _, x := range list {
			if s, ok := x.(string); ok {
				b.WriteString(s)
			}
		}
		return b.String(), nil
	}
	if !isList {
		return nil, errors.New("Aggregation function attempted to calculate value using empty array")
	}
	return aggregate(name, list)
}

func aggregate(name string, list []tree.Value) (tree.Value, error) {
	var sum, squares, count float64
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range list {
		if n, ok := x.(json.Number); ok {
			f, _ := n.Float64()
			sum, squares, count = sum+f, squares+f*f, count+1
			low, high = min(low, f), max(high, f)
		}
	}
	if count == 0 {
		return nil, errors.New("Aggregation function attempted to calculate value using empty array")
	}
	switch name {
	case "min":
		sum = low
	case "max":
		sum = high
	case "avg":
		sum /= count
	case "stddev":
		sum = math.Sqrt(squares/count - sum*sum/count/count)
	}
	// Jayway computes in doubles, and says 6.0.
	text := string(number(sum))
	if !strings.ContainsAny(text, ".eE") {
		text += ".0"
	}
	return json.Number(text), nil
}

func number(f float64) json.Number { return json.Number(strconv.FormatFloat(f, 'f', -1, 64)) }
