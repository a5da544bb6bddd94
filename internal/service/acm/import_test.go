package acm

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/ca"
)

// TestReadImport imports what an authority made, and what is not that.
func TestReadImport(t *testing.T) {
	a, err := ca.Open("")
	if err != nil {
		t.Fatal(err)
	}
	b, err := ca.Open("")
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	host, err := a.Host("api.example.com")
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(host.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	other, err := newKey("EC_prime256v1")
	if err != nil {
		t.Fatal(err)
	}
	cert, key := text("CERTIFICATE", host.Certificate[0]), text("PRIVATE KEY", der)

	f := func(cert, key, chain []byte, want string) {
		t.Helper()
		c, _, err := readImport(&api.ImportCertificateInput{Certificate: cert, PrivateKey: key, CertificateChain: chain})
		if want == "" {
			if err != nil || c.Domain != "api.example.com" || c.Algorithm != "EC_prime256v1" || c.Status != issued {
				t.Errorf("import: %v, %s of %s is %s", err, c.Algorithm, c.Domain, c.Status)
			}
			return
		}
		if err == nil || !strings.Contains(aws.Refusal(err).Message, want) {
			t.Errorf("import: %v, want %s", err, want)
		}
	}
	f(cert, key, nil, "")
	f(cert, key, a.PEM(), "")
	f(cert, key, b.PEM(), "Could not validate the certificate with the certificate chain")
	f(cert, key, []byte("junk"), "chain is not valid")
	f(cert, text("PRIVATE KEY", other), nil, "does not match")
	f(cert, text("ENCRYPTED PRIVATE KEY", der), nil, "is encrypted")
	f(cert, []byte("junk"), nil, "not in PEM")
	f([]byte("junk"), key, nil, "more than one certificate")
	f(append(cert, cert...), key, nil, "more than one certificate")
}
