package cli

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/edge"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// A world is a platform that listens for HTTPS.
type world struct {
	*platform.Platform
	t    *testing.T
	call *aws.Call
	at   string // address
}

func newWorld(t *testing.T) *world {
	p, err := platform.Start(t.Context(), platform.Config{
		Memory: true, Open: true, Endpoint: "http://localhost:4566", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
		Runner: func(func(sandbox.LogBatch)) sandbox.Runner { return new(sandbox.InProcess) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newSettings(pflag.NewFlagSet("t", pflag.ContinueOnError))
	s.flags.Set("listen-tls", "127.0.0.1:0")
	own := authority(t)
	l, err := s.listenTLS(own, p.Certificate, p.Domains.Trust, t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	server := edge.NewServer(p.Handler, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(l, l.config) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
		p.Stop()
	})
	call := &aws.Call{Account: auth.DefaultAccount, Region: "us-east-1", Principal: auth.Root(auth.DefaultAccount), RequestID: aws.NewRequestID()}
	return &world{p, t, call, l.Addr().String()}
}

func do[In, Out any](w *world, op smithy.Operation[In, Out], in *In) *Out {
	w.t.Helper()
	out, err := dispatch.Call(w.t.Context(), w.Table, w.call, op, in)
	if err != nil {
		w.t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// get asks for / of a host, over a connection that was made for another name
// with a certificate of its own, or none.
func (w *world) get(name, host string, own *tls.Certificate) (string, error) {
	config := &tls.Config{InsecureSkipVerify: true, ServerName: name}
	if own != nil {
		config.Certificates = []tls.Certificate{*own}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	r, err := http.NewRequest(http.MethodGet, "https://"+w.at+"/", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Host = host
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return answer.Status + " " + string(b), err
}

// A domain with mutual TLS lets in clients with certificates that its trust
// store signed, and tells the API of them.
func TestMutualTLS(t *testing.T) {
	w := newWorld(t)
	friends, strangers := clientAuthority(t, "friends"), clientAuthority(t, "strangers")
	do(w, s3.CreateBucket, &s3.CreateBucketInput{Bucket: "trust"})
	trust := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: friends.cert.Raw}))
	do(w, s3.PutObject, &s3.PutObjectInput{Bucket: "trust", Key: "ca.pem", Body: strings.NewReader(trust)})

	a := do(w, apigateway.CreateRestApi, &apigateway.CreateRestApiInput{Name: "a"})
	root := *a.RootResourceId
	none, get := "NONE", http.MethodGet
	do(w, apigateway.PutMethod, &apigateway.PutMethodInput{RestApiId: *a.Id, ResourceId: root, HttpMethod: get, AuthorizationType: none})
	do(w, apigateway.PutIntegration, &apigateway.PutIntegrationInput{RestApiId: *a.Id, ResourceId: root, HttpMethod: get, Type: "MOCK",
		RequestTemplates: map[string]string{"application/json": `{"statusCode":200}`}})
	do(w, apigateway.PutMethodResponse, &apigateway.PutMethodResponseInput{RestApiId: *a.Id, ResourceId: root, HttpMethod: get, StatusCode: "200"})
	do(w, apigateway.PutIntegrationResponse, &apigateway.PutIntegrationResponseInput{RestApiId: *a.Id, ResourceId: root, HttpMethod: get, StatusCode: "200",
		ResponseTemplates: map[string]string{"application/json": `$context.domainName $context.identity.clientCert.subjectDN $context.identity.clientCert.issuerDN`}})
	stage := "prod"
	do(w, apigateway.CreateDeployment, &apigateway.CreateDeploymentInput{RestApiId: *a.Id, StageName: &stage})
	for _, name := range []string{"closed.example.com", "open.example.com"} {
		in := &apigateway.CreateDomainNameInput{DomainName: name, EndpointConfiguration: &apigateway.EndpointConfiguration{Types: []string{"REGIONAL"}}}
		if name == "closed.example.com" {
			in.MutualTlsAuthentication = &apigateway.MutualTlsAuthenticationInput{TruststoreUri: new("s3://trust/ca.pem")}
		}
		do(w, apigateway.CreateDomainName, in)
		do(w, apigateway.CreateBasePathMapping, &apigateway.CreateBasePathMappingInput{DomainName: name, RestApiId: *a.Id, Stage: &stage})
	}

	got, err := w.get("closed.example.com", "closed.example.com", friends.sign(t, "eve"))
	if want := "200 OK closed.example.com C=DE,O=Example,CN=eve C=DE,O=Example,CN=friends"; err != nil || got != want {
		t.Errorf("a friend: got %q, %v, want %q", got, err, want)
	}
	if got, err := w.get("closed.example.com", "closed.example.com", nil); err == nil {
		t.Errorf("nobody: got %q", got)
	}
	if got, err := w.get("closed.example.com", "closed.example.com", strangers.sign(t, "eve")); err == nil {
		t.Errorf("a stranger: got %q", got)
	}
	if got, err := w.get("open.example.com", "open.example.com", nil); err != nil || !strings.HasPrefix(got, "200 OK open.example.com") {
		t.Errorf("an open domain: got %q, %v", got, err)
	}
	// Who is let in at one name is not in at another.
	for _, name := range []string{"open.example.com", "x.execute-api.localhost", ""} {
		if got, err := w.get(name, "closed.example.com", nil); err != nil || got != `403 Forbidden {"message":"Forbidden"}` {
			t.Errorf("by %q: got %q, %v", name, got, err)
		}
	}
	_, err = dispatch.Call(t.Context(), w.Table, w.call, apigateway.CreateDomainName, &apigateway.CreateDomainNameInput{
		DomainName: "third.example.com", EndpointConfiguration: &apigateway.EndpointConfiguration{Types: []string{"REGIONAL"}},
		MutualTlsAuthentication: &apigateway.MutualTlsAuthenticationInput{TruststoreUri: new("s3://trust/none.pem")},
	})
	if err == nil || aws.Refusal(err).Code != "BadRequestException" {
		t.Errorf("a trust store that is not there: got %v", err)
	}
}
