package apigateway

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/firewall"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/service"
)

// A guard decides who may use a method.
type guard struct {
	kind    string   // of authorization
	sources []string // where callers say who they are
	scopes  []string // one of which a token must have

	id       string // of the authorizer
	token    bool   // it is asked of a token alone
	function string
	role     string
	pattern  *regexp.Regexp // that a token must match, if not nil
	memory   *proxy.Verdicts

	pools []string // of users
}

// newGuard returns the guard of a method, or nil if it has none.
func newGuard(m *api.Method, a *api.Authorizer, variables map[string]string, memories map[string]*proxy.Verdicts) *guard {
	if *m.AuthorizationType == authNone {
		return nil
	}
	g := &guard{kind: *m.AuthorizationType, scopes: m.AuthorizationScopes}
	if a == nil {
		return g
	}
	g.id, g.sources, g.pools = *a.Id, sourcesOf(a), a.ProviderARNs
	g.token = *a.Type != api.AuthorizerTypeRequest
	if g.token && len(g.sources) == 0 {
		g.sources = []string{"method.request.header.Authorization"}
	}
	g.function, g.role = uri.Function(uri.Fill(aws.Value(a.AuthorizerUri), variables)), aws.Value(a.AuthorizerCredentials)
	if p := aws.Value(a.IdentityValidationExpression); p != "" {
		g.pattern, _ = compilePattern(p)
	}
	if _, ok := memories[g.id]; !ok {
		memories[g.id] = proxy.NewVerdicts(time.Duration(aws.Or(a.AuthorizerResultTtlInSeconds, usualVerdict)) * time.Second)
	}
	g.memory = memories[g.id] // of all methods that ask it
	return g
}

// admit decides whether the request may pass, and puts in it what there is to
// say of the caller.
func (x *exchange) admit(r *http.Request) error {
	effect := policy.Silent
	if x.v.policy != nil {
		if effect = x.v.policy.Effect(x.asked(x.call)); effect == policy.Deny {
			return x.deny(x.call, "with an explicit deny")
		}
	}
	g := x.method.guard
	switch {
	case x.v.policy == nil && isPrivate(&x.v.api):
		return x.deny(x.call, "")
	case g == nil || g.kind == authCognito:
		if x.v.policy != nil && effect != policy.Allow {
			return x.deny(x.call, "")
		}
	case g.kind == authIAM:
		if err := x.admitSigned(r); err != nil {
			return err
		}
	}
	if g != nil && g.kind != authIAM {
		if err := x.admitBy(g, effect); err != nil {
			return err
		}
	}
	return x.admitKey()
}

// admitBy lets through whom an authorizer lets through.
func (x *exchange) admitBy(g *guard, effect policy.Effect) error {
	switch {
	case g.kind == authCognito && len(g.pools) > 0:
		return x.admitUser(g)
	case g.kind == authCustom && g.function != "":
		return x.admitByFunction(g, effect)
	}
	return errAuthorizer.because(errors.New("the method has an authorizer no more"))
}

// asked is what a call asks for, as policies name it.
func (x *exchange) asked(call *aws.Call) *policy.Request {
	r := &policy.Request{Call: call, Action: "execute-api:Invoke", Resource: x.askedARN(), Owner: x.api.arn.Account}
	if x.endpoint != "" {
		r.Keys = map[string][]string{"aws:SourceVpce": {x.endpoint}}
	}
	return r
}

func (x *exchange) askedARN() aws.ARN {
	return x.executeARN(x.req.Stage + "/" + x.req.Method + x.path)
}

// deny is the refusal of a caller by a policy.
func (x *exchange) deny(call *aws.Call, why string) error {
	who := "anonymous"
	if call.Principal.ARN != "" {
		who = call.Principal.ARN
	}
	message := "User: " + who + " is not authorized to perform: execute-api:Invoke on resource: " + x.masked(x.askedARN())
	if why != "" {
		message += " " + why
	}
	return &failure{kind: accessDenied, errorType: "AccessDeniedException", message: message}
}

// masked is an ARN as strangers may see it: without most of its account.
func (x *exchange) masked(arn aws.ARN) string {
	arn.Account = "********" + arn.Account[max(0, len(arn.Account)-4):]
	return arn.String()
}

