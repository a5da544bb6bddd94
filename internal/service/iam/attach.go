package iam

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// attachmentsPerIdentity is AWS's quota, for each kind.
const attachmentsPerIdentity = 10

var attachmentQuota = map[string]string{user: "PoliciesPerUser", group: "PoliciesPerGroup", role: "PoliciesPerRole"}

// checkAttachable refuses a policy that is not there for an account.
func (s *Service) checkAttachable(tx *store.Tx, account string, arn aws.ARN) error {
	if arn.Account == awsAccount {
		if s.managed().byARN[arn] == nil {
			return errNotAttachable(arn.String())
		}
		return nil
	}
	there, err := policies.Has(tx, arn)
	if err == nil && (!there || arn.Account != account) {
		return errNotAttachable(arn.String())
	}
	return err
}

func (s *Service) attach(ctx context.Context, call *aws.Call, kind, owner, policyARN string) error {
	arn, err := parsePolicyARN(policyARN)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, kind, owner)
		if err != nil {
			return err
		}
		if isLinked(&row) {
			return errProtected(row.Name)
		}
		if err := s.checkAttachable(tx, call.Account, arn); err != nil {
			return err
		}
		key, others := row.owner(call.Account), 0
		for pair := range attachments.Scan(tx, pairKey{One: key}) {
			if pair.Other != arn {
				others++
			}
		}
		if others >= attachmentsPerIdentity {
			return errQuota(attachmentQuota[kind], attachmentsPerIdentity)
		}
		if err := attachments.Put(tx, pairKey{key, arn}, struct{}{}); err != nil {
			return err
		}
		return attached.Put(tx, useKey{Policy: arn, Owner: key}, struct{}{})
	})
}

func (s *Service) detach(ctx context.Context, call *aws.Call, kind, owner, policyARN string) error {
	arn, err := parsePolicyARN(policyARN)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, kind, owner)
		if err != nil {
			return err
		}
		pair := pairKey{row.owner(call.Account), arn}
		switch there, err := attachments.Has(tx, pair); {
		case err != nil:
			return err
		case !there:
			return errNoPolicy(policyARN)
		}
		if err := attached.Delete(tx, useKey{Policy: arn, Owner: pair.One}); err != nil {
			return err
		}
		return attachments.Delete(tx, pair)
	})
}

func (s *Service) listAttached(ctx context.Context, call *aws.Call, kind, owner string, prefix *string, p page) (found []api.AttachedPolicy, truncated *bool, marker *string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, kind, owner)
		if err != nil {
			return err
		}
		byName := make(map[string]api.AttachedPolicy)
		for pair := range attachments.Scan(tx, pairKey{One: row.owner(call.Account)}) {
			arn := pair.Other
			path := strings.TrimPrefix(arn.Resource, "policy")
			if name := path[strings.LastIndexByte(path, '/')+1:]; strings.HasPrefix(path, aws.Value(prefix)) {
				byName[name+" "+arn.Account] = api.AttachedPolicy{PolicyName: &name, PolicyArn: new(arn.String())}
			}
		}
		found, truncated, marker, err = cut(p, func(yield func(string, api.AttachedPolicy) bool) {
			for _, name := range slices.Sorted(maps.Keys(byName)) {
				if !yield(name, byName[name]) {
					return
				}
			}
		})
		return err
	})
	return found, truncated, marker, err
}

// AttachUserPolicy gives a managed policy to a user.
func (s *Service) AttachUserPolicy(ctx context.Context, call *aws.Call, in *api.AttachUserPolicyInput) (*api.AttachUserPolicyOutput, error) {
	return &api.AttachUserPolicyOutput{}, s.attach(ctx, call, user, in.UserName, in.PolicyArn)
}

// AttachGroupPolicy gives a managed policy to a group.
func (s *Service) AttachGroupPolicy(ctx context.Context, call *aws.Call, in *api.AttachGroupPolicyInput) (*api.AttachGroupPolicyOutput, error) {
	return &api.AttachGroupPolicyOutput{}, s.attach(ctx, call, group, in.GroupName, in.PolicyArn)
}

// AttachRolePolicy gives a managed policy to a role.
func (s *Service) AttachRolePolicy(ctx context.Context, call *aws.Call, in *api.AttachRolePolicyInput) (*api.AttachRolePolicyOutput, error) {
	return &api.AttachRolePolicyOutput{}, s.attach(ctx, call, role, in.RoleName, in.PolicyArn)
}

// DetachUserPolicy takes a managed policy from a user.
func (s *Service) DetachUserPolicy(ctx context.Context, call *aws.Call, in *api.DetachUserPolicyInput) (*api.DetachUserPolicyOutput, error) {
	return &api.DetachUserPolicyOutput{}, s.detach(ctx, call, user, in.UserName, in.PolicyArn)
}

