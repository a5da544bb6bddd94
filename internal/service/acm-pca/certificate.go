package acmpca

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	usualTemplate = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
	backdated     = time.Hour // clocks of others may be late
)

// IssueCertificate signs a certificate.
func (s *Service) IssueCertificate(ctx context.Context, call *aws.Call, in *api.IssueCertificateInput) (*api.IssueCertificateOutput, error) {
	arn, a, err := s.view(ctx, call, in.CertificateAuthorityArn)
	if err != nil {
		return nil, err
	}
	b, name, err := blueprintOf(aws.Or(in.TemplateArn, usualTemplate))
	if err != nil {
		return nil, err
	}
	request, err := x509.ParseCertificateRequest(readPEM(in.Csr, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"))
	if err != nil || request.CheckSignature() != nil {
		return nil, api.MalformedCSRException.Errorf("The certificate signing request is not valid.")
	}
	itself := strings.HasSuffix(name, rootTemplate) || strings.HasPrefix(name, "BlankRootCA")
	if is := a.status(); is != api.CertificateAuthorityStatusActive && (!itself || is != api.CertificateAuthorityStatusPendingCertificate) {
		return nil, errState(arn)
	}
	t, err := newTemplate(in, request, b)
	if err != nil {
		return nil, err
	}
	if t.SignatureAlgorithm, err = signature(in.SigningAlgorithm, a.Config.KeyAlgorithm); err != nil {
		return nil, err
	}
	der, err := s.sign(arn, &a, t, request, itself)
	if err != nil {
		return nil, err
	}
	key := certificateKey{arn, hex.EncodeToString(t.SerialNumber.Bytes())}
	row := certificate{DER: der, Token: aws.Value(in.IdempotencyToken), Created: now()}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, arn); err != nil {
			return err
		}
		for had, old := range certificates.Scan(tx, certificateKey{Authority: arn}) {
			if row.Token != "" && old.Token == row.Token && time.Since(old.Created) < tokenLife {
				key = had
				return nil
			}
		}
		return errors.Join(tx.Err(), certificates.Put(tx, key, row))
	})
	if err != nil {
		return nil, err
	}
	return &api.IssueCertificateOutput{CertificateArn: new(arn.String() + "/certificate/" + key.Serial)}, nil
}

// newTemplate is what a certificate is to say, but for who signs it.
func newTemplate(in *api.IssueCertificateInput, request *x509.CertificateRequest, b blueprint) (*x509.Certificate, error) {
	var number [16]byte
	rand.Read(number[:])
	number[0] = number[0]&0x7f | 0x40
	from := time.Now().UTC().Truncate(time.Second)
	t := &x509.Certificate{SerialNumber: new(big.Int).SetBytes(number[:]), NotBefore: from.Add(-backdated)}
	var err error
	if t.NotAfter, err = ends(in.Validity, from); err != nil {
		return nil, err
	}
	if in.ValidityNotBefore != nil {
		if t.NotBefore, err = ends(in.ValidityNotBefore, from); err != nil {
			return nil, err
		}
	}
	if !t.NotAfter.After(t.NotBefore) {
		return nil, api.ValidationException.Errorf("The certificate validity period ends before it begins.")
	}
	return t, b.apply(t, request, in.ApiPassthrough)
}

// sign makes the certificate that t describes, by the authority, or by the
// authority's own request.
func (s *Service) sign(arn aws.ARN, a *authority, t *x509.Certificate, request *x509.CertificateRequest, itself bool) ([]byte, error) {
	key, err := s.open(arn, a.Key)
	if err != nil {
		return nil, err
	}
	if itself {
		own, err := x509.ParseCertificateRequest(a.CSR)
		if err != nil {
			return nil, err
		}
		if a.Type != api.CertificateAuthorityTypeRoot || string(own.RawSubjectPublicKeyInfo) != string(request.RawSubjectPublicKeyInfo) {
			return nil, api.ValidationException.Errorf("The template of root certificates is for the request of a root certificate authority itself.")
		}
		return x509.CreateCertificate(rand.Reader, t, t, request.PublicKey, key)
	}
	parent, err := x509.ParseCertificate(a.Cert)
	if err != nil {
		return nil, err
	}
	if t.NotAfter.After(parent.NotAfter) {
		return nil, api.ValidationException.Errorf("The certificate validity specified exceeds the certificate authority validity.")
	}
	if a.Usage == api.CertificateAuthorityUsageModeShortLivedCertificate && time.Until(t.NotAfter) > 7*24*time.Hour {
		return nil, api.ValidationException.Errorf("The certificate validity exceeds 7 days, which is the most of a certificate authority of short-lived certificates.")
	}
	if t.IsCA && (parent.MaxPathLenZero || parent.MaxPathLen > 0 && (t.MaxPathLen < 0 || t.MaxPathLen >= parent.MaxPathLen)) {
		return nil, api.ValidationException.Errorf("The path length of the certificate authority does not allow this certificate.")
	}
	return x509.CreateCertificate(rand.Reader, t, parent, request.PublicKey, key)
}

