package events_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// start starts a platform, that may reach this host if it is open.
func start(t *testing.T, open bool) (try func(service, operation, in string) ([]byte, error), must func(service, operation, in string) map[string]any) {
	p, err := platform.Start(t.Context(), platform.Config{
		Memory: true, Open: open, Log: slog.New(slog.DiscardHandler),
		Runner: func(func(sandbox.LogBatch)) sandbox.Runner { return new(sandbox.InProcess) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop() })
	call := &aws.Call{Account: "000000000000", Region: "us-east-1", Principal: aws.Principal{Kind: aws.Root, Account: "000000000000", ARN: "arn:aws:iam::000000000000:root"}}
	try = func(service, operation, in string) ([]byte, error) {
		return p.Table.CallJSON(t.Context(), call, service, operation, []byte(in))
	}
	return try, func(service, operation, in string) map[string]any {
		t.Helper()
		out, err := try(service, operation, in)
		if err != nil {
			t.Fatalf("%s %s: %v", service, operation, err)
		}
		var v map[string]any
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// An endpoint notes what it is asked.
type endpoint struct {
	mu   sync.Mutex
	seen []string
	*httptest.Server
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/token" {
			if !strings.Contains(string(body), "client_secret=s3cret") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			io.WriteString(w, `{"access_token":"t-1","expires_in":60}`)
			return
		}
		e.mu.Lock()
		e.seen = append(e.seen, strings.Join([]string{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("X-Key"), r.Header.Get("X-More"), string(body)}, " "))
		first := len(e.seen) == 1
		e.mu.Unlock()
		if first {
			w.WriteHeader(http.StatusServiceUnavailable) // it is asked again
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// wait returns what was asked, when it was asked n times.
func (e *endpoint) wait(t *testing.T, n int) []string {
	for range 500 {
		e.mu.Lock()
		seen := e.seen
		e.mu.Unlock()
		if len(seen) >= n {
			return seen
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("asked %d times, want %d: %q", len(e.seen), n, e.seen)
	return nil
}

// rule sends events of the source x to a new API destination at url.
func rule(call func(service, operation, in string) map[string]any, connection, url, parameters string) {
	call("iam", "CreateRole", `{"RoleName":"r","AssumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"}`)
	call("iam", "PutRolePolicy", `{"RoleName":"r","PolicyName":"p","PolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"events:InvokeApiDestination\",\"Resource\":\"*\"}]}"}`)
	c := call("events", "CreateConnection", connection)["ConnectionArn"].(string)
	d := call("events", "CreateApiDestination", `{"Name":"d","ConnectionArn":"`+c+`","InvocationEndpoint":"`+url+`","HttpMethod":"POST"}`)["ApiDestinationArn"].(string)
	call("events", "PutRule", `{"Name":"r","EventPattern":"{\"source\":[\"x\"]}"}`)
	call("events", "PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"`+d+`","RoleArn":"arn:aws:iam::000000000000:role/r","InputPath":"$.detail"`+parameters+`}]}`)
	call("events", "PutEvents", `{"Entries":[{"Source":"x","DetailType":"t","Detail":"{\"n\":1}"}]}`)
}

func TestAPIDestination(t *testing.T) {
	e := newEndpoint(t)
	_, call := start(t, true)
	rule(call, `{"Name":"c","AuthorizationType":"API_KEY","AuthParameters":{"ApiKeyAuthParameters":{"ApiKeyName":"x-key","ApiKeyValue":"s3cret"},
		"InvocationHttpParameters":{"QueryStringParameters":[{"Key":"q","Value":"1"}],"BodyParameters":[{"Key":"m","Value":"2"}]}}}`,
		e.URL+"/hooks/*/x", `,"HttpParameters":{"PathParameterValues":["a/b"],"HeaderParameters":{"X-More":"yes"}}`)
	seen := e.wait(t, 2)
	want := `POST /hooks/a%2Fb/x?q=1  s3cret yes {"m":"2","n":1}`
	if seen[0] != want || seen[1] != want {
		t.Errorf("asked %q, want twice %q", seen, want)
	}
}

func TestOAuth(t *testing.T) {
	e := newEndpoint(t)
	_, call := start(t, true)
	rule(call, `{"Name":"c","AuthorizationType":"OAUTH_CLIENT_CREDENTIALS","AuthParameters":{"OAuthParameters":{"ClientParameters":{"ClientID":"me","ClientSecret":"s3cret"},
		"AuthorizationEndpoint":"`+e.URL+`/token","HttpMethod":"POST"}}}`, e.URL+"/x", "")
	if seen := e.wait(t, 1); seen[0] != `POST /x Bearer t-1   {"n":1}` {
		t.Errorf("asked %q", seen)
	}
	if state := call("events", "DescribeConnection", `{"Name":"c"}`)["ConnectionState"]; state != "AUTHORIZED" {
		t.Errorf("the connection is %v", state)
	}
}

// TestPrivate holds that a platform that is not local asks no host near it.
func TestPrivate(t *testing.T) {
	p, call := start(t, false)
	c := call("events", "CreateConnection", `{"Name":"c","AuthorizationType":"BASIC","AuthParameters":{"BasicAuthParameters":{"Username":"a","Password":"b"}}}`)["ConnectionArn"].(string)
	for _, host := range []string{"127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1"} {
		call("events", "CreateApiDestination", `{"Name":"d","ConnectionArn":"`+c+`","InvocationEndpoint":"https://`+host+`/x","HttpMethod":"GET"}`)
		_, err := p("events", "InvokeApiDestination", `{"Arn":"arn:aws:events:us-east-1:000000000000:api-destination/d","Body":"e30="}`)
		if err == nil || !strings.Contains(err.Error(), "not a public address") {
			t.Errorf("asking %s: %v", host, err)
		}
		call("events", "DeleteApiDestination", `{"Name":"d"}`)
	}
	if _, err := p("events", "CreateApiDestination", `{"Name":"d","ConnectionArn":"`+c+`","InvocationEndpoint":"http://example.com","HttpMethod":"GET"}`); err == nil {
		t.Error("a destination without TLS was made")
	}
}
