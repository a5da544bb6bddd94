package lane

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// A body is that of a request. What the handler leaves of it is read after it.
type body struct {
	conn *conn
	ctx  gone // of the request

	mu   sync.Mutex // a client that the handler passes the body to may read on when the handler has returned
	left int64
	err  error
}

func newBody(c *conn, length int64) *body {
	b := &body{conn: c, left: length}
	b.ctx.conn = c
	if length == 0 {
		b.err, b.ctx.ended = io.EOF, true
	}
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	return b.read(p)
}

func (b *body) read(p []byte) (int, error) {
	n, err := b.conn.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case b.left == 0:
		b.err = io.EOF
		b.ctx.bodyEnded()
	case err == io.EOF:
		b.err = io.ErrUnexpectedEOF
	default:
		b.err = err
	}
	return n, b.err
}

// Close implements io.Closer. The rest is skipped.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
	}
	return nil
}

// drain skips what is left, if it is not too much.
func (b *body) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 || b.left > maxDrain {
		return
	}
	if b.left > int64(b.conn.in.Buffered()) && b.conn.net.SetReadDeadline(time.Now().Add(b.conn.lane.config.Header)) != nil {
		return
	}
	n, _ := io.CopyN(io.Discard, b.conn.in, b.left) // what is left tells
	b.left -= n
}

// end lets nobody read any more.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = http.ErrBodyReadAfterClose
}
