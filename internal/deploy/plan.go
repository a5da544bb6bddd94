package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// A Step is one thing that an update would do.
type Step struct {
	Action       string // "Add", "Modify", "Remove"
	LogicalID    string
	PhysicalID   string
	Type         string
	Replacement  string   // of Modify: "True", "False", "Conditional"
	PolicyAction string   // of Remove and Replacement: "Delete", "Retain", …
	Scope        []string // of Modify: "Properties", "Metadata", "Tags"
	Details      []Detail
	Before       map[string]any // properties
	After        map[string]any
}

// A Detail is one thing that changes about a resource, and why.
type Detail struct {
	Attribute  string // "Properties", "Metadata", "Tags"
	Name       string // of the property
	Recreation string // "Never", "Always", "Conditionally"
	Static     bool   // it changes for certain
	Source     string // "DirectModification", "ResourceReference", "ResourceAttribute", "ParameterReference"
	Cause      string // what is referred to
	Before     any
	After      any
}

// A planner finds out what an update would do.
type planner struct {
	types    resource.Table
	prepared *Prepared
	tags     []Tag
	rows     map[string]Row
	steps    map[string]*Step // by logical id; nil: looked at, and nothing to do
	err      error
}

// Plan says what making p of the resources that are there would do, sorted by
// logical id.
func Plan(types resource.Table, p *Prepared, tags []Tag, rows []Row) ([]Step, error) {
	pl := &planner{types: types, prepared: p, tags: tags, rows: make(map[string]Row), steps: make(map[string]*Step)}
	for _, row := range rows {
		if row.Status != "DELETE_COMPLETE" {
			pl.rows[row.ID] = row
		}
	}
	var changed []string
	for _, id := range slices.Sorted(maps.Keys(p.Graph)) {
		if row, has := pl.rows[id]; has && row.Type != p.Template.Resources[id].Type {
			changed = append(changed, id)
		}
	}
	if changed != nil {
		return nil, &template.Error{Message: TypeChange(changed)}
	}
	for _, id := range slices.Sorted(maps.Keys(p.Graph)) {
		pl.look(id)
	}
	if pl.err != nil {
		return nil, pl.err
	}
	for id, row := range pl.rows {
		if _, wanted := p.Graph[id]; !wanted {
			pl.steps[id] = &Step{
				Action: "Remove", LogicalID: id, PhysicalID: row.PhysicalID, Type: row.Type,
				PolicyAction: policyOr(row.DeletionPolicy), Before: row.Properties,
			}
		}
	}
	var steps []Step
	for _, id := range slices.Sorted(maps.Keys(pl.steps)) {
		if pl.steps[id] != nil {
			steps = append(steps, *pl.steps[id])
		}
	}
	return steps, nil
}

// TypeChange is the refusal to change the types of resources.
func TypeChange(ids []string) string {
	return fmt.Sprintf("Update of resource type is not permitted. The new template modifies resource type of the following resources: [%s]", strings.Join(ids, ", "))
}

func policyOr(policy string) string {
	if policy == "" {
		return template.Delete
	}
	return policy
}

// look plans one resource, after those it needs.
func (pl *planner) look(id string) {
	if _, done := pl.steps[id]; done || pl.err != nil {
		return
	}
	for _, need := range pl.prepared.Graph[id] {
		pl.look(need)
	}
	if pl.err != nil {
		return
	}
	pl.steps[id] = nil
	scope := pl.prepared.Scope
	scope.Resource = pl.value
	scope.Export = func(name string) (string, error) { return name, nil }
	properties, err := pl.prepared.properties(id, &scope)
	if err != nil {
		pl.err = atResource(err, id)
		return
	}
	t := pl.prepared.Template.Resources[id]
	typ := pl.types.Find(t.Type)
	after := withTags(typ, properties, pl.tags)
	row, has := pl.rows[id]
	if !has {
		pl.steps[id] = &Step{Action: "Add", LogicalID: id, Type: t.Type, After: after}
		return
	}
	step := &Step{
		Action: "Modify", LogicalID: id, PhysicalID: row.PhysicalID, Type: row.Type, Replacement: "False", Before: row.Properties, After: after,
	}
	takes, names := typ.Diff(row.Properties, after)
	if takes != resource.NoChange {
		step.Scope = append(step.Scope, "Properties")
		pl.explain(step, typ, names)
	}
	if takes == resource.Replacement && step.Replacement == "False" {
		step.Replacement = "True"
	}
	if step.Replacement != "False" {
		step.PolicyAction = replacePolicy(row.ReplacePolicy)
	}
	metadata, err := pl.prepared.Template.Resolve(t.Metadata, &scope)
	if err == nil && !resource.Equal(row.Metadata, metadata) {
		step.Scope = append(step.Scope, "Metadata")
		step.Details = append(step.Details, Detail{Attribute: "Metadata", Recreation: "Never", Static: true, Source: "DirectModification"})
	}
	if step.Scope == nil && t.Type == StackType { // its template may have changed, wherever that is
		step.Scope = []string{"Properties"}
		step.Details = []Detail{{Attribute: "Properties", Recreation: "Never", Source: Automatic}}
	}
	if step.Scope != nil {
		pl.steps[id] = step
	}
}

// Automatic is the source of a change that may be in a nested stack alone.
const Automatic = "Automatic"

func replacePolicy(policy string) string {
	if policy == template.Retain {
		return "ReplaceAndRetain"
	}
	return "ReplaceAndDelete"
}

// value is what a reference gives, as far as it is known.
func (pl *planner) value(id, attribute string) (any, error) {
	step := pl.steps[id]
	row, has := pl.rows[id]
	if !has || step != nil && step.Replacement == "True" {
		return template.Unknown{}, nil
	}
	if attribute == "" {
		return row.ref(), nil
	}
	if v, ok := row.Attributes[attribute]; ok {
		return v, nil
	}
	return nil, noAttribute(id, attribute)
}

// explain says what changes about a resource, and why.
func (pl *planner) explain(step *Step, typ *resource.Type, names []string) {
	t := pl.prepared.Template.Resources[step.LogicalID]
	for _, name := range names {
		recreation := "Never"
		if typ.Takes(name) == resource.Replacement {
			recreation = "Always"
		}
		d := Detail{
			Attribute: "Properties", Name: name, Recreation: recreation, Static: !template.HoldsUnknown(step.After[name]),
			Source: "DirectModification", Before: step.Before[name], After: step.After[name],
		}
		refs := pl.prepared.Template.References(t.Properties[name], &pl.prepared.Scope)
		for _, ref := range refs {
			if other := pl.steps[ref]; other != nil {
				d.Source, d.Cause = "ResourceReference", ref
			} else if _, isParameter := pl.prepared.Values.Bound[ref]; isParameter && d.Cause == "" {
				d.Source, d.Cause = "ParameterReference", ref
			}
		}
		if recreation == "Always" {
			if d.Static || step.Replacement == "True" {
				step.Replacement = "True"
			} else {
				step.Replacement = "Conditional"
				d.Recreation = "Conditionally"
			}
		}
		step.Details = append(step.Details, d)
	}
}
