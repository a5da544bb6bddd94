package database

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// maxToken is more bytes than a token has.
const maxToken = 16 << 10

// forToken reports whether a user is to show a token.
func (e postgres) forToken(ctx context.Context, f *Fleet, db *Database, d *Door, user string) (is bool, err error) {
	if d.Tokens == nil || d.Tokens.Password != nil {
		return d.Tokens != nil, nil
	}
	err = f.Admin(ctx, db, func(a *Admin) error {
		c, err := e.connect(ctx, a, "postgres")
		if err != nil {
			return err
		}
		defer c.Close(ctx)
		const question = `SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
			WHERE g.rolname = 'rds_iam' AND r.rolname = $1 AND r.rolcanlogin AND NOT r.rolsuper`
		r := c.ExecParams(ctx, question, [][]byte{[]byte(user)}, nil, nil, nil).Read()
		is = len(r.Rows) > 0
		return r.Err
	})
	return is, err
}

// admitToken connects a client that shows a token, which we then are at the server.
func (e postgres) admitToken(ctx context.Context, f *Fleet, c net.Conn, db *Database, d *Door, m *pgproto3.StartupMessage, secure bool) (near, far net.Conn, err error) {
	user := m.Parameters["user"]
	if !secure {
		if d.Tokens.Password != nil {
			return nil, nil, deny(c, "28000", "IAM is allowed only with SSL connections.")
		}
		return nil, nil, deny(c, "28000", fmt.Sprintf("pg_hba.conf rejects connection for host %q, user %q, database %q, no encryption", d.Host, user, m.Parameters["database"]))
	}
	b := pgproto3.NewBackend(c, c)
	b.SetMaxBodyLen(maxToken)
	b.Send(&pgproto3.AuthenticationCleartextPassword{})
	if err := b.Flush(); err != nil {
		return nil, nil, err
	}
	if err := b.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
		return nil, nil, err
	}
	said, err := b.Receive()
	if err != nil {
		return nil, nil, err
	}
	token, ok := said.(*pgproto3.PasswordMessage)
	if !ok {
		return nil, nil, errBadHello
	}
	if err := d.Tokens.Check(ctx, user, token.Password); err != nil {
		if d.Tokens.Password != nil {
			return nil, nil, errors.Join(err, deny(c, "28000", fmt.Sprintf("The IAM authentication failed for the role %s. Check the IAM token for this role and try again.", user)))
		}
		return nil, nil, errors.Join(err, deny(c, "28000", fmt.Sprintf("PAM authentication failed for user %q", user)))
	}
	p, err := e.be(ctx, f, db, d, m)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return nil, nil, errors.Join(err, deny(c, refused.Code, refused.Message))
	case errors.Is(err, ErrNoCredentials):
		return nil, nil, deny(c, "28000", fmt.Sprintf("This RDS proxy has no credentials for the role %s. Check the credentials for this role and try again.", user))
	case err != nil:
		return nil, nil, errors.Join(err, deny(c, "57P03", "the database system is not available: "+err.Error()))
	}
	return e.introduce(ctx, c, p)
}

// be signs in at the server as a client that has shown a token.
func (e postgres) be(ctx context.Context, f *Fleet, db *Database, d *Door, m *pgproto3.StartupMessage) (*pgconn.PgConn, error) {
	cfg, err := clientConfig(func(ctx context.Context) (net.Conn, error) { return f.Dial(ctx, db) })
	if err != nil {
		return nil, err
	}
	for name, value := range m.Parameters {
		switch name {
		case "user":
			cfg.User = value
		case "database":
			cfg.Database = value
		default:
			cfg.RuntimeParams[name] = value
		}
	}
	if m.Parameters["database"] == "" {
		cfg.Database = cfg.User
	}
	if d.Tokens.Password != nil {
		if cfg.Password, err = d.Tokens.Password(ctx, cfg.User); err != nil {
			return nil, err
		}
		return pgconn.ConnectConfig(ctx, cfg)
	}
	if cfg.Password, err = f.unknownPassword(db.ID, cfg.User); err != nil {
		return nil, err
	}
	p, err := pgconn.ConnectConfig(ctx, cfg)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "28P01" { // it is the first time, or had another since
		if err := f.SetPassword(ctx, db, cfg.User, cfg.Password); err != nil {
			return nil, err
		}
		return pgconn.ConnectConfig(ctx, cfg)
	}
	return p, err
}

// introduce tells a client what the server told us of its session.
func (e postgres) introduce(ctx context.Context, c net.Conn, p *pgconn.PgConn) (near, far net.Conn, err error) {
	if err := p.SyncConn(ctx); err != nil {
		return nil, nil, err
	}
	h, err := p.Hijack()
	if err != nil {
		return nil, nil, err
	}
	b := pgproto3.NewBackend(c, c)
	b.Send(&pgproto3.AuthenticationOk{})
	for name, value := range h.ParameterStatuses {
		b.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	b.Send(&pgproto3.BackendKeyData{ProcessID: h.PID, SecretKey: h.SecretKey})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: h.TxStatus})
	if err := b.Flush(); err != nil {
		h.Conn.Close()
		return nil, nil, err
	}
	return c, h.Conn, nil
}
