package apigatewayv2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A bench is HTTP APIs with a stand-in for Lambda.
type bench struct {
	*Service
	t      testing.TB
	call   *aws.Call
	invoke func(ctx context.Context, call *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error)
	denied bool
}

// Authorize lets all calls through, unless the bench denies them.
func (b *bench) Authorize(_ context.Context, call *aws.Call, access service.Access) error {
	if b.denied {
		return aws.AccessDenied.Errorf("%s may not %s", call.Principal.ARN, access.Action)
	}
	return nil
}

const function = "arn:aws:lambda:us-east-1:123456789012:function:f"

func newBench(t testing.TB) *bench {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &bench{t: t, call: &aws.Call{Account: "123456789012", Region: "us-east-1", Host: "localhost:4566"}}
	b.invoke = func(_ context.Context, _ *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{Payload: in.Payload}, nil
	}
	table := dispatch.NewTable(b, dispatch.Observer{})
	table.Add(service.Definition{API: lambda.API, Operations: []service.Operation{
		service.Op(lambda.Invoke, func(ctx context.Context, call *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			return b.invoke(ctx, call, in)
		}, service.Any),
	}})
	b.Service = New(Config{DB: db, Domains: domain.New(db, "localhost"), Table: table, Log: slog.New(slog.DiscardHandler)})
	return b
}

