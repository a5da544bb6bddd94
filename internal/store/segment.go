package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The log is segments. A segment is a header and frames, and what a file had
// before it was used again. A frame is what was written together: batches, in
// order of their numbers, which rise by one. It is whole or it never was.
//
//	header: "aloftlog"  number u64  salt 8  checksum u32
//	frame:  salt 8  first batch u64  length u32  checksum u32  batches
//	batch:  length u32  as pebble represents it
//
// The salt is drawn for a segment, so that nobody can make a row that looks like
// a frame, and what a file had before does not either.
type header struct {
	number uint64 // they rise from segment to segment
	salt   [saltBytes]byte
}

const (
	segmentMagic = "aloftlog"
	saltBytes    = 8
	headerBytes  = 28
	frameBytes   = 24 // before the batches
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newHeader returns the header of the segment of that number.
func newHeader(number uint64) header {
	h := header{number: number}
	rand.Read(h.salt[:])
	return h
}

// append appends h as it is written.
func (h header) append(b []byte) []byte {
	from := len(b)
	b = append(b, segmentMagic...)
	b = binary.BigEndian.AppendUint64(b, h.number)
	b = append(b, h.salt[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// parseHeader reads the header at the beginning of text. A file that begins
// with zeros has none: it was never written, or not durably.
func parseHeader(text []byte) (h header, found bool, err error) {
	text = text[:min(len(text), headerBytes)]
	if len(bytes.Trim(text, "\x00")) == 0 {
		return h, false, nil
	}
	const salt = len(segmentMagic) + 8
	if len(text) < headerBytes || string(text[:len(segmentMagic)]) != segmentMagic ||
		crc32.Checksum(text[:headerBytes-4], castagnoli) != binary.BigEndian.Uint32(text[headerBytes-4:]) {
		return h, false, fmt.Errorf("store: the log is corrupt: %d bytes that are no header", len(text))
	}
	h.number = binary.BigEndian.Uint64(text[len(segmentMagic):])
	copy(h.salt[:], text[salt:])
	return h, true, nil
}

// finish fills in the head of a frame, which is all of b.
func (h header) finish(b []byte, first uint64) {
	copy(b, h.salt[:])
	binary.BigEndian.PutUint64(b[saltBytes:], first)
	binary.BigEndian.PutUint32(b[saltBytes+8:], uint32(len(b)-frameBytes))
	binary.BigEndian.PutUint32(b[saltBytes+12:], checksum(b))
}

// checksum is that of a frame, all but the checksum itself: a frame may be torn
// anywhere, so that what was before makes up for the rest.
func checksum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[:frameBytes-4], castagnoli), castagnoli, frame[frameBytes:])
}

// A frame is one that was read.
type frame struct {
	first   uint64 // batch
	batches [][]byte
	size    int // of it all
}

// last is its last batch.
func (f *frame) last() uint64 { return f.first + uint64(len(f.batches)) - 1 }

// parse reads the frame at the beginning of text, if there is one.
func (h header) parse(text []byte) (f frame, whole bool) {
	if len(text) < frameBytes || !bytes.HasPrefix(text, h.salt[:]) {
		return f, false
	}
	f.first = binary.BigEndian.Uint64(text[saltBytes:])
	length := binary.BigEndian.Uint32(text[saltBytes+8:])
	if uint64(length) > uint64(len(text)-frameBytes) {
		return f, false
	}
	f.size = frameBytes + int(length)
	if checksum(text[:f.size]) != binary.BigEndian.Uint32(text[saltBytes+12:]) {
		return f, false
	}
	for rest := text[frameBytes:f.size]; len(rest) > 0; {
		if len(rest) < 4 {
			return f, false
		}
		n := binary.BigEndian.Uint32(rest)
		if rest = rest[4:]; uint64(n) > uint64(len(rest)) {
			return f, false
		}
		f.batches = append(f.batches, rest[:n:n])
		rest = rest[n:]
	}
	return f, len(f.batches) > 0
}

// read gives the frames of a segment to fn, in order, up to the first that is
// not whole, and returns where that is.
func (h header) read(text []byte, fn func(frame) error) (end int, err error) {
	for end = headerBytes; end < len(text); {
		f, whole := h.parse(text[end:])
		if !whole {
			break
		}
		if err := fn(f); err != nil {
			return end, err
		}
		end += f.size
	}
	return end, nil
}

// newest returns the last batch of the frames that are whole, wherever they are
// in text, or 0.
func (h header) newest(text []byte) (last uint64) {
	for {
		i := bytes.Index(text, h.salt[:])
		if i < 0 {
			return last
		}
		text = text[i:]
		if f, whole := h.parse(text); whole {
			last = max(last, f.last())
		}
		text = text[1:]
	}
}
