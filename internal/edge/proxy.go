package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/names"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A Proxy is a handler that is also a forward proxy for HTTPS, for tools that
// know the addresses of AWS and no others: whoever asks it for a host of AWS
// gets Handler, behind a certificate of TLS.
type Proxy struct {
	Handler http.Handler
	TLS     *tls.Config
	World   bool // connect to other hosts too
	Log     *slog.Logger
}

const (
	dialTimeout   = 20 * time.Second
	tunnelBuffers = 32 << 10
)

// ServeHTTP answers r, or connects its client to the host it asks for.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		p.Handler.ServeHTTP(w, r)
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	switch {
	case err != nil:
		http.Error(w, "CONNECT needs a host and a port", http.StatusBadRequest)
	case names.IsAWS(host):
		p.answer(w)
	case !p.World:
		http.Error(w, "Aloft connects to hosts of AWS alone", http.StatusForbidden)
	default:
		p.tunnel(r.Context(), w, r.Host)
	}
}

// accept takes the connection of a client over, which is told to go on.
func accept(w http.ResponseWriter) (net.Conn, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	if buffered.Reader.Buffered() > 0 { // it did not wait
		return nil, errors.Join(errors.New("the client sent more than CONNECT"), conn.Close())
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection Established\r\n\r\n"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// answer serves a client that believes to speak with AWS.
func (p *Proxy) answer(w http.ResponseWriter) {
	conn, err := accept(w)
	if err != nil {
		p.Log.Debug("proxy", "err", err)
		return
	}
	inside := NewServer(p.Handler, p.Log)
	l := &oneConn{closed: make(chan struct{}), addr: conn.LocalAddr()}
	l.conn = &notifying{Conn: conn, closed: sync.OnceFunc(func() { close(l.closed) })}
	inside.http.TLSConfig = p.TLS
	if err := inside.http.ServeTLS(l, "", ""); err != nil && !errors.Is(err, net.ErrClosed) {
		p.Log.Debug("proxy", "err", err)
	}
}

// A oneConn is a listener to which one client has come.
type oneConn struct {
	conn   net.Conn // until it is accepted
	closed chan struct{}
	addr   net.Addr
}

// Accept returns the connection, and then waits until it is closed.
func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// Close does nothing: the connection ends by itself.
func (l *oneConn) Close() error { return nil }

// Addr is where the client came to.
func (l *oneConn) Addr() net.Addr { return l.addr }

// A notifying connection tells that it was closed.
type notifying struct {
	net.Conn
	closed func()
}

// Close closes the connection.
func (c *notifying) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

// tunnel connects a client to another host.
func (p *Proxy) tunnel(ctx context.Context, w http.ResponseWriter, address string) {
	dialer := net.Dialer{Timeout: dialTimeout}
	out, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer out.Close()
	in, err := accept(w)
	if err != nil {
		p.Log.Debug("proxy", "err", err)
		return
	}
	defer in.Close()
	var both task.Group
	pipe := func(to, from net.Conn) func() {
		return func() {
			_, err := io.CopyBuffer(struct{ io.Writer }{to}, from, make([]byte, tunnelBuffers))
			if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
				err = half.CloseWrite()
			}
			if err != nil { // the other way ends too
				_ = in.Close()
				_ = out.Close()
			}
		}
	}
	both.Go(pipe(out, in))
	both.Go(pipe(in, out))
	both.Wait()
}
