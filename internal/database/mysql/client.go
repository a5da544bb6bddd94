package mysql

import (
	"bufio"
	"context"
	"errors"
	"net"
	"time"
)

// maxPacket is how many bytes a packet of a server may have, and so a value.
const maxPacket = wholePacket - 1

// A Conn is a session with a server.
type Conn struct {
	c   net.Conn
	r   *bufio.Reader
	seq byte
}

// Connect signs in at a server; no database is chosen if name is empty.
func Connect(ctx context.Context, dial func(context.Context) (net.Conn, error), user, password, name string) (*Conn, error) {
	nc, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &Conn{c: nc, r: bufio.NewReader(nc)}
	err = c.within(ctx, func() error { return c.signIn(user, password, name) })
	if err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

// within has what do waits for end with ctx.
func (c *Conn) within(ctx context.Context, do func() error) error {
	stop := context.AfterFunc(ctx, func() { c.c.SetDeadline(time.Unix(1, 0)) })
	err := do()
	if !stop() && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

func (c *Conn) read() ([]byte, error) {
	p, err := ReadPacket(c.r, maxPacket)
	c.seq = p.Seq + 1
	return p.Payload, err
}

func (c *Conn) write(text []byte) error {
	err := Packet{c.seq, text}.Write(c.c)
	c.seq++
	return err
}

func (c *Conn) signIn(user, password, name string) error {
	text, err := c.read()
	if err != nil {
		return err
	}
	g, err := ReadGreeting(text)
	if err != nil {
		return err
	}
	if err := c.write(g.hello(user, password, name)); err != nil {
		return err
	}
	for {
		p, err := ReadPacket(c.r, maxPacket)
		switch {
		case err != nil:
			return err
		case p.Last() && p.Payload[0] == headOK:
			return nil
		case p.Last():
			return refusal(p.Payload)
		}
		again, ok := p.Again(password)
		if !ok {
			return &Error{Code: 1251, State: "08004", Message: "The user proves otherwise than by a password of MySQL's own who it is"}
		}
		if err := again.Write(c.c); err != nil {
			return err
		}
	}
}

// Commands.
const (
	quit  = 1
	query = 3
)

// Query runs a statement, of whose rows most bytes are kept.
func (c *Conn) Query(ctx context.Context, statement string, most int) (out *Result, err error) {
	err = c.within(ctx, func() error {
		c.seq = 0
		if err := c.write(append([]byte{query}, statement...)); err != nil {
			return err
		}
		out, err = c.results(most)
		return err
	})
	return out, err
}

// Close ends the session.
func (c *Conn) Close() error {
	c.c.SetDeadline(time.Now().Add(time.Second))
	c.seq = 0
	return errors.Join(c.write([]byte{quit}), c.c.Close())
}
