package cognitoidentity

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-identity"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/store"
)

// openProviders are those of SupportedLoginProviders that issue tokens of OpenID
// Connect.
var openProviders = []string{"accounts.google.com", "appleid.apple.com"}

// ownProvider is how logins name identity pools themselves.
const ownProvider = "cognito-identity.amazonaws.com"

// A verified login says who somebody is to a provider.
type verified struct {
	provider, client, subject string
	claims                    map[string]any
}

// verify returns what logins say, which are tokens by provider, in order of
// providers. One of the pool's own says the identity.
func (s *Service) verify(ctx context.Context, p *identityPool, logins map[string]string) (all []verified, own string, err error) {
	for _, provider := range slices.Sorted(maps.Keys(logins)) {
		token, err := jwt.Parse(logins[provider])
		if err != nil {
			return nil, "", unauthorized("Invalid login token. Not a valid OpenId Connect identity token.")
		}
		if provider == ownProvider {
			signer, err := s.signer(ctx)
			if err != nil {
				return nil, "", err
			}
			if err := check(token, signer.Keys(), backend.IdentityIssuer, []string{p.IdentityPoolId}); err != nil {
				return nil, "", err
			}
			own, _ = token.Claims["sub"].(string)
			continue
		}
		clients := p.clientsOf(provider)
		if clients == nil {
			return nil, "", unauthorized("Token is not from a supported provider of this identity pool.")
		}
		issuer := "https://" + provider
		keys, err := s.issuers.Keys(ctx, issuer, token.KeyID)
		if err != nil {
			return nil, "", unauthorized("Invalid login token. Issuer doesn't match providerName")
		}
		if err := check(token, keys, issuer, clients); err != nil {
			return nil, "", err
		}
		if use, says := token.Claims["token_use"]; says && use != "id" {
			return nil, "", unauthorized("Invalid login token. Not an identity token.")
		}
		subject, _ := token.Claims["sub"].(string)
		client, _ := token.Claims["aud"].(string)
		all = append(all, verified{provider, client, subject, token.Claims})
	}
	return all, own, nil
}

// check refuses a token that is not the issuer's, or not any more.
func check(token *jwt.Token, keys jwt.Keys, issuer string, audience []string) error {
	err := token.Verify(keys, issuer, audience, time.Now())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrKey):
		return unauthorized("Invalid login token. Couldn't verify signed token.")
	}
	if at, ok := token.Claims["exp"].(interface{ Int64() (int64, error) }); ok {
		if seconds, err := at.Int64(); err == nil && time.Now().Unix() >= seconds {
			return unauthorized("Invalid login token. Token expired: %d >= %d", time.Now().Unix(), seconds)
		}
	}
	return unauthorized("Invalid login token. Token is not for this identity pool, or its signature is invalid.")
}

// clientsOf are the clients of a provider whose users may log in; nil if it is
// no provider of the pool's.
func (p *pool) clientsOf(provider string) []string {
	var all []string
	for _, c := range p.CognitoIdentityProviders {
		if *c.ProviderName == provider {
			all = append(all, *c.ClientId)
		}
	}
	if ids := p.SupportedLoginProviders[provider]; ids != "" {
		all = append(all, strings.Split(ids, ";")...)
	}
	return all
}

// GetId returns the identity of who logs in, or a new one.
func (s *Service) GetId(ctx context.Context, call *aws.Call, in *api.GetIdInput) (*api.GetIdOutput, error) {
	var p *identityPool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		p, err = findPlace(tx, in.IdentityPoolId, errNoPool(in.IdentityPoolId))
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(in.Logins) == 0 && !p.AllowUnauthenticatedIdentities {
		return nil, errUnauthenticated()
	}
	logins, own, err := s.verify(ctx, p, in.Logins)
	if err != nil {
		return nil, err
	}
	if own != "" {
		return &api.GetIdOutput{IdentityId: &own}, nil
	}
	var id string
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		id, err = p.identify(tx, "", logins)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetIdOutput{IdentityId: &id}, nil
}

