package deploy

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// apply makes the resources of the stack what its next template says.
func (r *run) apply() error {
	spec := r.target()
	if err := r.begin(spec); err != nil {
		return r.fail(err.Error(), nil)
	}
	var err error
	if r.prepared, err = r.prepare(spec); err != nil {
		return r.fail(err.Error(), nil)
	}
	if denied, err := r.deniedRemovals(); err != nil || denied != nil {
		if err != nil {
			return err
		}
		return r.fail("", denied)
	}
	if r.st.WatchUntil.IsZero() {
		if reason, err := r.alarmed(); err != nil || reason != "" {
			return r.failFor(reason, err)
		}
	}
	failed := walk(r.ctx, r.prepared.Graph, mostAtOnce, true, r.visit)
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if len(failed) > 0 {
		for _, err := range failed {
			if !errors.Is(err, errStep) {
				return err
			}
		}
		return r.fail("", slices.Sorted(maps.Keys(failed)))
	}
	outputs, err := r.outputs(r.prepared)
	if err != nil {
		return r.fail(err.Error(), nil)
	}
	if reason, err := r.watch(); err != nil || reason != "" {
		return r.failFor(reason, err)
	}
	return r.applied(outputs)
}

// policy is what the update is held to.
func (r *run) policy() (*StackPolicy, error) {
	if r.st.Phase != Updating {
		return nil, nil
	}
	text := r.st.Policy
	if r.st.PolicyNow != "" {
		text = r.st.PolicyNow
	}
	return ParseStackPolicy(text)
}

// deniedRemovals names the resources that the policy does not let go.
func (r *run) deniedRemovals() ([]string, error) {
	policy, err := r.policy()
	if policy == nil || err != nil {
		return nil, err
	}
	var denied []string
	for _, id := range slices.Sorted(maps.Keys(r.rows)) {
		row := r.row(id)
		if _, stays := r.prepared.Graph[id]; stays || row.Status == "DELETE_COMPLETE" {
			continue
		}
		if reason := policy.denies("Update:Delete", id, row.Type); reason != "" {
			denied = append(denied, id)
			if row.Deed != r.st.Deed {
				row.Made, row.Tried, row.Before = false, false, new(row.Version)
			}
			if err := r.failed(row, "UPDATE_FAILED", reason); err != nil && !errors.Is(err, errStep) {
				return nil, err
			}
		}
	}
	return denied, nil
}

// errStep says that a resource could not be dealt with, and that its event says
// why.
var errStep = errors.New("deploy: a resource failed")

// applied ends a creation, or goes on from an update to clean up after it.
func (r *run) applied(outputs []Output) error {
	status, phase := "CREATE_COMPLETE", AtRest
	if r.st.Phase == Updating {
		status, phase = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", CleaningUp
	}
	err := r.e.Journal.Finish(r.ctx, r.st, Change{
		Stack: func(st *Stack) {
			st.Phase, st.Status, st.Reason, st.Outputs = phase, status, "", outputs
			if st.Next != nil {
				st.Spec, st.Next = *st.Next, nil
			}
		},
		Events: []Event{r.stackEvent(status, "")},
	})
	if refusal, ok := errors.AsType[*aws.Error](err); ok {
		return r.fail(refusal.Message, nil)
	}
	return err
}

