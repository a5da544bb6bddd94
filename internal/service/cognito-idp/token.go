package cognitoidp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Scopes that every pool has. Who signs in by the API has the last alone.
const (
	openIDScope = "openid"
	adminScope  = "aws.cognito.signin.user.admin"
)

var ownScopes = []string{openIDScope, "email", "phone", "profile", adminScope}

// A login is a user who signed in: what its refresh token is good for. The id of
// its ticket is origin_jti in tokens.
type login struct {
	User     string // name of its row
	Client   string
	Began    time.Time
	Event    string    // event_id
	Scopes   []string  // nil: it was by the API
	Secret   string    // id of the refresh token's secret
	Previous string    `json:",omitempty"` // likewise, of the one before
	Grace    time.Time // until when that is good
}

// signer returns who signs the tokens of a pool.
func (s *Service) signer(p *userPool) (*jwt.Signer, error) {
	known, changes := s.signers.Get(p.id())
	if known != nil {
		return known, nil
	}
	der, err := s.open(p.arn, p.Key)
	if err != nil {
		return nil, err
	}
	if known, err = jwt.NewSigner(p.KeyID, der); err == nil {
		s.signers.Put(p.id(), known, changes)
	}
	return known, err
}

// issuer is what the tokens of a pool say of who issues them.
func (p *userPool) issuer() string {
	return "https://cognito-idp." + p.arn.Region + ".amazonaws.com/" + p.id()
}

// signIn gives the user of v, who is proven, tokens.
func (v *visit) signIn() (*api.AuthenticationResultType, error) {
	l, err := v.begin(nil)
	if err != nil {
		return nil, err
	}
	return v.grant(l, "TokenGeneration_Authentication", "")
}

// begin is the login of the user of v, who is proven, by OAuth if there are
// scopes.
func (v *visit) begin(scopes []string) (*login, error) {
	if err := v.trigger(v.pool.LambdaConfig.PostAuthentication, "PostAuthentication_Authentication", facts{"newDeviceUsed": false}, &struct{}{}); err != nil {
		return nil, err
	}
	began := now()
	if !began.After(v.user.SignedOut) { // in the same moment
		began = v.user.SignedOut.Add(time.Millisecond)
	}
	return &login{User: v.key.Name, Client: *v.client.ClientId, Began: began, Event: aws.NewRequestID(), Scopes: scopes}, nil
}

// grant keeps a login and gives tokens for it, and one to refresh them by.
func (v *visit) grant(l *login, occasion, nonce string) (*api.AuthenticationResultType, error) {
	_, _, lasts := v.client.lives()
	id := aws.NewRequestID()
	out, err := v.tokens(l, id, occasion, nonce)
	if err != nil {
		return nil, err
	}
	secret, secretID := newSecret(v.pool)
	l.Secret = secretID
	err = v.db.Update(v.ctx, func(tx *store.Tx) error {
		return putTicket(tx, v.Service, ticketKey{v.pool.arn, loginTicket, id}, l.Began.Add(lasts), l)
	})
	out.RefreshToken = new(refreshToken(id, secret))
	return out, err
}

func refreshToken(id, secret string) string { return id + "." + secret }

// loginKey is the key of the ticket of a refresh token of a pool.
func loginKey(p *userPool, token string) ticketKey {
	id, _, _ := strings.Cut(token, ".")
	return ticketKey{p.arn, loginTicket, id}
}

// tokens issues tokens for a login.
func (v *visit) tokens(l *login, id, occasion, nonce string) (*api.AuthenticationResultType, error) {
	of, err := v.groupsOfUser()
	if err != nil {
		return nil, err
	}
	c := v.claims(l, id, nonce, of)
	if err := v.customise(c, occasion, of); err != nil {
		return nil, err
	}
	sign, err := v.signer(v.pool)
	if err != nil {
		return nil, err
	}
	access, err := sign.Sign(c.access)
	if err != nil {
		return nil, err
	}
	lasts, _, _ := v.client.lives()
	out := &api.AuthenticationResultType{AccessToken: &access, TokenType: new("Bearer"), ExpiresIn: new(int32(lasts / time.Second))}
	if l.Scopes != nil && !slices.Contains(l.Scopes, openIDScope) {
		return out, nil
	}
	token, err := sign.Sign(c.id)
	out.IdToken = &token
	return out, err
}

// claims are what two tokens say.
type claims struct{ id, access map[string]any }

