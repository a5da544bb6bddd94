package cloudformation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A journal is what engines remember, as rows.
type journal struct{ db *store.DB }

// Load implements deploy.Journal.
func (j journal) Load(ctx context.Context, id string) (*deploy.Stack, []deploy.Row, error) {
	var st deploy.Stack
	var rows []deploy.Row
	err := j.db.View(ctx, func(tx *store.Tx) error {
		var err error
		if st, err = stacks.Get(tx, stackID(id)); err != nil {
			return err
		}
		for _, spec := range []*deploy.Spec{&st.Spec, st.Next} {
			if err := loadBody(tx, stackID(id), spec); err != nil {
				return err
			}
		}
		rows = rowsOf(tx, stackID(id))
		return nil
	})
	return &st, rows, err
}

// Save implements deploy.Journal.
func (j journal) Save(ctx context.Context, at *deploy.Stack, c deploy.Change) error {
	superseded := false
	err := j.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		superseded, err = save(tx, at, c)
		return err
	})
	if err == nil && superseded {
		return deploy.ErrSuperseded
	}
	return err
}

func save(tx *store.Tx, at *deploy.Stack, c deploy.Change) (superseded bool, err error) {
	id := stackID(at.ID)
	for _, row := range c.Rows {
		if err := resources.Put(tx, resourceKey{id, row.ID}, row); err != nil {
			return false, err
		}
	}
	for _, logical := range c.Remove {
		if err := resources.Delete(tx, resourceKey{id, logical}); err != nil {
			return false, err
		}
	}
	st, err := stacks.Get(tx, id)
	if err != nil {
		return false, err
	}
	superseded = st.Deed != at.Deed || st.Phase != at.Phase
	if superseded && c.Stack != nil {
		return true, nil // the events of a stack that does something else now are not its
	}
	if err := addEvents(tx, &st, c.Events...); err != nil {
		return false, err
	}
	if superseded || c.Stack == nil {
		return superseded, nil
	}
	old := st
	c.Stack(&st)
	return false, putStack(tx, &old, st)
}

func addEvents(tx *store.Tx, st *deploy.Stack, list ...deploy.Event) error {
	id := stackID(st.ID)
	for _, e := range list {
		if e.Deed == "" {
			e.Deed, e.Phase = st.Deed, st.Phase
		}
		if _, err := events.Append(tx, id, e); err != nil {
			return err
		}
		if err := noteEvent(tx, st, e); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		tx.Notify(topic(id))
	}
	return nil
}

// topic is what those watch who wait for a stack.
func topic(id aws.ARN) string { return "cloudformation/" + id.String() }

// Finish implements deploy.Journal.
func (j journal) Finish(ctx context.Context, at *deploy.Stack, c deploy.Change) error {
	superseded := false
	err := j.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		if superseded, err = save(tx, at, c); err != nil || superseded {
			return err
		}
		id := stackID(at.ID)
		st, err := stacks.Get(tx, id)
		if err != nil {
			return err
		}
		if err := setExports(tx, id, st); err != nil {
			return err
		}
		return dropImports(tx, id, at.Deed, !st.Deleted.IsZero())
	})
	if err == nil && superseded {
		return deploy.ErrSuperseded
	}
	return err
}

// setExports makes the exports of a stack those of its outputs.
func setExports(tx *store.Tx, id aws.ARN, st deploy.Stack) error {
	where := place(id)
	wanted := make(map[string]string)
	for _, o := range st.Outputs {
		if o.Export != "" {
			wanted[o.Export] = o.Value
		}
	}
	had := make(map[string]string)
	for key, e := range exports.Scan(tx, exportKey{Place: where}) {
		if e.Stack == id {
			had[key.Name] = e.Value
		} else if _, clash := wanted[key.Name]; clash {
			return api.ValidationError.Errorf("Export with name %s is already exported by stack %s. ", key.Name, stackName(e.Stack))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(had)) {
		value, keeps := wanted[name]
		if keeps && value == had[name] {
			continue
		}
		users := importers(tx, where, name)
		if len(users) > 0 && st.Deleted.IsZero() {
			verb := "deleted"
			if keeps {
				verb = "updated"
			}
			return api.ValidationError.Errorf("Export %s cannot be %s as it is in use by %s", name, verb, strings.Join(users, ", "))
		}
		if err := exports.Delete(tx, exportKey{where, name}); err != nil {
			return err
		}
	}
	for name, value := range wanted {
		if err := exports.Put(tx, exportKey{where, name}, export{Value: value, Stack: id}); err != nil {
			return err
		}
	}
	return nil
}

// importers returns the names of stacks that use an export.
func importers(tx *store.Tx, where aws.ARN, name string) []string {
	var users []string
	for key := range imports.Scan(tx, importKey{Place: where, Name: name}) {
		users = append(users, stackName(stackID(key.Importer)))
	}
	return users
}

func stackName(id aws.ARN) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(id.Resource, stackPrefix), "/")
	return name
}

// dropImports forgets the exports that a stack used before this deed.
func dropImports(tx *store.Tx, id aws.ARN, deed string, all bool) error {
	for key, at := range imports.Scan(tx, importKey{Place: place(id)}) {
		if key.Importer == id.String() && (all || at != deed) {
			if err := imports.Delete(tx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// InUse implements deploy.Journal.
func (j journal) InUse(ctx context.Context, id string) (string, error) {
	reason := ""
	err := j.db.View(ctx, func(tx *store.Tx) error {
		where := place(stackID(id))
		for key, e := range exports.Scan(tx, exportKey{Place: where}) {
			if e.Stack != stackID(id) {
				continue
			}
			if users := importers(tx, where, key.Name); len(users) > 0 {
				reason = "Export " + key.Name + " cannot be deleted as it is in use by " + strings.Join(users, ", ")
				return nil
			}
		}
		return nil
	})
	return reason, err
}

// Import implements deploy.Journal.
func (j journal) Import(ctx context.Context, id, name string) (string, error) {
	var value string
	err := j.db.Update(ctx, func(tx *store.Tx) error {
		e, err := exports.Get(tx, exportKey{place(stackID(id)), name})
		if errors.Is(err, store.ErrNotFound) {
			return api.ValidationError.Errorf("No export named %s found.", name)
		}
		if err != nil {
			return err
		}
		st, err := stacks.Get(tx, stackID(id))
		if err != nil {
			return err
		}
		value = e.Value
		return imports.Put(tx, importKey{place(stackID(id)), name, id}, st.Deed)
	})
	return value, err
}
