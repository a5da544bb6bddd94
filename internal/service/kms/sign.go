package kms

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // hashes of messages
	_ "crypto/sha512"
	"crypto/x509"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// hashOf is the hash that an algorithm's name ends with.
func hashOf(algorithm string) crypto.Hash {
	switch algorithm[len(algorithm)-3:] {
	case "224":
		return crypto.SHA224
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	}
	return crypto.SHA256
}

// A signing is a message, hashed, and the key that is to sign it or that did.
type signing struct {
	found
	algorithm string
	hash      crypto.Hash
	digest    []byte
	private   any
}

func (s *Service) signing(ctx context.Context, call *aws.Call, id, algorithm string, message []byte, kind *string) (g signing, err error) {
	if g.found, err = s.usable(ctx, call, id, api.KeyUsageTypeSignVerify); err != nil {
		return g, err
	}
	if g.algorithm, err = g.found.algorithm(&algorithm, specs[g.Spec].signing); err != nil {
		return g, err
	}
	g.hash = hashOf(algorithm)
	switch aws.Or(kind, api.MessageTypeRaw) {
	case api.MessageTypeDigest:
		if g.digest = message; len(message) != g.hash.Size() {
			return g, invalid("Digest is invalid length for algorithm %s.", algorithm)
		}
	case api.MessageTypeRaw:
		h := g.hash.New()
		h.Write(message)
		g.digest = h.Sum(nil)
	default:
		return g, invalid("MessageType %s is not valid for algorithm %s.", *kind, algorithm)
	}
	g.private, err = s.private(&g.found)
	return g, err
}

// Sign signs a message, or its digest.
func (s *Service) Sign(ctx context.Context, call *aws.Call, in *api.SignInput) (*api.SignOutput, error) {
	g, err := s.signing(ctx, call, in.KeyId, in.SigningAlgorithm, in.Message, in.MessageType)
	if err != nil {
		return nil, err
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	var signature []byte
	switch p := g.private.(type) {
	case *ecdsa.PrivateKey:
		signature, err = ecdsa.SignASN1(rand.Reader, p, g.digest)
	case *rsa.PrivateKey:
		if strings.HasPrefix(g.algorithm, "RSASSA_PSS") {
			signature, err = rsa.SignPSS(rand.Reader, p, g.hash, g.digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(rand.Reader, p, g.hash, g.digest)
		}
	}
	if err != nil {
		return nil, err
	}
	return &api.SignOutput{KeyId: new(g.ARN.String()), Signature: signature, SigningAlgorithm: &g.algorithm}, nil
}

// Verify refuses a signature that is not of the message and the key.
func (s *Service) Verify(ctx context.Context, call *aws.Call, in *api.VerifyInput) (*api.VerifyOutput, error) {
	g, err := s.signing(ctx, call, in.KeyId, in.SigningAlgorithm, in.Message, in.MessageType)
	if err != nil {
		return nil, err
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	if !g.verifies(in.Signature) {
		return nil, api.KMSInvalidSignatureException.Errorf("")
	}
	return &api.VerifyOutput{KeyId: new(g.ARN.String()), SignatureValid: new(true), SigningAlgorithm: &g.algorithm}, nil
}

func (g *signing) verifies(signature []byte) bool {
	switch p := g.private.(type) {
	case *ecdsa.PrivateKey:
		return ecdsa.VerifyASN1(&p.PublicKey, g.digest, signature)
	case *rsa.PrivateKey:
		if strings.HasPrefix(g.algorithm, "RSASSA_PSS") {
			return rsa.VerifyPSS(&p.PublicKey, g.hash, g.digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(&p.PublicKey, g.hash, g.digest, signature) == nil
	}
	return false
}

func (s *Service) mac(ctx context.Context, call *aws.Call, id, algorithm string, message []byte) (found, []byte, error) {
	f, err := s.usable(ctx, call, id, api.KeyUsageTypeGenerateVerifyMac)
	if err != nil {
		return f, nil, err
	}
	if _, err := f.algorithm(&algorithm, specs[f.Spec].mac); err != nil {
		return f, nil, err
	}
	secret, err := s.secret(&f, f.current())
	if err != nil {
		return f, nil, err
	}
	h := hmac.New(hashOf(algorithm).New, secret)
	h.Write(message)
	return f, h.Sum(nil), nil
}

// GenerateMac makes the code by which a message can be known again.
func (s *Service) GenerateMac(ctx context.Context, call *aws.Call, in *api.GenerateMacInput) (*api.GenerateMacOutput, error) {
	f, sum, err := s.mac(ctx, call, in.KeyId, in.MacAlgorithm, in.Message)
	if err != nil {
		return nil, err
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	return &api.GenerateMacOutput{KeyId: new(f.ARN.String()), Mac: sum, MacAlgorithm: &in.MacAlgorithm}, nil
}

// VerifyMac refuses a code that is not of the message and the key.
func (s *Service) VerifyMac(ctx context.Context, call *aws.Call, in *api.VerifyMacInput) (*api.VerifyMacOutput, error) {
	f, sum, err := s.mac(ctx, call, in.KeyId, in.MacAlgorithm, in.Message)
	if err != nil {
		return nil, err
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	if !hmac.Equal(sum, in.Mac) {
		return nil, api.KMSInvalidMacException.Errorf("")
	}
	return &api.VerifyMacOutput{KeyId: new(f.ARN.String()), MacValid: new(true), MacAlgorithm: &in.MacAlgorithm}, nil
}

// DeriveSharedSecret agrees on a secret with the holder of another key.
func (s *Service) DeriveSharedSecret(ctx context.Context, call *aws.Call, in *api.DeriveSharedSecretInput) (*api.DeriveSharedSecretOutput, error) {
	if err := checkRecipient(in.Recipient); err != nil {
		return nil, err
	}
	f, err := s.usable(ctx, call, in.KeyId, api.KeyUsageTypeKeyAgreement)
	if err != nil {
		return nil, err
	}
	private, err := s.private(&f)
	if err != nil {
		return nil, err
	}
	own, err := private.(*ecdsa.PrivateKey).ECDH()
	if err != nil {
		return nil, err
	}
	theirs, err := peer(in.PublicKey)
	if err != nil || theirs.Curve() != own.Curve() {
		return nil, invalid("The public key is not valid for key spec %s.", f.Spec)
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	secret, err := own.ECDH(theirs)
	if err != nil {
		return nil, invalid("The public key is not valid for key spec %s.", f.Spec)
	}
	return &api.DeriveSharedSecretOutput{KeyId: new(f.ARN.String()), SharedSecret: secret, KeyAgreementAlgorithm: &in.KeyAgreementAlgorithm, KeyOrigin: new(api.OriginTypeAwsKms)}, nil
}

func peer(der []byte) (*ecdh.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	p, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, errCiphertext()
	}
	return p.ECDH()
}
