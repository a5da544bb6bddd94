package cognitoidp

import (
	"context"
	"errors"
	"net/url"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// domainSuffix follows the name of a domain in its host: jobs.auth.localhost,
// and jobs.auth.eu-central-1.amazoncognito.com.
const domainSuffix = "auth"

// CreateUserPoolDomain gives a pool a domain, where its pages are.
func (s *Service) CreateUserPoolDomain(ctx context.Context, call *aws.Call, in *api.CreateUserPoolDomainInput) (*api.CreateUserPoolDomainOutput, error) {
	if in.CustomDomainConfig != nil {
		return nil, notYet("user pools with domains of customers")
	}
	for _, word := range []string{"aws", "amazon", "cognito"} {
		if strings.Contains(in.Domain, word) {
			return nil, invalid("Domain cannot contain reserved word: %s", word)
		}
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		at := placeOf("domain", in.Domain)
		taken, err := places.Has(tx, at)
		switch {
		case err != nil:
			return err
		case taken:
			return invalid("Domain already associated with another user pool.")
		case p.Domain != nil:
			return invalid("User pool already has a domain configured.")
		}
		p.Domain = &in.Domain
		return errors.Join(pools.Put(tx, p.arn, p.pool), places.Put(tx, at, p.arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateUserPoolDomainOutput{ManagedLoginVersion: new(aws.Or(in.ManagedLoginVersion, 1))}, nil
}

// UpdateUserPoolDomain changes a domain; there is nothing that a domain without
// a certificate could change but what its pages look like.
func (s *Service) UpdateUserPoolDomain(ctx context.Context, call *aws.Call, in *api.UpdateUserPoolDomainInput) (*api.UpdateUserPoolDomainOutput, error) {
	if in.CustomDomainConfig != nil {
		return nil, notYet("user pools with domains of customers")
	}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, err := ownDomain(tx, call, in.UserPoolId, in.Domain)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateUserPoolDomainOutput{ManagedLoginVersion: new(aws.Or(in.ManagedLoginVersion, 1))}, nil
}

// ownDomain returns the pool that a domain is of.
func ownDomain(tx *store.Tx, call *aws.Call, poolID, domain string) (*userPool, error) {
	p, err := findPool(tx, call, poolID)
	if err == nil && aws.Value(p.Domain) != domain {
		err = invalid("No such domain or user pool exists.")
	}
	return p, err
}

// DescribeUserPoolDomain returns what a domain is of, and nothing if there is no
// such domain.
func (s *Service) DescribeUserPoolDomain(ctx context.Context, call *aws.Call, in *api.DescribeUserPoolDomainInput) (*api.DescribeUserPoolDomainOutput, error) {
	out := &api.DescribeUserPoolDomainOutput{DomainDescription: &api.DomainDescriptionType{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPlace(tx, "domain", in.Domain)
		if errors.Is(err, store.ErrNotFound) || err == nil && p.arn.Account != call.Account {
			return nil
		}
		if err != nil {
			return err
		}
		out.DomainDescription = &api.DomainDescriptionType{
			Domain: &in.Domain, UserPoolId: p.Id, AWSAccountId: &p.arn.Account, Status: new(api.DomainStatusTypeActive), ManagedLoginVersion: new(int32(1)),
			CustomDomainConfig: nil, Version: new(p.CreationDate.Format("20060102150405")),
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteUserPoolDomain takes a domain from a pool.
func (s *Service) DeleteUserPoolDomain(ctx context.Context, call *aws.Call, in *api.DeleteUserPoolDomainInput) (*api.DeleteUserPoolDomainOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := ownDomain(tx, call, in.UserPoolId, in.Domain)
		if err != nil {
			return err
		}
		p.Domain = nil
		return errors.Join(pools.Put(tx, p.arn, p.pool), places.Delete(tx, placeOf("domain", in.Domain)))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteUserPoolDomainOutput{}, nil
}

// base is the URL of a pool's domain, as it is reached here; empty if it has
// none.
func (s *Service) base(p *userPool) string {
	u, err := url.Parse(s.cfg.Endpoint)
	if err != nil || p.Domain == nil {
		return ""
	}
	return u.Scheme + "://" + *p.Domain + "." + domainSuffix + "." + u.Host
}

// confirmLink is where a user who follows it is confirmed.
func (v *visit) confirmLink(secret string) string {
	q := url.Values{"client_id": {*v.client.ClientId}, "user_name": {v.username()}, "confirmation_code": {secret}}
	return v.base(v.pool) + "/confirmUser?" + q.Encode()
}
