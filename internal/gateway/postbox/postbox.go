// Package postbox takes mail over SMTP for those who have addresses here.
//
// It knows the protocol and nothing else: who gets mail, and what becomes of
// it, is a Keeper's to say, who is asked about each recipient before the mail
// comes, and takes it before the client is told that it is safe here.
package postbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// Limits of what one client may do.
const (
	MaxBytes       = 40 << 20 // of a message, headers and all
	maxRecipients  = 100
	maxLine        = 2000
	maxConnections = 200 // of all clients
	idle           = 2 * time.Minute
	taking         = time.Minute // that a Keeper has to decide
)

// An Envelope is what a client says before it sends a message.
type Envelope struct {
	Client netip.Addr // whence it comes
	Name   string     // by which the client greeted
	Secure bool       // over TLS
	From   string     // address that bounces go to; "": there is none
	To     []string   // recipients that were admitted
}

// A Keeper has addresses, and takes the mail to them. What it refuses is a
// *Refusal; any other error is for a while.
type Keeper interface {
	// Admit refuses a recipient that may not be added to e.
	Admit(ctx context.Context, e *Envelope, to string) error

	// Take takes a message, of which nothing may be lost once it returns, and
	// returns the name that it has from then on.
	Take(ctx context.Context, e *Envelope, message io.Reader) (id string, err error)
}

// A Refusal is what a client is told that is not served.
type Refusal struct {
	Code   int    // of SMTP: 5xx is for good
	Status [3]int // the enhanced code
	Text   string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%d %d.%d.%d %s", r.Code, r.Status[0], r.Status[1], r.Status[2], r.Text)
}

// Config is what a Server needs.
type Config struct {
	Keeper Keeper
	Name   string      // of this host, in greetings
	TLS    *tls.Config // nil: no STARTTLS
	Log    *slog.Logger
}

// A Server speaks SMTP.
type Server struct {
	smtp *smtp.Server
	stop context.CancelFunc
}

// New returns a server, which takes clients when Serve is called.
func New(ctx context.Context, cfg Config) *Server {
	ctx, stop := context.WithCancel(ctx)
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{ctx: ctx, cfg: &cfg, conn: c}, nil
	}))
	s.Domain, s.TLSConfig = cfg.Name, cfg.TLS
	s.MaxMessageBytes, s.MaxRecipients, s.MaxLineLength = MaxBytes, maxRecipients, maxLine
	s.ReadTimeout, s.WriteTimeout = idle, idle
	s.EnableSMTPUTF8 = true
	s.ErrorLog = quiet{cfg.Log}
	return &Server{s, stop}
}

// Serve takes clients on l until Close.
func (s *Server) Serve(l net.Listener) error {
	err := s.smtp.Serve(netutil.LimitListener(l, maxConnections))
	if errors.Is(err, smtp.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends all sessions. What was not acknowledged is the clients' to send again.
func (s *Server) Close() error {
	s.stop()
	return s.smtp.Close()
}

// quiet has the log of the protocol, which is about clients and not about us,
// be seen by who wants to see all.
type quiet struct{ log *slog.Logger }

// Printf implements smtp.Logger.
func (q quiet) Printf(format string, args ...any) {
	q.log.Debug("SMTP: " + fmt.Sprintf(format, args...))
}

// Println implements smtp.Logger.
func (q quiet) Println(args ...any) { q.log.Debug("SMTP: " + fmt.Sprint(args...)) }

// A session is what a client does over one connection.
type session struct {
	ctx  context.Context
	cfg  *Config
	conn *smtp.Conn
	envelope
}

type envelope = Envelope

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	_, secure := s.conn.TLSConnectionState()
	s.envelope = Envelope{Client: clientOf(s.conn.Conn()), Name: s.conn.Hostname(), Secure: secure, From: from}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	ctx, done := context.WithTimeout(s.ctx, taking)
	defer done()
	if err := s.cfg.Keeper.Admit(ctx, &s.envelope, to); err != nil {
		return s.tell(err)
	}
	s.To = append(s.To, to)
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	id, err := s.cfg.Keeper.Take(s.ctx, &s.envelope, r)
	if err != nil {
		return s.tell(err)
	}
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "OK " + id}
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.envelope = Envelope{} }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// tell is err as the client is told.
func (s *session) tell(err error) error {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return &smtp.SMTPError{Code: r.Code, EnhancedCode: smtp.EnhancedCode(r.Status), Message: r.Text}
	}
	if said, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return said // of the protocol: too large
	}
	s.cfg.Log.Warn("mail cannot be taken", "client", s.Client.String(), "err", err)
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Requested action aborted: local error in processing"}
}

// clientOf is the address at the other end.
func clientOf(c net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
