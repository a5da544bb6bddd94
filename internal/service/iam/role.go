package iam

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	usualSession = 3600 // s
	maxTrust     = 2048 // characters that are not space
)

// describeRole is a role as operations tell of it.
func describeRole(account string, row *identity) *api.Role {
	out := &api.Role{
		Path:                     row.Path,
		RoleName:                 row.Name,
		RoleId:                   row.ID,
		Arn:                      row.arn(account, role).String(),
		CreateDate:               row.Created,
		AssumeRolePolicyDocument: new(escape(row.Trust)),
	}
	if row.Description != "" {
		out.Description = &row.Description
	}
	return out
}

// CreateRole adds a role, which may do nothing yet.
func (s *Service) CreateRole(ctx context.Context, call *aws.Call, in *api.CreateRoleInput) (*api.CreateRoleOutput, error) {
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	var row identity
	err = s.update(ctx, func(tx *store.Tx) error {
		row = identity{
			Name: in.RoleName, Path: aws.Or(in.Path, "/"), ID: newID("AROA"), Created: now(), Tags: tags,
			Trust: in.AssumeRolePolicyDocument, Description: aws.Value(in.Description), MaxSession: aws.Or(in.MaxSessionDuration, usualSession),
		}
		if err := checkTrust(tx, row.Trust); err != nil {
			return err
		}
		if in.PermissionsBoundary != nil {
			if err := s.putBoundary(tx, &row, call.Account, *in.PermissionsBoundary); err != nil {
				return err
			}
		}
		return createIdentity(tx, call.Account, role, row)
	})
	if err != nil {
		return nil, err
	}
	out := describeRole(call.Account, &row)
	out.PermissionsBoundary, out.Tags = boundaryOf(&row), tagList(row.Tags)
	return &api.CreateRoleOutput{Role: out}, nil
}

// checkTrust refuses a document that cannot say who may take on a role: one
// that names a user or a role that is not there, for instance.
func checkTrust(tx *store.Tx, text string) error {
	if err := checkDocument(text, policy.ForTrust); err != nil {
		return err
	}
	if sizeOf(text) > maxTrust {
		return errQuota("ACLSizePerRole", maxTrust)
	}
	d, err := policy.Parse(text)
	if err != nil {
		return err
	}
	for _, name := range d.Principals() {
		arn, err := aws.ParseARN(name)
		if err != nil || arn.Service != "iam" {
			continue // a session, which need not have begun
		}
		kind, path, _ := strings.Cut(arn.Resource, "/")
		if kind != user && kind != role {
			continue
		}
		switch there, err := identities.Has(tx, newNameKey(arn.Account, kind, path[strings.LastIndexByte(path, '/')+1:])); {
		case err != nil:
			return err
		case !there:
			return api.MalformedPolicyDocumentException.Errorf("%s", policy.ErrPrincipal("AWS", name))
		}
	}
	return nil
}

// GetRole describes a role.
func (s *Service) GetRole(ctx context.Context, call *aws.Call, in *api.GetRoleInput) (*api.GetRoleOutput, error) {
	row, err := s.look(ctx, call, role, in.RoleName)
	if err != nil {
		return nil, err
	}
	out := describeRole(call.Account, &row)
	out.PermissionsBoundary, out.Tags = boundaryOf(&row), tagList(row.Tags)
	out.MaxSessionDuration, out.RoleLastUsed = &row.MaxSession, &api.RoleLastUsed{}
	return &api.GetRoleOutput{Role: out}, nil
}

// ListRoles lists roles, without their tags and boundaries.
func (s *Service) ListRoles(ctx context.Context, call *aws.Call, in *api.ListRolesInput) (out *api.ListRolesOutput, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		rows, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, each(tx, call.Account, role, in.PathPrefix))
		out = &api.ListRolesOutput{Roles: make([]api.Role, len(rows)), IsTruncated: truncated, Marker: marker}
		for i := range rows {
			out.Roles[i] = *describeRole(call.Account, &rows[i])
			out.Roles[i].MaxSessionDuration = &rows[i].MaxSession
		}
		return err
	})
	return out, err
}

// UpdateRole changes how long sessions of a role last, and what it is for.
func (s *Service) UpdateRole(ctx context.Context, call *aws.Call, in *api.UpdateRoleInput) (*api.UpdateRoleOutput, error) {
	return &api.UpdateRoleOutput{}, s.change(ctx, call, role, in.RoleName, func(_ *store.Tx, row *identity) error {
		row.Description = aws.Or(in.Description, row.Description)
		row.MaxSession = aws.Or(in.MaxSessionDuration, row.MaxSession)
		return nil
	})
}