func errUnauthenticated() error {
	return unauthorized("Unauthenticated access is not supported for this identity pool.")
}

// identify returns the identity of logins, all of which are its own afterwards:
// id, if it is not yet known who that is, or one of theirs, or a new one.
func (p *identityPool) identify(tx *store.Tx, id string, logins []verified) (string, error) {
	asked := id
	for _, l := range logins {
		known, err := links.Get(tx, linkKey{p.arn, l.provider, l.subject})
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return "", err
		case id != "" && known != id:
			return "", api.ResourceConflictException.Errorf("Logins don't match. Please include at least one valid login for this identity or identity pool.")
		default:
			id = known
		}
	}
	if id == "" {
		id = newID(p.arn.Region)
		if err := places.Put(tx, placeOf(id), p.arn); err != nil {
			return "", err
		}
	}
	key := identityKey{p.arn, id}
	row, err := identities.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		row, err = identity{Created: now(), Modified: now()}, nil
	}
	if err != nil {
		return "", err
	}
	ours := func(l verified) bool { return slices.Contains(row.Logins, l.provider) }
	if asked != "" && len(row.Logins) > 0 && !slices.ContainsFunc(logins, ours) {
		return "", unauthorized("Logins don't match. Please include at least one valid login for this identity or identity pool.")
	}
	for _, l := range logins {
		if err := links.Put(tx, linkKey{p.arn, l.provider, l.subject}, id); err != nil {
			return "", err
		}
		if !ours(l) {
			row.Logins = append(row.Logins, l.provider)
			row.Modified = now()
		}
	}
	return id, identities.Put(tx, key, row)
}

// DescribeIdentity returns an identity.
func (s *Service) DescribeIdentity(ctx context.Context, call *aws.Call, in *api.DescribeIdentityInput) (*api.DescribeIdentityOutput, error) {
	var row identity
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, found, err := findIdentity(tx, in.IdentityId)
		if err == nil && p.arn.Account != call.Account {
			err = errNoIdentity(in.IdentityId)
		}
		row = found
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.described(in.IdentityId), nil
}

func (i *identity) described(id string) *api.IdentityDescription {
	return &api.IdentityDescription{IdentityId: &id, Logins: i.Logins, CreationDate: &i.Created, LastModifiedDate: &i.Modified}
}

// ListIdentities lists the identities of a pool.
func (s *Service) ListIdentities(ctx context.Context, call *aws.Call, in *api.ListIdentitiesInput) (*api.ListIdentitiesOutput, error) {
	last, err := after(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListIdentitiesOutput{IdentityPoolId: &in.IdentityPoolId}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out.Identities, out.NextToken = []api.IdentityDescription{}, nil
		p, err := findPool(tx, call, in.IdentityPoolId)
		if err != nil {
			return err
		}
		for key, row := range identities.ScanAfter(tx, identityKey{Pool: p.arn}, identityKey{p.arn, last}) {
			if len(out.Identities) == int(in.MaxResults) {
				out.NextToken = tokenOf(last)
				break
			}
			last = key.ID
			out.Identities = append(out.Identities, *row.described(key.ID))
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteIdentities removes identities, those that there are.
func (s *Service) DeleteIdentities(ctx context.Context, call *aws.Call, in *api.DeleteIdentitiesInput) (*api.DeleteIdentitiesOutput, error) {
	out := &api.DeleteIdentitiesOutput{UnprocessedIdentityIds: []api.UnprocessedIdentityId{}}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for _, id := range in.IdentityIdsToDelete {
			p, _, err := findIdentity(tx, id)
			if errors.Is(err, api.ResourceNotFoundException) || err == nil && p.arn.Account != call.Account {
				continue
			}
			if err != nil {
				return err
			}
			for key, of := range links.Scan(tx, linkKey{Pool: p.arn}) {
				if of == id {
					if err := links.Delete(tx, key); err != nil {
						return err
					}
				}
			}
			if err := errors.Join(tx.Err(), places.Delete(tx, placeOf(id)), identities.Delete(tx, identityKey{p.arn, id})); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
