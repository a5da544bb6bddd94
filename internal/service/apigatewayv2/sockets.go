package apigatewayv2

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/websocket"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// sockets are the open connections of this process.
type sockets struct {
	group    task.Group
	stopping atomic.Bool

	mu   sync.Mutex
	open map[string]*socket
}

// add has k be one of them, and reads from it. When the platform stops, it is
// not, and add returns false.
func (o *sockets) add(k *socket) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopping.Load() {
		return false
	}
	if o.open == nil {
		o.open = make(map[string]*socket)
	}
	o.open[k.id] = k
	o.group.Go(k.read)
	return true
}

// begin runs f beside the caller; or before it returns, when the platform stops
// and may wait for the others already.
func (o *sockets) begin(f func()) {
	o.mu.Lock()
	stopping := o.stopping.Load()
	if !stopping {
		o.group.Go(f)
	}
	o.mu.Unlock()
	if stopping {
		f()
	}
}

// stop ends all of them, and lets no more in.
func (o *sockets) stop() {
	o.mu.Lock()
	o.stopping.Store(true)
	for _, k := range o.open {
		if k.end(goingAway) {
			o.group.Go(func() { k.conn.Close(goingAway.code, goingAway.reason) })
		}
	}
	o.mu.Unlock()
	o.group.Wait()
}

func (o *sockets) remove(k *socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.open, k.id)
}

// find returns an open connection, or nil.
func (o *sockets) find(id string) *socket {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.open[id]
}

func (o *sockets) all() []*socket {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]*socket, 0, len(o.open))
	for _, k := range o.open {
		all = append(all, k)
	}
	return all
}

// keepSockets ends connections that an earlier run left, then those that are
// idle or old, and all when ctx ends.
func (s *Service) keepSockets(ctx context.Context) (time.Duration, error) {
	err := s.endLeft(ctx)
	for err == nil && ctx.Err() == nil {
		timer := time.NewTimer(s.endDue(time.Now()))
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	if ctx.Err() == nil {
		return 0, err
	}
	s.sockets.stop()
	return 0, nil
}

// endDue ends connections that nothing has passed through for long, or that are
// old, and returns how long until it has to look again.
func (s *Service) endDue(now time.Time) time.Duration {
	next := maxIdle
	for _, k := range s.sockets.all() {
		left := min(time.UnixMilli(k.active.Load()).Add(maxIdle).Sub(now), k.row.Connected.Add(maxLife).Sub(now))
		if left <= 0 {
			k.close(goingAway)
			continue
		}
		next = min(next, left)
	}
	return max(next, time.Second)
}

// endLeft tells APIs of the connections that ended with an earlier run.
func (s *Service) endLeft(ctx context.Context) error {
	left := make(map[string]connection)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for arn, row := range connections.Scan(tx, aws.ARN{}) {
			left[idOf(arn)] = row
		}
		return nil
	})
	for id, row := range left {
		if s.sockets.find(id) == nil {
			err = errors.Join(err, s.disconnect(ctx, id, &row, closing{websocket.StatusAbnormal, "Connection closed abnormally"}))
		}
	}
	return err
}

func idOf(arn aws.ARN) string { return arn.Resource[len("@connections/"):] }

// domainOf is a host without its port.
func domainOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
