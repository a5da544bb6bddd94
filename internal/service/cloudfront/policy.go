package cloudfront

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func cachePolicy(arn aws.ARN, h *held[api.CachePolicyConfig]) *api.CachePolicy {
	return &api.CachePolicy{Id: cachePolicies.id(arn), LastModifiedTime: h.Modified, CachePolicyConfig: &h.Config}
}

// CreateCachePolicy makes a cache policy.
func (s *Service) CreateCachePolicy(ctx context.Context, call *aws.Call, in *api.CreateCachePolicyInput) (*api.CreateCachePolicyOutput, error) {
	arn, h, err := cachePolicies.create(ctx, s, call, held[api.CachePolicyConfig]{Config: *in.CachePolicyConfig}, nil)
	if err != nil {
		return nil, err
	}
	return &api.CreateCachePolicyOutput{CachePolicy: cachePolicy(arn, &h), ETag: &h.Version, Location: new(location + arn.Resource)}, nil
}

// findCachePolicy returns a cache policy of AWS's or of the caller's.
func (s *Service) findCachePolicy(ctx context.Context, call *aws.Call, id string) (held[api.CachePolicyConfig], error) {
	if c := managedCache[id]; c != nil {
		return held[api.CachePolicyConfig]{Config: *c, Version: managedVersion, Modified: managedSince}, nil
	}
	return cachePolicies.view(ctx, s, call, id)
}

// GetCachePolicy returns a cache policy.
func (s *Service) GetCachePolicy(ctx context.Context, call *aws.Call, in *api.GetCachePolicyInput) (*api.GetCachePolicyOutput, error) {
	h, err := s.findCachePolicy(ctx, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetCachePolicyOutput{CachePolicy: cachePolicy(cachePolicies.arn(call, in.Id), &h), ETag: &h.Version}, nil
}

// GetCachePolicyConfig returns what UpdateCachePolicy changes.
func (s *Service) GetCachePolicyConfig(ctx context.Context, call *aws.Call, in *api.GetCachePolicyConfigInput) (*api.GetCachePolicyConfigOutput, error) {
	h, err := s.findCachePolicy(ctx, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetCachePolicyConfigOutput{CachePolicyConfig: &h.Config, ETag: &h.Version}, nil
}

// UpdateCachePolicy replaces a cache policy.
func (s *Service) UpdateCachePolicy(ctx context.Context, call *aws.Call, in *api.UpdateCachePolicyInput) (*api.UpdateCachePolicyOutput, error) {
	if managedCache[in.Id] != nil {
		return nil, errManaged()
	}
	arn, h, err := cachePolicies.update(ctx, s, call, in.Id, in.IfMatch, *in.CachePolicyConfig, nil)
	if err != nil {
		return nil, err
	}
	return &api.UpdateCachePolicyOutput{CachePolicy: cachePolicy(arn, &h), ETag: &h.Version}, nil
}

// DeleteCachePolicy removes a cache policy that no distribution uses.
func (s *Service) DeleteCachePolicy(ctx context.Context, call *aws.Call, in *api.DeleteCachePolicyInput) (*api.DeleteCachePolicyOutput, error) {
	if managedCache[in.Id] != nil {
		return nil, errManaged()
	}
	return &api.DeleteCachePolicyOutput{}, cachePolicies.remove(ctx, s, call, in.Id, in.IfMatch, func(tx *store.Tx, arn aws.ARN, _ *held[api.CachePolicyConfig]) error {
		return checkUnused(tx, call, api.CachePolicyInUse, func(b *api.CacheBehavior) bool { return aws.Value(b.CachePolicyId) == cachePolicies.id(arn) })
	})
}

// ListCachePolicies lists cache policies: AWS's, the caller's, or both.
func (s *Service) ListCachePolicies(ctx context.Context, call *aws.Call, in *api.ListCachePoliciesInput) (*api.ListCachePoliciesOutput, error) {
	describe := func(kind string) func(arn aws.ARN, h *held[api.CachePolicyConfig]) api.CachePolicySummary {
		return func(arn aws.ARN, h *held[api.CachePolicyConfig]) api.CachePolicySummary {
			return api.CachePolicySummary{Type: kind, CachePolicy: cachePolicy(arn, h)}
		}
	}
	p, err := listPolicies(ctx, s, cachePolicies, managedCache, call, in.Type, in.Marker, in.MaxItems, describe)
	if err != nil {
		return nil, err
	}
	return &api.ListCachePoliciesOutput{CachePolicyList: &api.CachePolicyList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}, nil
}

// errManaged refuses to change what is AWS's.
func errManaged() error {
	return api.IllegalUpdate.Errorf("You can't update or delete a managed policy.")
}

// checkUnused refuses to delete what a behaviour of the caller's uses.
func checkUnused(tx *store.Tx, call *aws.Call, fault aws.Fault, uses func(*api.CacheBehavior) bool) error {
	for _, d := range distributions.rows.Scan(tx, global(call, "")) {
		for _, b := range behaviors(&d.Config) {
			if uses(&b) {
				return fault.Errorf("The specified policy is currently associated with one or more cache behaviors and cannot be deleted.")
			}
		}
	}
	return tx.Err()
}

// listPolicies is pageOf for kinds of which AWS has some, which come first.
func listPolicies[C, T any](ctx context.Context, s *Service, k *kind[C], managed map[string]*C, call *aws.Call, kind, marker, max *string, describe func(kind string) func(aws.ARN, *held[C]) T) (page[T], error) {
	wanted := aws.Value(kind)
	p := page[T]{Items: []T{}, MaxItems: pageSize}
	if wanted != "managed" {
		var err error
		if p, err = pageOf(ctx, s, k, call, marker, max, describe("custom")); err != nil {
			return p, err
		}
	}
	if wanted == "custom" || aws.Value(marker) != "" {
		return p, nil
	}
	first := make([]T, 0, len(managed)+len(p.Items))
	for _, id := range slices.Sorted(maps.Keys(managed)) {
		first = append(first, describe("managed")(k.arn(call, id), &held[C]{Config: *managed[id], Version: managedVersion, Modified: managedSince}))
	}
	p.Items = append(first, p.Items...)
	return p, nil
}
