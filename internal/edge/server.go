package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/edge/lane"
)

// Limits of a connection. Bodies may take as long as they flow: a 5 GB upload
// is one request.
const (
	headerTimeout = 20 * time.Second
	idleTimeout   = 5 * time.Minute
	maxHeaders    = 64 << 10 // bytes
	stopTimeout   = 5 * time.Second
)

// A Server serves HTTP from listeners: plain requests in a lane, others and
// those over TLS by net/http.
type Server struct {
	http  http.Server
	log   *slog.Logger
	mu    sync.Mutex
	lanes []*lane.Lane
}

// NewServer returns a server of h.
func NewServer(h http.Handler, log *slog.Logger) *Server {
	return &Server{log: log, http: http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaders,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Protocols:         protocols(),
	}}
}

// protocols are those that clients speak: SDKs for JavaScript speak HTTP/2 with
// some services, without TLS too.
func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// Serve serves until Stop, or until the listener fails.
func (s *Server) Serve(l net.Listener) error {
	fast := lane.New(l, lane.Config{Handler: s.http.Handler, Header: headerTimeout, Idle: idleTimeout, Log: s.log})
	s.mu.Lock()
	s.lanes = append(s.lanes, fast)
	s.mu.Unlock()
	if err := s.http.Serve(fast); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeTLS is Serve over TLS, with HTTP/1.1 and HTTP/2. Call it once at most.
func (s *Server) ServeTLS(l net.Listener, config *tls.Config) error {
	s.http.TLSConfig = config
	if err := s.http.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Stop lets the requests under way end, for a while, and closes all connections.
func (s *Server) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fast := range s.lanes {
		fast.Stop(ctx)
	}
}
