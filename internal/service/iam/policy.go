package iam

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxPolicy         = 6144 // characters that are not space
	versionsPerPolicy = 5
)

// newPolicyARN names the policy that in is about to make.
func newPolicyARN(call *aws.Call, in *api.CreatePolicyInput) aws.ARN {
	path := cmp.Or(aws.Value(in.Path), "/")
	return aws.ARN{Service: "iam", Account: call.Account, Resource: "policy" + path + in.PolicyName}
}

// findPolicy returns a managed policy, AWS's own too, or a refusal.
func (s *Service) findPolicy(tx *store.Tx, arn aws.ARN) (managedPolicy, error) {
	if own := s.managed().byARN[arn]; own != nil {
		return own.row, nil
	}
	row, err := policies.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoPolicy(arn.String())
	}
	return row, err
}

// findVersion returns a version of a managed policy.
func (s *Service) findVersion(tx *store.Tx, arn aws.ARN, number int64) (version, error) {
	if own := s.managed().byARN[arn]; own != nil && number == own.row.Default {
		return version{own.document, own.row.Created}, nil
	}
	v, err := versions.Get(tx, versionKey{arn, number})
	if errors.Is(err, store.ErrNotFound) {
		err = errNoVersion(arn.String(), versionID(number))
	}
	return v, err
}

func versionID(number int64) string { return "v" + strconv.FormatInt(number, 10) }

// describePolicy is a policy as operations tell of it. Uses are those of the
// caller's account.
func describePolicy(tx *store.Tx, call *aws.Call, arn aws.ARN, row *managedPolicy) *api.Policy {
	var uses, bounds int32
	for key := range attached.Scan(tx, useKey{Policy: arn}) {
		switch {
		case key.Owner.Account != call.Account:
		case key.Boundary:
			bounds++
		default:
			uses++
		}
	}
	out := &api.Policy{
		PolicyName:                    &row.Name,
		PolicyId:                      &row.ID,
		Arn:                           new(arn.String()),
		Path:                          &row.Path,
		DefaultVersionId:              new(versionID(row.Default)),
		AttachmentCount:               &uses,
		PermissionsBoundaryUsageCount: &bounds,
		IsAttachable:                  new(true),
		CreateDate:                    &row.Created,
		UpdateDate:                    &row.Updated,
	}
	return out
}

// checkPolicyDocument refuses a document that cannot be that of a managed policy.
func checkPolicyDocument(text string) error {
	if err := checkDocument(text, policy.ForManaged); err != nil {
		return err
	}
	if sizeOf(text) > maxPolicy {
		return errQuota("PolicySize", maxPolicy)
	}
	return nil
}

// CreatePolicy adds a managed policy, which nobody has yet.
func (s *Service) CreatePolicy(ctx context.Context, call *aws.Call, in *api.CreatePolicyInput) (*api.CreatePolicyOutput, error) {
	if err := checkPolicyDocument(in.PolicyDocument); err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	arn, name := newPolicyARN(call, in), newNameKey(call.Account, "policy", in.PolicyName)
	var out *api.Policy
	err = s.update(ctx, func(tx *store.Tx) error {
		switch taken, err := policyNames.Has(tx, name); {
		case err != nil:
			return err
		case taken:
			return api.EntityAlreadyExistsException.Errorf("A policy called %s already exists. Duplicate names are not allowed.", in.PolicyName)
		}
		row := managedPolicy{
			Name: in.PolicyName, Path: aws.Or(in.Path, "/"), ID: newID("ANPA"), Description: aws.Value(in.Description),
			Default: 1, Latest: 1, Created: now(), Updated: now(), Tags: tags,
		}
		out = describePolicy(tx, call, arn, &row)
		out.Tags = tagList(row.Tags)
		if err := policyNames.Put(tx, name, arn); err != nil {
			return err
		}
		if err := versions.Put(tx, versionKey{arn, 1}, version{in.PolicyDocument, row.Created}); err != nil {
			return err
		}
		return policies.Put(tx, arn, row)
	})
	return &api.CreatePolicyOutput{Policy: out}, err
}

// GetPolicy describes a managed policy. Its document is that of a version.
func (s *Service) GetPolicy(ctx context.Context, call *aws.Call, in *api.GetPolicyInput) (out *api.GetPolicyOutput, err error) {
	err = s.readPolicy(ctx, in.PolicyArn, func(tx *store.Tx, arn aws.ARN, row *managedPolicy) error {
		out = &api.GetPolicyOutput{Policy: describePolicy(tx, call, arn, row)}
		if out.Policy.Tags = tagList(row.Tags); out.Policy.Tags == nil {
			out.Policy.Tags = []api.Tag{}
		}
		if row.Description != "" {
			out.Policy.Description = &row.Description
		}
		return nil
	})
	return out, err
}

func (s *Service) readPolicy(ctx context.Context, text string, fn func(tx *store.Tx, arn aws.ARN, row *managedPolicy) error) error {
	arn, err := parsePolicyARN(text)
	if err != nil {
		return err
	}
	return s.db.View(ctx, func(tx *store.Tx) error {
		row, err := s.findPolicy(tx, arn)
		if err != nil {
			return err
		}
		return fn(tx, arn, &row)
	})
}

