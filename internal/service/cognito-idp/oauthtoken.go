package cognitoidp

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An oauthError is what OAuth 2.0 calls a refusal.
type oauthError string

func (e oauthError) Error() string { return string(e) }

// refuseToken answers a request for tokens that is refused.
func (x *exchange) refuseToken(err error) {
	said, ok := errors.AsType[oauthError](err)
	if !ok {
		if _, refused := errors.AsType[*aws.Error](err); !refused {
			x.cfg.Log.Error("tokens of a user pool", "pool", x.pool.id(), "err", err)
			writeJSON(x.w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
			return
		}
		said = "invalid_grant"
	}
	writeJSON(x.w, http.StatusBadRequest, map[string]string{"error": string(said)})
}

// caller begins the visit of the client that a request comes from, which says its
// secret in a header or in the form.
func (x *exchange) caller() (*visit, error) {
	id, secret := x.r.PostForm.Get("client_id"), x.r.PostForm.Get("client_secret")
	if name, password, ok := x.r.BasicAuth(); ok {
		id, secret = name, password
	}
	v, err := x.visitClient(x.r.Context(), x.call, id, &secret)
	if err != nil || v.pool.arn != x.pool.arn {
		return nil, oauthError("invalid_client")
	}
	return v, nil
}

// token answers a client that wants tokens.
func (x *exchange) token() {
	v, err := x.caller()
	if err != nil {
		x.refuseToken(err)
		return
	}
	var out *api.AuthenticationResultType
	switch x.r.PostForm.Get("grant_type") {
	case "authorization_code":
		out, err = x.byCode(v)
	case "refresh_token":
		out, err = x.refresh(v, x.r.PostForm.Get("refresh_token"), "TokenGeneration_RefreshTokens")
	case "client_credentials":
		out, err = v.ownToken(strings.Fields(x.r.PostForm.Get("scope")))
	default:
		err = oauthError("unsupported_grant_type")
	}
	if err != nil {
		x.refuseToken(err)
		return
	}
	answer := map[string]any{"access_token": out.AccessToken, "expires_in": out.ExpiresIn, "token_type": "Bearer"}
	if out.IdToken != nil {
		answer["id_token"] = out.IdToken
	}
	if out.RefreshToken != nil {
		answer["refresh_token"] = out.RefreshToken
	}
	writeJSON(x.w, http.StatusOK, answer)
}

// byCode changes a code for tokens. It is good once, for whom it was given, and
// for who knows what it was asked for with.
func (x *exchange) byCode(v *visit) (*api.AuthenticationResultType, error) {
	key := ticketKey{x.pool.arn, codeTicket, idOf(x.r.PostForm.Get("code"))}
	var g *grantCode
	err := x.db.Update(v.ctx, func(tx *store.Tx) (err error) {
		if g, _, err = getTicket[grantCode](tx, key); errors.Is(err, store.ErrNotFound) {
			return oauthError("invalid_grant")
		}
		if err != nil {
			return err
		}
		if g.Login.Client != *v.client.ClientId {
			return oauthError("invalid_grant")
		}
		v.name = g.Login.User
		return errors.Join(v.find(tx), dropTicket(tx, x.Service, key))
	})
	if err != nil {
		return nil, err
	}
	verifier := x.r.PostForm.Get("code_verifier")
	switch {
	case v.user == nil || v.user.Disabled || g.Redirect != x.r.PostForm.Get("redirect_uri"),
		(g.Challenge == "") != (verifier == ""), g.Challenge != "" && !matches(g.Challenge, verifier):
		return nil, oauthError("invalid_grant")
	}
	return v.grant(&g.Login, "TokenGeneration_HostedAuth", g.Nonce)
}

// ownToken gives a client a token of its own, that is of no user.
func (v *visit) ownToken(scopes []string) (*api.AuthenticationResultType, error) {
	if v.client.Sealed == nil || !*v.client.AllowedOAuthFlowsUserPoolClient || strings.Join(v.client.AllowedOAuthFlows, "") != api.OAuthFlowTypeClientCredentials {
		return nil, oauthError("unauthorized_client")
	}
	if len(scopes) == 0 {
		scopes = v.client.AllowedOAuthScopes
	}
	if !v.client.hasScopes(scopes) {
		return nil, oauthError("invalid_scope")
	}
	sign, err := v.signer(v.pool)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	lasts, _, _ := v.client.lives()
	token, err := sign.Sign(map[string]any{
		"sub": *v.client.ClientId, "token_use": "access", "scope": strings.Join(scopes, " "), "auth_time": at.Unix(), "iss": v.pool.issuer(),
		"exp": at.Add(lasts).Unix(), "iat": at.Unix(), "version": 2, "jti": aws.NewRequestID(), "client_id": *v.client.ClientId,
	})
	return &api.AuthenticationResultType{AccessToken: &token, ExpiresIn: new(int32(lasts / time.Second))}, err
}

// revoke ends the login of a refresh token.
func (x *exchange) revoke() {
	v, err := x.caller()
	if err == nil {
		err = v.revoke(x.r.PostForm.Get("token"))
	}
	switch {
	case errors.Is(err, api.UnsupportedTokenTypeException):
		err = oauthError("unsupported_token_type")
	case errors.Is(err, api.NotAuthorizedException), errors.Is(err, api.UnsupportedOperationException):
		err = oauthError("invalid_request")
	}
	if err != nil {
		x.refuseToken(err)
	}
}

// userInfo says who brings an access token, as far as its scopes go.
func (x *exchange) userInfo() {
	_, token, _ := strings.Cut(x.r.Header.Get("Authorization"), " ")
	v, err := x.bearer(x.r.Context(), x.call, token)
	if err != nil || v.pool.arn != x.pool.arn || !slices.Contains(v.scopes, openIDScope) {
		x.w.Header().Set("Www-Authenticate", `Bearer error="invalid_token", error_description="Access token is expired, disabled, or deleted, or the user has globally signed out."`)
		writeJSON(x.w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	out := map[string]any{"sub": v.user.sub(), "username": v.user.Name}
	for name, value := range v.client.readable(v.user.Attributes) {
		if scope := scopeOf(name); slices.Contains(v.scopes, scope) || scope == "" && slices.Contains(v.scopes, "profile") {
			out[name] = value
		}
	}
	writeJSON(x.w, http.StatusOK, out)
}

func text(n int32) string { return strconv.Itoa(int(n)) }
