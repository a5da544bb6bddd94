package cloudfront

import (
	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/service"
)

// Policies say what is cached, what origins are asked with, and what answers are
// given. They are alike but for their types.

func (s *Service) cachePolicyOperations() []service.Operation {
	type one = made[api.CachePolicyConfig]
	k := &shelf[api.CachePolicyConfig]{Service: s, kind: cachePolicies, managed: managedCache, free: freeOf(api.CachePolicyInUse, func(b *api.CacheBehavior) *string { return b.CachePolicyId })}
	whole := func(m one) *api.CachePolicy {
		return &api.CachePolicy{Id: m.id, LastModifiedTime: m.Modified, CachePolicyConfig: &m.Config}
	}
	return []service.Operation{
		creates(k, api.CreateCachePolicy, func(in *api.CreateCachePolicyInput) *api.CachePolicyConfig { return in.CachePolicyConfig }, func(m one) *api.CreateCachePolicyOutput {
			return &api.CreateCachePolicyOutput{CachePolicy: whole(m), ETag: m.etag(), Location: m.location()}
		}),
		gets(k, api.GetCachePolicy, func(m one) *api.GetCachePolicyOutput {
			return &api.GetCachePolicyOutput{CachePolicy: whole(m), ETag: m.etag()}
		}),
		gets(k, api.GetCachePolicyConfig, func(m one) *api.GetCachePolicyConfigOutput {
			return &api.GetCachePolicyConfigOutput{CachePolicyConfig: &m.Config, ETag: m.etag()}
		}),
		updates(k, api.UpdateCachePolicy, func(in *api.UpdateCachePolicyInput) *api.CachePolicyConfig { return in.CachePolicyConfig }, func(m one) *api.UpdateCachePolicyOutput {
			return &api.UpdateCachePolicyOutput{CachePolicy: whole(m), ETag: m.etag()}
		}),
		deletes(k, api.DeleteCachePolicy),
		lists(k, api.ListCachePolicies, func(in *api.ListCachePoliciesInput) *string { return in.Type }, func(m one) api.CachePolicySummary {
			return api.CachePolicySummary{Type: m.kind, CachePolicy: whole(m)}
		}, func(p *page[api.CachePolicySummary]) *api.ListCachePoliciesOutput {
			return &api.ListCachePoliciesOutput{CachePolicyList: &api.CachePolicyList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}
		}),
	}
}

func (s *Service) originRequestPolicyOperations() []service.Operation {
	type one = made[api.OriginRequestPolicyConfig]
	k := &shelf[api.OriginRequestPolicyConfig]{Service: s, kind: originRules, managed: managedOrigin, free: freeOf(api.OriginRequestPolicyInUse, func(b *api.CacheBehavior) *string { return b.OriginRequestPolicyId })}
	whole := func(m one) *api.OriginRequestPolicy {
		return &api.OriginRequestPolicy{Id: m.id, LastModifiedTime: m.Modified, OriginRequestPolicyConfig: &m.Config}
	}
	return []service.Operation{
		creates(k, api.CreateOriginRequestPolicy, func(in *api.CreateOriginRequestPolicyInput) *api.OriginRequestPolicyConfig {
			return in.OriginRequestPolicyConfig
		}, func(m one) *api.CreateOriginRequestPolicyOutput {
			return &api.CreateOriginRequestPolicyOutput{OriginRequestPolicy: whole(m), ETag: m.etag(), Location: m.location()}
		}),
		gets(k, api.GetOriginRequestPolicy, func(m one) *api.GetOriginRequestPolicyOutput {
			return &api.GetOriginRequestPolicyOutput{OriginRequestPolicy: whole(m), ETag: m.etag()}
		}),
		gets(k, api.GetOriginRequestPolicyConfig, func(m one) *api.GetOriginRequestPolicyConfigOutput {
			return &api.GetOriginRequestPolicyConfigOutput{OriginRequestPolicyConfig: &m.Config, ETag: m.etag()}
		}),
		updates(k, api.UpdateOriginRequestPolicy, func(in *api.UpdateOriginRequestPolicyInput) *api.OriginRequestPolicyConfig {
			return in.OriginRequestPolicyConfig
		}, func(m one) *api.UpdateOriginRequestPolicyOutput {
			return &api.UpdateOriginRequestPolicyOutput{OriginRequestPolicy: whole(m), ETag: m.etag()}
		}),
		deletes(k, api.DeleteOriginRequestPolicy),
		lists(k, api.ListOriginRequestPolicies, func(in *api.ListOriginRequestPoliciesInput) *string { return in.Type }, func(m one) api.OriginRequestPolicySummary {
			return api.OriginRequestPolicySummary{Type: m.kind, OriginRequestPolicy: whole(m)}
		}, func(p *page[api.OriginRequestPolicySummary]) *api.ListOriginRequestPoliciesOutput {
			return &api.ListOriginRequestPoliciesOutput{OriginRequestPolicyList: &api.OriginRequestPolicyList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}
		}),
	}
}

