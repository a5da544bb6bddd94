package acm

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	day      = 24 * time.Hour
	lifetime = 198 * day // of AWS's public certificates, since 2026
	renewal  = 60 * day  // before the end
)

// newID is what a new certificate is called.
func newID() string { return aws.NewRequestID() }

// newKey makes a private key of an algorithm, in PKCS #8.
func newKey(algorithm string) ([]byte, error) {
	var key any
	var err error
	switch algorithm {
	case "EC_prime256v1":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EC_secp384r1":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "RSA_2048":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		return nil, api.ValidationException.Errorf("%s is not a key algorithm of requested certificates.", algorithm)
	}
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// runDue does what certificates are due for.
func (s *Service) runDue(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.db, func(tx *store.Tx, _ time.Time, arn aws.ARN) error {
		c, err := find(tx, arn)
		if err != nil {
			return err
		}
		c.Due = time.Time{}
		if c.Type != issuedHere {
			c.Status = expired
			return s.put(tx, arn, c)
		}
		return s.issue(tx, arn, &c)
	})
}

// issue makes the certificate that c is to be, or the one that follows it.
func (s *Service) issue(tx *store.Tx, arn aws.ARN, c *certificate) error {
	key, err := s.key(arn, c)
	if err != nil {
		return fmt.Errorf("key of %s: %w", arn, err)
	}
	var number [16]byte
	rand.Read(number[:])
	number[0] &= 0x7f
	now := time.Now().UTC().Truncate(time.Second)
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(number[:]),
		Subject:      pkix.Name{CommonName: c.Domain},
		DNSNames:     c.Names,
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if c.Leaf, err = s.authority.Sign(t, key.Public()); err != nil {
		return fmt.Errorf("issue %s: %w", arn, err)
	}
	c.Chain = s.authority.PEM()
	if c.Status == issued {
		c.Renewed = now
	} else {
		c.Issued = now
	}
	c.Status = issued
	if err := dues.Move(tx, arn, &c.Due, t.NotAfter.Add(-renewal), s.due); err != nil {
		return err
	}
	return s.put(tx, arn, *c)
}

// RenewCertificate renews a certificate before its time.
func (s *Service) RenewCertificate(ctx context.Context, call *aws.Call, in *api.RenewCertificateInput) (*api.RenewCertificateOutput, error) {
	return &api.RenewCertificateOutput{}, s.change(ctx, call, in.CertificateArn, func(tx *store.Tx, arn aws.ARN, c *certificate) error {
		if c.eligible() != "ELIGIBLE" {
			return api.ValidationException.Errorf("Certificate %s is not eligible for renewal.", arn)
		}
		return dues.Move(tx, arn, &c.Due, time.Now().UTC(), s.due)
	})
}

// Certificate returns the certificate that an ARN names, with its key, for
// servers to show; nil if there is none that is valid.
func (s *Service) Certificate(ctx context.Context, text string) (*tls.Certificate, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "acm" {
		return nil, nil
	}
	var c certificate
	err = s.db.View(ctx, func(tx *store.Tx) error {
		c, err = certificates.Get(tx, arn)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && c.Status != issued {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := s.key(arn, &c)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(c.Leaf)
	if err != nil {
		return nil, err
	}
	out := &tls.Certificate{Certificate: [][]byte{c.Leaf}, PrivateKey: key, Leaf: leaf}
	for block, rest := pem.Decode(c.Chain); block != nil; block, rest = pem.Decode(rest) {
		out.Certificate = append(out.Certificate, block.Bytes)
	}
	return out, nil
}

func serialText(c *x509.Certificate) string {
	digits := hex.EncodeToString(c.SerialNumber.Bytes())
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	return b.String()
}

func subjectText(c *x509.Certificate) string { return c.Subject.String() }

func issuerText(c *x509.Certificate) string {
	if len(c.Issuer.Organization) > 0 {
		return c.Issuer.Organization[0]
	}
	return c.Issuer.CommonName
}

// signatureText names how c is signed, as AWS does: SHA256WITHRSA.
func signatureText(c *x509.Certificate) string {
	hash, kind := "RSA", c.SignatureAlgorithm.String()
	if before, after, ok := strings.Cut(kind, "-"); ok {
		hash, kind = after, before
	}
	return hash + "WITH" + kind
}

var usageNames = []struct {
	bit  x509.KeyUsage
	name string
}{
	{x509.KeyUsageDigitalSignature, "DIGITAL_SIGNATURE"},
	{x509.KeyUsageContentCommitment, "NON_REPUDIATION"},
	{x509.KeyUsageKeyEncipherment, "KEY_ENCIPHERMENT"},
	{x509.KeyUsageDataEncipherment, "DATA_ENCIPHERMENT"},
	{x509.KeyUsageKeyAgreement, "KEY_AGREEMENT"},
	{x509.KeyUsageCertSign, "CERTIFICATE_SIGNING"},
	{x509.KeyUsageCRLSign, "CRL_SIGNING"},
}

func usages(c *x509.Certificate) []string {
	var out []string
	for _, u := range usageNames {
		if c.KeyUsage&u.bit != 0 {
			out = append(out, u.name)
		}
	}
	return out
}

var extendedNames = map[x509.ExtKeyUsage][2]string{
	x509.ExtKeyUsageServerAuth:      {"TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1"},
	x509.ExtKeyUsageClientAuth:      {"TLS_WEB_CLIENT_AUTHENTICATION", "1.3.6.1.5.5.7.3.2"},
	x509.ExtKeyUsageCodeSigning:     {"CODE_SIGNING", "1.3.6.1.5.5.7.3.3"},
	x509.ExtKeyUsageEmailProtection: {"EMAIL_PROTECTION", "1.3.6.1.5.5.7.3.4"},
	x509.ExtKeyUsageTimeStamping:    {"TIME_STAMPING", "1.3.6.1.5.5.7.3.8"},
	x509.ExtKeyUsageOCSPSigning:     {"OCSP_SIGNING", "1.3.6.1.5.5.7.3.9"},
	x509.ExtKeyUsageAny:             {"ANY", "2.5.29.37.0"},
}

func extendedUsages(c *x509.Certificate) []api.ExtendedKeyUsage {
	var out []api.ExtendedKeyUsage
	for _, u := range c.ExtKeyUsage {
		if n, ok := extendedNames[u]; ok {
			out = append(out, api.ExtendedKeyUsage{Name: new(n[0]), OID: new(n[1])})
		}
	}
	return out
}
