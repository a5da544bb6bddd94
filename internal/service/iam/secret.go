package iam

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// openMint reads the secret of the installation, or makes it the first time.
func openMint(ctx context.Context, db *store.DB) (*auth.Mint, error) {
	key := aws.ARN{Service: "iam", Resource: "installation"}
	var row secretRow
	err := db.Update(ctx, func(tx *store.Tx) (err error) {
		row, err = installation.Get(tx, key)
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		row = secretRow{Secret: make([]byte, auth.MintKeySize), Created: now()}
		rand.Read(row.Secret)
		return installation.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return auth.NewMint(row.Secret)
}

// RootKey makes the first access key of an account's root, for whoever
// installs the platform. It returns nil if there was one before, be it deleted
// since.
func (s *Service) RootKey(ctx context.Context, account string) (*auth.Credentials, error) {
	mark := aws.ARN{Service: "iam", Account: account, Resource: "root-key-made"}
	var out *auth.Credentials
	err := s.update(ctx, func(tx *store.Tx) error {
		out = nil
		made, err := installation.Has(tx, mark)
		if err != nil || made {
			return err
		}
		id, row, err := s.addKey(tx, ownerKey(account, rootID))
		if err != nil {
			return err
		}
		out = &auth.Credentials{AccessKey: id, Secret: row.Secret}
		return installation.Put(tx, mark, secretRow{Created: now()})
	})
	return out, err
}
