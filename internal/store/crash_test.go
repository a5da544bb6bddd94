package store_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/storetest"
)

// checkCrashed checks history, of w, and what is left of it in fs. What was
// not acknowledged by the time of the crash may be there or not.
func checkCrashed(t *testing.T, fs vfs.FS, w storetest.Workload, history []storetest.Txn, crashed int64) {
	t.Helper()
	for i := range history {
		if history[i].End > crashed {
			history[i].Forget()
		}
	}
	db, err := store.Open(store.Config{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	last, err := storetest.Final(db, w)
	if err != nil {
		t.Fatal(err)
	}
	if err := storetest.Check(append(history, last)); err != nil {
		t.Error(err)
	}
}

// The power fails amid load, and any part of what was not synced is lost.
func TestPowerLoss(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		fs := vfs.NewCrashableMem()
		c := store.Config{FS: fs}
		if seed%2 == 0 {
			c = store.SmallMemTable(c)
		}
		db, err := store.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		var crash *vfs.MemFS
		var at int64
		var acked atomic.Int64
		limit := int64(random.IntN(400))
		w := storetest.Workload{Txns: 50, Seed: seed}
		w.Acked = func(storetest.Txn) {
			if acked.Add(1) == limit+1 {
				at = time.Now().UnixNano()
				crash = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
			}
		}
		history := storetest.Run(db, w)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		checkCrashed(t, crash, w, history, at)
	}
}

// The disk fails in many ways. From then on the store refuses everything, and
// has not promised what it did not keep.
func TestFailingDisk(t *testing.T) {
	syncs := func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
	}
	writes := func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileWriteAt || op.Kind == errorfs.OpCreate
	}
	isLog := func(op errorfs.Op) bool { return strings.HasSuffix(op.Path, ".log") }
	for _, test := range []struct {
		name  string
		fails func(errorfs.Op) bool
		err   error
	}{
		{"sync of the log", func(op errorfs.Op) bool { return isLog(op) && syncs(op) }, syscall.EIO},
		{"write of the log", func(op errorfs.Op) bool { return isLog(op) && writes(op) }, syscall.EIO},
		{"sync of the manifest", func(op errorfs.Op) bool { return strings.Contains(op.Path, "MANIFEST") && syncs(op) }, syscall.EIO},
		{"write of tables", func(op errorfs.Op) bool { return strings.HasSuffix(op.Path, ".sst") && writes(op) }, syscall.EIO},
		{"any sync", syncs, syscall.EIO},
		{"full", writes, syscall.ENOSPC},
	} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(5) {
				testFailingDisk(t, seed, test.fails, test.err)
			}
		})
	}
}

func testFailingDisk(t *testing.T, seed uint64, fails func(errorfs.Op) bool, broken error) {
	random := rand.New(rand.NewPCG(seed, 2))
	mem := vfs.NewCrashableMem()
	var on atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	fatal := make(chan error, 10)
	c := store.SmallMemTable(store.Config{
		FS: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if on.Load() && fails(op) {
				return broken
			}
			return nil
		})),
		Log: slog.New(slog.DiscardHandler),
		Fatal: func(err error) {
			fatal <- err
			cancel()
		},
	})
	db, err := store.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	var acked atomic.Int64
	limit := int64(random.IntN(300))
	w := storetest.Workload{Txns: -1, Seed: seed, Context: ctx}
	w.Acked = func(storetest.Txn) {
		if acked.Add(1) == limit+1 {
			on.Store(true)
		}
	}
	history := storetest.Run(db, w)
	if err := <-fatal; !errors.Is(err, broken) && !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("Fatal was told %v, want %v", err, broken)
	}
	for _, run := range []func(context.Context, func(*store.Tx) error) error{db.View, db.Update} {
		if err := run(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrFailed) {
			t.Errorf("after the failure: %v, want %v", err, store.ErrFailed)
		}
	}
	if err := db.Close(); !errors.Is(err, store.ErrFailed) {
		t.Errorf("Close = %v, want %v", err, store.ErrFailed)
	}
	on.Store(false) // pebble would go on trying
	if len(fatal) > 0 {
		t.Errorf("Fatal was told again: %v", <-fatal)
	}
	crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
	checkCrashed(t, crashed, w, history, time.Now().UnixNano())
}

// Positions of logs rise for ever, whatever was stamped before a crash.
func TestPositionsRise(t *testing.T) {
	fs := vfs.NewCrashableMem()
	var last store.Position
	for range 10 {
		db, err := store.Open(store.Config{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			var p *store.Position
			update(t, db, func(tx *store.Tx) (err error) {
				p, err = events.Append(tx, tableA, "x")
				return err
			})
			if p.Version <= last.Version {
				t.Errorf("position %v comes after %v", p, last)
			}
			last = *p
		}
		fs = fs.CrashClone(vfs.CrashCloneCfg{})
		db.Close()
	}
}

// A second store on a directory is refused.
func TestLock(t *testing.T) {
	for _, c := range []store.Config{{Dir: t.TempDir()}, {FS: vfs.NewMem(), Dir: "a/b"}} {
		db, err := store.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := store.Open(c); err == nil {
			other.Close()
			t.Error("opened twice")
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Close again = %v, want %v", err, store.ErrClosed)
		}
		if db, err = store.Open(c); err != nil {
			t.Errorf("Open after Close: %v", err)
			continue
		}
		db.Close()
	}
}
