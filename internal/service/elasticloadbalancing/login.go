package elasticloadbalancing

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
)

const (
	callbackPath = "/oauth2/idpresponse"
	nonceCookie  = "AWSALBAuthNonce"
	statusLogin  = 561 // the provider refuses

	loginLasts = 15 * time.Minute // until a browser has to be back
	askLasts   = 10 * time.Second // for a provider to answer
	maxClaims  = 11 << 10         // bytes
)

// A login is how an action finds out who a browser is.
type login struct {
	issuer, authorize, token, userInfo, client string

	cookie, scope, otherwise string
	lasts                    time.Duration
	extra                    map[string]string
	pool                     string // domain and region of a user pool's pages: "shop.auth.us-east-1"
}

// newLogin is the login of an action, which was checked.
func newLogin(a *api.Action) *login {
	if c := a.AuthenticateOidcConfig; c != nil {
		return &login{
			issuer: c.Issuer, authorize: c.AuthorizationEndpoint, token: c.TokenEndpoint, userInfo: c.UserInfoEndpoint, client: c.ClientId,
			cookie: *c.SessionCookieName, scope: *c.Scope, otherwise: *c.OnUnauthenticatedRequest, lasts: time.Duration(*c.SessionTimeout) * time.Second, extra: c.AuthenticationRequestExtraParams,
		}
	}
	c := a.AuthenticateCognitoConfig
	arn, _ := aws.ParseARN(c.UserPoolArn) // it was checked
	l := &login{
		issuer: backend.PoolIssuers + arn.Region + ".amazonaws.com/" + strings.TrimPrefix(arn.Resource, "userpool/"), client: c.UserPoolClientId,
		cookie: *c.SessionCookieName, scope: *c.Scope, otherwise: *c.OnUnauthenticatedRequest, lasts: time.Duration(*c.SessionTimeout) * time.Second, extra: c.AuthenticationRequestExtraParams,
	}
	at := "https://" + c.UserPoolDomain
	if !strings.Contains(c.UserPoolDomain, ".") {
		l.pool = c.UserPoolDomain + ".auth." + arn.Region
		at = "https://" + l.pool + ".amazoncognito.com"
	}
	l.authorize, l.token, l.userInfo = at+"/oauth2/authorize", at+"/oauth2/token", at+"/oauth2/userInfo"
	return l
}

// login finds out who the browser is, and reports whether the next action is
// to be done. If not, it has answered.
func (x *exchange) login(l *login) bool {
	if session := x.session(l); session != nil {
		if err := x.tell(session); err != nil {
			x.fail(http.StatusInternalServerError, err)
			return false
		}
		return true
	}
	switch l.otherwise {
	case "allow":
		return true
	case "deny":
		x.page(http.StatusUnauthorized)
		return false
	}
	x.sendToProvider(l)
	return false
}

// A visit is what a browser brings back from a provider.
type visit struct {
	Rule  string // ARN
	Nonce string
	At    string // path and query that it asked for
	Until time.Time
}

// base is the load balancer as the browser sees it: "https://app.example.com".
func (x *exchange) base() string {
	if x.plain() {
		return "http://" + x.r.Host
	}
	return "https://" + x.r.Host
}

// plain reports whether the browser is on this host, and without TLS.
func (x *exchange) plain() bool {
	return x.cfg.Local && !x.call.Secure && (x.host == "localhost" || strings.HasSuffix(x.host, ".localhost"))
}

// sendToProvider sends the browser to where its user signs in.
func (x *exchange) sendToProvider(l *login) {
	v := visit{Rule: *x.rule.row.RuleArn, Nonce: rand.Text(), At: x.r.URL.RequestURI(), Until: time.Now().Add(loginLasts)}
	state, err := x.Service.seal(v, "visit "+x.b.arn.String())
	if err != nil {
		x.fail(http.StatusInternalServerError, err)
		return
	}
	q := url.Values{"client_id": {l.client}, "redirect_uri": {x.base() + callbackPath}, "response_type": {"code"}, "scope": {l.scope}, "state": {state}}
	for name, value := range l.extra {
		q.Set(name, value)
	}
	to := l.authorize
	if l.pool != "" && x.plain() { // the pages of our user pools are here too
		to = "http://" + l.pool + ".localhost" + strings.TrimPrefix(x.r.Host, x.host) + "/oauth2/authorize"
	}
	if strings.Contains(to, "?") {
		to += "&" + q.Encode()
	} else {
		to += "?" + q.Encode()
	}
	x.setCookie(nonceCookie, v.Nonce, v.Until)
	x.header().Set("Location", to)
	x.page(http.StatusFound)
}

