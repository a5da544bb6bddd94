package deploy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// CheckImport holds the plan of an import to what imports may do, and turns the
// steps that add resources into steps that import them, by what identifies each.
func CheckImport(types resource.Table, p *Prepared, steps []Step, identified map[string]string) error {
	var others, unkept []string
	for i := range steps {
		step := &steps[i]
		if step.Possible {
			continue
		}
		if step.Action != "Add" || identified[step.LogicalID] == "" {
			others = append(others, step.LogicalID)
			continue
		}
		if p.Template.Resources[step.LogicalID].DeletionPolicy == "" {
			unkept = append(unkept, step.LogicalID)
		}
		step.Action, step.PhysicalID = "Import", identified[step.LogicalID]
	}
	if others != nil {
		return &template.Error{Message: fmt.Sprintf("You have modified resources [%s] in your template that are not being imported. "+
			"Update, create or delete operations cannot be executed during import operations.", strings.Join(others, ", "))}
	}
	if unkept != nil {
		return &template.Error{Message: fmt.Sprintf("The following resources to import [%s] must have DeletionPolicy attribute specified in the template.", strings.Join(unkept, ", "))}
	}
	return nil
}

// importAll takes resources that exist into the stack.
func (r *run) importAll() error {
	spec := r.target()
	if err := r.begin(spec); err != nil {
		return r.notImported(err.Error())
	}
	var err error
	if r.prepared, err = r.prepare(spec); err != nil {
		return r.notImported(err.Error())
	}
	failed := walk(r.ctx, r.prepared.Graph, mostAtOnce, true, r.importOne)
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for _, err := range failed {
		if !errors.Is(err, errStep) {
			return err
		}
	}
	if len(failed) > 0 {
		return r.notImported(failure("import", slices.Sorted(maps.Keys(failed))))
	}
	outputs, err := r.outputs(r.prepared)
	if err != nil {
		return r.notImported(err.Error())
	}
	const status = "IMPORT_COMPLETE"
	err = r.e.Journal.Finish(r.ctx, r.st, Change{
		Stack: func(st *Stack) {
			st.Phase, st.Status, st.Reason, st.Outputs, st.Import = AtRest, status, "", outputs, nil
			st.Spec, st.Next = *st.Next, nil
		},
		Events: []Event{r.stackEvent(status, "")},
	})
	if refusal, ok := errors.AsType[*aws.Error](err); ok {
		return r.notImported(refusal.Message)
	}
	return err
}

// importOne takes one resource into the stack.
func (r *run) importOne(id string) error {
	identifier, wanted := r.st.Import[id]
	row := r.row(id)
	if !wanted || row != nil && !strings.HasPrefix(row.Status, "IMPORT_") {
		return nil
	}
	next, err := r.next(id)
	row = r.newRow(id)
	if err != nil {
		return r.failed(row, "IMPORT_FAILED", err.Error())
	}
	row.set("IMPORT_IN_PROGRESS", "Resource import started.")
	if err := r.keep(row, r.event(row, row.Status, row.Reason)); err != nil {
		return err
	}
	typ := r.e.Types().Find(row.Type)
	op := r.op(row)
	op.Token, op.New = aws.NewRequestID(), next.Properties
	made, err := typ.Identify(op, identifier)
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case err != nil:
		return r.failed(row, "IMPORT_FAILED", resource.Reason(op, err))
	case made == nil:
		missing := aws.Fault{Code: "ResourceNotFoundException", Status: 404}
		return r.failed(row, "IMPORT_FAILED", resource.Reason(op, missing.Errorf("Resource of type '%s' with identifier '%s' was not found.", row.Type, identifier)))
	}
	row.Version = *next
	row.PhysicalID, row.Ref, row.Attributes = made.PhysicalID, made.Ref, made.Attributes
	imported := r.event(row, "IMPORT_COMPLETE", "Resource import completed.")
	tags := r.event(row, "UPDATE_IN_PROGRESS", "Apply stack-level tags to imported resource if applicable.")
	if err := r.tagImported(row, op, typ); err != nil {
		return r.failed(row, "IMPORT_FAILED", resource.Reason(op, err))
	}
	row.set("UPDATE_COMPLETE", "")
	return r.keep(row, imported, tags, r.event(row, row.Status, ""))
}

// tagImported gives a resource the tags of its stack.
func (r *run) tagImported(row *Row, op *resource.Op, typ *resource.Type) error {
	own, err := r.prepared.properties(row.ID, r.scope(r.prepared))
	if err != nil || resource.Equal(own["Tags"], row.Properties["Tags"]) || typ.Update == nil {
		return err
	}
	op.PhysicalID, op.Attributes, op.Old = row.PhysicalID, row.Attributes, own
	_, err = typ.Update(op)
	return err
}

// notImported forgets what was taken in: the resources stay as they are.
func (r *run) notImported(reason string) error {
	change := Change{
		Stack: func(st *Stack) {
			st.Phase, st.Status, st.Reason, st.Next, st.Import = AtRest, "IMPORT_ROLLBACK_COMPLETE", "", nil, nil
		},
		Events: []Event{r.stackEvent("IMPORT_ROLLBACK_IN_PROGRESS", reason)},
	}
	for _, id := range slices.Sorted(maps.Keys(r.rows)) {
		if row := r.row(id); row.Deed == r.st.Deed {
			change.Remove = append(change.Remove, id)
			change.Events = append(change.Events, r.event(row, "IMPORT_ROLLBACK_IN_PROGRESS", ""), r.event(row, "IMPORT_ROLLBACK_COMPLETE", ""))
		}
	}
	change.Events = append(change.Events, r.stackEvent("IMPORT_ROLLBACK_COMPLETE", ""))
	return r.save(change)
}
