package dynamodb

import (
	"bytes"
	"errors"
	"slices"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A write is one change of one item, whatever operation asks for it: with an
// item it puts that, with an update it updates, with neither it deletes, or,
// if it is only a check, does nothing.
type write struct {
	table     aws.ARN
	item      item.Item // to put
	key       item.Item // of the item, if it is not put
	update    updater
	checkOnly bool
	inserts   bool // refused if there is an item
	condition condition

	returnItem *string // ReturnValuesOnConditionCheckFailure
	needOld    bool    // the caller wants to know what was there
	actor      string  // principal in stream records, if it is not the caller

	// What came of it. Each run of a transaction sets them anew.
	t        *table
	old, new item.Item // nil is none; old is not known unless it was needed
}

// run does w in tx.
func (s *Service) run(tx *store.Tx, w *write) error {
	var err error
	if w.t, err = s.findTable(tx, w.table); err != nil {
		return err
	}
	if err := w.check(); err != nil {
		return err
	}
	if err := s.admitWrite(w.t); err != nil {
		return err
	}
	return s.runChecked(tx, w, 1)
}

// runChecked does w, whose table is known and which fits it. It costs factor
// times what it would alone.
func (s *Service) runChecked(tx *store.Tx, w *write, factor float64) error {
	key := w.t.itemKey(w.target())
	w.old, w.new = nil, nil
	limited := factor > 0 && w.t.limited(true)
	if limited {
		tx.AfterCommit(func() {
			c := w.cost()
			s.charge(w.t, &c, factor)
		})
	}
	if !limited && factor > 0 && s.config.Meter != nil {
		tx.AfterCommit(func() { s.wrote(w, factor) })
	}
	if limited || w.needOld || w.condition != nil || w.update != nil || w.t.keepsTrack() {
		old, err := w.t.rows.Get(tx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		w.old = old
	}
	if w.inserts && w.old != nil {
		return errDuplicate
	}
	if w.condition != nil && !w.condition.Match(w.old) {
		return errCondition(w.returnItem, w.old)
	}
	if w.checkOnly {
		w.new = w.old
		return nil
	}
	if err := w.makeNew(); err != nil {
		return err
	}
	return s.keep(tx, w, key)
}

// target is what names the item: the item itself, or its key.
func (w *write) target() item.Item {
	if w.item != nil {
		return w.item
	}
	return w.key
}

// check refuses a write that does not fit its table.
func (w *write) check() error {
	if w.item != nil {
		if err := w.t.checkItem(w.item); err != nil {
			return err
		}
	} else if err := w.t.checkKey(w.key); err != nil {
		return err
	}
	if w.update != nil {
		if err := w.checkUpdate(); err != nil {
			return err
		}
	}
	if w.condition != nil {
		return w.t.checkScalars(w.condition.Attributes())
	}
	return nil
}

// checkUpdate refuses an update of key attributes, or of those of indexes to
// what cannot be in them.
func (w *write) checkUpdate() error {
	changed, read := w.update.Attributes()
	for d := range w.t.Key.attributes {
		if slices.ContainsFunc(changed, func(a expression.Attribute) bool { return a.Name == d.Name }) {
			return refuse(invalid + "Cannot update attribute " + d.Name + ". This attribute is part of the key")
		}
	}
	for name, actual := range w.update.Sets {
		for ix := range w.t.indexes {
			for d := range ix.Key.attributes {
				if d.Name == name && actual != 0 && actual != d.Type {
					return errIndexType(ix, d, actual)
				}
			}
		}
	}
	if err := w.t.checkScalars(changed); err != nil {
		return err
	}
	return w.t.checkScalars(read)
}

// makeNew sets what will be there.
func (w *write) makeNew() error {
	switch {
	case w.item != nil:
		w.new = w.item
		return nil
	case w.update == nil:
		return nil
	case w.old == nil && w.update.OnlyRemoves():
		return nil
	}
	before := w.old
	if before == nil {
		before = w.key
	}
	after, err := w.update.Apply(before, w.old != nil)
	if err != nil {
		return err
	}
	if err := w.t.checkUpdated(before, after); err != nil {
		return err
	}
	w.new = after
	return nil
}

// keepsTrack reports whether what was there matters to more than the items of t.
func (t *table) keepsTrack() bool {
	return len(t.Globals) > 0 || len(t.Locals) > 0 || t.Stream.enabled() || len(t.Kinesis) > 0 || t.TTL.Attribute != "" || t.remembers()
}

// keep writes the rows that change: the item, its entries in indexes, and what
// else depends on it.
func (s *Service) keep(tx *store.Tx, w *write, key []byte) error {
	t := w.t
	var err error
	switch {
	case w.new != nil:
		err = t.rows.Put(tx, key, w.new)
	case w.old != nil || !t.keepsTrack():
		err = t.rows.Delete(tx, key)
	default:
		return nil // nothing was there, and nothing is
	}
	if err != nil || !t.keepsTrack() {
		return err
	}
	if err := s.changeIndexes(tx, t, w.old, w.new); err != nil {
		return err
	}
	if err := s.schedule(tx, t, key, w.old, w.new); err != nil {
		return err
	}
	if err := t.remember(tx, w, key); err != nil {
		return err
	}
	return s.record(tx, w, key)
}

// changeIndexes changes the entries of an item in all indexes.
func (s *Service) changeIndexes(tx *store.Tx, t *table, old, new item.Item) error {
	later := len(t.Globals) > 0 && s.lagging()
	for ix := range t.indexes {
		if later && !ix.local {
			continue
		}
		if err := t.index(tx, ix, old, new); err != nil {
			return err
		}
	}
	if later {
		return s.lag(tx, t, old, new)
	}
	return nil
}

// index changes the entry of an item in ix.
func (t *table) index(tx *store.Tx, ix *index, old, new item.Item) error {
	was, is := t.entryKey(ix, old), t.entryKey(ix, new)
	if was != nil && !bytes.Equal(was, is) {
		if err := ix.rows.Delete(tx, was); err != nil {
			return err
		}
	}
	if is == nil {
		return nil
	}
	entry := ix.project(new)
	if bytes.Equal(was, is) && entry.Equal(ix.project(old)) && ix.Backfill == nil {
		return nil
	}
	return ix.rows.Put(tx, is, entry)
}
