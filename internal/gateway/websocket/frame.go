package websocket

import (
	"encoding/binary"
	"io"
)

// Kinds of frames.
const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa
)

// Limits of what clients send, and of control frames.
const (
	MaxMessage = 128 << 10 // bytes
	maxFrame   = 32 << 10  // bytes
	maxBinary  = 256 << 10 // bytes of one where bytes are taken
	maxControl = 125       // bytes
	maxFrames  = 4096      // of a message, which may be empty
)

// A header is what a frame begins with.
type header struct {
	op     byte
	final  bool
	length int
	mask   [4]byte
}

func (h *header) isControl() bool { return h.op >= opClose }

// readHeader reads the header of a client's frame. One that no client may send
// is a *CloseError.
func readHeader(r io.Reader, binaries bool) (h header, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return h, err
	}
	h.op, h.final, h.length = b[0]&0xf, b[0]&0x80 != 0, int(b[1]&0x7f)
	switch {
	case b[0]&0x70 != 0:
		return h, broken("Reserved bits are set")
	case h.op > opBinary && h.op < opClose || h.op > opPong:
		return h, broken("Unknown kind of frame")
	case b[1]&0x80 == 0:
		return h, broken("The frame is not masked")
	case h.isControl() && (!h.final || h.length > maxControl):
		return h, broken("Control frames are whole, and 125 bytes at most")
	case h.op == opBinary && !binaries:
		return h, &CloseError{StatusUnsupported, "Binary frames are not supported"}
	}
	size := map[int]int{126: 2, 127: 8}[h.length]
	if size > 0 {
		if _, err := io.ReadFull(r, b[:size]); err != nil {
			return h, err
		}
		n := uint64(binary.BigEndian.Uint16(b[:2]))
		if size == 8 {
			n = binary.BigEndian.Uint64(b[:8])
		}
		if n > maxFrame && !(binaries && n <= maxBinary) {
			return h, errTooLong
		}
		h.length = int(n)
	}
	_, err = io.ReadFull(r, h.mask[:])
	return h, err
}

// unmask undoes the client's mask of a payload.
func (h *header) unmask(payload []byte) {
	for i := range payload {
		payload[i] ^= h.mask[i&3]
	}
}

// appendFrame appends a whole frame of the server's to b.
func appendFrame(b []byte, op byte, payload []byte) []byte {
	b = append(b, 0x80|op)
	switch n := len(payload); {
	case n <= maxControl:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}
