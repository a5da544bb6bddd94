package acmpca

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	tokenLife = 5 * time.Minute // how long an IdempotencyToken means the same request
	usualDays = 30              // that a deleted authority can be restored
	maxPage   = 100
)

// checkRevocation refuses lists and answers of revocation.
func checkRevocation(c *api.RevocationConfiguration) error {
	switch {
	case c == nil:
		return nil
	case c.CrlConfiguration != nil && c.CrlConfiguration.Enabled:
		return aws.NotImplemented.Errorf("Aloft does not have authorities with revocation lists yet.")
	case c.OcspConfiguration != nil && c.OcspConfiguration.Enabled:
		return aws.NotImplemented.Errorf("Aloft does not have authorities with OCSP yet.")
	}
	return nil
}

// CreateCertificateAuthority makes an authority, which waits for its certificate.
func (s *Service) CreateCertificateAuthority(ctx context.Context, call *aws.Call, in *api.CreateCertificateAuthorityInput) (*api.CreateCertificateAuthorityOutput, error) {
	c := in.CertificateAuthorityConfiguration
	if err := checkRevocation(in.RevocationConfiguration); err != nil {
		return nil, err
	}
	if c.CsrExtensions != nil && c.CsrExtensions.SubjectInformationAccess != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not answer acm-pca:CreateCertificateAuthority with SubjectInformationAccess yet.")
	}
	arn := call.ARN("acm-pca", kind+aws.NewRequestID())
	a := authority{
		Type: in.CertificateAuthorityType, Status: api.CertificateAuthorityStatusPendingCertificate, Config: *c, Revokes: in.RevocationConfiguration, Token: aws.Value(in.IdempotencyToken),
		Storage: aws.Or(in.KeyStorageSecurityStandard, api.KeyStorageSecurityStandardFips1402Level3OrHigher), Usage: aws.Or(in.UsageMode, api.CertificateAuthorityUsageModeGeneralPurpose),
		Created: now(), Changed: now(),
	}
	var err error
	if a.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := s.equip(arn, &a); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		for was, old := range authorities.Scan(tx, call.ARN("acm-pca", "")) {
			if a.Token != "" && old.Token == a.Token && time.Since(old.Created) < tokenLife {
				arn = was
				return nil
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
		return authorities.Put(tx, arn, a)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateCertificateAuthorityOutput{CertificateAuthorityArn: new(arn.String())}, nil
}

// equip gives an authority a key, and a request to sign it.
func (s *Service) equip(arn aws.ARN, a *authority) error {
	algorithm, err := signature(a.Config.SigningAlgorithm, a.Config.KeyAlgorithm)
	if err != nil {
		return err
	}
	key, err := newKey(a.Config.KeyAlgorithm)
	if err != nil {
		return err
	}
	subject, err := subjectOf(a.Config.Subject)
	if err != nil {
		return err
	}
	request := &x509.CertificateRequest{Subject: subject, SignatureAlgorithm: algorithm, ExtraExtensions: []pkix.Extension{authorityExtension}}
	if e := a.Config.CsrExtensions; e != nil && e.KeyUsage != nil {
		usage, err := usageExtension(keyUsage(e.KeyUsage))
		if err != nil {
			return err
		}
		request.ExtraExtensions = append(request.ExtraExtensions, usage)
	}
	if a.CSR, err = x509.CreateCertificateRequest(rand.Reader, request, key); err != nil {
		return err
	}
	a.Key, err = s.seal(arn, key)
	return err
}

// status is that of now.
func (a *authority) status() string {
	if a.Status != api.CertificateAuthorityStatusActive {
		return a.Status
	}
	if cert, err := x509.ParseCertificate(a.Cert); err == nil && time.Now().After(cert.NotAfter) {
		return api.CertificateAuthorityStatusExpired
	}
	return a.Status
}

// describe tells all about an authority but its key.
func (a *authority) describe(arn aws.ARN) (*api.CertificateAuthority, error) {
	out := &api.CertificateAuthority{
		Arn: new(arn.String()), OwnerAccount: &arn.Account, CreatedAt: &a.Created, LastStateChangeAt: &a.Changed, Type: &a.Type, Status: new(a.status()),
		CertificateAuthorityConfiguration: &a.Config, RevocationConfiguration: a.Revokes, KeyStorageSecurityStandard: &a.Storage, UsageMode: &a.Usage,
	}
	if out.RevocationConfiguration == nil {
		out.RevocationConfiguration = &api.RevocationConfiguration{CrlConfiguration: &api.CrlConfiguration{}}
	}
	if a.Status == api.CertificateAuthorityStatusDeleted {
		out.RestorableUntil = &a.Due
	}
	if a.Cert != nil {
		cert, err := x509.ParseCertificate(a.Cert)
		if err != nil {
			return nil, err
		}
		out.Serial, out.NotBefore, out.NotAfter = new(hex.EncodeToString(cert.SerialNumber.Bytes())), &cert.NotBefore, &cert.NotAfter
	}
	return out, nil
}

// DescribeCertificateAuthority tells all about an authority but its key.
func (s *Service) DescribeCertificateAuthority(ctx context.Context, call *aws.Call, in *api.DescribeCertificateAuthorityInput) (*api.DescribeCertificateAuthorityOutput, error) {
	arn, a, err := s.view(ctx, call, in.CertificateAuthorityArn)
	if err != nil {
		return nil, err
	}
	d, err := a.describe(arn)
	return &api.DescribeCertificateAuthorityOutput{CertificateAuthority: d}, err
}

// ListCertificateAuthorities lists the authorities of an account and region.
func (s *Service) ListCertificateAuthorities(ctx context.Context, call *aws.Call, in *api.ListCertificateAuthoritiesInput) (*api.ListCertificateAuthoritiesOutput, error) {
	out := &api.ListCertificateAuthoritiesOutput{}
	most := int(cmp.Or(aws.Value(in.MaxResults), maxPage))
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		out.CertificateAuthorities, out.NextToken = []api.CertificateAuthority{}, nil
		if aws.Value(in.ResourceOwner) == api.ResourceOwnerOtherAccounts {
			return nil
		}
		last := ""
		for arn, a := range authorities.ScanAfter(tx, call.ARN("acm-pca", ""), call.ARN("acm-pca", in.GetNextToken())) {
			if len(out.CertificateAuthorities) == most {
				out.NextToken = &last
				break
			}
			d, err := a.describe(arn)
			if err != nil {
				return err
			}
			out.CertificateAuthorities, last = append(out.CertificateAuthorities, *d), arn.Resource
		}
		return tx.Err()
	})
}

