package apigatewayv2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/coder/websocket"

	manage "github.com/aloft-cloud/aloft/internal/api/apigatewaymanagementapi"
	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/websocket"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A chat is a WebSocket API on a server of its own, all of whose routes lead to
// the bench's function.
type chat struct {
	*bench
	api    string
	server *httptest.Server

	mu     sync.Mutex
	events []proxy.SocketEvent
	answer func(e proxy.SocketEvent) (string, error)
}

func newChat(t *testing.T, authorizer bool) *chat {
	c := &chat{bench: newBench(t)}
	c.cfg.Auth = c
	c.cfg.Table.Add(c.Management())
	c.answer = func(proxy.SocketEvent) (string, error) { return `{"statusCode":200}`, nil }
	c.invoke = func(_ context.Context, _ *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		var e proxy.SocketEvent
		if err := json.Unmarshal(in.Payload, &e); err != nil {
			return nil, err
		}
		c.mu.Lock()
		c.events = append(c.events, e)
		answer := c.answer
		c.mu.Unlock()
		text, err := answer(e)
		if err != nil {
			return &lambda.InvokeOutput{FunctionError: new("Unhandled"), Payload: []byte(err.Error())}, nil
		}
		return &lambda.InvokeOutput{Payload: []byte(text)}, nil
	}
	ctx := t.Context()
	made, err := c.CreateApi(ctx, c.call, &api.CreateApiInput{Name: "chat", ProtocolType: "WEBSOCKET", RouteSelectionExpression: new("$request.body.action")})
	must(t, err)
	c.api = *made.ApiId
	if !strings.HasPrefix(*made.ApiEndpoint, "ws://"+c.api+".execute-api.") {
		t.Errorf("endpoint %s", *made.ApiEndpoint)
	}
	i, err := c.CreateIntegration(ctx, c.call, &api.CreateIntegrationInput{ApiId: c.api, IntegrationType: "AWS_PROXY",
		IntegrationUri: new("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + function + "/invocations")})
	must(t, err)
	target := "integrations/" + *i.IntegrationId
	for _, key := range []string{"$connect", "$disconnect", "$default", "ask"} {
		in := &api.CreateRouteInput{ApiId: c.api, RouteKey: key, Target: &target}
		if key == "ask" {
			in.RouteResponseSelectionExpression = new("$default")
		}
		if key == "$connect" && authorizer {
			a, err := c.CreateAuthorizer(ctx, c.call, &api.CreateAuthorizerInput{ApiId: c.api, Name: "a", AuthorizerType: "REQUEST",
				AuthorizerUri: i.IntegrationUri, IdentitySource: []string{"route.request.querystring.token"}})
			must(t, err)
			in.AuthorizationType, in.AuthorizerId = new("CUSTOM"), a.AuthorizerId
		}
		_, err := c.CreateRoute(ctx, c.call, in)
		must(t, err)
	}
	d, err := c.CreateDeployment(ctx, c.call, &api.CreateDeploymentInput{ApiId: c.api})
	must(t, err)
	_, err = c.CreateStage(ctx, c.call, &api.CreateStageInput{ApiId: c.api, StageName: "dev", DeploymentId: d.DeploymentId})
	must(t, err)

	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.Serve(w, r, &aws.Call{RequestID: "r", SourceIP: "127.0.0.1", Host: r.Host}, c.api)
	}))
	ctx, stop := context.WithCancel(context.Background())
	var tasks task.Group
	tasks.Start(ctx, task.Task{Name: "sockets", Run: c.keepSockets})
	t.Cleanup(func() { stop(); tasks.Wait(); c.server.Close() })
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Authenticate takes everybody for root.
func (c *chat) Authenticate(*http.Request, string, []byte) (*aws.Call, error) { return c.call, nil }

func (c *chat) dial(t *testing.T, query string) (*client.Conn, int) {
	t.Helper()
	conn, answer, err := client.Dial(t.Context(), c.server.URL+"/dev"+query, &client.DialOptions{Subprotocols: []string{"v1", "v2"}})
	if err != nil {
		if answer == nil {
			t.Fatal(err)
		}
		return nil, answer.StatusCode
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn, answer.StatusCode
}

func (c *chat) last(kind string) *proxy.SocketEvent {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.events) - 1; i >= 0; i-- {
		if c.events[i].Context.EventType == kind && c.events[i].Type == "" {
			return &c.events[i]
		}
	}
	return nil
}

func read(t *testing.T, conn *client.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, b, err := conn.Read(ctx)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func send(t *testing.T, conn *client.Conn, text string) {
	t.Helper()
	must(t, conn.Write(t.Context(), client.MessageText, []byte(text)))
}

// A client connects, asks, hears what others post to it, and leaves.
func TestSocket(t *testing.T) {
	c := newChat(t, false)
	c.answer = func(e proxy.SocketEvent) (string, error) {
		switch {
		case e.Context.EventType == "CONNECT":
			return `{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"v2"}}`, nil
		case e.Body != nil && strings.Contains(*e.Body, "boom"):
			return "", errors.New("{}")
		case e.Body != nil:
			return fmt.Sprintf(`{"statusCode":200,"body":%q}`, *e.Body), nil
		}
		return `{"statusCode":200}`, nil
	}
	conn, _ := c.dial(t, "?room=7&room=8")
	if conn == nil || conn.Subprotocol() != "v2" {
		t.Fatalf("subprotocol: %v", conn)
	}
	e := c.last("CONNECT")
	if e.Query["room"] != "8" || len(e.MultiValueQuery["room"]) != 2 || e.Context.RouteKey != "$connect" || e.Context.Stage != "dev" || e.Context.ConnectionID == "" || e.Headers["Host"] == "" {
		t.Errorf("event of $connect: %+v", e)
	}
	id := e.Context.ConnectionID
	send(t, conn, `{"action":"ask","n":1}`)
	if got := read(t, conn); got != `{"action":"ask","n":1}` {
		t.Errorf("the answer is %s", got)
	}
	send(t, conn, `{"action":"other"}`) // goes to $default, which does not answer
	send(t, conn, `{"action":"ask","boom":1}`)
	if got := read(t, conn); !strings.HasPrefix(got, `{"message":"Internal server error","connectionId":"`+id+`","requestId":"`) {
		t.Errorf("the answer of a function that failed is %s", got)
	}
	if e := c.last("MESSAGE"); e.Context.RouteKey != "ask" || e.Context.MessageID == "" || *e.Base64 {
		t.Errorf("event of a message: %+v", e)
	}

	// Back ends reach the client by its id.
	status := func(method, id, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), method, c.server.URL+"/dev/@connections/"+strings.ReplaceAll(id, "=", "%3D"), strings.NewReader(body))
		must(t, err)
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		answer.Body.Close()
		return answer.StatusCode
	}
	if got := status("POST", id, "hello"); got != 200 || read(t, conn) != "hello" {
		t.Errorf("posting: %d", got)
	}
	if got := status("GET", id, ""); got != 200 {
		t.Errorf("getting: %d", got)
	}
	if got := status("POST", "none=", "hello"); got != 410 {
		t.Errorf("posting to nobody: %d", got)
	}
	if got := status("POST", id, strings.Repeat("x", websocket.MaxMessage+1)); got != 413 {
		t.Errorf("posting too much: %d", got)
	}
	c.denied = true
	if got := status("POST", id, "hello"); got != 403 {
		t.Errorf("posting without permission: %d", got)
	}
	c.denied = false
	if got := status("DELETE", id, ""); got != 204 {
		t.Errorf("deleting: %d", got)
	}
	if got := read(t, conn); !strings.Contains(got, "StatusNormalClosure") {
		t.Errorf("after deletion: %s", got)
	}
	eventually(t, func() bool { e := c.last("DISCONNECT"); return e != nil && *e.Context.Status == 1000 })
	if _, err := dispatch.Call(t.Context(), c.cfg.Table, c.call, manage.GetConnection, &manage.GetConnectionInput{ConnectionId: id}); !errors.Is(err, manage.GoneException) {
		t.Errorf("getting a connection that is gone: %v", err)
	}
}