// claims returns what tokens say of the user of v.
func (v *visit) claims(l *login, id, nonce string, of []group) *claims {
	at := time.Now()
	common := func(use string, lasts time.Duration) map[string]any {
		all := map[string]any{
			"sub": v.user.sub(), "iss": v.pool.issuer(), "token_use": use, "event_id": l.Event, "jti": aws.NewRequestID(),
			"auth_time": l.Began.Unix(), "iat": at.Unix(), "exp": at.Add(lasts).Unix(),
		}
		if *v.client.EnableTokenRevocation {
			all["origin_jti"] = id
		}
		if len(of) > 0 {
			all["cognito:groups"] = groupNames(of)
		}
		return all
	}
	access, identity, _ := v.client.lives()
	c := &claims{common("id", identity), common("access", access)}
	scopes := l.Scopes
	if scopes == nil {
		scopes = []string{adminScope}
	} else {
		c.access["version"] = 2
	}
	c.access["client_id"], c.access["username"], c.access["scope"] = *v.client.ClientId, v.user.Name, strings.Join(scopes, " ")
	c.id["aud"], c.id["cognito:username"] = *v.client.ClientId, v.user.Name
	if nonce != "" {
		c.id["nonce"] = nonce
	}
	for name, value := range v.client.readable(v.user.Attributes) {
		if l.Scopes == nil || slices.Contains(l.Scopes, scopeOf(name)) || slices.Contains(l.Scopes, "profile") && scopeOf(name) == "" {
			c.id[name] = claimOf(name, value)
		}
	}
	roles, preferred := rolesOf(of)
	if len(roles) > 0 {
		c.id["cognito:roles"] = roles
	}
	if preferred != "" {
		c.id["cognito:preferred_role"] = preferred
	}
	return c
}

// scopeOf is the scope that lets a client see an attribute; empty is that of
// profiles.
func scopeOf(attribute string) string {
	switch attribute {
	case "sub":
		return openIDScope
	case "email", "email_verified":
		return "email"
	case "phone_number", "phone_number_verified":
		return "phone"
	}
	return ""
}

// claimOf is an attribute as a claim.
func claimOf(name, value string) any {
	switch name {
	case "email_verified", "phone_number_verified":
		return value == "true"
	case "address":
		return map[string]string{"formatted": value}
	}
	return value
}

// recognise begins the visit of a user by an access token.
func (s *Service) recognise(ctx context.Context, call *aws.Call, text string) (*visit, error) {
	v, err := s.bearer(ctx, call, text)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(v.scopes, adminScope) {
		return nil, unauthorized("Access Token does not have required scopes")
	}
	return v, nil
}

// bearer begins the visit of who brings an access token, whatever it is for.
func (s *Service) bearer(ctx context.Context, call *aws.Call, text string) (*visit, error) {
	bad := func() error { return unauthorized("Invalid Access Token") }
	token, err := jwt.Parse(text)
	if err != nil {
		return nil, bad()
	}
	issuer, _ := token.Claims["iss"].(string)
	clientID, _ := token.Claims["client_id"].(string)
	v := &visit{Service: s, ctx: ctx, call: call, scopes: token.Scopes()}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPlace(tx, "pool", issuer[strings.LastIndexByte(issuer, '/')+1:])
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, api.ResourceNotFoundException) {
			return bad()
		}
		if err != nil {
			return err
		}
		v.pool = p
		if err := s.verify(p, token, clientID); err != nil {
			return err
		}
		if token.Claims["token_use"] != "access" || token.Claims["username"] == nil {
			return bad()
		}
		if v.client, err = findClientOf(tx, p, clientID); err != nil {
			return bad()
		}
		v.name, _ = token.Claims["username"].(string)
		if err := v.find(tx); err != nil {
			return err
		}
		return v.current(tx, token)
	})
	return v, err
}

// verify refuses a token that is not the pool's, or not any more.
func (s *Service) verify(p *userPool, token *jwt.Token, clientID string) error {
	sign, err := s.signer(p)
	if err != nil {
		return err
	}
	if err := token.Verify(sign.Keys(), p.issuer(), []string{clientID}, time.Now()); err == nil {
		return nil
	}
	// Signed by the pool, it can only be late.
	if err := token.Verify(sign.Keys(), p.issuer(), []string{clientID}, issued(token)); err == nil {
		return unauthorized("Access Token has expired")
	}
	return unauthorized("Invalid Access Token")
}

// issued is when a token was.
func issued(token *jwt.Token) time.Time {
	n, _ := token.Claims["iat"].(json.Number)
	at, _ := n.Int64()
	return time.Unix(at, 0)
}

// current refuses a token of a user who is there no more, or has signed out.
func (v *visit) current(tx *store.Tx, token *jwt.Token) error {
	if v.user == nil || v.user.sub() != token.Claims["sub"] {
		return errNoUser()
	}
	if v.user.Disabled {
		return errDisabled()
	}
	began := issued(token)
	if id, _ := token.Claims["origin_jti"].(string); id != "" {
		l, _, err := getTicket[login](tx, ticketKey{v.pool.arn, loginTicket, id})
		if errors.Is(err, store.ErrNotFound) {
			return unauthorized("Access Token has been revoked")
		}
		if err != nil {
			return err
		}
		began = l.Began
	}
	if !began.After(v.user.SignedOut) {
		return unauthorized("Access Token has been revoked")
	}
	return nil
}

