package websocket

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
	"unicode/utf8"
)

// Codes that connections end with.
const (
	StatusNormal      = 1000
	StatusGoingAway   = 1001
	StatusProtocol    = 1002
	StatusUnsupported = 1003
	StatusNone        = 1005 // the client said none
	StatusAbnormal    = 1006 // nobody said that it would end
	StatusInvalid     = 1007 // text that is no UTF-8
	StatusTooLong     = 1009
)

// A CloseError says with which code a connection ended, and why.
type CloseError struct {
	Code   int
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string { return fmt.Sprintf("closed with %d: %s", e.Code, e.Reason) }

var errTooLong = &CloseError{StatusTooLong, "Message too long"}

func broken(reason string) *CloseError { return &CloseError{StatusProtocol, reason} }

const (
	writeWithin = 10 * time.Second // or the client is taken for gone
	closeWithin = 5 * time.Second  // that the client has to answer a close
	maxLinger   = 1 << 20          // bytes that are read then
	readBuffer  = 512              // bytes
	keptBuffer  = 8 << 10          // bytes: longer ones are not kept to write from
)

// ErrFull is the error of a client that does not read what it is sent.
var ErrFull = errors.New("too much waits for the client")

// maxWaiting is how much may wait for a client, in bytes.
const maxWaiting = 1 << 20

// A Conn is an open connection. One goroutine reads from it; any may write.
type Conn struct {
	conn net.Conn
	in   *bufio.Reader

	// Active, if set, is called for each frame that comes.
	Active func()

	// Binary has Read take bytes, as other protocols need them: longer ones, too.
	Binary bool

	heard bool // the client has sent a close

	mu      sync.Mutex // of writes
	closing bool       // a close was sent: nothing else may be

	waitMu  sync.Mutex
	waiting int // bytes of writes under way
}

// Read returns the next text. Pings it answers. An error that is a *CloseError
// says how the connection ended; the client has been told.
func (c *Conn) Read() ([]byte, error) {
	var message []byte
	begun, frames := false, 0
	for {
		h, err := readHeader(c.in, c.Binary)
		if err != nil {
			return nil, c.end(err)
		}
		if c.Active != nil {
			c.Active()
		}
		if h.isControl() {
			if err := c.control(&h); err != nil {
				return nil, c.end(err)
			}
			continue
		}
		frames++
		switch {
		case begun != (h.op == opContinue):
			return nil, c.end(broken("A frame is out of turn"))
		case len(message)+h.length > c.most() || frames > maxFrames:
			return nil, c.end(errTooLong)
		}
		begun = true
		if message, err = c.payload(message, &h); err != nil {
			return nil, c.end(err)
		}
		if !h.final {
			continue
		}
		if !c.Binary && !utf8.Valid(message) {
			return nil, c.end(&CloseError{StatusInvalid, "Text must be UTF-8"})
		}
		return message, nil
	}
}

// most is how long a message is at most, in bytes.
func (c *Conn) most() int {
	if c.Binary {
		return maxBinary
	}
	return MaxMessage
}

// ReadBy has Read fail if nothing came by t; the zero time is never.
func (c *Conn) ReadBy(t time.Time) error { return c.conn.SetReadDeadline(t) }

// payload appends that of a frame to b.
func (c *Conn) payload(b []byte, h *header) ([]byte, error) {
	at := len(b)
	if b == nil {
		b = make([]byte, h.length)
	} else {
		b = append(b, make([]byte, h.length)...)
	}
	_, err := io.ReadFull(c.in, b[at:])
	h.unmask(b[at:])
	return b, err
}

// control does what a control frame asks. That of a close is its error.
func (c *Conn) control(h *header) error {
	payload, err := c.payload(nil, h)
	if err != nil {
		return err
	}
	switch h.op {
	case opPing:
		return c.write(opPong, payload)
	case opPong:
		return nil
	}
	c.heard = true
	switch {
	case len(payload) == 0:
		return &CloseError{StatusNone, "Client-side close frame status not set"}
	case len(payload) == 1:
		return broken("A close has a code, or nothing")
	}
	code, reason := int(binary.BigEndian.Uint16(payload)), payload[2:]
	switch {
	case !sendable(code):
		return broken("A close has a code that may not be sent")
	case !utf8.Valid(reason):
		return &CloseError{StatusInvalid, "Text must be UTF-8"}
	}
	return &CloseError{code, string(reason)}
}

// sendable reports whether a close may have that code.
func sendable(code int) bool {
	return code >= 1000 && code <= 1014 && code != 1004 && code != StatusNone && code != StatusAbnormal || code >= 3000 && code <= 4999
}

// end tells the client of the error that ends the connection, and returns what
// it comes to.
func (c *Conn) end(err error) error {
	closed, ok := errors.AsType[*CloseError](err)
	if !ok {
		closed = &CloseError{StatusAbnormal, "Connection closed abnormally"}
	} else if c.sendClose(closed.Code, closed.Reason) == nil && !c.heard {
		c.linger()
	}
	c.conn.Close()
	return closed
}

// linger reads what the client still sends for a while. To close before would
// have its system drop what it was told last.
func (c *Conn) linger() {
	half, ok := c.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.conn.SetReadDeadline(time.Now().Add(closeWithin))
	io.CopyN(io.Discard, c.conn, maxLinger)
}

// Write sends text or bytes.
func (c *Conn) Write(data []byte, text bool) error {
	op := byte(opBinary)
	if text {
		op = opText
	}
	return c.write(op, data)
}

// scratch are buffers to write from.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

func (c *Conn) write(op byte, data []byte) error {
	if !c.enter(len(data)) {
		return ErrFull
	}
	defer c.leave(len(data))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return net.ErrClosed
	}
	c.closing = op == opClose
	b := scratch.Get().(*[]byte)
	*b = appendFrame((*b)[:0], op, data)
	c.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	_, err := c.conn.Write(*b)
	if cap(*b) <= keptBuffer {
		scratch.Put(b)
	}
	if err != nil {
		c.conn.Close() // the frame may be half there
	}
	return err
}

// enter makes room for what is to be written, if there is any.
func (c *Conn) enter(n int) bool {
	c.waitMu.Lock()
	defer c.waitMu.Unlock()
	if c.waiting > 0 && c.waiting+n > maxWaiting {
		return false
	}
	c.waiting += n
	return true
}

func (c *Conn) leave(n int) {
	c.waitMu.Lock()
	defer c.waitMu.Unlock()
	c.waiting -= n
}

// sendClose sends a close, the first time. A code that stands for none goes as none.
func (c *Conn) sendClose(code int, reason string) error {
	var payload []byte
	if sendable(code) {
		payload = append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason[:min(len(reason), maxControl-2)]...)
	}
	return c.write(opClose, payload)
}

// Close tells the client that the connection ends. Read returns when the client
// has answered, or has not for a while.
func (c *Conn) Close(code int, reason string) {
	c.conn.SetReadDeadline(time.Now().Add(closeWithin))
	if c.sendClose(code, reason) != nil {
		c.conn.Close()
	}
}

// CloseNow ends the connection without a word.
func (c *Conn) CloseNow() { c.conn.Close() }
