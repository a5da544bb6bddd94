package secretsmanager

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"

	"github.com/aloft-cloud/aloft/internal/api/kms"
	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

const ownKey = "alias/aws/secretsmanager" // of KMS, for secrets that name no other

// A seal is a data key that a value is sealed with.
type seal struct{ plain, encrypted []byte }

// context is what the data keys of a secret are encrypted under.
func (f *found) context() map[string]string {
	return map[string]string{"SecretARN": f.arn(f.key).String()}
}

// newSeal has KMS make a data key for a secret, in the caller's name.
func (s *Service) newSeal(ctx context.Context, call *aws.Call, f *found) (seal, error) {
	key := f.Key
	if key == "" {
		key = ownKey
	}
	out, err := dispatch.CallChecked(ctx, s.table, call.Through("secretsmanager"), kms.GenerateDataKey, &kms.GenerateDataKeyInput{
		KeyId: key, KeySpec: new(kms.DataKeySpecAes256), EncryptionContext: f.context(),
	})
	if err != nil {
		return seal{}, keyFault(err, api.EncryptionFailure)
	}
	return seal{out.Plaintext, out.CiphertextBlob}, nil
}

// close seals the value of a version.
func (l seal) close(v *version, k versionKey, value []byte, binary bool) error {
	box, err := boxOf(l.plain)
	if err != nil {
		return err
	}
	v.DataKey, v.Sealed, v.Binary = l.encrypted, box.Seal(nil, nil, value, []byte(k.ID)), binary
	return nil
}

// open returns the value of a version, if the caller may use its key.
func (s *Service) open(ctx context.Context, call *aws.Call, f *found, k versionKey, v *version) ([]byte, error) {
	out, err := dispatch.CallChecked(ctx, s.table, call.Through("secretsmanager"), kms.Decrypt, &kms.DecryptInput{CiphertextBlob: v.DataKey, EncryptionContext: f.context()})
	if err != nil {
		return nil, keyFault(err, api.DecryptionFailure)
	}
	box, err := boxOf(out.Plaintext)
	if err != nil {
		return nil, err
	}
	return box.Open(nil, nil, v.Sealed, []byte(k.ID))
}

func boxOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// keyFault is what a refusal of KMS is to who wants a secret.
func keyFault(err error, fault aws.Fault) error {
	said, ok := errors.AsType[*aws.Error](err)
	switch {
	case !ok:
		return err
	case said.Code == aws.AccessDenied.Code:
		return aws.AccessDenied.Errorf("Access to KMS is not allowed")
	}
	return fault.Errorf("%s (Service: AWSKMS; Status Code: %d; Error Code: %s)", said.Message, said.Status, said.Code)
}
