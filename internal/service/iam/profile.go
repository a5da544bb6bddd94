package iam

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

const instanceProfile = "instance-profile" // in ARNs

// profiles are instance profiles: how machines are given a role. There are no
// machines here, so nobody takes the role on by one.
var profiles = store.NewTable[nameKey, profile]("iam.profile")

type profile struct {
	Name    string
	Path    string
	ID      string // "AIPA…"
	Created time.Time
	Role    string            `json:",omitempty"` // its name
	Tags    map[string]string `json:",omitempty"`
}

func (s *Service) ofProfiles() []service.Operation {
	const machines = "There are no machines to take on its role."
	return []service.Operation{
		onProfile(api.CreateInstanceProfile, s.CreateInstanceProfile).But(machines),
		onProfile(api.GetInstanceProfile, s.GetInstanceProfile),
		service.Op(api.ListInstanceProfiles, s.ListInstanceProfiles, func(call *aws.Call, in *api.ListInstanceProfilesInput) aws.ARN {
			return aws.ARN{Service: "iam", Account: call.Account, Resource: instanceProfile + aws.Or(in.PathPrefix, "/")}
		}),
		onProfile(api.DeleteInstanceProfile, s.DeleteInstanceProfile),
		onProfile(api.AddRoleToInstanceProfile, s.AddRoleToInstanceProfile).But(machines),
		onProfile(api.RemoveRoleFromInstanceProfile, s.RemoveRoleFromInstanceProfile),
		onProfile(api.TagInstanceProfile, s.TagInstanceProfile),
		onProfile(api.UntagInstanceProfile, s.UntagInstanceProfile),
		onProfile(api.ListInstanceProfileTags, s.ListInstanceProfileTags),
	}
}

// onProfile is the row of an operation on one profile.
func onProfile[In, Out any, P interface {
	*In
	GetInstanceProfileName() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN {
		return aws.ARN{Service: "iam", Account: call.Account, Resource: instanceProfile + "/" + P(in).GetInstanceProfileName()}
	})
}

func findProfile(tx *store.Tx, account, name string) (nameKey, profile, error) {
	key := newNameKey(account, instanceProfile, name)
	row, err := profiles.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NoSuchEntityException.Errorf("Instance Profile %s cannot be found.", name)
	}
	return key, row, err
}

// describeProfile is a profile as operations tell of it.
func describeProfile(tx *store.Tx, account string, row *profile) (*api.InstanceProfile, error) {
	out := &api.InstanceProfile{
		Path: row.Path, InstanceProfileName: row.Name, InstanceProfileId: row.ID, CreateDate: row.Created, Roles: []api.Role{}, Tags: tagList(row.Tags),
		Arn: aws.ARN{Service: "iam", Account: account, Resource: instanceProfile + row.Path + row.Name}.String(),
	}
	if row.Role == "" {
		return out, nil
	}
	_, of, err := findIdentity(tx, account, role, row.Role)
	if err != nil {
		return nil, err
	}
	out.Roles = append(out.Roles, *describeRole(account, &of))
	return out, nil
}

// CreateInstanceProfile makes a profile without a role.
func (s *Service) CreateInstanceProfile(ctx context.Context, call *aws.Call, in *api.CreateInstanceProfileInput) (*api.CreateInstanceProfileOutput, error) {
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	out := new(api.CreateInstanceProfileOutput)
	err = s.update(ctx, func(tx *store.Tx) error {
		row := profile{Name: in.InstanceProfileName, Path: aws.Or(in.Path, "/"), ID: newID("AIPA"), Created: now(), Tags: tags}
		key := newNameKey(call.Account, instanceProfile, row.Name)
		switch there, err := profiles.Has(tx, key); {
		case err != nil:
			return err
		case there:
			return api.EntityAlreadyExistsException.Errorf("Instance Profile %s already exists.", row.Name)
		}
		var err error
		if out.InstanceProfile, err = describeProfile(tx, call.Account, &row); err != nil {
			return err
		}
		return profiles.Put(tx, key, row)
	})
	return out, err
}

// GetInstanceProfile describes a profile.
func (s *Service) GetInstanceProfile(ctx context.Context, call *aws.Call, in *api.GetInstanceProfileInput) (*api.GetInstanceProfileOutput, error) {
	out := new(api.GetInstanceProfileOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findProfile(tx, call.Account, in.InstanceProfileName)
		if err != nil {
			return err
		}
		out.InstanceProfile, err = describeProfile(tx, call.Account, &row)
		return err
	})
	return out, err
}

// eachProfile yields the profiles that are wanted, by name.
func eachProfile(tx *store.Tx, account string, wanted func(*profile) bool) iter.Seq2[string, profile] {
	return func(yield func(string, profile) bool) {
		for key, row := range profiles.Scan(tx, newNameKey(account, instanceProfile, "")) {
			if wanted(&row) && !yield(key.Name, row) {
				return
			}
		}
	}
}

// listProfiles describes a page of the profiles that are wanted.
func (s *Service) listProfiles(ctx context.Context, account string, p page, wanted func(*profile) bool) (out []api.InstanceProfile, truncated *bool, marker *string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		var rows []profile
		if rows, truncated, marker, err = cut(p, eachProfile(tx, account, wanted)); err != nil {
			return err
		}
		out = make([]api.InstanceProfile, len(rows))
		for i := range rows {
			d, err := describeProfile(tx, account, &rows[i])
			if err != nil {
				return err
			}
			out[i] = *d
		}
		return nil
	})
	return out, truncated, marker, err
}

