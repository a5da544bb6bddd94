package kms

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
)

var (
	sizes  = map[string]int{"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
	curves = map[string]elliptic.Curve{"ECC_NIST_P256": elliptic.P256(), "ECC_NIST_P384": elliptic.P384(), "ECC_NIST_P521": elliptic.P521()}
	macs   = map[string]int{"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64} // bytes
)

// newSecret makes the material of a key.
func newSecret(name string) ([]byte, error) {
	n, ok := macs[name]
	if name == symmetric {
		n, ok = 32, true
	}
	if !ok {
		return newPair(name)
	}
	b := make([]byte, n)
	rand.Read(b)
	return b, nil
}

// newPair makes a private key, in PKCS #8.
func newPair(name string) ([]byte, error) {
	var private any
	var err error
	if bits, ok := sizes[name]; ok {
		private, err = rsa.GenerateKey(rand.Reader, bits)
	} else if curve, ok := curves[name]; ok {
		private, err = ecdsa.GenerateKey(curve, rand.Reader)
	} else {
		err = aws.NotImplemented.Errorf("Aloft does not have keys of spec %s yet.", name)
	}
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

// public is the public key that goes with a private one, in DER.
func public(private any) ([]byte, error) {
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return x509.MarshalPKIXPublicKey(&p.PublicKey)
	case *ecdsa.PrivateKey:
		return x509.MarshalPKIXPublicKey(&p.PublicKey)
	}
	return nil, fmt.Errorf("kms: a private key is a %T", private)
}

// GetPublicKey returns the public half of a key.
func (s *Service) GetPublicKey(ctx context.Context, call *aws.Call, in *api.GetPublicKeyInput) (*api.GetPublicKeyOutput, error) {
	f, err := s.find(ctx, call, in.KeyId)
	if err != nil {
		return nil, err
	}
	if f.Spec == symmetric || macs[f.Spec] > 0 {
		return nil, api.UnsupportedOperationException.Errorf("The operation is not supported for keys of spec %s.", f.Spec)
	}
	if err := f.key.usable(f.ARN); err != nil {
		return nil, err
	}
	private, err := s.private(&f)
	if err != nil {
		return nil, err
	}
	der, err := public(private)
	if err != nil {
		return nil, err
	}
	m := f.metadata()
	return &api.GetPublicKeyOutput{
		KeyId: m.Arn, PublicKey: der, CustomerMasterKeySpec: m.KeySpec, KeySpec: m.KeySpec, KeyUsage: m.KeyUsage,
		EncryptionAlgorithms: m.EncryptionAlgorithms, SigningAlgorithms: m.SigningAlgorithms, KeyAgreementAlgorithms: m.KeyAgreementAlgorithms,
	}, nil
}

// GenerateDataKeyPair makes a pair of keys for the caller, with the private one
// encrypted as well.
func (s *Service) GenerateDataKeyPair(ctx context.Context, call *aws.Call, in *api.GenerateDataKeyPairInput) (*api.GenerateDataKeyPairOutput, error) {
	if err := checkRecipient(in.Recipient); err != nil {
		return nil, err
	}
	f, err := s.usable(ctx, call, in.KeyId, api.KeyUsageTypeEncryptDecrypt)
	if err != nil {
		return nil, err
	}
	if f.Spec != symmetric {
		return nil, api.InvalidKeyUsageException.Errorf("%s is not a symmetric encryption key.", f.ARN)
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	secret, err := newPair(in.KeyPairSpec)
	if err != nil {
		return nil, err
	}
	m := f.current()
	private, err := x509.ParsePKCS8PrivateKey(secret)
	if err != nil {
		return nil, err
	}
	der, err := public(private)
	if err != nil {
		return nil, err
	}
	sealed, err := s.seal(&f, secret, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyPairOutput{
		KeyId: new(f.ARN.String()), KeyPairSpec: &in.KeyPairSpec, PrivateKeyPlaintext: secret, PublicKey: der, PrivateKeyCiphertextBlob: sealed, KeyMaterialId: &m.ID,
	}, nil
}

// GenerateDataKeyPairWithoutPlaintext is GenerateDataKeyPair for those who want
// the private key encrypted alone.
func (s *Service) GenerateDataKeyPairWithoutPlaintext(ctx context.Context, call *aws.Call, in *api.GenerateDataKeyPairWithoutPlaintextInput) (*api.GenerateDataKeyPairWithoutPlaintextOutput, error) {
	out, err := s.GenerateDataKeyPair(ctx, call, &api.GenerateDataKeyPairInput{KeyId: in.KeyId, KeyPairSpec: in.KeyPairSpec, EncryptionContext: in.EncryptionContext, DryRun: in.DryRun})
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyPairWithoutPlaintextOutput{
		KeyId: out.KeyId, KeyPairSpec: out.KeyPairSpec, PublicKey: out.PublicKey, PrivateKeyCiphertextBlob: out.PrivateKeyCiphertextBlob, KeyMaterialId: out.KeyMaterialId,
	}, nil
}
