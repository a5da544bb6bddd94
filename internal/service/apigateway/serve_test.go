package apigateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A bench is REST APIs with a stand-in for Lambda.
type bench struct {
	*Service
	t      testing.TB
	call   *aws.Call
	invoke func(in *lambda.InvokeInput) (*lambda.InvokeOutput, error)
}

// Authorize lets all calls through.
func (b *bench) Authorize(context.Context, *aws.Call, service.Access) error { return nil }

const functionURI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations"

func newBench(t testing.TB) *bench {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &bench{t: t, call: &aws.Call{Account: "123456789012", Region: "us-east-1"}}
	b.invoke = func(in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		body, _ := json.Marshal(map[string]any{"statusCode": 200, "body": string(in.Payload)})
		return &lambda.InvokeOutput{Payload: body}, nil
	}
	table := dispatch.NewTable(b, dispatch.Observer{})
	table.Add(service.Definition{API: lambda.API, Operations: []service.Operation{
		service.Op(lambda.Invoke, func(_ context.Context, _ *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			return b.invoke(in)
		}, service.Any),
	}})
	b.Service = New(Config{DB: db, Domains: domain.New(db, "localhost"), Table: table, Local: true, Private: true, Log: slog.New(slog.DiscardHandler)})
	return b
}

// deploy makes an API of the members of a document, with the stage dev.
func (b *bench) deploy(document string) string {
	b.t.Helper()
	row, err := b.ImportRestApi(b.t.Context(), b.call, &api.ImportRestApiInput{Body: []byte(`{"swagger":"2.0","info":{"title":"t"},` + document + `}`)})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.CreateDeployment(b.t.Context(), b.call, &api.CreateDeploymentInput{RestApiId: *row.Id, StageName: new("dev")}); err != nil {
		b.t.Fatal(err)
	}
	return *row.Id
}

// do asks an API: "GET /dev/path", with headers as k, v.
func (b *bench) do(id, request, body string, headers ...string) *httptest.ResponseRecorder {
	method, uri, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, uri, strings.NewReader(body))
	r.Host = id + ".execute-api.localhost:4566"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.Serve(w, r, &aws.Call{SourceIP: "127.0.0.1"}, id)
	return w
}

const proxied = `{"x-amazon-apigateway-any-method":{"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":"` + functionURI + `"}}}`

// What functions see of paths and queries, as AWS was recorded.
func TestProxyEvent(t *testing.T) {
	b := newBench(t)
	id := b.deploy(`"paths":{"/{proxy+}":` + proxied + `,"/hardcoded":` + proxied + `}`)
	f := func(request, path, context, proxy, query string) {
		t.Helper()
		w := b.do(id, request, "")
		var e struct {
			Path                            string
			PathParameters                  map[string]string
			MultiValueQueryStringParameters map[string][]string
			RequestContext                  struct{ Path string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatalf("%s: %d %s", request, w.Code, w.Body)
		}
		got, _ := json.Marshal(e.MultiValueQueryStringParameters)
		if e.Path != path || e.RequestContext.Path != context || e.PathParameters["proxy"] != proxy || string(got) != query {
			t.Errorf("%s: got path %s, context %s, proxy %s, query %s", request, e.Path, e.RequestContext.Path, e.PathParameters["proxy"], got)
		}
	}
	f("GET /dev/proxy-value", "/proxy-value", "/dev/proxy-value", "proxy-value", "null")
	f("GET /dev/proxy-value/", "/proxy-value/", "/dev/proxy-value/", "proxy-value", "null")
	f("GET /dev/proxy-value//double-slash", "/proxy-value//double-slash", "/dev/proxy-value//double-slash", "proxy-value//double-slash", "null")
	f("GET /dev//proxy-value", "/proxy-value", "/dev//proxy-value", "proxy-value", "null")
	f("GET /dev//hardcoded", "/hardcoded", "/dev//hardcoded", "", "null")
	f("GET /dev/api/test%2Balias@gmail.com/test+alias", "/api/test%2Balias@gmail.com/test+alias", "/dev/api/test%2Balias@gmail.com/test+alias", "api/test%2Balias@gmail.com/test+alias", "null")
	f("GET /dev/a?email=test%2Balias@gmail.com&plus=test+alias&x=1&x=2&e", "/a", "/dev/a", "a", `{"e":[""],"email":["test+alias@gmail.com"],"plus":["test alias"],"x":["1","2"]}`)
}

// What functions may return, as AWS was recorded.
func TestProxyReply(t *testing.T) {
	b := newBench(t)
	id := b.deploy(`"paths":{"/{proxy+}":` + proxied + `}`)
	f := func(payload string, status int, body string, header ...string) {
		t.Helper()
		b.invoke = func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			return &lambda.InvokeOutput{Payload: []byte(payload)}, nil
		}
		w := b.do(id, "GET /dev/a", "")
		if w.Code != status || w.Body.String() != body || len(header) > 0 && strings.Join(w.Header()[header[0]], ", ") != header[1] {
			t.Errorf("%s: got %d %s %v", payload, w.Code, w.Body, w.Header())
		}
	}
	const broken = `{"message":"Internal server error"}`
	f(`{"statusCode":200}`, 200, "", "Content-Type", "application/json")
	f(`{"headers":{"a":"b"}}`, 200, "", "A", "b")
	f(`{"statusCode":"200","headers":{"header-bool":true}}`, 200, "", "Header-Bool", "true")
	f(`{"statusCode":200,"headers":null}`, 200, "")
	f(`{"statusCode":200,"wrongValue":"value"}`, 502, broken)
	f(`{"statusCode":"test"}`, 502, broken)
	f(`"just a string"`, 502, broken)
	f(`""`, 502, broken)
	f(`{"statusCode":200,"multiValueHeaders":{"test-multi":"x"}}`, 502, broken)
	f(`{"statusCode":200,"multiValueHeaders":{"test-multi":["value1","value2"]}}`, 200, "", "Test-Multi", "value1, value2")
	f(`{"statusCode":200,"headers":{"test-multi":"value-solo"},"multiValueHeaders":{"test-multi":["value-multi"]}}`, 200, "", "Test-Multi", "value-multi, value-solo")
	f(`{"statusCode":200,"body":"dGVzdC1kYXRh","isBase64Encoded":true}`, 200, "dGVzdC1kYXRh")
	f(`{"statusCode":200,"body":"dGVzdC1kYXRh","isBase64Encoded":false}`, 200, "dGVzdC1kYXRh")
}

