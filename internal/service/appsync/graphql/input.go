package graphql

import (
	"fmt"
	"math"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// readVariables checks the values of variables and adds defaults.
func (op *Operation) readVariables(given *vtl.Map) (*vtl.Map, []*Error) {
	all := vtl.NewMap()
	var errs []*Error
	for _, def := range op.def.VariableDefinitions {
		var v any
		has := false
		if given != nil {
			v, has = given.Lookup(def.Variable)
		}
		if !has && def.DefaultValue != nil {
			v, has = op.literal(def.DefaultValue, def.Type)
		}
		if !has && !def.Type.NonNull {
			continue
		}
		read, why := op.schema.readInput(v, def.Type, "Variable '"+def.Variable+"'")
		if why != "" {
			errs = append(errs, &Error{Message: why, Locations: locations(def.Position)})
			continue
		}
		all.Set(def.Variable, read)
	}
	return all, errs
}

func locations(p *ast.Position) []Location {
	if p == nil {
		return nil
	}
	return []Location{{p.Line, p.Column}}
}

// readInput reads a value that came as JSON as one of a type. why says what is
// wrong with it, at what; "" is nothing.
func (s *Schema) readInput(v any, typ *ast.Type, what string) (_ any, why string) {
	if v == nil {
		if typ.NonNull {
			return nil, fmt.Sprintf("%s has coerced Null value for NonNull type '%s'", what, typ)
		}
		return nil, ""
	}
	if typ.Elem != nil {
		list, ok := v.(*vtl.List)
		if !ok {
			list = vtl.NewList(v)
		}
		out := &vtl.List{Items: make([]any, len(list.Items)), JSON: true}
		for i, item := range list.Items {
			if out.Items[i], why = s.readInput(item, typ.Elem, what); why != "" {
				return nil, why
			}
		}
		return out, ""
	}
	def := s.ast.Types[typ.NamedType]
	switch def.Kind {
	case ast.InputObject:
		return s.readObject(v, def, what)
	case ast.Enum:
		if name, ok := v.(string); ok && def.EnumValues.ForName(name) != nil {
			return v, ""
		}
		return nil, fmt.Sprintf("%s has an invalid value. Invalid input for Enum '%s'. No value found for name '%s'", what, def.Name, vtl.String(v))
	}
	read, err := readScalar(def.Name, v)
	if err != nil {
		return nil, what + " has an invalid value. " + err.Error()
	}
	return read, ""
}

func (s *Schema) readObject(v any, def *ast.Definition, what string) (any, string) {
	m, ok := v.(*vtl.Map)
	if !ok {
		return nil, fmt.Sprintf("%s has an invalid value. Expected type 'Map' but was '%s'. Variables for input objects must be an instance of type 'Map'.", what, kindOf(v))
	}
	for _, name := range m.Keys() {
		if def.Fields.ForName(name) == nil {
			return nil, fmt.Sprintf("The variables input contains a field name '%s' that is not defined for input object type '%s' ", name, def.Name)
		}
	}
	out := vtl.NewMap()
	for _, field := range def.Fields {
		inner, has := m.Lookup(field.Name)
		if !has {
			if inner, has = (&Operation{schema: s}).literal(field.DefaultValue, field.Type); !has && !field.Type.NonNull {
				continue
			}
		}
		if !has {
			return nil, fmt.Sprintf("Field '%s' of %s has coerced Null value for NonNull type '%s'", field.Name, variableOf(what), field.Type)
		}
		read, why := s.readInput(inner, field.Type, what)
		if why != "" {
			return nil, why
		}
		out.Set(field.Name, read)
	}
	return out, ""
}

// variableOf is what begins a sentence, within one.
func variableOf(what string) string { return "v" + what[1:] }

// kindOf names the Java class of a value, as AppSync's words do.
func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		return "String"
	case bool:
		return "Boolean"
	case int64:
		if v == int64(int32(v)) {
			return "Integer"
		}
		return "Long"
	case float64:
		return "Double"
	case *vtl.List:
		return "ArrayList"
	case *vtl.Map:
		return "LinkedHashMap"
	}
	return "Object"
}

// readScalar reads a value of a scalar type.
func readScalar(name string, v any) (any, error) {
	wrong := fmt.Errorf("Expected type '%s' but was '%s'.", name, kindOf(v))
	switch name {
	case "Int":
		n, ok := v.(int64)
		if f, isFloat := v.(float64); isFloat && f == math.Trunc(f) && math.Abs(f) < 1<<31 {
			n, ok = int64(f), true
		}
		if !ok || n != int64(int32(n)) {
			return nil, wrong
		}
		return n, nil
	case "Float":
		switch v := v.(type) {
		case int64:
			return float64(v), nil
		case float64:
			return v, nil
		}
		return nil, wrong
	case "Boolean":
		if _, ok := v.(bool); !ok {
			return nil, wrong
		}
		return v, nil
	case "String":
		if _, ok := v.(string); !ok {
			return nil, wrong
		}
		return v, nil
	case "ID":
		switch v := v.(type) {
		case string:
			return v, nil
		case int64:
			return strconv.FormatInt(v, 10), nil
		}
		return nil, wrong
	}
	return readCustom(name, v)
}

// literal is a value that is written in a request or a schema. ok is false for a
// variable that has none, and for no value.
func (op *Operation) literal(v *ast.Value, typ *ast.Type) (_ any, ok bool) {
	if v == nil {
		return nil, false
	}
	switch v.Kind {
	case ast.Variable:
		if op.Variables == nil {
			return nil, false
		}
		return op.Variables.Lookup(v.Raw)
	case ast.NullValue:
		return nil, true
	case ast.IntValue:
		n, err := strconv.ParseInt(v.Raw, 10, 64)
		if err != nil {
			return v.Raw, true
		}
		return n, true
	case ast.FloatValue:
		f, _ := strconv.ParseFloat(v.Raw, 64) // the parser has seen to it
		return f, true
	case ast.BooleanValue:
		return v.Raw == "true", true
	case ast.ListValue:
		list := &vtl.List{Items: []any{}, JSON: true}
		for _, child := range v.Children {
			item, _ := op.literal(child.Value, nil)
			list.Items = append(list.Items, item)
		}
		return list, true
	case ast.ObjectValue:
		m := vtl.NewMap()
		for _, child := range v.Children {
			if member, has := op.literal(child.Value, nil); has {
				m.Set(child.Name, member)
			}
		}
		return m, true
	}
	return v.Raw, true
}

// arguments are those of a field.
func (op *Operation) arguments(f *ast.Field) (*vtl.Map, *Error) {
	args := vtl.NewMap()
	for _, def := range f.Definition.Arguments {
		var v any
		has := false
		var arg *ast.Argument
		if arg = f.Arguments.ForName(def.Name); arg != nil {
			v, has = op.literal(arg.Value, def.Type)
		}
		if !has {
			v, has = op.literal(def.DefaultValue, def.Type)
		}
		if !has {
			continue
		}
		if arg != nil && arg.Value.Kind == ast.Variable { // it has been read
			args.Set(def.Name, v)
			continue
		}
		read, why := op.schema.readInput(v, def.Type, "Argument '"+def.Name+"'")
		if why != "" {
			return nil, &Error{Message: fmt.Sprintf("Validation error of type WrongType: argument '%s' with value '%s' is not a valid '%s' @ '%s'", def.Name, vtl.String(v), def.Type, f.Name), Locations: locations(f.Position)}
		}
		args.Set(def.Name, read)
	}
	return args, nil
}
