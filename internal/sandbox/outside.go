package sandbox

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
)

const (
	dialLimit  = 10 * time.Second // for a host on the internet to answer
	aliveCheck = time.Minute
)

// An outside is what a worker finds beyond its own loopback. What it sends to
// names of AWS comes out of Accept, for the endpoint; the rest is passed on, as
// far as the operator permits.
type outside struct {
	net.Listener
	m *Manager
}

// Accept waits for a connection to the platform.
func (o *outside) Accept() (net.Conn, error) {
	for {
		c, err := o.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr, ok := c.LocalAddr().(*net.TCPAddr) // whom the worker meant
		if !ok {
			refuse(c)
			continue
		}
		to := addr.AddrPort()
		to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
		switch {
		case to.Addr() != fence.Platform:
			o.m.group.Go(func() {
				if serve := o.m.cfg.Beside.Serve; serve == nil || !serve(o.m.ctx, c, to) {
					o.m.pass(c, to)
				}
			})
		case to.Port() == 443:
			return tls.Server(c, o.m.tls), nil
		case to.Port() == 80:
			return c, nil
		default:
			refuse(c)
		}
	}
}

// A secured listener speaks TLS. It shakes hands when the connection is read, so
// that one who does not keeps no other waiting.
type secured struct {
	net.Listener
	tls *tls.Config
}

// Accept waits for a connection.
func (s *secured) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(c, s.tls), nil
}

// refuse ends a connection so that the other side sees an error.
func refuse(c net.Conn) {
	if l, ok := c.(*limitedConn); ok {
		if t, ok := l.Conn.(*net.TCPConn); ok {
			t.SetLinger(0)
		}
	}
	c.Close()
}

// pass connects a worker with a host outside. Workers cannot do it themselves.
func (m *Manager) pass(c net.Conn, to netip.AddrPort) {
	switch {
	case to.Addr() == fence.Host && m.cfg.Egress.Host && int(to.Port()) != m.cfg.Port:
		to = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port())
	case !m.permits(to.Addr()):
		refuse(c)
		return
	}
	d := net.Dialer{Timeout: dialLimit, KeepAlive: aliveCheck}
	far, err := d.DialContext(m.ctx, "tcp4", to.String())
	if err != nil {
		refuse(c)
		return
	}
	end := sync.OnceFunc(func() { c.Close(); far.Close() })
	stop := context.AfterFunc(m.ctx, end)
	defer stop()
	defer end()
	m.group.Go(func() {
		if send(far, c) != nil {
			end()
		}
	})
	send(c, far)
}

// send copies until from ends, and tells to that it has.
func send(to, from net.Conn) error {
	if l, ok := from.(*limitedConn); ok {
		from = l.Conn // whose bytes the kernel can move
	}
	if l, ok := to.(*limitedConn); ok {
		to = l.Conn
	}
	_, err := io.Copy(to, from)
	if t, ok := to.(*net.TCPConn); ok && err == nil {
		err = t.CloseWrite()
	}
	return err
}

// permits reports whether functions may connect to ip. The addresses of this
// host are public at times, and never permitted unless they are named.
func (m *Manager) permits(ip netip.Addr) bool {
	if m.cfg.Egress.Allows(ip) {
		return true
	}
	if ip == fence.Host || !m.cfg.Egress.Permits(ip) {
		return false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip.AsSlice()) {
			return false
		}
	}
	return true
}

// limited is a listener that accepts so many connections at once.
type limited struct {
	net.Listener
	left chan struct{}
	w    *worker
}

// Accept waits for a connection. One over the limit is closed.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.left <- struct{}{}:
			return &limitedConn{Conn: c, left: l.left, w: l.w}, nil
		default:
			c.Close()
		}
	}
}

type limitedConn struct {
	net.Conn
	left chan struct{}
	w    *worker
	once sync.Once
}

// Close gives the place of the connection back.
func (c *limitedConn) Close() error {
	c.once.Do(func() { <-c.left })
	return c.Conn.Close()
}

type workerKey struct{}

// withWorker notes in the context of a connection to the endpoint whose it is.
func withWorker(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if l, ok := c.(*limitedConn); ok {
		ctx = context.WithValue(ctx, workerKey{}, l.w)
	}
	return ctx
}

// stubbed keeps what workers send while they train from h.
func stubbed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, ok := r.Context().Value(workerKey{}).(*worker); ok && !from.assigned.Load() {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			if r.Method == http.MethodPost {
				io.WriteString(w, "{}")
			}
			return
		}
		h.ServeHTTP(w, r)
	})
}
