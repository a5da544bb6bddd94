package cloudformation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A change set that includes nested stacks has one of its own for each of them,
// and so on below. They are kept and go with it, and it is executed for all: its
// stack gives each nested stack what to do, as it would anyway, and those that
// are not there yet get the names under which they were reviewed.

// A child is the change set of a nested stack, before it is kept.
type child struct {
	set   changeSet
	stack aws.ARN
}

// fillNested works out the change sets of the stacks within that of set. It says
// whether one of them failed, and set with it.
func (s *Service) fillNested(ctx context.Context, call *aws.Call, set *changeSet, id aws.ARN, d *draft) (failed bool, err error) {
	set.Nested = make(map[string]nestedID)
	for i := range set.Steps {
		step := &set.Steps[i]
		if step.Type != deploy.StackType || step.Action == "Remove" {
			continue
		}
		c, err := s.child(ctx, call, set, id, d, step)
		if err != nil {
			return false, err
		}
		if c == nil {
			continue
		}
		set.children = append(set.children, *c)
		set.Nested[step.LogicalID] = nestedID{c.set.ID, c.stack, step.Action == "Add"}
		if c.set.Status == "FAILED" && c.set.Reason != noChanges {
			set.Status, set.Execution = "FAILED", "UNAVAILABLE"
			set.Reason = "Nested change set " + c.set.ID.String() + " was not successfully created: Currently in FAILED."
		}
	}
	return set.Status == "FAILED", nil
}

// child works out the change set of one nested stack; nil if what it is made of
// is not known before others are made.
func (s *Service) child(ctx context.Context, call *aws.Call, set *changeSet, id aws.ARN, d *draft, step *deploy.Step) (*child, error) {
	after, unknown := known(step.After)
	url, _ := template.Text(after["TemplateURL"])
	if template.HoldsUnknown(step.After["TemplateURL"]) || url == "" {
		return nil, nil
	}
	op := &resource.Op{New: after, LogicalID: step.LogicalID, Stack: resource.Stack{Name: stackName(id), Tags: make(map[string]string)}}
	for _, tag := range d.spec.Tags {
		op.Stack.Tags[tag.Key] = tag.Value
	}
	c := &child{set: changeSet{
		Description: set.Description, Type: "CREATE", Status: "CREATE_COMPLETE", Execution: "AVAILABLE", Created: time.Now(),
		IncludeNested: true, Parent: set.ID, Root: set.Root,
	}}
	if set.Root == (aws.ARN{}) {
		c.set.Root = set.ID
	}
	var st *deploy.Stack
	var rows []deploy.Row
	if step.Action == "Add" {
		c.stack = newStackID(call, resource.Naming{Max: 128}.NewName(stackName(id), step.LogicalID))
	} else {
		there, itsRows, err := s.load(ctx, call, step.PhysicalID, errNoStack)
		if err != nil {
			return nil, err
		}
		st, rows, c.stack, c.set.Type = &there, itsRows, stackID(there.ID), "UPDATE"
	}
	c.set.Name = set.Name + "-" + step.LogicalID
	c.set.ID = call.ARN("cloudformation", "changeSet/"+c.set.Name+"/"+aws.NewRequestID())
	r := request{url: &url, parameters: nestedParameters(op), tags: nestedTags(op), capabilities: acknowledged, role: d.spec.RoleARN, changeSet: true}
	err := s.fill(ctx, call, &c.set, r, c.stack, st, rows)
	refused, ok := errors.AsType[*aws.Error](err)
	switch {
	case err == nil:
		return c, nil
	case ok && unknown:
		return nil, nil
	case ok:
		c.set.Status, c.set.Execution, c.set.Reason = "FAILED", "UNAVAILABLE", refused.Message
		return c, nil
	}
	return nil, err
}

// known returns properties with text for parameters that are not known yet, and
// whether there are any.
func known(properties map[string]any) (out map[string]any, unknown bool) {
	out = maps.Clone(properties)
	given, _ := out["Parameters"].(map[string]any)
	parameters := maps.Clone(given)
	for name, v := range parameters {
		if template.HoldsUnknown(v) {
			parameters[name], unknown = template.KnownAfterApply, true
		}
	}
	if parameters != nil {
		out["Parameters"] = parameters
	}
	return out, unknown
}

// changesNothing says whether no step is more than a look at a nested stack that
// does not change.
func (set *changeSet) changesNothing() bool {
	unchanged := make(map[aws.ARN]bool)
	for _, c := range set.children {
		unchanged[c.set.ID] = c.set.Status == "FAILED"
	}
	return !slices.ContainsFunc(set.Steps, func(step deploy.Step) bool {
		if step.Possible {
			return false
		}
		automatic := len(step.Details) == 1 && step.Details[0].Source == deploy.Automatic
		return !automatic || !unchanged[set.Nested[step.LogicalID].Set]
	})
}

// checkRoot refuses to do by itself what belongs to a whole.
func checkRoot(set *changeSet) error {
	if set.Parent == (aws.ARN{}) {
		return nil
	}
	return api.ValidationError.Errorf("Operation not supported on nested change set [%s]: use its root change set [%s].", set.ID, set.Root)
}

// rootOf is the root of a stack within parent, or "" if that is none.
func rootOf(tx *store.Tx, parent string) (string, error) {
	if parent == "" {
		return "", nil
	}
	st, err := stacks.Get(tx, stackID(parent))
	if err != nil {
		return "", err
	}
	if st.Root != "" {
		return st.Root, nil
	}
	return st.ID, nil
}

// executeNested has the sets within set executed, as their stacks will be given
// what to do. It returns the names of those that are to be made.
func executeNested(tx *store.Tx, set *changeSet) (map[string]string, error) {
	given := make(map[string]string)
	for logical, n := range set.Nested {
		nested, err := changeSets.Get(tx, changeSetKey{n.Stack, set.Name + "-" + logical})
		if err != nil {
			return nil, err
		}
		below, err := executeNested(tx, &nested)
		if err != nil {
			return nil, err
		}
		if nested.Status == "CREATE_COMPLETE" {
			nested.Execution = "EXECUTE_COMPLETE"
		}
		if err := changeSets.Put(tx, changeSetKey{n.Stack, nested.Name}, nested); err != nil {
			return nil, err
		}
		if n.Adds {
			given[logical] = stackName(n.Stack)
		}
		st, err := stacks.Get(tx, n.Stack)
		if err != nil {
			return nil, err
		}
		st.Names, st.ChangeSet = below, nested.ID.String()
		if err := stacks.Put(tx, n.Stack, st); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// removeNested removes the sets within set, and the stacks that were only there
// to be reviewed.
func removeNested(tx *store.Tx, set *changeSet) error {
	for logical, n := range set.Nested {
		nested, err := changeSets.Get(tx, changeSetKey{n.Stack, set.Name + "-" + logical})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := removeChangeSet(tx, n.Stack, nested); err != nil {
			return err
		}
		st, err := stacks.Get(tx, n.Stack)
		if err != nil {
			return err
		}
		if n.Adds && st.Status == "REVIEW_IN_PROGRESS" {
			old := st
			st.Status, st.Deleted = "DELETE_COMPLETE", time.Now()
			if err := putStack(tx, &old, st); err != nil {
				return err
			}
		}
	}
	return nil
}

func optionalARN(arn aws.ARN) *string {
	if arn == (aws.ARN{}) {
		return nil
	}
	return new(arn.String())
}
