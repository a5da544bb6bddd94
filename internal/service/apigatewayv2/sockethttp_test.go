package apigatewayv2

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
)

// Routes lead to servers: as messages are, or as templates make of them, with
// parameters that are mapped.
func TestSocketHTTP(t *testing.T) {
	c := newChat(t, false)
	c.client = newClient(outbound.NewTransport(true))
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "refuse") {
			w.WriteHeader(http.StatusTeapot)
		}
		io.WriteString(w, r.Method+" "+r.URL.String()+" "+r.Header.Get("Connection-Id")+" "+r.Header.Get("Content-Type")+" "+string(body))
	}))
	t.Cleanup(back.Close)
	ctx := t.Context()
	lead := func(key string, in *api.CreateIntegrationInput) string {
		t.Helper()
		in.ApiId, in.IntegrationMethod = c.api, new("PUT")
		in.RequestParameters = map[string]string{"integration.request.header.Connection-Id": "context.connectionId", "integration.request.querystring.n": "route.request.body.n"}
		i, err := c.CreateIntegration(ctx, c.call, in)
		must(t, err)
		_, err = c.CreateRoute(ctx, c.call, &api.CreateRouteInput{ApiId: c.api, RouteKey: key, Target: new("integrations/" + *i.IntegrationId), RouteResponseSelectionExpression: new("$default")})
		must(t, err)
		return *i.IntegrationId
	}
	lead("proxy", &api.CreateIntegrationInput{IntegrationType: "HTTP_PROXY", IntegrationUri: new(back.URL + "/proxy")})
	id := lead("mapped", &api.CreateIntegrationInput{IntegrationType: "HTTP", IntegrationUri: new(back.URL + "/mapped"), RequestTemplates: map[string]string{"$default": `{"text":"$input.path('$.text')"}`}})
	lead("nowhere", &api.CreateIntegrationInput{IntegrationType: "HTTP_PROXY", IntegrationUri: new("http://127.0.0.1:1/")})
	for key, template := range map[string]string{"$default": "ok: $input.body", "/4../": "refused"} {
		_, err := c.CreateIntegrationResponse(ctx, c.call, &api.CreateIntegrationResponseInput{ApiId: c.api, IntegrationId: id, IntegrationResponseKey: key, ResponseTemplates: map[string]string{"$default": template}})
		must(t, err)
	}
	d, err := c.CreateDeployment(ctx, c.call, &api.CreateDeploymentInput{ApiId: c.api})
	must(t, err)
	_, err = c.UpdateStage(ctx, c.call, &api.UpdateStageInput{ApiId: c.api, StageName: "dev", DeploymentId: d.DeploymentId})
	must(t, err)
	conn, _ := c.dial(t, "")
	me := c.last("CONNECT").Context.ConnectionID
	f := func(message, want string) {
		t.Helper()
		send(t, conn, message)
		if got := read(t, conn); !strings.HasPrefix(got, want) {
			t.Errorf("%s is answered by %s, want %s", message, got, want)
		}
	}
	f(`{"action":"proxy","n":7}`, `PUT /proxy?n=7 `+me+` application/json {"action":"proxy","n":7}`)
	f(`{"action":"mapped","n":8,"text":"hi"}`, `ok: PUT /mapped?n=8 `+me+` application/json {"text":"hi"}`)
	f(`{"action":"mapped","text":"refuse"}`, "refused")
	f(`{"action":"nowhere"}`, `{"message":"Internal server error","connectionId":"`+me+`"`)
}
