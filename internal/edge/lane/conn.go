package lane

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/kernel"
)

const (
	maxHead   = 8 << 10 // bytes; longer ones are net/http's
	maxReads  = 16      // of a head; who dribbles is net/http's
	maxDrain  = 256 << 10
	lingering = 500 * time.Millisecond
)

// A conn is a connection whose requests have all been plain.
type conn struct {
	lane   *Lane
	net    net.Conn
	socket io.ReadWriter // net, faster
	in     *bufio.Reader // over source
	source source
	remote string
	state  atomic.Int32
	posted bool // the last request was a POST, after which some clients send an empty line
	head   head // of the request at hand

	template http.Request // from which requests are made
}

// States of a connection.
const (
	idle int32 = iota
	busy
	closed
)

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, maxHead) }}

func newConn(l *Lane, nc net.Conn) *conn {
	c := &conn{lane: l, net: nc, socket: kernel.Socket(nc), remote: nc.RemoteAddr().String()}
	c.source.socket = c.socket
	return c
}

// serve answers requests until the connection ends or is for net/http.
func (c *conn) serve() {
	c.in = readers.Get().(*bufio.Reader)
	c.in.Reset(&c.source)
	defer func() {
		c.in.Reset(nil)
		readers.Put(c.in)
		c.lane.remove(c)
	}()
	// A new client has something to say. Later, a few bytes are no request, as in net/http.
	timeout, least := c.lane.config.Header, 1
	for c.await(timeout, least) {
		if !c.readHead() {
			c.giveUp()
			return
		}
		if !c.answer() {
			break
		}
		timeout, least = c.lane.config.Idle, 4
	}
	c.close()
}

// await waits for the first bytes of a request.
func (c *conn) await(timeout time.Duration, least int) bool {
	if c.in.Buffered() < least {
		if c.net.SetReadDeadline(time.Now().Add(timeout)) != nil {
			return false
		}
		if _, err := c.in.Peek(least); err != nil {
			return false
		}
	}
	return c.state.CompareAndSwap(idle, busy)
}

// readHead reads the head of a request. It reports whether it is plain; if not,
// all of it is still there.
func (c *conn) readHead() bool {
	if c.posted {
		c.skipEmptyLines()
	}
	for range maxReads {
		b, _ := c.in.Peek(c.in.Buffered())
		switch n := c.head.parse(b); {
		case n > 0:
			c.in.Discard(n)
			c.posted = c.head.method == http.MethodPost
			return true
		case n == other || len(b) == maxHead:
			return false
		}
		if c.net.SetReadDeadline(time.Now().Add(c.lane.config.Header)) != nil {
			return false
		}
		if _, err := c.in.Peek(len(b) + 1); err != nil {
			return false
		}
	}
	return false
}

// skipEmptyLines skips what net/http skips before a request.
func (c *conn) skipEmptyLines() {
	b, _ := c.in.Peek(min(4, c.in.Buffered()))
	n := 0
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	c.in.Discard(n)
	if c.in.Buffered() == 0 {
		c.in.Peek(1) // an error is met again
	}
}

// giveUp gives the connection to net/http, with what was read of it.
func (c *conn) giveUp() {
	b, _ := c.in.Peek(c.in.Buffered())
	if c.net.SetReadDeadline(time.Time{}) != nil {
		c.net.Close()
		return
	}
	c.lane.give(&given{c.net, bytes.Clone(b)})
}

// answer has the request at hand answered. It reports whether another may follow.
func (c *conn) answer() (again bool) {
	b := newBody(c, c.head.length)
	if b.left > int64(c.in.Buffered()) && c.net.SetReadDeadline(time.Time{}) != nil {
		return false
	}
	ctx := &b.ctx
	r := c.request(ctx, b)
	w := newReply(c, r, b)
	defer func() {
		if p := recover(); p != nil {
			again = false
			if p != http.ErrAbortHandler {
				c.lane.config.Log.Error("panic", "from", c.remote, "panic", p, "stack", string(debug.Stack()))
			}
		}
		ctx.end()
		b.end()
		w.free()
	}()
	c.lane.config.Handler.ServeHTTP(w, r)
	ctx.end()
	b.end()
	again = w.finish()
	if b.left > 0 {
		c.linger()
		return false
	}
	return again && (c.state.CompareAndSwap(busy, idle)) && !c.lane.stopping.Load()
}

// request makes the request of the head at hand.
func (c *conn) request(ctx *gone, b *body) *http.Request {
	h := &c.head
	c.template = http.Request{
		Method: h.method, URL: h.url, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h.header, Host: h.host,
		ContentLength: h.length, Body: http.NoBody, Close: h.close, RemoteAddr: c.remote, RequestURI: h.target,
	}
	if h.length > 0 {
		c.template.Body = b
	}
	*h = head{}
	return c.template.WithContext(ctx)
}

// linger lets the client read its answer although not all that it sends is
// read: if the connection were closed now, the answer might be lost.
func (c *conn) linger() {
	if half, ok := c.net.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil || c.net.SetReadDeadline(time.Now().Add(lingering)) != nil {
		return
	}
	io.CopyN(io.Discard, c.in, maxDrain) // an error is the end of it
}

func (c *conn) close() {
	c.state.Store(closed)
	if err := c.net.Close(); err != nil {
		c.lane.config.Log.Debug("close", "from", c.remote, "err", err)
	}
}

// closeIdle closes c if no request is under way.
func (c *conn) closeIdle() {
	if c.state.CompareAndSwap(idle, closed) {
		c.net.Close()
	}
}

// A source is what a connection reads from: the byte that was read while
// somebody looked whether the client is there, and then the network.
type source struct {
	socket io.Reader
	ahead  [1]byte
	has    bool
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if s.has && len(p) > 0 {
		p[0], s.has = s.ahead[0], false
		return 1, nil
	}
	return s.socket.Read(p)
}

// A given connection is net/http's. What was read of it comes first.
type given struct {
	net.Conn
	read []byte
}

// Read implements io.Reader.
func (g *given) Read(p []byte) (int, error) {
	if len(g.read) == 0 {
		return g.Conn.Read(p)
	}
	n := copy(p, g.read)
	if g.read = g.read[n:]; len(g.read) == 0 {
		g.read = nil
	}
	return n, nil
}

// ReadFrom implements io.ReaderFrom, by which files are sent without copies.
func (g *given) ReadFrom(r io.Reader) (int64, error) { return io.Copy(g.Conn, r) }

// CloseWrite says that no more is written.
func (g *given) CloseWrite() error {
	if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
