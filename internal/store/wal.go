package store

import "github.com/cockroachdb/pebble/v2/vfs"

// A walFS makes the log of pebble longer than what is in it, with zeros, by so
// much at a time: to sync what goes in their place then takes no write of the
// file's length besides, and so a third less. Pebble uses the files of old logs
// again for that reason, and reads zeros as the end of a log.
type walFS struct{ vfs.FS }

// walCategory is what pebble says of files that are its log.
const walCategory = "pebble-wal"

// Zeros written at a time, in bytes: of a log that is short, few.
const (
	fewZeros  = 32 << 10
	manyZeros = 256 << 10
)

var zeros [manyZeros]byte

// Create implements vfs.FS.
func (fs walFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	if err != nil || c != walCategory {
		return f, err
	}
	return &walFile{File: f}, nil
}

// ReuseForWrite implements vfs.FS.
func (fs walFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(old, name, c)
	if err != nil || c != walCategory {
		return f, err
	}
	log := &walFile{File: f}
	if info, err := f.Stat(); err == nil {
		log.length = info.Size()
	}
	return log, nil
}

// Unwrap implements vfs.FS.
func (fs walFS) Unwrap() vfs.FS { return fs.FS }

// A walFile is a log that is written.
type walFile struct {
	vfs.File
	end    int64 // of what has been written
	length int64 // of the file
	failed bool  // to write zeros, as it may on a disk that is full: it goes without
}

// Write implements io.Writer.
func (f *walFile) Write(p []byte) (int, error) {
	if end := f.end + int64(len(p)); end > f.length && !f.failed {
		n := min(max(fewZeros, f.length), manyZeros)
		_, err := f.File.WriteAt(zeros[:n], end)
		f.failed, f.length = err != nil, end+n
	}
	n, err := f.File.Write(p)
	f.end += int64(n)
	return n, err
}
