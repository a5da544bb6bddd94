package s3

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"reflect"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Content that is encrypted with a key of the customer's is so on disk, with
// AES-256 in counter mode. The key goes as it comes, with the request: what is
// kept is a salt for each body, from which and the key the body's own key is
// derived, and by which another key is told from the right one.

// A customerKey is one that a customer encrypts content with; nil is none.
type customerKey struct {
	key []byte
	md5 string // as it travels
}

// A seal says of content that it is encrypted, and for whom.
type seal struct {
	Salt  []byte
	Proof []byte // that a key is the right one
}

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
func customerKeyOf(in any) (*customerKey, error) {
	var m keyMembers
	copyMembers(&m, in)
	return m.key()
}

// readingKey returns the key that a request to read says.
func readingKey(algorithm, key, digest *string) (*customerKey, error) {
	if key != nil && algorithm != nil && digest == nil {
		return nil, errWrongKey()
	}
	return keyMembers{algorithm, key, digest, nil}.key()
}

func errWrongKey() error {
	return api.AccessDenied.Errorf("Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.")
}

// sourceKeyOf returns the key that the members of in say of what is copied.
func sourceKeyOf(in any) (*customerKey, error) {
	var m sourceKeyMembers
	copyMembers(&m, in)
	return keyMembers{m.CopySourceSSECustomerAlgorithm, m.CopySourceSSECustomerKey, m.CopySourceSSECustomerKeyMD5, nil}.key()
}

func (m keyMembers) key() (*customerKey, error) {
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
	return &customerKey{key, sum}, nil
}

const encryptionHeader = "x-amz-server-side-encryption"

func errKey(message string) error {
	return api.InvalidArgument.With(&api.InvalidArgumentDetail{ArgumentName: new(encryptionHeader)}, message)
}

// setEncryption sets the members of out that say how content is encrypted.
func setEncryption(out any, k *customerKey) {
	v, algorithm := reflect.ValueOf(out).Elem(), reflect.ValueOf(new(api.ServerSideEncryptionAes256))
	if k == nil {
		v.FieldByName("ServerSideEncryption").Set(algorithm)
		return
	}
	v.FieldByName("SSECustomerAlgorithm").Set(algorithm)
	v.FieldByName("SSECustomerKeyMD5").Set(reflect.ValueOf(&k.md5))
}

// newSeal returns a seal that only k opens, or nil if k is nil.
func (k *customerKey) newSeal() (*seal, error) {
	if k == nil {
		return nil, nil
	}
	s := &seal{Salt: make([]byte, 32)}
	rand.Read(s.Salt)
	var err error
	s.Proof, err = k.derive(s.Salt, "proof")
	return s, err
}

// seal is that of o's content, or nil. An object in parts has one to tell keys
// by, and its parts have theirs.
func (o *object) seal() *seal {
	if o.More == nil {
		return nil
	}
	return o.More.Seal
}

// setSeal makes s the seal of o's content.
func (o *object) setSeal(s *seal) {
	if s != o.seal() {
		o.more().Seal = s
	}
}

// opens refuses a key that is not the one of s: another, or none, or one where
// there is none to be.
func (k *customerKey) opens(s *seal) error {
	switch {
	case s == nil && k == nil:
		return nil
	case s == nil:
		return api.InvalidRequest.Errorf("The encryption parameters are not applicable to this object.")
	case k == nil:
		return api.InvalidRequest.Errorf("The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	}
	proof, err := k.derive(s.Salt, "proof")
	if err == nil && subtle.ConstantTimeCompare(proof, s.Proof) != 1 {
		err = errWrongKey()
	}
	return err
}

// continues refuses a key for a part of an upload that is not the one the
// upload began with, whose seal is s.
func (k *customerKey) continues(s *seal) error {
	switch {
	case s != nil && k == nil:
		return api.InvalidRequest.Errorf("The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	case s == nil && k != nil:
		return api.InvalidRequest.Errorf("The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.")
	}
	return k.opens(s)
}

// derive returns a key of 32 bytes for one use of k.
func (k *customerKey) derive(salt []byte, use string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.key, salt, "aloft s3 "+use, 32)
}

// stream encrypts and decrypts the body that s seals, from an offset on.
func (k *customerKey) stream(s *seal, from int64) (cipher.Stream, error) {
	key, err := k.derive(s.Salt, "content")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	var counter [aes.BlockSize]byte // the key is of this body alone, so it may begin at nought
	binary.BigEndian.PutUint64(counter[8:], uint64(from)/aes.BlockSize)
	stream := cipher.NewCTR(block, counter[:])
	skip := make([]byte, from%aes.BlockSize)
	stream.XORKeyStream(skip, skip)
	return stream, nil
}

// A sealer encrypts what is written to it.
type sealer struct {
	to     io.Writer
	stream cipher.Stream
	buffer []byte
}

func (w *sealer) Write(b []byte) (int, error) {
	w.buffer = append(w.buffer[:0], b...)
	w.stream.XORKeyStream(w.buffer, w.buffer)
	return w.to.Write(w.buffer)
}

// newETag returns an ETag of sealed content, which is no sum: that would tell
// content to who may not read it.
func newETag() string {
	b := make([]byte, md5.Size)
	rand.Read(b)
	return hex.EncodeToString(b)
}