// refresh gives new tokens for a refresh token, and with rotation a new one of
// those too.
func (s *Service) refresh(v *visit, text, occasion string) (*api.AuthenticationResultType, error) {
	id, secret, _ := strings.Cut(text, ".")
	key := loginKey(v.pool, text)
	rotation := v.client.RefreshTokenRotation
	rotates := rotation != nil && rotation.Feature == api.FeatureTypeEnabled
	fresh, freshID := newSecret(v.pool)
	var l *login
	err := v.db.Update(v.ctx, func(tx *store.Tx) error {
		var expires time.Time
		var err error
		l, expires, err = getTicket[login](tx, key)
		if errors.Is(err, store.ErrNotFound) && !expires.IsZero() {
			return unauthorized("Refresh Token has expired")
		}
		if errors.Is(err, store.ErrNotFound) {
			return unauthorized("Invalid Refresh Token")
		}
		if err != nil {
			return err
		}
		given := idOf(secret)
		again := given == l.Previous && time.Now().Before(l.Grace)
		if l.Client != *v.client.ClientId || given != l.Secret && !again {
			if given == l.Previous {
				return api.RefreshTokenReuseException.Errorf("Refresh token has been rotated.")
			}
			return unauthorized("Invalid Refresh Token")
		}
		v.key = partKey{v.pool.arn, l.User}
		u, err := users.Get(tx, v.key)
		if err != nil {
			return unauthorized("Invalid Refresh Token")
		}
		v.user, v.name = &u, u.Name
		switch {
		case u.Disabled:
			return errDisabled()
		case !l.Began.After(u.SignedOut):
			return unauthorized("Refresh Token has been revoked")
		}
		if !rotates || again {
			return nil
		}
		l.Previous, l.Secret = l.Secret, freshID
		l.Grace = now().Add(time.Duration(aws.Value(rotation.RetryGracePeriodSeconds)) * time.Second)
		return putTicket(tx, s, key, expires, l)
	})
	if err != nil {
		return nil, err
	}
	out, err := v.tokens(l, id, occasion, "")
	if err == nil && rotates && l.Secret == freshID {
		out.RefreshToken = new(refreshToken(id, fresh))
	}
	return out, err
}

// GetTokensFromRefreshToken gives new tokens for a refresh token.
func (s *Service) GetTokensFromRefreshToken(ctx context.Context, call *aws.Call, in *api.GetTokensFromRefreshTokenInput) (*api.GetTokensFromRefreshTokenOutput, error) {
	v, err := s.visitClient(ctx, call, in.ClientId, in.ClientSecret)
	if err != nil {
		return nil, err
	}
	v.metadata = in.ClientMetadata
	out, err := s.refresh(v, in.RefreshToken, "TokenGeneration_RefreshTokens")
	if err != nil {
		return nil, err
	}
	return &api.GetTokensFromRefreshTokenOutput{AuthenticationResult: out}, nil
}

// visitClient begins the visit of a client who says its secret, if it has one.
func (s *Service) visitClient(ctx context.Context, call *aws.Call, id string, secret *string) (*visit, error) {
	v := &visit{Service: s, ctx: ctx, call: call}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		v.pool, v.client, err = findClient(tx, id)
		return err
	})
	if err != nil || v.client.Sealed == nil {
		return v, err
	}
	known, err := s.open(v.pool.arn, v.client.Sealed)
	if err == nil && !same(known, aws.Value(secret)) {
		err = unauthorized("Unable to verify secret for client %s", id)
	}
	return v, err
}

// RevokeToken has a refresh token, and the access tokens that came of it, be
// good no more.
func (s *Service) RevokeToken(ctx context.Context, call *aws.Call, in *api.RevokeTokenInput) (*api.RevokeTokenOutput, error) {
	v, err := s.visitClient(ctx, call, in.ClientId, in.ClientSecret)
	if err != nil {
		return nil, err
	}
	if err := v.revoke(in.Token); err != nil {
		return nil, err
	}
	return &api.RevokeTokenOutput{}, nil
}

// revoke ends the login of a refresh token of the client's.
func (v *visit) revoke(text string) error {
	if _, err := jwt.Parse(text); err == nil {
		return api.UnsupportedTokenTypeException.Errorf("Unsupported token type: access_token")
	}
	if !*v.client.EnableTokenRevocation {
		return api.UnsupportedOperationException.Errorf("Token revocation is not enabled for this client")
	}
	_, secret, _ := strings.Cut(text, ".")
	key := loginKey(v.pool, text)
	return v.db.Update(v.ctx, func(tx *store.Tx) error {
		l, _, err := getTicket[login](tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if given := idOf(secret); l.Client != *v.client.ClientId || given != l.Secret && given != l.Previous {
			return unauthorized("Invalid Refresh Token")
		}
		return dropTicket(tx, v.Service, key)
	})
}
