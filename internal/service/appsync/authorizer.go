package appsync

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// Limits of functions that say who may come in.
const (
	authorizerLasts = 10 * time.Second
	usualVerdict    = 300 // seconds that it is good for
	maxVerdict      = 3600
	maxVerdicts     = 10_000
	maxResolverCtx  = 5 << 20 // bytes
)

// A verdict is what such a function says of a token.
type verdict struct {
	allowed bool
	context *vtl.Map
	denied  map[string]bool // "Type.field"
}

// admitByFunction lets in whom a function lets in.
func (s *Service) admitByFunction(r *http.Request, a *served, d *door, token string, call *aws.Call, q *query) (*caller, error) {
	if d.verify != nil && !d.verify.MatchString(token) {
		return nil, &refusal{wordsNobody}
	}
	v, known := d.memory.get(token)
	if !known {
		var err error
		var last time.Duration
		if v, last, err = s.askAuthorizer(r, a, d, token, q); err != nil {
			s.cfg.Log.Warn("authorizer of an API failed", "api", a.id, "err", err)
			return nil, &refusal{wordsNobody}
		}
		d.memory.put(token, v, last)
	}
	if !v.allowed {
		return nil, &refusal{wordsNobody}
	}
	return &caller{door: d, call: call, identity: vtl.NewMap().Set("resolverContext", v.context), denied: v.denied}, nil
}

// askAuthorizer has the function of a door say what it thinks of a token, and for
// how long.
func (s *Service) askAuthorizer(r *http.Request, a *served, d *door, token string, q *query) (*verdict, time.Duration, error) {
	asked := vtl.NewMap().Set("apiId", a.id).Set("accountId", a.arn.Account).Set("requestId", aws.NewRequestID()).
		Set("queryString", q.Query).Set("operationName", optionalText(q.Operation)).Set("variables", orEmpty(q.Variables))
	event := vtl.NewMap().Set("authorizationToken", token).Set("requestContext", asked).Set("requestHeaders", headersOf(r.Header))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), authorizerLasts)
	defer cancel()
	out, err := dispatch.Call(ctx, s.cfg.Table, aws.ServiceCall("appsync", a.arn), lambda.Invoke, &lambda.InvokeInput{
		FunctionName: d.Lambda.AuthorizerUri, Payload: []byte(vtl.JSON(event)),
	})
	if err != nil {
		return nil, 0, err
	}
	if out.FunctionError != nil {
		return nil, 0, &functionFailure{out.Payload}
	}
	var said struct {
		Allowed *bool           `json:"isAuthorized"`
		Context json.RawMessage `json:"resolverContext"`
		Denied  []string        `json:"deniedFields"`
		TTL     *int            `json:"ttlOverride"`
	}
	if err := json.Unmarshal(out.Payload, &said); err != nil || said.Allowed == nil || len(said.Context) > maxResolverCtx {
		return nil, 0, &functionFailure{out.Payload}
	}
	v := &verdict{allowed: *said.Allowed, context: vtl.NewMap(), denied: make(map[string]bool)}
	if parsed, err := vtl.ParseJSON(string(said.Context)); err == nil {
		if m, ok := parsed.(*vtl.Map); ok {
			v.context = m
		}
	}
	for _, field := range said.Denied {
		if at := strings.LastIndex(field, "/types/"); at >= 0 { // an ARN
			field = strings.Replace(field[at+len("/types/"):], "/fields/", ".", 1)
		}
		v.denied[field] = true
	}
	seconds := int(aws.Or(d.Lambda.AuthorizerResultTtlInSeconds, usualVerdict))
	if said.TTL != nil {
		seconds = *said.TTL
	}
	return v, time.Duration(min(seconds, maxVerdict)) * time.Second, nil
}

func optionalText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orEmpty(m *vtl.Map) *vtl.Map {
	if m == nil {
		return vtl.NewMap()
	}
	return m
}

// headersOf are the headers of a request as resolvers and authorizers see them.
func headersOf(h http.Header) *vtl.Map {
	m := vtl.NewMap()
	for _, name := range sortedNames(h) {
		m.Set(strings.ToLower(name), strings.Join(h[name], ","))
	}
	return m
}
