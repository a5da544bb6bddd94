package iot

import (
	"context"
	"slices"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxPolicyVersions = 5
	maxPolicySize     = 2048 // letters, without space
	maxAttached       = 10   // policies of one target
)

// checkDocument refuses a document that is no policy.
func checkDocument(text string) error {
	if _, err := policy.Parse(text); err != nil {
		return api.MalformedPolicyException.Errorf("Policy document is Malformed: %s", err)
	}
	size := 0
	for _, c := range text {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			size++
		}
	}
	if size > maxPolicySize {
		return api.MalformedPolicyException.Errorf("Policy document is too large: it has more than %d characters.", maxPolicySize)
	}
	return nil
}

// CreatePolicy makes a policy, whose first version is the default.
func (s *Service) CreatePolicy(ctx context.Context, call *aws.Call, in *api.CreatePolicyInput) (*api.CreatePolicyOutput, error) {
	if err := checkDocument(in.PolicyDocument); err != nil {
		return nil, err
	}
	arn, now := policyARN(call, in.PolicyName), time.Now()
	row := policyRow{
		Versions: []policyVersion{{ID: "1", Document: in.PolicyDocument, Created: now}}, Default: "1", Last: 1, Created: now, Modified: now,
		Tags: service.TagMap(in.Tags, pairOf),
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if exists, err := policies.Has(tx, arn); err != nil || exists {
			return firstOf(err, api.ResourceAlreadyExistsException.With(&api.ResourceAlreadyExistsExceptionDetail{
				ResourceId: &in.PolicyName, ResourceArn: new(arn.String()),
			}, "Policy cannot be created - name already exists (name="+in.PolicyName+")"))
		}
		return policies.Put(tx, arn, row)
	})
	return &api.CreatePolicyOutput{PolicyName: &in.PolicyName, PolicyArn: new(arn.String()), PolicyDocument: &in.PolicyDocument, PolicyVersionId: new("1")}, err
}

// CreatePolicyVersion adds a version to a policy.
func (s *Service) CreatePolicyVersion(ctx context.Context, call *aws.Call, in *api.CreatePolicyVersionInput) (*api.CreatePolicyVersionOutput, error) {
	if err := checkDocument(in.PolicyDocument); err != nil {
		return nil, err
	}
	arn, id := policyARN(call, in.PolicyName), ""
	err := s.changePolicy(ctx, arn, func(row *policyRow) error {
		if len(row.Versions) >= maxPolicyVersions {
			return api.VersionsLimitExceededException.Errorf("The policy %s already has the maximum number of versions (%d)", in.PolicyName, maxPolicyVersions)
		}
		row.Last++
		id = strconv.Itoa(row.Last)
		row.Versions = append(row.Versions, policyVersion{ID: id, Document: in.PolicyDocument, Created: time.Now()})
		if aws.Value(in.SetAsDefault) {
			row.Default = id
		}
		return nil
	})
	return &api.CreatePolicyVersionOutput{PolicyArn: new(arn.String()), PolicyDocument: &in.PolicyDocument, PolicyVersionId: &id, IsDefaultVersion: new(aws.Value(in.SetAsDefault))}, err
}

func (s *Service) changePolicy(ctx context.Context, arn aws.ARN, change func(*policyRow) error) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findPolicy(tx, arn)
		if err != nil {
			return err
		}
		row.Versions = slices.Clone(row.Versions)
		if err := change(&row); err != nil {
			return err
		}
		row.Modified = time.Now()
		s.grants.Changed(tx)
		return policies.Put(tx, arn, row)
	})
}

func (s *Service) readPolicy(ctx context.Context, arn aws.ARN) (row policyRow, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findPolicy(tx, arn)
		return err
	})
	return row, err
}

// GetPolicy returns a policy and its default version.
func (s *Service) GetPolicy(ctx context.Context, call *aws.Call, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	arn := policyARN(call, in.PolicyName)
	row, err := s.readPolicy(ctx, arn)
	if err != nil {
		return nil, err
	}
	v, err := row.version(row.Default)
	if err != nil {
		return nil, err
	}
	return &api.GetPolicyOutput{
		PolicyName: &in.PolicyName, PolicyArn: new(arn.String()), PolicyDocument: &v.Document, DefaultVersionId: &row.Default,
		CreationDate: &row.Created, LastModifiedDate: &row.Modified,
	}, nil
}