// admitSigned lets through who signed, and may invoke the method by policy.
func (x *exchange) admitSigned(r *http.Request) error {
	if x.cfg.Auth == nil || r.Header.Get("Authorization") == "" && r.URL.Query().Get("X-Amz-Signature") == "" {
		return errMissingToken
	}
	call, err := x.cfg.Auth.Authenticate(r, "execute-api", x.req.Body)
	if err != nil {
		refusal := aws.Refusal(err)
		kind := invalidSignature
		if strings.Contains(refusal.Code, "Expired") {
			kind = expiredToken
		}
		return &failure{kind: kind, errorType: refusal.Code, message: refusal.Message}
	}
	if call.Principal.ARN == "" {
		return errMissingToken
	}
	x.caller = call
	x.req.Caller = &proxy.Caller{AccessKey: call.AccessKey, Account: call.Principal.Account, ID: call.Principal.ID, ARN: call.Principal.ARN}
	effect := policy.Silent
	if x.v.policy != nil {
		effect = x.v.policy.Effect(x.asked(call))
	}
	switch {
	case effect == policy.Deny:
		return x.deny(call, "with an explicit deny")
	case effect == policy.Allow && call.Principal.Account == x.api.arn.Account:
		return nil
	}
	err = x.cfg.Auth.Authorize(x.ctx, call, service.Access{Action: "execute-api:Invoke", Resource: x.askedARN()})
	switch {
	case err != nil:
		message := strings.ReplaceAll(aws.Refusal(err).Message, x.askedARN().String(), x.masked(x.askedARN()))
		return &failure{kind: accessDenied, errorType: "AccessDeniedException", message: message}
	case call.Principal.Account != x.api.arn.Account && effect != policy.Allow:
		return x.deny(call, "because no resource-based policy allows the execute-api:Invoke action")
	}
	return nil
}

// identities are what the request has at the sources of a guard; ok is false if
// it lacks one.
func (x *exchange) identities(g *guard) (all []string, ok bool) {
	for _, source := range g.sources {
		values, found := x.parameter(source)
		if !found || strings.Join(values, "") == "" {
			return nil, false
		}
		all = append(all, strings.Join(values, ","))
	}
	return all, true
}

// admitByFunction lets through whom a function lets through.
func (x *exchange) admitByFunction(g *guard, effect policy.Effect) error {
	x.req.Spelling = g.sources
	identity, ok := x.identities(g)
	if !ok || g.pattern != nil && len(identity) > 0 && !g.pattern.MatchString(identity[0]) {
		return errUnauthorized
	}
	v := g.memory.Get(identity)
	if v == nil {
		var err error
		if v, err = x.ask(g, identity); err != nil {
			return err
		}
		g.memory.Put(identity, v)
	}
	if v.Policy == "" {
		return errAuthorizer.because(errors.New("the authorizer returned no policy"))
	}
	doc, err := policy.Parse(v.Policy)
	if err != nil {
		return errAuthorizer.because(err)
	}
	switch said := doc.Effect(x.asked(x.call)); {
	case said == policy.Deny:
		return &failure{kind: accessDenied, errorType: "AccessDeniedException", message: "User is not authorized to access this resource with an explicit deny"}
	case said != policy.Allow && effect != policy.Allow:
		return &failure{kind: accessDenied, errorType: "AccessDeniedException", message: "User is not authorized to access this resource"}
	}
	x.req.UsageKey = v.Key
	if x.req.Authorizer, err = v.RESTAuthorizer(time.Since(x.began)); err != nil {
		return errAuthorizer.because(err)
	}
	return nil
}

// ask asks the function of a guard.
func (x *exchange) ask(g *guard, identity []string) (*proxy.Verdict, error) {
	asked := x.askedARN().String()
	event := x.req.AuthorizerEvent(asked)
	if g.token {
		event = proxy.TokenEvent(identity[0], asked)
	}
	out, err := x.runFunction(&lambda.InvokeInput{FunctionName: g.function, Payload: event}, g.role, x.executeARN("authorizers/"+g.id), usualTimeout*time.Millisecond)
	switch {
	case err != nil:
		return nil, errAuthorizer.because(err)
	case out.FunctionError != nil && strings.Contains(string(out.Payload), `"errorMessage":"Unauthorized"`), out.FunctionError != nil && strings.Contains(string(out.Payload), `"errorMessage": "Unauthorized"`):
		return nil, errUnauthorized
	case out.FunctionError != nil:
		return nil, errAuthorizer.because(errFunction)
	}
	v, err := proxy.ParseVerdict(out.Payload, false)
	if err != nil {
		return nil, errAuthorizer.because(err)
	}
	return v, nil
}

// errFiltered is what a firewall answers that says nothing itself.
var errFiltered = &failure{kind: "WAF_FILTERED", errorType: "ForbiddenException", message: "Forbidden"}

// guarded has the firewall of a stage see the request, and reports whether it has
// answered it.
func (x *exchange) guarded(r *http.Request) (bool, error) {
	if x.cfg.Firewall == nil {
		return false, nil
	}
	stage := aws.ARN{Service: "apigateway", Region: x.api.arn.Region, Account: x.api.arn.Account, Resource: "/restapis/" + x.api.id + "/stages/" + x.stage.name}
	d, err := x.cfg.Firewall.Guard(x.ctx, stage, firewall.New(r, x.req.Body, x.call.SourceIP))
	switch {
	case err != nil:
		return false, errInternal.because(err)
	case d == nil:
		return false, nil
	case !d.Blocked:
		for name, values := range d.Insert {
			x.req.Header[name] = values
		}
		return false, nil
	case !d.Speaks():
		return true, errFiltered
	}
	x.reply = &proxy.Reply{Status: d.Status, Header: d.Header, Body: []byte(d.Body)}
	return true, nil
}