// ends is the time that a validity says.
func ends(v *api.Validity, from time.Time) (time.Time, error) {
	switch v.Type {
	case api.ValidityPeriodTypeDays:
		return from.AddDate(0, 0, int(v.Value)), nil
	case api.ValidityPeriodTypeMonths:
		return from.AddDate(0, int(v.Value), 0), nil
	case api.ValidityPeriodTypeYears:
		return from.AddDate(int(v.Value), 0, 0), nil
	case api.ValidityPeriodTypeAbsolute:
		return time.Unix(v.Value, 0).UTC(), nil
	}
	for _, layout := range []string{"20060102150405", "060102150405"} {
		if t, err := time.Parse(layout, strconv.FormatInt(v.Value, 10)); err == nil {
			return t, nil
		}
	}
	return time.Time{}, api.InvalidArgsException.Errorf("The validity %d is not of the form YYYYMMDDHHMMSS.", v.Value)
}

// GetCertificate returns a certificate that an authority has signed, and those
// above it.
func (s *Service) GetCertificate(ctx context.Context, call *aws.Call, in *api.GetCertificateInput) (*api.GetCertificateOutput, error) {
	arn, a, err := s.view(ctx, call, in.CertificateAuthorityArn)
	if err != nil {
		return nil, err
	}
	serial, found := strings.CutPrefix(in.CertificateArn, arn.String()+"/certificate/")
	if !found {
		return nil, api.InvalidArnException.Errorf("Value '%s' is not a certificate of that certificate authority.", in.CertificateArn)
	}
	var c certificate
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		c, err = certificates.Get(tx, certificateKey{arn, serial})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.ResourceNotFoundException.Errorf("Could not find certificate %s.", in.CertificateArn)
	}
	if err != nil {
		return nil, err
	}
	out := &api.GetCertificateOutput{Certificate: new(strings.TrimSuffix(string(certificatePEM(c.DER)), "\n"))}
	if cert, err := x509.ParseCertificate(c.DER); err == nil && a.Cert != nil && string(cert.RawIssuer) != string(cert.RawSubject) {
		chain := string(certificatePEM(a.Cert)) + string(a.Chain)
		out.CertificateChain = new(strings.TrimSpace(chain))
	}
	return out, nil
}

// RevokeCertificate remembers that a certificate is revoked.
func (s *Service) RevokeCertificate(ctx context.Context, call *aws.Call, in *api.RevokeCertificateInput) (*api.RevokeCertificateOutput, error) {
	serial := strings.ToLower(strings.ReplaceAll(in.CertificateSerial, ":", ""))
	return &api.RevokeCertificateOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(tx *store.Tx, arn aws.ARN, a *authority) error {
		if a.status() != api.CertificateAuthorityStatusActive {
			return errState(arn)
		}
		key := certificateKey{arn, serial}
		c, err := certificates.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return api.ResourceNotFoundException.Errorf("Could not find certificate with serial %s.", in.CertificateSerial)
		}
		if err != nil {
			return err
		}
		if !c.Revoked.IsZero() {
			return api.RequestAlreadyProcessedException.Errorf("The certificate with serial %s has already been revoked.", in.CertificateSerial)
		}
		c.Revoked, c.Reason = now(), in.RevocationReason
		return certificates.Put(tx, key, c)
	})
}
