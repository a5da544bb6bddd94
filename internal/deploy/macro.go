package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/deploy/sam"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// include is the macro that takes a part of a template from a bucket.
const include = "AWS::Include"

// A Macros runs macros that are not known here.
type Macros interface {
	// Include returns the text of a part of a template.
	Include(location string) (string, error)

	// Run has a macro change a fragment. What went wrong is a *MacroError.
	Run(name string, event MacroEvent) (any, error)

	// Module returns the part of a template that is registered as a module, or
	// nil if none is.
	Module(name string) (map[string]any, error)
}

// A MacroEvent is what the function of a macro is given.
type MacroEvent struct {
	Region      string         `json:"region"`
	AccountID   string         `json:"accountId"`
	Fragment    any            `json:"fragment"`
	TransformID string         `json:"transformId"`
	Params      map[string]any `json:"params"`
	RequestID   string         `json:"requestId"`
	Parameters  map[string]any `json:"templateParameterValues"`
}

// A MacroError is what a macro could not do.
type MacroError struct{ Message string }

func (e *MacroError) Error() string { return e.Message }

// A TransformError is a transform of AWS's that failed.
type TransformError struct {
	Name string
	Err  error
}

func (e *TransformError) Error() string {
	return fmt.Sprintf("Transform %s failed with: %s", e.Name, e.Err)
}

func (e *TransformError) Unwrap() error { return e.Err }

// FailedToExpand says whether err came of a macro, and not of what is written in
// the template: stacks are made of such a template, and fail.
func FailedToExpand(err error) bool {
	if _, ok := errors.AsType[*MacroError](err); ok {
		return true
	}
	_, ok := errors.AsType[*TransformError](err)
	return ok
}

// Transforms returns the names of the macros that a template asks for, those
// within it first.
func Transforms(root map[string]any) []string {
	var names []string
	for _, v := range root {
		names = transformsWithin(v, names)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, transform := range template.Transforms(root) {
		names = append(names, transform.Name)
	}
	return names
}

func transformsWithin(v any, names []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if key == "Fn::Transform" {
				for _, transform := range template.Transforms(map[string]any{"Transform": member}) {
					names = append(names, transform.Name)
				}
			}
			names = transformsWithin(member, names)
		}
	case []any:
		for _, element := range v {
			names = transformsWithin(element, names)
		}
	}
	return names
}

// Expand runs the macros that a template asks for: those of its parts first, the
// deepest of them before others, then those of the whole in their order. What
// modules stand for is put in their place.
func Expand(root map[string]any, given map[string]string, lookup template.Lookup, place Place, macros Macros) (map[string]any, error) {
	out, err := runMacros(root, given, lookup, place, macros)
	if err != nil {
		return nil, err
	}
	return expandModules(out, macros, 0)
}

func runMacros(root map[string]any, given map[string]string, lookup template.Lookup, place Place, macros Macros) (map[string]any, error) {
	if len(Transforms(root)) == 0 {
		return root, nil
	}
	values, err := template.BindParameters(root, given, lookup)
	if err != nil {
		return nil, err
	}
	e := expansion{place: place, values: values, macros: macros}
	out := make(map[string]any, len(root))
	for _, name := range slices.Sorted(maps.Keys(root)) {
		if out[name], err = e.within(root[name]); err != nil {
			return nil, err
		}
	}
	transforms := template.Transforms(out)
	delete(out, "Transform")
	for _, transform := range transforms {
		v, err := e.run(transform, out)
		if err != nil {
			return nil, err
		}
		var ok bool
		if out, ok = v.(map[string]any); !ok {
			return nil, &MacroError{"Template format error: unsupported structure."}
		}
	}
	return out, nil
}

// An expansion is one run of the macros of a template.
type expansion struct {
	place  Place
	values *template.Values
	macros Macros
}

// within runs the macros of parts of a tree.
func (e *expansion) within(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "Fn::Transform" {
				continue
			}
			if out[key], err = e.within(v[key]); err != nil {
				return nil, err
			}
		}
		var part any = out
		for _, transform := range template.Transforms(map[string]any{"Transform": v["Fn::Transform"]}) {
			if part, err = e.run(transform, part); err != nil {
				return nil, err
			}
		}
		return part, nil
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			if out[i], err = e.within(element); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// run has one macro change a fragment.
func (e *expansion) run(transform template.Transform, fragment any) (any, error) {
	root, isMap := fragment.(map[string]any)
	switch {
	case isMap && transform.Name == sam.Name:
		out, err := sam.Transform(root, sam.Input{Parameters: e.values.Bound, Region: e.place.Region})
		if err != nil {
			return nil, &TransformError{transform.Name, err}
		}
		return out, nil
	case isMap && transform.Name == template.LanguageExtensions:
		out, err := template.Extend(root, e.values.Bound)
		if err != nil {
			return nil, &TransformError{transform.Name, err}
		}
		return out, nil
	}
	parameters, err := e.parameters(transform.Parameters)
	if err != nil {
		return nil, err
	}
	if transform.Name == include {
		return e.include(parameters, root)
	}
	if e.macros == nil {
		return nil, &template.Error{Message: fmt.Sprintf("No transform named %s found.", transform.Name)}
	}
	return e.macros.Run(transform.Name, MacroEvent{
		Region: e.place.Region, Fragment: fragment, Params: parameters, Parameters: e.values.Bound,
	})
}

// parameters are those of a macro, with references to the template's replaced.
func (e *expansion) parameters(given map[string]any) (map[string]any, error) {
	scope := &template.Scope{
		Account: e.place.Account, Region: e.place.Region, StackName: e.place.StackName, StackID: e.place.StackID, Parameters: e.values.Bound,
	}
	v, err := (&template.Template{}).Resolve(given, scope)
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	return m, nil
}

// include adds a part of a template that a bucket keeps to what is beside it.
func (e *expansion) include(parameters, beside map[string]any) (any, error) {
	fail := func(reason string) error { return &TransformError{include, errors.New(reason)} }
	location, _ := parameters["Location"].(string)
	if location == "" {
		return nil, fail("Location parameter must be a valid S3 URI")
	}
	if e.macros == nil {
		return nil, fail("S3 is not to be had here")
	}
	text, err := e.macros.Include(location)
	if err != nil {
		return nil, fail(err.Error())
	}
	doc, err := template.Parse(text, template.Options{})
	if err != nil {
		return nil, fail("The specified S3 object's content should be valid Yaml/JSON")
	}
	out := maps.Clone(doc.Root)
	for name, v := range beside {
		mine, both := out[name].(map[string]any)
		own, isMap := v.(map[string]any)
		if both && isMap {
			v = mergeMaps(mine, own)
		}
		out[name] = v
	}
	return out, nil
}

// mergeMaps adds the members of b to a's.
func mergeMaps(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// ReadFragment reads what a macro has made of a fragment.
func ReadFragment(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, &MacroError{"Template format error: unsupported structure."}
	}
	return v, nil
}
