package deploy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// removeAll deletes the resources of the stack, those that need others first.
func (r *run) removeAll() error {
	if err := r.begin(r.target()); err != nil {
		return r.removed(nil, err.Error())
	}
	if r.st.Phase == Deleting {
		reason, err := r.e.Journal.InUse(r.ctx, r.st.ID)
		if err != nil {
			return err
		}
		if reason != "" {
			return r.removed(nil, reason)
		}
	}
	failed := walk(r.ctx, r.removal(slices.Collect(maps.Keys(r.rows))), mostAtOnce, false, r.remove)
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for _, err := range failed {
		if !errors.Is(err, errStep) {
			return err
		}
	}
	return r.removed(slices.Sorted(maps.Keys(failed)), "")
}

// removal is the order in which resources are deleted.
func (r *run) removal(ids []string) map[string][]string {
	graph := make(map[string][]string, len(ids))
	for _, id := range ids {
		graph[id] = nil
		for _, need := range r.rows[id].DependsOn {
			if slices.Contains(ids, need) {
				graph[id] = append(graph[id], need)
			}
		}
	}
	return reverse(graph)
}

// removed ends the deletion of all resources.
func (r *run) removed(failed []string, reason string) error {
	status, bad := "DELETE_COMPLETE", "DELETE_FAILED"
	if r.st.Phase == RollingBackCreation {
		status, bad = "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"
	}
	if len(failed) > 0 || reason != "" {
		if reason == "" {
			reason = failure("delete", failed)
		}
		return r.enter(AtRest, bad, reason)
	}
	if r.st.Phase == RollingBackCreation {
		return r.save(Change{
			Stack: func(st *Stack) {
				st.Phase, st.Status, st.Reason = AtRest, status, ""
				if st.Next != nil {
					st.Spec, st.Next = *st.Next, nil
				}
			},
			Events: []Event{r.stackEvent(status, "")},
		})
	}
	event := r.stackEvent(status, "")
	return r.e.Journal.Finish(r.ctx, r.st, Change{
		Stack: func(st *Stack) {
			st.Phase, st.Status, st.Reason, st.Deleted = AtRest, status, "", event.Time
			if st.Next != nil {
				st.Spec, st.Next = *st.Next, nil
			}
			st.Outputs = nil
		},
		Events: []Event{event},
	})
}

// remove deletes one resource of a stack that is deleted or rolled back.
func (r *run) remove(id string) error {
	row := r.row(id)
	if row.Status == "DELETE_COMPLETE" || row.Status == "DELETE_SKIPPED" && r.st.Phase == Deleting {
		return nil
	}
	if row.Deed == r.st.Deed && row.Status == "DELETE_FAILED" && row.Intent == nil && r.st.Phase == Deleting {
		return errStep // before a crash
	}
	if r.retains(row) {
		row.Intent = nil
		row.set("DELETE_SKIPPED", "")
		return r.keep(row, r.event(row, row.Status, ""))
	}
	if err := r.settle(row); err != nil {
		return err
	}
	for len(row.Replaced) > 0 {
		last := row.Replaced[len(row.Replaced)-1]
		if err := r.removeVersion(row, last); err != nil {
			return err
		}
		row.Replaced = row.Replaced[:len(row.Replaced)-1]
	}
	row.Deed = r.st.Deed
	row.set("DELETE_IN_PROGRESS", "")
	if err := r.keep(row, r.event(row, row.Status, "")); err != nil {
		return err
	}
	if row.PhysicalID != "" {
		if err := r.delete(row.ID, row.Version, row.DeletionPolicy); err != nil {
			return r.notRemoved(row, err)
		}
	}
	row.set("DELETE_COMPLETE", "")
	return r.keep(row, r.event(row, row.Status, ""))
}

// retains says whether a resource outlives its stack.
func (r *run) retains(row *Row) bool {
	if r.st.Phase == Deleting && slices.Contains(r.st.Retain, row.ID) || r.st.Phase == RollingBackCreation && r.st.Import[row.ID] != "" {
		return true
	}
	switch row.DeletionPolicy {
	case template.Retain:
		return r.st.Phase == Deleting || !r.st.RetainExceptOnCreate
	case template.RetainExceptOnCreate:
		return r.st.Phase == Deleting
	}
	return false
}

// settle finds out what a step that was cut short has made.
func (r *run) settle(row *Row) error {
	if row.Intent == nil {
		return nil
	}
	typ := r.e.Types().Find(row.Type)
	if row.Intent.Verb == "create" && typ != nil {
		made, err := r.find(typ, row)
		if err != nil {
			return r.notRemoved(row, err)
		}
		if made == nil && typ.Find == nil && typ.Naming.Property != "" {
			made = &resource.Made{PhysicalID: r.op(row).Named(typ.Naming.Property)}
		}
		if made != nil && row.Intent.Replaces {
			half := row.Version
			half.PhysicalID, half.Ref, half.Attributes, half.Properties = made.PhysicalID, made.Ref, made.Attributes, row.Intent.Properties
			row.Replaced = append(row.Replaced, half)
		} else if made != nil {
			row.PhysicalID, row.Ref, row.Attributes, row.Properties = made.PhysicalID, made.Ref, made.Attributes, row.Intent.Properties
		}
	}
	row.Intent = nil
	return r.keep(row)
}

