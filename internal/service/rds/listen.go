package rds

import (
	"context"
	"net"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// A listener is the address of an endpoint on this host.
type listener struct {
	net.Listener
	port int32
}

// listen has every endpoint have its address on this host, and none that is gone.
func (s *Service) listen(ctx context.Context) (time.Duration, error) {
	if !s.cfg.Listen {
		return idle, nil
	}
	all, err := s.index.Get(ctx)
	if err != nil {
		return 0, err
	}
	for n, l := range s.listeners {
		if w := all.numbers[n]; w == nil || w.port != l.port {
			l.Close()
			delete(s.listeners, n)
		}
	}
	for n, w := range all.numbers {
		if s.listeners[n] != nil || w.port == 0 {
			continue
		}
		l, err := net.Listen("tcp4", net.JoinHostPort(here(n).String(), itoa(w.port)))
		if err != nil {
			s.cfg.Log.Warn("a database has no address on this host", "host", w.Host, "err", err)
			continue
		}
		s.listeners[n] = &listener{l, w.port}
		s.group.Go(func() { s.accept(ctx, l, n, w.port) })
	}
	return idle, nil
}

// accept serves who connects to an address of this host, until it is closed.
func (s *Service) accept(ctx context.Context, l net.Listener, n uint16, port int32) {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := task.Accept(l)
		if err != nil {
			return
		}
		s.group.Go(func() { s.enter(ctx, c, n, port) })
	}
}
