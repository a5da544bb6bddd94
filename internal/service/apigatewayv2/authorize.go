package apigatewayv2

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/service"
)

// A guard decides who may use a route.
type guard struct {
	kind    string   // of authorization
	id      string   // of the authorizer
	sources []string // where callers say who they are
	scopes  []string // one of which a token must have

	issuer   string
	audience []string

	uri     string // of the function that decides
	role    string // to run it as
	version string // of its events
	simple  bool
	memory  *proxy.Verdicts
}

// newGuard returns the guard of a route, or nil if it has none.
func newGuard(t *target, variables map[string]string) *guard {
	if t.Authorization == "" || t.Authorization == api.AuthorizationTypeNone {
		return nil
	}
	g := &guard{kind: t.Authorization, scopes: t.Scopes}
	a := t.Authorizer
	if a == nil {
		return g
	}
	g.id, g.sources = *a.AuthorizerId, a.IdentitySource
	if c := a.JwtConfiguration; c != nil {
		g.issuer, g.audience = *c.Issuer, c.Audience
	}
	g.uri = uri.Function(uri.Fill(aws.Value(a.AuthorizerUri), variables))
	g.role = aws.Value(a.AuthorizerCredentialsArn)
	g.version, g.simple = aws.Value(a.AuthorizerPayloadFormatVersion), aws.Value(a.EnableSimpleResponses)
	g.memory = proxy.NewVerdicts(time.Duration(aws.Value(a.AuthorizerResultTtlInSeconds)) * time.Second)
	return g
}

// Why a caller may not use a route.
var (
	errUnauthorized = errors.New("the caller does not say who it is")
	errForbidden    = errors.New("the caller may not")
)

// admit decides whether p may pass, and puts in it what there is to say of the
// caller. An error that is not one of the two above is a failure of the authorizer's.
func (x *exchange) admit(a *served, p *proxy.Request) error {
	g := x.route.guard
	switch {
	case g == nil:
		return nil
	case g.kind == api.AuthorizationTypeAwsIam:
		return x.admitSigned(a, p)
	case g.kind == api.AuthorizationTypeJwt && g.issuer != "":
		return x.admitToken(p)
	case g.kind == api.AuthorizationTypeCustom && g.uri != "":
		return x.admitByFunction(a, p)
	}
	return errors.New("the route has an authorizer no more")
}

// admitSigned lets through who signed, and may invoke the route by policy.
func (x *exchange) admitSigned(a *served, p *proxy.Request) error {
	if x.cfg.Auth == nil || x.r.Header.Get("Authorization") == "" && x.r.URL.Query().Get("X-Amz-Signature") == "" {
		return errForbidden
	}
	call, err := x.cfg.Auth.Authenticate(x.r, "execute-api", p.Body)
	if err != nil {
		return errForbidden
	}
	err = x.cfg.Auth.Authorize(x.r.Context(), call, service.Access{Action: "execute-api:Invoke", Resource: x.asked(a)})
	if err != nil {
		return errForbidden
	}
	p.Caller = &proxy.Caller{AccessKey: call.AccessKey, Account: call.Principal.Account, ID: call.Principal.ID, ARN: call.Principal.ARN}
	return nil
}

// admitToken lets through who brings a token of the issuer's.
func (x *exchange) admitToken(p *proxy.Request) error {
	g := x.route.guard
	text := x.identity(g.sources[0])
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "Bearer") {
		text = strings.TrimSpace(rest)
	}
	token, err := jwt.Parse(text)
	if err != nil {
		return errUnauthorized
	}
	keys, err := x.issuers.Keys(x.r.Context(), g.issuer, token.KeyID)
	if err != nil {
		return err
	}
	if token.Verify(keys, g.issuer, g.audience, time.Now()) != nil {
		return errUnauthorized
	}
	var scopes []string
	if len(g.scopes) > 0 {
		has := token.Scopes()
		if scopes = slices.DeleteFunc(slices.Clone(g.scopes), func(s string) bool { return !slices.Contains(has, s) }); len(scopes) == 0 {
			return errForbidden
		}
	}
	p.Authorizer = proxy.JWTAuthorizer(x.route.version, token.Texts(), scopes)
	return nil
}

// admitByFunction lets through whom a function lets through.
func (x *exchange) admitByFunction(a *served, p *proxy.Request) error {
	g := x.route.guard
	identity := make([]string, len(g.sources))
	for i, source := range g.sources {
		if identity[i] = x.identity(source); identity[i] == "" {
			return errUnauthorized
		}
	}
	v, err := x.ask(a, x.asked(a), identity, func() []byte { return p.AuthorizerEvent(g.version, x.asked(a).String(), identity) })
	if err == nil {
		p.Authorizer = v.Authorizer(x.route.version)
	}
	return err
}

// ask returns what the function of the route's guard says of the caller, who
// wants asked: from event, unless it is known by what the identity sources have.
// An error says that the caller may not pass.
func (x *exchange) ask(a *served, asked aws.ARN, identity []string, event func() []byte) (*proxy.Verdict, error) {
	g := x.route.guard
	v := g.memory.Get(identity)
	if v == nil {
		source := executeARN(a, "authorizers/"+g.id)
		payload, err := x.Service.run(x.r.Context(), g.uri, source, g.role, maxTimeout*time.Millisecond, event())
		if err != nil {
			return nil, err
		}
		if v, err = proxy.ParseVerdict(payload, g.simple); err != nil {
			return nil, err
		}
		g.memory.Put(identity, v)
	}
	if v.Policy != "" {
		doc, err := policy.Parse(v.Policy)
		if err != nil {
			return nil, err
		}
		request := &policy.Request{Call: x.call, Action: "execute-api:Invoke", Resource: asked, Owner: a.api.Account}
		v.Allowed = doc.Effect(request) == policy.Allow
	}
	if !v.Allowed {
		return nil, errForbidden
	}
	return v, nil
}

// asked is what the request asks for, as policies name it.
func (x *exchange) asked(a *served) aws.ARN {
	return executeARN(a, x.stage.name+"/"+x.r.Method+x.path)
}

func executeARN(a *served, below string) aws.ARN {
	arn := a.api
	arn.Service, arn.Resource = "execute-api", strings.TrimPrefix(arn.Resource, "/apis/")+"/"+below
	return arn
}

// identity is what the request has at an identity source.
func (x *exchange) identity(source string) string {
	place, name, _ := sourceOf(source)
	switch place {
	case "$request.header.":
		return strings.Join(x.r.Header[http.CanonicalHeaderKey(name)], ",")
	case "$request.querystring.":
		return x.r.URL.Query().Get(name)
	}
	return x.stage.variables[name]
}

// challenge answers a request that may not pass.
func (x *exchange) challenge(err error) {
	switch {
	case errors.Is(err, errUnauthorized):
		if x.route.guard.kind == api.AuthorizationTypeJwt {
			x.w.Header().Set("Www-Authenticate", "Bearer")
		}
		x.say(http.StatusUnauthorized, "Unauthorized")
	case errors.Is(err, errForbidden):
		x.say(http.StatusForbidden, "Forbidden")
	default:
		x.fail(http.StatusInternalServerError, err)
	}
}
