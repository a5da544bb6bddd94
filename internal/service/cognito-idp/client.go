package cognitoidp

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	usualAccess  = time.Hour // that tokens last, if the client does not say
	usualRefresh = 30        // days
	usualSession = 3         // minutes that a step of signing in waits for an answer
)

// CreateUserPoolClient makes an app client.
func (s *Service) CreateUserPoolClient(ctx context.Context, call *aws.Call, in *api.CreateUserPoolClientInput) (*api.CreateUserPoolClientOutput, error) {
	id, secret := random(26, lower+digits), aws.Value(in.ClientSecret)
	if aws.Value(in.GenerateSecret) && secret == "" {
		secret = random(51, lower+digits)
	}
	created := now()
	c := client{UserPoolClientType: api.UserPoolClientType{ClientId: &id, UserPoolId: &in.UserPoolId, CreationDate: &created}}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		if c.Sealed = nil; secret != "" {
			if c.Sealed, err = s.seal(p.arn, []byte(secret)); err != nil {
				return err
			}
		}
		if err := c.configure(tx, p, &api.UpdateUserPoolClientInput{
			ClientName: &in.ClientName, RefreshTokenValidity: in.RefreshTokenValidity, AccessTokenValidity: in.AccessTokenValidity, IdTokenValidity: in.IdTokenValidity,
			TokenValidityUnits: in.TokenValidityUnits, ReadAttributes: in.ReadAttributes, WriteAttributes: in.WriteAttributes, ExplicitAuthFlows: in.ExplicitAuthFlows,
			SupportedIdentityProviders: in.SupportedIdentityProviders, CallbackURLs: in.CallbackURLs, LogoutURLs: in.LogoutURLs, DefaultRedirectURI: in.DefaultRedirectURI,
			AllowedOAuthFlows: in.AllowedOAuthFlows, AllowedOAuthScopes: in.AllowedOAuthScopes, AllowedOAuthFlowsUserPoolClient: in.AllowedOAuthFlowsUserPoolClient,
			AnalyticsConfiguration: in.AnalyticsConfiguration, PreventUserExistenceErrors: in.PreventUserExistenceErrors,
			EnableTokenRevocation: new(aws.Or(in.EnableTokenRevocation, true)), EnablePropagateAdditionalUserContextData: in.EnablePropagateAdditionalUserContextData,
			AuthSessionValidity: in.AuthSessionValidity, RefreshTokenRotation: in.RefreshTokenRotation,
		}); err != nil {
			return err
		}
		return errors.Join(clients.Put(tx, partKey{p.arn, id}, c), places.Put(tx, placeOf("client", id), p.arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateUserPoolClientOutput{UserPoolClient: c.described(secret)}, nil
}

// described is a client as AWS says it.
func (c *client) described(secret string) *api.UserPoolClientType {
	out := c.UserPoolClientType
	if secret != "" {
		out.ClientSecret = &secret
	}
	return &out
}

// configure sets what can be changed of a client; what is not said is as usual.
func (c *client) configure(tx *store.Tx, p *userPool, in *api.UpdateUserPoolClientInput) error {
	modified := now()
	c.LastModifiedDate = &modified
	if in.ClientName != nil {
		c.ClientName = in.ClientName
	}
	c.RefreshTokenValidity, c.AccessTokenValidity, c.IdTokenValidity = in.RefreshTokenValidity, in.AccessTokenValidity, in.IdTokenValidity
	if aws.Value(c.RefreshTokenValidity) == 0 {
		c.RefreshTokenValidity = new(int32(usualRefresh))
	}
	c.TokenValidityUnits = in.TokenValidityUnits
	c.ReadAttributes, c.WriteAttributes, c.ExplicitAuthFlows = in.ReadAttributes, in.WriteAttributes, in.ExplicitAuthFlows
	c.SupportedIdentityProviders, c.CallbackURLs, c.LogoutURLs, c.DefaultRedirectURI = in.SupportedIdentityProviders, in.CallbackURLs, in.LogoutURLs, in.DefaultRedirectURI
	c.AllowedOAuthFlows, c.AllowedOAuthScopes = in.AllowedOAuthFlows, in.AllowedOAuthScopes
	c.AllowedOAuthFlowsUserPoolClient = new(aws.Value(in.AllowedOAuthFlowsUserPoolClient))
	c.AnalyticsConfiguration, c.RefreshTokenRotation = in.AnalyticsConfiguration, in.RefreshTokenRotation
	c.PreventUserExistenceErrors = in.PreventUserExistenceErrors
	c.EnableTokenRevocation = new(aws.Or(in.EnableTokenRevocation, aws.Or(c.EnableTokenRevocation, true)))
	c.EnablePropagateAdditionalUserContextData = new(aws.Value(in.EnablePropagateAdditionalUserContextData))
	c.AuthSessionValidity = new(aws.Or(in.AuthSessionValidity, usualSession))
	for _, name := range slices.Concat(c.ReadAttributes, c.WriteAttributes) {
		if p.attribute(name) < 0 {
			return invalid("Invalid read attributes specified while creating a client")
		}
	}
	if err := c.checkLives(); err != nil {
		return err
	}
	return c.checkOAuth(tx, p)
}

// checkLives refuses tokens that last longer or shorter than AWS has them.
func (c *client) checkLives() error {
	access, id, refresh := c.lives()
	for name, life := range map[string]time.Duration{"access token": access, "id token": id} {
		if life < 5*time.Minute || life > 24*time.Hour {
			return invalid("Invalid range for token validity: %s validity must be between 5 minutes and 1 day.", name)
		}
		if life > refresh {
			return invalid("Invalid range for token validity: refresh token validity must be greater than %s validity.", name)
		}
	}
	if refresh < time.Hour || refresh > 10*365*24*time.Hour {
		return invalid("Invalid range for token validity: refresh token validity must be between 60 minutes and 10 years.")
	}
	return nil
}

// lives are how long tokens of the client last.
func (c *client) lives() (access, id, refresh time.Duration) {
	units := aws.Value(c.TokenValidityUnits)
	access, id = usualAccess, usualAccess
	if n := aws.Value(c.AccessTokenValidity); n != 0 {
		access = time.Duration(n) * unit(units.AccessToken, api.TimeUnitsTypeHours)
	}
	if n := aws.Value(c.IdTokenValidity); n != 0 {
		id = time.Duration(n) * unit(units.IdToken, api.TimeUnitsTypeHours)
	}
	return access, id, time.Duration(*c.RefreshTokenValidity) * unit(units.RefreshToken, api.TimeUnitsTypeDays)
}

func unit(name *string, usual string) time.Duration {
	switch aws.Or(name, usual) {
	case api.TimeUnitsTypeSeconds:
		return time.Second
	case api.TimeUnitsTypeMinutes:
		return time.Minute
	case api.TimeUnitsTypeHours:
		return time.Hour
	}
	return 24 * time.Hour
}

// checkOAuth refuses flows that do not go together, and what they need.
func (c *client) checkOAuth(tx *store.Tx, p *userPool) error {
	switch has := func(flow string) bool { return slices.Contains(c.AllowedOAuthFlows, flow) }; {
	case *c.AllowedOAuthFlowsUserPoolClient && (len(c.AllowedOAuthFlows) == 0 || len(c.AllowedOAuthScopes) == 0):
		return api.InvalidOAuthFlowException.Errorf("AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.")
	case has(api.OAuthFlowTypeClientCredentials) && len(c.AllowedOAuthFlows) > 1:
		return api.InvalidOAuthFlowException.Errorf("client_credentials flow can not be selected along with code flow or implicit flow.")
	case has(api.OAuthFlowTypeClientCredentials) && c.Sealed == nil:
		return api.InvalidOAuthFlowException.Errorf("client_credentials flow can not be selected if client does not have a client secret.")
	case c.DefaultRedirectURI != nil && !slices.Contains(c.CallbackURLs, *c.DefaultRedirectURI):
		return invalid("DefaultRedirectURI must be one of the CallbackURLs.")
	}
	for _, at := range slices.Concat(c.CallbackURLs, c.LogoutURLs) {
		if !redirectable(at) {
			return invalid("The provided URL %s is not valid: it must be absolute, https except for localhost, and have no fragment.", at)
		}
	}
	for _, scope := range c.AllowedOAuthScopes {
		if !slices.Contains(ownScopes, scope) && !hasScope(tx, p, scope) {
			return api.ScopeDoesNotExistException.Errorf("Invalid scope requested: %s", scope)
		}
	}
	for _, name := range c.SupportedIdentityProviders {
		if name != ownProvider && !hasProvider(tx, p, name) {
			return invalid("The provider %s does not exist for User Pool %s.", name, p.id())
		}
	}
	return nil
}

// redirectable reports whether browsers may be sent to a URL: over TLS, to this
// host, or to an app by a scheme of its own.
func redirectable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "https":
		return u.Host != ""
	case "http":
		host := u.Hostname()
		ip, err := netip.ParseAddr(host)
		return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
	case "javascript", "data", "file", "vbscript", "about", "blob":
		return false
	}
	return true
}

