package kms

import (
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Services whose rows depend on keys ask these, in transactions and checks of their own.

// CheckKey refuses a key that cannot be used, and says since when that is so, if
// it is known.
func (s *Service) CheckKey(tx *store.Tx, arn aws.ARN) (since time.Time, err error) {
	k, err := keys.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && k.gone(time.Now()) {
		return k.Turned, errNoKey(arn)
	}
	if err != nil {
		return since, err
	}
	return k.Turned, k.usable(arn)
}

// MayDecrypt checks for leave to have a service, which call is made through,
// decrypt what is encrypted with a key in that context.
func (s *Service) MayDecrypt(call *aws.Call, key aws.ARN, encryptionContext map[string]string, check func(service.Access) error) error {
	return s.allow(call, use{operation: "Decrypt", id: key.String(), context: encryptionContext}, check)
}
