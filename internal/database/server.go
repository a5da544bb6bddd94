package database

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	startLimit = 2 * time.Minute // after a crash, a server reads its log first
	endLimit   = 30 * time.Second
	firstPing  = 5 * time.Millisecond
	lastPing   = 200 * time.Millisecond
	dialLimit  = 10 * time.Second
)

var errEnded = errors.New("the server has ended")

// A server is one that runs, or starts.
type server struct {
	f       *Fleet
	db      Database
	ready   chan struct{} // closed when it answers, or failed to
	failure error         // set before ready is closed
	process *process
	exited  chan struct{} // closed when its process is gone

	mu     sync.Mutex
	users  int // that are connected, or about to be
	conns  map[*conn]bool
	since  time.Time // there are none
	ending bool
}

// run starts the server, and returns when it has ended.
func (s *server) run() {
	defer close(s.exited)
	defer s.f.forget(s)
	var err error
	s.process, err = s.f.start(s.f.ctx, &s.db, func(at place) []string { return s.db.Engine.serve(at, s.db.Settings) })
	if err != nil {
		s.failure = fmt.Errorf("start the server: %w", err)
		close(s.ready)
		return
	}
	gone := make(chan struct{})
	s.f.group.Go(func() { s.answer(gone) })
	s.process.Wait()
	close(gone)
	<-s.ready
	s.mu.Lock()
	ending := s.ending
	s.mu.Unlock()
	if !ending {
		s.f.cfg.Log.Warn("a database server ended", "database", s.db.ID, "said", s.f.lastWords(s.db.ID))
	}
	s.process.Release()
}

// answer waits until the server answers, or is gone.
func (s *server) answer(gone chan struct{}) {
	defer close(s.ready)
	ctx, cancel := context.WithTimeout(s.f.ctx, startLimit)
	defer cancel()
	a, err := s.f.admin(s.db.ID)
	if err != nil {
		s.failure = err
		s.process.Kill()
		return
	}
	a.Dial = func(context.Context) (net.Conn, error) { return s.process.dial() }
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstPing; ; pause = min(2*pause, lastPing) {
		select {
		case <-gone:
			s.failure = fmt.Errorf("start the server: %s", s.f.lastWords(s.db.ID))
			return
		case <-ctx.Done():
			s.failure = fmt.Errorf("start the server: %w: %w", ctx.Err(), err)
			s.process.Kill()
			return
		case <-timer.C:
		}
		try, done := context.WithTimeout(ctx, dialLimit)
		err = s.db.Engine.ping(try, a)
		done()
		if err == nil {
			return
		}
		timer.Reset(pause)
	}
}

// dial connects to the server once it answers. The error is errEnded if it ends.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
	s.mu.Lock()
	ending := s.ending
	if !ending {
		s.users++
	}
	s.mu.Unlock()
	if ending {
		select {
		case <-s.exited:
			return nil, errEnded
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		s.leave()
		return nil, ctx.Err()
	}
	if s.failure != nil {
		s.leave()
		return nil, s.failure
	}
	c, err := s.process.dial()
	if err == nil {
		return s.enter(c), nil
	}
	s.leave()
	select {
	case <-s.exited:
		return nil, errEnded
	default:
		return nil, err
	}
}

// enter notes that somebody is connected by c.
func (s *server) enter(c net.Conn) *conn {
	counted := &conn{Conn: c}
	counted.leave = sync.OnceFunc(func() {
		s.mu.Lock()
		delete(s.conns, counted)
		s.mu.Unlock()
		s.leave()
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		s.conns = make(map[*conn]bool)
	}
	s.conns[counted] = true
	return counted
}

// leave notes that one who was connected is no more.
func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	s.since = time.Now()
}

// endIdle ends the server if nobody has been connected for a while.
func (s *server) endIdle() {
	s.mu.Lock()
	idle := s.users == 0 && time.Since(s.since) >= idleAfter
	s.mu.Unlock()
	if idle {
		s.end()
	}
}

// end ends the server, and waits until it is gone.
func (s *server) end() {
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	<-s.ready
	if s.process != nil {
		s.hangUp()
		s.process.Terminate()
		timer := time.NewTimer(endLimit)
		defer timer.Stop()
		select {
		case <-s.exited:
		case <-timer.C:
			s.process.Kill()
		}
	}
	<-s.exited
}

// hangUp parts with who is connected, for whom a server would wait that is to end.
func (s *server) hangUp() {
	s.mu.Lock()
	all := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
}

// A conn is a connection that the server counts.
type conn struct {
	net.Conn
	leave func()
}

// Close ends the connection.
func (c *conn) Close() error {
	c.leave()
	return c.Conn.Close()
}
