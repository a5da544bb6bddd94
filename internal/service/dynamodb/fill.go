package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A backfill is something that is being made of all items of a table: the
// entries of a new index, what expiry needs, or the items of a table that is
// restored. Writes make those of the items they touch meanwhile, so each item
// needs to be seen once.
type backfill struct {
	ID    string `json:",omitempty"` // of its row in filled
	After []byte `json:",omitempty"` // key of the last row seen
}

// filled has the key of the last row that a backfill has seen. That is no part
// of the table's row, because whoever changes that makes all writes run again.
var filled = store.NewTable[filledKey, filledRow]("dynamodb.filled")

type filledKey struct{ Table, Backfill string } // ids

type filledRow struct{ After []byte }

func newBackfill() *backfill { return &backfill{ID: newUUID()} }

const (
	// One transaction makes something of so many rows, or so many bytes of them.
	fillRows  = 200
	fillBytes = 1 << 20
)

// fill makes some more of what is being made of the items of tables, and
// returns how long to rest then: as long as it took, since others come first.
func (s *Service) fill(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	if len(s.unfilled) == 0 {
		err := s.db.View(ctx, func(tx *store.Tx) error {
			s.unfilled = nil
			for arn, t := range tables.Scan(tx, aws.ARN{}) {
				if t.restoring() || len(t.Copies) > 0 || t.TTL.Backfill != nil || slices.ContainsFunc(t.Globals, func(ix *index) bool { return ix.Backfill != nil }) {
					s.unfilled = append(s.unfilled, arn)
				}
			}
			return nil
		})
		if err != nil || len(s.unfilled) == 0 {
			return idle, err
		}
	}
	arn := s.unfilled[0]
	if err := s.copyTable(ctx, arn); err != nil {
		return 0, err
	}
	more, err := s.fillSome(ctx, arn)
	if err != nil {
		return 0, err
	}
	if !more {
		s.unfilled = s.unfilled[1:]
		s.expiry.Ring() // some items may be due
	}
	return time.Since(began), nil
}

// copyTable makes the backups of a table that are being made.
func (s *Service) copyTable(ctx context.Context, arn aws.ARN) error {
	for {
		var t *table
		err := s.db.View(ctx, func(tx *store.Tx) (err error) {
			t, err = readTable(tx, arn)
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		i := slices.IndexFunc(t.Copies, func(id aws.ARN) bool { return id.Region == arn.Region && strings.Contains(id.Resource, backupKind) })
		if i < 0 {
			return nil
		}
		if err := s.copySome(ctx, t, t.Copies[i]); err != nil {
			return err
		}
	}
}

// A filling is one backfill of a table.
type filling struct {
	backfill *backfill
	each     func(tx *store.Tx, key []byte, it item.Item) error
	end      func()
}

// filling returns what is being made of the items of t, or nil.
func (t *table) filling() *filling {
	if b := t.TTL.Backfill; b != nil {
		return &filling{b, t.noteDue, func() { t.TTL.Backfill = nil }}
	}
	for _, ix := range t.Globals {
		if b := ix.Backfill; b != nil {
			each := func(tx *store.Tx, _ []byte, it item.Item) error { return t.enter(tx, ix, it) }
			return &filling{b, each, func() { ix.Backfill = nil }}
		}
	}
	return nil
}

// enter makes the entry of it in ix, which is new. Items with a value that
// cannot be in the key have none.
func (t *table) enter(tx *store.Tx, ix *index, it item.Item) error {
	if entry := t.entryKey(ix, it); entry != nil && ix.checkItem(it) == nil {
		return ix.rows.Put(tx, entry, ix.project(it))
	}
	return nil
}

// fillSome makes something of some more items of a table, and reports whether
// there may be more to do.
func (s *Service) fillSome(ctx context.Context, arn aws.ARN) (more bool, err error) {
	var t *table
	var keys [][]byte
	var after []byte
	done := false
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		if t, err = readTable(tx, arn); err == nil {
			keys, after, done, err = t.unfilled(tx)
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil // deleted meanwhile
	case err != nil:
		return false, err
	case t.restoring():
		return true, s.db.Update(ctx, func(tx *store.Tx) error { return restoreSome(tx, arn) })
	case t.filling() == nil:
		return false, nil
	}
	id := t.filling().backfill.ID
	return true, s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := readTable(tx, arn)
		if err != nil {
			return err
		}
		f := t.filling()
		if f == nil || f.backfill.ID != id {
			return nil // something else is to be made now
		}
		return t.fill(tx, f, keys, after, done)
	})
}

// unfilled returns the keys of some more rows of which something is being
// made, the last of them, and whether there are no others. They are looked for
// apart from where they are read, so that items that come meanwhile do not matter.
func (t *table) unfilled(tx *store.Tx) (keys [][]byte, last []byte, done bool, err error) {
	f := t.filling()
	if f == nil {
		return nil, nil, false, nil
	}
	last = f.backfill.After
	row, err := filled.Get(tx, filledKey{t.ID, f.backfill.ID})
	if err == nil {
		last = row.After
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, nil, false, err
	}
	var from []byte
	if last != nil {
		from = append(bytes.Clone(last), 0)
	}
	size := 0
	for key, row := range t.rows.Scan(tx, from, nil) {
		last = bytes.Clone(key)
		keys = append(keys, last)
		if size += len(row); len(keys) == fillRows || size >= fillBytes {
			return keys, last, false, tx.Err()
		}
	}
	return keys, last, true, tx.Err()
}

// fill makes f of the rows under keys, and notes the last.
func (t *table) fill(tx *store.Tx, f *filling, keys [][]byte, last []byte, done bool) error {
	for _, key := range keys {
		it, err := t.rows.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		if err := f.each(tx, key, it); err != nil {
			return err
		}
	}
	progress := filledKey{t.ID, f.backfill.ID}
	if !done {
		return filled.Put(tx, progress, filledRow{last})
	}
	f.end()
	if err := filled.Delete(tx, progress); err != nil {
		return err
	}
	return putTable(tx, t)
}

// restoreSome makes some more items of a table that is restored.
func restoreSome(tx *store.Tx, arn aws.ARN) error {
	t, err := readTable(tx, arn)
	if err != nil || !t.restoring() {
		return err
	}
	done, err := t.restore(tx)
	if err != nil {
		return err
	}
	if done {
		if t.Restored.Parted {
			if err := releaseCopy(tx, t.Restored.Source, arn); err != nil {
				return err
			}
		}
		t.endRestore()
	}
	return putTable(tx, t)
}
