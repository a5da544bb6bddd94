package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aloft-cloud/aloft/internal/task"
)

// MaxInline is the largest body that is kept as a row. Larger ones are files.
const MaxInline = 128 << 10

// A Body is what a row keeps of bytes that may be too many for a row: the
// content of an object, or the code of a function. Its zero value is no body.
type Body struct {
	ID   string // never used again for other bytes
	Size int64
}

// isFile reports whether b is a file, and not a row.
func (b Body) isFile() bool { return len(b.ID) == idLength && b.ID[0] == 'f' }

// Blobs keep bodies, of any size. A small body is a row, written in the
// transaction that keeps it; a large one is a file, which is on disk before
// that transaction. The caller need not know which.
//
//	up := db.Blobs().Create(ctx)
//	defer up.Close()
//	if _, err := io.Copy(up, r); err != nil { … }
//	if err := up.Finish(); err != nil { … }
//	err := db.Update(ctx, func(tx *store.Tx) error {
//		body, err := up.Keep(tx)
//		…
//		return objects.Put(tx, key, object{Body: body})
//	})
type Blobs struct {
	db   *DB
	fs   vfs.FS
	dir  string
	bell task.Bell // rings when a file has been dropped

	small   Rows                        // small bodies, by ID
	kept    Table[string, kept]         // files that belong to somebody
	dropped Table[droppedKey, struct{}] // files to be removed in a while

	mu      sync.Mutex
	pending map[string]bool // files that no transaction keeps yet
	shards  map[string]bool // directories known to be on disk
}

// A kept file belongs to a row of somebody.
type kept struct{ Size int64 }

// A droppedKey tells when a file was dropped.
type droppedKey struct {
	At time.Time
	ID string
}

// ErrBody reports that a body is not there, because it was dropped a while ago.
var ErrBody = errors.New("store: no such body")

// Blobs returns the bodies of db.
func (db *DB) Blobs() *Blobs { return &db.blobs }

func (b *Blobs) init(db *DB) {
	b.db, b.fs, b.bell = db, db.config.FS, task.NewBell()
	b.small = NewBytes[string]("store.body").Rows("")
	b.kept = NewTable[string, kept]("store.kept")
	b.dropped = NewTable[droppedKey, struct{}]("store.dropped")
	b.dir = b.fs.PathJoin(db.config.Dir, "blobs")
	b.pending, b.shards = make(map[string]bool), make(map[string]bool)
}

// A BodyReader reads a body, from any place. It must be closed.
type BodyReader struct {
	*io.SectionReader
	file vfs.File // nil for a row
}

// Section returns size bytes of the body from an offset on. They are read once,
// and no other section meanwhile. Of a file, the kernel can send them by itself.
func (r *BodyReader) Section(from, size int64) io.Reader {
	f, ok := r.file.(io.ReadSeeker)
	if !ok {
		return io.NewSectionReader(r.SectionReader, from, size)
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return io.NewSectionReader(r.SectionReader, from, size)
	}
	return &io.LimitedReader{R: f, N: size}
}

// Close releases what r holds.
func (r *BodyReader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Open opens body, as a row that tx has read names it. The reader may be used
// after tx has ended, and whatever becomes of body meanwhile.
func (b *Blobs) Open(tx *Tx, body Body) (*BodyReader, error) {
	switch {
	case body == Body{}:
		return &BodyReader{SectionReader: io.NewSectionReader(bytes.NewReader(nil), 0, 0)}, nil
	case !body.isFile():
		row, err := b.small.Get(tx, []byte(body.ID))
		if errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("%w: %s", ErrBody, body.ID)
		}
		return &BodyReader{SectionReader: io.NewSectionReader(bytes.NewReader(row), 0, int64(len(row)))}, err
	}
	f, err := b.fs.Open(b.path(body.ID))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrBody, body.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("store: open body: %w", err)
	}
	return &BodyReader{io.NewSectionReader(f, 0, body.Size), f}, nil
}

// Drop removes body, if tx is kept. No other row may name it. Those who have
// it open can go on reading.
func (b *Blobs) Drop(tx *Tx, body Body) error {
	switch {
	case body == Body{}:
		return nil
	case !body.isFile():
		return b.small.Delete(tx, []byte(body.ID))
	}
	tx.AfterCommit(b.bell.Ring)
	return b.dropped.Put(tx, droppedKey{time.Now(), body.ID}, struct{}{})
}

// path returns where the file id is.
func (b *Blobs) path(id string) string { return b.fs.PathJoin(b.dir, id[1:3], id) }
