package store

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

var numbers = NewTable[int, []byte]("test.numbers")

// putNumber writes three rows that belong together, for n, of about that size.
func putNumber(t *testing.T, db *DB, n, size int) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *Tx) error {
		for i := range 3 {
			if err := numbers.Put(tx, 3*n+i, bytes.Repeat([]byte{byte(n)}, size)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// numbersOf returns how many of what putNumber wrote are there, from the first
// on. It fails if there are others, or halves.
func numbersOf(t *testing.T, db *DB) (n int) {
	t.Helper()
	err := db.View(context.Background(), func(tx *Tx) error {
		rows := 0
		for k, b := range numbers.Scan(tx, 0) {
			if k != rows || len(b) > 0 && b[0] != byte(k/3) {
				return fmt.Errorf("row %d is %d", rows, k)
			}
			rows++
		}
		if n = rows / 3; rows%3 != 0 {
			return fmt.Errorf("%d rows", rows)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func openFS(t *testing.T, fs vfs.FS) *DB {
	t.Helper()
	db, err := Open(SmallMemTable(Config{FS: fs}))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func logFiles(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	names, err := fs.List("log")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// fileOf returns what is in a file of the log.
func fileOf(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(fs.PathJoin("log", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// setFile makes text what is in a file of the log.
func setFile(t *testing.T, fs vfs.FS, name string, text []byte) {
	t.Helper()
	f, err := fs.Create(fs.PathJoin("log", name), vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// The files of the log are used again, through crashes too, and what the log
// has is there when the store is opened again.
func TestJournalReuse(t *testing.T) {
	fs := vfs.NewCrashableMem()
	n := 0
	for round := range 6 {
		db := openFS(t, fs)
		if got := numbersOf(t, db); got != n {
			t.Fatalf("round %d: %d of %d are there", round, got, n)
		}
		for range 300 {
			putNumber(t, db, n, 300)
			n++
		}
		if round%2 == 1 {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		db.Close()
		fs = crashed
	}
	names := logFiles(t, fs)
	if most := 60; len(names) > most { // 1800 transactions wrote some 130 segments
		t.Errorf("%d files", len(names))
	}
	for _, name := range names {
		if h, found, err := parseHeader(fileOf(t, fs, name)); err == nil && found && h.number > uint64(len(names)) {
			return
		}
	}
	t.Error("no file was used again")
}

// However often a store is opened, there are few files.
func TestJournalReopened(t *testing.T) {
	fs := vfs.NewMem()
	const opens = 5 * manySegments
	for n := range opens {
		db := openFS(t, fs)
		putNumber(t, db, n, 5)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(logFiles(t, fs)); n > manySegments+2 {
		t.Errorf("%d files", n)
	}
	db := openFS(t, fs)
	defer db.Close()
	if got := numbersOf(t, db); got != opens {
		t.Errorf("%d are there", got)
	}
}

// The last write is lost if it is torn, and only that; anything else that is
// wrong keeps the store from opening.
func TestJournalDamaged(t *testing.T) {
	fs := vfs.NewCrashableMem()
	db, err := Open(Config{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	var ends []int // of what was written
	const writes = 12
	for n := range writes {
		putNumber(t, db, n, 100*n)
		ends = append(ends, int(db.journal.file.start)+db.journal.file.n)
	}
	fs = fs.CrashClone(vfs.CrashCloneCfg{})
	db.Close()
	text := fileOf(t, fs, "000.log")
	for at := 0; at < ends[writes-1]; at += 61 {
		damaged := fs.CrashClone(vfs.CrashCloneCfg{})
		bad := bytes.Clone(text)
		bad[at] ^= 0x55
		setFile(t, damaged, "000.log", bad)
		db, err := Open(Config{FS: damaged})
		if at < ends[writes-2] {
			if err == nil || !strings.Contains(err.Error(), "the log is corrupt") {
				t.Errorf("byte %d of %d: %v", at, ends[writes-1], err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := numbersOf(t, db); got != writes-1 {
			t.Errorf("byte %d: %d are there", at, got)
		}
		// What comes after a torn write is not lost with it.
		putNumber(t, db, writes-1, 5)
		putNumber(t, db, writes, 5)
		crashed := damaged.CrashClone(vfs.CrashCloneCfg{})
		db.Close()
		db = openFS(t, crashed)
		if got := numbersOf(t, db); got != writes+1 {
			t.Errorf("byte %d, then two more: %d are there", at, got)
		}
		db.Close()
	}
}

// A segment that is gone is missed.
func TestJournalMissing(t *testing.T) {
	fs := vfs.NewCrashableMem()
	c := Config{FS: fs, segmentBytes: wholeBlock}
	db, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		putNumber(t, db, n, 500)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	db.Close()
	names := logFiles(t, crashed)
	if len(names) < 4 {
		t.Fatalf("%d segments", len(names))
	}
	if err := crashed.Remove(crashed.PathJoin("log", names[1])); err != nil {
		t.Fatal(err)
	}
	c.FS = crashed
	if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "are missing") {
		t.Errorf("Open = %v", err)
	}
}

// A group that is larger than what is written at once is kept, and so are small
// ones around it, past the cache of the kernel too.
func TestJournalLarge(t *testing.T) {
	fs := vfs.NewCrashableMem()
	for _, c := range []Config{{FS: fs}, {Dir: t.TempDir()}} {
		db, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		putNumber(t, db, 0, 10)
		putNumber(t, db, 1, MaxValue/2)
		putNumber(t, db, 2, MaxValue*2/3)
		putNumber(t, db, 3, 10)
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		db.Close() // pebble forgets what it has not in tables
		if c.FS != nil {
			c.FS = crashed
		}
		if db, err = Open(c); err != nil {
			t.Fatal(err)
		}
		if got := numbersOf(t, db); got != 4 {
			t.Errorf("%d are there", got)
		}
		db.Close()
	}
}

// The power fails before each write and each sync in turn.
func TestPowerLossAtEveryWrite(t *testing.T) {
	fs := vfs.NewCrashableMem()
	random := rand.New(rand.NewPCG(1, 1))
	type crash struct {
		fs    *vfs.MemFS
		acked int
	}
	var crashes []crash
	var acked atomic.Int64
	var on, busy atomic.Bool
	watched := errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if on.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && busy.CompareAndSwap(false, true) {
			n := int(acked.Load()) // before the clone: it may have more
			crashes = append(crashes, crash{fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(3) * 50, RNG: random}), n})
			busy.Store(false)
		}
		return nil
	}))
	c := SmallMemTable(Config{FS: watched})
	c.memTableBytes = 256 << 10
	db, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	on.Store(true)
	const writes = 60
	for n := range writes {
		putNumber(t, db, n, 40*n)
		acked.Add(1)
	}
	on.Store(false)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if len(crashes) < writes {
		t.Fatalf("%d crashes", len(crashes))
	}
	for i, crash := range crashes {
		db := openFS(t, crash.fs)
		got := numbersOf(t, db)
		if got < crash.acked {
			t.Errorf("crash %d: %d are there, and %d were acknowledged", i, got, crash.acked)
		}
		putNumber(t, db, got, 5)
		again := crash.fs.CrashClone(vfs.CrashCloneCfg{})
		db.Close()
		db = openFS(t, again)
		if now := numbersOf(t, db); now != got+1 {
			t.Errorf("crash %d and another: %d are there, want %d", i, now, got+1)
		}
		db.Close()
	}
}

// What pebble kept in a log of its own, as it once did, is there, and an Aloft
// of that time is told.
func TestOldLog(t *testing.T) {
	fs := vfs.NewCrashableMem()
	c := Config{FS: fs}.withDefaults()
	o := c.pebble(func(error) {}, newScheduler())
	o.DisableWAL = false
	if err := makeDirs(fs, ".", "rows", "blobs"); err != nil {
		t.Fatal(err)
	}
	rows, err := pebble.Open("rows", o)
	if err != nil {
		t.Fatal(err)
	}
	set := func(k, v []byte) {
		if err := rows.Set(k, v, pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	set(formatKey, metaValue(1))
	set(versionKey, metaValue(99))
	for i := range 3 {
		set(appendKey(numbers.layout, nil, &i), []byte("null"))
	}
	old := fs.CrashClone(vfs.CrashCloneCfg{})
	rows.Close()
	for range 2 {
		db := openFS(t, old)
		if n := numbersOf(t, db); n != 1 || db.committer.version < 99 {
			t.Errorf("%d are there, at version %d", n, db.committer.version)
		}
		if f, err := durableMeta(db.rows, formatKey); f != format || err != nil {
			t.Errorf("format %d, %v", f, err)
		}
		crashed := old.CrashClone(vfs.CrashCloneCfg{})
		db.Close()
		old = crashed
	}
}
