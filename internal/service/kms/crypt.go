package kms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A ciphertext begins with a header: this byte, the length of the account and
// the id of the key, these two with a slash between, and the material's id.
const (
	ciphertextVersion = 1
	materialLength    = 32
)

// An origin is what a ciphertext says of itself.
type origin struct {
	account, id, material string
	header, sealed        []byte
}

// parseCiphertext reads the header of a ciphertext.
func parseCiphertext(b []byte) (o origin, ok bool) {
	if len(b) < 2 || b[0] != ciphertextVersion || len(b) < 2+int(b[1])+materialLength {
		return o, false
	}
	name, rest := b[2:2+int(b[1])], b[2+int(b[1]):]
	o.account, o.id, ok = strings.Cut(string(name), "/")
	o.material = hex.EncodeToString(rest[:materialLength])
	o.header, o.sealed = b[:len(b)-len(rest)+materialLength], rest[materialLength:]
	return o, ok && idForm.MatchString(o.id)
}

// seal encrypts with a symmetric key. context is authenticated too.
func (s *Service) seal(f *found, plain []byte, context map[string]string) ([]byte, error) {
	m := f.current()
	box, err := s.box(f, m)
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(m.ID)
	if err != nil {
		return nil, err
	}
	name := f.ARN.Account + "/" + f.id()
	b := append([]byte{ciphertextVersion, byte(len(name))}, name...)
	b = append(b, id...)
	return box.Seal(b, nil, plain, authenticated(b, context)), nil
}

// open decrypts what seal made, or refuses.
func (s *Service) open(f *found, o *origin, context map[string]string) (plain []byte, err error) {
	i := slices.IndexFunc(f.Materials, func(m material) bool { return m.ID == o.material })
	if i < 0 {
		return nil, errCiphertext()
	}
	box, err := s.box(f, &f.Materials[i])
	if err != nil {
		return nil, err
	}
	plain, err = box.Open(nil, nil, o.sealed, authenticated(o.header, context))
	if err != nil {
		return nil, errCiphertext()
	}
	return plain, nil
}

