package database

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/ca"
)

// helloLimit is how long a client may take until it is connected, its server's
// start included.
const helloLimit = 2 * time.Minute

// A Door is how clients are met at an endpoint of a database.
type Door struct {
	Host   string        // that the endpoint is called
	CA     *ca.Authority // of its certificate
	Secure bool          // clients must come over TLS
	Tokens *Tokens       // nil: nobody signs in by a token
}

// tls is the configuration of the door's TLS, which has names of its own.
func (d *Door) tls(protocols ...string) *tls.Config {
	c := d.CA.TLS()
	c.NextProtos = protocols
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName != "" {
			return d.CA.Host(hello.ServerName)
		}
		return d.CA.Host(d.Host)
	}
	return c
}

// Serve connects a client with a database, and returns when they part.
func (f *Fleet) Serve(ctx context.Context, c net.Conn, db *Database, d *Door) error {
	stop := context.AfterFunc(f.ctx, func() { c.Close() })
	defer stop()
	c.SetDeadline(time.Now().Add(helloLimit))
	hello, cancel := context.WithTimeout(ctx, helloLimit)
	defer cancel()
	near, far, err := db.Engine.welcome(hello, f, c, db, d)
	if err != nil || near == nil {
		return err
	}
	c.SetDeadline(time.Time{})
	f.splice(near, far)
	return nil
}

// splice passes on what each side says until one of them ends.
func (f *Fleet) splice(near, far net.Conn) {
	end := sync.OnceFunc(func() { near.Close(); far.Close() })
	defer end()
	f.fences.Go(func() {
		io.Copy(far, near)
		end()
	})
	io.Copy(near, far)
}