// importAPI makes an API with these routes to function and the stage $default.
func (b *bench) importAPI(version string, cors string, keys ...string) string {
	b.t.Helper()
	paths := make(map[string]map[string]any)
	for _, key := range keys {
		method, path, ok := strings.Cut(key, " ")
		if method = strings.ToLower(method); method == "any" || !ok {
			method = "x-amazon-apigateway-any-method"
		}
		if !ok {
			path = key
		}
		if paths[path] == nil {
			paths[path] = make(map[string]any)
		}
		paths[path][method] = map[string]any{"x-amazon-apigateway-integration": map[string]any{
			"type": "aws_proxy", "payloadFormatVersion": version,
			"uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + function + ":${stageVariables.alias}/invocations",
		}}
	}
	doc := map[string]any{"openapi": "3.0.1", "info": map[string]any{"title": "t"}, "paths": paths}
	if cors != "" {
		doc["x-amazon-apigateway-cors"] = json.RawMessage(cors)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := b.ImportApi(b.t.Context(), b.call, &api.ImportApiInput{Body: string(text)})
	if err != nil {
		b.t.Fatal(err)
	}
	b.stage(*out.ApiId, "$default", nil)
	return *out.ApiId
}

func (b *bench) stage(id, name string, settings *api.RouteSettings) {
	b.t.Helper()
	_, err := b.CreateStage(b.t.Context(), b.call, &api.CreateStageInput{
		ApiId: id, StageName: name, AutoDeploy: new(true), StageVariables: map[string]string{"alias": "live"}, DefaultRouteSettings: settings,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// do asks the API of that id: "GET /path", with headers as k, v.
func (b *bench) do(id, request, body string, headers ...string) *httptest.ResponseRecorder {
	method, uri, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, uri, strings.NewReader(body))
	r.Host = id + ".execute-api.localhost:4566"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.Serve(w, r, &aws.Call{SourceIP: "127.0.0.1", RequestID: "r"}, id)
	return w
}

func TestServe(t *testing.T) {
	b := newBench(t)
	id := b.importAPI("2.0", "", "GET /pets/{id}", "ANY /files/{path+}", "$default")
	b.stage(id, "dev", nil)
	var by *aws.Call
	var asked *lambda.InvokeInput
	b.invoke = func(_ context.Context, call *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		by, asked = call, in
		return &lambda.InvokeOutput{Payload: in.Payload}, nil
	}
	f := func(request, routeKey, rawPath, stage, source string) {
		t.Helper()
		w := b.do(id, request, "")
		var e struct {
			RouteKey, RawPath string
			RequestContext    struct{ Stage, RequestID string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatalf("%s: %d %s", request, w.Code, w.Body)
		}
		if e.RouteKey != routeKey || e.RawPath != rawPath || e.RequestContext.Stage != stage || e.RequestContext.RequestID != w.Header().Get("Apigw-Requestid") {
			t.Errorf("%s: got event %s", request, w.Body)
		}
		if want := "arn:aws:execute-api:us-east-1:123456789012:" + id + "/" + source; by.Principal.Source.String() != want || by.Principal.ARN != "apigateway.amazonaws.com" {
			t.Errorf("%s: called as %+v, want source %s", request, by.Principal, want)
		}
		if asked.FunctionName != function+":live" {
			t.Errorf("%s: called %s", request, asked.FunctionName)
		}
	}
	f("GET /pets/a%20b", "GET /pets/{id}", "/pets/a b", "$default", "$default/GET/pets/{id}")
	f("GET /dev/pets/1", "GET /pets/{id}", "/dev/pets/1", "dev", "dev/GET/pets/{id}")
	f("PATCH /files/a//b", "ANY /files/{path+}", "/files/a//b", "$default", "$default/PATCH/files/{path+}")
	f("GET /", "$default", "/", "$default", "$default/$default")
	f("GET /dev", "$default", "/dev", "dev", "dev/$default")
	f("PUT /developers", "$default", "/developers", "$default", "$default/$default")
}

func TestServeRefuses(t *testing.T) {
	b := newBench(t)
	id := b.importAPI("1.0", "", "GET /pets", "POST /pets")
	var returned []byte
	var failure error
	var functionError *string
	b.invoke = func(context.Context, *aws.Call, *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{Payload: returned, FunctionError: functionError}, failure
	}
	f := func(id, request, body string, status int, want string) {
		t.Helper()
		w := b.do(id, request, body)
		if w.Code != status || w.Body.String() != want || w.Header().Get("Apigw-Requestid") == "" {
			t.Errorf("%s: got %d %s, want %d %s", request, w.Code, w.Body, status, want)
		}
	}
	f("none", "GET /pets", "", 403, `{"message":"Forbidden"}`)
	f(id, "GET /dogs", "", 404, `{"message":"Not Found"}`)
	f(id, "PUT /pets", "", 404, `{"message":"Not Found"}`)
	f(id, "POST /pets", strings.Repeat("x", maxBody+1), 413, `{"message":"Request Entity Too Large"}`)
	returned = []byte(`{"no":"status"}`)
	f(id, "GET /pets", "", 500, `{"message":"Internal Server Error"}`)
	returned, functionError = []byte(`{"statusCode":200}`), new("Unhandled")
	f(id, "GET /pets", "", 500, `{"message":"Internal Server Error"}`)
	failure = lambda.TooManyRequestsException.Errorf("slow down")
	f(id, "GET /pets", "", 503, `{"message":"Service Unavailable"}`)
	failure = errors.New("disk full")
	f(id, "GET /pets", "", 500, `{"message":"Internal Server Error"}`)
	failure, functionError, b.denied = nil, nil, true
	f(id, "GET /pets", "", 500, `{"message":"Internal Server Error"}`)
	b.denied = false
	f(id, "GET /pets", "", 200, "")
	if _, err := b.UpdateApi(t.Context(), b.call, &api.UpdateApiInput{ApiId: id, DisableExecuteApiEndpoint: new(true)}); err != nil {
		t.Fatal(err)
	}
	f(id, "GET /pets", "", 404, `{"message":"Not Found"}`)
}

// A function has as long as its integration says.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.importAPI("2.0", "", "GET /slow")
		b.invoke = func(ctx context.Context, _ *aws.Call, _ *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("gave up: %w", ctx.Err())
		}
		began := time.Now()
		w := b.do(id, "GET /slow", "")
		if took := time.Since(began); w.Code != 503 || w.Body.String() != `{"message":"Service Unavailable"}` || took != 30*time.Second {
			t.Errorf("got %d %s after %v", w.Code, w.Body, took)
		}
	})
}

// A client that goes away does not end its function.
func TestClientGone(t *testing.T) {
	b := newBench(t)
	id := b.importAPI("2.0", "", "GET /x")
	ctx, cancel := context.WithCancel(t.Context())
	b.invoke = func(ctx context.Context, _ *aws.Call, _ *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		cancel()
		return &lambda.InvokeOutput{Payload: []byte("null")}, ctx.Err()
	}
	r := httptest.NewRequestWithContext(ctx, "GET", "/x", nil)
	w := httptest.NewRecorder()
	if b.Serve(w, r, new(aws.Call), id); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func TestCORS(t *testing.T) {
	b := newBench(t)
	id := b.importAPI("2.0", `{"allowOrigins":["https://a.example","http://*"],"allowMethods":["GET","POST"],"allowHeaders":["x-a","x-b"],"exposeHeaders":["x-c"],"maxAge":5,"allowCredentials":true}`, "GET /x")
	b.invoke = func(context.Context, *aws.Call, *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{Payload: []byte(`{"statusCode":200,"headers":{"access-control-allow-origin":"*","access-control-allow-methods":"PUT"}}`)}, nil
	}
	f := func(request, origin string, status int, want string) {
		t.Helper()
		headers := []string{"Origin", origin}
		if strings.HasPrefix(request, "OPTIONS") {
			headers = append(headers, "Access-Control-Request-Method", "GET")
		}
		w := b.do(id, request, "", headers...)
		var got []string
		for _, name := range []string{"Origin", "Methods", "Headers", "Credentials"} {
			got = append(got, w.Header().Get("Access-Control-Allow-"+name))
		}
		got = append(got, w.Header().Get("Access-Control-Max-Age"), w.Header().Get("Access-Control-Expose-Headers"))
		if s := strings.Join(got, "|"); w.Code != status || s != want {
			t.Errorf("%s from %s: got %d %s, want %d %s", request, origin, w.Code, s, status, want)
		}
	}
	f("OPTIONS /x", "https://a.example", 204, "https://a.example|GET,POST|x-a,x-b|true|5|")
	f("OPTIONS /nowhere", "http://anything", 204, "http://anything|GET,POST|x-a,x-b|true|5|")
	f("OPTIONS /x", "https://b.example", 204, "|||||")
	f("GET /x", "https://a.example", 200, "https://a.example|||true||x-c")
	f("GET /x", "https://b.example", 200, "|||||")
	f("GET /nowhere", "https://a.example", 404, "https://a.example|||true||x-c")
}

// A stage lets as many requests through as it says.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.importAPI("2.0", "", "GET /x")
		b.stage(id, "slow", &api.RouteSettings{ThrottlingBurstLimit: new(int32(2)), ThrottlingRateLimit: new(0.5)})
		f := func(want ...int) {
			t.Helper()
			for _, status := range want {
				if w := b.do(id, "GET /slow/x", ""); w.Code != status {
					t.Errorf("got %d %s, want %d", w.Code, w.Body, status)
				}
			}
		}
		f(200, 200, 429, 429)
		time.Sleep(2 * time.Second)
		f(200, 429)
	})
}

