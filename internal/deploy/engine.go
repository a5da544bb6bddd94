package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// mostAtOnce is how many resources of one stack are dealt with at the same time.
const mostAtOnce = 16

// An Engine deploys stacks.
type Engine struct {
	Types   func() resource.Table
	Env     resource.Env
	Journal Journal

	// Actor returns the call as which the resources of a stack are made: of
	// the caller who asked, or of the role that spec names.
	Actor func(ctx context.Context, st *Stack, spec *Spec) (*aws.Call, error)
}

// Run works on a stack until it is at rest, or ctx ends. Then another Run goes
// on with it.
func (e *Engine) Run(ctx context.Context, id string) error {
	for {
		st, rows, err := e.Journal.Load(ctx, id)
		if err != nil {
			return fmt.Errorf("load stack %s: %w", id, err)
		}
		if st.Phase == AtRest {
			return nil
		}
		r := &run{e: e, ctx: ctx, st: st, rows: make(map[string]*Row, len(rows))}
		for _, row := range rows {
			r.rows[row.ID] = new(row)
		}
		switch err := r.phase(); {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrSuperseded):
		case err != nil:
			return fmt.Errorf("%s stack %s: %w", st.Phase, id, err)
		}
	}
}

// A run is one phase of one stack, being worked on.
type run struct {
	e        *Engine
	ctx      context.Context
	st       *Stack
	call     *aws.Call
	prepared *Prepared // of the template that is applied or restored

	mu   sync.Mutex // guards rows
	rows map[string]*Row
}

func (r *run) phase() error {
	switch r.st.Phase {
	case Creating, Updating:
		return r.apply()
	case CleaningUp, CleaningUpRollback:
		return r.cleanUp()
	case RollingBackCreation, Deleting:
		return r.removeAll()
	case RollingBackUpdate:
		return r.restore()
	case Importing:
		return r.importAll()
	}
	return fmt.Errorf("no such phase: %q", r.st.Phase)
}

// target is the spec that resources are being made after.
func (r *run) target() *Spec {
	if r.st.Next != nil {
		return r.st.Next
	}
	return &r.st.Spec
}

// begin finds as whom resources are made.
func (r *run) begin(spec *Spec) error {
	var err error
	r.call, err = r.e.Actor(r.ctx, r.st, spec)
	return err
}

// save makes a change durable, and fails if the stack has been given something
// else to do.
func (r *run) save(change Change) error {
	err := r.e.Journal.Save(r.ctx, r.st, change)
	if err == nil || errors.Is(err, ErrSuperseded) {
		return err
	}
	return fmt.Errorf("save: %w", err)
}

// enter goes on to another phase of the same deed.
func (r *run) enter(phase Phase, status, reason string) error {
	return r.save(Change{
		Stack: func(st *Stack) {
			st.Phase, st.Status, st.Reason = phase, status, reason
			st.Failed, st.Verb = r.st.Failed, r.st.Verb
		},
		Events: []Event{r.stackEvent(status, reason)},
	})
}

func (r *run) stackEvent(status, reason string) Event {
	return Event{
		ID: aws.NewRequestID(), LogicalID: r.st.Name, PhysicalID: r.st.ID, Type: StackType,
		Status: status, Reason: reason, Token: r.st.Token, Time: time.Now(), Deed: r.st.Deed, Phase: r.st.Phase,
	}
}

func (r *run) event(row *Row, status, reason string) Event {
	now := time.Now()
	e := Event{
		ID:        fmt.Sprintf("%s-%s-%s", row.ID, status, now.UTC().Format("2006-01-02T15:04:05.000Z")),
		LogicalID: row.ID, PhysicalID: row.PhysicalID, Type: row.Type, Status: status, Reason: reason,
		Token: r.st.Token, Time: now, Deed: r.st.Deed, Phase: r.st.Phase,
	}
	properties := row.Properties
	if row.Intent != nil && row.Intent.Properties != nil {
		properties = row.Intent.Properties
	}
	if properties != nil {
		e.Properties = resource.JSON(map[string]any(properties))
	}
	return e
}

