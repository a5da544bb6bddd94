package deploy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/sam"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// Kinds of findings.
const (
	Refused = "refused" // it would not be deployed
	Kept    = "record"  // it is kept as a record
	Noted   = "note"    // it lacks something
)

// A Finding is what is to be said of a part of a template before it is deployed.
type Finding struct {
	Line     int    `json:"line"`
	Resource string `json:"resource,omitempty"` // logical id
	Type     string `json:"type,omitempty"`
	Kind     string `json:"kind"`
	Message  string `json:"message"`
}

// A Review is what would come of a template.
type Review struct {
	Findings []Finding
	Works    []string // logical ids of resources of which nothing is to be said
}

// A reviewer looks at one template.
type reviewer struct {
	doc    *template.Document
	types  resource.Table
	given  map[string]string
	macros Macros
	out    Review
}

// Look says what of a template would be deployed and what not, as far as that
// can be told from it alone: all of it at once, not the first that is wrong.
// Parts of it that macros include are read by macros, which may be nil.
func Look(doc *template.Document, types resource.Table, given map[string]string, place Place, macros Macros) *Review {
	r := &reviewer{doc: doc, types: types, given: maps.Clone(given), macros: macros}
	r.look(place)
	slices.SortStableFunc(r.out.Findings, func(a, b Finding) int { return a.Line - b.Line })
	return &r.out
}

// found adds a finding about a place.
func (r *reviewer) found(kind, id, typ, message string, path ...string) {
	r.out.Findings = append(r.out.Findings, Finding{Line: r.line(path), Resource: id, Type: typ, Kind: kind, Message: message})
}

// line is where path is, or where that is of which a macro has made it.
func (r *reviewer) line(path []string) int {
	if len(path) > 1 && path[0] == "Resources" {
		if given, _ := r.doc.Root["Resources"].(map[string]any); given != nil {
			for id := path[1]; id != ""; id = id[:len(id)-1] {
				if _, has := given[id]; has {
					return r.doc.Line(append([]string{"Resources", id}, path[2:]...)...)
				}
			}
		}
	}
	return r.doc.Line(path...)
}

// refused adds what an error says.
func (r *reviewer) refused(err error) {
	if e, ok := errors.AsType[*sam.Error](err); ok {
		for _, cause := range e.Causes {
			r.found(Refused, cause.ID, "", cause.Message, "Resources", cause.ID)
		}
		return
	}
	if e, ok := errors.AsType[*template.Error](err); ok {
		id := ""
		if len(e.Path) > 1 && e.Path[0] == "Resources" {
			id = e.Path[1]
		}
		r.found(Refused, id, "", e.Message, e.Path...)
		return
	}
	r.found(Refused, "", "", err.Error())
}

func (r *reviewer) look(place Place) {
	r.fillIn()
	stored := func(name string) (string, error) { return name, nil }
	processed, err := Expand(r.doc.Root, r.given, stored, place, r.macros)
	if err != nil {
		r.refused(err)
		return
	}
	t, err := template.Load(processed)
	if err != nil {
		r.refused(err)
		return
	}
	values, err := t.Bind(r.given, stored)
	if err != nil {
		r.refused(err)
		return
	}
	p := &Prepared{Template: t, Values: values, Scope: template.Scope{
		Account: place.Account, Region: place.Region, StackName: place.StackName, StackID: place.StackID, Parameters: values.Bound,
	}}
	for _, step := range []func() error{
		func() (err error) { p.Scope.Conditions, err = t.EvalConditions(&p.Scope); return err },
		func() (err error) { p.Graph, err = t.Dependencies(&p.Scope); return err },
	} {
		if err := step(); err != nil {
			r.refused(err)
			return
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.Graph)) {
		r.resource(p, id)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Outputs)) {
		if o := t.Outputs[name]; p.Scope.Active(o.Condition) {
			if _, err := t.Resolve(o.Value, p.unknownScope(r.types)); err != nil {
				r.refused(atOutput(err, name))
			}
		}
	}
}

// fillIn gives parameters that are missing a value, and says so.
func (r *reviewer) fillIn() {
	if r.given == nil {
		r.given = make(map[string]string)
	}
	declared, _ := r.doc.Root["Parameters"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		p, _ := declared[name].(map[string]any)
		_, has := r.given[name]
		if _, usual := p["Default"]; usual || has || p == nil {
			continue
		}
		value := "x"
		allowed, _ := p["AllowedValues"].([]any)
		if typ, _ := template.Text(p["Type"]); len(allowed) > 0 {
			value, _ = template.Text(allowed[0])
		} else if strings.Contains(typ, "Number") {
			value = "1"
		}
		r.given[name] = value
		for _, constraint := range []string{"AllowedPattern", "MinLength", "MaxLength", "MinValue", "MaxValue"} {
			delete(p, constraint) // what is given will be held to them
		}
		r.found(Noted, "", "", fmt.Sprintf("parameter %s has no default: give it with --parameter %s=VALUE", name, name), "Parameters", name)
	}
}

// resource looks at one resource.
func (r *reviewer) resource(p *Prepared, id string) {
	t := p.Template.Resources[id]
	typ := r.types.Find(t.Type)
	if typ == nil {
		r.found(Refused, id, t.Type, "Aloft does not support the type "+t.Type+" yet", "Resources", id, "Type")
		return
	}
	before := len(r.out.Findings)
	properties, err := p.properties(id, p.unknownScope(r.types))
	if err != nil {
		r.refused(atResource(err, id))
		return
	}
	for _, name := range typ.Lacks(properties) {
		r.found(Refused, id, t.Type, "Aloft does not support the property "+name+" of "+t.Type+" yet", "Resources", id, "Properties", name)
		delete(properties, name)
	}
	if err := typ.Check(id, properties); err != nil {
		r.found(Refused, id, t.Type, strings.ReplaceAll(err.Error(), "\n", " "), "Resources", id, "Properties")
	}
	switch {
	case typ.Record:
		r.found(Kept, id, t.Type, typ.Note, "Resources", id)
	case typ.Note != "":
		r.found(Noted, id, t.Type, typ.Note, "Resources", id)
	}
	if len(r.out.Findings) == before {
		r.out.Works = append(r.out.Works, id)
	}
}
