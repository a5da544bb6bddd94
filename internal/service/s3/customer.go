package s3

import (
	"crypto/md5"
	"encoding/base64"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A key of the customer's goes as it comes, with the request: what is kept is
// by which another key is told from the right one.

// keyMembers are those of inputs and outputs that are about such a key.
type keyMembers struct {
	SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 *string
	ServerSideEncryption                                    *string
}

// sourceKeyMembers are those about the key of what is copied.
type sourceKeyMembers struct {
	CopySourceSSECustomerAlgorithm, CopySourceSSECustomerKey, CopySourceSSECustomerKeyMD5 *string
}

// customerKeyOf returns the key that the members of in say.
func customerKeyOf(in any) (*contentKey, error) {
	var m keyMembers
	copyMembers(&m, in)
	return m.key()
}

// readingKey returns the key that a request to read says.
func readingKey(algorithm, key, digest *string) (*contentKey, error) {
	if key != nil && algorithm != nil && digest == nil {
		return nil, errWrongKey()
	}
	return keyMembers{algorithm, key, digest, nil}.key()
}

func errWrongKey() error {
	return api.AccessDenied.Errorf("Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.")
}

// sourceKeyOf returns the key that the members of in say of what is copied.
func sourceKeyOf(in any) (*contentKey, error) {
	var m sourceKeyMembers
	copyMembers(&m, in)
	return keyMembers{m.CopySourceSSECustomerAlgorithm, m.CopySourceSSECustomerKey, m.CopySourceSSECustomerKeyMD5, nil}.key()
}

func (m keyMembers) key() (*contentKey, error) {
	const with = "Requests specifying Server Side Encryption with Customer provided keys must provide "
	if m.SSECustomerAlgorithm == nil && m.SSECustomerKey == nil && m.SSECustomerKeyMD5 == nil {
		return nil, nil
	}
	key, err := base64.StdEncoding.DecodeString(aws.Value(m.SSECustomerKey))
	digest := md5.Sum(key)
	sum := base64.StdEncoding.EncodeToString(digest[:])
	switch {
	case m.ServerSideEncryption != nil:
		return nil, errArgument(encryptionHeader, *m.ServerSideEncryption,
			"Server Side Encryption with Customer provided key is incompatible with the encryption method specified")
	case m.SSECustomerAlgorithm == nil:
		return nil, errKey(with + "a valid encryption algorithm.")
	case *m.SSECustomerAlgorithm != api.ServerSideEncryptionAes256:
		return nil, api.InvalidEncryptionAlgorithmError.With(&api.InvalidEncryptionAlgorithmErrorDetail{
			ArgumentName: new(encryptionHeader), ArgumentValue: m.SSECustomerAlgorithm,
		}, "The Encryption request you specified is not valid. Supported value: AES256.")
	case m.SSECustomerKey == nil:
		return nil, errKey(with + "an appropriate secret key.")
	case err != nil, len(key) != 32, m.SSECustomerKeyMD5 == nil:
		return nil, errKey("The secret key was invalid for the specified algorithm.")
	case *m.SSECustomerKeyMD5 != sum:
		return nil, errKey("The calculated MD5 hash of the key did not match the hash that was provided.")
	}
	return &contentKey{secret: key, md5: sum}, nil
}

const encryptionHeader = "x-amz-server-side-encryption"

func errKey(message string) error {
	return api.InvalidArgument.With(&api.InvalidArgumentDetail{ArgumentName: new(encryptionHeader)}, message)
}