func (x *exchange) setCookie(name, value string, until time.Time) {
	http.SetCookie(x.w, &http.Cookie{Name: name, Value: value, Path: "/", Expires: until.UTC(), HttpOnly: true, Secure: !x.plain()})
}

// callback answers a browser that comes back from a provider, and reports
// whether it is one.
func (x *exchange) callback() bool {
	q := x.r.URL.Query()
	var v visit
	if !q.Has("state") {
		return false
	}
	nonce, err := x.r.Cookie(nonceCookie)
	if !x.Service.open(q.Get("state"), "visit "+x.b.arn.String(), &v) || !time.Now().Before(v.Until) || err != nil || nonce.Value != v.Nonce {
		x.page(http.StatusUnauthorized)
		return true
	}
	for _, rule := range x.l.rules {
		if *rule.row.RuleArn == v.Rule && len(rule.row.Actions) > 1 {
			x.finish(newLogin(&rule.row.Actions[0]), rule, v.At)
			return true
		}
	}
	x.page(http.StatusUnauthorized) // there is no such rule any more
	return true
}

// finish ends a login: the code that the browser brings is changed for what the
// provider says of its user.
func (x *exchange) finish(l *login, rule *servedRule, at string) {
	code := x.r.URL.Query().Get("code")
	if code == "" {
		x.page(statusLogin)
		return
	}
	secret, err := x.key.Open(nil, nil, rule.row.Secret, []byte("client"))
	if err != nil {
		x.fail(http.StatusInternalServerError, err)
		return
	}
	who, err := x.identify(x.r.Context(), l, string(secret), code)
	if err != nil {
		x.fail(statusLogin, err)
		return
	}
	if len(who.Claims) > maxClaims {
		x.fail(http.StatusInternalServerError, errors.New("the claims of the user are too long"))
		return
	}
	if err := x.keep(l, who); err != nil {
		x.fail(http.StatusInternalServerError, err)
		return
	}
	x.setCookie(nonceCookie, "", time.Unix(1, 0))
	x.header().Set("Location", x.base()+at)
	x.page(http.StatusFound)
}

// identify asks a provider whose code it is.
func (x *exchange) identify(ctx context.Context, l *login, secret, code string) (*session, error) {
	ctx, done := context.WithTimeout(ctx, askLasts)
	defer done()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {x.base() + callbackPath}}
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(l.client) + ":" + url.QueryEscape(secret)))
	_, err := x.ask(ctx, &backend.Request{
		Method: http.MethodPost, URI: l.token, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Basic " + basic}, "Accept": {"application/json"}},
	}, &tokens)
	if err != nil {
		return nil, err
	}
	var user struct {
		Subject string `json:"sub"`
	}
	claims, err := x.ask(ctx, &backend.Request{
		Method: http.MethodGet, URI: l.userInfo, Header: http.Header{"Authorization": {"Bearer " + tokens.Access}, "Accept": {"application/json"}},
	}, &user)
	if err != nil {
		return nil, err
	}
	if user.Subject == "" {
		return nil, fmt.Errorf("%s says not who the user is", l.userInfo)
	}
	return &session{Subject: user.Subject, Claims: claims, Access: tokens.Access, Issuer: l.issuer, Client: l.client}, nil
}

// ask asks a provider, and reads its answer into v.
func (s *Service) ask(ctx context.Context, out *backend.Request, v any) ([]byte, error) {
	a, err := backend.HTTP(ctx, s.providers, out)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d: %.200s", out.URI, a.Status, a.Body)
	}
	if err := json.Unmarshal(a.Body, v); err != nil {
		return nil, fmt.Errorf("%s answers no JSON object: %w", out.URI, err)
	}
	return a.Body, nil
}
