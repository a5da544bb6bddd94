package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aloft-cloud/aloft/internal/kernel"
)

// A journal is the log of the store: every batch that pebble was given, until
// pebble has it in tables. The committer writes it itself, and waits for the
// disk itself, and has pebble take the batches in meanwhile. So pebble may have
// a batch on disk that the log has not: it is one that nobody was told of.
//
// Each batch sets the row of appliedKey to its own number. What that row says
// when the store is opened is how far pebble has come; the log has the rest.
//
// Once all batches of a segment are in tables, its file is used again.
type journal struct {
	fs   vfs.FS
	dir  string
	rows *pebble.DB
	disk *kernel.Disk // nil if there is none
	size int64        // of a segment, before the next is begun

	last     uint64 // batch
	segments []*segment
	now      *segment // that is written; the last of segments, or nil
	file     *blockFile
	first    uint64 // batch of the frame that is made; 0 if there is none
	from     int    // of that frame, in file.room
}

// A segment is one whose file is there.
type segment struct {
	header
	name string
	last uint64 // batch in it
}

// manySegments are more than are left to be read again at the next start: each
// start begins one, however little is written then.
const manySegments = 8

// appliedKey holds the number of the batch that set it last.
var appliedKey = []byte{spaceMeta, 'a'}

// openJournal opens the log in dir, and gives pebble what it lacks.
func openJournal(fs vfs.FS, dir string, rows *pebble.DB, size int64) (*journal, error) {
	j := &journal{fs: fs, dir: dir, rows: rows, size: size}
	var err error
	if j.last, err = readMeta(rows, appliedKey); err != nil {
		return nil, err
	}
	if err := j.find(); err != nil {
		return nil, err
	}
	applied, needed := j.last, 0
	for _, s := range j.segments {
		if err := j.replay(s); err != nil {
			return nil, err
		}
		if s.last > applied {
			needed++
		}
	}
	if needed > manySegments {
		if err := rows.Flush(); err != nil {
			return nil, fmt.Errorf("store: have what the log has in tables: %w", err)
		}
	}
	if fs == vfs.Default {
		j.disk, _ = kernel.NewDisk() // it goes without
	}
	return j, nil
}

// direct reports whether the log is written past the cache of the kernel.
func (j *journal) direct() bool { return j.disk != nil }

// find lists the segments, in order.
func (j *journal) find() error {
	names, err := j.fs.List(j.dir)
	if err != nil {
		return fmt.Errorf("store: list the log: %w", err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".log") {
			continue
		}
		text, err := j.text(name, headerBytes)
		if err != nil {
			return err
		}
		h, _, err := parseHeader(text)
		if err != nil {
			return fmt.Errorf("%w (%s)", err, name)
		}
		j.segments = append(j.segments, &segment{header: h, name: name})
	}
	slices.SortFunc(j.segments, func(a, b *segment) int { return cmp.Compare(a.number, b.number) })
	return nil
}

