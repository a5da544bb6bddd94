package database

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/aloft-cloud/aloft/internal/database/mysql"
)

// welcome speaks with a client until it is to speak with the server. The server speaks
// first, and who comes over TLS has said one word more than it knows of, so
// that their packets are passed on by numbers of their own until the user is in.
func (e mariadb) welcome(ctx context.Context, f *Fleet, c net.Conn, db *Database, d *Door) (near, far net.Conn, err error) {
	if far, err = f.Dial(ctx, db); err != nil {
		refused := &mysql.Error{Code: 1105, Message: "The database is not available: " + err.Error()}
		return nil, nil, errors.Join(err, refused.Packet(0).Write(c))
	}
	near, hello, err := e.greet(ctx, c, far, d)
	if err == nil && near != c && d.Tokens == nil {
		err = relay(near, far)
	}
	if err != nil || hello == nil {
		far.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// greet passes on the first words of both sides. hello is nil if the client is not
// let in.
func (e mariadb) greet(ctx context.Context, c, far net.Conn, d *Door) (near net.Conn, hello *mysql.Hello, err error) {
	first, err := mysql.ReadPacket(far, mysql.MaxHello)
	if err != nil {
		return nil, nil, err
	}
	g, err := mysql.ReadGreeting(first.Payload)
	if err != nil {
		return nil, nil, errors.Join(err, first.Write(c))
	}
	first.Payload = g.OfferTLS(first.Payload)
	if err := first.Write(c); err != nil {
		return nil, nil, err
	}
	near = c
	said, err := mysql.ReadPacket(near, mysql.MaxHello)
	if err != nil {
		return nil, nil, err
	}
	if hello, err = mysql.ReadHello(said.Payload); err != nil {
		return nil, nil, err
	}
	if hello.TLS {
		near = tls.Server(c, d.tls())
		if said, err = mysql.ReadPacket(near, mysql.MaxHello); err != nil {
			return nil, nil, err
		}
		if hello, err = mysql.ReadHello(said.Payload); err != nil {
			return nil, nil, err
		}
	} else if d.Secure {
		refused := &mysql.Error{Code: 3159, State: "08004", Message: "Connections using insecure transport are prohibited while --require_secure_transport=ON."}
		return nil, nil, refused.Packet(said.Seq + 1).Write(c)
	}
	if d.Tokens != nil {
		in, err := byToken(ctx, near, far, d, g, hello, said.Seq+1)
		if !in {
			hello = nil
		}
		return near, hello, err
	}
	return near, hello, mysql.Packet{Seq: 1, Payload: hello.Plain()}.Write(far)
}

// byToken has a client show a token, and is it at the server. It is false if the
// client is not let in.
func byToken(ctx context.Context, near, far net.Conn, d *Door, g *mysql.Greeting, hello *mysql.Hello, seq byte) (bool, error) {
	refuse := func(seq byte, format string) error {
		refused := &mysql.Error{Code: 1045, State: "28000", Message: fmt.Sprintf(format, hello.User)}
		return refused.Packet(seq).Write(near)
	}
	if _, secure := near.(*tls.Conn); !secure {
		return false, refuse(seq, "IAM is allowed only with SSL connections, user %s.")
	}
	if err := mysql.AskClear(seq).Write(near); err != nil {
		return false, err
	}
	token, err := mysql.ReadPacket(near, maxToken)
	if err != nil {
		return false, err
	}
	seq = token.Seq + 1
	if err := d.Tokens.Check(ctx, hello.User, token.Clear()); err != nil {
		return false, errors.Join(err, refuse(seq, "IAM authentication failed for user %s. Check the IAM token for this user and try again."))
	}
	password, err := d.Tokens.Password(ctx, hello.User)
	if err != nil {
		return false, errors.Join(err, refuse(seq, "This RDS proxy has no credentials for the user %s. Check the credentials for this user and try again."))
	}
	text, err := hello.By(g, password)
	if err == nil {
		err = mysql.Packet{Seq: 1, Payload: text}.Write(far)
	}
	for err == nil {
		var p mysql.Packet
		if p, err = mysql.ReadPacket(far, mysql.MaxHello); err != nil {
			break
		}
		if p.Last() {
			p.Seq = seq
			return true, p.Write(near)
		}
		again, ok := p.Again(password)
		if !ok {
			return false, refuse(seq, "The proxy cannot sign in as the user %s.")
		}
		err = again.Write(far)
	}
	return false, err
}

// relay passes on what both sides say until the server knows whether the user is in.
func relay(near, far net.Conn) error {
	for {
		p, err := mysql.ReadPacket(far, mysql.MaxHello)
		if err != nil {
			return err
		}
		p.Seq++
		if err := p.Write(near); err != nil || p.Last() {
			return err
		}
		if p, err = mysql.ReadPacket(near, mysql.MaxHello); err != nil {
			return err
		}
		p.Seq--
		if err := p.Write(far); err != nil {
			return err
		}
	}
}
