package store

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config says where a store is and what it may use. Its zero value is a store
// in the current directory.
type Config struct {
	Dir string       // the store's own; made if missing
	FS  vfs.FS       // nil is the disk
	Log *slog.Logger // nil is slog.Default

	// CacheBytes is how much of the files to keep in memory; 0 is 64 MB. It
	// is taken as it is needed.
	CacheBytes int64

	// Fatal is called once if the store can no longer keep its promises. The
	// process should end. Whether it does or not, the store refuses everything.
	Fatal func(error)

	// RunTwice runs every function given to Update twice and keeps the second
	// run, so that tests find those that have effects besides.
	RunTwice bool

	// HistoryKeys is how many written keys are remembered for the sake of
	// transactions that run; 0 is 200,000. One that outlives them runs again.
	HistoryKeys int

	// For tests.
	skipRanges    bool   // do not validate ranges, to show that tests would notice
	memTableBytes uint64 // flush sooner; 0 is 8 MB
	segmentBytes  int64  // of the log; 0 is 4 MB
}

// OpenMemory opens an empty store in memory, for tests. It runs the functions
// given to Update twice.
func OpenMemory() (*DB, error) {
	return Open(Config{FS: vfs.NewMem(), RunTwice: true})
}

func (c Config) withDefaults() Config {
	if c.Dir == "" {
		c.Dir = "."
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 64 << 20
	}
	if c.HistoryKeys == 0 {
		c.HistoryKeys = 200_000
	}
	if c.memTableBytes == 0 {
		c.memTableBytes = 8 << 20 // a few of them are read again after a crash
	}
	if c.segmentBytes == 0 {
		c.segmentBytes = 4 << 20
	}
	return c
}

// pebble returns the options of the engine.
func (c Config) pebble(failed func(error), s *scheduler) *pebble.Options {
	compactions := min(4, max(1, runtime.GOMAXPROCS(0)/2))
	o := &pebble.Options{
		FS:                          c.FS,
		DisableWAL:                  true, // there is a journal
		CacheSize:                   c.CacheBytes,
		MemTableSize:                c.memTableBytes, // grown to, from 256 KB
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               64 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      logger{c.Log, failed},
		CompactionConcurrencyRange:  func() (int, int) { return compactions, compactions },
	}
	o.Experimental.CompactionScheduler = s
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return compression })
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].BlockSize = 8 << 10
	}
	w := &writeErrors{log: c.Log, failed: failed}
	o.EventListener = &pebble.EventListener{
		BackgroundError: w.add,
		FlushEnd:        func(i pebble.FlushInfo) { w.flushed(i.Err) },
		DataCorruption:  func(i pebble.DataCorruptionInfo) { failed(fmt.Errorf("store: corrupt file: %s", i)) },
	}
	return o
}

// compression is what takes least to read a row again that is on disk alone.
var compression = pebble.UniformDBCompressionSettings(block.MinLZCompression)

// writeErrors are what goes wrong when pebble writes files in the background.
// It tries again at once, for ever.
type writeErrors struct {
	log    *slog.Logger
	failed func(error)
	row    atomic.Int64 // errors since the last flush that worked
}

// mostErrors is how many errors in a row are thought to be for good. Then the
// memory fills with what cannot be flushed, and all who write would wait.
const mostErrors = 1000

func (w *writeErrors) add(err error) {
	n := w.row.Add(1)
	if n == 1 {
		w.log.Error("store: cannot write files, trying again", "err", err)
	}
	if n == mostErrors {
		w.failed(fmt.Errorf("store: cannot write files: %w", err))
	}
}

func (w *writeErrors) flushed(err error) {
	if err == nil {
		w.row.Store(0)
	}
}

// A logger passes on what pebble has to say.
type logger struct {
	log    *slog.Logger
	failed func(error)
}

func (l logger) Infof(format string, args ...any) {
	if ctx := context.Background(); l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "store: "+fmt.Sprintf(format, args...))
	}
}

func (l logger) Errorf(format string, args ...any) {
	l.log.Error("store: " + fmt.Sprintf(format, args...))
}

// Fatalf must not return.
func (l logger) Fatalf(format string, args ...any) {
	l.failed(fmt.Errorf("store: "+format, args...))
	runtime.Goexit()
}