// GetPolicyVersion returns a version of a policy.
func (s *Service) GetPolicyVersion(ctx context.Context, call *aws.Call, in *api.GetPolicyVersionInput) (*api.GetPolicyVersionOutput, error) {
	arn := policyARN(call, in.PolicyName)
	row, err := s.readPolicy(ctx, arn)
	if err != nil {
		return nil, err
	}
	v, err := row.version(in.PolicyVersionId)
	if err != nil {
		return nil, err
	}
	return &api.GetPolicyVersionOutput{
		PolicyName: &in.PolicyName, PolicyArn: new(arn.String()), PolicyDocument: &v.Document, PolicyVersionId: &v.ID,
		IsDefaultVersion: new(v.ID == row.Default), CreationDate: &v.Created, LastModifiedDate: &v.Created,
	}, nil
}

// ListPolicyVersions lists the versions of a policy, the newest first.
func (s *Service) ListPolicyVersions(ctx context.Context, call *aws.Call, in *api.ListPolicyVersionsInput) (*api.ListPolicyVersionsOutput, error) {
	row, err := s.readPolicy(ctx, policyARN(call, in.PolicyName))
	if err != nil {
		return nil, err
	}
	out := &api.ListPolicyVersionsOutput{PolicyVersions: []api.PolicyVersion{}}
	for _, v := range slices.Backward(row.Versions) {
		out.PolicyVersions = append(out.PolicyVersions, api.PolicyVersion{VersionId: &v.ID, IsDefaultVersion: new(v.ID == row.Default), CreateDate: &v.Created})
	}
	return out, nil
}

// SetDefaultPolicyVersion says which version of a policy counts.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, call *aws.Call, in *api.SetDefaultPolicyVersionInput) (*api.SetDefaultPolicyVersionOutput, error) {
	return &api.SetDefaultPolicyVersionOutput{}, s.changePolicy(ctx, policyARN(call, in.PolicyName), func(row *policyRow) error {
		_, err := row.version(in.PolicyVersionId)
		row.Default = in.PolicyVersionId
		return err
	})
}

// DeletePolicyVersion deletes a version that is not the default.
func (s *Service) DeletePolicyVersion(ctx context.Context, call *aws.Call, in *api.DeletePolicyVersionInput) (*api.DeletePolicyVersionOutput, error) {
	return &api.DeletePolicyVersionOutput{}, s.changePolicy(ctx, policyARN(call, in.PolicyName), func(row *policyRow) error {
		if _, err := row.version(in.PolicyVersionId); err != nil {
			return err
		}
		if row.Default == in.PolicyVersionId {
			return api.DeleteConflictException.Errorf("Cannot delete the default version of a policy")
		}
		row.Versions = slices.DeleteFunc(row.Versions, func(v policyVersion) bool { return v.ID == in.PolicyVersionId })
		return nil
	})
}

// DeletePolicy deletes a policy that nobody has and that has one version.
func (s *Service) DeletePolicy(ctx context.Context, call *aws.Call, in *api.DeletePolicyInput) (*api.DeletePolicyOutput, error) {
	arn := policyARN(call, in.PolicyName)
	return &api.DeletePolicyOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findPolicy(tx, arn)
		if err != nil {
			return err
		}
		for range targets.Scan(tx, targetKey{Policy: arn}) {
			return api.DeleteConflictException.Errorf("The policy cannot be deleted as the policy is attached to one or more principals (name=%s)", in.PolicyName)
		}
		if len(row.Versions) > 1 {
			return api.DeleteConflictException.Errorf("Cannot delete the policy because it has one or more policy versions attached to it (name=%s)", in.PolicyName)
		}
		return policies.Delete(tx, arn)
	})
}

// ListPolicies lists the policies of the account.
func (s *Service) ListPolicies(ctx context.Context, call *aws.Call, in *api.ListPoliciesInput) (*api.ListPoliciesOutput, error) {
	p, err := newPage(in.PageSize, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &api.ListPoliciesOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Policies = []api.Policy{}
		out.NextMarker = fill(p, policies.Scan(tx, all(call)), nameOf, func(name string, arn aws.ARN, _ policyRow) bool {
			out.Policies = append(out.Policies, api.Policy{PolicyName: &name, PolicyArn: new(arn.String())})
			return true
		})
		return nil
	})
}

// AttachPolicy gives a policy to a certificate, a group or an identity.
func (s *Service) AttachPolicy(ctx context.Context, call *aws.Call, in *api.AttachPolicyInput) (*api.AttachPolicyOutput, error) {
	return &api.AttachPolicyOutput{}, s.attach(ctx, call, in.PolicyName, in.Target)
}

