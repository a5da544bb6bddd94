package cognitoidp

import (
	"context"
	"errors"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ownProvider is how clients name the pool itself among identity providers.
const ownProvider = "COGNITO"

// providers are identity providers of pools, by name.
var providers = store.NewTable[partKey, api.IdentityProviderType]("cognito-idp.provider")

// hasProvider reports whether the pool knows an identity provider.
func hasProvider(tx *store.Tx, p *userPool, name string) bool {
	has, err := providers.Has(tx, partKey{p.arn, name})
	return err == nil && has
}

// findProvider returns an identity provider of a pool.
func findProvider(tx *store.Tx, call *aws.Call, poolID, name string) (partKey, api.IdentityProviderType, error) {
	p, err := findPool(tx, call, poolID)
	if err != nil {
		return partKey{}, api.IdentityProviderType{}, err
	}
	key := partKey{p.arn, name}
	row, err := providers.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = api.ResourceNotFoundException.Errorf("Identity provider %s does not exist.", name)
	}
	return key, row, err
}

// CreateIdentityProvider keeps an identity provider.
func (s *Service) CreateIdentityProvider(ctx context.Context, call *aws.Call, in *api.CreateIdentityProviderInput) (*api.CreateIdentityProviderOutput, error) {
	created := now()
	row := api.IdentityProviderType{
		UserPoolId: &in.UserPoolId, ProviderName: &in.ProviderName, ProviderType: &in.ProviderType, ProviderDetails: in.ProviderDetails,
		AttributeMapping: in.AttributeMapping, IdpIdentifiers: in.IdpIdentifiers, AcrMapping: in.AcrMapping, CreationDate: &created, LastModifiedDate: &created,
	}
	if row.AttributeMapping == nil {
		row.AttributeMapping = map[string]string{"username": "sub"}
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := findProvider(tx, call, in.UserPoolId, in.ProviderName)
		switch {
		case err == nil || in.ProviderName == ownProvider:
			return api.DuplicateProviderException.Errorf("A provider with the name %s already exists.", in.ProviderName)
		case key == partKey{} || !errors.Is(err, api.ResourceNotFoundException):
			return err
		}
		return providers.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateIdentityProviderOutput{IdentityProvider: &row}, nil
}

// DescribeIdentityProvider returns an identity provider.
func (s *Service) DescribeIdentityProvider(ctx context.Context, call *aws.Call, in *api.DescribeIdentityProviderInput) (*api.DescribeIdentityProviderOutput, error) {
	var row api.IdentityProviderType
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findProvider(tx, call, in.UserPoolId, in.ProviderName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeIdentityProviderOutput{IdentityProvider: &row}, nil
}

// GetIdentityProviderByIdentifier returns the identity provider that an
// identifier is of.
func (s *Service) GetIdentityProviderByIdentifier(ctx context.Context, call *aws.Call, in *api.GetIdentityProviderByIdentifierInput) (*api.GetIdentityProviderByIdentifierOutput, error) {
	out := &api.GetIdentityProviderByIdentifierOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		for _, row := range providers.Scan(tx, partKey{Pool: p.arn}) {
			if slices.Contains(row.IdpIdentifiers, in.IdpIdentifier) {
				out.IdentityProvider = &row
				return nil
			}
		}
		return errors.Join(tx.Err(), api.ResourceNotFoundException.Errorf("Identity provider %s does not exist.", in.IdpIdentifier))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateIdentityProvider changes an identity provider.
func (s *Service) UpdateIdentityProvider(ctx context.Context, call *aws.Call, in *api.UpdateIdentityProviderInput) (*api.UpdateIdentityProviderOutput, error) {
	var row api.IdentityProviderType
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := findProvider(tx, call, in.UserPoolId, in.ProviderName)
		if err != nil {
			return err
		}
		row = found
		if in.ProviderDetails != nil {
			row.ProviderDetails = in.ProviderDetails
		}
		if in.AttributeMapping != nil {
			row.AttributeMapping = in.AttributeMapping
		}
		if in.IdpIdentifiers != nil {
			row.IdpIdentifiers = in.IdpIdentifiers
		}
		modified := now()
		row.LastModifiedDate = &modified
		return providers.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateIdentityProviderOutput{IdentityProvider: &row}, nil
}

// DeleteIdentityProvider removes an identity provider.
func (s *Service) DeleteIdentityProvider(ctx context.Context, call *aws.Call, in *api.DeleteIdentityProviderInput) (*api.DeleteIdentityProviderOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := findProvider(tx, call, in.UserPoolId, in.ProviderName)
		if err != nil {
			return err
		}
		return providers.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteIdentityProviderOutput{}, nil
}

// ListIdentityProviders lists the identity providers of a pool.
func (s *Service) ListIdentityProviders(ctx context.Context, call *aws.Call, in *api.ListIdentityProvidersInput) (*api.ListIdentityProvidersOutput, error) {
	out := &api.ListIdentityProvidersOutput{}
	err := s.listParts(ctx, call, in.UserPoolId, in.NextToken, func(tx *store.Tx, from partKey) (err error) {
		out.Providers = []api.ProviderDescription{}
		out.NextToken, err = page(providers.ScanAfter(tx, partKey{Pool: from.Pool}, from), partName, upTo(in.MaxResults), func(_ partKey, row api.IdentityProviderType) (bool, error) {
			out.Providers = append(out.Providers, api.ProviderDescription{
				ProviderName: row.ProviderName, ProviderType: row.ProviderType, CreationDate: row.CreationDate, LastModifiedDate: row.LastModifiedDate,
			})
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
