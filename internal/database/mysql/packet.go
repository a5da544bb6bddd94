package mysql

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errProtocol says that the other side does not speak the protocol.
var errProtocol = errors.New("this is not the protocol of MySQL")

// wholePacket is the size of one that goes on in the next.
const wholePacket = 1<<24 - 1

// A Packet is one of either side's.
type Packet struct {
	Seq     byte // its number within what they speak about
	Payload []byte
}

// ReadPacket reads a packet of most bytes at most.
func ReadPacket(r io.Reader, most int) (Packet, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Packet{}, err
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if size > most || size == wholePacket {
		return Packet{}, fmt.Errorf("%w: a packet of %d bytes", errProtocol, size)
	}
	p := Packet{Seq: head[3], Payload: make([]byte, size)}
	_, err := io.ReadFull(r, p.Payload)
	return p, err
}

// Write writes the packet.
func (p Packet) Write(w io.Writer) error {
	size := len(p.Payload)
	if size >= wholePacket {
		return fmt.Errorf("%w: a packet of %d bytes", errProtocol, size)
	}
	_, err := w.Write(append([]byte{byte(size), byte(size >> 8), byte(size >> 16), p.Seq}, p.Payload...))
	return err
}

// First bytes of what a server answers.
const (
	headOK     = 0x00
	headMore   = 0x01 // of how the user proves who he is
	headInfile = 0xfb
	headEOF    = 0xfe
	headError  = 0xff
)

// Last reports whether the server says that a user is in, or is not.
func (p Packet) Last() bool {
	return len(p.Payload) > 0 && (p.Payload[0] == headOK || p.Payload[0] == headError)
}

// An Error is a refusal of a server's.
type Error struct {
	Code    uint16
	State   string // of SQL: "42S02"
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("ERROR %d (%s): %s", e.Code, e.State, e.Message)
}

// Packet is the refusal as a server sends it. One that is sent before the client has
// said anything has no state.
func (e *Error) Packet(seq byte) Packet {
	text := binary.LittleEndian.AppendUint16([]byte{headError}, e.Code)
	if e.State != "" {
		text = append(append(text, '#'), e.State...)
	}
	return Packet{seq, append(text, e.Message...)}
}

// refusal is the error that a packet tells of.
func refusal(text []byte) error {
	if len(text) < 3 {
		return errProtocol
	}
	e := &Error{Code: binary.LittleEndian.Uint16(text[1:]), State: "HY000"}
	text = text[3:]
	if len(text) >= 6 && text[0] == '#' {
		e.State, text = string(text[1:6]), text[6:]
	}
	e.Message = string(text)
	return e
}

// A reader reads the values in a packet. What is not there is empty, and bad is true.
type reader struct {
	text []byte
	bad  bool
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.text)) {
		r.bad, r.text = true, nil
		return nil
	}
	out := r.text[:n]
	r.text = r.text[n:]
	return out
}

func (r *reader) number(size uint64) (n uint64) {
	for i, b := range r.bytes(size) {
		n |= uint64(b) << (8 * i)
	}
	return n
}

// length is a number that says how long it is.
func (r *reader) length() uint64 {
	switch n := r.number(1); n {
	case 0xfc:
		return r.number(2)
	case 0xfd:
		return r.number(3)
	case 0xfe:
		return r.number(8)
	case 0xfb, 0xff:
		r.bad = true
		return 0
	default:
		return n
	}
}

// value is a text that says how long it is; nil is NULL.
func (r *reader) value() []byte {
	if len(r.text) > 0 && r.text[0] == headInfile {
		r.text = r.text[1:]
		return nil
	}
	return r.bytes(r.length())
}

// until is a text that ends with a NUL.
func (r *reader) until() []byte {
	for i, b := range r.text {
		if b == 0 {
			out := r.text[:i]
			r.text = r.text[i+1:]
			return out
		}
	}
	out := r.text
	r.text = nil
	return out
}