// eventually waits for what happens in other goroutines.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal("it does not happen")
		case <-time.After(time.Millisecond):
		}
	}
}

// The function of $connect keeps clients out, and so does its authorizer.
func TestSocketAdmission(t *testing.T) {
	c := newChat(t, true)
	c.answer = func(e proxy.SocketEvent) (string, error) {
		if e.Type == "REQUEST" {
			effect := "Deny"
			if e.Query["token"] != "bad" {
				effect = "Allow"
			}
			return fmt.Sprintf(`{"principalId":"eve","context":{"k":"v"},"policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":%q,"Action":"execute-api:Invoke","Resource":%q}]}}`, effect, e.MethodARN), nil
		}
		if e.Context.EventType == "CONNECT" && e.Query["token"] == "banned" {
			return `{"statusCode":401}`, nil
		}
		return `{"statusCode":200}`, nil
	}
	f := func(query string, want int) {
		t.Helper()
		if _, got := c.dial(t, query); got != want {
			t.Errorf("connecting with %q: %d, want %d", query, got, want)
		}
	}
	f("", 401)
	f("?token=bad", 403)
	f("?token=banned", 401)
	f("?token=good", 101)
	if got := string(c.last("CONNECT").Context.Authorizer); got != `{"principalId":"eve","k":"v"}` {
		t.Errorf("authorizer: %s", got)
	}
}

// What is too long ends the connection.
func TestSocketLimits(t *testing.T) {
	c := newChat(t, false)
	conn, _ := c.dial(t, "")
	send(t, conn, `"`+strings.Repeat("x", websocket.MaxMessage)+`"`)
	if got := read(t, conn); !strings.Contains(got, "StatusMessageTooBig") {
		t.Errorf("after a long message: %s", got)
	}
	eventually(t, func() bool { e := c.last("DISCONNECT"); return e != nil && *e.Context.Status == 1009 })
}
