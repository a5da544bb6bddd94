package store

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// counters are rows that each a writer of its own writes.
var counters = NewTable[int, int]("test.counters")

// Those who write again and again at the same time share groups, whoever else
// leaves, and all of them end.
func TestCrowd(t *testing.T) {
	db, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const writers = 12
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range 20 * (w + 1) { // in the end one is alone
				if err := db.Update(context.Background(), func(tx *Tx) error { return counters.Put(tx, w, i) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for w := range writers {
		err := db.View(context.Background(), func(tx *Tx) error {
			if n, err := counters.Get(tx, w); err != nil || n != 20*(w+1)-1 {
				t.Errorf("writer %d: %d, %v", w, n, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// A crowd is waited for only if it is one, and never by one who writes alone.
func TestCrowdLacks(t *testing.T) {
	for _, tt := range []struct {
		size, queued, n int
		want            bool
	}{
		{0, 0, 1, false},
		{0, 2, 1, false},
		{0, 0, smallCrowd, true},
		{0, smallCrowd, smallCrowd, true},
		{smallCrowd, 0, 1, false}, // it has shrunk
		{largeCrowd, largeCrowd - 1, 1, true},
		{largeCrowd, largeCrowd, 1, false},
		{10 * largeCrowd, largeCrowd, 1, false},
	} {
		c := crowd{size: tt.size}
		if got := c.lacks(tt.queued, tt.n); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

// Those who do not come back are waited for once, and not again.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &DB{journal: new(journal), queued: task.NewBell(), queue: make([]*pending, 2)}
		c := &committer{db: db, crowd: crowd{size: largeCrowd}}
		began := time.Now()
		c.gather()
		if took := time.Since(began); took != patience || c.crowd.size != 2 {
			t.Errorf("after %v, a crowd of %d", took, c.crowd.size)
		}
		if c.gathers(1) {
			t.Error("waits where syncs are not those of a disk")
		}
	})
}
