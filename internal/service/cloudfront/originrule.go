package cloudfront

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func originRequestPolicy(arn aws.ARN, h *held[api.OriginRequestPolicyConfig]) *api.OriginRequestPolicy {
	return &api.OriginRequestPolicy{Id: originRules.id(arn), LastModifiedTime: h.Modified, OriginRequestPolicyConfig: &h.Config}
}

// CreateOriginRequestPolicy makes an origin request policy.
func (s *Service) CreateOriginRequestPolicy(ctx context.Context, call *aws.Call, in *api.CreateOriginRequestPolicyInput) (*api.CreateOriginRequestPolicyOutput, error) {
	arn, h, err := originRules.create(ctx, s, call, held[api.OriginRequestPolicyConfig]{Config: *in.OriginRequestPolicyConfig}, nil)
	if err != nil {
		return nil, err
	}
	return &api.CreateOriginRequestPolicyOutput{OriginRequestPolicy: originRequestPolicy(arn, &h), ETag: &h.Version, Location: new(location + arn.Resource)}, nil
}

// findOriginRequestPolicy returns an origin request policy of AWS's or of the caller's.
func (s *Service) findOriginRequestPolicy(ctx context.Context, call *aws.Call, id string) (held[api.OriginRequestPolicyConfig], error) {
	if c := managedOrigin[id]; c != nil {
		return held[api.OriginRequestPolicyConfig]{Config: *c, Version: managedVersion, Modified: managedSince}, nil
	}
	return originRules.view(ctx, s, call, id)
}

// GetOriginRequestPolicy returns an origin request policy.
func (s *Service) GetOriginRequestPolicy(ctx context.Context, call *aws.Call, in *api.GetOriginRequestPolicyInput) (*api.GetOriginRequestPolicyOutput, error) {
	h, err := s.findOriginRequestPolicy(ctx, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetOriginRequestPolicyOutput{OriginRequestPolicy: originRequestPolicy(originRules.arn(call, in.Id), &h), ETag: &h.Version}, nil
}

// GetOriginRequestPolicyConfig returns what UpdateOriginRequestPolicy changes.
func (s *Service) GetOriginRequestPolicyConfig(ctx context.Context, call *aws.Call, in *api.GetOriginRequestPolicyConfigInput) (*api.GetOriginRequestPolicyConfigOutput, error) {
	h, err := s.findOriginRequestPolicy(ctx, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetOriginRequestPolicyConfigOutput{OriginRequestPolicyConfig: &h.Config, ETag: &h.Version}, nil
}

// UpdateOriginRequestPolicy replaces an origin request policy.
func (s *Service) UpdateOriginRequestPolicy(ctx context.Context, call *aws.Call, in *api.UpdateOriginRequestPolicyInput) (*api.UpdateOriginRequestPolicyOutput, error) {
	if managedOrigin[in.Id] != nil {
		return nil, errManaged()
	}
	arn, h, err := originRules.update(ctx, s, call, in.Id, in.IfMatch, *in.OriginRequestPolicyConfig, nil)
	if err != nil {
		return nil, err
	}
	return &api.UpdateOriginRequestPolicyOutput{OriginRequestPolicy: originRequestPolicy(arn, &h), ETag: &h.Version}, nil
}

// DeleteOriginRequestPolicy removes an origin request policy that no distribution uses.
func (s *Service) DeleteOriginRequestPolicy(ctx context.Context, call *aws.Call, in *api.DeleteOriginRequestPolicyInput) (*api.DeleteOriginRequestPolicyOutput, error) {
	if managedOrigin[in.Id] != nil {
		return nil, errManaged()
	}
	return &api.DeleteOriginRequestPolicyOutput{}, originRules.remove(ctx, s, call, in.Id, in.IfMatch, func(tx *store.Tx, arn aws.ARN, _ *held[api.OriginRequestPolicyConfig]) error {
		return checkUnused(tx, call, api.OriginRequestPolicyInUse, func(b *api.CacheBehavior) bool { return aws.Value(b.OriginRequestPolicyId) == originRules.id(arn) })
	})
}

// ListOriginRequestPolicies lists origin request policies: AWS's, the caller's, or both.
func (s *Service) ListOriginRequestPolicies(ctx context.Context, call *aws.Call, in *api.ListOriginRequestPoliciesInput) (*api.ListOriginRequestPoliciesOutput, error) {
	describe := func(kind string) func(arn aws.ARN, h *held[api.OriginRequestPolicyConfig]) api.OriginRequestPolicySummary {
		return func(arn aws.ARN, h *held[api.OriginRequestPolicyConfig]) api.OriginRequestPolicySummary {
			return api.OriginRequestPolicySummary{Type: kind, OriginRequestPolicy: originRequestPolicy(arn, h)}
		}
	}
	p, err := listPolicies(ctx, s, originRules, managedOrigin, call, in.Type, in.Marker, in.MaxItems, describe)
	if err != nil {
		return nil, err
	}
	return &api.ListOriginRequestPoliciesOutput{OriginRequestPolicyList: &api.OriginRequestPolicyList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}, nil
}
