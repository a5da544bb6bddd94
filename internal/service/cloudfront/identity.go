package cloudfront

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

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

func identity(arn aws.ARN, h *held[api.CloudFrontOriginAccessIdentityConfig]) *api.CloudFrontOriginAccessIdentity {
	id := identities.id(arn)
	return &api.CloudFrontOriginAccessIdentity{Id: id, S3CanonicalUserId: canonicalUser(id), CloudFrontOriginAccessIdentityConfig: &h.Config}
}

// CreateCloudFrontOriginAccessIdentity makes an origin access identity.
func (s *Service) CreateCloudFrontOriginAccessIdentity(ctx context.Context, call *aws.Call, in *api.CreateCloudFrontOriginAccessIdentityInput) (*api.CreateCloudFrontOriginAccessIdentityOutput, error) {
	arn, h, err := identities.create(ctx, s, call, held[api.CloudFrontOriginAccessIdentityConfig]{Config: *in.CloudFrontOriginAccessIdentityConfig}, nil)
	if err != nil {
		return nil, err
	}
	return &api.CreateCloudFrontOriginAccessIdentityOutput{CloudFrontOriginAccessIdentity: identity(arn, &h), ETag: &h.Version, Location: new(location + arn.Resource)}, nil
}

// GetCloudFrontOriginAccessIdentity returns an origin access identity.
func (s *Service) GetCloudFrontOriginAccessIdentity(ctx context.Context, call *aws.Call, in *api.GetCloudFrontOriginAccessIdentityInput) (*api.GetCloudFrontOriginAccessIdentityOutput, error) {
	h, err := identities.view(ctx, s, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetCloudFrontOriginAccessIdentityOutput{CloudFrontOriginAccessIdentity: identity(identities.arn(call, in.Id), &h), ETag: &h.Version}, nil
}

// GetCloudFrontOriginAccessIdentityConfig returns what UpdateCloudFrontOriginAccessIdentity changes.
func (s *Service) GetCloudFrontOriginAccessIdentityConfig(ctx context.Context, call *aws.Call, in *api.GetCloudFrontOriginAccessIdentityConfigInput) (*api.GetCloudFrontOriginAccessIdentityConfigOutput, error) {
	h, err := identities.view(ctx, s, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetCloudFrontOriginAccessIdentityConfigOutput{CloudFrontOriginAccessIdentityConfig: &h.Config, ETag: &h.Version}, nil
}

// UpdateCloudFrontOriginAccessIdentity replaces an origin access identity.
func (s *Service) UpdateCloudFrontOriginAccessIdentity(ctx context.Context, call *aws.Call, in *api.UpdateCloudFrontOriginAccessIdentityInput) (*api.UpdateCloudFrontOriginAccessIdentityOutput, error) {
	arn, h, err := identities.update(ctx, s, call, in.Id, in.IfMatch, *in.CloudFrontOriginAccessIdentityConfig, nil)
	if err != nil {
		return nil, err
	}
	return &api.UpdateCloudFrontOriginAccessIdentityOutput{CloudFrontOriginAccessIdentity: identity(arn, &h), ETag: &h.Version}, nil
}

// DeleteCloudFrontOriginAccessIdentity removes an origin access identity that no origin uses.
func (s *Service) DeleteCloudFrontOriginAccessIdentity(ctx context.Context, call *aws.Call, in *api.DeleteCloudFrontOriginAccessIdentityInput) (*api.DeleteCloudFrontOriginAccessIdentityOutput, error) {
	return &api.DeleteCloudFrontOriginAccessIdentityOutput{}, identities.remove(ctx, s, call, in.Id, in.IfMatch, func(tx *store.Tx, arn aws.ARN, _ *held[api.CloudFrontOriginAccessIdentityConfig]) error {
		return checkFree(tx, call, api.CloudFrontOriginAccessIdentityInUse, func(o *api.Origin) bool { return identityOf(o) == identities.id(arn) })
	})
}

// ListCloudFrontOriginAccessIdentities lists the origin access identities of an
// account.
func (s *Service) ListCloudFrontOriginAccessIdentities(ctx context.Context, call *aws.Call, in *api.ListCloudFrontOriginAccessIdentitiesInput) (*api.ListCloudFrontOriginAccessIdentitiesOutput, error) {
	p, err := pageOf(ctx, s, identities, call, in.Marker, in.MaxItems, func(arn aws.ARN, h *held[api.CloudFrontOriginAccessIdentityConfig]) api.CloudFrontOriginAccessIdentitySummary {
		id := identities.id(arn)
		return api.CloudFrontOriginAccessIdentitySummary{Id: id, S3CanonicalUserId: canonicalUser(id), Comment: h.Config.Comment}
	})
	if err != nil {
		return nil, err
	}
	return &api.ListCloudFrontOriginAccessIdentitiesOutput{CloudFrontOriginAccessIdentityList: &api.CloudFrontOriginAccessIdentityList{
		Marker: p.Marker, NextMarker: p.Next, MaxItems: p.MaxItems, IsTruncated: p.Truncated, Quantity: p.quantity(), Items: p.Items,
	}}, nil
}
