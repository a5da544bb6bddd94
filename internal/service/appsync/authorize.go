package appsync

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/appsync/graphql"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A door is one way to be known to an API.
type door struct {
	provider
	deny    bool              // of a user pool: what has no directive is nobody's
	clients *regexp.Regexp    // of which tokens are taken; nil is all
	verify  *regexp.Regexp    // what tokens for a function look like; nil is anything
	memory  *memory[*verdict] // of a function
}

// doorsOf are those of an API, its own first.
func doorsOf(row *api.GraphqlApi) []*door {
	own := &door{provider: provider{Type: aws.Value(row.AuthenticationType), OIDC: row.OpenIDConnectConfig, Lambda: row.LambdaAuthorizerConfig}}
	if c := row.UserPoolConfig; c != nil {
		own.Pool = &api.CognitoUserPoolConfig{UserPoolId: c.UserPoolId, AwsRegion: c.AwsRegion, AppIdClientRegex: c.AppIdClientRegex}
		own.deny = c.DefaultAction == api.DefaultActionDeny
	}
	all := []*door{own}
	for _, p := range row.AdditionalAuthenticationProviders {
		all = append(all, &door{provider: provider{aws.Value(p.AuthenticationType), p.UserPoolConfig, p.OpenIDConnectConfig, p.LambdaAuthorizerConfig}})
	}
	return all
}

// open makes a door ready.
func (s *Service) open(_ *served, d *door) {
	pattern := ""
	switch {
	case d.Pool != nil:
		pattern = aws.Value(d.Pool.AppIdClientRegex)
	case d.OIDC != nil:
		pattern = aws.Value(d.OIDC.ClientId)
	}
	if re, err := regexp.Compile(`\A(?:` + pattern + `)\z`); err == nil && pattern != "" {
		d.clients = re
	}
	if d.Lambda != nil {
		if re, err := regexp.Compile(aws.Value(d.Lambda.IdentityValidationExpression)); err == nil && d.Lambda.IdentityValidationExpression != nil {
			d.verify = re
		}
		d.memory = newMemory[*verdict](maxVerdicts)
	}
}

// A caller is who sends a request, as the API knows them.
type caller struct {
	door     *door
	call     *aws.Call // who signed, of API_KEY nobody
	identity any       // as resolvers see it
	groups   []string
	denied   map[string]bool // fields that a function says are not theirs
}

// A refusal is why a request may not come in.
type refusal struct{ message string }

func (e *refusal) Error() string { return e.message }

const (
	wordsNobody  = "You are not authorized to make this call."
	wordsHeader  = "Valid authorization header not provided."
	wordsMissing = "Missing authorization header"
)

// admit finds out who sends r. header has what says so: r's own, or what a
// client of a WebSocket sent.
func (s *Service) admit(a *served, r *http.Request, header http.Header, call *aws.Call, body []byte, q *query) (*caller, error) {
	if key := header.Get("X-Api-Key"); key != "" {
		d := a.doorOf(api.AuthenticationTypeApiKey)
		expires, ok := a.keys[key]
		if d == nil || !ok || !time.Now().Before(expires) {
			return nil, &refusal{wordsNobody}
		}
		return &caller{door: d, call: call}, nil
	}
	token := header.Get("Authorization")
	switch {
	case token == "":
		return nil, a.missing()
	case strings.HasPrefix(token, "AWS4-HMAC-SHA256"):
		return s.admitSigned(a, r, body)
	}
	return s.admitToken(a, r, token, call, q)
}

func (a *served) doorOf(kind string) *door {
	for _, d := range a.providers {
		if d.Type == kind {
			return d
		}
	}
	return nil
}

// missing refuses a request that says not who sends it.
func (a *served) missing() error {
	switch a.providers[0].Type {
	case api.AuthenticationTypeApiKey:
		return &refusal{wordsNobody}
	case api.AuthenticationTypeAwsIam:
		return &refusal{wordsMissing}
	}
	return &refusal{wordsHeader}
}