// Patterns choose among responses by the function's error.
func TestSelectionPatterns(t *testing.T) {
	b := newBench(t)
	id := b.deploy(`"paths":{"/":{"get":{"responses":{"200":{},"400":{},"500":{}},"x-amazon-apigateway-integration":{"type":"aws","httpMethod":"POST","uri":"` + functionURI + `",
		"responses":{"default":{"statusCode":"200"},".*four hundred.*":{"statusCode":"400","responseTemplates":{"application/json":"{\"error\":\"$input.path('$.errorMessage')\"}"}},".*five hundred.*":{"statusCode":"500"}}}}}}`)
	f := func(payload string, failed bool, status int, body string) {
		t.Helper()
		b.invoke = func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			out := &lambda.InvokeOutput{Payload: []byte(payload), StatusCode: new(int32(200))}
			if failed {
				out.FunctionError = new("Unhandled")
			}
			return out, nil
		}
		if w := b.do(id, "GET /dev", ""); w.Code != status || w.Body.String() != body {
			t.Errorf("%s: got %d %s", payload, w.Code, w.Body)
		}
	}
	f(`"Pass"`, false, 200, `"Pass"`)
	f(`{"errorMessage":"Error: Raising four hundred from within"}`, true, 400, `{"error":"Error: Raising four hundred from within"}`)
	f(`{"errorMessage":"Error: Raising five hundred from within"}`, true, 500, `{"errorMessage":"Error: Raising five hundred from within"}`)
}

