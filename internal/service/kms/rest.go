package kms

import (
	"crypto/x509"
	"fmt"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// put keeps a key, with all its material sealed.
func (s *Service) put(tx *store.Tx, arn aws.ARN, k key) error {
	k.Materials = slices.Clone(k.Materials)
	for i := range k.Materials {
		m := &k.Materials[i]
		if m.Secret == nil {
			continue
		}
		box, err := s.master()
		if err != nil {
			return errMaterial(arn, m, err)
		}
		m.Sealed, m.Secret = box.Seal(nil, nil, m.Secret, m.place(arn)), nil
	}
	return keys.Put(tx, arn, k)
}

// secret is what a key encrypts or signs with, unsealed.
func (s *Service) secret(f *found, m *material) ([]byte, error) {
	if m.Secret != nil {
		return m.Secret, nil
	}
	box, err := s.master()
	if err != nil {
		return nil, errMaterial(f.ARN, m, err)
	}
	secret, err := box.Open(nil, nil, m.Sealed, m.place(f.ARN))
	if err != nil {
		return nil, errMaterial(f.ARN, m, fmt.Errorf("it is not sealed with the key of this installation, keys/kms in its data: %w", err))
	}
	return secret, nil
}

// private is the private key that a key is now.
func (s *Service) private(f *found) (any, error) {
	secret, err := s.secret(f, f.current())
	if err != nil {
		return nil, err
	}
	return x509.ParsePKCS8PrivateKey(secret)
}

// place is where a material belongs, which is authenticated with it: the key, in
// whichever region.
func (m *material) place(arn aws.ARN) []byte {
	return []byte(arn.Account + "/" + arn.Resource + "/" + m.ID)
}

// errMaterial is without words to the caller; err is for the log.
func errMaterial(arn aws.ARN, m *material, err error) error {
	return fmt.Errorf("%wmaterial %s of %s: %w", api.KMSInternalException.Errorf(""), m.ID, arn, err)
}
