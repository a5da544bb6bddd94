package iam

import (
	"cmp"
	"context"
	"errors"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// keysPerUser is AWS's quota.
const keysPerUser = 2

// keyOwner returns who owns the keys that an operation is about: the user it
// names, or whoever calls. The root has no name.
func keyOwner(tx *store.Tx, call *aws.Call, name *string) (owner aws.ARN, userName string, err error) {
	want := cmp.Or(aws.Value(name), callerName(call))
	if want == "" && call.Principal.Kind == aws.Root {
		return ownerKey(call.Account, rootID), "", nil
	}
	if want == "" {
		return owner, "", api.ValidationError.Errorf("Must specify userName when calling with non-User credentials")
	}
	_, row, err := findIdentity(tx, call.Account, user, want)
	return row.owner(call.Account), row.Name, err
}

// CreateAccessKey makes a key. Its secret is never told again.
func (s *Service) CreateAccessKey(ctx context.Context, call *aws.Call, in *api.CreateAccessKeyInput) (*api.CreateAccessKeyOutput, error) {
	var out *api.AccessKey
	err := s.update(ctx, func(tx *store.Tx) error {
		owner, name, err := keyOwner(tx, call, in.UserName)
		if err != nil {
			return err
		}
		if len(slices.Collect(keyIDs(tx, owner))) >= keysPerUser {
			return errQuota("AccessKeysPerUser", keysPerUser)
		}
		id, row, err := s.addKey(tx, owner)
		out = &api.AccessKey{
			UserName: name, AccessKeyId: id, Status: api.StatusTypeActive, SecretAccessKey: row.Secret, CreateDate: &row.Created,
		}
		return err
	})
	return &api.CreateAccessKeyOutput{AccessKey: out}, err
}

// addKey makes a key for owner.
func (s *Service) addKey(tx *store.Tx, owner aws.ARN) (id string, row accessKey, err error) {
	for {
		c, err := s.mint.NewKey(owner.Account)
		if err != nil {
			return "", row, err
		}
		id, row = c.AccessKey, accessKey{Owner: owner, Secret: c.Secret, Active: true, Created: now()}
		taken, err := keys.Has(tx, keyARN(owner.Account, id))
		if err != nil {
			return "", row, err
		}
		if !taken {
			break
		}
	}
	if err := keysOf.Put(tx, partKey{owner, id}, struct{}{}); err != nil {
		return "", row, err
	}
	return id, row, keys.Put(tx, keyARN(owner.Account, id), row)
}

// keyIDs yields the ids of the keys of owner.
func keyIDs(tx *store.Tx, owner aws.ARN) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range keysOf.Scan(tx, partKey{Owner: owner}) {
			if !yield(key.Name) {
				return
			}
		}
	}
}

// findKey returns a key that owner has, or a refusal.
func findKey(tx *store.Tx, owner aws.ARN, id string) (accessKey, error) {
	row, err := keys.Get(tx, keyARN(owner.Account, id))
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Owner != owner {
		return row, errNoKey(id)
	}
	return row, err
}

// ListAccessKeys lists the keys of a user, without secrets.
func (s *Service) ListAccessKeys(ctx context.Context, call *aws.Call, in *api.ListAccessKeysInput) (out *api.ListAccessKeysOutput, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		owner, name, err := keyOwner(tx, call, in.UserName)
		if err != nil {
			return err
		}
		items := func(yield func(string, api.AccessKeyMetadata) bool) {
			for id := range keyIDs(tx, owner) {
				row, err := findKey(tx, owner, id)
				if err != nil {
					return // tx knows
				}
				if !yield(id, api.AccessKeyMetadata{UserName: &name, AccessKeyId: &id, Status: new(status(row.Active)), CreateDate: &row.Created}) {
					return
				}
			}
		}
		found, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, items)
		out = &api.ListAccessKeysOutput{AccessKeyMetadata: found, IsTruncated: truncated, Marker: marker}
		return err
	})
	return out, err
}

func status(active bool) string {
	if active {
		return api.StatusTypeActive
	}
	return api.StatusTypeInactive
}

// UpdateAccessKey turns a key off, or on again.
func (s *Service) UpdateAccessKey(ctx context.Context, call *aws.Call, in *api.UpdateAccessKeyInput) (*api.UpdateAccessKeyOutput, error) {
	if in.Status == api.StatusTypeExpired {
		return nil, api.ValidationError.Errorf("Status Expired cannot be set.")
	}
	return &api.UpdateAccessKeyOutput{}, s.update(ctx, func(tx *store.Tx) error {
		owner, _, err := keyOwner(tx, call, in.UserName)
		if err != nil {
			return err
		}
		row, err := findKey(tx, owner, in.AccessKeyId)
		if err != nil {
			return err
		}
		row.Active = in.Status == api.StatusTypeActive
		return keys.Put(tx, keyARN(call.Account, in.AccessKeyId), row)
	})
}

// DeleteAccessKey deletes a key for ever.
func (s *Service) DeleteAccessKey(ctx context.Context, call *aws.Call, in *api.DeleteAccessKeyInput) (*api.DeleteAccessKeyOutput, error) {
	return &api.DeleteAccessKeyOutput{}, s.update(ctx, func(tx *store.Tx) error {
		owner, _, err := keyOwner(tx, call, in.UserName)
		if err != nil {
			return err
		}
		if _, err := findKey(tx, owner, in.AccessKeyId); err != nil {
			return err
		}
		if err := keysOf.Delete(tx, partKey{owner, in.AccessKeyId}); err != nil {
			return err
		}
		return keys.Delete(tx, keyARN(call.Account, in.AccessKeyId))
	})
}

// GetAccessKeyLastUsed tells whose a key is.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, call *aws.Call, in *api.GetAccessKeyLastUsedInput) (out *api.GetAccessKeyLastUsedOutput, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := keys.Get(tx, keyARN(call.Account, in.AccessKeyId))
		if errors.Is(err, store.ErrNotFound) {
			return errNoKey(in.AccessKeyId)
		}
		if err != nil {
			return err
		}
		out = &api.GetAccessKeyLastUsedOutput{AccessKeyLastUsed: &api.AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}
		if row.Owner == ownerKey(call.Account, rootID) {
			return nil
		}
		_, owner, err := findOwner(tx, row.Owner)
		out.UserName = &owner.Name
		return err
	})
	return out, err
}
