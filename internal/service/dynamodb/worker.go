package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

func (s *Service) tasks() []task.Task {
	return []task.Task{
		{Name: "dynamodb/backfill", Run: s.fillIndexes, Bell: s.backfills},
		{Name: "dynamodb/tokens", Run: s.forgetTokens},
	}
}

// idle is how long a task sleeps that only a bell gives something to do.
const idle = 24 * time.Hour

// A backfill is how far the entries of a new index have been made. Writes make
// those of the items they touch meanwhile, so each item needs to be seen once.
type backfill struct {
	After []byte `json:",omitempty"` // key of the last row seen
}

const (
	fillRows  = 500
	fillBytes = 1 << 20
)

// fillIndexes makes the entries of new indexes.
func (s *Service) fillIndexes(ctx context.Context) (time.Duration, error) {
	var unfinished []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		unfinished = nil
		for arn, t := range tables.Scan(tx, aws.ARN{}) {
			for _, ix := range t.Globals {
				if ix.Backfill != nil {
					unfinished = append(unfinished, arn)
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, arn := range unfinished {
		for more := true; more; {
			err := s.db.Update(ctx, func(tx *store.Tx) error {
				more, err = fillSome(tx, arn)
				return err
			})
			if err != nil {
				return 0, err
			}
		}
	}
	return idle, nil
}

// fillSome makes entries for some more items of a table, and reports whether
// there is more to do.
func fillSome(tx *store.Tx, arn aws.ARN) (more bool, err error) {
	t, err := readTable(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil // deleted meanwhile
	}
	if err != nil {
		return false, err
	}
	for _, ix := range t.Globals {
		if ix.Backfill == nil {
			continue
		}
		done, err := t.fill(tx, ix)
		if err != nil {
			return false, err
		}
		if done {
			ix.Backfill = nil
		}
		return true, putTable(tx, t)
	}
	return false, nil
}

// fill makes entries of ix for some more items, and reports whether it has
// seen all. Items with a value that cannot be in the key have none.
func (t *table) fill(tx *store.Tx, ix *index) (done bool, err error) {
	var from []byte
	if ix.Backfill.After != nil {
		from = append(ix.Backfill.After, 0)
	}
	rows, size := 0, 0
	for key, row := range t.rows.Scan(tx, from, nil) {
		ix.Backfill.After = bytes.Clone(key)
		it := item.Item(bytes.Clone(row))
		if entry := t.entryKey(ix, it); entry != nil && ix.checkItem(it) == nil {
			if err := ix.rows.Put(tx, entry, ix.project(it)); err != nil {
				return false, err
			}
		}
		rows++
		if size += len(row); rows == fillRows || size >= fillBytes {
			return false, tx.Err()
		}
	}
	return true, tx.Err()
}
