package acm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ImportCertificate takes a certificate of another authority with its key, in
// the place of an imported one if its ARN is given.
func (s *Service) ImportCertificate(ctx context.Context, call *aws.Call, in *api.ImportCertificateInput) (*api.ImportCertificateOutput, error) {
	c, end, err := readImport(in)
	if err != nil {
		return nil, err
	}
	if in.CertificateArn != nil {
		if len(in.Tags) > 0 {
			return nil, api.ValidationException.Errorf("Tagging is not permitted on re-import.")
		}
		return &api.ImportCertificateOutput{CertificateArn: in.CertificateArn}, s.change(ctx, call, *in.CertificateArn, func(tx *store.Tx, arn aws.ARN, was *certificate) error {
			if was.Type != imported {
				return api.ValidationException.Errorf("Only imported certificates can be re-imported.")
			}
			is := c
			is.Tags, is.Created, is.Due = was.Tags, was.Created, was.Due
			*was = is
			return dues.Move(tx, arn, &was.Due, end, s.due)
		})
	}
	if c.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	arn := call.ARN("acm", certificateKind+newID())
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		c := c
		if err := dues.Move(tx, arn, &c.Due, end, s.due); err != nil {
			return err
		}
		return s.put(tx, arn, c)
	})
	if err != nil {
		return nil, err
	}
	return &api.ImportCertificateOutput{CertificateArn: new(arn.String())}, nil
}

// readImport checks what is imported, and returns when it expires.
func readImport(in *api.ImportCertificateInput) (certificate, time.Time, error) {
	var none certificate
	leaves, err := readPEM(in.Certificate)
	if err != nil || len(leaves) != 1 {
		return none, time.Time{}, api.ValidationException.Errorf("The certificate field contains more than one certificate. You can specify only one certificate in this field.")
	}
	leaf := leaves[0]
	key, err := readKey(in.PrivateKey)
	if err != nil {
		return none, time.Time{}, err
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(leaf.PublicKey) {
		return none, time.Time{}, api.ValidationException.Errorf("The private key does not match the public key of the certificate.")
	}
	if now := time.Now(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		return none, time.Time{}, api.ValidationException.Errorf("The certificate is not valid at this time: it is from %s to %s.", leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	algorithm, err := algorithmOf(leaf)
	if err != nil {
		return none, time.Time{}, err
	}
	if err := checkChain(leaf, in.CertificateChain); err != nil {
		return none, time.Time{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return none, time.Time{}, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	names := leaf.DNSNames
	if len(names) == 0 {
		names = []string{leaf.Subject.CommonName}
	}
	return certificate{
		Domain: names[0], Names: names, Type: imported, Status: issued, Algorithm: algorithm, Created: now, Issued: now, Key: der, Leaf: leaf.Raw, Chain: in.CertificateChain,
		Options: &api.CertificateOptions{CertificateTransparencyLoggingPreference: new("DISABLED"), Export: new("DISABLED")},
	}, leaf.NotAfter, nil
}

// readPEM returns the certificates in a text.
func readPEM(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); ; block, rest = pem.Decode(rest) {
		if block == nil {
			if strings.TrimSpace(string(rest)) != "" || len(all) == 0 {
				return nil, errors.New("no certificate in PEM")
			}
			return all, nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
}

// readKey returns the key in a text, which must not be encrypted.
func readKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, api.ValidationException.Errorf("The private key is not valid: it is not in PEM.")
	}
	if strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "" {
		return nil, api.ValidationException.Errorf("The private key is encrypted. Decrypt it and import it again.")
	}
	for _, parse := range []func([]byte) (any, error){
		x509.ParsePKCS8PrivateKey,
		func(b []byte) (any, error) { return x509.ParsePKCS1PrivateKey(b) },
		func(b []byte) (any, error) { return x509.ParseECPrivateKey(b) },
	} {
		if key, err := parse(block.Bytes); err == nil {
			if signer, ok := key.(crypto.Signer); ok {
				return signer, nil
			}
		}
	}
	return nil, api.ValidationException.Errorf("The private key is not supported.")
}

// algorithmOf names the kind of a certificate's key, as requests do.
func algorithmOf(c *x509.Certificate) (string, error) {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits == 1024 || bits == 2048 || bits == 3072 || bits == 4096 {
			return "RSA_" + strconv.Itoa(bits), nil
		}
	case *ecdsa.PublicKey:
		switch key.Curve.Params().BitSize {
		case 256:
			return "EC_prime256v1", nil
		case 384:
			return "EC_secp384r1", nil
		case 521:
			return "EC_secp521r1", nil
		}
	}
	return "", api.ValidationException.Errorf("The key algorithm of the certificate is not supported.")
}

// checkChain refuses a chain that does not lead on from a certificate.
func checkChain(leaf *x509.Certificate, chain []byte) error {
	if len(chain) == 0 {
		return nil
	}
	all, err := readPEM(chain)
	if err != nil {
		return api.ValidationException.Errorf("The certificate chain is not valid: it must be certificates in PEM.")
	}
	for _, issuer := range all {
		if err := leaf.CheckSignatureFrom(issuer); err != nil {
			return api.ValidationException.Errorf("Could not validate the certificate with the certificate chain.")
		}
		leaf = issuer
	}
	return nil
}

// GetCertificate returns a certificate and its chain.
func (s *Service) GetCertificate(ctx context.Context, call *aws.Call, in *api.GetCertificateInput) (*api.GetCertificateOutput, error) {
	arn, c, err := s.view(ctx, call, in.CertificateArn)
	if err != nil {
		return nil, err
	}
	if c.Leaf == nil {
		return nil, api.RequestInProgressException.Errorf("Certificate %s is not yet issued.", arn)
	}
	out := &api.GetCertificateOutput{Certificate: new(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Leaf})))}
	if len(c.Chain) > 0 {
		out.CertificateChain = new(string(c.Chain))
	}
	return out, nil
}
