package store_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/aloft-cloud/aloft/internal/store"
)

// slowLog is a disk whose log is not synced before release is closed, once slow is set.
func slowLog(fs vfs.FS, slow *atomic.Bool, release <-chan struct{}) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".log") && op.Kind == errorfs.OpFileSyncData && slow.Load() {
			<-release
		}
		return nil
	}))
}

// lookAhead returns the row of key as a transaction sees it.
func lookAhead(run func(context.Context, func(*store.Tx) error) error) (row string, err error) {
	err = run(context.Background(), func(tx *store.Tx) error {
		b, err := benchRows.Get(tx, []byte("key"))
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		row = string(b)
		return err
	})
	return row, err
}

// UpdateAhead does not wait for the disk; all others do, those who see what it did too.
func TestUpdateAhead(t *testing.T) {
	mem, release := vfs.NewCrashableMem(), make(chan struct{})
	var slow atomic.Bool
	db, err := store.Open(store.Config{FS: slowLog(mem, &slow, release)})
	if err != nil {
		t.Fatal(err)
	}
	slow.Store(true)
	var done atomic.Bool
	err = db.UpdateAhead(t.Context(), func(tx *store.Tx) error {
		tx.AfterCommit(func() { done.Store(true) })
		return benchRows.Put(tx, []byte("key"), []byte("ahead"))
	})
	if err != nil || done.Load() {
		t.Fatalf("UpdateAhead = %v, and what comes after is done: %v", err, done.Load())
	}
	if row, err := lookAhead(db.View); err != nil || row != "" {
		t.Errorf("a View sees %q, %v, before it is durable", row, err)
	}
	lost := mem.CrashClone(vfs.CrashCloneCfg{})
	seen, settled := make(chan string, 1), make(chan error, 1)
	go func() {
		row, err := lookAhead(db.Update)
		if err != nil || !done.Load() && slow.Load() {
			row = "not durable"
		}
		seen <- row
	}()
	go func() { settled <- db.Settle(context.Background()) }()
	select {
	case row := <-seen:
		t.Errorf("an Update returned with %q before that is durable", row)
	case <-settled:
		t.Error("Settle returned before all was durable")
	default:
	}
	slow.Store(false)
	close(release)
	if row := <-seen; row != "ahead" {
		t.Errorf("an Update sees %q", row)
	}
	if err := <-settled; err != nil || !done.Load() {
		t.Errorf("Settle = %v, and what comes after is done: %v", err, done.Load())
	}
	if row, err := lookAhead(db.View); err != nil || row != "ahead" {
		t.Errorf("a View sees %q, %v", row, err)
	}
	kept := mem.CrashClone(vfs.CrashCloneCfg{})
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	for row, fs := range map[string]vfs.FS{"": lost, "ahead": kept} {
		db := openConfig(t, store.Config{FS: fs})
		if got, err := lookAhead(db.View); err != nil || got != row {
			t.Errorf("after the power failed: %q, %v; want %q", got, err, row)
		}
	}
}

// Where transactions lose races, those ahead lose nothing: each counts.
func TestUpdateAheadCounts(t *testing.T) {
	db := openConfig(t, store.Config{FS: vfs.NewMem()})
	const writers, times = 8, 50
	errs := make(chan error, writers)
	for w := range writers {
		update := db.UpdateAhead
		if w%2 == 0 {
			update = db.Update
		}
		go func() {
			var err error
			for range times {
				err = errors.Join(err, update(context.Background(), func(tx *store.Tx) error {
					b, err := benchRows.Get(tx, []byte("key"))
					if err != nil && !errors.Is(err, store.ErrNotFound) {
						return err
					}
					return benchRows.Put(tx, []byte("key"), append(b, 'x'))
				}))
			}
			errs <- err
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if row, err := lookAhead(db.Update); err != nil || len(row) != writers*times {
		t.Errorf("%d of %d count, %v", len(row), writers*times, err)
	}
}
