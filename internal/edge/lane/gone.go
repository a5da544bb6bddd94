package lane

import (
	"context"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// gone is the context of a request: it ends with it, or when its client has
// gone. To see that, somebody reads from the connection, for a byte of the next
// request or its end; but only once somebody has asked for Done, and once the
// body has been read.
type gone struct {
	conn *conn

	mu     sync.Mutex
	inner  context.Context // nil until somebody asks
	cancel context.CancelFunc
	over   bool
	ended  bool // the body has been read

	looking bool
	group   task.Group // who looks
}

// Deadline implements context.Context: there is none.
func (g *gone) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (g *gone) Done() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inner == nil {
		g.inner, g.cancel = context.WithCancel(context.Background())
		if g.over {
			g.cancel()
		}
		g.look()
	}
	return g.inner.Done()
}

// Err implements context.Context.
func (g *gone) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.inner != nil:
		return g.inner.Err()
	case g.over:
		return context.Canceled
	}
	return nil
}

// Value implements context.Context. It has none, but by it package context
// finds inner, to be told of its end without a goroutine.
func (g *gone) Value(key any) any {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inner == nil {
		return nil
	}
	return g.inner.Value(key)
}

// bodyEnded says that nobody reads from the connection any more.
func (g *gone) bodyEnded() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.look()
}

// look begins to look for the client, if that is wanted and possible.
func (g *gone) look() {
	if g.inner == nil || !g.ended || g.over || g.looking {
		return
	}
	s := &g.conn.source
	if s.has || g.conn.net.SetReadDeadline(time.Time{}) != nil {
		return // it has said more already; or it is closed, as whoever writes will see
	}
	g.looking = true
	cancel := g.cancel
	g.group.Go(func() {
		n, err := s.socket.Read(s.ahead[:])
		s.has = n == 1
		if err != nil {
			cancel() // if it is because of end, that is right too
		}
	})
}

// end ends the context, and whoever looks. It may be called twice.
func (g *gone) end() {
	g.mu.Lock()
	g.over = true
	looking, cancel := g.looking, g.cancel
	g.looking = false
	g.mu.Unlock()
	if looking {
		if g.conn.net.SetReadDeadline(time.Unix(1, 0)) != nil {
			g.conn.net.Close() // it was
		}
		g.group.Wait()
	}
	if cancel != nil {
		cancel()
	}
}
