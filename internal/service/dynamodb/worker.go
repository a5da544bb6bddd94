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
	"github.com/aloft-cloud/aloft/internal/task"
)

func (s *Service) tasks() []task.Task {
	return []task.Task{
		{Name: "dynamodb/backfill", Run: s.fillIndexes, Bell: s.backfills},
		{Name: "dynamodb/tokens", Run: s.forgetTokens},
		{Name: "dynamodb/streams", Run: s.trimStreams},
		{Name: "dynamodb/shards", Run: s.rollStreams, Bell: s.rolls},
		{Name: "dynamodb/history", Run: s.trimHistory},
		{Name: "dynamodb/transfer", Run: s.transfer, Bell: s.transfers},
		{Name: "dynamodb/kinesis", Run: s.tellAll, Bell: s.telling},
		{Name: "dynamodb/expiry", Run: s.expire, Bell: s.expiry},
	}
}

// idle is how long a task sleeps that only a bell gives something to do.
const idle = 24 * time.Hour

// A backfill is how far the entries of a new index, what expiry needs, or the
// items of a table that is restored, have been made. Writes make those of the items they touch meanwhile, so each item needs to be seen once.
type backfill struct {
	After []byte `json:",omitempty"` // key of the last row seen
}

const (
	fillRows  = 500
	fillBytes = 1 << 20
)

// fillIndexes makes the entries of new indexes, what expiry needs, and the items
// of tables that are restored.
func (s *Service) fillIndexes(ctx context.Context) (time.Duration, error) {
	var unfinished []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		unfinished = nil
		for arn, t := range tables.Scan(tx, aws.ARN{}) {
			if t.restoring() || len(t.Copies) > 0 || t.TTL.Backfill != nil || slices.ContainsFunc(t.Globals, func(ix *index) bool { return ix.Backfill != nil }) {
				unfinished = append(unfinished, arn)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, arn := range unfinished {
		if err := s.copyTable(ctx, arn); err != nil {
			return 0, err
		}
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
	if len(unfinished) > 0 {
		s.expiry.Ring() // some items may be due
	}
	return idle, nil
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

// fillSome does so for some more items of a table, and reports whether
// there is more to do.
func fillSome(tx *store.Tx, arn aws.ARN) (more bool, err error) {
	t, err := readTable(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil // deleted meanwhile
	}
	if err != nil {
		return false, err
	}
	if t.restoring() {
		done, err := t.restore(tx)
		if err != nil {
			return false, err
		}
		if done {
			t.Restored.Backfill = nil
		}
		return true, putTable(tx, t)
	}
	if t.TTL.Backfill != nil {
		done, err := t.fillTTL(tx)
		if err != nil {
			return false, err
		}
		if done {
			t.TTL.Backfill = nil
		}
		return true, putTable(tx, t)
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
	return t.fillFrom(tx, ix.Backfill, func(_ []byte, it item.Item) error {
		if entry := t.entryKey(ix, it); entry != nil && ix.checkItem(it) == nil {
			return ix.rows.Put(tx, entry, ix.project(it))
		}
		return nil
	})
}

// fillFrom calls each for some more items, and reports whether it has seen all.
func (t *table) fillFrom(tx *store.Tx, b *backfill, each func(key []byte, it item.Item) error) (done bool, err error) {
	var from []byte
	if b.After != nil {
		from = append(b.After, 0)
	}
	rows, size := 0, 0
	for key, row := range t.rows.Scan(tx, from, nil) {
		b.After = bytes.Clone(key)
		if err := each(key, bytes.Clone(row)); err != nil {
			return false, err
		}
		rows++
		if size += len(row); rows == fillRows || size >= fillBytes {
			return false, tx.Err()
		}
	}
	return true, tx.Err()
}
