package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// idLength is of the name of a body: 'r' for a row or 'f' for a file, and 128
// random bits.
const idLength = 33

func newID(kind string) string {
	var b [16]byte
	rand.Read(b[:])
	return kind + hex.EncodeToString(b[:])
}

// syncEvery is after how many bytes of a file the disk is told to begin with
// them, so that it is not idle until the last has come.
const syncEvery = 1 << 20

// An Upload is a body on its way into the store. Write it, Finish it, Keep it
// in a transaction, and Close it whatever happens.
type Upload struct {
	blobs    *Blobs
	ctx      context.Context
	small    []byte // what was written, until it is too much
	id       string // of the file
	file     vfs.File
	size     int64
	begun    int64 // bytes that the disk was told to write already
	finished bool
	kept     bool
	err      error
}

// Create begins a body. Writing to it fails when ctx ends.
func (b *Blobs) Create(ctx context.Context) *Upload { return &Upload{blobs: b, ctx: ctx} }

// Write adds p to the body.
func (u *Upload) Write(p []byte) (int, error) {
	if u.err == nil {
		u.err = u.ctx.Err()
	}
	if u.err == nil && u.blobs.db.full.Load() {
		u.err = ErrFull
	}
	switch {
	case u.err != nil:
		return 0, u.err
	case u.finished:
		return 0, errors.New("store: write to a body that is finished")
	case u.file == nil && len(u.small)+len(p) <= MaxInline:
		u.small = append(u.small, p...)
		u.size += int64(len(p))
		return len(p), nil
	case u.file == nil:
		if u.err = u.spill(); u.err != nil {
			return 0, u.err
		}
	}
	n, err := u.file.Write(p)
	u.size += int64(n)
	if err == nil && u.size-u.begun >= syncEvery {
		var waited bool
		u.begun = u.size
		if waited, err = u.file.SyncTo(u.size); waited {
			u.begun = math.MaxInt64 // a file system that cannot begin without an end
		}
	}
	if err != nil {
		u.err = fmt.Errorf("store: write body: %w", err)
	}
	return n, u.err
}

// spill makes the body a file.
func (u *Upload) spill() error {
	path, err := u.name()
	if err != nil {
		return err
	}
	if u.file, err = u.blobs.fs.Create(path, "blob"); err != nil {
		return fmt.Errorf("store: create body: %w", err)
	}
	_, err = u.file.Write(u.small)
	u.small = nil
	if err != nil {
		return fmt.Errorf("store: write body: %w", err)
	}
	return nil
}

// name gives the body an ID and returns the path of its file.
func (u *Upload) name() (string, error) {
	b := u.blobs
	u.id = newID("f")
	path := b.path(u.id)
	b.mu.Lock()
	b.pending[u.id] = true
	b.mu.Unlock()
	return path, b.makeShard(b.fs.PathDir(path))
}

// makeShard makes sure that dir is on disk.
func (b *Blobs) makeShard(dir string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shards[dir] {
		return nil
	}
	if err := b.fs.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("store: make %s: %w", dir, err)
	}
	if err := syncDir(b.fs, b.dir); err != nil {
		return err
	}
	b.shards[dir] = true
	return nil
}

// Finish has the body on disk, ready to be kept.
func (u *Upload) Finish() error {
	if u.err != nil || u.finished {
		return u.err
	}
	u.finished = true
	if u.file == nil {
		return nil
	}
	err := errors.Join(u.file.Sync(), u.file.Close())
	u.file = nil
	if err != nil {
		u.err = fmt.Errorf("store: sync body: %w", err)
		return u.err
	}
	u.err = syncDir(u.blobs.fs, u.blobs.fs.PathDir(u.blobs.path(u.id)))
	return u.err
}

// Size returns how many bytes were written.
func (u *Upload) Size() int64 { return u.size }

// Keep makes the body part of tx, and returns what a row should remember of
// it. The body must be finished.
func (u *Upload) Keep(tx *Tx) (Body, error) {
	switch {
	case u.err != nil:
		return Body{}, u.err
	case !u.finished:
		return Body{}, errors.New("store: keep a body that is not finished")
	case u.size == 0:
		return Body{}, nil
	case u.id != "" && u.id[0] == 'f':
		tx.AfterCommit(func() { u.kept = true })
		return Body{u.id, u.size}, u.blobs.kept.Put(tx, u.id, kept{u.size})
	}
	if u.id == "" {
		u.id = newID("r")
	}
	return Body{u.id, u.size}, u.blobs.small.Put(tx, []byte(u.id), u.small)
}

// Close ends the upload. A body that no transaction has kept is removed.
func (u *Upload) Close() error {
	if u.err == nil {
		u.err = errors.New("store: the upload is closed")
	}
	var err error
	if u.file != nil {
		err = u.file.Close()
		u.file = nil
	}
	b := u.blobs
	if u.id == "" || u.id[0] != 'f' || b.db.failed() != nil {
		return err // after a failure, it is not known whether it was kept
	}
	if !u.kept {
		err = errors.Join(err, b.fs.Remove(b.path(u.id)))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pending, u.id)
	return err
}

// CopyOf begins a body with the bytes of another, already finished. A file is
// not copied but linked.
func (b *Blobs) CopyOf(ctx context.Context, body Body) (*Upload, error) {
	u := b.Create(ctx)
	if body.isFile() {
		path, err := u.name()
		if err == nil {
			err = b.fs.Link(b.path(body.ID), path)
		}
		if err == nil {
			err = syncDir(b.fs, b.fs.PathDir(path))
		}
		if err != nil {
			u.Close()
			if errors.Is(err, os.ErrNotExist) {
				err = ErrBody
			}
			return nil, fmt.Errorf("store: link body %s: %w", body.ID, err)
		}
		u.size, u.finished = body.Size, true
		return u, nil
	}
	err := b.db.View(ctx, func(tx *Tx) error {
		r, err := b.Open(tx, body)
		if err == nil {
			u.small, err = io.ReadAll(r)
		}
		return err
	})
	u.size, u.finished = int64(len(u.small)), true
	return u, err
}
