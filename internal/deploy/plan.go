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
	Possible     bool     // it changes only if others turn out otherwise than they are
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

	OnlyWithValues bool // it is told to those who ask for values alone
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
	if step.Scope == nil {
		pl.maybe(step, typ)
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
	for _, name := range names {
		recreation := "Never"
		if typ.Takes(name) == resource.Replacement {
			recreation = "Always"
		}
		known := !template.HoldsUnknown(step.After[name])
		switch {
		case recreation == "Never":
		case known || step.Replacement == "True":
			step.Replacement = "True"
		default:
			step.Replacement, recreation = "Conditional", "Conditionally"
		}
		for _, d := range pl.causes(step.LogicalID, name, known) {
			d.Attribute, d.Name, d.Recreation, d.Before, d.After = "Properties", name, recreation, step.Before[name], step.After[name]
			step.Details = append(step.Details, d)
		}
	}
}

// causes says why a property changes: because another resource does, because a
// parameter does, or because the template says something else.
func (pl *planner) causes(id, name string, known bool) []Detail {
	v := pl.prepared.Template.Resources[id].Properties[name]
	direct := Detail{Source: "DirectModification"}
	if attributes := pl.changing(v); len(attributes) > 0 {
		direct.OnlyWithValues = true
		return []Detail{direct, {Source: "ResourceAttribute", Cause: attributes[0], Static: !known}}
	}
	parameter := ""
	for _, ref := range pl.prepared.Template.References(v, &pl.prepared.Scope) {
		if other := pl.steps[ref]; other != nil && !other.Possible {
			return []Detail{{Source: "ResourceReference", Cause: ref, Static: known}}
		}
		if _, isParameter := pl.prepared.Values.Bound[ref]; isParameter && parameter == "" {
			parameter = ref
		}
	}
	if parameter != "" {
		return []Detail{direct, {Source: "ParameterReference", Cause: parameter, Static: true}}
	}
	direct.Static = known
	return []Detail{direct}
}

// changing returns the attributes that v reads of resources that change.
func (pl *planner) changing(v any) (attributes []string) {
	for _, attribute := range template.Attributes(v) {
		id, _, _ := strings.Cut(attribute, ".")
		if other := pl.steps[id]; other != nil && !other.Possible {
			attributes = append(attributes, attribute)
		}
	}
	return attributes
}

// maybe plans a resource that changes if others give other attributes than they
// do now, which only changing them tells.
func (pl *planner) maybe(step *Step, typ *resource.Type) {
	properties := pl.prepared.Template.Resources[step.LogicalID].Properties
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		attributes := pl.changing(properties[name])
		if len(attributes) == 0 {
			continue
		}
		d := Detail{Attribute: "Properties", Name: name, Recreation: "Never", Source: "ResourceAttribute", Cause: attributes[0], Before: step.Before[name], After: step.After[name]}
		if typ.Takes(name) == resource.Replacement {
			d.Recreation, step.Replacement = "Always", "Conditional"
		}
		step.Scope, step.Possible = []string{"Properties"}, true
		step.Details = append(step.Details, d)
	}
}
