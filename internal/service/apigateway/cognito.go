package apigateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
)

// errExpired refuses a token that was good once.
var errExpired = &failure{kind: unauthorized, errorType: "UnauthorizedException", message: "The incoming token has expired"}

// admitUser lets through who brings a token of a user of one of the pools: one
// of identity, or if the method wants scopes one of access that has one.
func (x *exchange) admitUser(g *guard) error {
	identity, ok := x.identities(g)
	if !ok || g.pattern != nil && !g.pattern.MatchString(identity[0]) {
		return errUnauthorized
	}
	text := identity[0]
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "Bearer") {
		text = strings.TrimSpace(rest)
	}
	token, err := jwt.Parse(text)
	if err != nil {
		return errUnauthorized
	}
	issuer := ""
	for _, pool := range g.pools {
		if at := issuerOf(pool); at == token.Claims["iss"] {
			issuer = at
		}
	}
	if issuer == "" {
		return errUnauthorized
	}
	keys, err := x.issuers.Keys(x.ctx, issuer, token.KeyID)
	if err != nil {
		return errAuthorizer.because(fmt.Errorf("the user pool of %s: %w", issuer, err))
	}
	if err := token.Verify(keys, issuer, clientOf(token), time.Now()); err != nil {
		if expires, ok := token.Claims["exp"].(json.Number); ok {
			if at, err := expires.Int64(); err == nil && time.Now().Unix() >= at {
				return errExpired
			}
		}
		return errUnauthorized
	}
	use := "id"
	if len(g.scopes) > 0 {
		use = "access"
		has := token.Scopes()
		if !slices.ContainsFunc(g.scopes, func(s string) bool { return slices.Contains(has, s) }) {
			return errUnauthorized
		}
	}
	// Issuers that are no user pools do not say what their tokens are for.
	if said, ok := token.Claims["token_use"]; said != use && (ok || strings.HasPrefix(issuer, backend.PoolIssuers)) {
		return errUnauthorized
	}
	claims, err := json.Marshal(token.Texts())
	if err != nil {
		return err
	}
	x.req.Authorizer = append(append([]byte(`{"claims":`), claims...), '}')
	return nil
}

// clientOf is whom a token is for: pools do not say which of their clients may
// come.
func clientOf(t *jwt.Token) []string {
	for _, name := range []string{"aud", "client_id"} {
		if s, ok := t.Claims[name].(string); ok {
			return []string{s}
		}
	}
	return nil
}

// issuerOf is what the tokens of a user pool say of their issuer. In its place
// may stand the address of any other issuer of OpenID Connect. It is empty if
// there is neither.
func issuerOf(pool string) string {
	if strings.HasPrefix(pool, "https://") || strings.HasPrefix(pool, "http://") {
		return pool
	}
	arn, err := aws.ParseARN(pool)
	id, ok := strings.CutPrefix(arn.Resource, "userpool/")
	if err != nil || arn.Service != "cognito-idp" || !ok || id == "" {
		return ""
	}
	return backend.PoolIssuers + arn.Region + ".amazonaws.com/" + id
}
