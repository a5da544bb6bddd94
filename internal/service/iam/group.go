package iam

import (
	"cmp"
	"context"
	"iter"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// groupsPerUser is AWS's quota.
const groupsPerUser = 10

// partners returns the identities that a table of pairs ties to one, by name.
func partners(tx *store.Tx, pairs store.Table[pairKey, struct{}], one aws.ARN) ([]identity, error) {
	var rows []identity
	for key := range pairs.Scan(tx, pairKey{One: one}) {
		_, row, err := findOwner(tx, key.Other)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b identity) int { return cmp.Compare(a.Name, b.Name) })
	return rows, tx.Err()
}

func byName(rows []identity) iter.Seq2[string, identity] {
	return func(yield func(string, identity) bool) {
		for _, row := range rows {
			if !yield(row.Name, row) {
				return
			}
		}
	}
}

func describeGroup(account string, row *identity) *api.Group {
	return &api.Group{
		Path:       row.Path,
		GroupName:  row.Name,
		GroupId:    row.ID,
		Arn:        row.arn(account, group).String(),
		CreateDate: row.Created,
	}
}

func describeGroups(account string, rows []identity) []api.Group {
	groups := make([]api.Group, len(rows))
	for i := range rows {
		groups[i] = *describeGroup(account, &rows[i])
	}
	return groups
}

// CreateGroup adds a group, without members.
func (s *Service) CreateGroup(ctx context.Context, call *aws.Call, in *api.CreateGroupInput) (*api.CreateGroupOutput, error) {
	var row identity
	err := s.update(ctx, func(tx *store.Tx) error {
		row = identity{Name: in.GroupName, Path: aws.Or(in.Path, "/"), ID: newID("AGPA"), Created: now()}
		return createIdentity(tx, call.Account, group, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateGroupOutput{Group: describeGroup(call.Account, &row)}, nil
}

// GetGroup describes a group and lists its members.
func (s *Service) GetGroup(ctx context.Context, call *aws.Call, in *api.GetGroupInput) (out *api.GetGroupOutput, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, group, in.GroupName)
		if err != nil {
			return err
		}
		rows, err := partners(tx, members, row.owner(call.Account))
		if err != nil {
			return err
		}
		rows, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, byName(rows))
		out = &api.GetGroupOutput{
			Group: describeGroup(call.Account, &row), Users: describeUsers(call.Account, rows),
			IsTruncated: truncated, Marker: marker,
		}
		return err
	})
	return out, err
}

// ListGroups lists groups.
func (s *Service) ListGroups(ctx context.Context, call *aws.Call, in *api.ListGroupsInput) (out *api.ListGroupsOutput, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		rows, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, each(tx, call.Account, group, in.PathPrefix))
		out = &api.ListGroupsOutput{Groups: describeGroups(call.Account, rows), IsTruncated: truncated, Marker: marker}
		return err
	})
	return out, err
}

// UpdateGroup gives a group another name or path.
func (s *Service) UpdateGroup(ctx context.Context, call *aws.Call, in *api.UpdateGroupInput) (*api.UpdateGroupOutput, error) {
	return &api.UpdateGroupOutput{}, s.rename(ctx, call, group, in.GroupName, in.NewGroupName, in.NewPath)
}

// DeleteGroup deletes a group without members and policies.
func (s *Service) DeleteGroup(ctx context.Context, call *aws.Call, in *api.DeleteGroupInput) (*api.DeleteGroupOutput, error) {
	return &api.DeleteGroupOutput{}, s.remove(ctx, call, group, in.GroupName, func(tx *store.Tx, _ *identity, owner aws.ARN) error {
		for range members.Scan(tx, pairKey{One: owner}) {
			return errInUse("remove users from group")
		}
		return checkBare(tx, owner)
	})
}

// AddUserToGroup makes a user a member of a group, which it may be already.
func (s *Service) AddUserToGroup(ctx context.Context, call *aws.Call, in *api.AddUserToGroupInput) (*api.AddUserToGroupOutput, error) {
	return &api.AddUserToGroupOutput{}, s.update(ctx, func(tx *store.Tx) error {
		g, u, err := findMember(tx, call, in.GroupName, in.UserName)
		if err != nil {
			return err
		}
		others := 0
		for key := range memberships.Scan(tx, pairKey{One: u}) {
			if key.Other != g {
				others++
			}
		}
		if others >= groupsPerUser {
			return errQuota("GroupsPerUser", groupsPerUser)
		}
		if err := members.Put(tx, pairKey{g, u}, struct{}{}); err != nil {
			return err
		}
		return memberships.Put(tx, pairKey{u, g}, struct{}{})
	})
}

// RemoveUserFromGroup ends a membership, which there may not have been.
func (s *Service) RemoveUserFromGroup(ctx context.Context, call *aws.Call, in *api.RemoveUserFromGroupInput) (*api.RemoveUserFromGroupOutput, error) {
	return &api.RemoveUserFromGroupOutput{}, s.update(ctx, func(tx *store.Tx) error {
		g, u, err := findMember(tx, call, in.GroupName, in.UserName)
		if err != nil {
			return err
		}
		if err := members.Delete(tx, pairKey{g, u}); err != nil {
			return err
		}
		return memberships.Delete(tx, pairKey{u, g})
	})
}

// findMember returns the keys of a group and a user, who both must be there.
func findMember(tx *store.Tx, call *aws.Call, groupName, userName string) (g, u aws.ARN, err error) {
	_, one, err := findIdentity(tx, call.Account, group, groupName)
	if err != nil {
		return g, u, err
	}
	_, other, err := findIdentity(tx, call.Account, user, userName)
	return one.owner(call.Account), other.owner(call.Account), err
}
