package iam

import (
	"cmp"
	"context"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// callerName is the name of the user who calls, or "".
func callerName(call *aws.Call) string {
	_, name, _ := strings.Cut(call.Principal.ARN, ":user/")
	return name[strings.LastIndexByte(name, '/')+1:]
}

// describeUser is a user as operations tell of it.
func describeUser(account string, row *identity) *api.User {
	return &api.User{
		Path:       row.Path,
		UserName:   row.Name,
		UserId:     row.ID,
		Arn:        row.arn(account, user).String(),
		CreateDate: row.Created,
	}
}

// CreateUser adds a user, who may do nothing yet.
func (s *Service) CreateUser(ctx context.Context, call *aws.Call, in *api.CreateUserInput) (*api.CreateUserOutput, error) {
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	var row identity
	err = s.update(ctx, func(tx *store.Tx) error {
		row = identity{Name: in.UserName, Path: aws.Or(in.Path, "/"), ID: newID("AIDA"), Created: now(), Tags: tags}
		if in.PermissionsBoundary != nil {
			if err := s.putBoundary(tx, &row, call.Account, *in.PermissionsBoundary); err != nil {
				return err
			}
		}
		return createIdentity(tx, call.Account, user, row)
	})
	if err != nil {
		return nil, err
	}
	out := describeUser(call.Account, &row)
	out.PermissionsBoundary, out.Tags = boundaryOf(&row), tagList(row.Tags)
	return &api.CreateUserOutput{User: out}, nil
}

// GetUser describes a user, or whoever calls.
func (s *Service) GetUser(ctx context.Context, call *aws.Call, in *api.GetUserInput) (*api.GetUserOutput, error) {
	name := cmp.Or(aws.Value(in.UserName), callerName(call))
	if name == "" {
		if call.Principal.Kind != aws.Root {
			return nil, api.ValidationError.Errorf("Must specify userName when calling with non-User credentials")
		}
		// The root has no name, and was there before anything.
		return &api.GetUserOutput{User: &api.User{Path: "/", UserId: call.Account, Arn: call.Principal.ARN, CreateDate: time.Unix(0, 0).UTC()}}, nil
	}
	row, err := s.look(ctx, call, user, name)
	if err != nil {
		return nil, err
	}
	out := describeUser(call.Account, &row)
	out.PermissionsBoundary, out.Tags = boundaryOf(&row), tagList(row.Tags)
	return &api.GetUserOutput{User: out}, nil
}

// ListUsers lists users, without their tags and boundaries.
func (s *Service) ListUsers(ctx context.Context, call *aws.Call, in *api.ListUsersInput) (out *api.ListUsersOutput, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		rows, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, each(tx, call.Account, user, in.PathPrefix))
		out = &api.ListUsersOutput{Users: describeUsers(call.Account, rows), IsTruncated: truncated, Marker: marker}
		return err
	})
	return out, err
}

func describeUsers(account string, rows []identity) []api.User {
	users := make([]api.User, len(rows))
	for i := range rows {
		users[i] = *describeUser(account, &rows[i])
	}
	return users
}

// UpdateUser gives a user another name or path. All that it has stays its own.
func (s *Service) UpdateUser(ctx context.Context, call *aws.Call, in *api.UpdateUserInput) (*api.UpdateUserOutput, error) {
	return &api.UpdateUserOutput{}, s.rename(ctx, call, user, in.UserName, in.NewUserName, in.NewPath)
}

// DeleteUser deletes a user that has nothing any more.
func (s *Service) DeleteUser(ctx context.Context, call *aws.Call, in *api.DeleteUserInput) (*api.DeleteUserOutput, error) {
	return &api.DeleteUserOutput{}, s.remove(ctx, call, user, in.UserName, func(tx *store.Tx, _ *identity, owner aws.ARN) error {
		for range memberships.Scan(tx, pairKey{One: owner}) {
			return errInUse("remove users from group")
		}
		for range keysOf.Scan(tx, partKey{Owner: owner}) {
			return errInUse("delete access keys")
		}
		return checkBare(tx, owner)
	})
}

// TagUser adds tags to a user.
func (s *Service) TagUser(ctx context.Context, call *aws.Call, in *api.TagUserInput) (*api.TagUserOutput, error) {
	return &api.TagUserOutput{}, s.change(ctx, call, user, in.UserName, func(_ *store.Tx, row *identity) (err error) {
		row.Tags, err = addTags(row.Tags, in.Tags)
		return err
	})
}

// UntagUser removes tags from a user.
func (s *Service) UntagUser(ctx context.Context, call *aws.Call, in *api.UntagUserInput) (*api.UntagUserOutput, error) {
	return &api.UntagUserOutput{}, s.change(ctx, call, user, in.UserName, func(_ *store.Tx, row *identity) error {
		row.Tags = removeTags(row.Tags, in.TagKeys)
		return nil
	})
}

// ListUserTags lists the tags of a user.
func (s *Service) ListUserTags(ctx context.Context, call *aws.Call, in *api.ListUserTagsInput) (*api.ListUserTagsOutput, error) {
	row, err := s.look(ctx, call, user, in.UserName)
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, tagSeq(row.Tags))
	return &api.ListUserTagsOutput{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

// PutUserPermissionsBoundary sets beyond what the policies of a user do not reach.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, call *aws.Call, in *api.PutUserPermissionsBoundaryInput) (*api.PutUserPermissionsBoundaryOutput, error) {
	return &api.PutUserPermissionsBoundaryOutput{}, s.change(ctx, call, user, in.UserName, func(tx *store.Tx, row *identity) error {
		return s.putBoundary(tx, row, call.Account, in.PermissionsBoundary)
	})
}

// DeleteUserPermissionsBoundary removes the boundary of a user.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, call *aws.Call, in *api.DeleteUserPermissionsBoundaryInput) (*api.DeleteUserPermissionsBoundaryOutput, error) {
	return &api.DeleteUserPermissionsBoundaryOutput{}, s.change(ctx, call, user, in.UserName, func(tx *store.Tx, row *identity) error {
		return setBoundary(tx, row, row.owner(call.Account), "")
	})
}

// ListGroupsForUser lists the groups that a user belongs to.
func (s *Service) ListGroupsForUser(ctx context.Context, call *aws.Call, in *api.ListGroupsForUserInput) (out *api.ListGroupsForUserOutput, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, user, in.UserName)
		if err != nil {
			return err
		}
		rows, err := partners(tx, memberships, row.owner(call.Account))
		if err != nil {
			return err
		}
		rows, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, byName(rows))
		out = &api.ListGroupsForUserOutput{Groups: describeGroups(call.Account, rows), IsTruncated: truncated, Marker: marker}
		return err
	})
	return out, err
}