// changePolicy changes a managed policy, which is not one of AWS's own.
func (s *Service) changePolicy(ctx context.Context, call *aws.Call, text string, fn func(tx *store.Tx, arn aws.ARN, row *managedPolicy) error) error {
	arn, err := parsePolicyARN(text)
	if err != nil {
		return err
	}
	if arn.Account == awsAccount {
		return aws.AccessDenied.Errorf("User: %s may not change the policy %s of AWS.", call.Principal.ARN, text)
	}
	return s.update(ctx, func(tx *store.Tx) error {
		row, err := s.findPolicy(tx, arn)
		if err != nil {
			return err
		}
		if err := fn(tx, arn, &row); err != nil {
			return err
		}
		return policies.Put(tx, arn, row)
	})
}

// ListPolicies lists the policies of the account, and those of AWS.
func (s *Service) ListPolicies(ctx context.Context, call *aws.Call, in *api.ListPoliciesInput) (out *api.ListPoliciesOutput, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all := make(map[string]*api.Policy)
		names := []string{}
		add := func(arn aws.ARN, row *managedPolicy) {
			p := describePolicy(tx, call, arn, row)
			uses := *p.AttachmentCount
			if aws.Value(in.PolicyUsageFilter) == api.PolicyUsageTypePermissionsBoundary {
				uses = *p.PermissionsBoundaryUsageCount
			}
			if !strings.HasPrefix(row.Path, aws.Value(in.PathPrefix)) || uses == 0 && (aws.Value(in.OnlyAttached) || in.PolicyUsageFilter != nil) {
				return
			}
			name := row.Name + " " + arn.Account
			all[name], names = p, append(names, name)
		}
		if scope := aws.Value(in.Scope); scope != "AWS" {
			for arn, row := range policies.Scan(tx, aws.ARN{Service: "iam", Account: call.Account}) {
				add(arn, &row)
			}
		}
		if scope := aws.Value(in.Scope); scope != "Local" {
			for arn, own := range s.managed().byARN {
				add(arn, &own.row)
			}
		}
		slices.Sort(names)
		found, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, func(yield func(string, api.Policy) bool) {
			for _, name := range names {
				if !yield(name, *all[name]) {
					return
				}
			}
		})
		out = &api.ListPoliciesOutput{Policies: found, IsTruncated: truncated, Marker: marker}
		return err
	})
	return out, err
}

// DeletePolicy deletes a managed policy that nobody has and that has one version.
func (s *Service) DeletePolicy(ctx context.Context, call *aws.Call, in *api.DeletePolicyInput) (*api.DeletePolicyOutput, error) {
	arn, err := parsePolicyARN(in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if arn.Account == awsAccount {
		return nil, aws.AccessDenied.Errorf("User: %s may not change the policy %s of AWS.", call.Principal.ARN, in.PolicyArn)
	}
	return &api.DeletePolicyOutput{}, s.update(ctx, func(tx *store.Tx) error {
		row, err := s.findPolicy(tx, arn)
		if err != nil {
			return err
		}
		for range attached.Scan(tx, useKey{Policy: arn}) {
			return api.DeleteConflictException.Errorf("Cannot delete a policy attached to entities.")
		}
		for key := range versions.Scan(tx, versionKey{Policy: arn}) {
			if key.Number != row.Default {
				return api.DeleteConflictException.Errorf("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
			}
		}
		if err := versions.DeletePrefix(tx, versionKey{Policy: arn}); err != nil {
			return err
		}
		if err := policyNames.Delete(tx, newNameKey(arn.Account, "policy", row.Name)); err != nil {
			return err
		}
		return policies.Delete(tx, arn)
	})
}

// TagPolicy adds tags to a managed policy.
func (s *Service) TagPolicy(ctx context.Context, call *aws.Call, in *api.TagPolicyInput) (*api.TagPolicyOutput, error) {
	return &api.TagPolicyOutput{}, s.changePolicy(ctx, call, in.PolicyArn, func(_ *store.Tx, _ aws.ARN, row *managedPolicy) (err error) {
		row.Tags, err = addTags(row.Tags, in.Tags)
		return err
	})
}

// UntagPolicy removes tags from a managed policy.
func (s *Service) UntagPolicy(ctx context.Context, call *aws.Call, in *api.UntagPolicyInput) (*api.UntagPolicyOutput, error) {
	return &api.UntagPolicyOutput{}, s.changePolicy(ctx, call, in.PolicyArn, func(_ *store.Tx, _ aws.ARN, row *managedPolicy) error {
		row.Tags = removeTags(row.Tags, in.TagKeys)
		return nil
	})
}

// ListPolicyTags lists the tags of a managed policy.
func (s *Service) ListPolicyTags(ctx context.Context, call *aws.Call, in *api.ListPolicyTagsInput) (out *api.ListPolicyTagsOutput, err error) {
	err = s.readPolicy(ctx, in.PolicyArn, func(_ *store.Tx, _ aws.ARN, row *managedPolicy) error {
		tags, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, iter.Seq2[string, api.Tag](tagSeq(row.Tags)))
		out = &api.ListPolicyTagsOutput{Tags: tags, IsTruncated: truncated, Marker: marker}
		return err
	})
	return out, err
}
