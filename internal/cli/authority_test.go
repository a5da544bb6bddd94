package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/ca"
)

func authority(t *testing.T) *ca.Authority {
	t.Helper()
	a, err := ca.Open("")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A signer signs certificates of clients.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func clientAuthority(t *testing.T, name string) *signer {
	t.Helper()
	s := new(signer)
	s.cert, s.key = s.make(t, name, true)
	return s
}

// sign returns a certificate of a client of that name.
func (s *signer) sign(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	cert, key := s.make(t, name, false)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (s *signer) make(t *testing.T, name string, isCA bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{Country: []string{"DE"}, Organization: []string{"Example"}, CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: isCA,
	}
	parent, by := s.cert, s.key
	if isCA {
		c.KeyUsage, parent, by = x509.KeyUsageCertSign, c, key
	} else {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c, key
}