// GetCertificateAuthorityCsr returns the request to sign the key of an authority.
func (s *Service) GetCertificateAuthorityCsr(ctx context.Context, call *aws.Call, in *api.GetCertificateAuthorityCsrInput) (*api.GetCertificateAuthorityCsrOutput, error) {
	_, a, err := s.view(ctx, call, in.CertificateAuthorityArn)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: a.CSR})
	return &api.GetCertificateAuthorityCsrOutput{Csr: new(strings.TrimSuffix(string(text), "\n"))}, nil
}

// ImportCertificateAuthorityCertificate gives an authority its certificate: it can
// sign others from now on.
func (s *Service) ImportCertificateAuthorityCertificate(ctx context.Context, call *aws.Call, in *api.ImportCertificateAuthorityCertificateInput) (*api.ImportCertificateAuthorityCertificateOutput, error) {
	der := readPEM(in.Certificate, "CERTIFICATE")
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, api.MalformedCertificateException.Errorf("The certificate is not a valid PEM-encoded certificate.")
	}
	return &api.ImportCertificateAuthorityCertificateOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(_ *store.Tx, arn aws.ARN, a *authority) error {
		if !slices.Contains([]string{api.CertificateAuthorityStatusPendingCertificate, api.CertificateAuthorityStatusActive, api.CertificateAuthorityStatusDisabled}, a.Status) {
			return errState(arn)
		}
		request, err := x509.ParseCertificateRequest(a.CSR)
		if err != nil {
			return err
		}
		if err := a.checkOwn(cert, request, in.CertificateChain); err != nil {
			return err
		}
		a.Cert, a.Chain, a.Status, a.Changed = der, in.CertificateChain, api.CertificateAuthorityStatusActive, now()
		return nil
	})
}

