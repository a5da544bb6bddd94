package store_test

import (
	"context"
	"sync"
	"testing"

	"github.com/aloft-cloud/aloft/internal/store"
)

// TestDerivedIsCurrent has some count a row up, and others look at what is
// derived of it: it is never behind what was acknowledged before they looked.
func TestDerivedIsCurrent(t *testing.T) {
	db := open(t)
	rows := store.NewTable[string, int]("test.derived")
	made := store.Derive(db, func(tx *store.Tx) (*int, error) {
		n, err := rows.Get(tx, "n")
		if err == store.ErrNotFound {
			err = nil
		}
		return &n, err
	})
	get := func() int {
		n, err := made.Get(context.Background())
		if err != nil {
			t.Error(err)
			return 0
		}
		return *n
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				var n int
				err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
					if n, err = rows.Get(tx, "n"); err != nil && err != store.ErrNotFound {
						return err
					}
					n++
					made.Changed(tx)
					return rows.Put(tx, "n", n)
				})
				if got := get(); err != nil || got < n {
					t.Errorf("derived of %d, after %d was kept: %v", got, n, err)
				}
			}
		})
	}
	all.Wait()
	if n := get(); n != 200 {
		t.Errorf("derived of %d, not 200", n)
	}
	before, err := made.Get(context.Background())
	if again, _ := made.Get(context.Background()); err != nil || again != before {
		t.Error("made anew, though nothing changed")
	}
}