func (s *Service) box(f *found, m *material) (cipher.AEAD, error) {
	secret, err := s.secret(f, m)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// authenticated is what is authenticated with a ciphertext: its header, and the
// pairs of the encryption context in order.
func authenticated(header []byte, context map[string]string) []byte {
	b := slices.Clone(header)
	for _, k := range slices.Sorted(maps.Keys(context)) {
		b = store.AppendString(store.AppendString(b, k), context[k])
	}
	return b
}

func newHash(algorithm string) hash.Hash {
	if algorithm == oaepSHA1 {
		return sha1.New()
	}
	return sha256.New()
}

// Encrypt encrypts up to 4096 bytes.
func (s *Service) Encrypt(ctx context.Context, call *aws.Call, in *api.EncryptInput) (*api.EncryptOutput, error) {
	f, err := s.usable(ctx, call, in.KeyId, api.KeyUsageTypeEncryptDecrypt)
	if err != nil {
		return nil, err
	}
	algorithm, err := f.algorithm(in.EncryptionAlgorithm, specs[f.Spec].encryption)
	if err != nil {
		return nil, err
	}
	if limit, ok := specs[f.Spec].limit[algorithm]; ok && len(in.Plaintext) > limit {
		return nil, invalid("Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", algorithm, f.Spec, limit)
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	b, err := s.encrypt(&f, in.Plaintext, algorithm, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &api.EncryptOutput{CiphertextBlob: b, KeyId: new(f.ARN.String()), EncryptionAlgorithm: &algorithm}, nil
}

func (s *Service) encrypt(f *found, plain []byte, algorithm string, context map[string]string) ([]byte, error) {
	if algorithm == symmetric {
		return s.seal(f, plain, context)
	}
	if len(context) > 0 {
		return nil, invalid("The EncryptionContext parameter is not valid with asymmetric keys.")
	}
	private, err := s.private(f)
	if err != nil {
		return nil, err
	}
	return rsa.EncryptOAEP(newHash(algorithm), rand.Reader, &private.(*rsa.PrivateKey).PublicKey, plain, nil)
}

// Decrypt decrypts what Encrypt or a data key's making encrypted.
func (s *Service) Decrypt(ctx context.Context, call *aws.Call, in *api.DecryptInput) (*api.DecryptOutput, error) {
	if err := checkRecipient(in.Recipient); err != nil {
		return nil, err
	}
	if len(in.DryRunModifiers) > 0 {
		return nil, aws.NotImplemented.Errorf("Aloft does not do DryRunModifiers yet.")
	}
	d, err := s.decrypt(ctx, call, in.CiphertextBlob, in.KeyId, in.EncryptionAlgorithm, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	out := &api.DecryptOutput{KeyId: new(d.ARN.String()), Plaintext: d.plain, EncryptionAlgorithm: &d.algorithm}
	if d.material != "" {
		out.KeyMaterialId = &d.material
	}
	return out, nil
}

// A decrypted is what was in a ciphertext, and what it was made with.
type decrypted struct {
	found
	plain               []byte
	algorithm, material string
}

func (s *Service) decrypt(ctx context.Context, call *aws.Call, blob []byte, id, algorithm *string, context map[string]string) (d decrypted, err error) {
	text, o, err := decrypter(call, blob, id, algorithm)
	if err != nil {
		return d, err
	}
	if d.found, err = s.usable(ctx, call, text, api.KeyUsageTypeEncryptDecrypt); err != nil {
		return d, err
	}
	if d.algorithm, err = d.found.algorithm(algorithm, specs[d.Spec].encryption); err != nil {
		return d, err
	}
	if d.algorithm != symmetric {
		private, err := s.private(&d.found)
		if err != nil {
			return d, err
		}
		if d.plain, err = rsa.DecryptOAEP(newHash(d.algorithm), rand.Reader, private.(*rsa.PrivateKey), blob, nil); err != nil {
			return d, errCiphertext()
		}
		return d, nil
	}
	if o.account != d.ARN.Account || o.id != d.id() {
		return d, api.IncorrectKeyException.Errorf("The key ID in the request does not identify a CMK that can perform this operation.")
	}
	d.material = o.material
	d.plain, err = s.open(&d.found, &o, context)
	return d, err
}

// decrypter names the key that a ciphertext is to be decrypted with: the one
// that is asked for, or the one that the ciphertext names.
func decrypter(call *aws.Call, blob []byte, id, algorithm *string) (text string, o origin, err error) {
	o, ok := parseCiphertext(blob)
	switch {
	case aws.Or(algorithm, symmetric) != symmetric:
		if id == nil {
			return "", o, invalid("KeyId is required for asymmetric keys.")
		}
		return *id, o, nil
	case !ok:
		return "", o, errCiphertext()
	case id != nil:
		return *id, o, nil
	}
	return aws.ARN{Service: "kms", Region: call.Region, Account: o.account, Resource: keyKind + o.id}.String(), o, nil
}

// ReEncrypt encrypts with one key what was encrypted with another, and shows
// the plaintext to nobody.
func (s *Service) ReEncrypt(ctx context.Context, call *aws.Call, in *api.ReEncryptInput) (*api.ReEncryptOutput, error) {
	if len(in.DryRunModifiers) > 0 {
		return nil, aws.NotImplemented.Errorf("Aloft does not do DryRunModifiers yet.")
	}
	d, err := s.decrypt(ctx, call, in.CiphertextBlob, in.SourceKeyId, in.SourceEncryptionAlgorithm, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	to, err := s.Encrypt(ctx, call, &api.EncryptInput{
		KeyId: in.DestinationKeyId, Plaintext: d.plain, EncryptionContext: in.DestinationEncryptionContext, EncryptionAlgorithm: in.DestinationEncryptionAlgorithm, DryRun: in.DryRun,
	})
	if err != nil {
		return nil, err
	}
	out := &api.ReEncryptOutput{
		CiphertextBlob: to.CiphertextBlob, SourceKeyId: new(d.ARN.String()), KeyId: to.KeyId,
		SourceEncryptionAlgorithm: &d.algorithm, DestinationEncryptionAlgorithm: to.EncryptionAlgorithm,
	}
	if d.material != "" {
		out.SourceKeyMaterialId = &d.material
	}
	if o, ok := parseCiphertext(to.CiphertextBlob); ok && *to.EncryptionAlgorithm == symmetric {
		out.DestinationKeyMaterialId = &o.material
	}
	return out, nil
}

// GenerateDataKey makes a key for the caller to encrypt with, and the same
// encrypted, to be kept with what it encrypts.
func (s *Service) GenerateDataKey(ctx context.Context, call *aws.Call, in *api.GenerateDataKeyInput) (*api.GenerateDataKeyOutput, error) {
	if err := checkRecipient(in.Recipient); err != nil {
		return nil, err
	}
	n := aws.Value(in.NumberOfBytes)
	switch {
	case (in.KeySpec == nil) == (in.NumberOfBytes == nil):
		return nil, invalid("Please specify either number of bytes or key spec.")
	case aws.Value(in.KeySpec) == api.DataKeySpecAes256:
		n = 32
	case in.KeySpec != nil:
		n = 16
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
	plain := make([]byte, n)
	rand.Read(plain)
	b, err := s.seal(&f, plain, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyOutput{CiphertextBlob: b, Plaintext: plain, KeyId: new(f.ARN.String()), KeyMaterialId: &f.current().ID}, nil
}

// GenerateDataKeyWithoutPlaintext is GenerateDataKey for those who will want
// the key later.
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, call *aws.Call, in *api.GenerateDataKeyWithoutPlaintextInput) (*api.GenerateDataKeyWithoutPlaintextOutput, error) {
	if in.KeySpec == nil && in.NumberOfBytes == nil {
		in.KeySpec = new(api.DataKeySpecAes256)
	}
	out, err := s.GenerateDataKey(ctx, call, &api.GenerateDataKeyInput{KeyId: in.KeyId, KeySpec: in.KeySpec, NumberOfBytes: in.NumberOfBytes, EncryptionContext: in.EncryptionContext, DryRun: in.DryRun})
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyWithoutPlaintextOutput{CiphertextBlob: out.CiphertextBlob, KeyId: out.KeyId, KeyMaterialId: out.KeyMaterialId}, nil
}

// GenerateRandom returns up to 1024 random bytes.
func (s *Service) GenerateRandom(_ context.Context, _ *aws.Call, in *api.GenerateRandomInput) (*api.GenerateRandomOutput, error) {
	if err := checkRecipient(in.Recipient); err != nil {
		return nil, err
	}
	if in.NumberOfBytes == nil {
		return nil, invalid("NumberOfBytes is required.")
	}
	b := make([]byte, *in.NumberOfBytes)
	rand.Read(b)
	return &api.GenerateRandomOutput{Plaintext: b}, nil
}
