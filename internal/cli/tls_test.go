package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"

	"github.com/aloft-cloud/aloft/internal/ca"
	"github.com/aloft-cloud/aloft/internal/edge"
)

// files writes a certificate for a name, made by an authority, and its key.
func files(t *testing.T, of *ca.Authority, name string) (cert, key string) {
	t.Helper()
	pair, err := of.Host(name)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", pair.Certificate[0]), write("key.pem", "PRIVATE KEY", der)
}

// nobody wants certificates of clients.
func nobody(context.Context, string) *x509.CertPool { return nil }

// nothing is shown for any name.
func nothing(context.Context, string) (*tls.Certificate, error) { return nil, nil }

// A name has the certificate of the files if that is for it, then what the
// domain of that name shows, and else one of Aloft's own authority; all over
// HTTP/2.
func TestCertificates(t *testing.T) {
	own, err := ca.Open("")
	if err != nil {
		t.Fatal(err)
	}
	other, err := ca.Open("")
	if err != nil {
		t.Fatal(err)
	}
	cert, key := files(t, other, "api.example.com")
	s := newSettings(pflag.NewFlagSet("t", pflag.ContinueOnError))
	for name, value := range map[string]string{"listen-tls": "127.0.0.1:0", "tls-cert": cert, "tls-key": key} {
		if err := s.flags.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	third, err := ca.Open("")
	if err != nil {
		t.Fatal(err)
	}
	show := func(_ context.Context, name string) (*tls.Certificate, error) {
		if name == "shop.example.com" {
			return third.Host(name)
		}
		return nil, nil
	}
	l, err := s.listenTLS(own, show, nobody, t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	server := edge.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }), slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(l, l.config) }()
	defer func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()

	f := func(name string, authority *ca.Authority) {
		t.Helper()
		roots := x509.NewCertPool()
		roots.AddCert(authority.Certificate())
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
		}}
		answer, err := client.Get("https://" + l.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		defer answer.Body.Close()
		if b, _ := io.ReadAll(answer.Body); string(b) != "HTTP/2.0" {
			t.Errorf("%s: spoke %s", name, b)
		}
	}
	f("api.example.com", other)
	f("shop.example.com", third)
	f("abc.execute-api.localhost", own)

	s.flags.Set("tls-key", "")
	if _, err := s.listenTLS(own, nothing, nobody, t.TempDir(), true); err == nil {
		t.Error("a certificate without its key was taken")
	}
	s.flags.Set("listen-tls", "0.0.0.0:0")
	if _, err := s.listenTLS(own, nothing, nobody, t.TempDir(), true); err == nil {
		t.Error("dev listens on all addresses")
	}
}
