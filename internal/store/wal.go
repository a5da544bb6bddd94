package store

import (
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aloft-cloud/aloft/internal/kernel"
)

// A walFS has the log of pebble written in whole blocks, past the cache of the
// kernel where that is possible: to sync them then keeps no thread waiting and
// takes a third less of a processor.
//
// It also makes the log longer than what is in it, with zeros, by so much at a
// time: to sync what goes in their place takes no write of the file's length
// besides. Pebble uses the files of old logs again for that reason, and reads
// zeros as the end of a log.
type walFS struct {
	vfs.FS
	once sync.Once
	disk *kernel.Disk // nil if there is none
}

// walCategory is what pebble says of files that are its log.
const walCategory = "pebble-wal"

// Sizes of the log, in bytes.
const (
	walBlock  = 4 << 10   // is written whole
	walRoom   = 256 << 10 // for what is not written yet
	fewZeros  = 32 << 10  // written at a time, of a log that is short
	manyZeros = 256 << 10
)

var zeros = kernel.Blocks(manyZeros)

// Create implements vfs.FS.
func (fs *walFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	if err != nil || c != walCategory {
		return f, err
	}
	return fs.log(f), nil
}

// ReuseForWrite implements vfs.FS.
func (fs *walFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(old, name, c)
	if err != nil || c != walCategory {
		return f, err
	}
	log := fs.log(f)
	if info, err := f.Stat(); err == nil {
		log.length = info.Size() &^ (walBlock - 1)
	}
	return log, nil
}

// Unwrap implements vfs.FS.
func (fs *walFS) Unwrap() vfs.FS { return fs.FS }

// log returns f as a log from its beginning.
func (fs *walFS) log(f vfs.File) *walFile {
	log := &walFile{File: f, room: kernel.Blocks(walRoom)}
	if f.Fd() == vfs.InvalidFd {
		return log
	}
	fs.once.Do(func() { fs.disk, _ = kernel.NewDisk() }) // it goes without
	if fs.disk != nil && kernel.SetDirect(f.Fd(), true) == nil {
		log.disk = fs.disk
	}
	return log
}

// direct reports whether logs are written past the cache of the kernel.
func (fs *walFS) direct() bool { return fs.disk != nil }

// close ends what fs has of the kernel.
func (fs *walFS) close() error {
	if fs.disk == nil {
		return nil
	}
	return fs.disk.Close()
}

// A walFile is a log that is written.
type walFile struct {
	vfs.File
	disk   *kernel.Disk // nil if the file is not direct
	room   []byte       // for the blocks that are not full and durable
	start  int64        // of those in the file
	n      int          // bytes in them
	dirty  bool         // not all of them are durable
	length int64        // of the file
	failed bool         // to write zeros, as it may on a disk that is full: it goes without
}

// Write implements io.Writer.
func (f *walFile) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n := copy(f.room[f.n:], p[written:])
		f.n, f.dirty, written = f.n+n, true, written+n
		if f.n == len(f.room) {
			if err := f.SyncData(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// SyncData implements vfs.File. The block that is not full is written again
// with what comes, and what was durable of it stays as it was.
func (f *walFile) SyncData() error {
	if !f.dirty {
		return nil
	}
	end := (f.n + walBlock - 1) &^ (walBlock - 1)
	clear(f.room[f.n:end])
	f.lengthen(f.start + int64(end))
	if err := f.put(f.room[:end]); err != nil {
		return err
	}
	full := f.n &^ (walBlock - 1)
	copy(f.room, f.room[full:f.n])
	f.start, f.n, f.dirty = f.start+int64(full), f.n-full, false
	return nil
}

// lengthen makes sure that the file has zeros up to end, and more.
func (f *walFile) lengthen(end int64) {
	if end <= f.length || f.failed {
		return
	}
	n := min(max(fewZeros, f.length), manyZeros)
	_, err := f.File.WriteAt(zeros[:n], end)
	f.failed, f.length = err != nil, end+n
}

// put makes blocks durable.
func (f *walFile) put(blocks []byte) error {
	if f.disk != nil {
		err := f.disk.WriteAt(f.Fd(), blocks, f.start)
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		if f.disk, err = nil, kernel.SetDirect(f.Fd(), false); err != nil {
			return err
		}
	}
	if _, err := f.File.WriteAt(blocks, f.start); err != nil {
		return err
	}
	return f.File.SyncData()
}

// Sync implements vfs.File.
func (f *walFile) Sync() error { return errors.Join(f.SyncData(), f.File.Sync()) }

// Close implements io.Closer.
func (f *walFile) Close() error { return errors.Join(f.SyncData(), f.File.Close()) }
