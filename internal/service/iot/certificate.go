package iot

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An Authority signs certificates of devices.
type Authority interface {
	Sign(template *x509.Certificate, public any) ([]byte, error)
}

const (
	active   = "ACTIVE"
	inactive = "INACTIVE"
	ownMode  = "DEFAULT"
	sniOnly  = "SNI_ONLY"

	keyBits = 2048
)

// forever is when AWS's certificates of devices end.
var forever = time.Date(2049, time.December, 31, 23, 59, 59, 0, time.UTC)

// CreateKeysAndCertificate makes a key and a certificate of it. The key is not
// kept.
func (s *Service) CreateKeysAndCertificate(ctx context.Context, call *aws.Call, in *api.CreateKeysAndCertificateInput) (*api.CreateKeysAndCertificateOutput, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	arn, text, err := s.issue(ctx, call, key.Public(), pkix.Name{CommonName: "AWS IoT Certificate"}, aws.Value(in.SetAsActive))
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return &api.CreateKeysAndCertificateOutput{CertificateArn: new(arn.String()), CertificateId: new(nameOf(arn)), CertificatePem: &text, KeyPair: &api.KeyPair{
		PublicKey: new(inPEM("PUBLIC KEY", public)), PrivateKey: new(inPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))),
	}}, nil
}

// CreateCertificateFromCsr makes a certificate of a key that the caller has.
func (s *Service) CreateCertificateFromCsr(ctx context.Context, call *aws.Call, in *api.CreateCertificateFromCsrInput) (*api.CreateCertificateFromCsrOutput, error) {
	block, _ := pem.Decode([]byte(in.CertificateSigningRequest))
	if block == nil {
		return nil, invalid("The CSR is not valid.")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil {
		return nil, invalid("The CSR is not valid.")
	}
	arn, text, err := s.issue(ctx, call, csr.PublicKey, csr.Subject, aws.Value(in.SetAsActive))
	if err != nil {
		return nil, err
	}
	return &api.CreateCertificateFromCsrOutput{CertificateArn: new(arn.String()), CertificateId: new(nameOf(arn)), CertificatePem: &text}, nil
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes and keeps a certificate of a key.
func (s *Service) issue(ctx context.Context, call *aws.Call, public any, subject pkix.Name, isActive bool) (arn aws.ARN, text string, err error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return arn, "", err
	}
	now := time.Now()
	der, err := s.Authority.Sign(&x509.Certificate{
		SerialNumber: serial, Subject: subject, NotBefore: now.Add(-2 * time.Minute), NotAfter: forever, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}, public)
	if err != nil {
		return arn, "", invalid("The key cannot be certified: %s", err)
	}
	row := certificate{PEM: inPEM("CERTIFICATE", der), Status: inactive, Mode: ownMode, Created: now, Modified: now, From: now, To: forever}
	if isActive {
		row.Status = active
	}
	arn = certificateARN(call, fingerprint(der))
	return arn, row.PEM, s.DB.Update(ctx, func(tx *store.Tx) error { return s.putCertificate(tx, arn, row) })
}

// fingerprint is the id of a certificate.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// RegisterCertificateWithoutCA takes in a certificate of an authority that is
// not known.
func (s *Service) RegisterCertificateWithoutCA(ctx context.Context, call *aws.Call, in *api.RegisterCertificateWithoutCAInput) (*api.RegisterCertificateWithoutCAOutput, error) {
	block, _ := pem.Decode([]byte(in.CertificatePem))
	if block == nil {
		return nil, api.CertificateValidationException.Errorf("The certificate is not valid.")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, api.CertificateValidationException.Errorf("The certificate is not valid.")
	}
	status := aws.Or(in.Status, inactive)
	if status != active && status != inactive {
		return nil, invalid("The status %s is not one of a new certificate.", status)
	}
	arn := certificateARN(call, fingerprint(parsed.Raw))
	now := time.Now()
	row := certificate{PEM: inPEM("CERTIFICATE", parsed.Raw), Status: status, Mode: sniOnly, Created: now, Modified: now, From: parsed.NotBefore, To: parsed.NotAfter}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if exists, err := certificates.Has(tx, arn); err != nil || exists {
			return firstOf(err, api.ResourceAlreadyExistsException.With(&api.ResourceAlreadyExistsExceptionDetail{
				ResourceId: new(nameOf(arn)), ResourceArn: new(arn.String()),
			}, "The certificate is already provisioned or registered"))
		}
		return s.putCertificate(tx, arn, row)
	})
	return &api.RegisterCertificateWithoutCAOutput{CertificateArn: new(arn.String()), CertificateId: new(nameOf(arn))}, err
}

