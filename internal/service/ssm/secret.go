package ssm

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"

	"github.com/aloft-cloud/aloft/internal/api/kms"
	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

const ownKey = "alias/aws/ssm" // of KMS, for secure strings that name no other

// under is what a secure string is encrypted under.
func under(call *aws.Call, name string) map[string]string {
	return map[string]string{"PARAMETER_ARN": arnOf(call, name).String()}
}

// seal has KMS encrypt the value of v, in the caller's name: itself, or if it
// may be longer than KMS takes, a data key that the value is sealed with.
func (s *Service) seal(ctx context.Context, call *aws.Call, name, keyID string, v *version) error {
	v.KeyID = keyID
	through := call.Through("ssm")
	if v.Tier == api.ParameterTierStandard {
		out, err := dispatch.CallChecked(ctx, s.table, through, kms.Encrypt, &kms.EncryptInput{KeyId: keyID, Plaintext: []byte(v.Value), EncryptionContext: under(call, name)})
		if err != nil {
			return errKey(err)
		}
		v.Value = base64.StdEncoding.EncodeToString(out.CiphertextBlob)
		return nil
	}
	out, err := dispatch.CallChecked(ctx, s.table, through, kms.GenerateDataKey, &kms.GenerateDataKeyInput{KeyId: keyID, KeySpec: new(kms.DataKeySpecAes256), EncryptionContext: under(call, name)})
	if err != nil {
		return errKey(err)
	}
	box, err := boxOf(out.Plaintext)
	if err != nil {
		return err
	}
	v.DataKey, v.Value = out.CiphertextBlob, base64.StdEncoding.EncodeToString(box.Seal(nil, nil, []byte(v.Value), []byte(name)))
	return nil
}

// errKey is what a refusal of KMS is to who wants a secure string.
func errKey(err error) error {
	said, ok := errors.AsType[*aws.Error](err)
	switch {
	case !ok:
		return err
	case said.Code == aws.AccessDenied.Code:
		return aws.AccessDenied.Errorf("%s", said.Message)
	}
	return api.InvalidKeyId.Errorf("%s (Service: AWSKMS; Status Code: %d; Error Code: %s)", said.Message, said.Status, said.Code)
}

// Sealed are values of an answer that are yet to be opened.
type sealed []sealedValue

type sealedValue struct {
	value   *string // to be the plain text
	version version
	key     key
}

// show returns the value of v for an answer. That of a secure string is to be
// opened, if the caller wants it.
func (l *sealed) show(v *version, k key, open bool) *string {
	value := v.Value
	if v.Type == api.ParameterTypeSecureString && open {
		*l = append(*l, sealedValue{&value, *v, k})
	}
	return &value
}

// open opens values, if the caller may use their keys.
func (s *Service) open(ctx context.Context, call *aws.Call, l sealed) error {
	for _, x := range l {
		b, err := base64.StdEncoding.DecodeString(x.version.Value)
		if err != nil {
			return err
		}
		plain, err := s.unseal(ctx, call, &x, b)
		if err != nil {
			return err
		}
		*x.value = string(plain)
	}
	return nil
}

func (s *Service) unseal(ctx context.Context, call *aws.Call, x *sealedValue, b []byte) ([]byte, error) {
	if x.version.KeyID == "" {
		return s.unsealOld(ctx, x, b)
	}
	encrypted := b
	if x.version.DataKey != nil {
		encrypted = x.version.DataKey
	}
	out, err := dispatch.CallChecked(ctx, s.table, call.Through("ssm"), kms.Decrypt, &kms.DecryptInput{CiphertextBlob: encrypted, EncryptionContext: under(call, x.key.Name)})
	if err != nil {
		return nil, errKey(err)
	}
	if x.version.DataKey == nil {
		return out.Plaintext, nil
	}
	box, err := boxOf(out.Plaintext)
	if err != nil {
		return nil, err
	}
	return box.Open(nil, nil, b, []byte(x.key.Name))
}

// unsealOld opens a value from the time when secure strings were sealed with a
// key of the account and region that is none of KMS.
func (s *Service) unsealOld(ctx context.Context, x *sealedValue, b []byte) ([]byte, error) {
	var k []byte
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		k, err = seals.Get(tx, x.key.In)
		return err
	})
	if err != nil {
		return nil, err
	}
	box, err := boxOf(k)
	if err != nil {
		return nil, err
	}
	return box.Open(nil, nil, b, []byte(x.key.Name))
}

func boxOf(k []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