// Servers are asked with what was mapped alone, or with all that came.
func TestHTTP(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-From", "server")
		w.Header().Set("Date", "then")
		if r.URL.Path == "/missing" {
			w.WriteHeader(404)
		}
		fmt.Fprintf(w, "%s %s %s|%s|%s|%s", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("X-Mapped"), r.Header.Get("User-Agent"), body)
	}))
	defer s.Close()
	b := newBench(t)
	integration := func(kind string) string {
		return `{"parameters":[{"in":"path","name":"p","required":true}],"x-amazon-apigateway-any-method":{"responses":{"200":{"headers":{"X-Out":{"type":"string"}}},"404":{}},"x-amazon-apigateway-integration":{"type":"` + kind + `","httpMethod":"ANY","uri":"` + s.URL + `/{p}",
			"requestParameters":{"integration.request.path.p":"method.request.path.p","integration.request.header.X-Mapped":"method.request.header.X-In","integration.request.querystring.m":"'1'"},
			"responses":{"default":{"statusCode":"200","responseParameters":{"method.response.header.X-Out":"integration.response.header.X-From"}},"404":{"statusCode":"404"}}}}}`
	}
	id := b.deploy(`"paths":{"/http/{p}":` + integration("http") + `,"/proxy/{p}":` + integration("http_proxy") + `}`)
	f := func(request string, status int, body, header, value string) {
		t.Helper()
		w := b.do(id, request, "hi", "X-In", "in", "User-Agent", "me")
		if got := strings.ReplaceAll(w.Body.String(), id, "ID"); w.Code != status || got != body || w.Header().Get(header) != value {
			t.Errorf("%s: got %d %s %v", request, w.Code, got, w.Header())
		}
	}
	f("POST /dev/http/a?q=1", 200, "POST /a m=1|in|AmazonAPIGateway_ID|hi", "X-Out", "server")
	f("PUT /dev/proxy/a?q=1", 200, "PUT /a m=1&q=1|in|me|hi", "X-From", "server")
	f("GET /dev/proxy/missing", 404, "GET /missing m=1|in|me|hi", "X-Amzn-Remapped-Date", "then")
	f("GET /dev/http/missing", 404, "GET /missing m=1|in|AmazonAPIGateway_ID|hi", "X-Out", "")
	closed := New(Config{DB: b.db, Domains: domain.New(b.db, "localhost"), Table: b.cfg.Table, Log: b.cfg.Log})
	b.Service = closed
	f("GET /dev/proxy/a", 504, `{"message":"Internal server error"}`, "X-Amzn-Errortype", "InternalServerErrorException")
}

// A plan's rate holds within two per cent, whoever comes.
func TestThrottle(t *testing.T) { synctest.Test(t, testThrottle) }