// DescribeCertificate describes a certificate.
func (s *Service) DescribeCertificate(ctx context.Context, call *aws.Call, in *api.DescribeCertificateInput) (*api.DescribeCertificateOutput, error) {
	arn := certificateARN(call, in.CertificateId)
	var row certificate
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findCertificate(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeCertificateOutput{CertificateDescription: &api.CertificateDescription{
		CertificateArn: new(arn.String()), CertificateId: &in.CertificateId, Status: &row.Status, CertificatePem: &row.PEM, OwnedBy: &call.Account,
		CreationDate: &row.Created, LastModifiedDate: &row.Modified, CustomerVersion: new(int32(1)), TransferData: &api.TransferData{},
		Validity: &api.CertificateValidity{NotBefore: &row.From, NotAfter: &row.To}, CertificateMode: &row.Mode,
	}}, nil
}

// ListCertificates lists the certificates of the account.
func (s *Service) ListCertificates(ctx context.Context, call *aws.Call, in *api.ListCertificatesInput) (*api.ListCertificatesOutput, error) {
	p, err := newPage(in.PageSize, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &api.ListCertificatesOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Certificates = []api.Certificate{}
		out.NextMarker = fill(p, certificates.Scan(tx, all(call)), nameOf, func(id string, arn aws.ARN, row certificate) bool {
			out.Certificates = append(out.Certificates, api.Certificate{
				CertificateArn: new(arn.String()), CertificateId: &id, Status: &row.Status, CertificateMode: &row.Mode, CreationDate: &row.Created,
			})
			return true
		})
		return nil
	})
}

// UpdateCertificate makes a certificate good, or not.
func (s *Service) UpdateCertificate(ctx context.Context, call *aws.Call, in *api.UpdateCertificateInput) (*api.UpdateCertificateOutput, error) {
	switch in.NewStatus {
	case active, inactive, "REVOKED":
	default:
		return nil, invalid("The status of a certificate cannot be set to %s.", in.NewStatus)
	}
	arn := certificateARN(call, in.CertificateId)
	return &api.UpdateCertificateOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findCertificate(tx, arn)
		if err != nil {
			return err
		}
		row.Status, row.Modified = in.NewStatus, time.Now()
		return s.putCertificate(tx, arn, row)
	})
}

// DeleteCertificate deletes a certificate that is not active, and of no thing
// and with no policy.
func (s *Service) DeleteCertificate(ctx context.Context, call *aws.Call, in *api.DeleteCertificateInput) (*api.DeleteCertificateOutput, error) {
	arn := certificateARN(call, in.CertificateId)
	return &api.DeleteCertificateOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findCertificate(tx, arn)
		if err != nil {
			return err
		}
		if row.Status == active {
			return api.CertificateStateException.Errorf("Certificate must be deactivated (not ACTIVE) before deletion. (CertificateId: %s)", in.CertificateId)
		}
		for range thingsOf.Scan(tx, thingOfKey{Account: call.Account, Region: call.Region, Principal: arn.String()}) {
			return api.DeleteConflictException.Errorf("Things must be detached before deletion (arn: %s)", arn)
		}
		for k := range attached.Scan(tx, attachedKey{Account: call.Account, Region: call.Region, Target: arn.String()}) {
			if !aws.Value(in.ForceDelete) {
				return api.DeleteConflictException.Errorf("Certificate policies must be detached before deletion (arn: %s)", arn)
			}
			if err := s.detach(tx, call, k.Policy, k.Target); err != nil {
				return err
			}
		}
		s.grants.Changed(tx)
		return certificates.Delete(tx, arn)
	})
}

func (s *Service) putCertificate(tx *store.Tx, arn aws.ARN, row certificate) error {
	s.grants.Changed(tx)
	return certificates.Put(tx, arn, row)
}
