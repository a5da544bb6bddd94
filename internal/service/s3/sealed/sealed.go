// Package sealed encrypts content in chunks of 64 KB, each with AES-256-GCM and
// a number of its own, so that any part of it can be read without what is
// before, in constant memory, and what was changed on disk is not taken for it.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

const (
	chunkSize = 64 << 10 // of content
	tagSize   = 16       // behind each chunk
)

// KeySize is the length of keys, in bytes.
const KeySize = 32

// ErrChanged reports that content is not what was written, or that it was
// written with another key.
var ErrChanged = errors.New("sealed: the content was changed, or the key is not its own")

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, chunkSize+tagSize)) }}

// A Key seals one content, and no second: chunks are numbered from nought.
type Key struct{ aead cipher.AEAD }

// NewKey returns the key of KeySize bytes.
func NewKey(key []byte) (Key, error) {
	if len(key) != KeySize {
		return Key{}, fmt.Errorf("sealed: a key of %d bytes", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return Key{}, err
	}
	aead, err := cipher.NewGCM(block)
	return Key{aead}, err
}

// nonce is that of chunk n.
func nonce(n int64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4, 12), uint64(n)) }

// A Writer seals what is written to it. Close writes what is left.
type Writer struct {
	key    Key
	to     io.Writer
	buffer *[]byte // of the chunk to come
	n      int64   // chunks before
}

// NewWriter returns a writer of sealed content to another.
func (k Key) NewWriter(to io.Writer) *Writer {
	return &Writer{key: k, to: to, buffer: buffers.Get().(*[]byte)}
}

// Write seals p.
func (w *Writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		b := *w.buffer
		k := copy(b[len(b):chunkSize], p)
		*w.buffer = b[:len(b)+k]
		n, p = n+k, p[k:]
		if len(*w.buffer) == chunkSize {
			if err := w.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (w *Writer) flush() error {
	b := *w.buffer
	_, err := w.to.Write(w.key.aead.Seal(b[:0], nonce(w.n), b, nil))
	*w.buffer = b[:0]
	w.n++
	return err
}

// Close writes the last chunk. It does not close what w writes to.
func (w *Writer) Close() error {
	if w.buffer == nil {
		return nil
	}
	var err error
	if len(*w.buffer) > 0 {
		err = w.flush()
	}
	*w.buffer = (*w.buffer)[:0]
	buffers.Put(w.buffer)
	w.buffer = nil
	return err
}

// A Reader reads a part of sealed content.
type Reader struct {
	key    Key
	from   io.ReaderAt
	buffer *[]byte
	ready  []byte // of buffer: opened and not read yet
	skip   int    // bytes of the next chunk before the part
	n      int64  // the next chunk
	left   int64  // bytes of the part behind ready
}

// NewReader returns a reader of size bytes of content, from an offset on, that
// from has sealed.
func (k Key) NewReader(from io.ReaderAt, offset, size int64) *Reader {
	return &Reader{key: k, from: from, n: offset / chunkSize, skip: int(offset % chunkSize), left: size}
}

// Read reads what is left of the part.
func (r *Reader) Read(p []byte) (int, error) {
	if err := r.next(); err != nil {
		return 0, err
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// WriteTo implements io.WriterTo, without another copy.
func (r *Reader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if err := r.next(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return written, err
		}
		n, err := w.Write(r.ready)
		written += int64(n)
		r.ready = r.ready[n:]
		if err != nil {
			return written, err
		}
	}
}

// next opens the next chunk, if nothing is ready.
func (r *Reader) next() error {
	if len(r.ready) > 0 {
		return nil
	}
	if r.left == 0 {
		r.Close()
		return io.EOF
	}
	if r.buffer == nil {
		r.buffer = buffers.Get().(*[]byte)
	}
	b := (*r.buffer)[:chunkSize+tagSize]
	n, err := r.from.ReadAt(b, r.n*(chunkSize+tagSize))
	if err != nil && err != io.EOF {
		return err
	}
	opened, err := r.key.aead.Open(b[:0], nonce(r.n), b[:n], nil)
	if err != nil || len(opened) <= r.skip {
		return ErrChanged
	}
	r.ready = opened[r.skip:]
	r.ready = r.ready[:min(int64(len(r.ready)), r.left)]
	r.left -= int64(len(r.ready))
	r.skip = 0
	r.n++
	return nil
}

// Close releases what r holds. It does not close what r reads from.
func (r *Reader) Close() error {
	if r.buffer != nil {
		*r.buffer = (*r.buffer)[:0]
		buffers.Put(r.buffer)
		r.buffer, r.ready, r.left = nil, nil, 0
	}
	return nil
}
