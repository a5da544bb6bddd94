package asl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/asl/jsonpath"
	"github.com/aloft-cloud/aloft/internal/jsonata"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// object is an object of a definition, read field by field; what is wrong with
// a field becomes a diagnostic.
type object struct {
	p    *parser
	o    *tree.Object
	at   string
	lang QueryLanguage
}

// only refuses fields besides those that are allowed.
func (o object) only(at string, allowed []string) {
	for name := range o.o.All() {
		if !slices.Contains(allowed, name) {
			o.p.schema(at, "Field '%s' is not supported", name)
		}
	}
}

func (o object) require(at string, names ...string) {
	var missing []string
	for _, n := range names {
		if _, found := o.o.Get(n); !found {
			missing = append(missing, n)
		}
	}
	if missing != nil {
		o.p.schema(at, "These fields are required: [%s]", strings.Join(missing, ", "))
	}
}

// oneOf finds which of the fields is given, and refuses several.
func (o object) oneOf(names ...string) string {
	var given []string
	for _, n := range names {
		if _, found := o.o.Get(n); found {
			given = append(given, n)
		}
	}
	if len(given) > 1 {
		o.p.schema(o.at, "Only one of these fields is allowed: [%s]", strings.Join(names, ", "))
	}
	if given == nil {
		return ""
	}
	return given[0]
}

func (o object) expected(name, what string) {
	o.p.schema(o.at+"/"+name, "Expected value of type %s", what)
}

func (o object) text(name string) (string, bool) {
	v, given := o.o.Get(name)
	if !given {
		return "", false
	}
	s, ok := v.(string)
	if !ok {
		o.expected(name, "String")
	}
	return s, ok
}

func (o object) flag(name string) (b, ok bool) {
	v, given := o.o.Get(name)
	if !given {
		return false, false
	}
	if b, ok = v.(bool); !ok {
		o.expected(name, "Boolean")
	}
	return b, ok
}

// whole reads a whole number within bounds.
func (o object) whole(name string, low, high int64) (int64, bool) {
	v, given := o.o.Get(name)
	if !given {
		return 0, false
	}
	n, ok := tree.Int(v)
	if !ok {
		o.expected(name, "Integer")
		return 0, false
	}
	if n < low || n > high {
		o.p.schema(o.at+"/"+name, "Value must be between %d and %d", low, high)
	}
	return n, true
}

func (o object) object(name string) (object, bool) {
	v, given := o.o.Get(name)
	if !given {
		return object{}, false
	}
	inner, ok := v.(*tree.Object)
	if !ok {
		o.expected(name, "Object")
	}
	return object{o.p, inner, o.at + "/" + name, o.lang}, ok
}

// each reads the objects of a list.
func (o object) each(name string, f func(object)) {
	v, given := o.o.Get(name)
	if !given {
		return
	}
	list, ok := v.([]Value)
	if !ok {
		o.expected(name, "Array")
		return
	}
	for i, x := range list {
		at := fmt.Sprintf("%s/%s[%d]", o.at, name, i)
		if inner, ok := x.(*tree.Object); ok {
			f(object{o.p, inner, at, o.lang})
		} else {
			o.p.schema(at, "Expected value of type Object")
		}
	}
}

// choiceOf reads a string that is one of a few.
func (o object) choiceOf(name string, values ...string) string {
	s, ok := o.text(name)
	if ok && !slices.Contains(values, s) {
		o.p.schema(o.at+"/"+name, "The field '%s' should have one of these values: [%s]", name, strings.Join(values, ", "))
	}
	return s
}

// language reads QueryLanguage; whatever is given that is not JSONPath is JSONata.
func (o object) language() QueryLanguage {
	v, given := o.o.Get("QueryLanguage")
	if !given || v == string(JSONPath) {
		return JSONPath
	}
	o.choiceOf("QueryLanguage", string(JSONPath), string(JSONata))
	return JSONata
}

// path reads a field that holds a path, or null.
func (o object) path(name string) pathField {
	v, given := o.o.Get(name)
	if !given {
		return pathField{}
	}
	if v == nil {
		return pathField{null: true}
	}
	s, ok := v.(string)
	if ok {
		if t, err := parseCallOrPath(s); err == nil {
			o.p.refer(t)
			return pathField{template: t}
		}
	}
	o.p.schema(o.at+"/"+name, "Value must be a valid JSONPath.")
	return pathField{}
}

// reference reads a field that holds a reference path into the input, or null.
func (o object) reference(name string) pathField {
	f := o.path(name)
	if f.template != nil && (f.path == nil || !f.path.Reference() || f.path.Root() != "") {
		o.p.schema(o.at+"/"+name, "Value is not a Reference Path")
		return pathField{}
	}
	return f
}

// computed reads one of two fields: one of a constant, or an expression of
// JSONata, and one of the same name with Path at its end.
func (o object) computed(name string, check func(v Value, at string)) (*template, string) {
	given := o.oneOf(name, name+"Path")
	switch given {
	case "":
		return nil, ""
	case name + "Path":
		f := o.path(given)
		return f.template, given
	}
	t := o.template(name)
	if t != nil && t.query == nil && check != nil {
		check(t.constant, o.at+"/"+name)
	}
	return t, name
}

