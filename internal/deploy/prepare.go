package deploy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// A Place is where a template is deployed.
type Place struct {
	Account, Region    string
	StackID, StackName string
	NotificationARNs   []string
}

// A Prepared template is one that can be deployed.
type Prepared struct {
	Template *template.Template
	Values   *template.Values
	Scope    template.Scope      // without Resource and Export
	Graph    map[string][]string // of the resources that are made, what each needs
}

// Prepare checks an expanded template with its parameters, as far as that can
// be done before anything is made. Resources that exist are known by existing,
// which may be nil.
func Prepare(types resource.Table, processed map[string]any, given map[string]string, lookup template.Lookup, place Place) (*Prepared, error) {
	t, err := template.Load(processed)
	if err != nil {
		return nil, err
	}
	values, err := t.Bind(given, lookup)
	if err != nil {
		return nil, err
	}
	p := &Prepared{Template: t, Values: values, Scope: template.Scope{
		Account: place.Account, Region: place.Region, StackName: place.StackName, StackID: place.StackID,
		NotificationARNs: place.NotificationARNs, Parameters: values.Bound,
	}}
	if err := t.CheckRules(&p.Scope); err != nil {
		return nil, err
	}
	if p.Scope.Conditions, err = t.EvalConditions(&p.Scope); err != nil {
		return nil, err
	}
	if p.Graph, err = t.Dependencies(&p.Scope); err != nil {
		return nil, err
	}
	p.order()
	return p, p.check(types)
}

// check refuses types that there are not, and properties that types have not.
func (p *Prepared) check(types resource.Table) error {
	var unknown, reasons []string
	for _, id := range slices.Sorted(maps.Keys(p.Graph)) {
		r := p.Template.Resources[id]
		if types.Find(r.Type) == nil {
			unknown = append(unknown, r.Type)
			reasons = append(reasons, id+" is of type "+r.Type)
		}
	}
	if unknown != nil {
		slices.Sort(unknown)
		return &template.Error{Message: fmt.Sprintf("Template format error: Unrecognized resource types: [%s]. Aloft does not support what is needed yet: %s",
			strings.Join(slices.Compact(unknown), ", "), strings.Join(reasons, ", "))}
	}
	scope := p.unknownScope(types)
	for _, id := range slices.Sorted(maps.Keys(p.Graph)) {
		r := p.Template.Resources[id]
		if _, err := p.creation(id, scope); err != nil {
			return err
		}
		properties, err := p.properties(id, scope)
		if err != nil {
			return atResource(err, id)
		}
		if err := types.Find(r.Type).Check(id, properties); err != nil {
			return &template.Error{Message: err.Error(), Path: []string{"Resources", id, "Properties"}}
		}
	}
	for name, o := range p.Template.Outputs {
		if p.Scope.Active(o.Condition) {
			if _, err := p.Template.Resolve(o.Value, scope); err != nil {
				return atOutput(err, name)
			}
		}
	}
	return nil
}

func atResource(err error, id string) error {
	if e, ok := errors.AsType[*template.Error](err); ok && e.Path == nil {
		return &template.Error{Message: e.Message, Path: []string{"Resources", id, "Properties"}}
	}
	return err
}

func atOutput(err error, name string) error {
	if e, ok := errors.AsType[*template.Error](err); ok && e.Path == nil {
		return &template.Error{Message: e.Message, Path: []string{"Outputs", name}}
	}
	return err
}

// unknownScope is a scope in which no resource is made yet.
func (p *Prepared) unknownScope(types resource.Table) *template.Scope {
	scope := p.Scope
	scope.Resource = func(id, attribute string) (any, error) {
		typ := types.Find(p.Template.Resources[id].Type)
		if attribute != "" && typ != nil && !typ.HasAttribute(attribute) {
			return nil, noAttribute(id, attribute)
		}
		return template.Unknown{}, nil
	}
	scope.Export = func(string) (string, error) { return "", nil }
	return &scope
}

func noAttribute(id, attribute string) error {
	return &template.Error{Message: fmt.Sprintf("Template error: resource %s does not support attribute type %s in Fn::GetAtt", id, attribute)}
}

// properties computes those of a resource.
func (p *Prepared) properties(id string, scope *template.Scope) (map[string]any, error) {
	v, err := p.Template.Resolve(p.Template.Resources[id].Properties, scope)
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	return m, nil
}