func testThrottle(t *testing.T) {
	b := newBench(t)
	id := b.deploy(`"securityDefinitions":{"api_key":{"type":"apiKey","name":"x-api-key","in":"header"}},"paths":{"/":{"get":{"security":[{"api_key":[]}],"responses":{"200":{}},
		"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}}}}}`)
	ctx := t.Context()
	key, err := b.CreateApiKey(ctx, b.call, &api.CreateApiKeyInput{Enabled: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := b.CreateUsagePlan(ctx, b.call, &api.CreateUsagePlanInput{
		Name: "p", ApiStages: []api.ApiStage{{ApiId: &id, Stage: new("dev")}}, Throttle: &api.ThrottleSettings{RateLimit: new(1000.0), BurstLimit: new(int32(100))},
		Quota: &api.QuotaSettings{Limit: new(int32(1500)), Period: new("DAY")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.CreateUsagePlanKey(ctx, b.call, &api.CreateUsagePlanKeyInput{UsagePlanId: *plan.Id, KeyId: *key.Id, KeyType: "API_KEY"}); err != nil {
		t.Fatal(err)
	}
	count := func(last time.Duration, least float64) (good, refused int64) {
		var ok, no atomic.Int64
		var wg sync.WaitGroup
		began := time.Now()
		for range 64 {
			wg.Go(func() {
				for time.Since(began) < last {
					switch w := b.do(id, "GET /dev", "", "X-Api-Key", *key.Value); w.Code {
					case 200:
						ok.Add(1)
					case 429:
						no.Add(1)
						time.Sleep(time.Millisecond)
					default:
						t.Errorf("got %d %s", w.Code, w.Body)
						return
					}
				}
			})
		}
		wg.Wait()
		took := time.Since(began)
		want := 100 + 1000*took.Seconds()
		if got := float64(ok.Load()); got > want*1.02 || got < want*least {
			t.Errorf("%v: %d were let through, want %.0f", took, ok.Load(), want)
		}
		return ok.Load(), no.Load()
	}
	good, refused := count(time.Second, 0.98)
	if refused == 0 {
		t.Error("none was refused")
	}
	more, _ := count(time.Second, 0)
	if good+more != 1500 {
		t.Errorf("%d were let through in all, and the quota is 1500", good+more)
	}
}

// Bodies are compressed from a size on, for clients that understand it.
func TestCompression(t *testing.T) {
	b := newBench(t)
	id := b.deploy(`"x-amazon-apigateway-minimum-compression-size":10,"paths":{"/{size}":{"parameters":[{"in":"path","name":"size"}],"post":{"responses":{"200":{}},"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\":$input.json('$.status')}"},
		"responses":{"default":{"statusCode":"200","responseTemplates":{"application/json":"$input.params('size')"}}}}}}}`)
	if w := b.do(id, "POST /dev/aaaaaaaaaaaaaaaaaaaa", `{"status":200}`, "Accept-Encoding", "br, gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	if w := b.do(id, "POST /dev/aaaa", `{"status":200}`, "Accept-Encoding", "gzip"); w.Body.String() != "aaaa" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	io.WriteString(g, `{"status":200}`)
	g.Close()
	if w := b.do(id, "POST /dev/aaaaaaaaaaaaaaaa", z.String(), "Content-Encoding", "gzip"); w.Body.String() != "aaaaaaaaaaaaaaaa" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := b.do(id, "POST /dev/a", "no gzip", "Content-Encoding", "gzip"); w.Code != 400 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func BenchmarkMock(b *testing.B) {
	w := newBench(b)
	id := w.deploy(`"paths":{"/":{"get":{"responses":{"200":{}},"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\": 200}"},
		"responses":{"default":{"statusCode":"200","responseTemplates":{"application/json":"{\"message\":\"hello\"}"}}}}}}}`)
	serve(b, w, id, "/dev")
}

// Requests cost the same with five routes and with five thousand.
func BenchmarkRoutes(b *testing.B) {
	for _, n := range []int{5, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newBench(b)
			var paths []string
			for i := range n {
				paths = append(paths, fmt.Sprintf(`"/things%d/{id}":%s`, i, proxied))
			}
			id := w.deploy(`"paths":{` + strings.Join(paths, ",") + `}`)
			w.invoke = func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
				return &lambda.InvokeOutput{Payload: []byte(`{"statusCode":200,"body":"ok"}`)}, nil
			}
			serve(b, w, id, "/dev/things3/7")
		})
	}
}

func serve(b *testing.B, w *bench, id, path string) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if first := w.do(id, "GET "+path, ""); first.Code != 200 {
		b.Fatalf("got %d %s", first.Code, first.Body)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Serve(httptest.NewRecorder(), r, new(aws.Call), id)
	}
}

// FuzzServe holds that no request, however strange, makes an API panic, and
// that it is answered in full.
func FuzzServe(f *testing.F) {
	f.Add("GET", "/dev/a%2Fb//c", "q=%zz&q=1", "application/json; charset", `{"a":1}`)
	b := newBench(f)
	id := b.deploy(`"x-amazon-apigateway-binary-media-types":["image/*"],"paths":{"/{p}":{"get":{"responses":{"200":{}},"x-amazon-apigateway-integration":{"type":"mock",
		"requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200","responseTemplates":{"application/json":"$input.json('$') $input.params() $context"}}}}}},
		"/f/{proxy+}":` + proxied + `}`)
	f.Fuzz(func(t *testing.T, method, path, query, contentType, body string) {
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = method, path, "", query
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Accept", contentType)
		w := httptest.NewRecorder()
		b.Serve(w, r, &aws.Call{SourceIP: "::1"}, id)
		if w.Code < 200 || w.Header().Get("X-Amzn-Requestid") == "" {
			t.Errorf("%s %s: got %d %v", method, path, w.Code, w.Header())
		}
	})
}

// FuzzPatch holds that no patch, however strange, makes a panic.
func FuzzPatch(f *testing.F) {
	f.Add("replace", "/~1a/GET/caching/ttlInSeconds", "1", "")
	f.Fuzz(func(_ *testing.T, op, path, value, from string) {
		patch := []api.PatchOperation{{Op: &op, Path: &path, Value: &value, From: &from}, {Op: &op, Path: &path}, {Op: &op}}
		for _, one := range patch {
			for _, change := range []func(c *change) error{
				func(c *change) error { return patchStage(newStage("s", "d"), c) },
				func(c *change) error { return patchAPI(newAPI("a"), c) },
				func(c *change) error { return patchMethod(&api.Method{}, c) },
				func(c *change) error { return patchIntegration(&api.Integration{Type: new(typeMock)}, c) },
				func(c *change) error {
					return patchPlan(&api.UsagePlan{ApiStages: []api.ApiStage{{ApiId: new("a"), Stage: new("s")}}}, c)
				},
				func(c *change) error { r := responseOf(nil, throttled); return patchGatewayResponse(&r, c) },
				func(c *change) error { return patchAuthorizer(&api.Authorizer{}, c) },
				func(c *change) error {
					return patchDomain(new(aws.Call), &api.DomainName{EndpointConfiguration: &api.EndpointConfiguration{Types: []string{"EDGE"}}}, c)
				},
			} {
				apply([]api.PatchOperation{one}, change)
			}
		}
	})
}
