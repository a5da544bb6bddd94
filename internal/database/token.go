package database

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
)

// Tokens are how users sign in at a door with tokens of IAM in place of passwords.
type Tokens struct {
	// Check refuses tokens by which a user is not let in.
	Check func(ctx context.Context, user, token string) error
	// Password is that of a user at the server. If it is nil, the server says for whom
	// tokens are, and they have passwords there that nobody knows.
	Password func(ctx context.Context, user string) (string, error)
}

// ErrNoCredentials says that a proxy does not know a user's password.
var ErrNoCredentials = errors.New("there is no secret of the user")

// unknownPassword is one that nobody but us can have of a user.
func (f *Fleet) unknownPassword(id, user string) (string, error) {
	key, err := os.ReadFile(filepath.Join(f.dir(id), adminFile))
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte("token of " + user))
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil)), nil
}
