package acmpca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
)

// TestBlueprints holds what certificates of templates say.
func TestBlueprints(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := asn1.ObjectIdentifier{1, 2, 3, 4}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "asked.example.com"}, DNSNames: []string{"asked.example.com"}, ExtraExtensions: []pkix.Extension{authorityExtension, {Id: own, Value: []byte{5, 0}}},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	make := func(name string, with *api.ApiPassthrough) (*x509.Certificate, error) {
		b, _, err := blueprintOf("arn:aws:acm-pca:::template/" + name + "/V1")
		if err != nil {
			return nil, err
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
		if err := b.apply(c, request, with); err != nil {
			return nil, err
		}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			return nil, err
		}
		return x509.ParseCertificate(der)
	}
	f := func(name string, with *api.ApiPassthrough, authority bool, depth int, usage x509.KeyUsage, extended, extensions int, subject, host string) {
		t.Helper()
		c, err := make(name, with)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		had := 0
		for _, e := range c.Extensions {
			if e.Id.Equal(own) {
				had++
			}
		}
		if c.IsCA != authority || authority && c.MaxPathLen != depth || c.KeyUsage != usage || len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) != extended || had != extensions || c.Subject.CommonName != subject || c.VerifyHostname(host) != nil {
			t.Errorf("%s: authority %v of depth %d, usage %b, %d extended, %d own, %s %v", name, c.IsCA, c.MaxPathLen, c.KeyUsage, len(c.ExtKeyUsage), had, c.Subject.CommonName, c.DNSNames)
		}
	}
	with := &api.ApiPassthrough{Subject: &api.ASN1Subject{CommonName: new("told.example.com")}, Extensions: &api.Extensions{
		SubjectAlternativeNames: []api.GeneralName{{DnsName: new("told.example.com")}}, KeyUsage: &api.KeyUsage{KeyAgreement: new(true)},
		ExtendedKeyUsage: []api.ExtendedKeyUsage{{ExtendedKeyUsageType: new("SERVER_AUTH")}, {ExtendedKeyUsageObjectIdentifier: new("1.2.3")}},
	}}
	const asked, told = "asked.example.com", "told.example.com"
	f("EndEntityCertificate", nil, false, 0, serves, 2, 0, asked, asked)
	f("EndEntityServerAuthCertificate", nil, false, 0, serves, 1, 0, asked, asked)
	f("EndEntityCertificate_CSRPassthrough", nil, false, 0, serves, 2, 1, asked, asked)
	f("EndEntityCertificate_APIPassthrough", with, false, 0, serves, 2, 0, told, told)
	f("BlankEndEntityCertificate_APIPassthrough", with, false, 0, x509.KeyUsageKeyAgreement, 2, 0, told, told)
	f("BlankEndEntityCertificate_APICSRPassthrough", with, false, 0, x509.KeyUsageKeyAgreement, 2, 1, told, told)
	f("RootCACertificate", nil, true, -1, certifies, 0, 0, asked, asked)
	f("SubordinateCACertificate_PathLen0", nil, true, 0, certifies, 0, 0, asked, asked)
	f("SubordinateCACertificate_PathLen3", nil, true, 3, certifies, 0, 0, asked, asked)
	f("BlankSubordinateCACertificate_PathLen1_APIPassthrough", with, true, 1, x509.KeyUsageKeyAgreement, 2, 0, told, told)
	for _, name := range []string{"None", "SubordinateCACertificate_PathLen4", "SubordinateCACertificate_PathLen"} {
		if _, err := make(name, nil); err == nil {
			t.Errorf("there is a template %s", name)
		}
	}
	if _, err := make("EndEntityCertificate", with); err == nil {
		t.Error("a template without API passthrough lets it pass")
	}
}

// FuzzBlueprint holds that a template that is one is of AWS's.
func FuzzBlueprint(f *testing.F) {
	f.Add("arn:aws:acm-pca:::template/BlankEndEntityCertificate_CriticalBasicConstraints_APIPassthrough/V1")
	f.Fuzz(func(t *testing.T, text string) {
		b, name, err := blueprintOf(text)
		if err == nil && (name == "" || b.depth > 3 || b.depth < -1) {
			t.Errorf("%q is %q, %+v", text, name, b)
		}
	})
}