// fail takes the deed back, or leaves it as it is if that was asked for.
func (r *run) fail(reason string, ids []string) error {
	creating := r.st.Phase == Creating
	verb := "update"
	if creating {
		verb = "create"
	} else if ids != nil && !slices.ContainsFunc(ids, func(id string) bool { return r.rows[id] == nil || !r.rows[id].Made }) {
		verb = "create"
	}
	if ids != nil {
		reason = failure(verb, ids)
	}
	r.st.Failed, r.st.Verb = ids, verb
	switch {
	case creating && (r.st.DisableRollback || r.st.OnFailure == OnFailureNothing):
		return r.enter(AtRest, "CREATE_FAILED", reason)
	case creating && r.st.OnFailure == OnFailureDelete:
		return r.enter(Deleting, "DELETE_IN_PROGRESS", reason+"Delete requested by user.")
	case creating:
		return r.enter(RollingBackCreation, "ROLLBACK_IN_PROGRESS", reason+"Rollback requested by user.")
	case r.st.DisableRollback:
		return r.enter(AtRest, "UPDATE_FAILED", reason)
	}
	return r.enter(RollingBackUpdate, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
}

// failFor is fail, or err if that is why nothing can be said.
func (r *run) failFor(reason string, err error) error {
	if err != nil {
		return err
	}
	return r.fail(reason, nil)
}

// visit makes one resource what the template says.
func (r *run) visit(id string) error {
	row := r.row(id)
	if r.st.Import[id] != "" {
		return r.importOne(id)
	}
	if row != nil && row.Deed == r.st.Deed && row.Intent == nil {
		if row.Status == "CREATE_FAILED" || row.Status == "UPDATE_FAILED" {
			return errStep
		}
		return nil // before a crash
	}
	if row != nil && row.Deed != r.st.Deed {
		row.Made, row.Before, row.Tried = false, nil, false
	}
	if late := r.st.Deadline; r.st.Phase == Creating && !late.IsZero() && time.Now().After(late) {
		return r.failed(r.newRow(id), "CREATE_FAILED", "Resource creation cancelled")
	}
	next, err := r.next(id)
	if err != nil {
		if row == nil {
			row = r.newRow(id)
			row.Made = true
		} else if row.Before == nil && !row.Made {
			row.Before = new(row.Version)
		}
		return r.failed(row, r.verb(row)+"_FAILED", err.Error())
	}
	switch {
	case row == nil || row.Status == "DELETE_COMPLETE":
		return r.create(r.newRow(id), next)
	case row.Intent != nil:
		return r.resume(row, next)
	}
	return r.change(row, next)
}

func (r *run) verb(row *Row) string {
	if row.Made {
		return "CREATE"
	}
	return "UPDATE"
}

func (r *run) newRow(id string) *Row {
	t := r.prepared.Template.Resources[id]
	return &Row{ID: id, Deed: r.st.Deed, Version: Version{Type: t.Type}}
}

// next is what a resource is to be: all of its version but what comes of making it.
func (r *run) next(id string) (*Version, error) {
	t := r.prepared.Template.Resources[id]
	scope := r.scope(r.prepared)
	properties, err := r.prepared.properties(id, scope)
	if err != nil {
		return nil, err
	}
	typ := r.e.Types().Find(t.Type)
	metadata, err := r.prepared.Template.Resolve(t.Metadata, scope)
	if err != nil {
		return nil, err
	}
	return &Version{
		Type: t.Type, Properties: withTags(typ, properties, r.target().Tags), Metadata: metadata,
		DependsOn: r.prepared.Graph[id], DeletionPolicy: t.DeletionPolicy, ReplacePolicy: t.ReplacePolicy,
	}, nil
}

// withTags adds the tags of the stack to properties of a type that has tags.
func withTags(typ *resource.Type, properties map[string]any, tags []Tag) Tree {
	if len(tags) == 0 || !typ.Has("Tags") || typ.Name == StackType {
		return properties
	}
	out := maps.Clone(properties)
	if own, isMap := out["Tags"].(map[string]any); isMap || typ.TagMap {
		all := make(map[string]any)
		for _, tag := range tags {
			all[tag.Key] = tag.Value
		}
		maps.Copy(all, own)
		out["Tags"] = all
		return out
	}
	own, _ := out["Tags"].([]any)
	all := slices.Clone(own)
	for _, tag := range tags {
		if !slices.ContainsFunc(own, func(v any) bool { m, _ := v.(map[string]any); return m["Key"] == tag.Key }) {
			all = append(all, map[string]any{"Key": tag.Key, "Value": tag.Value})
		}
	}
	out["Tags"] = all
	return out
}

// change makes what is there what it is to be.
func (r *run) change(row *Row, next *Version) error {
	typ := r.e.Types().Find(row.Type)
	takes, _ := typ.Diff(row.Properties, next.Properties)
	if takes == resource.NoChange && row.Type == next.Type && row.Type != StackType {
		return r.unchanged(row, next)
	}
	row.Deed, row.Before = r.st.Deed, new(row.Version)
	if row.Type != next.Type {
		return r.failed(row, "UPDATE_FAILED", TypeChange([]string{row.ID}))
	}
	action := "Update:Modify"
	if takes == resource.Replacement {
		action = "Update:Replace"
	}
	policy, err := r.policy()
	if err != nil {
		return err
	}
	if reason := policy.denies(action, row.ID, row.Type); reason != "" && takes != resource.NoChange {
		return r.failed(row, "UPDATE_FAILED", reason)
	}
	if takes == resource.Replacement {
		if reason := customName(typ, row, next); reason != "" {
			return r.failed(row, "UPDATE_FAILED", reason)
		}
	}
	row.Intent = &Intent{Verb: "update", Token: aws.NewRequestID(), Properties: next.Properties, Replaces: takes == resource.Replacement}
	reason := ""
	if row.Intent.Replaces {
		reason = "Requested update requires the creation of a new physical resource; hence creating one."
		row.Intent.Verb = "create"
		row.Intent.Name = r.newName(typ, row.ID)
	}
	row.Tried = !row.Intent.Replaces
	row.set("UPDATE_IN_PROGRESS", reason)
	if err := r.keep(row, r.event(row, row.Status, reason)); err != nil {
		return err
	}
	return r.step(row, next)
}

// customName refuses to replace a resource by one of the same name.
func customName(typ *resource.Type, row *Row, next *Version) string {
	property := typ.Naming.Property
	name, _ := template.Text(next.Properties[property])
	if property == "" || name == "" || !resource.Equal(row.Properties[property], next.Properties[property]) {
		return ""
	}
	return "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename " + name + " and update the stack again."
}

// unchanged keeps what changed about a resource besides its properties.
func (r *run) unchanged(row *Row, next *Version) error {
	if slices.Equal(row.DependsOn, next.DependsOn) && row.DeletionPolicy == next.DeletionPolicy &&
		row.ReplacePolicy == next.ReplacePolicy && resource.Equal(row.Metadata, next.Metadata) {
		return nil
	}
	row.Before = new(row.Version)
	row.Deed = r.st.Deed
	row.DependsOn, row.DeletionPolicy, row.ReplacePolicy = next.DependsOn, next.DeletionPolicy, next.ReplacePolicy
	if resource.Equal(row.Metadata, next.Metadata) {
		return r.keep(row)
	}
	row.Metadata = next.Metadata
	row.set("UPDATE_COMPLETE", "")
	return r.keep(row, r.event(row, row.Status, ""))
}

// create makes a resource that is not there.
func (r *run) create(row *Row, next *Version) error {
	row.Made = true
	row.Intent = &Intent{
		Verb: "create", Token: aws.NewRequestID(), Name: r.newName(r.e.Types().Find(row.Type), row.ID), Properties: next.Properties,
	}
	row.DependsOn, row.DeletionPolicy, row.ReplacePolicy = next.DependsOn, next.DeletionPolicy, next.ReplacePolicy
	row.set("CREATE_IN_PROGRESS", "")
	if err := r.keep(row, r.event(row, row.Status, "")); err != nil {
		return err
	}
	return r.step(row, next)
}

func (r *run) newName(typ *resource.Type, id string) string {
	if name := r.st.Names[id]; name != "" {
		return name
	}
	return typ.Naming.NewName(r.st.Name, id)
}

// op is a step, as the type's functions see it.
func (r *run) op(row *Row) *resource.Op {
	op := &resource.Op{
		Env: r.e.Env, Ctx: r.ctx, Call: r.call, LogicalID: row.ID, Type: row.Type,
		Stack:      resource.Stack{ID: r.st.ID, Name: r.st.Name, Tags: make(map[string]string)},
		PhysicalID: row.PhysicalID, Attributes: row.Attributes, Old: row.Properties,
	}
	for _, tag := range r.target().Tags {
		op.Stack.Tags[tag.Key] = tag.Value
	}
	if row.Intent != nil {
		op.Token, op.Name, op.New = row.Intent.Token, row.Intent.Name, row.Intent.Properties
	}
	return op
}

// step does what the row's intent says, and writes down what came of it.
func (r *run) step(row *Row, next *Version) error {
	typ := r.e.Types().Find(row.Type)
	op := r.op(row)
	var made *resource.Made
	err := resolveDynamic(op)
	if err == nil {
		op.Creation, err = r.prepared.creation(row.ID, r.scope(r.prepared))
	}
	if err == nil && row.Intent.Verb == "update" {
		op.Rollout, err = r.prepared.rollout(row.ID, r.scope(r.prepared))
	}
	if err == nil {
		if row.Intent.Verb == "create" {
			op.Except, op.PhysicalID, op.Attributes, op.Old = op.PhysicalID, "", nil, nil
			made, err = typ.Create(op)
		} else {
			made, err = typ.Update(op)
		}
	}
	return r.done(row, next, op, made, err)
}

// done writes down what came of a step.
func (r *run) done(row *Row, next *Version, op *resource.Op, made *resource.Made, err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err() // what happened is found out by the next run
	}
	if err != nil {
		return r.notDone(row, op, made, err)
	}
	verb := r.verb(row)
	if row.Intent.Replaces || row.Intent.Verb == "update" && made.PhysicalID != row.PhysicalID {
		row.Replaced = append(row.Replaced, *row.Before)
	}
	row.Version = Version{
		Type: next.Type, PhysicalID: made.PhysicalID, Ref: made.Ref, Attributes: made.Attributes, Properties: row.Intent.Properties,
		Metadata: next.Metadata, DependsOn: next.DependsOn, DeletionPolicy: next.DeletionPolicy, ReplacePolicy: next.ReplacePolicy,
	}
	created := row.Intent.Verb == "create"
	row.Intent = nil
	var events []Event
	if created {
		events = append(events, r.event(row, verb+"_IN_PROGRESS", "Resource creation Initiated"))
	}
	row.set(verb+"_COMPLETE", "")
	if r.e.Types().Find(row.Type).Record {
		row.Reason = resource.RecordNote
	}
	if made.Note != "" {
		row.Reason = made.Note
	}
	return r.keep(row, append(events, r.event(row, row.Status, row.Reason))...)
}

