package mqtt

import (
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf8"
)

// readLength reads a number of up to four bytes, of seven bits each.
func readLength(r io.ByteReader) (int, error) {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		n |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			if b == 0 && shift > 0 {
				return 0, ErrMalformed // it could be shorter
			}
			return n, nil
		}
	}
	return 0, ErrMalformed
}

func appendLength(b []byte, n int) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// A reader reads what a packet holds. Once it is bad it stays so.
type reader struct {
	b   []byte
	bad bool
}

// ReadByte implements io.ByteReader.
func (r *reader) ReadByte() (byte, error) {
	if r.bad || len(r.b) == 0 {
		r.bad = true
		return 0, ErrMalformed
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c, nil
}

func (r *reader) byte() byte {
	c, _ := r.ReadByte()
	return c
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) bytes() []byte { return r.take(int(r.uint16())) }

// text reads a text of UTF-8.
func (r *reader) text() string {
	s := string(r.bytes())
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		r.bad = true
	}
	return s
}

func (r *reader) rest() []byte {
	out := r.b
	r.b = nil
	return out
}

// A writer writes what a packet holds.
type writer struct{ b []byte }

func (w *writer) uint16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *writer) uint32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }

// bytes writes b, of which there are no more than a length of 16 bits can say.
func (w *writer) bytes(b []byte) {
	b = b[:min(len(b), 1<<16-1)]
	w.uint16(uint16(len(b)))
	w.b = append(w.b, b...)
}

func (w *writer) text(s string) { w.bytes([]byte(s)) }
