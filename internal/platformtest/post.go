package platformtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aloft-cloud/aloft/internal/gateway/postbox"
)

// mail sends a message over SMTP: mail FROM TO[,TO…] [ip=ADDRESS] [tls] FILE.
// What the server says last, or why it would not, is on stdout.
func (s *session) mail(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: mail FROM TO[,TO…] [ip=ADDRESS] [tls] FILE")
	}
	ip, secure := "192.0.2.1", false
	for _, arg := range args[2 : len(args)-1] {
		if v, ok := strings.CutPrefix(arg, "ip="); ok {
			ip = v
		} else if arg == "tls" {
			secure = true
		}
	}
	from := args[0]
	if from == "-" {
		from = ""
	}
	said, err := s.sendMail(ip, secure, from, strings.Split(args[1], ","), []byte(strings.ReplaceAll(ts.ReadFile(args[len(args)-1]), "\n", "\r\n")))
	refused, ok := errors.AsType[*textproto.Error](err)
	switch {
	case ok:
		said = fmt.Sprintf("%d %s", refused.Code, refused.Msg)
	case err != nil:
		ts.Fatalf("mail: %v", err)
	}
	fmt.Fprintln(ts.Stdout(), said)
	if ok != neg {
		ts.Fatalf("mail: %s", said)
	}
}

func (s *session) sendMail(ip string, secure bool, from string, to []string, data []byte) (said string, err error) {
	here, there := net.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	server := postbox.New(ctx, postbox.Config{Keeper: s.platform.Letters, Name: "inbound-smtp.test", TLS: s.platform.CA.TLS(), Log: slog.New(slog.DiscardHandler)})
	defer s.group.Wait()
	defer stop()
	defer server.Close()
	s.group.Go(func() { server.Serve(&oneConn{conn: &fromIP{there, ip}, done: ctx.Done()}) })
	c, err := smtp.NewClient(here, "inbound-smtp.test")
	if err != nil {
		return "", err
	}
	defer c.Close()
	if secure {
		if err := c.StartTLS(&tls.Config{ServerName: "inbound-smtp.test", InsecureSkipVerify: true}); err != nil {
			return "", err
		}
	}
	if err := c.Mail(from); err != nil {
		return "", err
	}
	for _, r := range to {
		if err := c.Rcpt(r); err != nil {
			return "", err
		}
	}
	id, err := c.Text.Cmd("DATA")
	if err != nil {
		return "", err
	}
	c.Text.StartResponse(id)
	defer c.Text.EndResponse(id)
	if _, _, err := c.Text.ReadResponse(354); err != nil {
		return "", err
	}
	w := c.Text.DotWriter()
	w.Write(data) // its end says whether it was
	if err := w.Close(); err != nil {
		return "", err
	}
	code, text, err := c.Text.ReadResponse(250)
	return fmt.Sprintf("%d %s", code, text), err
}

// A oneConn is a listener that one client comes to.
type oneConn struct {
	conn net.Conn
	done <-chan struct{}
}

// Accept implements net.Listener.
func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

// Close implements net.Listener.
func (l *oneConn) Close() error { return nil }

// Addr implements net.Listener.
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// A fromIP is a connection from another host.
type fromIP struct {
	net.Conn
	ip string
}

// RemoteAddr implements net.Conn.
func (c *fromIP) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(c.ip), Port: 40000} }
