// Package mail sends mail by the SMTP server of whoever runs the platform.
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"time"
)

// sending is how long it may take to send one mail.
const sending = 30 * time.Second

// A Server takes mail by SMTP.
type Server struct {
	addr     string
	host     string
	implicit bool          // it speaks TLS from the start
	user     *url.Userinfo // nil: it asks nobody who they are
	from     mail.Address
	tls      *tls.Config
}

// Parse reads where a server is:
//
//	smtp://user:password@mail.example.com:587?from=alerts@example.com
//
// smtps is TLS from the start; smtp turns to it if the server offers it, and
// must before a password is sent, unless the server is on this host.
func Parse(text string) (*Server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("mail: that is no URL") // which may have a password in it
	}
	port := map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	if port == "" || u.Hostname() == "" {
		return nil, errors.New("mail: a server is smtp://host:587?from=address or smtps://host:465?from=address, with user:password@ before the host")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	from, err := mail.ParseAddress(u.Query().Get("from"))
	if err != nil {
		return nil, errors.New("mail: ?from= must say by which address mail is sent")
	}
	return &Server{
		addr: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), implicit: u.Scheme == "smtps", user: u.User, from: *from,
		tls: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12},
	}, nil
}

// A Message is mail in plain text, or a whole message of MIME.
type Message struct {
	ID      string // of the message, the same when it is sent again
	To      string
	Subject string
	Body    string
	Time    time.Time
	Whole   []byte // not nil: it is sent as it is
}

// A Refusal is what a server says that does not take a message.
type Refusal struct {
	Code int // of SMTP: 5xx is for good
	Text string
}

func (r *Refusal) Error() string { return fmt.Sprintf("the mail server says %d %s", r.Code, r.Text) }

// Send sends m. A *Refusal says that the server would not.
func (s *Server) Send(ctx context.Context, m *Message) error {
	to, err := mail.ParseAddress(m.To)
	if err != nil {
		return &Refusal{553, "the address of the recipient is not valid"}
	}
	data := m.Whole
	if data == nil {
		if data, err = s.write(m, to); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, sending)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		return refusal(err)
	}
	defer c.Close()
	if err := s.hand(c, to.Address, data); err != nil {
		return refusal(err)
	}
	_ = c.Quit() // the message is taken, whatever it says now
	return nil
}

// dial opens a session in which mail can be handed over.
func (s *Server) dial(ctx context.Context) (*smtp.Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	if s.implicit {
		conn = tls.Client(conn, s.tls)
	}
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if err := s.greet(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (s *Server) greet(c *smtp.Client) error {
	if ok, _ := c.Extension("STARTTLS"); ok && !s.implicit {
		if err := c.StartTLS(s.tls); err != nil {
			return err
		}
	}
	if s.user == nil {
		return nil
	}
	password, _ := s.user.Password()
	return c.Auth(smtp.PlainAuth("", s.user.Username(), password, s.host)) // which sends no password in the clear
}

func (s *Server) hand(c *smtp.Client, to string, data []byte) error {
	if err := c.Mail(s.from.Address); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

// write is m as it goes over the wire.
func (s *Server) write(m *Message, to *mail.Address) ([]byte, error) {
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", s.from.String()}, {"To", to.String()}, {"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Date", m.Time.Format(time.RFC1123Z)}, {"Message-ID", "<" + m.ID + "@" + s.host + ">"},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=UTF-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, err := w.Write([]byte(m.Body))
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// refusal is err, as a Refusal if a server said it.
func refusal(err error) error {
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		return &Refusal{said.Code, said.Msg}
	}
	return err
}