// admitSigned lets in who signed.
func (s *Service) admitSigned(a *served, r *http.Request, body []byte) (*caller, error) {
	d := a.doorOf(api.AuthenticationTypeAwsIam)
	if d == nil || s.cfg.Auth == nil {
		return nil, &refusal{wordsNobody}
	}
	call, err := s.cfg.Auth.Authenticate(r, "appsync", body)
	if err != nil {
		return nil, &refusal{aws.Refusal(err).Message}
	}
	return &caller{door: d, call: call, identity: identityOf(call)}, nil
}

// identityOf is who signed, as resolvers see it.
func identityOf(call *aws.Call) *vtl.Map {
	p := call.Principal
	name := p.ARN[strings.LastIndexByte(p.ARN, '/')+1:]
	if p.ID != "" {
		name = p.ID
	}
	return vtl.NewMap().Set("accountId", p.Account).Set("cognitoIdentityPoolId", nil).Set("cognitoIdentityId", nil).
		Set("sourceIp", vtl.NewList(call.SourceIP)).Set("username", name).Set("userArn", p.ARN).
		Set("cognitoIdentityAuthType", nil).Set("cognitoIdentityAuthProvider", nil)
}

// admitToken lets in who brings a token of an issuer's, or one that a function takes.
func (s *Service) admitToken(a *served, r *http.Request, text string, call *aws.Call, q *query) (*caller, error) {
	plain := text
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "Bearer") {
		plain = strings.TrimSpace(rest)
	}
	token, err := jwt.Parse(plain)
	if err == nil {
		for _, d := range a.providers {
			if issuer := s.issuer(d); issuer != "" && token.Claims["iss"] == issuer {
				return s.verify(r.Context(), d, issuer, token, call)
			}
		}
	}
	if d := a.doorOf(api.AuthenticationTypeAwsLambda); d != nil {
		return s.admitByFunction(r, a, d, text, call, q)
	}
	if err != nil {
		if a.doorOf(api.AuthenticationTypeAmazonCognitoUserPools) != nil || a.doorOf(api.AuthenticationTypeOpenidConnect) != nil {
			return nil, &refusal{"Unable to parse JWT token."}
		}
		return nil, a.missing()
	}
	return nil, &refusal{wordsNobody}
}

// issuer is whose tokens a door takes, or "".
func (s *Service) issuer(d *door) string {
	switch {
	case d.Type == api.AuthenticationTypeAmazonCognitoUserPools && d.Pool != nil:
		return "https://cognito-idp." + d.Pool.AwsRegion + ".amazonaws.com/" + d.Pool.UserPoolId
	case d.Type == api.AuthenticationTypeOpenidConnect && d.OIDC != nil:
		return d.OIDC.Issuer
	}
	return ""
}

// verify lets in the bearer of a token that is an issuer's.
func (s *Service) verify(ctx context.Context, d *door, issuer string, token *jwt.Token, call *aws.Call) (*caller, error) {
	keys, err := s.issuers.Keys(ctx, issuer, token.KeyID)
	if err != nil {
		s.cfg.Log.Warn("issuer of tokens does not answer", "issuer", issuer, "err", err)
		return nil, &refusal{"Unable to verify JWT token."}
	}
	if err := token.VerifyIssued(keys, issuer, time.Now()); err != nil {
		if errors.Is(err, jwt.ErrExpired) {
			return nil, &refusal{"Token has expired."}
		}
		return nil, &refusal{"Invalid JWT token."}
	}
	all := claimsOf(token)
	if d.clients != nil && !d.takes(all) {
		return nil, &refusal{"Invalid claims provided in the JWT token."}
	}
	of := func(name string) any {
		v, _ := all.Lookup(name)
		return v
	}
	identity := vtl.NewMap().Set("sub", of("sub")).Set("issuer", issuer)
	c := &caller{door: d, call: call}
	if d.Type == api.AuthenticationTypeAmazonCognitoUserPools {
		username := of("cognito:username")
		if username == nil {
			username = of("username")
		}
		groups := of("cognito:groups")
		if list, ok := groups.(*vtl.List); ok {
			for _, g := range list.Items {
				c.groups = append(c.groups, vtl.String(g))
			}
		}
		strategy := "ALLOW"
		if d.deny {
			strategy = "DENY"
		}
		identity.Set("username", username).Set("sourceIp", vtl.NewList(call.SourceIP)).Set("defaultAuthStrategy", strategy).Set("groups", groups)
	}
	c.identity = identity.Set("claims", all)
	return c, nil
}

