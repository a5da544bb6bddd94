// Package due keeps when things are due, as rows of the store, and does them
// when their time comes. What is due while nobody runs is done at the next
// start; it is done in one transaction with all that it changes, so once.
package due

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// never is how long until the next look, if nothing is due.
const never = 24 * time.Hour

// A Key is when something is due.
type Key[K comparable] struct {
	At time.Time
	Of K
}

// Times has when things of a kind are due.
type Times[K comparable] struct{ rows store.Table[Key[K], struct{}] }

// NewTimes returns the times of that name. Like tables, they are made once.
func NewTimes[K comparable](name string) Times[K] {
	return Times[K]{store.NewTable[Key[K], struct{}](name)}
}

// Move has of be due at next in place of *at, which tx has read and which Move
// sets, and rings bell for the task that runs what is due. The zero time is
// never.
func (t Times[K]) Move(tx *store.Tx, of K, at *time.Time, next time.Time, bell task.Bell) error {
	if !at.IsZero() {
		if err := t.rows.Delete(tx, Key[K]{*at, of}); err != nil {
			return err
		}
	}
	if *at = next; next.IsZero() {
		return nil
	}
	tx.AfterCommit(bell.Ring)
	return t.rows.Put(tx, Key[K]{next, of}, struct{}{})
}

// Run does what is due, the first first, each in a transaction of its own in
// which it is due no more, and returns how long until something else is. do is
// told when it was due; it may make it due again.
func (t Times[K]) Run(ctx context.Context, db *store.DB, do func(tx *store.Tx, at time.Time, of K) error) (time.Duration, error) {
	for {
		var first Key[K]
		err := db.View(ctx, func(tx *store.Tx) error {
			first = Key[K]{}
			for first = range t.rows.Scan(tx, Key[K]{}) {
				break
			}
			return tx.Err()
		})
		if err != nil || first.At.IsZero() {
			return never, err
		}
		if wait := time.Until(first.At); wait > 0 {
			return min(wait, never), nil
		}
		err = db.Update(ctx, func(tx *store.Tx) error {
			there, err := t.rows.Has(tx, first)
			if err != nil || !there {
				return err // it was moved meanwhile
			}
			if err := t.rows.Delete(tx, first); err != nil {
				return err
			}
			return do(tx, first.At, first.Of)
		})
		if err != nil {
			return 0, err
		}
	}
}
