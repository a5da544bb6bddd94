package cloudfront

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func responseHeadersPolicy(arn aws.ARN, h *held[api.ResponseHeadersPolicyConfig]) *api.ResponseHeadersPolicy {
	return &api.ResponseHeadersPolicy{Id: headerRules.id(arn), LastModifiedTime: h.Modified, ResponseHeadersPolicyConfig: &h.Config}
}

// CreateResponseHeadersPolicy makes a response headers policy.
func (s *Service) CreateResponseHeadersPolicy(ctx context.Context, call *aws.Call, in *api.CreateResponseHeadersPolicyInput) (*api.CreateResponseHeadersPolicyOutput, error) {
	arn, h, err := headerRules.create(ctx, s, call, held[api.ResponseHeadersPolicyConfig]{Config: *in.ResponseHeadersPolicyConfig}, nil)
	if err != nil {
		return nil, err
	}
	return &api.CreateResponseHeadersPolicyOutput{ResponseHeadersPolicy: responseHeadersPolicy(arn, &h), ETag: &h.Version, Location: new(location + arn.Resource)}, nil
}

// findResponseHeadersPolicy returns a response headers policy of AWS's or of the caller's.
func (s *Service) findResponseHeadersPolicy(ctx context.Context, call *aws.Call, id string) (held[api.ResponseHeadersPolicyConfig], error) {
	if c := managedHeaders[id]; c != nil {
		return held[api.ResponseHeadersPolicyConfig]{Config: *c, Version: managedVersion, Modified: managedSince}, nil
	}
	return headerRules.view(ctx, s, call, id)
}

// GetResponseHeadersPolicy returns a response headers policy.
func (s *Service) GetResponseHeadersPolicy(ctx context.Context, call *aws.Call, in *api.GetResponseHeadersPolicyInput) (*api.GetResponseHeadersPolicyOutput, error) {
	h, err := s.findResponseHeadersPolicy(ctx, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetResponseHeadersPolicyOutput{ResponseHeadersPolicy: responseHeadersPolicy(headerRules.arn(call, in.Id), &h), ETag: &h.Version}, nil
}

// GetResponseHeadersPolicyConfig returns what UpdateResponseHeadersPolicy changes.
func (s *Service) GetResponseHeadersPolicyConfig(ctx context.Context, call *aws.Call, in *api.GetResponseHeadersPolicyConfigInput) (*api.GetResponseHeadersPolicyConfigOutput, error) {
	h, err := s.findResponseHeadersPolicy(ctx, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetResponseHeadersPolicyConfigOutput{ResponseHeadersPolicyConfig: &h.Config, ETag: &h.Version}, nil
}

// UpdateResponseHeadersPolicy replaces a response headers policy.
func (s *Service) UpdateResponseHeadersPolicy(ctx context.Context, call *aws.Call, in *api.UpdateResponseHeadersPolicyInput) (*api.UpdateResponseHeadersPolicyOutput, error) {
	if managedHeaders[in.Id] != nil {
		return nil, errManaged()
	}
	arn, h, err := headerRules.update(ctx, s, call, in.Id, in.IfMatch, *in.ResponseHeadersPolicyConfig, nil)
	if err != nil {
		return nil, err
	}
	return &api.UpdateResponseHeadersPolicyOutput{ResponseHeadersPolicy: responseHeadersPolicy(arn, &h), ETag: &h.Version}, nil
}

// DeleteResponseHeadersPolicy removes a response headers policy that no distribution uses.
func (s *Service) DeleteResponseHeadersPolicy(ctx context.Context, call *aws.Call, in *api.DeleteResponseHeadersPolicyInput) (*api.DeleteResponseHeadersPolicyOutput, error) {
	if managedHeaders[in.Id] != nil {
		return nil, errManaged()
	}
	return &api.DeleteResponseHeadersPolicyOutput{}, headerRules.remove(ctx, s, call, in.Id, in.IfMatch, func(tx *store.Tx, arn aws.ARN, _ *held[api.ResponseHeadersPolicyConfig]) error {
		return checkUnused(tx, call, api.ResponseHeadersPolicyInUse, func(b *api.CacheBehavior) bool { return aws.Value(b.ResponseHeadersPolicyId) == headerRules.id(arn) })
	})
}

// ListResponseHeadersPolicies lists response headers policies: AWS's, the caller's, or both.
func (s *Service) ListResponseHeadersPolicies(ctx context.Context, call *aws.Call, in *api.ListResponseHeadersPoliciesInput) (*api.ListResponseHeadersPoliciesOutput, error) {
	describe := func(kind string) func(arn aws.ARN, h *held[api.ResponseHeadersPolicyConfig]) api.ResponseHeadersPolicySummary {
		return func(arn aws.ARN, h *held[api.ResponseHeadersPolicyConfig]) api.ResponseHeadersPolicySummary {
			return api.ResponseHeadersPolicySummary{Type: kind, ResponseHeadersPolicy: responseHeadersPolicy(arn, h)}
		}
	}
	p, err := listPolicies(ctx, s, headerRules, managedHeaders, call, in.Type, in.Marker, in.MaxItems, describe)
	if err != nil {
		return nil, err
	}
	return &api.ListResponseHeadersPoliciesOutput{ResponseHeadersPolicyList: &api.ResponseHeadersPolicyList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}, nil
}
