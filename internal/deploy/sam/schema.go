package sam

import (
	"encoding/json"
	"slices"
	"strings"
)

func isMap(v any) bool    { _, ok := v.(object); return ok }
func isList(v any) bool   { _, ok := v.([]any); return ok }
func isString(v any) bool { _, ok := v.(string); return ok }
func isBool(v any) bool   { _, ok := v.(bool); return ok }

func isInt(v any) bool {
	n, ok := v.(json.Number)
	return ok && !strings.ContainsAny(n.String(), ".eE")
}

// A schema is what the properties of a SAM resource, or an event, may be.
type schema struct {
	typ        string
	properties []property
}

// A property is one row of a schema.
type property struct {
	name     string
	required bool
	calls    bool   // functions are taken whatever they would give
	form     string // see is; empty takes anything
}

// newSchema reads a schema's short form: names of properties, each followed by
//
//	!        it is required
//	:FORM    what it must be: s a string, m a map, b a boolean, i an integer,
//	         l a list; [FORM] a list of those, {FORM} a map of those. Several
//	         in a row are alternatives. (A|B) is one of these strings.
//	=        no function may stand for it
func newSchema(typ, text string) schema {
	s := schema{typ: typ}
	for word := range strings.FieldsSeq(text) {
		p := property{calls: true}
		word, plain := strings.CutSuffix(word, "=")
		p.calls = !plain
		p.name, p.form, _ = strings.Cut(word, ":")
		p.name, p.required = strings.CutSuffix(p.name, "!")
		if p.form == "" {
			p.calls = false
		}
		s.properties = append(s.properties, p)
	}
	return s
}

// is says whether v has one of the forms.
func is(v any, form string) bool {
	for form != "" {
		one := form[:1]
		switch form[0] {
		case '[', '{', '(':
			one = form[:closing(form)+1]
		}
		if isOne(v, one) {
			return true
		}
		form = form[len(one):]
	}
	return false
}

// closing returns where the bracket that begins form closes.
func closing(form string) int {
	depth := 0
	for i, c := range form {
		switch c {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(form) - 1
}

func isOne(v any, form string) bool {
	inner := strings.Trim(form, "()")
	switch form[0] {
	case 's':
		return isString(v)
	case 'm':
		return isMap(v)
	case 'b':
		return isBool(v)
	case 'i':
		return isInt(v)
	case 'l':
		return isList(v)
	case '(':
		s, ok := v.(string)
		return ok && slices.Contains(strings.Split(inner, "|"), s)
	case '[':
		inner = form[1 : len(form)-1]
		return isList(v) && !slices.ContainsFunc(asList(v), func(element any) bool { return inner != "" && !is(element, inner) })
	}
	inner = form[1 : len(form)-1]
	for _, member := range asObject(v) {
		if inner != "" && !is(member, inner) {
			return false
		}
	}
	return isMap(v)
}

// check holds the properties of the resource id to the schema.
func (s schema) check(id string, properties object) error {
	for _, name := range keys(properties) {
		if !slices.ContainsFunc(s.properties, func(p property) bool { return p.name == name }) {
			return badResource(id, "property %s not defined for resource of type %s", name, s.typ)
		}
	}
	for _, p := range s.properties {
		v := properties[p.name]
		if m, ok := v.(object); p.calls && ok && len(m) == 1 {
			continue
		}
		switch {
		case v == nil && p.required:
			return badResource(id, "Missing required property '%s'.", p.name)
		case v != nil && p.form != "" && !is(v, p.form):
			return badResource(id, "%s", p.expectation())
		}
	}
	return nil
}

func (p property) expectation() string {
	switch {
	case p.form == "m":
		return "Property '" + p.name + "' should be a map."
	case p.form == "s":
		return "Property '" + p.name + "' should be a string."
	case p.form[0] == '(':
		options := strings.Split(strings.Trim(p.form, "()"), "|")
		return "Property '" + p.name + "' should be a one of the strings: '" + strings.Join(options, "' or '") + "'."
	}
	return "Type of property '" + p.name + "' is invalid."
}
