package secretsmanager

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const day = 24 * time.Hour

// DeleteSecret has a secret deleted in 7 to 30 days, or at once.
func (s *Service) DeleteSecret(ctx context.Context, call *aws.Call, in *api.DeleteSecretInput) (*api.DeleteSecretOutput, error) {
	force := aws.Value(in.ForceDeleteWithoutRecovery)
	days := aws.Or(in.RecoveryWindowInDays, 30)
	switch {
	case force && in.RecoveryWindowInDays != nil:
		return nil, invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case days < 7 || days > 30:
		return nil, invalid("RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	now := time.Now().UTC()
	out := &api.DeleteSecretOutput{DeletionDate: new(now)}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := find(tx, call, in.SecretId)
		if err != nil {
			return err
		}
		out.ARN, out.Name = new(f.arn(f.key).String()), new(nameOf(f.key))
		if force {
			return s.destroy(tx, &f)
		}
		if !f.Deleted.IsZero() {
			return errDeleted()
		}
		out.DeletionDate = new(now.Add(time.Duration(days) * day))
		f.Deleted = now
		if err := dues.Move(tx, f.key, &f.Gone, *out.DeletionDate, s.due); err != nil {
			return err
		}
		return secrets.Put(tx, f.key, f.secret)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// RestoreSecret keeps a secret after all.
func (s *Service) RestoreSecret(ctx context.Context, call *aws.Call, in *api.RestoreSecretInput) (*api.RestoreSecretOutput, error) {
	out := &api.RestoreSecretOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := find(tx, call, in.SecretId)
		if err != nil {
			return err
		}
		out.ARN, out.Name = new(f.arn(f.key).String()), new(nameOf(f.key))
		f.Deleted = time.Time{}
		if err := dues.Move(tx, f.key, &f.Gone, time.Time{}, s.due); err != nil {
			return err
		}
		return secrets.Put(tx, f.key, f.secret)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// destroy deletes a secret and all its versions.
func (s *Service) destroy(tx *store.Tx, f *found) error {
	for _, at := range []*time.Time{&f.Gone, &f.Next} {
		if err := dues.Move(tx, f.key, at, time.Time{}, s.due); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { s.epoch.Add(1) })
	return errors.Join(secrets.Delete(tx, f.key), versions.DeletePrefix(tx, versionKey{Secret: f.key}))
}

// runDue deletes the secrets whose time has come, and has those rotated that
// are to be.
func (s *Service) runDue(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.db, s.come)
}

// come does what is due.
func (s *Service) come(tx *store.Tx, at time.Time, key aws.ARN) error {
	row, err := secrets.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	f := &found{key, row}
	if !f.Gone.IsZero() && !at.Before(f.Gone) {
		return s.destroy(tx, f)
	}
	if !f.Next.Equal(at) {
		return nil
	}
	if f.Deleted.IsZero() {
		if _, err := s.begin(tx, f, aws.NewRequestID()); err != nil {
			return err
		}
	}
	if err := dues.Move(tx, f.key, &f.Next, f.after(at), s.due); err != nil {
		return err
	}
	return secrets.Put(tx, f.key, f.secret)
}
