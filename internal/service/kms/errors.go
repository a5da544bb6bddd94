package kms

import (
	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func invalid(format string, args ...any) error {
	return aws.ValidationException.Errorf(format, args...)
}

func errNoKey(arn aws.ARN) error {
	return api.NotFoundException.Errorf("Key '%s' does not exist", arn)
}

func errNoAlias(arn aws.ARN) error {
	return api.NotFoundException.Errorf("Alias %s is not found.", arn)
}

func errKeyID(id string) error { return api.NotFoundException.Errorf("Invalid keyId '%s'", id) }

// errCiphertext is without words, as AWS's is: it tells nobody what is wrong.
func errCiphertext() error { return api.InvalidCiphertextException.Errorf("") }

func errDryRun() error {
	return api.DryRunOperationException.Errorf("The request would have succeeded, but the DryRun option is set.")
}

// usable refuses a key that nothing can be done with now.
func (k *key) usable(arn aws.ARN) error {
	switch k.State {
	case api.KeyStateDisabled:
		return api.DisabledException.Errorf("%s is disabled.", arn)
	case api.KeyStatePendingDeletion:
		return errPending(arn)
	}
	return nil
}

func errPending(arn aws.ARN) error {
	return api.KMSInvalidStateException.Errorf("%s is pending deletion.", arn)
}

// usedFor refuses a key that is for something else.
func (k *key) usedFor(usage string, arn aws.ARN) error {
	if k.Usage == usage {
		return k.usable(arn)
	}
	return api.InvalidKeyUsageException.Errorf("%s key usage is %s which is not valid for this operation.", arn, k.Usage)
}

func errNotSymmetric() error { return api.UnsupportedOperationException.Errorf("") }

func checkRecipient(r *api.RecipientInfo) error {
	if r == nil {
		return nil
	}
	return aws.NotImplemented.Errorf("Aloft does not encrypt for Nitro enclaves.")
}
