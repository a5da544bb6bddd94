package kms

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	yearly = 365 // days
	day    = 24 * time.Hour

	maxOnDemand = 25 // rotations of a key
)

// ScheduleKeyDeletion has a key deleted in 7 to 30 days.
func (s *Service) ScheduleKeyDeletion(ctx context.Context, call *aws.Call, in *api.ScheduleKeyDeletionInput) (*api.ScheduleKeyDeletionOutput, error) {
	days := aws.Or(in.PendingWindowInDays, 30)
	if days < 7 || days > 30 {
		return nil, invalid("PendingWindowInDays must be between 7 and 30.")
	}
	out := &api.ScheduleKeyDeletionOutput{KeyState: new(api.KeyStatePendingDeletion), PendingWindowInDays: &days}
	err := s.change(ctx, call, in.KeyId, func(tx *store.Tx, f *found) error {
		if f.State == api.KeyStatePendingDeletion {
			return errPending(f.ARN)
		}
		if f.State == api.KeyStateEnabled {
			f.Turned = time.Now()
		}
		f.State, f.Window = api.KeyStatePendingDeletion, days
		out.KeyId = new(f.ARN.String())
		out.DeletionDate = new(time.Now().UTC().Add(time.Duration(days) * day))
		return dues.Move(tx, f.ARN, &f.Deletion, *out.DeletionDate, s.due)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// CancelKeyDeletion keeps a key after all. It must be enabled again.
func (s *Service) CancelKeyDeletion(ctx context.Context, call *aws.Call, in *api.CancelKeyDeletionInput) (*api.CancelKeyDeletionOutput, error) {
	out := &api.CancelKeyDeletionOutput{}
	return out, s.change(ctx, call, in.KeyId, func(tx *store.Tx, f *found) error {
		if f.State != api.KeyStatePendingDeletion {
			return api.KMSInvalidStateException.Errorf("%s is not pending deletion.", f.ARN)
		}
		f.State, f.Window = api.KeyStateDisabled, 0
		out.KeyId = new(f.ARN.String())
		return dues.Move(tx, f.ARN, &f.Deletion, time.Time{}, s.due)
	})
}

// rotatable refuses a key that has but one material.
func (f *found) rotatable() error {
	if f.Spec != symmetric {
		return errNotSymmetric()
	}
	return f.key.usable(f.ARN)
}

// EnableKeyRotation has a key rotate every year, or as often as is said.
func (s *Service) EnableKeyRotation(ctx context.Context, call *aws.Call, in *api.EnableKeyRotationInput) (*api.EnableKeyRotationOutput, error) {
	return &api.EnableKeyRotationOutput{}, s.change(ctx, call, in.KeyId, func(tx *store.Tx, f *found) error {
		if err := f.rotatable(); err != nil {
			return err
		}
		if f.Rotates && in.RotationPeriodInDays == nil {
			return nil
		}
		f.Rotates, f.Period = true, aws.Or(in.RotationPeriodInDays, yearly)
		return dues.Move(tx, f.ARN, &f.Rotation, time.Now().UTC().Add(time.Duration(f.Period)*day), s.due)
	})
}

// DisableKeyRotation has a key rotate no more.
func (s *Service) DisableKeyRotation(ctx context.Context, call *aws.Call, in *api.DisableKeyRotationInput) (*api.DisableKeyRotationOutput, error) {
	return &api.DisableKeyRotationOutput{}, s.change(ctx, call, in.KeyId, func(tx *store.Tx, f *found) error {
		if err := f.rotatable(); err != nil {
			return err
		}
		f.Rotates, f.Period = false, 0
		return dues.Move(tx, f.ARN, &f.Rotation, time.Time{}, s.due)
	})
}

// GetKeyRotationStatus says whether and when a key rotates.
func (s *Service) GetKeyRotationStatus(ctx context.Context, call *aws.Call, in *api.GetKeyRotationStatusInput) (*api.GetKeyRotationStatusOutput, error) {
	f, err := s.find(ctx, call, in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &api.GetKeyRotationStatusOutput{KeyId: new(f.ARN.String()), KeyRotationEnabled: &f.Rotates}
	if f.Rotates {
		out.RotationPeriodInDays = &f.Period
	}
	if !f.Rotation.IsZero() {
		out.NextRotationDate = &f.Rotation
	}
	return out, nil
}

// RotateKeyOnDemand gives a key new material now.
func (s *Service) RotateKeyOnDemand(ctx context.Context, call *aws.Call, in *api.RotateKeyOnDemandInput) (*api.RotateKeyOnDemandOutput, error) {
	out := &api.RotateKeyOnDemandOutput{}
	return out, s.change(ctx, call, in.KeyId, func(_ *store.Tx, f *found) error {
		if err := f.rotatable(); err != nil {
			return err
		}
		n := 0
		for _, m := range f.Materials {
			if m.Reason == api.RotationTypeOnDemand {
				n++
			}
		}
		if n >= maxOnDemand {
			return api.LimitExceededException.Errorf("The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: %s", f.ARN)
		}
		out.KeyId = new(f.id())
		if strings.HasPrefix(in.KeyId, "arn:") {
			out.KeyId = new(f.ARN.String())
		}
		return f.renew(api.RotationTypeOnDemand)
	})
}

// ListKeyRotations lists when a key rotated.
func (s *Service) ListKeyRotations(ctx context.Context, call *aws.Call, in *api.ListKeyRotationsInput) (*api.ListKeyRotationsOutput, error) {
	f, err := s.find(ctx, call, in.KeyId)
	if err != nil {
		return nil, err
	}
	if f.Spec != symmetric {
		return nil, errNotSymmetric()
	}
	whole := aws.Value(in.IncludeKeyMaterial) == api.IncludeKeyMaterialAllKeyMaterial
	var all []api.RotationsListEntry
	for i := range f.Materials {
		m := &f.Materials[i]
		if m.Reason == "" && !whole {
			continue
		}
		e := api.RotationsListEntry{KeyId: new(f.ARN.String()), KeyMaterialId: &m.ID, KeyMaterialState: new(api.KeyMaterialStateNonCurrent)}
		if i == len(f.Materials)-1 {
			e.KeyMaterialState = new(api.KeyMaterialStateCurrent)
		}
		if m.Reason != "" {
			e.RotationDate, e.RotationType = &m.Since, &m.Reason
		}
		all = append(all, e)
	}
	out := &api.ListKeyRotationsOutput{}
	out.Rotations, out.NextMarker, out.Truncated, err = page(all, in.Limit, in.Marker, 100, func(e *api.RotationsListEntry) string { return *e.KeyMaterialId })
	return out, err
}

// runDue rotates and deletes the keys whose time has come.
func (s *Service) runDue(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.db, s.come)
}

// come does what is due.
func (s *Service) come(tx *store.Tx, at time.Time, arn aws.ARN) error {
	k, err := keys.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	f := &found{ARN: arn, key: k}
	if f.gone(at) {
		return s.destroy(tx, f)
	}
	if f.Rotates && f.State == api.KeyStateEnabled {
		if err := f.renew(api.RotationTypeAutomatic); err != nil {
			return err
		}
	}
	if err := dues.Move(tx, f.ARN, &f.Rotation, at.Add(time.Duration(f.Period)*day), s.due); err != nil {
		return err
	}
	return s.put(tx, f.ARN, f.key)
}

// destroy deletes a key, its names and its grants.
func (s *Service) destroy(tx *store.Tx, f *found) error {
	call := &aws.Call{Account: f.ARN.Account, Region: f.ARN.Region}
	names, err := namesOf(tx, call, f.id())
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := aliases.Delete(tx, call.ARN("kms", *n.AliasName)); err != nil {
			return err
		}
	}
	if err := dues.Move(tx, f.ARN, &f.Rotation, time.Time{}, s.due); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.epoch.Add(1) })
	return errors.Join(keys.Delete(tx, f.ARN), grants.DeletePrefix(tx, grantKey{Key: f.ARN}))
}