// ListInstanceProfiles lists profiles.
func (s *Service) ListInstanceProfiles(ctx context.Context, call *aws.Call, in *api.ListInstanceProfilesInput) (*api.ListInstanceProfilesOutput, error) {
	all, truncated, marker, err := s.listProfiles(ctx, call.Account, page{in.Marker, in.MaxItems}, func(p *profile) bool { return strings.HasPrefix(p.Path, aws.Value(in.PathPrefix)) })
	return &api.ListInstanceProfilesOutput{InstanceProfiles: all, IsTruncated: truncated, Marker: marker}, err
}

// ListInstanceProfilesForRole lists the profiles that have a role.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, call *aws.Call, in *api.ListInstanceProfilesForRoleInput) (*api.ListInstanceProfilesForRoleOutput, error) {
	if _, err := s.look(ctx, call, role, in.RoleName); err != nil {
		return nil, err
	}
	all, truncated, marker, err := s.listProfiles(ctx, call.Account, page{in.Marker, in.MaxItems}, func(p *profile) bool { return strings.EqualFold(p.Role, in.RoleName) })
	return &api.ListInstanceProfilesForRoleOutput{InstanceProfiles: all, IsTruncated: truncated, Marker: marker}, err
}

// checkNoProfile refuses to delete a role that a profile has.
func checkNoProfile(tx *store.Tx, account, roleName string) error {
	for range eachProfile(tx, account, func(p *profile) bool { return strings.EqualFold(p.Role, roleName) }) {
		return errInUse("remove roles from instance profile")
	}
	return tx.Err()
}

// changeProfile changes one profile.
func (s *Service) changeProfile(ctx context.Context, call *aws.Call, name string, change func(tx *store.Tx, row *profile) error) error {
	return s.update(ctx, func(tx *store.Tx) error {
		key, row, err := findProfile(tx, call.Account, name)
		if err != nil {
			return err
		}
		if err := change(tx, &row); err != nil {
			return err
		}
		return profiles.Put(tx, key, row)
	})
}

// DeleteInstanceProfile deletes a profile that has no role.
func (s *Service) DeleteInstanceProfile(ctx context.Context, call *aws.Call, in *api.DeleteInstanceProfileInput) (*api.DeleteInstanceProfileOutput, error) {
	return &api.DeleteInstanceProfileOutput{}, s.update(ctx, func(tx *store.Tx) error {
		key, row, err := findProfile(tx, call.Account, in.InstanceProfileName)
		if err != nil {
			return err
		}
		if row.Role != "" {
			return errInUse("remove roles from instance profile")
		}
		return profiles.Delete(tx, key)
	})
}

// AddRoleToInstanceProfile gives a profile its one role.
func (s *Service) AddRoleToInstanceProfile(ctx context.Context, call *aws.Call, in *api.AddRoleToInstanceProfileInput) (*api.AddRoleToInstanceProfileOutput, error) {
	return &api.AddRoleToInstanceProfileOutput{}, s.changeProfile(ctx, call, in.InstanceProfileName, func(tx *store.Tx, row *profile) error {
		_, of, err := findIdentity(tx, call.Account, role, in.RoleName)
		if err != nil {
			return err
		}
		if row.Role != "" {
			return errQuota("InstanceSessionsPerInstanceProfile", 1)
		}
		row.Role = of.Name
		return nil
	})
}

// RemoveRoleFromInstanceProfile takes the role of a profile away.
func (s *Service) RemoveRoleFromInstanceProfile(ctx context.Context, call *aws.Call, in *api.RemoveRoleFromInstanceProfileInput) (*api.RemoveRoleFromInstanceProfileOutput, error) {
	return &api.RemoveRoleFromInstanceProfileOutput{}, s.changeProfile(ctx, call, in.InstanceProfileName, func(_ *store.Tx, row *profile) error {
		if !strings.EqualFold(row.Role, in.RoleName) {
			return errNone(role, in.RoleName)
		}
		row.Role = ""
		return nil
	})
}

// TagInstanceProfile adds tags to a profile.
func (s *Service) TagInstanceProfile(ctx context.Context, call *aws.Call, in *api.TagInstanceProfileInput) (*api.TagInstanceProfileOutput, error) {
	return &api.TagInstanceProfileOutput{}, s.changeProfile(ctx, call, in.InstanceProfileName, func(_ *store.Tx, row *profile) (err error) {
		row.Tags, err = addTags(row.Tags, in.Tags)
		return err
	})
}

// UntagInstanceProfile removes tags from a profile.
func (s *Service) UntagInstanceProfile(ctx context.Context, call *aws.Call, in *api.UntagInstanceProfileInput) (*api.UntagInstanceProfileOutput, error) {
	return &api.UntagInstanceProfileOutput{}, s.changeProfile(ctx, call, in.InstanceProfileName, func(_ *store.Tx, row *profile) error {
		row.Tags = removeTags(row.Tags, in.TagKeys)
		return nil
	})
}

// ListInstanceProfileTags lists the tags of a profile.
func (s *Service) ListInstanceProfileTags(ctx context.Context, call *aws.Call, in *api.ListInstanceProfileTagsInput) (*api.ListInstanceProfileTagsOutput, error) {
	var row profile
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findProfile(tx, call.Account, in.InstanceProfileName)
		return err
	})
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, tagSeq(row.Tags))
	return &api.ListInstanceProfileTagsOutput{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}