// delete deletes a version of a resource, by its policy. That it is gone is no failure.
func (r *run) delete(id string, v Version, policy string) error {
	typ := r.e.Types().Find(v.Type)
	if typ == nil || typ.Delete == nil {
		return nil
	}
	op := r.op(&Row{ID: id, Version: v})
	op.Token, op.Snapshot = stepToken(r.st.Deed, id, v.PhysicalID), policy == template.Snapshot && r.st.Phase != RollingBackCreation
	err := typ.Delete(op)
	if resource.IsGone(err) {
		return nil
	}
	if err != nil {
		return &stepError{resource.Reason(op, err)}
	}
	return nil
}

// stepToken is the token of a step that is known by what it is about, so that it
// is the same when the step is taken again.
func stepToken(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
	digits := hex.EncodeToString(sum[:16])
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// A stepError is why a step failed, in words for its event.
type stepError struct{ reason string }

func (e *stepError) Error() string { return e.reason }

func (r *run) notRemoved(row *Row, err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	row.set("DELETE_FAILED", err.Error())
	if err := r.keep(row, r.event(row, row.Status, row.Reason)); err != nil {
		return err
	}
	return errStep
}

// removeVersion deletes what another has taken the place of.
func (r *run) removeVersion(row *Row, v Version) error {
	shown := &Row{ID: row.ID, Version: v}
	if v.ReplacePolicy == template.Retain {
		return r.save(Change{Events: []Event{r.event(shown, "DELETE_SKIPPED", "")}})
	}
	if err := r.save(Change{Events: []Event{r.event(shown, "DELETE_IN_PROGRESS", "")}}); err != nil {
		return err
	}
	err := r.delete(row.ID, v, v.ReplacePolicy)
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	if err != nil {
		// As AWS does: the stack goes on without it, and the event tells.
		return r.save(Change{Events: []Event{r.event(shown, "DELETE_FAILED", err.Error())}})
	}
	return r.save(Change{Events: []Event{r.event(shown, "DELETE_COMPLETE", "")}})
}

// cleanUp deletes what an update, or the taking back of one, has left over.
func (r *run) cleanUp() error {
	if err := r.begin(r.target()); err != nil {
		return err
	}
	var err error
	if r.prepared, err = r.prepare(r.target()); err != nil {
		return err
	}
	var ids []string
	for id, row := range r.rows {
		if _, wanted := r.prepared.Graph[id]; !wanted || len(row.Replaced) > 0 || row.Deed == r.st.Deed {
			ids = append(ids, id)
		}
	}
	failed := walk(r.ctx, r.removal(ids), mostAtOnce, false, r.tidy)
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for _, err := range failed {
		if !errors.Is(err, errStep) {
			return err
		}
	}
	status := "UPDATE_COMPLETE"
	if r.st.Phase == CleaningUpRollback {
		status = "UPDATE_ROLLBACK_COMPLETE"
	}
	return r.save(Change{
		Stack: func(st *Stack) {
			st.Phase, st.Status = AtRest, status
			if status == "UPDATE_COMPLETE" {
				st.Reason = ""
			}
		},
		Events: []Event{r.stackEvent(status, "")},
	})
}

// tidy deletes what is left over of one resource.
func (r *run) tidy(id string) error {
	row := r.row(id)
	slices.SortStableFunc(row.Replaced, func(a, b Version) int { return cmp.Compare(a.PhysicalID, b.PhysicalID) })
	for len(row.Replaced) > 0 {
		last := row.Replaced[len(row.Replaced)-1]
		if last.PhysicalID != row.PhysicalID {
			if err := r.removeVersion(row, last); err != nil {
				return err
			}
		}
		row.Replaced = row.Replaced[:len(row.Replaced)-1]
	}
	if _, wanted := r.prepared.Graph[id]; wanted {
		row.Before, row.Made = nil, false
		return r.keep(row)
	}
	return r.drop(row)
}

// drop deletes a resource that the template no longer has.
func (r *run) drop(row *Row) error {
	if err := r.settle(row); err != nil {
		return err
	}
	if r.st.Phase == CleaningUpRollback && r.st.Import[row.ID] != "" || row.DeletionPolicy == template.Retain || row.DeletionPolicy == template.RetainExceptOnCreate && !row.Made {
		event := r.event(row, "DELETE_SKIPPED", "")
		return r.forget(row, event)
	}
	row.set("DELETE_IN_PROGRESS", "")
	if err := r.keep(row, r.event(row, row.Status, "")); err != nil {
		return err
	}
	if row.PhysicalID != "" {
		if err := r.delete(row.ID, row.Version, row.DeletionPolicy); err != nil {
			return r.notRemoved(row, err)
		}
	}
	return r.forget(row, r.event(row, "DELETE_COMPLETE", ""))
}

// forget removes a row.
func (r *run) forget(row *Row, event Event) error {
	r.mu.Lock()
	delete(r.rows, row.ID)
	r.mu.Unlock()
	return r.save(Change{Remove: []string{row.ID}, Events: []Event{event}})
}
