package apigatewayv2

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
)

// address makes an API whose route leads to an address.
func (b *bench) address(key, uri, method string, parameters map[string]string, responses map[string]map[string]string) string {
	b.t.Helper()
	made, err := b.CreateApi(b.t.Context(), b.call, &api.CreateApiInput{Name: "a", ProtocolType: "HTTP"})
	if err != nil {
		b.t.Fatal(err)
	}
	i, err := b.CreateIntegration(b.t.Context(), b.call, &api.CreateIntegrationInput{ApiId: *made.ApiId, IntegrationType: "HTTP_PROXY",
		IntegrationUri: &uri, IntegrationMethod: &method, RequestParameters: parameters, ResponseParameters: responses})
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = b.CreateRoute(b.t.Context(), b.call, &api.CreateRouteInput{ApiId: *made.ApiId, RouteKey: key, Target: new("integrations/" + *i.IntegrationId)})
	if err != nil {
		b.t.Fatal(err)
	}
	b.stage(*made.ApiId, "$default", nil)
	return *made.ApiId
}

// Requests go on to an address, changed as parameters say.
func TestForward(t *testing.T) {
	b := newBench(t)
	b.client = newClient(outbound.NewTransport(true))
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Kept", "1")
		if r.URL.Path == "/fail" {
			w.WriteHeader(418)
		}
		fmt.Fprintf(w, "%s %s %s x=%s", r.Method, r.URL.RequestURI(), body, strings.Join(r.Header["X"], ","))
	}))
	defer back.Close()
	f := func(id, request, body string, status int, want string) *httptest.ResponseRecorder {
		t.Helper()
		w := b.do(id, request, body, "X", "a")
		if w.Code != status || w.Body.String() != want {
			t.Errorf("%s: %d %q, want %d %q", request, w.Code, w.Body, status, want)
		}
		return w
	}
	id := b.address("ANY /files/{path+}", back.URL+"/to/{path}", "ANY", nil, nil)
	if w := f(id, "PUT /files/a%20b/c?q=1&q=2", "text", 200, "PUT /to/a%20b/c?q=1&q=2 text x=a"); w.Header().Get("X-Kept") != "1" {
		t.Errorf("header of the answer: %v", w.Header())
	}
	id = b.address("GET /pets", back.URL, "POST", map[string]string{
		"append:header.x": "$request.querystring.q", "overwrite:path": "/v1/$request.querystring.q", "remove:querystring.q": "''",
		"overwrite:querystring.stage": "${context.stage}-$context.httpMethod",
	}, nil)
	f(id, "GET /pets?q=7", "", 200, "POST /v1/7?stage=%24default-GET  x=a,7")
	id = b.address("GET /pets", back.URL+"/fail", "GET", nil, map[string]map[string]string{
		"418": {"overwrite:statuscode": "403", "append:header.y": "$response.header.x-kept-$context.stage", "remove:header.X-Kept": "''"},
	})
	if w := f(id, "GET /pets", "", 403, "GET /fail  x=a"); w.Header().Get("Y") == "" || w.Header().Get("X-Kept") != "" {
		t.Errorf("header of the answer: %v", w.Header())
	}
	back.Close()
	f(id, "GET /pets", "", 503, `{"message":"Service Unavailable"}`)

	// What is on this host's own networks is out of reach, unless the operator says so.
	b.client = newClient(outbound.NewTransport(false))
	f(id, "GET /pets", "", 503, `{"message":"Service Unavailable"}`)

	for _, rule := range []string{"overwrite:header", "append:path", "drop:header.x", "append:header.a b"} {
		_, err := b.CreateIntegration(t.Context(), b.call, &api.CreateIntegrationInput{ApiId: id, IntegrationType: "HTTP_PROXY",
			IntegrationUri: new("https://example.com"), IntegrationMethod: new("GET"), RequestParameters: map[string]string{rule: "x"}})
		if err == nil {
			t.Errorf("the rule %q was taken", rule)
		}
	}
}
