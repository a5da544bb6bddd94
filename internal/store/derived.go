package store

import (
	"context"
	"sync/atomic"
)

// A Derived is what somebody makes of many rows to answer with, such as all
// that a proxy needs of what is configured. It is made when it is asked for, and
// anew after a transaction that said that it changes it.
type Derived[T any] struct {
	db      *DB
	derive  func(*Tx) (*T, error)
	changes atomic.Uint64
	latest  atomic.Pointer[derived[T]]
}

// A derived is what was made after so many changes.
type derived[T any] struct {
	changes uint64
	value   *T
}

// Derive returns what derive makes of the rows of db. What it returns is shared, and never changed.
func Derive[T any](db *DB, derive func(*Tx) (*T, error)) *Derived[T] {
	return &Derived[T]{db: db, derive: derive}
}

// Changed has d made anew once tx is kept.
func (d *Derived[T]) Changed(tx *Tx) {
	tx.AfterCommit(func() { d.changes.Add(1) })
}

// Get returns d with all that was acknowledged before.
func (d *Derived[T]) Get(ctx context.Context) (*T, error) {
	changes := d.changes.Load()
	if v := d.latest.Load(); v != nil && v.changes == changes {
		return v.value, nil
	}
	var value *T
	err := d.db.View(ctx, func(tx *Tx) (err error) {
		value, err = d.derive(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.latest.Store(&derived[T]{changes, value})
	return value, nil
}
