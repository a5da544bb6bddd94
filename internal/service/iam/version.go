package iam

import (
	"context"
	"iter"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreatePolicyVersion gives a managed policy another document, which counts
// from now on or when it is chosen.
func (s *Service) CreatePolicyVersion(ctx context.Context, call *aws.Call, in *api.CreatePolicyVersionInput) (*api.CreatePolicyVersionOutput, error) {
	if err := checkPolicyDocument(in.PolicyDocument); err != nil {
		return nil, err
	}
	var out *api.PolicyVersion
	err := s.changePolicy(ctx, call, in.PolicyArn, func(tx *store.Tx, arn aws.ARN, row *managedPolicy) error {
		n := 0
		for range versions.Scan(tx, versionKey{Policy: arn}) {
			n++
		}
		if n >= versionsPerPolicy {
			return api.LimitExceededException.Errorf("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", versionsPerPolicy)
		}
		row.Latest++
		row.Updated = now()
		if aws.Value(in.SetAsDefault) {
			row.Default = row.Latest
		}
		v := version{in.PolicyDocument, row.Updated}
		out = describeVersion(row, row.Latest, &v)
		return versions.Put(tx, versionKey{arn, row.Latest}, v)
	})
	return &api.CreatePolicyVersionOutput{PolicyVersion: out}, err
}

func describeVersion(row *managedPolicy, number int64, v *version) *api.PolicyVersion {
	return &api.PolicyVersion{VersionId: new(versionID(number)), IsDefaultVersion: new(number == row.Default), CreateDate: &v.Created}
}

// parseVersion reads "v3".
func parseVersion(id string) int64 {
	digits, _, _ := strings.Cut(strings.TrimPrefix(id, "v"), ".")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0 // which no version is
	}
	return n
}

// GetPolicyVersion returns a version with its document.
func (s *Service) GetPolicyVersion(ctx context.Context, call *aws.Call, in *api.GetPolicyVersionInput) (out *api.GetPolicyVersionOutput, err error) {
	err = s.readPolicy(ctx, in.PolicyArn, func(tx *store.Tx, arn aws.ARN, row *managedPolicy) error {
		number := parseVersion(in.VersionId)
		v, err := s.findVersion(tx, arn, number)
		if err != nil {
			return err
		}
		out = &api.GetPolicyVersionOutput{PolicyVersion: describeVersion(row, number, &v)}
		out.PolicyVersion.Document = new(escape(v.Document))
		return nil
	})
	return out, err
}

// ListPolicyVersions lists versions, the newest first, without documents.
func (s *Service) ListPolicyVersions(ctx context.Context, call *aws.Call, in *api.ListPolicyVersionsInput) (out *api.ListPolicyVersionsOutput, err error) {
	err = s.readPolicy(ctx, in.PolicyArn, func(tx *store.Tx, arn aws.ARN, row *managedPolicy) error {
		var items iter.Seq2[string, api.PolicyVersion] = func(yield func(string, api.PolicyVersion) bool) {
			if own := s.managed().byARN[arn]; own != nil {
				yield("", *describeVersion(row, row.Default, &version{Created: row.Created}))
				return
			}
			for key, v := range versions.ScanReverse(tx, versionKey{Policy: arn}) {
				// Markers go up, numbers go down.
				if name := strconv.FormatInt(1<<40-key.Number, 10); !yield(name, *describeVersion(row, key.Number, &v)) {
					return
				}
			}
		}
		found, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, items)
		out = &api.ListPolicyVersionsOutput{Versions: found, IsTruncated: truncated, Marker: marker}
		return err
	})
	return out, err
}

// SetDefaultPolicyVersion chooses the version that counts.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, call *aws.Call, in *api.SetDefaultPolicyVersionInput) (*api.SetDefaultPolicyVersionOutput, error) {
	return &api.SetDefaultPolicyVersionOutput{}, s.changePolicy(ctx, call, in.PolicyArn, func(tx *store.Tx, arn aws.ARN, row *managedPolicy) error {
		number := parseVersion(in.VersionId)
		if _, err := s.findVersion(tx, arn, number); err != nil {
			return err
		}
		row.Default, row.Updated = number, now()
		return nil
	})
}

// DeletePolicyVersion deletes a version that does not count.
func (s *Service) DeletePolicyVersion(ctx context.Context, call *aws.Call, in *api.DeletePolicyVersionInput) (*api.DeletePolicyVersionOutput, error) {
	return &api.DeletePolicyVersionOutput{}, s.changePolicy(ctx, call, in.PolicyArn, func(tx *store.Tx, arn aws.ARN, row *managedPolicy) error {
		number := parseVersion(in.VersionId)
		if _, err := s.findVersion(tx, arn, number); err != nil {
			return err
		}
		if number == row.Default {
			return api.DeleteConflictException.Errorf("Cannot delete the default version of a policy.")
		}
		row.Updated = now()
		return versions.Delete(tx, versionKey{arn, number})
	})
}
