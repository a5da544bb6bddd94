package edge

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/aloft-cloud/aloft/internal/ca"
)

// A client that knows the addresses of AWS alone reaches the platform by the
// proxy, over TLS, and other hosts too, if it may.
func TestProxy(t *testing.T) {
	authority, err := ca.Open("")
	if err != nil {
		t.Fatal(err)
	}
	platform := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, r.Host+" "+string(body))
		if r.TLS == nil {
			t.Error("the request came without TLS")
		}
	})
	world := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the world") }))
	defer world.Close()
	proxy := &Proxy{Handler: platform, TLS: authority.TLS(), World: true, Log: slog.New(slog.DiscardHandler)}
	server := httptest.NewServer(proxy)
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority.Certificate())
	roots.AddCert(world.Certificate())
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(at), TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()

	for range 3 { // the connection is kept
		if got := fetch(t, client, "https://dynamodb.us-east-1.amazonaws.com/"); got != "dynamodb.us-east-1.amazonaws.com hello" {
			t.Errorf("DynamoDB's host answered %q", got)
		}
	}
	if got := fetch(t, client, world.URL); got != "the world" {
		t.Errorf("another host answered %q", got)
	}
	proxy.World = false
	client.CloseIdleConnections()
	if _, err := client.Get(world.URL); err == nil {
		t.Error("a proxy for AWS alone connected to the world")
	}
}

func fetch(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	r, err := client.Post(address, "text/plain", io.NopCloser(&helloReader{}))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type helloReader struct{ done bool }

func (h *helloReader) Read(b []byte) (int, error) {
	if h.done {
		return 0, io.EOF
	}
	h.done = true
	return copy(b, "hello"), nil
}
