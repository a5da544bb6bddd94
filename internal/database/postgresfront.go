package database

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgproto3"
)

// What a client of PostgreSQL says first, in place of a version.
const (
	askCancel = 80877102
	askTLS    = 80877103
	askGSS    = 80877104

	maxHello = 10_000 // bytes
)

// errBadHello says that a client does not speak PostgreSQL's protocol.
var errBadHello = errors.New("this is no client of PostgreSQL")

// welcome speaks with a client until it is to speak with the server, which it is
// connected to then. near is nil if there is nothing more to say.
func (e postgres) welcome(ctx context.Context, f *Fleet, c net.Conn, db *Database, d *Door) (near, far net.Conn, err error) {
	near = c
	secure := false
	for {
		var head [8]byte
		if _, err := io.ReadFull(near, head[:]); err != nil {
			return nil, nil, err
		}
		size, what := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
		switch {
		case what == askTLS && size == 8 && !secure:
			if _, err := near.Write([]byte{'S'}); err != nil {
				return nil, nil, err
			}
			near, secure = tls.Server(near, d.tls("postgresql")), true
			continue
		case (what == askGSS || what == askTLS) && size == 8:
			if _, err := near.Write([]byte{'N'}); err != nil {
				return nil, nil, err
			}
			continue
		case size < 8 || size > maxHello:
			return nil, nil, errBadHello
		}
		rest := make([]byte, size-8)
		if _, err := io.ReadFull(near, rest); err != nil {
			return nil, nil, err
		}
		hello := append(head[:], rest...)
		if what == askCancel {
			return nil, nil, pass(ctx, f, db, hello)
		}
		return e.admit(ctx, f, near, db, d, hello, secure)
	}
}

// pass passes on a message that nothing answers.
func pass(ctx context.Context, f *Fleet, db *Database, message []byte) error {
	far, err := f.Dial(ctx, db)
	if err != nil {
		return err
	}
	defer far.Close()
	if _, err = far.Write(message); err == nil {
		_, err = io.Copy(io.Discard, far) // it ends when it is done
	}
	return err
}

// admit connects a client that has said who it is.
func (e postgres) admit(ctx context.Context, f *Fleet, c net.Conn, db *Database, d *Door, hello []byte, secure bool) (near, far net.Conn, err error) {
	var m pgproto3.StartupMessage
	if err := m.Decode(hello[4:]); err != nil {
		return nil, nil, errBadHello
	}
	user := m.Parameters["user"]
	if d.Secure && !secure {
		return nil, nil, deny(c, "28000", fmt.Sprintf("no pg_hba.conf entry for host %q, user %q, database %q, no encryption", d.Host, user, m.Parameters["database"]))
	}
	if far, err = f.Dial(ctx, db); err != nil {
		return nil, nil, errors.Join(err, deny(c, "57P03", "the database system is not available: "+err.Error()))
	}
	token, err := e.forToken(ctx, f, db, d, user)
	if err != nil || token {
		far.Close()
	}
	if err != nil {
		return nil, nil, errors.Join(err, deny(c, "57P03", "the database system is not available: "+err.Error()))
	}
	if token {
		return e.admitToken(ctx, f, c, db, d, &m, secure)
	}
	if _, err := far.Write(hello); err != nil {
		far.Close()
		return nil, nil, err
	}
	return c, far, nil
}

// deny tells a client why it is not let in.
func deny(c net.Conn, code, why string) error {
	text, err := (&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: why}).Encode(nil)
	if err == nil {
		_, err = c.Write(text)
	}
	return errors.Join(err, c.Close())
}
