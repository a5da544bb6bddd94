package graphql

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// complete makes of a value what its type says.
func (x *execution) complete(c *cell, v any, sets []ast.SelectionSet) {
	if v == nil {
		c.null = true
		return
	}
	if c.typ.Elem != nil {
		list, ok := v.(*vtl.List)
		if !ok {
			x.mismatch(c, "LIST")
			return
		}
		c.items = make([]*cell, len(list.Items))
		for i, item := range list.Items {
			c.items[i] = &cell{typ: c.typ.Elem, parent: c.parent, path: append(c.path[:len(c.path):len(c.path)], i)}
			x.complete(c.items[i], item, sets)
		}
		return
	}
	def := x.op.schema.ast.Types[c.typ.NamedType]
	if def.IsLeafType() {
		leaf, err := writeLeaf(def, v)
		if err != nil {
			x.fail(c, &Error{Path: c.path, Message: fmt.Sprintf("Can't serialize value (%s) : %s", place(c.path), err)})
			return
		}
		c.leaf = leaf
		return
	}
	if _, ok := v.(*vtl.Map); !ok && !isMeta(v) {
		x.mismatch(c, "OBJECT")
		return
	}
	if def.IsAbstractType() {
		name, _ := member(v, "__typename").(string)
		object := x.op.schema.ast.Types[name]
		if object == nil || object.Kind != ast.Object || !x.op.applies(def.Name, object) {
			x.fail(c, &Error{Path: c.path, Message: fmt.Sprintf("Can't resolve '%s'. Abstract type '%s' must resolve to an Object type at runtime for field '%s.%s'.", place(c.path), def.Name, c.parent, lastName(c.path))})
			return
		}
		def = object
	}
	c.object = &object{def: def, source: v, path: c.path, sets: sets}
	x.next = append(x.next, c.object)
}

func (x *execution) mismatch(c *cell, want string) {
	x.fail(c, &Error{Path: c.path, Message: fmt.Sprintf("Can't resolve value (%s) : type mismatch error, expected type %s", place(c.path), want)})
}

func lastName(path []any) string {
	for i := len(path) - 1; i >= 0; i-- {
		if s, ok := path[i].(string); ok {
			return s
		}
	}
	return ""
}

// writeLeaf is a scalar or a name of an enum as it goes out.
func writeLeaf(def *ast.Definition, v any) (any, error) {
	if def.Kind == ast.Enum {
		name := vtl.String(v)
		if def.EnumValues.ForName(name) == nil {
			return nil, fmt.Errorf("Invalid input for Enum '%s'. No value found for name '%s'", def.Name, name)
		}
		return name, nil
	}
	wrong := fmt.Errorf("Expected a value that can be converted to type '%s' but it was a '%s'", def.Name, kindOf(v))
	switch def.Name {
	case "String":
		return vtl.String(v), nil
	case "ID":
		switch v.(type) {
		case string, int64, float64, bool:
			return vtl.String(v), nil
		}
		return nil, wrong
	case "Int":
		f, ok := numberOf(v)
		if !ok || f != math.Trunc(f) || f != float64(int32(f)) {
			return nil, wrong
		}
		return int64(f), nil
	case "Float":
		f, ok := numberOf(v)
		if !ok {
			return nil, wrong
		}
		return f, nil
	case "Boolean":
		switch v := v.(type) {
		case bool:
			return v, nil
		case string:
			return strings.EqualFold(v, "true"), nil
		case int64:
			return v != 0, nil
		case float64:
			return v != 0, nil
		}
		return nil, wrong
	}
	return writeCustom(def.Name, v)
}

// numberOf is a number, be it written as text.
func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

// A Response is the answer to a request.
type Response struct {
	Errors []*Error
	data   *cell // nil is null
}

// JSON is the answer as clients read it.
func (r *Response) JSON() []byte {
	b := []byte(`{"data":`)
	b = r.data.appendJSON(b)
	if len(r.Errors) > 0 {
		b = append(b, `,"errors":`...)
		b = AppendErrors(b, r.Errors)
	}
	return append(b, '}')
}

func (c *cell) appendJSON(b []byte) []byte {
	switch {
	case c == nil || c.null:
		return append(b, "null"...)
	case c.items != nil:
		b = append(b, '[')
		for i, item := range c.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.appendJSON(b)
		}
		return append(b, ']')
	case c.object != nil:
		b = append(b, '{')
		for i, a := range c.object.asked {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(b, vtl.JSON(a.alias)...), ':')
			b = c.object.cells[i].appendJSON(b)
		}
		return append(b, '}')
	}
	return append(b, vtl.JSON(c.leaf)...)
}

// Field is what a field of the root came to, its members by their names and not
// by what the request calls them.
func (r *Response) Field(name string) (any, bool) {
	if r.data == nil || r.data.null || r.data.object == nil {
		return nil, false
	}
	for i, a := range r.data.object.asked {
		if a.name == name {
			c := r.data.object.cells[i]
			return c.value(), !c.failed
		}
	}
	return nil, false
}

// Roots are the names of the root's fields.
func (r *Response) Roots() []string {
	var names []string
	if r.data != nil && !r.data.null && r.data.object != nil {
		for _, a := range r.data.object.asked {
			names = append(names, a.name)
		}
	}
	return names
}

func (c *cell) value() any {
	switch {
	case c.null:
		return nil
	case c.items != nil:
		list := &vtl.List{Items: make([]any, len(c.items)), JSON: true}
		for i, item := range c.items {
			list.Items[i] = item.value()
		}
		return list
	case c.object != nil:
		m := vtl.NewMap()
		m.Set("__typename", c.object.def.Name)
		for i, a := range c.object.asked {
			m.Set(a.name, c.object.cells[i].value())
		}
		return m
	}
	return c.leaf
}

// AppendErrors appends errors as AppSync writes them.
func AppendErrors(b []byte, errors []*Error) []byte {
	list := &vtl.List{JSON: true}
	for _, e := range errors {
		list.Items = append(list.Items, e.value())
	}
	return append(b, vtl.JSON(list)...)
}

func (e *Error) value() any {
	m := vtl.NewMap()
	var path, places any
	if e.Path != nil {
		list := &vtl.List{Items: []any{}, JSON: true}
		for _, p := range e.Path {
			if i, ok := p.(int); ok {
				p = int64(i)
			}
			list.Items = append(list.Items, p)
		}
		path = list
	}
	if len(e.Locations) > 0 {
		list := &vtl.List{JSON: true}
		for _, l := range e.Locations {
			list.Items = append(list.Items, vtl.NewMap().Set("line", int64(l.Line)).Set("column", int64(l.Column)).Set("sourceName", nil))
		}
		places = list
	}
	m.Set("path", path)
	if e.Type != "" {
		m.Set("data", e.Data).Set("errorType", e.Type).Set("errorInfo", e.Info)
	}
	return m.Set("locations", places).Set("message", e.Message)
}
