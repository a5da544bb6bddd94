package acm

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	acmpca "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

const monthsPrivate = 13 // that certificates of private authorities are good for

// sign has a private authority sign the certificate that c is to be, as the
// caller.
func (s *Service) sign(ctx context.Context, call *aws.Call, authority string, c *certificate) error {
	key, err := x509.ParsePKCS8PrivateKey(c.Key)
	if err != nil {
		return err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: c.Domain}, DNSNames: c.Names}, key)
	if err != nil {
		return err
	}
	as := call.Through("acm")
	of, err := dispatch.CallChecked(ctx, s.table, as, acmpca.DescribeCertificateAuthority, &acmpca.DescribeCertificateAuthorityInput{CertificateAuthorityArn: authority})
	if err != nil {
		return authorityRefusal(err)
	}
	signed, err := dispatch.CallChecked(ctx, s.table, as, acmpca.IssueCertificate, &acmpca.IssueCertificateInput{
		CertificateAuthorityArn: authority, Csr: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}),
		SigningAlgorithm: of.CertificateAuthority.CertificateAuthorityConfiguration.SigningAlgorithm, Validity: &acmpca.Validity{Type: acmpca.ValidityPeriodTypeMonths, Value: monthsPrivate},
	})
	if err != nil {
		return authorityRefusal(err)
	}
	out, err := dispatch.CallChecked(ctx, s.table, as, acmpca.GetCertificate, &acmpca.GetCertificateInput{CertificateAuthorityArn: authority, CertificateArn: *signed.CertificateArn})
	if err != nil {
		return authorityRefusal(err)
	}
	block, _ := pem.Decode([]byte(*out.Certificate))
	if block == nil {
		return errors.New("a private authority answers with no certificate")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	c.Type, c.Status, c.Authority, c.Method = private, issued, authority, ""
	c.Leaf, c.Issued = block.Bytes, time.Now().UTC().Truncate(time.Millisecond)
	if chain := aws.Value(out.CertificateChain); chain != "" {
		c.Chain = []byte(strings.TrimSuffix(chain, "\n") + "\n")
	}
	c.Ends = leaf.NotAfter
	return nil
}

// authorityRefusal says in ACM's faults why a private authority does not sign.
func authorityRefusal(err error) error {
	switch {
	case errors.Is(err, acmpca.InvalidArnException), errors.Is(err, acmpca.ResourceNotFoundException):
		return api.InvalidArnException.Errorf("%s", aws.Refusal(err).Message)
	case errors.Is(err, acmpca.InvalidStateException), errors.Is(err, acmpca.ValidationException):
		return api.InvalidArgsException.Errorf("%s", aws.Refusal(err).Message)
	}
	return err
}