// allows reports whether users may sign in by a flow. Of each there is an old
// and a new name.
func (c *client) allows(flow string) bool {
	if len(c.ExplicitAuthFlows) == 0 {
		return flow == api.AuthFlowTypeUserSrpAuth || flow == api.AuthFlowTypeCustomAuth || flow == api.AuthFlowTypeRefreshTokenAuth
	}
	if slices.Contains(c.ExplicitAuthFlows, "ALLOW_"+flow) {
		return true
	}
	old := !slices.ContainsFunc(c.ExplicitAuthFlows, func(f string) bool { return strings.HasPrefix(f, "ALLOW_") })
	switch flow {
	case api.AuthFlowTypeAdminUserPasswordAuth:
		return slices.Contains(c.ExplicitAuthFlows, api.ExplicitAuthFlowsTypeAdminNoSrpAuth)
	case api.AuthFlowTypeUserPasswordAuth:
		return slices.Contains(c.ExplicitAuthFlows, api.ExplicitAuthFlowsTypeUserPasswordAuth)
	case api.AuthFlowTypeUserSrpAuth:
		return old && !slices.Contains(c.ExplicitAuthFlows, api.ExplicitAuthFlowsTypeCustomAuthFlowOnly)
	case api.AuthFlowTypeCustomAuth, api.AuthFlowTypeRefreshTokenAuth:
		return old
	}
	return false
}