func (s *Service) responseHeadersPolicyOperations() []service.Operation {
	type one = made[api.ResponseHeadersPolicyConfig]
	k := &shelf[api.ResponseHeadersPolicyConfig]{Service: s, kind: headerRules, managed: managedHeaders, free: freeOf(api.ResponseHeadersPolicyInUse, func(b *api.CacheBehavior) *string { return b.ResponseHeadersPolicyId })}
	whole := func(m one) *api.ResponseHeadersPolicy {
		return &api.ResponseHeadersPolicy{Id: m.id, LastModifiedTime: m.Modified, ResponseHeadersPolicyConfig: &m.Config}
	}
	return []service.Operation{
		creates(k, api.CreateResponseHeadersPolicy, func(in *api.CreateResponseHeadersPolicyInput) *api.ResponseHeadersPolicyConfig {
			return in.ResponseHeadersPolicyConfig
		}, func(m one) *api.CreateResponseHeadersPolicyOutput {
			return &api.CreateResponseHeadersPolicyOutput{ResponseHeadersPolicy: whole(m), ETag: m.etag(), Location: m.location()}
		}).But("Server-Timing is not given."),
		gets(k, api.GetResponseHeadersPolicy, func(m one) *api.GetResponseHeadersPolicyOutput {
			return &api.GetResponseHeadersPolicyOutput{ResponseHeadersPolicy: whole(m), ETag: m.etag()}
		}),
		gets(k, api.GetResponseHeadersPolicyConfig, func(m one) *api.GetResponseHeadersPolicyConfigOutput {
			return &api.GetResponseHeadersPolicyConfigOutput{ResponseHeadersPolicyConfig: &m.Config, ETag: m.etag()}
		}),
		updates(k, api.UpdateResponseHeadersPolicy, func(in *api.UpdateResponseHeadersPolicyInput) *api.ResponseHeadersPolicyConfig {
			return in.ResponseHeadersPolicyConfig
		}, func(m one) *api.UpdateResponseHeadersPolicyOutput {
			return &api.UpdateResponseHeadersPolicyOutput{ResponseHeadersPolicy: whole(m), ETag: m.etag()}
		}),
		deletes(k, api.DeleteResponseHeadersPolicy),
		lists(k, api.ListResponseHeadersPolicies, func(in *api.ListResponseHeadersPoliciesInput) *string { return in.Type }, func(m one) api.ResponseHeadersPolicySummary {
			return api.ResponseHeadersPolicySummary{Type: m.kind, ResponseHeadersPolicy: whole(m)}
		}, func(p *page[api.ResponseHeadersPolicySummary]) *api.ListResponseHeadersPoliciesOutput {
			return &api.ListResponseHeadersPoliciesOutput{ResponseHeadersPolicyList: &api.ResponseHeadersPolicyList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}
		}),
	}
}
