package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A policy says who may do what with a table, besides what their own policies
// say.
type policy struct {
	Text     string
	Revision string
}

const (
	maxPolicy  = 20 << 10
	noRevision = "NO_POLICY"
)

// newPolicy is a resource policy with a fresh revision, or none.
func newPolicy(text string) policy {
	if text == "" {
		return policy{}
	}
	return policy{Text: text, Revision: newUUID()}
}

func checkPolicy(text string) error {
	switch {
	case len(text) > maxPolicy:
		return refuse(invalid + "Resource policy is larger than the maximum size of 20480 bytes")
	case !json.Valid([]byte(text)):
		return refuse(invalid + "Resource policy is not valid JSON")
	}
	return nil
}

func errNoPolicy(arn aws.ARN) error {
	return api.PolicyNotFoundException.With(nil, "Resource-based policy not found for the provided ResourceArn: "+arn.String())
}

// checkRevision refuses a change that expects another policy than there is.
func (p *policy) checkRevision(expected *string, arn aws.ARN) error {
	if expected == nil || *expected == p.Revision || *expected == noRevision && p.Revision == "" {
		return nil
	}
	return api.PolicyNotFoundException.With(nil, "Resource-based policy with the expected revision id not found for the provided ResourceArn: "+arn.String())
}

// PutResourcePolicy sets the policy of a table.
func (s *Service) PutResourcePolicy(ctx context.Context, call *aws.Call, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	arn, err := resourceTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	var p policy
	err = s.changeResource(ctx, arn, func(t *table) error {
		if err := t.Policy.checkRevision(in.ExpectedRevisionId, arn); err != nil {
			return err
		}
		if t.Policy.Text != in.Policy {
			t.Policy = newPolicy(in.Policy)
		}
		p = t.Policy
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.policies.Add(1)
	return &api.PutResourcePolicyOutput{RevisionId: &p.Revision}, nil
}

// GetResourcePolicy returns the policy of a table.
func (s *Service) GetResourcePolicy(ctx context.Context, call *aws.Call, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	arn, err := resourceTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	var t *table
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err = s.lookTable(tx, arn)
		return err
	})
	switch {
	case errors.Is(err, api.ResourceNotFoundException):
		return nil, errNoARN(arn)
	case err != nil:
		return nil, err
	case t.Policy.Text == "":
		return nil, errNoPolicy(arn)
	}
	return &api.GetResourcePolicyOutput{Policy: &t.Policy.Text, RevisionId: &t.Policy.Revision}, nil
}

// DeleteResourcePolicy removes the policy of a table.
func (s *Service) DeleteResourcePolicy(ctx context.Context, call *aws.Call, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	arn, err := resourceTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &api.DeleteResourcePolicyOutput{}
	err = s.changeResource(ctx, arn, func(t *table) error {
		if err := t.Policy.checkRevision(in.ExpectedRevisionId, arn); err != nil {
			return err
		}
		out.RevisionId = nil
		if t.Policy.Revision != "" {
			out.RevisionId = new(t.Policy.Revision)
		}
		t.Policy = policy{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.policies.Add(1)
	return out, nil
}

// policyOf returns the policy that holds for a table or an index of it, or "".
func (s *Service) policyOf(ctx context.Context, resource aws.ARN) (string, error) {
	name, ok := strings.CutPrefix(resource.Resource, tableKind)
	if !ok {
		return "", nil
	}
	name, _, _ = strings.Cut(name, "/")
	resource.Resource = tableKind + name
	text := ""
	err := s.db.View(ctx, func(tx *store.Tx) error {
		t, err := s.lookTable(tx, resource)
		if errors.Is(err, api.ResourceNotFoundException) {
			return nil
		}
		if err == nil {
			text = t.Policy.Text
		}
		return err
	})
	return text, err
}
