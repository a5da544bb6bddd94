package store

import (
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aloft-cloud/aloft/internal/kernel"
)

// A blockFile is a file that is written from its beginning on, in whole blocks,
// past the cache of the kernel where that is possible: to sync them then keeps
// no thread waiting and takes a third less of a processor.
//
// It also makes the file longer than what is in it, with zeros, by so much at a
// time: to sync what goes in their place takes no write of the file's length
// besides.
type blockFile struct {
	vfs.File
	disk   *kernel.Disk // nil if the file is not direct
	room   []byte       // for the block that is not full, and what comes after it
	start  int64        // of those in the file
	n      int          // bytes in them
	end    int          // of those under way
	length int64        // of the file
	failed bool         // to write zeros, as it may on a disk that is full: it goes without
}

// Sizes of a blockFile, in bytes.
const (
	wholeBlock = 4 << 10 // is written whole
	smallRoom  = 64 << 10
	largeRoom  = 1 << 20   // is not kept
	most       = 4 << 20   // in one write
	fewZeros   = 32 << 10  // written at a time, of a file that is short
	manyZeros  = 256 << 10 //
)

var zeros = kernel.Blocks(manyZeros)

// newBlockFile returns f, to be written from its beginning on, by disk if that
// is not nil.
func newBlockFile(f vfs.File, disk *kernel.Disk) *blockFile {
	b := &blockFile{File: f, room: kernel.Blocks(smallRoom)}
	if info, err := f.Stat(); err == nil {
		b.length = info.Size() &^ (wholeBlock - 1)
	}
	if disk != nil && f.Fd() != vfs.InvalidFd && kernel.SetDirect(f.Fd(), true) == nil {
		b.disk = disk
	}
	return b
}

// add appends p to what is to be written.
func (f *blockFile) add(p ...byte) {
	if need := upToBlock(f.n + len(p)); need > len(f.room) {
		room := kernel.Blocks(max(need, 2*len(f.room)))
		copy(room, f.room[:f.n])
		f.room = room
	}
	f.n += copy(f.room[f.n:], p)
}

// begin begins to write what was added. The block that was not full is written
// again, and what was durable of it stays as it was. Until wait, nothing is
// added.
func (f *blockFile) begin() error {
	f.end = upToBlock(f.n)
	clear(f.room[f.n:f.end])
	f.lengthen(f.start + int64(f.end))
	for f.end > most {
		if err := f.put(f.room[:most]); err != nil {
			return err
		}
		f.room = f.room[most:]
		f.start, f.n, f.end = f.start+most, f.n-most, f.end-most
	}
	if f.disk != nil {
		f.disk.Begin(f.Fd(), f.room[:f.end], f.start)
	}
	return nil
}

// wait waits until what begin began to write is durable.
func (f *blockFile) wait() error {
	if err := f.finish(); err != nil {
		return err
	}
	full := f.n &^ (wholeBlock - 1)
	rest := f.room[full:f.n]
	if len(f.room) > largeRoom || len(f.room) < smallRoom {
		f.room = kernel.Blocks(smallRoom)
	}
	copy(f.room, rest)
	f.start, f.n, f.end = f.start+int64(full), len(rest), 0
	return nil
}

func (f *blockFile) finish() error {
	if f.disk == nil {
		return f.put(f.room[:f.end])
	}
	err := f.disk.Wait()
	if errors.Is(err, errors.ErrUnsupported) {
		return f.putCached(f.room[:f.end])
	}
	return err
}

// put makes blocks durable.
func (f *blockFile) put(blocks []byte) error {
	if f.disk == nil {
		return f.putCached(blocks)
	}
	err := f.disk.WriteAt(f.Fd(), blocks, f.start)
	if errors.Is(err, errors.ErrUnsupported) {
		return f.putCached(blocks)
	}
	return err
}

// putCached makes blocks durable by way of the kernel's cache, as it is to be
// done from now on.
func (f *blockFile) putCached(blocks []byte) error {
	if f.disk != nil {
		f.disk = nil
		if err := kernel.SetDirect(f.Fd(), false); err != nil {
			return err
		}
	}
	if _, err := f.WriteAt(blocks, f.start); err != nil {
		return err
	}
	return f.SyncData()
}

// lengthen makes sure that the file has zeros up to end, and more.
func (f *blockFile) lengthen(end int64) {
	if end <= f.length || f.failed {
		return
	}
	n := min(max(fewZeros, f.length), manyZeros)
	_, err := f.WriteAt(zeros[:n], end)
	f.failed, f.length = err != nil, end+n
}

func upToBlock(n int) int { return (n + wholeBlock - 1) &^ (wholeBlock - 1) }
