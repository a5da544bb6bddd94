package deploy

import (
	"errors"
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
)

// restore takes an update back: what it changed is changed again, and what it
// made is left for the cleaning up.
func (r *run) restore() error {
	if err := r.begin(&r.st.Spec); err != nil {
		return r.notRestored(err.Error(), nil)
	}
	graph := make(map[string][]string)
	for id, row := range r.rows {
		graph[id] = row.DependsOn
		if row.Before != nil {
			graph[id] = row.Before.DependsOn
		}
	}
	failed := walk(r.ctx, graph, mostAtOnce, false, r.restoreOne)
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for _, err := range failed {
		if !errors.Is(err, errStep) {
			return err
		}
	}
	if len(failed) > 0 {
		return r.notRestored("", slices.Sorted(maps.Keys(failed)))
	}
	const status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
	return r.save(Change{
		Stack: func(st *Stack) {
			st.Phase, st.Status, st.Next = CleaningUpRollback, status, nil
		},
		Events: []Event{r.stackEvent(status, "")},
	})
}

func (r *run) notRestored(reason string, ids []string) error {
	if ids != nil {
		reason = failure("update", ids)
	}
	return r.enter(AtRest, "UPDATE_ROLLBACK_FAILED", reason)
}

// restoreOne makes one resource what it was before the update.
func (r *run) restoreOne(id string) error {
	row := r.row(id)
	if row.Deed != r.st.Deed || row.Before == nil {
		return nil
	}
	if row.Intent != nil && !isRestoring(row) {
		if err := r.settle(row); err != nil {
			return err
		}
	}
	before := *row.Before
	if slices.Contains(r.st.Skip, id) {
		physical := row.PhysicalID
		row.Version, row.Before, row.Intent = before, nil, nil
		row.PhysicalID = physical
		row.set("UPDATE_COMPLETE", "Resource skipped during rollback")
		return r.keep(row, r.event(row, row.Status, row.Reason))
	}
	switch {
	case row.PhysicalID != before.PhysicalID && !row.Tried:
		// What took its place goes, and it is back as it never changed.
		row.Replaced = slices.DeleteFunc(row.Replaced, func(v Version) bool { return v.PhysicalID == before.PhysicalID })
		row.Replaced = append(row.Replaced, row.Version)
		row.Version, row.Before = before, nil
		row.set("UPDATE_COMPLETE", "")
		return r.keep(row, r.event(row, "UPDATE_IN_PROGRESS", ""), r.event(row, "UPDATE_COMPLETE", ""))
	case !row.Tried:
		row.Version, row.Before = before, nil
		return r.keep(row)
	}
	return r.updateBack(row, before)
}

func isRestoring(row *Row) bool { return row.Intent.Verb == "restore" }

// updateBack changes a resource that was changed in place.
func (r *run) updateBack(row *Row, before Version) error {
	typ := r.e.Types().Find(row.Type)
	if row.Intent == nil {
		row.Intent = &Intent{Verb: "restore", Token: aws.NewRequestID(), Properties: before.Properties}
		row.set("UPDATE_IN_PROGRESS", "")
		if err := r.keep(row, r.event(row, row.Status, "")); err != nil {
			return err
		}
	}
	op := r.op(row)
	made := &resource.Made{PhysicalID: before.PhysicalID, Ref: before.Ref, Attributes: before.Attributes}
	var err error
	if err = resolveDynamic(op); err == nil && typ.Update != nil {
		made, err = typ.Update(op)
	}
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	row.Intent = nil
	if err != nil {
		return r.failed(row, "UPDATE_FAILED", resource.Reason(op, err))
	}
	if made.PhysicalID != row.PhysicalID {
		row.Replaced = append(row.Replaced, row.Version)
	}
	row.Replaced = slices.DeleteFunc(row.Replaced, func(v Version) bool { return v.PhysicalID == made.PhysicalID })
	row.Version, row.Before, row.Tried = before, nil, false
	row.PhysicalID, row.Ref, row.Attributes = made.PhysicalID, made.Ref, made.Attributes
	row.set("UPDATE_COMPLETE", "")
	return r.keep(row, r.event(row, row.Status, ""))
}
