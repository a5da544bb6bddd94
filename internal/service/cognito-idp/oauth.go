package cognitoidp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Kinds of tickets of pages.
const (
	codeTicket    = "code"    // that a client changes for tokens: see grantCode
	browserTicket = "browser" // a browser that a user signed in with: see browser
)

const (
	codeLasts    = 5 * time.Minute
	browserLasts = time.Hour
	maxForm      = 64 << 10 // bytes
)

// A grantCode is what a code is good for.
type grantCode struct {
	Login                      login
	Redirect, Nonce, Challenge string
}

// A browser is one that a user signed in with.
type browser struct {
	User  string
	Began time.Time
}

// An exchange is a request to the domain of a pool.
type exchange struct {
	*Service
	w    http.ResponseWriter
	r    *http.Request
	call *aws.Call
	pool *userPool
}

// ownsDomain reports whether a pool has a domain.
func (s *Service) ownsDomain(ctx context.Context, id string) bool {
	has := false
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		has, err = places.Has(tx, placeOf("domain", id))
		return err
	})
	return err == nil && has
}

// serveDomain answers requests to the domain of a pool: OAuth 2.0, and pages.
func (s *Service) serveDomain(w http.ResponseWriter, r *http.Request, call *aws.Call, id string) {
	x := &exchange{Service: s, w: w, r: r, call: call}
	err := s.db.View(r.Context(), func(tx *store.Tx) (err error) {
		x.pool, err = findPlace(tx, "domain", id)
		return err
	})
	if err != nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form cannot be read.", http.StatusBadRequest)
		return
	}
	call.Account, call.Region = x.pool.arn.Account, x.pool.arn.Region
	switch r.Method + " " + r.URL.Path {
	case "GET /oauth2/authorize":
		x.authorize()
	case "POST /oauth2/token", "OPTIONS /oauth2/token":
		x.fromAnywhere(x.token)
	case "POST /oauth2/revoke", "OPTIONS /oauth2/revoke":
		x.fromAnywhere(x.revoke)
	case "GET /oauth2/userInfo", "POST /oauth2/userInfo", "OPTIONS /oauth2/userInfo":
		x.fromAnywhere(x.userInfo)
	case "GET /logout":
		x.logout()
	case "GET " + keysPath, "GET " + metaPath:
		r.URL.Path = "/" + x.pool.id() + r.URL.Path
		s.publish(w, r, call)
	default:
		x.page()
	}
}

// fromAnywhere lets pages of any site make a request, which says by itself what
// it may.
func (x *exchange) fromAnywhere(answer func()) {
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if x.r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		x.w.WriteHeader(http.StatusNoContent)
		return
	}
	answer()
}

// An oauthWish is what a client sends a browser for.
type oauthWish struct {
	client                            *client
	redirect, state, nonce, challenge string
	token                             bool // tokens at once, in place of a code
	scopes                            []string
}

// wish reads what a client wants. What is wrong before it is sure where to send
// the browser is an error; what is wrong after that is problem.
func (x *exchange) wish() (o *oauthWish, problem string, err error) {
	q := x.r.URL.Query()
	o = &oauthWish{redirect: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge")}
	err = x.db.View(x.r.Context(), func(tx *store.Tx) (err error) {
		o.client, err = findClientOf(tx, x.pool, q.Get("client_id"))
		return err
	})
	if err != nil {
		return nil, "", errors.New("the client does not exist")
	}
	if o.redirect == "" {
		o.redirect = aws.Value(o.client.DefaultRedirectURI)
	}
	if !slices.Contains(o.client.CallbackURLs, o.redirect) {
		return nil, "", errors.New("the redirect_uri is not one of the client's")
	}
	flow := map[string]string{"code": api.OAuthFlowTypeCode, "token": api.OAuthFlowTypeImplicit}[q.Get("response_type")]
	o.token = flow == api.OAuthFlowTypeImplicit
	if o.scopes = strings.Fields(q.Get("scope")); len(o.scopes) == 0 {
		o.scopes = o.client.AllowedOAuthScopes
	}
	method := q.Get("code_challenge_method")
	switch {
	case flow == "":
		return o, "unsupported_response_type", nil
	case !*o.client.AllowedOAuthFlowsUserPoolClient || !slices.Contains(o.client.AllowedOAuthFlows, flow):
		return o, "unauthorized_client", nil
	case !o.client.hasScopes(o.scopes):
		return o, "invalid_scope", nil
	case (o.challenge == "") != (method == "") || method != "" && method != "S256":
		return o, "invalid_request", nil
	}
	return o, "", nil
}

// hasScopes reports whether the client may have scopes: those of OpenID Connect
// go with its own alone.
func (c *client) hasScopes(scopes []string) bool {
	for _, s := range scopes {
		if !slices.Contains(c.AllowedOAuthScopes, s) {
			return false
		}
	}
	return true
}

// authorize lets a browser sign in for a client, or sends it on if its user has.
func (x *exchange) authorize() {
	o, problem, err := x.wish()
	if err != nil {
		x.refuse(err.Error())
		return
	}
	if problem != "" {
		x.sendBack(o, url.Values{"error": {problem}})
		return
	}
	v, began, err := x.known(o)
	switch {
	case err != nil:
		x.fail(err)
	case v != nil && x.r.URL.Query().Get("prompt") != "login":
		x.finish(v, o, &login{User: v.key.Name, Client: *o.client.ClientId, Began: began, Event: aws.NewRequestID(), Scopes: o.scopes})
	case x.r.URL.Query().Get("prompt") == "none":
		x.sendBack(o, url.Values{"error": {"login_required"}})
	default:
		http.Redirect(x.w, x.r, "/login?"+x.r.URL.RawQuery, http.StatusFound)
	}
}

// cookie names a browser that a user has signed in with.
const cookie = "cognito"

// known begins the visit of the user whom the browser is of, or returns nil.
func (x *exchange) known(o *oauthWish) (v *visit, began time.Time, err error) {
	c, err := x.r.Cookie(cookie)
	if err != nil {
		return nil, began, nil
	}
	v = &visit{Service: x.Service, ctx: x.r.Context(), call: x.call, pool: x.pool, client: o.client}
	err = x.db.View(v.ctx, func(tx *store.Tx) error {
		b, _, err := getTicket[browser](tx, ticketKey{x.pool.arn, browserTicket, idOf(c.Value)})
		if errors.Is(err, store.ErrNotFound) {
			v = nil
			return nil
		}
		if err != nil {
			return err
		}
		v.name, began = b.User, b.Began
		if err := v.find(tx); err != nil {
			return err
		}
		if v.user == nil || v.user.Disabled || !began.After(v.user.SignedOut) {
			v = nil
		}
		return nil
	})
	return v, began, err
}

// arrive remembers the browser of a user who is proven, and sends it on.
func (x *exchange) arrive(v *visit, o *oauthWish) {
	l, err := v.begin(o.scopes)
	if err != nil {
		x.fail(err)
		return
	}
	secret, id := newSecret(x.pool)
	err = x.db.Update(v.ctx, func(tx *store.Tx) error {
		return putTicket(tx, x.Service, ticketKey{x.pool.arn, browserTicket, id}, now().Add(browserLasts), &browser{v.key.Name, l.Began})
	})
	if err != nil {
		x.fail(err)
		return
	}
	http.SetCookie(x.w, x.newCookie(cookie, secret, browserLasts))
	x.finish(v, o, l)
}

// newCookie is a cookie that scripts do not see.
func (x *exchange) newCookie(name, value string, lasts time.Duration) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(lasts / time.Second), HttpOnly: true, Secure: x.call.Secure, SameSite: http.SameSiteLaxMode}
}