// AttachPrincipalPolicy is AttachPolicy as it was called before.
func (s *Service) AttachPrincipalPolicy(ctx context.Context, call *aws.Call, in *api.AttachPrincipalPolicyInput) (*api.AttachPrincipalPolicyOutput, error) {
	return &api.AttachPrincipalPolicyOutput{}, s.attach(ctx, call, in.PolicyName, in.Principal)
}

func (s *Service) attach(ctx context.Context, call *aws.Call, name, target string) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		arn := policyARN(call, name)
		if _, err := findPolicy(tx, arn); err != nil {
			return err
		}
		if err := checkPrincipal(tx, call, target); err != nil {
			return err
		}
		n := 0
		for k := range attached.Scan(tx, attachedKey{Account: call.Account, Region: call.Region, Target: target}) {
			if k.Policy != name {
				n++
			}
		}
		if n >= maxAttached {
			return api.LimitExceededException.Errorf("A principal can have no more than %d policies.", maxAttached)
		}
		if err := attached.Put(tx, attachedKey{call.Account, call.Region, target, name}, true); err != nil {
			return err
		}
		s.grants.Changed(tx)
		return targets.Put(tx, targetKey{arn, target}, true)
	})
}

// DetachPolicy undoes AttachPolicy.
func (s *Service) DetachPolicy(ctx context.Context, call *aws.Call, in *api.DetachPolicyInput) (*api.DetachPolicyOutput, error) {
	return &api.DetachPolicyOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error { return s.detach(tx, call, in.PolicyName, in.Target) })
}

// DetachPrincipalPolicy is DetachPolicy as it was called before.
func (s *Service) DetachPrincipalPolicy(ctx context.Context, call *aws.Call, in *api.DetachPrincipalPolicyInput) (*api.DetachPrincipalPolicyOutput, error) {
	return &api.DetachPrincipalPolicyOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error { return s.detach(tx, call, in.PolicyName, in.Principal) })
}

func (s *Service) detach(tx *store.Tx, call *aws.Call, name, target string) error {
	arn := policyARN(call, name)
	if _, err := findPolicy(tx, arn); err != nil {
		return err
	}
	s.grants.Changed(tx)
	if err := ignoreMissing(attached.Delete(tx, attachedKey{call.Account, call.Region, target, name})); err != nil {
		return err
	}
	return ignoreMissing(targets.Delete(tx, targetKey{arn, target}))
}

// ListAttachedPolicies lists the policies of a target.
func (s *Service) ListAttachedPolicies(ctx context.Context, call *aws.Call, in *api.ListAttachedPoliciesInput) (*api.ListAttachedPoliciesOutput, error) {
	p, err := newPage(in.PageSize, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &api.ListAttachedPoliciesOutput{}
	out.Policies, out.NextMarker, err = s.attachedTo(ctx, call, in.Target, p)
	return out, err
}

// ListPrincipalPolicies is ListAttachedPolicies as it was called before.
func (s *Service) ListPrincipalPolicies(ctx context.Context, call *aws.Call, in *api.ListPrincipalPoliciesInput) (*api.ListPrincipalPoliciesOutput, error) {
	p, err := newPage(in.PageSize, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &api.ListPrincipalPoliciesOutput{}
	out.Policies, out.NextMarker, err = s.attachedTo(ctx, call, in.Principal, p)
	return out, err
}

func (s *Service) attachedTo(ctx context.Context, call *aws.Call, target string, p page) (list []api.Policy, next *string, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		list = []api.Policy{}
		seq := attached.Scan(tx, attachedKey{Account: call.Account, Region: call.Region, Target: target})
		next = fill(p, seq, func(k attachedKey) string { return k.Policy }, func(name string, _ attachedKey, _ bool) bool {
			list = append(list, api.Policy{PolicyName: &name, PolicyArn: new(policyARN(call, name).String())})
			return true
		})
		return nil
	})
	return list, next, err
}

// ListTargetsForPolicy lists who has a policy.
func (s *Service) ListTargetsForPolicy(ctx context.Context, call *aws.Call, in *api.ListTargetsForPolicyInput) (*api.ListTargetsForPolicyOutput, error) {
	p, err := newPage(in.PageSize, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &api.ListTargetsForPolicyOutput{}
	arn := policyARN(call, in.PolicyName)
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Targets = []string{}
		if _, err := findPolicy(tx, arn); err != nil {
			return err
		}
		out.NextMarker = fill(p, targets.Scan(tx, targetKey{Policy: arn}), func(k targetKey) string { return k.Target }, func(name string, _ targetKey, _ bool) bool {
			out.Targets = append(out.Targets, name)
			return true
		})
		return nil
	})
}