// DescribeUserPoolClient returns a client.
func (s *Service) DescribeUserPoolClient(ctx context.Context, call *aws.Call, in *api.DescribeUserPoolClientInput) (*api.DescribeUserPoolClientOutput, error) {
	out := &api.DescribeUserPoolClientOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		c, err := findClientOf(tx, p, in.ClientId)
		if err != nil {
			return err
		}
		out.UserPoolClient, err = s.described(p, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// described is a client with its secret.
func (s *Service) described(p *userPool, c *client) (*api.UserPoolClientType, error) {
	if c.Sealed == nil {
		return c.described(""), nil
	}
	secret, err := s.open(p.arn, c.Sealed)
	return c.described(string(secret)), err
}

// UpdateUserPoolClient changes a client; what is not said becomes as usual.
func (s *Service) UpdateUserPoolClient(ctx context.Context, call *aws.Call, in *api.UpdateUserPoolClientInput) (*api.UpdateUserPoolClientOutput, error) {
	out := &api.UpdateUserPoolClientOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		c, err := findClientOf(tx, p, in.ClientId)
		if err != nil {
			return err
		}
		if err := c.configure(tx, p, in); err != nil {
			return err
		}
		out.UserPoolClient, err = s.described(p, c)
		return errors.Join(err, clients.Put(tx, partKey{p.arn, in.ClientId}, *c))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteUserPoolClient removes a client.
func (s *Service) DeleteUserPoolClient(ctx context.Context, call *aws.Call, in *api.DeleteUserPoolClientInput) (*api.DeleteUserPoolClientOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		if _, err := findClientOf(tx, p, in.ClientId); err != nil {
			return err
		}
		return errors.Join(clients.Delete(tx, partKey{p.arn, in.ClientId}), places.Delete(tx, placeOf("client", in.ClientId)))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteUserPoolClientOutput{}, nil
}

// ListUserPoolClients lists the clients of a pool.
func (s *Service) ListUserPoolClients(ctx context.Context, call *aws.Call, in *api.ListUserPoolClientsInput) (*api.ListUserPoolClientsOutput, error) {
	out := &api.ListUserPoolClientsOutput{}
	err := s.listParts(ctx, call, in.UserPoolId, in.NextToken, func(tx *store.Tx, from partKey) (err error) {
		out.UserPoolClients = []api.UserPoolClientDescription{}
		rows := clients.ScanAfter(tx, partKey{Pool: from.Pool}, from)
		out.NextToken, err = page(rows, partName, upTo(in.MaxResults), func(_ partKey, c client) (bool, error) {
			out.UserPoolClients = append(out.UserPoolClients, api.UserPoolClientDescription{ClientId: c.ClientId, ClientName: c.ClientName, UserPoolId: c.UserPoolId})
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// listParts lists something of a pool, from past the name that token says.
func (s *Service) listParts(ctx context.Context, call *aws.Call, poolID string, token *string, list func(tx *store.Tx, from partKey) error) error {
	name, err := after(token)
	if err != nil {
		return err
	}
	return s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, poolID)
		if err != nil {
			return err
		}
		return errors.Join(list(tx, partKey{p.arn, name}), tx.Err())
	})
}

func partName(key partKey) string { return key.Name }