// keep writes a row down, with events of it.
func (r *run) keep(row *Row, events ...Event) error {
	r.mu.Lock()
	r.rows[row.ID] = row
	r.mu.Unlock()
	return r.save(Change{Rows: []Row{*row}, Events: events})
}

func (r *run) row(id string) *Row {
	r.mu.Lock()
	defer r.mu.Unlock()
	if row := r.rows[id]; row != nil {
		return new(*row)
	}
	return nil
}

// set moves a row to another status.
func (row *Row) set(status, reason string) {
	row.Status, row.Reason, row.Changed = status, reason, time.Now()
}

// scope is the scope of the template, in which resources are those that are.
func (r *run) scope(p *Prepared) *template.Scope {
	scope := p.Scope
	scope.Resource = func(id, attribute string) (any, error) {
		row := r.row(id)
		if row == nil || row.PhysicalID == "" {
			return template.Unknown{}, nil
		}
		if attribute == "" {
			return row.ref(), nil
		}
		attributes := map[string]any(row.Attributes)
		if typ := r.e.Types().Find(row.Type); slices.Contains(typ.Live, attribute) {
			made, err := typ.Read(r.op(row))
			if err != nil {
				return nil, err
			}
			attributes = made.Attributes
		}
		if v, ok := attributes[attribute]; ok {
			return v, nil
		}
		return nil, noAttribute(id, attribute)
	}
	scope.Export = func(name string) (string, error) { return r.e.Journal.Import(r.ctx, r.st.ID, name) }
	return &scope
}

func (v *Version) ref() string {
	if v.Ref != "" {
		return v.Ref
	}
	return v.PhysicalID
}

// prepare makes the template of spec ready.
func (r *run) prepare(spec *Spec) (*Prepared, error) {
	arn, err := aws.ParseARN(r.st.ID)
	if err != nil {
		return nil, err
	}
	var lookup template.Lookup
	if spec.Resolved != nil {
		lookup = func(name string) (string, error) { return resolvedBefore(spec, name) }
	}
	return Prepare(r.e.Types(), map[string]any(spec.Processed), spec.Parameters, lookup, Place{
		Account: arn.Account, Region: arn.Region, StackID: r.st.ID, StackName: r.st.Name, NotificationARNs: spec.NotificationARNs,
	})
}

// resolvedBefore finds what a parameter of SSM's held when the deed began: what
// it holds later is for the next.
func resolvedBefore(spec *Spec, name string) (string, error) {
	for parameter, v := range spec.Parameters {
		if stored, ok := spec.Resolved[parameter]; ok && v == name {
			return stored, nil
		}
	}
	return "", &template.Error{Message: fmt.Sprintf("Unable to fetch parameters [%s] from parameter store for this account.", name)}
}

// outputs computes those of the template.
func (r *run) outputs(p *Prepared) ([]Output, error) {
	scope := r.scope(p)
	var out []Output
	for _, name := range slices.Sorted(maps.Keys(p.Template.Outputs)) {
		o := p.Template.Outputs[name]
		if !p.Scope.Active(o.Condition) {
			continue
		}
		v, err := p.Template.Resolve(o.Value, scope)
		if err != nil {
			return nil, err
		}
		text, ok := template.Text(v)
		if !ok {
			if _, isList := v.([]any); isList {
				return nil, badOutput(name, "List")
			}
			return nil, badOutput(name, "Map")
		}
		export, err := p.Template.Resolve(o.Export, scope)
		if err != nil {
			return nil, err
		}
		exported, _ := template.Text(export)
		out = append(out, Output{Key: name, Value: text, Description: o.Description, Export: exported})
	}
	return out, nil
}

func badOutput(name, kind string) error {
	return &template.Error{
		Message: fmt.Sprintf("Template format error: Output %s is malformed. The Value field of every Outputs member must evaluate to a String and not a %s.", name, kind),
		Path:    []string{"Outputs", name},
	}
}

// failure is what a stack says when some of its resources could not be dealt with.
func failure(verb string, ids []string) string {
	slices.Sort(ids)
	return fmt.Sprintf("The following resource(s) failed to %s: [%s]. ", verb, strings.Join(ids, ", "))
}
