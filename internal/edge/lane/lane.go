// Package lane serves plain requests of HTTP/1.1 by itself, in less than half
// the time that net/http takes for them, and gives every other connection to
// net/http.
//
// A request is plain if its head leaves nothing to interpret: it has one Host,
// at most one Content-Length, and none of Transfer-Encoding, Expect and
// Upgrade; see head.go for the rest. At the first request that is not, the
// connection goes to net/http for good, with the bytes that were read of it. So
// the lane refuses nothing and need not know how: what it takes, net/http
// reads alike, and a fuzz test holds it to that.
//
// Handlers see what they see in net/http. The context of a request notices
// that its client has gone, but only looks for that once somebody waits, since
// most requests are over before.
//
//	lane.go  connections, from whom Accept gives on    body.go   bodies of requests
//	conn.go  one connection, request by request        reply.go  answers
//	head.go  which requests are plain                  gone.go   whether the client is there
package lane

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what a Lane stands on.
type Config struct {
	Handler http.Handler
	Header  time.Duration // a head takes no longer
	Idle    time.Duration // a connection waits for a request no longer
	Log     *slog.Logger
}

// A Lane is the listener of an http.Server: its Accept returns the connections
// that are not for the lane itself.
type Lane struct {
	net.Listener
	config Config
	rest   chan accepted // what Accept returns
	done   chan struct{} // closed by Close
	group  task.Group

	stopping atomic.Bool
	mu       sync.Mutex
	conns    map[*conn]struct{}
	empty    chan struct{} // closed when the lane is stopping and has no connections
}

type accepted struct {
	conn net.Conn
	err  error
}

// New returns a lane for the connections that come to l.
func New(l net.Listener, c Config) *Lane {
	lane := &Lane{
		Listener: l, config: c, rest: make(chan accepted), done: make(chan struct{}),
		conns: make(map[*conn]struct{}), empty: make(chan struct{}),
	}
	lane.group.Log = c.Log
	lane.group.Go(lane.run)
	return lane
}

// run accepts connections until Close.
func (l *Lane) run() {
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			l.add(c)
			continue
		}
		select {
		case l.rest <- accepted{err: err}: // net/http waits a while before it asks again
		case <-l.done:
			return
		}
	}
}

// add serves c.
func (l *Lane) add(nc net.Conn) {
	c := newConn(l, nc)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping.Load() {
		c.net.Close()
		return
	}
	l.conns[c] = struct{}{}
	l.group.Go(c.serve)
}

// remove forgets c, which is closed or net/http's.
func (l *Lane) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	if l.stopping.Load() && len(l.conns) == 0 {
		close(l.empty)
	}
}

// Accept implements net.Listener for net/http.
func (l *Lane) Accept() (net.Conn, error) {
	select {
	case a := <-l.rest:
		return a.conn, a.err
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// give has net/http serve c.
func (l *Lane) give(c net.Conn) {
	select {
	case l.rest <- accepted{conn: c}:
	case <-l.done:
		c.Close()
	}
}

// Close lets no more connections come, and closes those that are idle. The
// requests under way go on.
func (l *Lane) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping.Swap(true) {
		return net.ErrClosed
	}
	err := l.Listener.Close()
	close(l.done)
	for c := range l.conns {
		c.closeIdle()
	}
	if len(l.conns) == 0 {
		close(l.empty)
	}
	return err
}

// Stop waits after Close for the requests under way, until ctx ends. Then it
// closes their connections.
func (l *Lane) Stop(ctx context.Context) {
	select {
	case <-l.empty:
		return
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.net.Close()
	}
}
