package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/router"
	"github.com/aloft-cloud/aloft/internal/store"
)

// testStage is the stage that tests of methods are on.
const testStage = "test-invoke-stage"

// TestInvokeMethod runs a method as it is, deployed or not, and without asking
// who may use it.
func (s *Service) TestInvokeMethod(ctx context.Context, call *aws.Call, in *api.TestInvokeMethodInput) (*api.TestInvokeMethodOutput, error) {
	x, r, err := s.testExchange(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, in.StageVariables)
	if err != nil {
		return nil, err
	}
	r.fill(in.PathWithQueryString, in.Body, in.Headers, in.MultiValueHeaders)
	x.path, x.req.Path, x.req.Query = r.path, r.path, r.query
	x.testFill(r)
	x.logRequest(r.path)
	if err := x.validate(); err != nil {
		x.fail(err)
	} else if err := x.integrate(); err != nil {
		x.fail(err)
	}
	x.collect()
	x.logReply()
	out := &api.TestInvokeMethodOutput{
		Status: new(int32(x.reply.Status)), Body: new(string(x.reply.Body)), Latency: new(time.Since(x.began).Milliseconds()),
		Headers: lasts(x.reply.Header), MultiValueHeaders: x.reply.Header, Log: new(x.testLog()),
	}
	return out, nil
}

// A testRequest is what a test sends.
type testRequest struct {
	method, path, query string
	header              http.Header
	body                []byte
}

func (r *testRequest) fill(path, body *string, headers map[string]string, multi map[string][]string) {
	r.path, r.query, _ = strings.Cut(aws.Or(path, r.path), "?")
	r.body = []byte(aws.Value(body))
	r.header = make(http.Header)
	for name, v := range headers {
		r.header.Set(name, v)
	}
	for name, values := range multi {
		r.header[http.CanonicalHeaderKey(name)] = values
	}
}

// testExchange returns an exchange with a method as it is now.
func (s *Service) testExchange(ctx context.Context, call *aws.Call, apiID, resourceID, method string, variables map[string]string) (*exchange, *testRequest, error) {
	x := &exchange{Service: s, ctx: ctx, call: call, began: time.Now(), host: "test", trace: &trace{data: true}}
	x.req = &proxy.RESTRequest{ExtendedID: newExtendedID()}
	x.req.ID = aws.NewRequestID()
	err := s.db.View(ctx, func(tx *store.Tx) error {
		key, row, m, err := findMethod(tx, call, apiID, resourceID, method)
		if err != nil {
			return err
		}
		_, about, err := findAPI(tx, call, apiID)
		if err != nil {
			return err
		}
		stage := newStage(testStage, "")
		x.api = &served{arn: key.API, id: apiID}
		x.stage = &servedStage{name: testStage, row: *stage}
		x.v = &version{api: about, variables: variables, responses: setResponses(tx, key.API)}
		parts, err := partsOf(tx, key.API)
		if err != nil {
			return err
		}
		x.method = x.v.compileMethod(resourceID, *row.Path, m, stage, parts)
		return tx.Err()
	})
	if err != nil {
		return nil, nil, err
	}
	if method == anyMethod {
		method = http.MethodGet
	}
	return x, &testRequest{method: method, path: x.method.path}, nil
}

// partsOf are what methods of an API refer to, as it is now.
func partsOf(tx *store.Tx, arn aws.ARN) (*deployedParts, error) {
	p := newParts()
	for key, v := range models.Scan(tx, partKey{API: arn}) {
		p.models[key.ID] = v
	}
	for key, v := range validators.Scan(tx, partKey{API: arn}) {
		p.validators[key.ID] = v
	}
	for key, v := range authorizers.Scan(tx, partKey{API: arn}) {
		p.authorizers[key.ID] = v
	}
	p.schemas = newSchemas(strings.TrimPrefix(arn.Resource, "/restapis/"), p.models)
	return p, tx.Err()
}

// testFill sets what is known of a test's request. Parameters are found where
// the path is one of the resource.
func (x *exchange) testFill(r *testRequest) {
	p := x.req
	p.Account, p.API, p.Stage, p.Variables = x.api.arn.Account, x.api.id, testStage, x.v.variables
	p.Method, p.Protocol, p.Header, p.Time, p.Body = r.method, "HTTP/1.1", r.header, x.began, r.body
	p.SourceIP, p.Domain, p.FullPath = "test-invoke-source-ip", "testPrefix.testDomainName", r.path
	p.Resource, p.ResourceID = x.method.path, x.method.resource
	p.Binary = x.isBinary(p.Header.Get("Content-Type"))
	x.state.seen = lasts(r.header)
	var tree router.Tree[bool]
	if tree.Add(anyMethod+" "+x.method.path, true) != nil {
		return
	}
	if _, params, ok := tree.Find(r.method, r.path); ok && len(params) > 0 {
		p.Params = make(map[string]string)
		for _, v := range params {
			p.Params[v.Name] = v.Raw
		}
	}
}

