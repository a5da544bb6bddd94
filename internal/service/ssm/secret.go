package ssm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const ownKey = "alias/aws/ssm" // what secure strings are sealed with, by name

// seal returns a secret as it is kept: nobody reads it who has not the key of
// the account and region, which is made when it is first wanted.
func seal(tx *store.Tx, in aws.ARN, name, secret string) (string, error) {
	k, err := seals.Get(tx, in)
	if errors.Is(err, store.ErrNotFound) {
		k = make([]byte, 32)
		rand.Read(k)
		err = seals.Put(tx, in, k)
	}
	if err != nil {
		return "", err
	}
	box, err := sealer(k)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(box.Seal(nil, nil, []byte(secret), []byte(name))), nil
}

// unseal returns what seal was given.
func unseal(tx *store.Tx, in aws.ARN, name, sealed string) (string, error) {
	k, err := seals.Get(tx, in)
	if err != nil {
		return "", err
	}
	box, err := sealer(k)
	if err != nil {
		return "", err
	}
	b, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", err
	}
	secret, err := box.Open(nil, nil, b, []byte(name))
	return string(secret), err
}

func sealer(k []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