// notDone writes down that a step failed. What it made all the same is deleted
// when the deed is taken back.
func (r *run) notDone(row *Row, op *resource.Op, made *resource.Made, err error) error {
	reason := resource.Reason(op, err)
	if made != nil && made.PhysicalID != "" {
		switch {
		case row.Intent.Replaces:
			half := *row.Before
			half.PhysicalID, half.Attributes, half.Properties = made.PhysicalID, made.Attributes, row.Intent.Properties
			row.Replaced = append(row.Replaced, half)
		case row.Made:
			row.PhysicalID, row.Ref, row.Attributes, row.Properties = made.PhysicalID, made.Ref, made.Attributes, row.Intent.Properties
		}
	}
	status := r.verb(row) + "_FAILED"
	row.set(status, reason)
	event := r.event(row, status, reason)
	row.Intent = nil
	if err := r.keep(row, event); err != nil {
		return err
	}
	return errStep
}

// failed writes down that a resource could not be dealt with at all.
func (r *run) failed(row *Row, status, reason string) error {
	row.Deed, row.Intent = r.st.Deed, nil
	row.set(status, reason)
	if err := r.keep(row, r.event(row, status, reason)); err != nil {
		return err
	}
	return errStep
}

// resume goes on with a step that was cut short. What it made is looked for, so
// that it is not made twice.
func (r *run) resume(row *Row, next *Version) error {
	typ := r.e.Types().Find(row.Type)
	next.Properties = row.Intent.Properties
	if row.Intent.Verb == "create" {
		made, err := r.find(typ, row)
		if err != nil {
			return err
		}
		if made != nil {
			return r.done(row, next, r.op(row), made, nil)
		}
	}
	return r.step(row, next)
}

// find looks for what a creation that was cut short has made.
func (r *run) find(typ *resource.Type, row *Row) (*resource.Made, error) {
	if typ.Find == nil {
		return nil, nil
	}
	op := r.op(row)
	op.Except, op.PhysicalID, op.Attributes, op.Old = op.PhysicalID, "", nil, nil
	made, err := typ.Find(op)
	if resource.IsGone(err) {
		return nil, nil
	}
	return made, err
}
