package iam

import (
	"context"
	"iter"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// change changes one identity.
func (s *Service) change(ctx context.Context, call *aws.Call, kind, name string, fn func(tx *store.Tx, row *identity) error) error {
	return s.update(ctx, func(tx *store.Tx) error {
		key, row, err := findIdentity(tx, call.Account, kind, name)
		if err != nil {
			return err
		}
		if err := fn(tx, &row); err != nil {
			return err
		}
		return identities.Put(tx, key, row)
	})
}

// look finds one identity.
func (s *Service) look(ctx context.Context, call *aws.Call, kind, name string) (row identity, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err = findIdentity(tx, call.Account, kind, name)
		return err
	})
	return row, err
}

// each yields the identities of a kind whose path has a prefix, by name.
func each(tx *store.Tx, account, kind string, prefix *string) iter.Seq2[string, identity] {
	return func(yield func(string, identity) bool) {
		scope := newNameKey(account, kind, "")
		for key, row := range identities.Scan(tx, scope) {
			if strings.HasPrefix(row.Path, aws.Value(prefix)) && !yield(key.Name, row) {
				return
			}
		}
	}
}

// rename gives an identity another name and path.
func (s *Service) rename(ctx context.Context, call *aws.Call, kind, name string, newName, newPath *string) error {
	return s.update(ctx, func(tx *store.Tx) error {
		key, row, err := findIdentity(tx, call.Account, kind, name)
		if err != nil {
			return err
		}
		row.Name, row.Path = aws.Or(newName, row.Name), aws.Or(newPath, row.Path)
		if newNameKey(call.Account, kind, row.Name) == key {
			return identities.Put(tx, key, row)
		}
		if err := identities.Delete(tx, key); err != nil {
			return err
		}
		return createIdentity(tx, call.Account, kind, row)
	})
}

// remove deletes an identity on which nothing hangs any more.
func (s *Service) remove(ctx context.Context, call *aws.Call, kind, name string, check func(tx *store.Tx, row *identity, owner aws.ARN) error) error {
	return s.update(ctx, func(tx *store.Tx) error {
		key, row, err := findIdentity(tx, call.Account, kind, name)
		if err != nil {
			return err
		}
		owner := row.owner(call.Account)
		if err := check(tx, &row, owner); err != nil {
			return err
		}
		if err := setBoundary(tx, &row, owner, ""); err != nil {
			return err
		}
		if err := names.Delete(tx, owner); err != nil {
			return err
		}
		return identities.Delete(tx, key)
	})
}

// checkBare refuses to delete an identity that still has policies.
func checkBare(tx *store.Tx, owner aws.ARN) error {
	for range attachments.Scan(tx, pairKey{One: owner}) {
		return errInUse("detach all policies")
	}
	for range inlines.Scan(tx, partKey{Owner: owner}) {
		return errInUse("delete policies")
	}
	return tx.Err()
}

// setBoundary makes the policy of that ARN the boundary of an identity; "" is none.
func setBoundary(tx *store.Tx, row *identity, owner aws.ARN, boundary string) error {
	if row.Boundary != "" {
		old, err := parsePolicyARN(row.Boundary)
		if err != nil {
			return err
		}
		if err := attached.Delete(tx, useKey{Policy: old, Boundary: true, Owner: owner}); err != nil {
			return err
		}
	}
	row.Boundary = boundary
	if boundary == "" {
		return nil
	}
	arn, err := parsePolicyARN(boundary)
	if err != nil {
		return err
	}
	return attached.Put(tx, useKey{Policy: arn, Boundary: true, Owner: owner}, struct{}{})
}

// putBoundary is setBoundary for a policy that must exist.
func (s *Service) putBoundary(tx *store.Tx, row *identity, account, boundary string) error {
	arn, err := parsePolicyARN(boundary)
	if err != nil {
		return err
	}
	if err := s.checkAttachable(tx, account, arn); err != nil {
		return api.NoSuchEntityException.Errorf("Scope ARN: %s does not exist or is not attachable.", boundary)
	}
	return setBoundary(tx, row, row.owner(account), boundary)
}

// boundaryOf describes the boundary of an identity.
func boundaryOf(row *identity) *api.AttachedPermissionsBoundary {
	if row.Boundary == "" {
		return nil
	}
	return &api.AttachedPermissionsBoundary{
		PermissionsBoundaryType: new("Policy"), // so AWS says, though its model knows another,
		PermissionsBoundaryArn:  &row.Boundary,
	}
}
