// Package rapi speaks the Lambda Runtime API with one worker, on connections
// that only this worker can make. It is written by hand on them: a worker asks
// for its next event and is left waiting, and who has an event writes it to
// that very connection, so a warm invoke wakes two goroutines and no more.
//
// What a worker sends is not trusted: lines, headers, bodies and connections
// are bounded, and what cannot be understood costs the worker its connection.
package rapi

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// MaxPayload is the most bytes of an answer, and of an event: 6 MB and room
// for the envelope, as on Lambda.
const MaxPayload = 6291556

// drainLimit is how long the last words of a worker may take.
const drainLimit = 500 * time.Millisecond

// maxConns is how many connections a worker may hold.
const maxConns = 32

// An Event is what the worker is to handle.
type Event struct {
	RequestID       string
	Payload         []byte
	Deadline        time.Time
	InvokedARN      string
	TraceID         string
	ClientContext   string
	CognitoIdentity string
	Tenant          string

	// Stream, if not nil, is called when the worker begins to stream its
	// answer, and takes it as it comes.
	Stream func(contentType string) io.Writer
}

// An Answer is what a worker says of an event, or of its start.
type Answer struct {
	RequestID   string
	Body        []byte // the error document if it failed; empty if it was streamed
	ContentType string
	Failed      bool
	ErrorType   string // as its header said, if it failed
	TooLarge    int    // bytes of an answer over MaxPayload, which was thrown away
}

// Hooks are what a Server tells. They are called on the worker's connections
// and must not block.
type Hooks struct {
	Blank     func()       // the worker asks which function it is
	Ready     func()       // it asks for an event
	Answer    func(Answer) // it answers the event it was given
	InitError func(Answer) // it could not start

	// Extension is told when an extension registers, waits for an event, or
	// says that it failed, with the type of its error.
	Extension func(errorType string)

	ExtensionReady func(name string, events []string) // it waits for the first time
	Subscribe      func(Subscription) bool            // false if it is too late
}

// ErrNotWaiting says that the worker waits for nothing just now.
var ErrNotWaiting = errors.New("the worker is not waiting")

// A Server serves one worker.
type Server struct {
	hooks Hooks

	mu      sync.Mutex
	conns   map[*conn]struct{}
	next    *conn  // waits for an event
	blank   *conn  // waits for its function
	current *Event // the worker is busy with
	closed  bool

	subject    Subject
	extensions []*extension
	byID       map[string]*extension

	empty chan struct{} // closed when there is no connection any more; nil if nobody waits
}

// New returns a Server that calls hooks.
func New(hooks Hooks) *Server {
	if hooks.Extension == nil {
		hooks.Extension = func(string) {}
	}
	if hooks.ExtensionReady == nil {
		hooks.ExtensionReady = func(string, []string) {}
	}
	if hooks.Subscribe == nil {
		hooks.Subscribe = func(Subscription) bool { return false }
	}
	return &Server{hooks: hooks, conns: map[*conn]struct{}{}}
}

// Serve accepts connections of the worker from l until l or s is closed.
func (s *Server) Serve(g *task.Group, l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		c := newConn(s, nc)
		if !s.add(c) {
			nc.Close()
			continue
		}
		g.Go(c.serve)
	}
}

// Join serves one more connection of the worker, until it ends.
func (s *Server) Join(nc net.Conn) {
	c := newConn(s, nc)
	if !s.add(c) {
		nc.Close()
		return
	}
	c.serve()
}

// Used reports whether the worker holds a connection.
func (s *Server) Used() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns) > 0
}

// Drain waits, but not long, until all that the worker sent is read. The worker
// has ended, so its connections end.
func (s *Server) Drain() {
	s.mu.Lock()
	empty := make(chan struct{})
	if len(s.conns) == 0 {
		close(empty)
	} else {
		s.empty = empty
	}
	s.mu.Unlock()
	late := time.NewTimer(drainLimit)
	defer late.Stop()
	select {
	case <-empty:
	case <-late.C:
	}
}

// Close ends all connections.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
}

// Assign tells a blank worker its function: job is in the words of its client.
func (s *Server) Assign(job []byte) error {
	s.mu.Lock()
	c := s.blank
	s.blank = nil
	s.mu.Unlock()
	if c == nil {
		return ErrNotWaiting
	}
	return c.reply("200 OK", "application/vnd.aloft.function", job)
}

// Send gives the worker an event. Its answer comes by the hook. A worker that
// does not read its event is waited for until the deadline.
func (s *Server) Send(e *Event) error {
	s.mu.Lock()
	c := s.next
	if c != nil {
		s.next, s.current = nil, e
	}
	s.mu.Unlock()
	if c == nil {
		return ErrNotWaiting
	}
	return c.send(e)
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= maxConns {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.empty != nil && len(s.conns) == 0 {
		close(s.empty)
		s.empty = nil
	}
	if s.next == c {
		s.next = nil
	}
	if s.blank == c {
		s.blank = nil
	}
	for _, e := range s.extensions {
		if e.next == c {
			e.next = nil
		}
	}
}

// wait leaves c waiting for an event. It is refused while there is one to answer.
func (s *Server) wait(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		return false
	}
	s.next = c
	return true
}

// event is the one in progress, if id is its name.
func (s *Server) event(id string) *Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || s.current.RequestID != id {
		return nil
	}
	return s.current
}

// finish ends the event in progress. It is false if another answer came first.
func (s *Server) finish(e *Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != e {
		return false
	}
	s.current = nil
	return true
}

// send writes e as the answer to the request for it.
func (c *conn) send(e *Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(e.Payload) > 16<<10 {
		c.SetWriteDeadline(e.Deadline)
		defer c.SetWriteDeadline(time.Time{})
	}
	b := append(c.out[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json"...)
	b = appendHeader(b, "Lambda-Runtime-Aws-Request-Id", e.RequestID)
	b = appendHeader(b, "Lambda-Runtime-Deadline-Ms", strconv.FormatInt(e.Deadline.UnixMilli(), 10))
	b = appendHeader(b, "Lambda-Runtime-Invoked-Function-Arn", e.InvokedARN)
	b = appendHeader(b, "Lambda-Runtime-Trace-Id", e.TraceID)
	b = appendHeader(b, "Lambda-Runtime-Client-Context", e.ClientContext)
	b = appendHeader(b, "Lambda-Runtime-Cognito-Identity", e.CognitoIdentity)
	b = appendHeader(b, "Lambda-Runtime-Aws-Tenant-Id", e.Tenant)
	return c.write(b, e.Payload)
}

// appendHeader appends a header that has a value. What would end its line is a
// space: in JSON these are the same.
func appendHeader(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
		value = strings.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, value)
	}
	return fmt.Append(append(append(append(b, "\r\n"...), name...), ": "...), value)
}
