package cognitoidentity

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-identity"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateIdentityPool makes an identity pool.
func (s *Service) CreateIdentityPool(ctx context.Context, call *aws.Call, in *api.CreateIdentityPoolInput) (*api.CreateIdentityPoolOutput, error) {
	p := pool{IdentityPool: api.IdentityPool{
		IdentityPoolId: newID(call.Region), IdentityPoolName: in.IdentityPoolName, AllowUnauthenticatedIdentities: in.AllowUnauthenticatedIdentities,
		AllowClassicFlow: in.AllowClassicFlow, SupportedLoginProviders: in.SupportedLoginProviders, DeveloperProviderName: in.DeveloperProviderName,
		OpenIdConnectProviderARNs: in.OpenIdConnectProviderARNs, CognitoIdentityProviders: in.CognitoIdentityProviders, SamlProviderARNs: in.SamlProviderARNs,
		IdentityPoolTags: in.IdentityPoolTags,
	}}
	if err := p.check(); err != nil {
		return nil, err
	}
	arn := call.ARN("cognito-identity", kind+p.IdentityPoolId)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(pools.Put(tx, arn, p), places.Put(tx, placeOf(p.IdentityPoolId), arn))
	})
	if err != nil {
		return nil, err
	}
	return &p.IdentityPool, nil
}

// check refuses providers whose logins nobody can verify here.
func (p *pool) check() error {
	if len(p.SamlProviderARNs)+len(p.OpenIdConnectProviderARNs) > 0 {
		return aws.NotImplemented.Errorf("Aloft does not have SAML and OpenID Connect providers of IAM yet.")
	}
	for name := range p.SupportedLoginProviders {
		if !slices.Contains(openProviders, name) {
			return aws.NotImplemented.Errorf("Aloft does not verify logins of %s yet.", name)
		}
	}
	for _, c := range p.CognitoIdentityProviders {
		if aws.Value(c.ProviderName) == "" || aws.Value(c.ClientId) == "" {
			return invalid("Invalid Cognito Identity Provider: a ProviderName and a ClientId are needed.")
		}
	}
	return nil
}

// DescribeIdentityPool returns a pool.
func (s *Service) DescribeIdentityPool(ctx context.Context, call *aws.Call, in *api.DescribeIdentityPoolInput) (*api.DescribeIdentityPoolOutput, error) {
	var p *identityPool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		p, err = findPool(tx, call, in.IdentityPoolId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &p.IdentityPool, nil
}

// UpdateIdentityPool changes a pool; what is not said is so no more.
func (s *Service) UpdateIdentityPool(ctx context.Context, call *aws.Call, in *api.UpdateIdentityPoolInput) (*api.UpdateIdentityPoolOutput, error) {
	out := new(api.UpdateIdentityPoolOutput)
	err := s.updatePool(ctx, call, in.IdentityPoolId, func(p *identityPool) error {
		tags := p.IdentityPoolTags
		if p.IdentityPool = *in; in.IdentityPoolTags == nil {
			p.IdentityPoolTags = tags
		}
		*out = p.IdentityPool
		return p.check()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// updatePool changes a pool in a transaction.
func (s *Service) updatePool(ctx context.Context, call *aws.Call, id string, change func(*identityPool) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, id)
		if err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		return pools.Put(tx, p.arn, p.pool)
	})
}

// DeleteIdentityPool removes a pool and its identities.
func (s *Service) DeleteIdentityPool(ctx context.Context, call *aws.Call, in *api.DeleteIdentityPoolInput) (*api.DeleteIdentityPoolOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.IdentityPoolId)
		if err != nil {
			return err
		}
		for key := range identities.Scan(tx, identityKey{Pool: p.arn}) {
			if err := places.Delete(tx, placeOf(key.ID)); err != nil {
				return err
			}
		}
		return errors.Join(tx.Err(), identities.DeletePrefix(tx, identityKey{Pool: p.arn}), links.DeletePrefix(tx, linkKey{Pool: p.arn}),
			places.Delete(tx, placeOf(in.IdentityPoolId)), pools.Delete(tx, p.arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteIdentityPoolOutput{}, nil
}

// ListIdentityPools lists the pools of an account and region.
func (s *Service) ListIdentityPools(ctx context.Context, call *aws.Call, in *api.ListIdentityPoolsInput) (*api.ListIdentityPoolsOutput, error) {
	last, err := after(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListIdentityPoolsOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out.IdentityPools, out.NextToken = []api.IdentityPoolShortDescription{}, nil
		for arn, p := range pools.ScanAfter(tx, call.ARN("cognito-identity", ""), call.ARN("cognito-identity", last)) {
			if len(out.IdentityPools) == int(in.MaxResults) {
				out.NextToken = tokenOf(last)
				break
			}
			last = arn.Resource
			out.IdentityPools = append(out.IdentityPools, api.IdentityPoolShortDescription{IdentityPoolId: &p.IdentityPoolId, IdentityPoolName: &p.IdentityPoolName})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func tokenOf(last string) *string { return new(base64.StdEncoding.EncodeToString([]byte(last))) }

// after is what a token says was shown last.
func after(token *string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(aws.Value(token))
	if err != nil {
		return "", invalid("Invalid NextToken.")
	}
	return string(b), nil
}

// tagged changes the tags of the pool of an ARN.
func (s *Service) tagged(ctx context.Context, call *aws.Call, arn string, change func(tags map[string]string)) error {
	id, err := idOf(call, arn)
	if err != nil {
		return err
	}
	return s.updatePool(ctx, call, id, func(p *identityPool) error {
		tags := make(map[string]string)
		maps.Copy(tags, p.IdentityPoolTags)
		change(tags)
		p.IdentityPoolTags = tags
		return nil
	})
}

// idOf is the id of the pool of an ARN, which is to be the caller's.
func idOf(call *aws.Call, text string) (string, error) {
	arn, err := aws.ParseARN(text)
	id, ok := strings.CutPrefix(arn.Resource, kind)
	if err != nil || !ok || arn != call.ARN("cognito-identity", arn.Resource) {
		return "", invalid("Invalid ARN: %s", text)
	}
	return id, nil
}

// TagResource adds tags to a pool.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tagged(ctx, call, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) }); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags of a pool.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	gone := func(tags map[string]string) {
		maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
	}
	if err := s.tagged(ctx, call, in.ResourceArn, gone); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource returns the tags of a pool.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	id, err := idOf(call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	p, err := s.DescribeIdentityPool(ctx, call, &api.DescribeIdentityPoolInput{IdentityPoolId: id})
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: p.IdentityPoolTags}, nil
}
