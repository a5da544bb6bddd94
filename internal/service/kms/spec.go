package kms

import (
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A spec is a kind of key: what it may be used for, and how.
type spec struct {
	usages     []string
	encryption []string
	signing    []string
	mac        []string
	agreement  bool
	limit      map[string]int // bytes that may be encrypted, by algorithm
}

const (
	symmetric = api.KeySpecSymmetricDefault
	oaepSHA1  = api.EncryptionAlgorithmSpecRsaesOaepSha1
	oaepSHA2  = api.EncryptionAlgorithmSpecRsaesOaepSha256
)

var rsaSigning = []string{"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512", "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512"}

// specs are the kinds of keys that there are here.
var specs = map[string]spec{
	symmetric:       {usages: []string{api.KeyUsageTypeEncryptDecrypt}, encryption: []string{symmetric}},
	"RSA_2048":      rsaSpec(214, 190),
	"RSA_3072":      rsaSpec(342, 318),
	"RSA_4096":      rsaSpec(470, 446),
	"ECC_NIST_P256": eccSpec("ECDSA_SHA_256"),
	"ECC_NIST_P384": eccSpec("ECDSA_SHA_384"),
	"ECC_NIST_P521": eccSpec("ECDSA_SHA_512"),
	"HMAC_224":      macSpec("HMAC_SHA_224"),
	"HMAC_256":      macSpec("HMAC_SHA_256"),
	"HMAC_384":      macSpec("HMAC_SHA_384"),
	"HMAC_512":      macSpec("HMAC_SHA_512"),
}

func rsaSpec(sha1, sha2 int) spec {
	return spec{
		usages:     []string{api.KeyUsageTypeEncryptDecrypt, api.KeyUsageTypeSignVerify},
		encryption: []string{oaepSHA1, oaepSHA2},
		signing:    rsaSigning,
		limit:      map[string]int{oaepSHA1: sha1, oaepSHA2: sha2},
	}
}

func eccSpec(algorithm string) spec {
	return spec{usages: []string{api.KeyUsageTypeSignVerify, api.KeyUsageTypeKeyAgreement}, signing: []string{algorithm}, agreement: true}
}

func macSpec(algorithm string) spec {
	return spec{usages: []string{api.KeyUsageTypeGenerateVerifyMac}, mac: []string{algorithm}}
}

// chooseSpec is the spec and the usage of a key that is to be made.
func chooseSpec(in *api.CreateKeyInput) (name, usage string, err error) {
	name = aws.Or(in.KeySpec, aws.Or(in.CustomerMasterKeySpec, symmetric))
	if in.KeySpec != nil && in.CustomerMasterKeySpec != nil {
		return "", "", invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	}
	s, ok := specs[name]
	if !ok {
		return "", "", aws.NotImplemented.Errorf("Aloft does not have keys of spec %s yet.", name)
	}
	if in.KeyUsage == nil && name != symmetric {
		return "", "", invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	}
	usage = aws.Or(in.KeyUsage, api.KeyUsageTypeEncryptDecrypt)
	if !slices.Contains(s.usages, usage) {
		return "", "", invalid("The operation failed because the KeyUsage value of the KMS key is %s. To perform this operation, the KeyUsage value must be one of %v.", usage, s.usages)
	}
	return name, usage, nil
}

// algorithm returns the one that is asked for, if the key has it, or the usual.
func (k *key) algorithm(asked *string, have []string) (string, error) {
	name := aws.Or(asked, symmetric)
	if !slices.Contains(have, name) {
		return "", api.InvalidKeyUsageException.Errorf("Algorithm %s is incompatible with key spec %s.", name, k.Spec)
	}
	return name, nil
}
