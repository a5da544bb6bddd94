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

// policed is the table or stream that an ARN names.
func policed(resource string) (aws.ARN, error) {
	if strings.Contains(resource, streamKind) {
		return parseStream(resource)
	}
	return resourceTable(resource)
}

// changePolicy changes the policy of a table or a stream.
func (s *Service) changePolicy(ctx context.Context, arn aws.ARN, change func(*policy) error) error {
	defer s.policies.Add(1)
	if !strings.Contains(arn.Resource, streamKind) {
		return s.changeResource(ctx, arn, func(t *table) error { return change(&t.Policy) })
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		if err := change(&row.Policy); err != nil {
			return err
		}
		return streams.Put(tx, arn, row)
	})
}

// findPolicy returns the policy of a table or a stream, which may be none.
func (s *Service) findPolicy(ctx context.Context, arn aws.ARN) (policy, error) {
	var p policy
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if strings.Contains(arn.Resource, streamKind) {
			row, err := findStream(tx, arn)
			p = row.Policy
			return err
		}
		t, err := s.lookTable(tx, arn)
		if errors.Is(err, api.ResourceNotFoundException) {
			return errNoARN(arn)
		}
		if err == nil {
			p = t.Policy
		}
		return err
	})
	return p, err
}

// PutResourcePolicy sets the policy of a table or a stream.
func (s *Service) PutResourcePolicy(ctx context.Context, call *aws.Call, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	arn, err := policed(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	out := &api.PutResourcePolicyOutput{}
	err = s.changePolicy(ctx, arn, func(p *policy) error {
		if err := p.checkRevision(in.ExpectedRevisionId, arn); err != nil {
			return err
		}
		if p.Text != in.Policy {
			*p = newPolicy(in.Policy)
		}
		out.RevisionId = new(p.Revision)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetResourcePolicy returns the policy of a table or a stream.
func (s *Service) GetResourcePolicy(ctx context.Context, call *aws.Call, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	arn, err := policed(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	p, err := s.findPolicy(ctx, arn)
	switch {
	case err != nil:
		return nil, err
	case p.Text == "":
		return nil, errNoPolicy(arn)
	}
	return &api.GetResourcePolicyOutput{Policy: &p.Text, RevisionId: &p.Revision}, nil
}

// DeleteResourcePolicy removes the policy of a table or a stream.
func (s *Service) DeleteResourcePolicy(ctx context.Context, call *aws.Call, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	arn, err := policed(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &api.DeleteResourcePolicyOutput{}
	err = s.changePolicy(ctx, arn, func(p *policy) error {
		if err := p.checkRevision(in.ExpectedRevisionId, arn); err != nil {
			return err
		}
		out.RevisionId = nil
		if p.Revision != "" {
			out.RevisionId = new(p.Revision)
		}
		*p = policy{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// policyOf returns the policy that holds for a table, an index of it, or a
// stream: "" if there is none.
func (s *Service) policyOf(ctx context.Context, resource aws.ARN) (string, error) {
	name, ok := strings.CutPrefix(resource.Resource, tableKind)
	if !ok {
		return "", nil
	}
	if !strings.Contains(name, streamKind) {
		name, _, _ = strings.Cut(name, "/")
		resource.Resource = tableKind + name
	}
	p, err := s.findPolicy(ctx, resource)
	if errors.Is(err, api.ResourceNotFoundException) {
		return "", nil
	}
	return p.Text, err
}
