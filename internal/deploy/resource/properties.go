package resource

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// Properties are the properties of a type.
type Properties map[string]property

// A property is one property of a type.
type property struct {
	required bool
	replaces bool // changing it needs a new resource
	missing  bool // CloudFormation has it, and we do not yet
}

// Props reads the short form of properties: their names, each followed by ! if it is required, @ if changing it needs a new resource, and
// - if it is CloudFormation's but not ours yet. * alone is any other property.
func Props(text string) Properties {
	s := make(Properties)
	for word := range strings.FieldsSeq(text) {
		name := strings.TrimRight(word, "!@-")
		flags := word[len(name):]
		s[name] = property{
			required: strings.Contains(flags, "!"), replaces: strings.Contains(flags, "@"), missing: strings.Contains(flags, "-"),
		}
	}
	return s
}

// Has says whether the type has a property.
func (t *Type) Has(name string) bool {
	p, ok := t.Properties[name]
	return ok && !p.missing
}

// open says whether the type takes properties that it does not name.
func (t *Type) open() bool {
	_, any := t.Properties["*"]
	return any
}

// Check says what is wrong with the properties of a resource, as far as that
// can be told before it is made. Some of them may be unknown.
func (t *Type) Check(id string, properties map[string]any) error {
	var reasons, missing []string
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p, known := t.Properties[name]
		switch {
		case t.Properties == nil:
		case !known && t.open():
		case !known:
			reasons = append(reasons, "#: extraneous key ["+name+"] is not permitted")
		case p.missing:
			missing = append(missing, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Properties)) {
		if _, has := properties[name]; !has && t.Properties[name].required {
			reasons = append(reasons, "#: required key ["+name+"] not found")
		}
	}
	if t.Shape != nil && reasons == nil && missing == nil {
		b := binder{}
		b.object(reflect.ValueOf(t.Shape()).Elem(), properties, "#")
		reasons = b.reasons
	}
	if reasons != nil {
		return invalid(id, reasons)
	}
	if missing != nil {
		return &Refusal{"Resource " + id + " has properties of " + t.Name + " that Aloft does not support yet: [" + strings.Join(missing, ", ") + "]"}
	}
	return nil
}

// Lacks names those of the properties that are not supported yet.
func (t *Type) Lacks(properties map[string]any) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if t.Properties[name].missing {
			names = append(names, name)
		}
	}
	return names
}

// A Refusal is of a template, before anything is made.
type Refusal struct{ Message string }

func (e *Refusal) Error() string { return e.Message }

func invalid(id string, reasons []string) error {
	return &Refusal{"Properties validation failed for resource " + id + " with message:\n[" + strings.Join(reasons, ", ") + "]"}
}

// Change says what a change of properties takes.
type Change int

// What a change takes.
const (
	NoChange Change = iota
	InPlace
	Replacement
)

// Diff says what a change from old to new takes, and names the properties that
// differ. Those that are unknown differ.
func (t *Type) Diff(old, new map[string]any) (Change, []string) {
	var names []string
	change := NoChange
	all := slices.Sorted(maps.Keys(old))
	all = append(all, slices.Sorted(maps.Keys(new))...)
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		if Equal(old[name], new[name]) {
			continue
		}
		names = append(names, name)
		change = max(change, t.Takes(name))
	}
	if change == InPlace && t.Replaces != nil && t.Replaces(old, new) {
		change = Replacement
	}
	return change, names
}

// Takes says what a change of one property takes.
func (t *Type) Takes(name string) Change {
	if t.Update == nil || t.Properties[name].replaces {
		return Replacement
	}
	return InPlace
}

// Equal says whether two values of properties are the same, as CloudFormation
// sees it: 5 is "5", and true is "true".
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, Equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, Equal)
	}
	x, xIsText := template.Text(a)
	y, yIsText := template.Text(b)
	if xIsText && yIsText {
		return x == y
	}
	return a == nil && b == nil
}

func text(v any) string {
	s, _ := template.Text(v)
	return s
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// texts returns a list of strings.
func texts(v any) []string {
	var out []string
	for _, element := range list(v) {
		out = append(out, text(element))
	}
	return out
}

func truth(v any) bool { return text(v) == "true" }

// ParameterText is a value as a parameter of a nested stack: lists are joined.
func ParameterText(v any) string {
	if l, ok := v.([]any); ok {
		return strings.Join(texts(l), ",")
	}
	return text(v)
}
