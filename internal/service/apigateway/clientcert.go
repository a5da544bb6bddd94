package apigateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	clientCerts = store.NewTable[aws.ARN, api.ClientCertificate]("apigateway.clientCertificate")
	clientKeys  = store.NewTable[aws.ARN, []byte]("apigateway.clientKey") // private, in PKCS 8
)

// certLasts is how long a client certificate is good for.
const certLasts = 365 * 24 * time.Hour

func findClientCert(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.ClientCertificate, error) {
	arn := call.ARN("apigateway", "/clientcertificates/"+id)
	row, err := clientCerts.Get(tx, arn)
	return arn, row, refused(err, "Client Certificate")
}

// GenerateClientCertificate makes a certificate by which servers of HTTP
// integrations know the gateway.
func (s *Service) GenerateClientCertificate(ctx context.Context, call *aws.Call, in *api.GenerateClientCertificateInput) (*api.ClientCertificate, error) {
	key, text, err := newClientCert(time.Now().UTC())
	if err != nil {
		return nil, err
	}
	row := api.ClientCertificate{
		ClientCertificateId: new(newID(6)), Description: in.Description, PemEncodedCertificate: &text, CreatedDate: now(),
		ExpirationDate: new(now().Add(certLasts)), Tags: in.Tags,
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		arn := call.ARN("apigateway", "/clientcertificates/"+*row.ClientCertificateId)
		return errors.Join(clientKeys.Put(tx, arn, key), clientCerts.Put(tx, arn, row))
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// newClientCert returns a private key, and a certificate of it in PEM.
func newClientCert(from time.Time) ([]byte, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, "", err
	}
	cert := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "ApiGateway", Organization: []string{"Aloft"}}, NotBefore: from, NotAfter: from.Add(certLasts),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		return nil, "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", err
	}
	return private, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), nil
}

// GetClientCertificate returns a certificate.
func (s *Service) GetClientCertificate(ctx context.Context, call *aws.Call, in *api.GetClientCertificateInput) (*api.ClientCertificate, error) {
	var row api.ClientCertificate
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findClientCert(tx, call, in.ClientCertificateId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetClientCertificates lists the certificates of an account.
func (s *Service) GetClientCertificates(ctx context.Context, call *aws.Call, in *api.GetClientCertificatesInput) (*api.GetClientCertificatesOutput, error) {
	out := new(api.GetClientCertificatesOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.Position, err = listOf(tx, clientCerts, call, "/clientcertificates/", in.Limit, in.Position)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateClientCertificate changes the description of a certificate.
func (s *Service) UpdateClientCertificate(ctx context.Context, call *aws.Call, in *api.UpdateClientCertificateInput) (*api.ClientCertificate, error) {
	var row api.ClientCertificate
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findClientCert(tx, call, in.ClientCertificateId)
		if err != nil {
			return err
		}
		row = found
		err = replace(in.PatchOperations, []string{"/description"}, func(c *change) error {
			row.Description = c.text()
			return nil
		})
		if err != nil {
			return err
		}
		return clientCerts.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// DeleteClientCertificate removes a certificate.
func (s *Service) DeleteClientCertificate(ctx context.Context, call *aws.Call, in *api.DeleteClientCertificateInput) (*api.DeleteClientCertificateOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findClientCert(tx, call, in.ClientCertificateId)
		if err != nil {
			return err
		}
		return errors.Join(clientKeys.Delete(tx, arn), clientCerts.Delete(tx, arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteClientCertificateOutput{}, nil
}
