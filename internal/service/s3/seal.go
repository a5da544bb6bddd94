package s3

import (
	"crypto/hkdf"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/service/s3/sealed"
)

// Content is encrypted on disk where somebody asks for it: by a header, or by
// the settings of the bucket. Each body is sealed with a key that is derived
// from the object's and a salt of its own. The object's key is the customer's,
// or one that was made for the object and is kept wrapped: by the key of this
// installation, or by one of KMS.

// A contentKey encrypts the content of an object; nil is none.
type contentKey struct {
	secret []byte
	md5    string // of a customer's, as it travels
	kept   seal   // of one that was made here: how it is found again
}

// A seal says of content that it is encrypted, and who can open it.
type seal struct {
	Salt    []byte
	Proof   []byte            `json:",omitempty"` // that a customer's key is the right one
	By      string            `json:",omitempty"` // who wrapped the key, as answers say it; empty if it is the customer's
	Wrapped []byte            `json:",omitempty"` // the key
	KMSKey  string            `json:",omitempty"` // ARN
	Context map[string]string `json:",omitempty"` // in which KMS has wrapped it
	Bucket  bool              `json:",omitempty"` // it was wrapped for all of the bucket
}

// newSeal returns a seal that only k opens, or nil if k is nil.
func (k *contentKey) newSeal() (*seal, error) {
	if k == nil {
		return nil, nil
	}
	s := k.kept
	s.Salt = make([]byte, 32)
	rand.Read(s.Salt)
	var err error
	if s.By == "" {
		s.Proof, err = k.derive(s.Salt, "proof")
	}
	return &s, err
}

// derive returns a key of 32 bytes for one use of k.
func (k *contentKey) derive(salt []byte, use string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.secret, salt, "aloft s3 "+use, sealed.KeySize)
}

// sealing returns the key of the body that s seals.
func (k *contentKey) sealing(s *seal) (sealed.Key, error) {
	secret, err := k.derive(s.Salt, "content")
	if err != nil {
		return sealed.Key{}, err
	}
	return sealed.NewKey(secret)
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

// customers reports whether s needs the customer's key.
func (s *seal) customers() bool { return s != nil && s.By == "" }

// opens refuses a customer's key that is not the one of s: another, or none, or
// one where there is none to be.
func (k *contentKey) opens(s *seal) error {
	switch {
	case !s.customers() && k == nil:
		return nil
	case !s.customers():
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

// continues refuses a customer's key for a part of an upload that is not the
// one the upload began with, whose seal is s.
func (k *contentKey) continues(s *seal) error {
	switch {
	case s.customers() && k == nil:
		return api.InvalidRequest.Errorf("The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	case !s.customers() && k != nil:
		return api.InvalidRequest.Errorf("The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.")
	}
	return k.opens(s)
}

// tells reports whether the ETag of what s seals may be a sum of the content:
// it would tell content to who may not read it.
func (s *seal) tells() bool { return s == nil || s.By == api.ServerSideEncryptionAes256 }

// newETag returns an ETag of sealed content that tells nothing.
func newETag() string {
	b := make([]byte, md5.Size)
	rand.Read(b)
	return hex.EncodeToString(b)
}
