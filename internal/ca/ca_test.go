package ca

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A client that trusts the authority takes a server of its for any host.
func TestAnyHost(t *testing.T) {
	a, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", a.TLS())
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Listener.Close()
	s.Listener = l
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.Bundle())
	for _, host := range []string{"dynamodb.us-east-1.amazonaws.com", "bucket.s3.amazonaws.com", "127.0.0.1", "a_b.s3.eu-west-1.amazonaws.com"} {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: roots, ServerName: host})
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		c.Close()
	}
	for _, bad := range []string{"", "a b", "-", strings.Repeat("a", 300), "a/b"} {
		if _, err := a.Host(bad); err == nil {
			t.Errorf("a certificate for %q", bad)
		}
	}
}

// The authority is the same after a restart, its key is for its owner alone,
// and one that was mixed up is refused.
func TestKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Certificate().Equal(b.Certificate()) {
		t.Error("another authority after a restart")
	}
	if st, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("key: %v %v", st.Mode(), err)
	}
	other, _ := Open("")
	if err := os.WriteFile(filepath.Join(dir, certFile), other.PEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a key and a certificate that do not belong together were taken")
	}
}

// Java reads the key store, with its password and without.
func TestKeyStore(t *testing.T) {
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		t.Skip("needs keytool of a JDK")
	}
	a, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trust.jks")
	if err := os.WriteFile(file, a.KeyStore(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(keytool, "-list", "-keystore", file, "-storepass", keyStorePassword).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "trustedCertEntry") {
		t.Errorf("%v\n%.500s", err, out)
	}
}