// DetachGroupPolicy takes a managed policy from a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, call *aws.Call, in *api.DetachGroupPolicyInput) (*api.DetachGroupPolicyOutput, error) {
	return &api.DetachGroupPolicyOutput{}, s.detach(ctx, call, group, in.GroupName, in.PolicyArn)
}

// DetachRolePolicy takes a managed policy from a role.
func (s *Service) DetachRolePolicy(ctx context.Context, call *aws.Call, in *api.DetachRolePolicyInput) (*api.DetachRolePolicyOutput, error) {
	return &api.DetachRolePolicyOutput{}, s.detach(ctx, call, role, in.RoleName, in.PolicyArn)
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, call *aws.Call, in *api.ListAttachedUserPoliciesInput) (*api.ListAttachedUserPoliciesOutput, error) {
	found, truncated, marker, err := s.listAttached(ctx, call, user, in.UserName, in.PathPrefix, page{in.Marker, in.MaxItems})
	return &api.ListAttachedUserPoliciesOutput{AttachedPolicies: found, IsTruncated: truncated, Marker: marker}, err
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, call *aws.Call, in *api.ListAttachedGroupPoliciesInput) (*api.ListAttachedGroupPoliciesOutput, error) {
	found, truncated, marker, err := s.listAttached(ctx, call, group, in.GroupName, in.PathPrefix, page{in.Marker, in.MaxItems})
	return &api.ListAttachedGroupPoliciesOutput{AttachedPolicies: found, IsTruncated: truncated, Marker: marker}, err
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, call *aws.Call, in *api.ListAttachedRolePoliciesInput) (*api.ListAttachedRolePoliciesOutput, error) {
	found, truncated, marker, err := s.listAttached(ctx, call, role, in.RoleName, in.PathPrefix, page{in.Marker, in.MaxItems})
	return &api.ListAttachedRolePoliciesOutput{AttachedPolicies: found, IsTruncated: truncated, Marker: marker}, err
}

// ListEntitiesForPolicy lists who has a managed policy.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, call *aws.Call, in *api.ListEntitiesForPolicyInput) (out *api.ListEntitiesForPolicyOutput, err error) {
	arn, err := parsePolicyARN(in.PolicyArn)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if err := s.checkAttachable(tx, call.Account, arn); err != nil {
			return errNoPolicy(in.PolicyArn)
		}
		uses, err := usersOf(tx, call.Account, arn, in)
		if err != nil {
			return err
		}
		rows, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, func(yield func(string, use) bool) {
			for _, name := range slices.Sorted(maps.Keys(uses)) {
				if !yield(name, uses[name]) {
					return
				}
			}
		})
		out = &api.ListEntitiesForPolicyOutput{IsTruncated: truncated, Marker: marker, PolicyUsers: []api.PolicyUser{}, PolicyGroups: []api.PolicyGroup{}, PolicyRoles: []api.PolicyRole{}}
		for _, u := range rows {
			switch u.kind {
			case user:
				out.PolicyUsers = append(out.PolicyUsers, api.PolicyUser{UserName: &u.row.Name, UserId: &u.row.ID})
			case group:
				out.PolicyGroups = append(out.PolicyGroups, api.PolicyGroup{GroupName: &u.row.Name, GroupId: &u.row.ID})
			case role:
				out.PolicyRoles = append(out.PolicyRoles, api.PolicyRole{RoleName: &u.row.Name, RoleId: &u.row.ID})
			}
		}
		return err
	})
	return out, err
}

// A use is one identity that has a policy.
type use struct {
	kind string
	row  identity
}

// usersOf returns the identities of an account that have a policy and pass the
// filters of in, by kind and name.
func usersOf(tx *store.Tx, account string, arn aws.ARN, in *api.ListEntitiesForPolicyInput) (map[string]use, error) {
	uses := make(map[string]use)
	for key := range attached.Scan(tx, useKey{Policy: arn}) {
		filter := aws.Value(in.PolicyUsageFilter)
		if key.Owner.Account != account || filter != "" && key.Boundary != (filter == "PermissionsBoundary") {
			continue
		}
		name, row, err := findOwner(tx, key.Owner)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if want := aws.Value(in.EntityFilter); want != "" && !strings.EqualFold(want, name.Kind) || !strings.HasPrefix(row.Path, aws.Value(in.PathPrefix)) {
			continue
		}
		uses[name.Kind+"/"+row.Name] = use{name.Kind, row}
	}
	return uses, tx.Err()
}