// What changes is served at once; a deployment is served as it was.
func TestChanges(t *testing.T) {
	b := newBench(t)
	id := b.importAPI("2.0", "", "GET /old")
	out, err := b.CreateDeployment(t.Context(), b.call, &api.CreateDeploymentInput{ApiId: id})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.CreateStage(t.Context(), b.call, &api.CreateStageInput{ApiId: id, StageName: "kept", DeploymentId: out.DeploymentId, StageVariables: map[string]string{"alias": "live"}})
	if err != nil {
		t.Fatal(err)
	}
	f := func(request string, want int) {
		t.Helper()
		if w := b.do(id, request, ""); w.Code != want {
			t.Errorf("%s: got %d %s, want %d", request, w.Code, w.Body, want)
		}
	}
	f("GET /old", 200)
	f("GET /new", 404)
	items, err := b.GetIntegrations(t.Context(), b.call, &api.GetIntegrationsInput{ApiId: id})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.CreateRoute(t.Context(), b.call, &api.CreateRouteInput{ApiId: id, RouteKey: "GET /new", Target: new("integrations/" + *items.Items[0].IntegrationId)})
	if err != nil {
		t.Fatal(err)
	}
	f("GET /new", 200)
	f("GET /kept/new", 404)
	f("GET /kept/old", 200)
	_, err = b.UpdateStage(t.Context(), b.call, &api.UpdateStageInput{ApiId: id, StageName: "$default", AutoDeploy: new(false)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ReimportApi(t.Context(), b.call, &api.ReimportApiInput{ApiId: id, Body: `{"openapi":"3.0.1","info":{"title":"t"},"paths":{}}`})
	if err != nil {
		t.Fatal(err)
	}
	f("GET /new", 200)
	f("GET /kept/old", 200)
	if _, err := b.DeleteApi(t.Context(), b.call, &api.DeleteApiInput{ApiId: id}); err != nil {
		t.Fatal(err)
	}
	f("GET /new", 403)
}

// The function gets what the client sent, and the client what it returned.
func TestThrough(t *testing.T) {
	b := newBench(t)
	id := b.importAPI("2.0", "", "POST /x")
	var event bytes.Buffer
	b.invoke = func(_ context.Context, _ *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		event.Reset()
		json.Indent(&event, in.Payload, "", " ")
		return &lambda.InvokeOutput{Payload: []byte(`{"statusCode":201,"headers":{"X-A":"1","Transfer-Encoding":"chunked"},"cookies":["c=1","d=2"],"body":"aGk=","isBase64Encoded":true}`)}, nil
	}
	w := b.do(id, "POST /x?a=1&a=2", "hello", "Content-Type", "text/plain", "X-Forwarded-For", "10.0.0.1", "Connection", "close", "X-Amzn-Trace-Id", "Root=1")
	if w.Code != 201 || w.Body.String() != "hi" || fmt.Sprint(w.Header()["Set-Cookie"]) != "[c=1 d=2]" || w.Header().Get("X-A") != "1" || w.Header().Get("Content-Length") != "2" || w.Header().Get("Transfer-Encoding") != "" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, want := range []string{
		`"x-forwarded-for": "10.0.0.1, 127.0.0.1"`, `"x-forwarded-port": "4566"`, `"x-forwarded-proto": "http"`, `"x-amzn-trace-id": "Root=1"`, `"content-length": "5"`,
		`"host": "` + id + `.execute-api.localhost:4566"`, `"domainName": "` + id + `.execute-api.localhost"`, `"body": "hello"`, `"a": "1,2"`,
	} {
		if !strings.Contains(event.String(), want) {
			t.Errorf("the event has no %s: %s", want, event.String())
		}
	}
	if strings.Contains(event.String(), `"connection"`) {
		t.Errorf("the event has headers of the connection: %s", event.String())
	}
}

// Changes under load never leave an old version in memory.
func TestCacheKeepsNothingOld(t *testing.T) {
	b := newBench(t)
	id := b.importAPI("2.0", "", "GET /x")
	_, before := b.cache.Get(id)
	a, err := b.serve(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	b.cache.Drop(id)
	b.cache.Put(id, a, before)
	if kept, _ := b.cache.Get(id); kept != nil {
		t.Error("what was read before a change is kept after it")
	}
}

// Requests cost the same with five routes and with five thousand.
func BenchmarkServe(b *testing.B) {
	for _, n := range []int{5, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newBench(b)
			var keys []string
			for i := range n {
				keys = append(keys, fmt.Sprintf("GET /things%d/{id}", i))
			}
			id := w.importAPI("2.0", "", keys...)
			var count atomic.Int64
			w.invoke = func(context.Context, *aws.Call, *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
				count.Add(1)
				return &lambda.InvokeOutput{Payload: []byte(`{"statusCode":200,"body":"ok"}`)}, nil
			}
			r := httptest.NewRequest(http.MethodGet, "/things3/7", nil)
			b.ReportAllocs()
			for b.Loop() {
				w.Serve(httptest.NewRecorder(), r, new(aws.Call), id)
			}
			if count.Load() == 0 {
				b.Fatal("nothing was invoked")
			}
		})
	}
}