// claimsOf are the claims of a token as resolvers see them.
func claimsOf(token *jwt.Token) *vtl.Map {
	b, _ := json.Marshal(token.Claims) // they came as JSON
	v, _ := vtl.ParseJSON(string(b))
	if m, ok := v.(*vtl.Map); ok {
		return m
	}
	return vtl.NewMap()
}

// takes reports whether a token is of a client that is let in.
func (d *door) takes(claims *vtl.Map) bool {
	for _, name := range []string{"aud", "client_id", "azp"} {
		v, _ := claims.Lookup(name)
		if list, ok := v.(*vtl.List); ok {
			if slices.ContainsFunc(list.Items, func(v any) bool { return d.clients.MatchString(vtl.String(v)) }) {
				return true
			}
			continue
		}
		if v != nil && d.clients.MatchString(vtl.String(v)) {
			return true
		}
	}
	return false
}

// directives are those that say who may have a field, and by which door.
var directives = map[string]string{
	"aws_api_key": api.AuthenticationTypeApiKey, "aws_iam": api.AuthenticationTypeAwsIam, "aws_oidc": api.AuthenticationTypeOpenidConnect,
	"aws_lambda": api.AuthenticationTypeAwsLambda, "aws_cognito_user_pools": api.AuthenticationTypeAmazonCognitoUserPools,
}

// Allow implements graphql.Resolver: it refuses fields that are not the caller's.
func (x *exchange) Allow(f *graphql.Field) *graphql.Error {
	typ := x.api.schema.Type(f.Parent)
	root := len(f.Path) == 1
	if x.trusted || x.may(f.Def.Directives, typ.Directives) && !x.caller.denied[f.Parent+"."+f.Name] && (!root || x.maySigned(f)) {
		return nil
	}
	return &graphql.Error{Type: "Unauthorized", Message: "Not Authorized to access " + f.Name + " on type " + f.Parent}
}

// may reports whether directives let the caller have a field: its own count, or
// else those of its type; without any, it is for who came by the API's own door.
func (x *exchange) may(own, of ast.DirectiveList) bool {
	d := x.caller.door
	for _, list := range []ast.DirectiveList{own, of} {
		decided := false
		for _, directive := range list {
			kind, ok := directives[directive.Name]
			if !ok {
				continue
			}
			decided = true
			if kind == d.Type && x.inGroups(directive) {
				return true
			}
		}
		if decided {
			return false
		}
	}
	if d != x.api.providers[0] {
		return false
	}
	for _, list := range []ast.DirectiveList{own, of} {
		if directive := list.ForName("aws_auth"); directive != nil && d.Type == api.AuthenticationTypeAmazonCognitoUserPools {
			return x.inGroups(directive)
		}
	}
	return !d.deny
}

// inGroups reports whether the caller is in one of the groups that a directive
// names, if it names any.
func (x *exchange) inGroups(directive *ast.Directive) bool {
	arg := directive.Arguments.ForName("cognito_groups")
	if arg == nil {
		return true
	}
	return slices.ContainsFunc(arg.Value.Children, func(child *ast.ChildValue) bool { return slices.Contains(x.caller.groups, child.Value.Raw) })
}

// maySigned reports whether policies let who signed have a field of a root.
func (x *exchange) maySigned(f *graphql.Field) bool {
	if x.caller.door.Type != api.AuthenticationTypeAwsIam {
		return true
	}
	arn := x.api.arn
	arn.Resource += "/types/" + f.Parent + "/fields/" + f.Name
	return x.cfg.Auth.Authorize(x.ctx, x.caller.call, service.Access{Action: "appsync:GraphQL", Resource: arn}) == nil
}
