package cognitoidp

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A group is a group of users.
type group struct{ api.GroupType }

// findGroup returns a group of a pool.
func findGroup(tx *store.Tx, p *userPool, name string) (partKey, group, error) {
	key := partKey{p.arn, name}
	g, err := groups.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoGroup()
	}
	return key, g, err
}

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, call *aws.Call, in *api.CreateGroupInput) (*api.CreateGroupOutput, error) {
	created := now()
	g := group{api.GroupType{
		GroupName: &in.GroupName, UserPoolId: &in.UserPoolId, Description: in.Description, RoleArn: in.RoleArn, Precedence: in.Precedence, CreationDate: &created, LastModifiedDate: &created,
	}}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		key, _, err := findGroup(tx, p, in.GroupName)
		if err == nil {
			return api.GroupExistsException.Errorf("A group with the name already exists.")
		}
		if !errors.Is(err, api.ResourceNotFoundException) {
			return err
		}
		return groups.Put(tx, key, g)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateGroupOutput{Group: &g.GroupType}, nil
}

// GetGroup returns a group.
func (s *Service) GetGroup(ctx context.Context, call *aws.Call, in *api.GetGroupInput) (*api.GetGroupOutput, error) {
	var g group
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		_, g, err = findGroup(tx, p, in.GroupName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetGroupOutput{Group: &g.GroupType}, nil
}

// UpdateGroup changes a group.
func (s *Service) UpdateGroup(ctx context.Context, call *aws.Call, in *api.UpdateGroupInput) (*api.UpdateGroupOutput, error) {
	var g group
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		var key partKey
		if key, g, err = findGroup(tx, p, in.GroupName); err != nil {
			return err
		}
		modified := now()
		g.Description, g.RoleArn, g.Precedence = cmp.Or(in.Description, g.Description), cmp.Or(in.RoleArn, g.RoleArn), cmp.Or(in.Precedence, g.Precedence)
		g.LastModifiedDate = &modified
		return groups.Put(tx, key, g)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateGroupOutput{Group: &g.GroupType}, nil
}

// DeleteGroup removes a group; its users stay.
func (s *Service) DeleteGroup(ctx context.Context, call *aws.Call, in *api.DeleteGroupInput) (*api.DeleteGroupOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		key, _, err := findGroup(tx, p, in.GroupName)
		if err != nil {
			return err
		}
		of := pairKey{Pool: p.arn, One: in.GroupName}
		for m := range members.Scan(tx, of) {
			if err := groupsOf.Delete(tx, pairKey{p.arn, m.Other, m.One}); err != nil {
				return err
			}
		}
		return errors.Join(tx.Err(), members.DeletePrefix(tx, of), groups.Delete(tx, key))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteGroupOutput{}, nil
}

// ListGroups lists the groups of a pool.
func (s *Service) ListGroups(ctx context.Context, call *aws.Call, in *api.ListGroupsInput) (*api.ListGroupsOutput, error) {
	out := &api.ListGroupsOutput{}
	err := s.listParts(ctx, call, in.UserPoolId, in.NextToken, func(tx *store.Tx, from partKey) (err error) {
		out.Groups = []api.GroupType{}
		out.NextToken, err = page(groups.ScanAfter(tx, partKey{Pool: from.Pool}, from), partName, upTo(in.Limit), func(_ partKey, g group) (bool, error) {
			out.Groups = append(out.Groups, g.GroupType)
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// AdminAddUserToGroup puts a user in a group.
func (s *Service) AdminAddUserToGroup(ctx context.Context, call *aws.Call, in *api.AdminAddUserToGroupInput) (*api.AdminAddUserToGroupOutput, error) {
	err := s.join(ctx, call, in.UserPoolId, in.Username, in.GroupName, func(tx *store.Tx, of, in pairKey) error {
		if there, err := members.Has(tx, of); err != nil || there {
			return err
		}
		return errors.Join(members.Put(tx, of, now()), groupsOf.Put(tx, in, struct{}{}))
	})
	if err != nil {
		return nil, err
	}
	return &api.AdminAddUserToGroupOutput{}, nil
}

// AdminRemoveUserFromGroup takes a user out of a group.
func (s *Service) AdminRemoveUserFromGroup(ctx context.Context, call *aws.Call, in *api.AdminRemoveUserFromGroupInput) (*api.AdminRemoveUserFromGroupOutput, error) {
	err := s.join(ctx, call, in.UserPoolId, in.Username, in.GroupName, func(tx *store.Tx, of, in pairKey) error {
		return errors.Join(members.Delete(tx, of), groupsOf.Delete(tx, in))
	})
	if err != nil {
		return nil, err
	}
	return &api.AdminRemoveUserFromGroupOutput{}, nil
}

// join changes what ties a user and a group, both of which must be there.
func (s *Service) join(ctx context.Context, call *aws.Call, poolID, name, groupName string, change func(tx *store.Tx, of, in pairKey) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, poolID)
		if err != nil {
			return err
		}
		key, _, err := findUser(tx, p, name)
		if err != nil {
			return err
		}
		if _, _, err := findGroup(tx, p, groupName); err != nil {
			return err
		}
		return change(tx, pairKey{p.arn, groupName, key.Name}, pairKey{p.arn, key.Name, groupName})
	})
}

// ListUsersInGroup lists the users of a group.
func (s *Service) ListUsersInGroup(ctx context.Context, call *aws.Call, in *api.ListUsersInGroupInput) (*api.ListUsersInGroupOutput, error) {
	out := &api.ListUsersInGroupOutput{}
	err := s.listParts(ctx, call, in.UserPoolId, in.NextToken, func(tx *store.Tx, from partKey) error {
		out.Users = []api.UserType{}
		if _, _, err := findGroup(tx, &userPool{arn: from.Pool}, in.GroupName); err != nil {
			return err
		}
		of := pairKey{Pool: from.Pool, One: in.GroupName}
		next, err := page(members.ScanAfter(tx, of, pairKey{from.Pool, in.GroupName, from.Name}), otherName, upTo(in.Limit), func(k pairKey, _ time.Time) (bool, error) {
			u, err := users.Get(tx, partKey{k.Pool, k.Other})
			out.Users = append(out.Users, *u.described(nil))
			return true, err
		})
		out.NextToken = next
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// AdminListGroupsForUser lists the groups of a user.
func (s *Service) AdminListGroupsForUser(ctx context.Context, call *aws.Call, in *api.AdminListGroupsForUserInput) (*api.AdminListGroupsForUserOutput, error) {
	out := &api.AdminListGroupsForUserOutput{}
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, nil)
	if err != nil {
		return nil, err
	}
	err = s.listParts(ctx, call, in.UserPoolId, in.NextToken, func(tx *store.Tx, from partKey) error {
		out.Groups = []api.GroupType{}
		of := pairKey{Pool: from.Pool, One: v.key.Name}
		next, err := page(groupsOf.ScanAfter(tx, of, pairKey{from.Pool, v.key.Name, from.Name}), otherName, upTo(in.Limit), func(k pairKey, _ struct{}) (bool, error) {
			g, err := groups.Get(tx, partKey{k.Pool, k.Other})
			out.Groups = append(out.Groups, g.GroupType)
			return true, err
		})
		out.NextToken = next
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func otherName(key pairKey) string { return key.Other }

// groupsOfUser are the groups of the user of v: those that come first in order of
// precedence.
func (v *visit) groupsOfUser() (of []group, err error) {
	err = v.db.View(v.ctx, func(tx *store.Tx) error {
		of = nil
		for k := range groupsOf.Scan(tx, pairKey{Pool: v.pool.arn, One: v.key.Name}) {
			g, err := groups.Get(tx, partKey{v.pool.arn, k.Other})
			if err != nil {
				return err
			}
			of = append(of, g)
		}
		return tx.Err()
	})
	slices.SortStableFunc(of, func(a, b group) int {
		switch {
		case a.Precedence == nil && b.Precedence == nil:
			return 0
		case a.Precedence == nil:
			return 1
		case b.Precedence == nil:
			return -1
		}
		return cmp.Compare(*a.Precedence, *b.Precedence)
	})
	return of, err
}

func groupNames(of []group) []string {
	names := make([]string, len(of))
	for i, g := range of {
		names[i] = *g.GroupName
	}
	return names
}

// rolesOf are the roles of groups, and the one that comes first, if no other has
// its precedence.
func rolesOf(of []group) (roles []string, preferred string) {
	var first *group
	for _, g := range of {
		if g.RoleArn == nil {
			continue
		}
		if !slices.Contains(roles, *g.RoleArn) {
			roles = append(roles, *g.RoleArn)
		}
		switch {
		case first == nil:
			first, preferred = &g, *g.RoleArn
		case g.Precedence != nil && first.Precedence != nil && *g.Precedence == *first.Precedence && *g.RoleArn != *first.RoleArn:
			preferred = ""
		}
	}
	return roles, preferred
}