// testLog is the execution log of a test.
func (x *exchange) testLog() string {
	var b strings.Builder
	b.WriteString("Execution log for request " + x.req.ID + "\n")
	for _, l := range x.trace.lines {
		b.WriteString(l.At.UTC().Format("Mon Jan 02 15:04:05 UTC 2006") + " : " + l.Text + "\n")
	}
	return b.String()
}

// TestInvokeAuthorizer asks an authorizer of a caller.
func (s *Service) TestInvokeAuthorizer(ctx context.Context, call *aws.Call, in *api.TestInvokeAuthorizerInput) (*api.TestInvokeAuthorizerOutput, error) {
	x := &exchange{Service: s, ctx: ctx, call: call, began: time.Now(), host: "test", trace: &trace{data: true}}
	x.req = &proxy.RESTRequest{ExtendedID: newExtendedID()}
	x.req.ID = aws.NewRequestID()
	err := s.db.View(ctx, func(tx *store.Tx) error {
		key, a, err := find(tx, authorizers, call, in.RestApiId, "Authorizer", in.AuthorizerId)
		if err != nil {
			return err
		}
		x.api = &served{arn: key.API, id: in.RestApiId}
		x.stage = &servedStage{name: testStage}
		x.v = &version{variables: in.StageVariables}
		kind := authCustom
		if *a.Type == api.AuthorizerTypeCognitoUserPools {
			kind = authCognito
		}
		m := &api.Method{AuthorizationType: &kind, HttpMethod: new(http.MethodGet)}
		x.method = &servedMethod{path: "/", method: *m, guard: newGuard(m, &a, in.StageVariables, make(map[string]*proxy.Verdicts))}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := &testRequest{method: http.MethodGet, path: "/"}
	r.fill(in.PathWithQueryString, in.Body, in.Headers, in.MultiValueHeaders)
	x.path, x.req.Path, x.req.Query = r.path, r.path, r.query
	x.testFill(r)
	return x.testAuthorizer()
}

func (x *exchange) testAuthorizer() (*api.TestInvokeAuthorizerOutput, error) {
	out := &api.TestInvokeAuthorizerOutput{ClientStatus: new(int32(0))}
	g := x.method.guard
	x.log("Starting authorizer: %s for request: %s", g.id, x.req.ID)
	err := x.admitTest(g, out)
	if f, ok := errors.AsType[*failure](err); ok {
		status := map[string]int32{unauthorized: http.StatusUnauthorized, accessDenied: http.StatusForbidden}[f.kind]
		if status == 0 {
			status = http.StatusInternalServerError
		}
		out.ClientStatus = &status
		x.log("%s", f.message)
	} else if err != nil {
		return nil, err
	}
	out.Latency, out.Log = new(time.Since(x.began).Milliseconds()), new(x.testLog())
	return out, nil
}

func (x *exchange) admitTest(g *guard, out *api.TestInvokeAuthorizerOutput) error {
	if g.kind == authCognito {
		if err := x.admitUser(g); err != nil {
			return err
		}
		var said struct {
			Claims map[string]string `json:"claims"`
		}
		if err := json.NewDecoder(bytes.NewReader(x.req.Authorizer)).Decode(&said); err != nil {
			return err
		}
		out.Claims = said.Claims
		return nil
	}
	identity, ok := x.identities(g)
	if !ok || g.pattern != nil && len(identity) > 0 && !g.pattern.MatchString(identity[0]) {
		return errUnauthorized
	}
	v, err := x.ask(g, identity)
	if err != nil {
		return err
	}
	out.PrincipalId, out.Policy = &v.Principal, &v.Policy
	out.Authorization = make(map[string][]string)
	if v.Context != "" {
		var context map[string]any
		if err := json.Unmarshal([]byte(v.Context), &context); err != nil {
			return errAuthorizer.because(err)
		}
		for _, name := range sortedKeys(maps.Clone(context)) {
			b, _ := json.Marshal(context[name])
			out.Authorization[name] = []string{strings.Trim(string(b), `"`)}
		}
	}
	return nil
}
