package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

var bodies = store.NewTable[string, store.Body]("test.body")

var sizes = map[string]int{"empty": 0, "small": 5, "row": store.MaxInline, "file": store.MaxInline + 1, "large": 3 << 20}

// save keeps size bytes under name.
func save(t testing.TB, db *store.DB, name string, size int) store.Body {
	t.Helper()
	up := db.Blobs().Create(t.Context())
	defer up.Close()
	return keep(t, db, up, name, size)
}

func keep(t testing.TB, db *store.DB, up *store.Upload, name string, size int) (body store.Body) {
	t.Helper()
	if _, err := io.CopyN(struct{ io.Writer }{up}, pattern(), int64(size)); err != nil {
		t.Fatal(err)
	}
	if err := up.Finish(); err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *store.Tx) (err error) {
		if body, err = up.Keep(tx); err != nil {
			return err
		}
		return bodies.Put(tx, name, body)
	})
	return body
}

// pattern returns bytes that are different everywhere.
func pattern() io.Reader { return strings.NewReader(strings.Repeat("0123456789abcdef\n", 1<<18)) }

func checkBody(t testing.TB, db *store.DB, name string, size int) {
	t.Helper()
	var r *store.BodyReader
	view(t, db, func(tx *store.Tx) error {
		body, err := bodies.Get(tx, name)
		if err != nil {
			return err
		}
		r, err = db.Blobs().Open(tx, body)
		return err
	})
	defer r.Close()
	want, _ := io.ReadAll(io.LimitReader(pattern(), int64(size)))
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: read %d bytes, %v; want %d", name, len(got), err, size)
	}
	part := make([]byte, min(size, 3))
	if size == 0 {
		return
	}
	if _, err := r.ReadAt(part, int64(size-len(part))); err != nil || !bytes.Equal(part, want[size-len(part):]) {
		t.Errorf("%s: the end is %q, %v; want %q", name, part, err, want[size-len(part):])
	}
}

func TestBlobs(t *testing.T) {
	db := open(t)
	for name, size := range sizes {
		body := save(t, db, name, size)
		checkBody(t, db, name, size)
		up, err := db.Blobs().CopyOf(t.Context(), body)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, db, up, name+" copy", 0)
		up.Close()
		update(t, db, func(tx *store.Tx) error { return db.Blobs().Drop(tx, body) })
		checkBody(t, db, name+" copy", size)
	}
}

func TestUploadThatFails(t *testing.T) {
	fs := vfs.NewMem()
	db, err := store.Open(store.Config{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	up := db.Blobs().Create(ctx)
	if _, err := up.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := up.Write([]byte("more")); !errors.Is(err, context.Canceled) {
		t.Errorf("Write = %v, want %v", err, context.Canceled)
	}
	if err := up.Finish(); !errors.Is(err, context.Canceled) {
		t.Errorf("Finish = %v, want %v", err, context.Canceled)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := up.Keep(tx)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Keep = %v, want %v", err, context.Canceled)
	}
	up.Close()
	if n := countFiles(t, fs); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// countFiles returns how many bodies are files.
func countFiles(t *testing.T, fs vfs.FS) (n int) {
	shards, err := fs.List("blobs")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shards {
		files, err := fs.List("blobs/" + s)
		if err != nil {
			t.Fatal(err)
		}
		n += len(files)
	}
	return n
}

// A dropped file stays as long as a transaction may still open it; one that a
// crash left behind is found.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		db, err := store.Open(store.Config{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		save(t, db, "kept", 1<<20)
		dropped := save(t, db, "dropped", 1<<20)
		up := db.Blobs().Create(t.Context())
		up.Write(make([]byte, 1<<20))
		up.Finish()
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		up.Close()
		db.Close()
		if n := countFiles(t, crashed); n != 3 {
			t.Errorf("%d files after the crash, want 3", n)
		}

		db, err = store.Open(store.Config{FS: crashed})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var tasks task.Group
		for _, task := range db.Tasks() {
			tasks.Start(ctx, task)
		}
		defer tasks.Wait()
		defer cancel()
		synctest.Wait()
		if n := countFiles(t, crashed); n != 2 {
			t.Errorf("%d files after a sweep, want 2", n)
		}
		update(t, db, func(tx *store.Tx) error { return db.Blobs().Drop(tx, dropped) })
		time.Sleep(30 * time.Second)
		checkBody(t, db, "dropped", 1<<20)
		time.Sleep(time.Minute)
		if n := countFiles(t, crashed); n != 1 {
			t.Errorf("%d files a while after Drop, want 1", n)
		}
		view(t, db, func(tx *store.Tx) error {
			if _, err := db.Blobs().Open(tx, dropped); !errors.Is(err, store.ErrBody) {
				t.Errorf("Open = %v, want %v", err, store.ErrBody)
			}
			return nil
		})
		time.Sleep(100 * time.Hour)
		checkBody(t, db, "kept", 1<<20)
	})
}

// smallDisk is a disk with little room.
type smallDisk struct {
	vfs.FS
	free atomic.Uint64
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free.Load()}, nil
}

// On a disk that is nearly full, rows can be deleted but not written.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &smallDisk{FS: vfs.NewMem()}
		disk.free.Store(1 << 30)
		db := openConfig(t, store.Config{FS: disk})
		ctx, cancel := context.WithCancel(t.Context())
		var tasks task.Group
		for _, task := range db.Tasks() {
			tasks.Start(ctx, task)
		}
		defer tasks.Wait()
		defer cancel()
		for _, free := range []uint64{1 << 30, 1 << 20, 1 << 30} {
			disk.free.Store(free)
			time.Sleep(time.Minute)
			var want error
			if free < 1<<30 {
				want = store.ErrFull
			}
			if err := db.Update(ctx, func(tx *store.Tx) error { return words.Put(tx, "a", 1) }); err != want {
				t.Errorf("with %d bytes free, Put = %v, want %v", free, err, want)
			}
			up := db.Blobs().Create(ctx)
			if _, err := up.Write([]byte("a")); err != want {
				t.Errorf("with %d bytes free, Write = %v, want %v", free, err, want)
			}
			up.Close()
			update(t, db, func(tx *store.Tx) error { return words.Delete(tx, "a") })
		}
	})
}