// UpdateRoleDescription changes what a role is for.
func (s *Service) UpdateRoleDescription(ctx context.Context, call *aws.Call, in *api.UpdateRoleDescriptionInput) (*api.UpdateRoleDescriptionOutput, error) {
	var out *api.Role
	err := s.change(ctx, call, role, in.RoleName, func(_ *store.Tx, row *identity) error {
		row.Description = in.Description
		out = describeRole(call.Account, row)
		return nil
	})
	return &api.UpdateRoleDescriptionOutput{Role: out}, err
}

// UpdateAssumeRolePolicy changes who may take on a role.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, call *aws.Call, in *api.UpdateAssumeRolePolicyInput) (*api.UpdateAssumeRolePolicyOutput, error) {
	return &api.UpdateAssumeRolePolicyOutput{}, s.change(ctx, call, role, in.RoleName, func(tx *store.Tx, row *identity) error {
		if isLinked(row) {
			return errProtected(row.Name)
		}
		row.Trust = in.PolicyDocument
		return checkTrust(tx, row.Trust)
	})
}

// DeleteRole deletes a role that has no policies any more.
func (s *Service) DeleteRole(ctx context.Context, call *aws.Call, in *api.DeleteRoleInput) (*api.DeleteRoleOutput, error) {
	return &api.DeleteRoleOutput{}, s.remove(ctx, call, role, in.RoleName, func(tx *store.Tx, row *identity, owner aws.ARN) error {
		if isLinked(row) {
			return errProtected(row.Name)
		}
		if err := checkNoProfile(tx, call.Account, row.Name); err != nil {
			return err
		}
		return checkBare(tx, owner)
	})
}

// TagRole adds tags to a role.
func (s *Service) TagRole(ctx context.Context, call *aws.Call, in *api.TagRoleInput) (*api.TagRoleOutput, error) {
	return &api.TagRoleOutput{}, s.change(ctx, call, role, in.RoleName, func(_ *store.Tx, row *identity) (err error) {
		row.Tags, err = addTags(row.Tags, in.Tags)
		return err
	})
}

// UntagRole removes tags from a role.
func (s *Service) UntagRole(ctx context.Context, call *aws.Call, in *api.UntagRoleInput) (*api.UntagRoleOutput, error) {
	return &api.UntagRoleOutput{}, s.change(ctx, call, role, in.RoleName, func(_ *store.Tx, row *identity) error {
		row.Tags = removeTags(row.Tags, in.TagKeys)
		return nil
	})
}

// ListRoleTags lists the tags of a role.
func (s *Service) ListRoleTags(ctx context.Context, call *aws.Call, in *api.ListRoleTagsInput) (*api.ListRoleTagsOutput, error) {
	row, err := s.look(ctx, call, role, in.RoleName)
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, tagSeq(row.Tags))
	return &api.ListRoleTagsOutput{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

// PutRolePermissionsBoundary sets beyond what the policies of a role do not reach.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, call *aws.Call, in *api.PutRolePermissionsBoundaryInput) (*api.PutRolePermissionsBoundaryOutput, error) {
	return &api.PutRolePermissionsBoundaryOutput{}, s.change(ctx, call, role, in.RoleName, func(tx *store.Tx, row *identity) error {
		if isLinked(row) {
			return errProtected(row.Name)
		}
		return s.putBoundary(tx, row, call.Account, in.PermissionsBoundary)
	})
}

// DeleteRolePermissionsBoundary removes the boundary of a role.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, call *aws.Call, in *api.DeleteRolePermissionsBoundaryInput) (*api.DeleteRolePermissionsBoundaryOutput, error) {
	return &api.DeleteRolePermissionsBoundaryOutput{}, s.change(ctx, call, role, in.RoleName, func(tx *store.Tx, row *identity) error {
		return setBoundary(tx, row, row.owner(call.Account), "")
	})
}

// trustOf is the Policy of the Definition: the policy of a role, as of a
// resource, is who may take it on.
func (s *Service) trustOf(ctx context.Context, arn aws.ARN) (string, error) {
	row, err := s.roleNamed(ctx, arn)
	return row.Trust, err
}

// roleNamed returns the role of that ARN, or one without an id.
func (s *Service) roleNamed(ctx context.Context, arn aws.ARN) (row identity, err error) {
	kind, path, _ := strings.Cut(arn.Resource, "/")
	if kind != role {
		return row, nil
	}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = identities.Get(tx, newNameKey(arn.Account, role, path[strings.LastIndexByte(path, '/')+1:]))
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && row.arn(arn.Account, role) != arn {
		return identity{}, nil
	}
	return row, err
}

// FindRole returns the id of a role, and for how long it may be taken on. The
// id is empty if there is no such role.
func (s *Service) FindRole(ctx context.Context, arn aws.ARN) (id string, longest time.Duration, err error) {
	row, err := s.roleNamed(ctx, arn)
	return row.ID, time.Duration(row.MaxSession) * time.Second, err
}
