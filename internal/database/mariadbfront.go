package database

import (
	"context"
	"crypto/tls"
	"errors"
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
	near, hello, err := e.greet(c, far, d)
	if err == nil && near != c {
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
func (e mariadb) greet(c, far net.Conn, d *Door) (near net.Conn, hello *mysql.Hello, err error) {
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
	return near, hello, mysql.Packet{Seq: 1, Payload: hello.Plain()}.Write(far)
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
