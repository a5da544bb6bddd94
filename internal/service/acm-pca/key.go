package acmpca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// newKey makes a key of an algorithm.
func newKey(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case api.KeyAlgorithmRsa2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case api.KeyAlgorithmRsa3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case api.KeyAlgorithmRsa4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case api.KeyAlgorithmEcPrime256v1:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case api.KeyAlgorithmEcSecp384r1:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case api.KeyAlgorithmEcSecp521r1:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	}
	return nil, aws.NotImplemented.Errorf("Aloft does not have authorities with keys of %s yet.", algorithm)
}

var signatures = map[string]x509.SignatureAlgorithm{
	api.SigningAlgorithmSha256withecdsa:  x509.ECDSAWithSHA256,
	api.SigningAlgorithmSha384withecdsa:  x509.ECDSAWithSHA384,
	api.SigningAlgorithmSha512withecdsa:  x509.ECDSAWithSHA512,
	api.SigningAlgorithmSha256withrsa:    x509.SHA256WithRSA,
	api.SigningAlgorithmSha384withrsa:    x509.SHA384WithRSA,
	api.SigningAlgorithmSha512withrsa:    x509.SHA512WithRSA,
	api.SigningAlgorithmSha256withrsaPss: x509.SHA256WithRSAPSS,
	api.SigningAlgorithmSha384withrsaPss: x509.SHA384WithRSAPSS,
	api.SigningAlgorithmSha512withrsaPss: x509.SHA512WithRSAPSS,
}

// signature is how a key of an algorithm signs, if it can do so.
func signature(algorithm, key string) (x509.SignatureAlgorithm, error) {
	s, ok := signatures[algorithm]
	if !ok || strings.Contains(algorithm, "RSA") != strings.HasPrefix(key, "RSA") {
		return 0, api.InvalidArgsException.Errorf("The signing algorithm %s is not compatible with the key algorithm %s.", algorithm, key)
	}
	return s, nil
}

// seal encrypts the key of an authority.
func (s *Service) seal(of aws.ARN, key crypto.Signer) ([]byte, error) {
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	box, err := s.master()
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, nil, plain, []byte(of.String())), nil
}

// open decrypts what seal made.
func (s *Service) open(of aws.ARN, sealed []byte) (crypto.Signer, error) {
	box, err := s.master()
	if err != nil {
		return nil, err
	}
	plain, err := box.Open(nil, nil, sealed, []byte(of.String()))
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key of %s does not sign", of)
	}
	return signer, nil
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// readPEM returns the first block of a text that is of a kind, in DER, or nil.
func readPEM(text []byte, kinds ...string) []byte {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		for _, kind := range kinds {
			if block.Type == kind {
				return block.Bytes
			}
		}
	}
	return nil
}
