package acmpca

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreatePermission lets a service do something with an authority.
func (s *Service) CreatePermission(ctx context.Context, call *aws.Call, in *api.CreatePermissionInput) (*api.CreatePermissionOutput, error) {
	if in.Principal != "acm.amazonaws.com" {
		return nil, api.InvalidArgsException.Errorf("The principal %s is not valid: acm.amazonaws.com is the only one.", in.Principal)
	}
	return &api.CreatePermissionOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(tx *store.Tx, arn aws.ARN, _ *authority) error {
		key := permissionKey{arn, in.Principal, aws.Or(in.SourceAccount, call.Account)}
		has, err := permissions.Has(tx, key)
		if err != nil {
			return err
		}
		if has {
			return api.PermissionAlreadyExistsException.Errorf("The permission you are attempting to create already exists.")
		}
		return permissions.Put(tx, key, permission{in.Actions, now()})
	})
}

// DeletePermission takes from a service what CreatePermission let it do.
func (s *Service) DeletePermission(ctx context.Context, call *aws.Call, in *api.DeletePermissionInput) (*api.DeletePermissionOutput, error) {
	return &api.DeletePermissionOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(tx *store.Tx, arn aws.ARN, _ *authority) error {
		key := permissionKey{arn, in.Principal, aws.Or(in.SourceAccount, call.Account)}
		if _, err := permissions.Get(tx, key); errors.Is(err, store.ErrNotFound) {
			return api.ResourceNotFoundException.Errorf("Could not find the permission.")
		} else if err != nil {
			return err
		}
		return permissions.Delete(tx, key)
	})
}

// ListPermissions lists what services may do with an authority.
func (s *Service) ListPermissions(ctx context.Context, call *aws.Call, in *api.ListPermissionsInput) (*api.ListPermissionsOutput, error) {
	arn, _, err := s.view(ctx, call, in.CertificateAuthorityArn)
	if err != nil {
		return nil, err
	}
	out := &api.ListPermissionsOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		out.Permissions = []api.Permission{}
		for key, p := range permissions.Scan(tx, permissionKey{Authority: arn}) {
			out.Permissions = append(out.Permissions, api.Permission{
				CertificateAuthorityArn: new(arn.String()), CreatedAt: &p.Created, Principal: &key.Principal, SourceAccount: &key.Account, Actions: p.Actions, Policy: new(p.policy(arn, key)),
			})
		}
		return tx.Err()
	})
}

// policy is a permission as a policy has it.
func (p *permission) policy(arn aws.ARN, key permissionKey) string {
	actions := slices.Clone(p.Actions)
	for i := range actions {
		actions[i] = `"acm-pca:` + actions[i] + `"`
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s"},"Action":[%s],"Resource":"%s","Condition":{"StringEquals":{"aws:SourceAccount":"%s"}}}]}`,
		key.Principal, strings.Join(actions, ","), arn, key.Account)
}