// wholeNumber checks a constant.
func (o object) wholeNumber(low, high int64) func(v Value, at string) {
	return func(v Value, at string) {
		n, ok := tree.Int(v)
		switch {
		case !ok && o.lang == JSONata:
			o.p.schema(at, "Expected value of type Integer, or JSONata expression")
		case !ok:
			o.p.schema(at, "Expected value of type Integer")
		case n < low || n > high:
			o.p.schema(at, "Value must be between %d and %d", low, high)
		}
	}
}

func (o object) template(name string) *template {
	v, given := o.o.Get(name)
	if !given {
		return nil
	}
	return o.compile(v, o.at+"/"+name)
}

var variableName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]{0,79}$`)

// variables reads Assign.
func (o object) variables() *template {
	v, given := o.o.Get("Assign")
	if !given {
		return nil
	}
	if v, ok := v.(*tree.Object); ok {
		for name := range v.All() {
			if o.lang == JSONPath {
				name = strings.TrimSuffix(name, ".$")
			}
			if !variableName.MatchString(name) || name == "states" {
				o.p.schema(o.at+"/Assign", "Invalid variable name: %s", name)
			}
		}
	} else if o.lang == JSONPath {
		o.expected("Assign", "Object")
		return nil
	}
	return o.template("Assign")
}

// compile makes a template of v, and warns of what looks like a mistake.
func (o object) compile(v Value, at string) *template {
	switch v := v.(type) {
	case string:
		return o.compileString(v, at)
	case []Value:
		t := &template{}
		constant := true
		for i, x := range v {
			item := o.compile(x, fmt.Sprintf("%s[%d]", at, i))
			constant = constant && item.isConstant()
			t.list = append(t.list, item)
		}
		if constant {
			return &template{constant: v}
		}
		return t
	case *tree.Object:
		t := &template{}
		constant := true
		for name, x := range v.All() {
			m := templateMember{name: name, field: name}
			if base, dynamic := strings.CutSuffix(name, ".$"); dynamic && o.lang == JSONPath {
				m.name, m.value, constant = base, o.dynamic(name, x, at), false
			} else {
				m.value = o.compile(x, at+"/"+name)
			}
			constant = constant && m.value.isConstant()
			t.members = append(t.members, m)
		}
		if constant {
			return &template{constant: v}
		}
		return t
	}
	return &template{constant: v}
}

func (t *template) isConstant() bool {
	return t.path == nil && t.call == nil && t.query == nil && t.members == nil && t.list == nil
}

func (o object) compileString(s, at string) *template {
	if o.lang == JSONPath {
		if strings.HasPrefix(s, "$.") || strings.HasPrefix(s, "$$.") || strings.HasPrefix(s, "States.") && strings.HasSuffix(s, ")") {
			if _, err := parseCallOrPath(s); err == nil {
				o.p.add(severityWarning, "NO_DOLLAR", at, "No '.$' on a field that appears to be a JSONPath or Intrinsic Function")
			}
		}
		return &template{constant: s}
	}
	text, ok := isQuery(s)
	if !ok {
		return &template{constant: s}
	}
	q, err := jsonata.Parse(text)
	if err != nil {
		o.p.add(severityError, "INVALID_JSONATA_EXPRESSION", at, "%s", jsonata.Message(err))
		return &template{constant: s}
	}
	for _, complaint := range q.Check() {
		o.p.add(severityError, "UNSUPPORTED_JSONATA_EXPRESSION", at, "%s", complaint)
	}
	t := &template{text: text, query: q}
	o.p.refer(t)
	return t
}

// dynamic compiles the value of a field whose name ends with .$.
func (o object) dynamic(name string, v Value, at string) *template {
	if s, ok := v.(string); ok {
		if t, err := parseCallOrPath(s); err == nil {
			o.p.refer(t)
			return t
		}
	}
	o.p.schema(at, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", name)
	return &template{}
}

// refer notes the variables that an expression of the state at hand reads.
func (p *parser) refer(t *template) {
	var names []string
	switch {
	case t.path != nil:
		names = []string{t.path.Root()}
	case t.call != nil:
		names = t.call.roots(nil)
	case t.query != nil:
		names = t.query.Variables()
	}
	for _, n := range names {
		if n == "" || n == "$" || n == "states" {
			continue
		}
		list := p.refs[p.state.Name]
		if i, found := slices.BinarySearch(list, n); !found {
			p.refs[p.state.Name] = slices.Insert(list, i, n)
		}
	}
}

func (c *call) roots(names []string) []string {
	for _, a := range c.args {
		if a.path != nil {
			names = append(names, a.path.Root())
		}
		if a.call != nil {
			names = a.call.roots(names)
		}
	}
	return names
}

// referencePath parses a path that must be a reference path, for a choice.
func referencePath(text string) (*jsonpath.Path, error) {
	p, err := jsonpath.Parse(text)
	if err == nil && !p.Reference() {
		err = fmt.Errorf("'%s' can match more than one value", text)
	}
	return p, err
}