// checkOwn refuses a certificate that cannot be the authority's own.
func (a *authority) checkOwn(cert *x509.Certificate, request *x509.CertificateRequest, chain []byte) error {
	own, err := x509.MarshalPKIXPublicKey(request.PublicKey)
	if err != nil {
		return err
	}
	if string(own) != string(cert.RawSubjectPublicKeyInfo) {
		return api.CertificateMismatchException.Errorf("The certificate does not match the private key of the certificate authority.")
	}
	if !cert.IsCA || !cert.BasicConstraintsValid {
		return api.MalformedCertificateException.Errorf("The certificate is not a certificate of an authority.")
	}
	if a.Type == api.CertificateAuthorityTypeRoot {
		if len(chain) > 0 {
			return api.MalformedCertificateException.Errorf("A root certificate authority has no certificate chain.")
		}
		if cert.CheckSignatureFrom(cert) != nil {
			return api.MalformedCertificateException.Errorf("The certificate of a root certificate authority must be signed by itself.")
		}
		return nil
	}
	parents := x509.NewCertPool()
	if !parents.AppendCertsFromPEM(chain) {
		return api.MalformedCertificateException.Errorf("A subordinate certificate authority needs a certificate chain.")
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: parents, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return api.CertificateMismatchException.Errorf("The certificate is not signed by an authority of the chain.")
	}
	return nil
}

// GetCertificateAuthorityCertificate returns the certificate of an authority, and
// those above it.
func (s *Service) GetCertificateAuthorityCertificate(ctx context.Context, call *aws.Call, in *api.GetCertificateAuthorityCertificateInput) (*api.GetCertificateAuthorityCertificateOutput, error) {
	arn, a, err := s.view(ctx, call, in.CertificateAuthorityArn)
	if err != nil {
		return nil, err
	}
	if a.Cert == nil {
		return nil, errState(arn)
	}
	out := &api.GetCertificateAuthorityCertificateOutput{Certificate: new(strings.TrimSuffix(string(certificatePEM(a.Cert)), "\n"))}
	if len(a.Chain) > 0 {
		out.CertificateChain = new(strings.TrimSpace(string(a.Chain)))
	}
	return out, nil
}

func errState(arn aws.ARN) error {
	return api.InvalidStateException.Errorf("The certificate authority %s is not in the correct state to perform the requested operation.", arn)
}

// UpdateCertificateAuthority disables or enables an authority, or changes how it
// tells what is revoked.
func (s *Service) UpdateCertificateAuthority(ctx context.Context, call *aws.Call, in *api.UpdateCertificateAuthorityInput) (*api.UpdateCertificateAuthorityOutput, error) {
	if err := checkRevocation(in.RevocationConfiguration); err != nil {
		return nil, err
	}
	return &api.UpdateCertificateAuthorityOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(_ *store.Tx, arn aws.ARN, a *authority) error {
		if in.RevocationConfiguration != nil {
			a.Revokes = in.RevocationConfiguration
		}
		if in.Status == nil {
			return nil
		}
		settable := []string{api.CertificateAuthorityStatusActive, api.CertificateAuthorityStatusDisabled}
		if !slices.Contains(settable, *in.Status) {
			return api.InvalidArgsException.Errorf("The status can be ACTIVE or DISABLED.")
		}
		if !slices.Contains(settable, a.status()) {
			return errState(arn)
		}
		a.Status, a.Changed = *in.Status, now()
		return nil
	})
}

// DeleteCertificateAuthority deletes an authority that signs nothing any more. It
// can be restored for some days.
func (s *Service) DeleteCertificateAuthority(ctx context.Context, call *aws.Call, in *api.DeleteCertificateAuthorityInput) (*api.DeleteCertificateAuthorityOutput, error) {
	days := time.Duration(cmp.Or(aws.Value(in.PermanentDeletionTimeInDays), usualDays))
	return &api.DeleteCertificateAuthorityOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(tx *store.Tx, arn aws.ARN, a *authority) error {
		if is := a.status(); is == api.CertificateAuthorityStatusActive || is == api.CertificateAuthorityStatusDeleted {
			return errState(arn)
		}
		a.Status, a.Changed = api.CertificateAuthorityStatusDeleted, now()
		return dues.Move(tx, arn, &a.Due, now().Add(days*24*time.Hour), s.due)
	})
}

// RestoreCertificateAuthority brings back an authority that was deleted.
func (s *Service) RestoreCertificateAuthority(ctx context.Context, call *aws.Call, in *api.RestoreCertificateAuthorityInput) (*api.RestoreCertificateAuthorityOutput, error) {
	return &api.RestoreCertificateAuthorityOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(tx *store.Tx, arn aws.ARN, a *authority) error {
		if a.Status != api.CertificateAuthorityStatusDeleted {
			return errState(arn)
		}
		if a.Status = api.CertificateAuthorityStatusDisabled; a.Cert == nil {
			a.Status = api.CertificateAuthorityStatusPendingCertificate
		}
		a.Changed = now()
		return dues.Move(tx, arn, &a.Due, time.Time{}, s.due)
	})
}