// finish sends the browser of a user who is proven back to the client.
func (x *exchange) finish(v *visit, o *oauthWish, l *login) {
	if o.token {
		out, err := v.grant(l, "TokenGeneration_HostedAuth", o.nonce)
		if err != nil {
			x.fail(err)
			return
		}
		q := url.Values{"access_token": {*out.AccessToken}, "token_type": {"Bearer"}, "expires_in": {text(*out.ExpiresIn)}}
		if out.IdToken != nil {
			q.Set("id_token", *out.IdToken)
		}
		if o.state != "" {
			q.Set("state", o.state)
		}
		http.Redirect(x.w, x.r, o.redirect+"#"+q.Encode(), http.StatusFound)
		return
	}
	secret, id := newSecret(x.pool)
	err := x.db.Update(v.ctx, func(tx *store.Tx) error {
		return putTicket(tx, x.Service, ticketKey{x.pool.arn, codeTicket, id}, now().Add(codeLasts), &grantCode{*l, o.redirect, o.nonce, o.challenge})
	})
	if err != nil {
		x.fail(err)
		return
	}
	x.sendBack(o, url.Values{"code": {secret}})
}

// sendBack sends the browser to the client, which is where its redirect URI is
// and nowhere else.
func (x *exchange) sendBack(o *oauthWish, said url.Values) {
	if o.state != "" {
		said.Set("state", o.state)
	}
	at := o.redirect
	if strings.Contains(at, "?") {
		at += "&" + said.Encode()
	} else {
		at += "?" + said.Encode()
	}
	http.Redirect(x.w, x.r, at, http.StatusFound)
}

// logout forgets the browser, and sends it where the client wants it.
func (x *exchange) logout() {
	q := x.r.URL.Query()
	var c *client
	err := x.db.Update(x.r.Context(), func(tx *store.Tx) (err error) {
		if c, err = findClientOf(tx, x.pool, q.Get("client_id")); err != nil {
			return err
		}
		if known, err := x.r.Cookie(cookie); err == nil {
			return dropTicket(tx, x.Service, ticketKey{x.pool.arn, browserTicket, idOf(known.Value)})
		}
		return nil
	})
	if err != nil {
		x.refuse("The client does not exist.")
		return
	}
	http.SetCookie(x.w, x.newCookie(cookie, "", -time.Second))
	switch {
	case slices.Contains(c.LogoutURLs, q.Get("logout_uri")):
		http.Redirect(x.w, x.r, q.Get("logout_uri"), http.StatusFound)
	case slices.Contains(c.CallbackURLs, q.Get("redirect_uri")):
		http.Redirect(x.w, x.r, "/login?"+x.r.URL.RawQuery, http.StatusFound)
	default:
		x.refuse("The logout_uri is not one of the client's.")
	}
}

// matches reports whether a verifier is what a challenge is the hash of.
func matches(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return same([]byte(challenge), base64.RawURLEncoding.EncodeToString(sum[:]))
}
