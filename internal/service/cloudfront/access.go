package cloudfront

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

func (s *Service) originAccessControlOperations() []service.Operation {
	type one = made[api.OriginAccessControlConfig]
	k := &shelf[api.OriginAccessControlConfig]{Service: s, kind: controls, free: freeOfOrigins(api.OriginAccessControlInUse, func(o *api.Origin) string { return aws.Value(o.OriginAccessControlId) })}
	whole := func(m one) *api.OriginAccessControl {
		return &api.OriginAccessControl{Id: m.id, OriginAccessControlConfig: &m.Config}
	}
	return []service.Operation{
		creates(k, api.CreateOriginAccessControl, func(in *api.CreateOriginAccessControlInput) *api.OriginAccessControlConfig {
			return in.OriginAccessControlConfig
		}, func(m one) *api.CreateOriginAccessControlOutput {
			return &api.CreateOriginAccessControlOutput{OriginAccessControl: whole(m), ETag: m.etag(), Location: m.location()}
		}),
		gets(k, api.GetOriginAccessControl, func(m one) *api.GetOriginAccessControlOutput {
			return &api.GetOriginAccessControlOutput{OriginAccessControl: whole(m), ETag: m.etag()}
		}),
		gets(k, api.GetOriginAccessControlConfig, func(m one) *api.GetOriginAccessControlConfigOutput {
			return &api.GetOriginAccessControlConfigOutput{OriginAccessControlConfig: &m.Config, ETag: m.etag()}
		}),
		updates(k, api.UpdateOriginAccessControl, func(in *api.UpdateOriginAccessControlInput) *api.OriginAccessControlConfig {
			return in.OriginAccessControlConfig
		}, func(m one) *api.UpdateOriginAccessControlOutput {
			return &api.UpdateOriginAccessControlOutput{OriginAccessControl: whole(m), ETag: m.etag()}
		}),
		deletes(k, api.DeleteOriginAccessControl),
		lists(k, api.ListOriginAccessControls, every, func(m one) api.OriginAccessControlSummary {
			return api.OriginAccessControlSummary{
				Id: m.id, Name: m.Config.Name, Description: aws.Value(m.Config.Description), SigningProtocol: m.Config.SigningProtocol, SigningBehavior: m.Config.SigningBehavior,
				OriginAccessControlOriginType: m.Config.OriginAccessControlOriginType,
			}
		}, func(p *page[api.OriginAccessControlSummary]) *api.ListOriginAccessControlsOutput {
			return &api.ListOriginAccessControlsOutput{OriginAccessControlList: &api.OriginAccessControlList{Marker: p.Marker, NextMarker: p.Next, MaxItems: p.MaxItems, IsTruncated: p.Truncated, Quantity: p.quantity(), Items: p.Items}}
		}),
	}
}

// identityPath begins what distributions call an identity by.
const identityPath = "origin-access-identity/cloudfront/"

// identityOf is the id of the identity that an origin is asked as, or "".
func identityOf(o *api.Origin) string {
	if o.S3OriginConfig == nil {
		return ""
	}
	return strings.TrimPrefix(o.S3OriginConfig.OriginAccessIdentity, identityPath)
}

// canonicalUser is how bucket policies may call an identity.
func canonicalUser(id string) string {
	a, b := sha256.Sum256([]byte("origin access identity "+id)), sha256.Sum256([]byte(id))
	return hex.EncodeToString(a[:]) + hex.EncodeToString(b[:16])
}

func (s *Service) originAccessIdentityOperations() []service.Operation {
	type one = made[api.CloudFrontOriginAccessIdentityConfig]
	k := &shelf[api.CloudFrontOriginAccessIdentityConfig]{Service: s, kind: identities, free: freeOfOrigins(api.CloudFrontOriginAccessIdentityInUse, identityOf)}
	whole := func(m one) *api.CloudFrontOriginAccessIdentity {
		return &api.CloudFrontOriginAccessIdentity{Id: m.id, S3CanonicalUserId: canonicalUser(m.id), CloudFrontOriginAccessIdentityConfig: &m.Config}
	}
	return []service.Operation{
		creates(k, api.CreateCloudFrontOriginAccessIdentity, func(in *api.CreateCloudFrontOriginAccessIdentityInput) *api.CloudFrontOriginAccessIdentityConfig {
			return in.CloudFrontOriginAccessIdentityConfig
		}, func(m one) *api.CreateCloudFrontOriginAccessIdentityOutput {
			return &api.CreateCloudFrontOriginAccessIdentityOutput{CloudFrontOriginAccessIdentity: whole(m), ETag: m.etag(), Location: m.location()}
		}),
		gets(k, api.GetCloudFrontOriginAccessIdentity, func(m one) *api.GetCloudFrontOriginAccessIdentityOutput {
			return &api.GetCloudFrontOriginAccessIdentityOutput{CloudFrontOriginAccessIdentity: whole(m), ETag: m.etag()}
		}),
		gets(k, api.GetCloudFrontOriginAccessIdentityConfig, func(m one) *api.GetCloudFrontOriginAccessIdentityConfigOutput {
			return &api.GetCloudFrontOriginAccessIdentityConfigOutput{CloudFrontOriginAccessIdentityConfig: &m.Config, ETag: m.etag()}
		}),
		updates(k, api.UpdateCloudFrontOriginAccessIdentity, func(in *api.UpdateCloudFrontOriginAccessIdentityInput) *api.CloudFrontOriginAccessIdentityConfig {
			return in.CloudFrontOriginAccessIdentityConfig
		}, func(m one) *api.UpdateCloudFrontOriginAccessIdentityOutput {
			return &api.UpdateCloudFrontOriginAccessIdentityOutput{CloudFrontOriginAccessIdentity: whole(m), ETag: m.etag()}
		}),
		deletes(k, api.DeleteCloudFrontOriginAccessIdentity),
		lists(k, api.ListCloudFrontOriginAccessIdentities, every, func(m one) api.CloudFrontOriginAccessIdentitySummary {
			return api.CloudFrontOriginAccessIdentitySummary{Id: m.id, S3CanonicalUserId: canonicalUser(m.id), Comment: m.Config.Comment}
		}, func(p *page[api.CloudFrontOriginAccessIdentitySummary]) *api.ListCloudFrontOriginAccessIdentitiesOutput {
			return &api.ListCloudFrontOriginAccessIdentitiesOutput{CloudFrontOriginAccessIdentityList: &api.CloudFrontOriginAccessIdentityList{Marker: p.Marker, NextMarker: p.Next, MaxItems: p.MaxItems, IsTruncated: p.Truncated, Quantity: p.quantity(), Items: p.Items}}
		}),
	}
}
