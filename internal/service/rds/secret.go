package rds

import (
	"context"
	"encoding/json"
	"strings"

	"crypto/rand"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// A masterUser is how the master user of a new database is to sign in.
type masterUser struct {
	kind           string // "cluster" or "db"
	user, password *string
	managed        bool // we choose the password, and keep it in a secret
	key            *string
	owner          aws.ARN
}

// checkMaster refuses master users that no database can have.
func checkMaster(user, password *string, managed bool, e *engine) error {
	switch {
	case user == nil:
		return bad("The parameter MasterUsername must be provided and must not be blank.")
	case strings.EqualFold(*user, "rdsadmin") || strings.EqualFold(*user, "admin") && e.port == 5432 || strings.HasPrefix(strings.ToLower(*user), "pg_"):
		return bad("MasterUsername %s cannot be used as it is a reserved word used by the engine", *user)
	case managed && password != nil:
		return invalidCombination.Errorf("You can't specify MasterUserPassword when you specify ManageMasterUserPassword.")
	case managed:
		return nil
	case password == nil:
		return bad("The parameter MasterUserPassword must be provided and must not be blank.")
	}
	return checkPassword(*password)
}

func checkPassword(password string) error {
	switch {
	case len(password) < 8:
		return bad("The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
	case len(password) > 128 || strings.ContainsAny(password, "/@\" ") || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }):
		return bad("The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.")
	}
	return nil
}

// giveMaster seals the password of a master user into a row, and makes the secret
// that keeps it, if we manage it. keep is told whether the row was kept: if it was
// not, the secret goes too.
func (s *Service) giveMaster(ctx context.Context, call *aws.Call, b *base, shown **api.MasterUserSecret, m masterUser) (keep func(error) error, err error) {
	password := aws.Value(m.password)
	keep = func(err error) error { return err }
	if m.managed {
		password = rand.Text()
		text, err := json.Marshal(map[string]string{"username": *m.user, "password": password})
		if err != nil {
			return nil, err
		}
		made, err := dispatch.Call(ctx, s.cfg.Table, call.Through(serviceName), secretsmanager.CreateSecret, &secretsmanager.CreateSecretInput{
			Name: "rds!" + m.kind + "-" + aws.NewRequestID(), SecretString: new(string(text)), KmsKeyId: m.key,
			Description: new("The secret associated with the primary RDS DB: " + m.owner.String()),
		})
		if err != nil {
			return nil, err
		}
		*shown = &api.MasterUserSecret{SecretArn: made.ARN, SecretStatus: new(creating), KmsKeyId: m.key}
		keep = func(err error) error {
			if err != nil {
				s.dropSecret(ctx, call, *shown)
			}
			return err
		}
	}
	key, err := s.master()
	if err != nil {
		return nil, err
	}
	b.Password = key.Seal(nil, nil, []byte(password), []byte(b.ID))
	return keep, nil
}

// dropSecret removes the secret of a database that is no more. That it is gone
// already is no failure.
func (s *Service) dropSecret(ctx context.Context, call *aws.Call, secret *api.MasterUserSecret) {
	if secret == nil {
		return
	}
	in := &secretsmanager.DeleteSecretInput{SecretId: *secret.SecretArn, ForceDeleteWithoutRecovery: new(true)}
	if _, err := dispatch.Call(ctx, s.cfg.Table, call.Through(serviceName), secretsmanager.DeleteSecret, in); err != nil {
		s.cfg.Log.Warn("a secret of a database is left", "secret", *secret.SecretArn, "err", err)
	}
}

// unseal returns the password that a row keeps until its database is made.
func (s *Service) unseal(b *base) (string, error) {
	key, err := s.master()
	if err != nil {
		return "", err
	}
	text, err := key.Open(nil, nil, b.Password, []byte(b.ID))
	return string(text), err
}

// changePassword changes the password of a master user.
func (s *Service) changePassword(ctx context.Context, b *base, password *string) error {
	if password == nil {
		return nil
	}
	if err := checkPassword(*password); err != nil {
		return err
	}
	db, err := b.database()
	if err != nil {
		return err
	}
	return s.cfg.Fleet.SetPassword(ctx, db, b.User, *password)
}