// text reads a file, or the most bytes of it.
func (j *journal) text(name string, most int64) ([]byte, error) {
	f, err := j.fs.Open(j.fs.PathJoin(j.dir, name))
	if err != nil {
		return nil, fmt.Errorf("store: read the log: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("store: read the log: %w", err)
	}
	return text, nil
}

// replay gives pebble what s has and pebble lacks. Where the frames end there is
// nothing, or one that was not written whole, which nobody was told of: then
// none that is newer comes after it.
func (j *journal) replay(s *segment) error {
	if s.number == 0 {
		return nil // it was never written
	}
	text, err := j.text(s.name, 1<<62)
	if err != nil {
		return err
	}
	before := j.last
	end, err := s.read(text, func(f frame) error {
		s.last = f.last()
		for i, b := range f.batches {
			if err := j.apply(f.first+uint64(i), b); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("store: replay %s: %w", s.name, err)
	case s.newest(text[end:]) > j.last:
		return fmt.Errorf("store: the log is corrupt: at byte %d of %s is no batch, and those after it are there", end, s.name)
	case j.last == before:
		return nil
	}
	return j.makeDurable(s)
}

// apply gives pebble the batch of that number, if pebble lacks it.
func (j *journal) apply(number uint64, repr []byte) error {
	switch {
	case number <= j.last:
		return nil
	case number > j.last+1:
		return fmt.Errorf("store: the log is corrupt: batches %d to %d are missing", j.last+1, number-1)
	}
	b := j.rows.NewBatch()
	if err := b.SetRepr(repr); err != nil {
		return err
	}
	if err := j.rows.Apply(b, pebble.NoSync); err != nil {
		return err
	}
	j.last = number
	return b.Close()
}

// makeDurable syncs s: what was read of it may be in caches only.
func (j *journal) makeDurable(s *segment) error {
	f, err := j.fs.OpenReadWrite(j.fs.PathJoin(j.dir, s.name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("store: sync the log: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("store: sync the log: %w", err)
	}
	return nil
}

// add makes b part of what is written next, and gives it its number.
func (j *journal) add(b *pebble.Batch) error {
	if j.first == 0 {
		if j.now == nil || j.file.start >= j.size {
			if err := j.rotate(); err != nil {
				return err
			}
		}
		j.first, j.from = j.last+1, j.file.n
		j.file.add(make([]byte, frameBytes)...)
	}
	j.last++
	if err := b.Set(appliedKey, metaValue(j.last), nil); err != nil {
		return err
	}
	repr := b.Repr()
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(repr)))
	j.file.add(n[:]...)
	j.file.add(repr...)
	return nil
}

// begin begins to write what was added.
func (j *journal) begin() error {
	if j.first == 0 {
		return nil
	}
	j.now.finish(j.file.room[j.from:j.file.n], j.first)
	return j.file.begin()
}

// wait waits until that is durable.
func (j *journal) wait() error {
	if j.first == 0 {
		return nil
	}
	j.now.last, j.first = j.last, 0
	return j.file.wait()
}

// rotate begins a segment, in a file that is not needed any more if there is one.
func (j *journal) rotate() error {
	if err := j.close(); err != nil {
		return err
	}
	s, f, err := j.reuse()
	if err == nil && s == nil {
		s, f, err = j.create()
	}
	if err != nil {
		return fmt.Errorf("store: begin a segment of the log: %w", err)
	}
	var number uint64
	for _, other := range j.segments {
		number = max(number, other.number)
	}
	s.header, s.last = newHeader(number+1), 0
	j.now, j.file = s, newBlockFile(f, j.disk)
	j.file.add(s.append(nil)...)
	return nil
}

// reuse returns a segment that is not needed any more, and its file, or nil.
func (j *journal) reuse() (*segment, vfs.File, error) {
	durable, err := durableMeta(j.rows, appliedKey)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(j.segments, func(s *segment) bool { return s.last <= durable })
	if i < 0 {
		return nil, nil, nil
	}
	s := j.segments[i]
	f, err := j.fs.OpenReadWrite(j.fs.PathJoin(j.dir, s.name), vfs.WriteCategoryUnspecified)
	return s, f, err
}

// create makes the file of a new segment.
func (j *journal) create() (*segment, vfs.File, error) {
	s := &segment{}
	named := func(other *segment) bool { return other.name == s.name }
	for n := 0; s.name == "" || slices.ContainsFunc(j.segments, named); n++ {
		s.name = fmt.Sprintf("%03d.log", n)
	}
	f, err := j.fs.Create(j.fs.PathJoin(j.dir, s.name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, nil, err
	}
	if err := syncDir(j.fs, j.dir); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	j.segments = append(j.segments, s)
	return s, f, nil
}

// close closes the file that is written, if there is one.
func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	f := j.file
	j.now, j.file = nil, nil
	return f.Close()
}

// Close ends what j has of the kernel.
func (j *journal) Close() error {
	err := j.close()
	if j.disk != nil {
		err = errors.Join(err, j.disk.Close())
	}
	return err
}
