package acm

import (
	"crypto"
	"crypto/x509"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// put writes the row of a certificate, whose key is sealed in it.
func (s *Service) put(tx *store.Tx, arn aws.ARN, c certificate) error {
	if c.Key != nil {
		box, err := s.master()
		if err != nil {
			return err
		}
		c.Sealed, c.Key = box.Seal(nil, nil, c.Key, []byte(arn.String())), nil
	}
	return certificates.Put(tx, arn, c)
}

// key returns the private key of a certificate.
func (s *Service) key(arn aws.ARN, c *certificate) (crypto.Signer, error) {
	plain := c.Key
	if c.Sealed != nil {
		box, err := s.master()
		if err != nil {
			return nil, err
		}
		if plain, err = box.Open(nil, nil, c.Sealed, []byte(arn.String())); err != nil {
			return nil, err
		}
	}
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key of %s does not sign", arn)
	}
	return signer, nil
}
