package s3

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	buckets  = store.NewTable[aws.ARN, bucket]("s3.bucket")
	owned    = store.NewTable[ownedKey, struct{}]("s3.owned")       // buckets by account
	objects  = store.NewTable[objectKey, object]("s3.object")       // the latest version of each key
	older    = store.NewTable[versionKey, object]("s3.older")       // versions before
	uploads  = store.NewTable[uploadKey, upload]("s3.upload")       // begun and not completed
	parts    = store.NewTable[partKey, part]("s3.part")             // of uploads, and of objects made of them
	configs  = store.NewTable[aws.ARN, settings]("s3.settings")     // what few operations read
	policies = store.NewTable[aws.ARN, policyDocument]("s3.policy") // resource policies

	notifications = store.NewTable[aws.ARN, api.NotificationConfiguration]("s3.notification")
)

// A bucket is what every operation on its objects reads.
type bucket struct {
	Owner      string // account
	Region     string
	Location   string // the constraint that the region was chosen with; empty for us-east-1
	Created    time.Time
	Versioning string `json:",omitempty"` // empty until it is first set
	Notifies   bool   `json:",omitempty"` // somebody of what becomes of its objects
	Lifecycle  bool   `json:",omitempty"` // rules say when its objects go
	Locks      bool   `json:",omitempty"` // its objects may be locked
	Encrypts   bool   `json:",omitempty"` // objects that do not say how, as its settings do
	Replicates bool   `json:",omitempty"` // rules have its objects put in other buckets
}

// versioned reports whether versions of b's objects have names in answers.
func (b bucket) versioned() bool { return b.Versioning != "" }

// settings are what else may be said of a bucket. What is nil was not said.
type settings struct {
	Tags       []api.Tag                              `json:",omitempty"`
	Encryption *api.ServerSideEncryptionConfiguration `json:",omitempty"`
	Access     *api.PublicAccessBlockConfiguration    `json:",omitempty"`
	CORS       []api.CORSRule                         `json:",omitempty"`
	Ownership  string                                 `json:",omitempty"`
	Website    *api.WebsiteConfiguration              `json:",omitempty"`
	Lifecycle  *lifecycle                             `json:",omitempty"`
	Grants     *[]api.Grant                           `json:",omitempty"` // all, the owner's too
	Accelerate string                                 `json:",omitempty"`
	Retention  *api.DefaultRetention                  `json:",omitempty"` // of objects that bring none
}

// A policyDocument is a bucket's policy as it was put.
type policyDocument struct{ Text string }

// An ownedKey has one account's buckets together: the ARN is that of the account.
type ownedKey struct {
	Owner  aws.ARN
	Bucket string
}

type objectKey struct {
	Bucket aws.ARN
	Key    string
}

// An object is one version of an object, or a delete marker.
type object struct {
	Version  string    // "null" unless versioning was enabled when it was made
	Seq      uint64    // rises with each version of the key
	Marker   bool      `json:",omitempty"`
	Modified time.Time // whole seconds
	Size     int64     `json:",omitempty"`
	ETag     string    `json:",omitempty"` // without quotes
	Sum      sum       `json:",omitzero"`
	Body     store.Body
	Upload   string            `json:",omitempty"` // the content is the parts of this upload, not Body
	Parts    int32             `json:",omitempty"` // how many those are
	Class    string            `json:",omitempty"` // STANDARD if empty
	Headers  headers           `json:",omitzero"`
	Metadata map[string]string `json:",omitempty"`
	Tags     []api.Tag         `json:",omitempty"`
	More     *more             `json:",omitempty"`

	expires *string // what answers say of when it goes; not kept
	wish    wish    // for its access control list; not kept
	replica bool    // it is of another bucket, or nobody's deed, and is not replicated; not kept
}

// more is what is said of few objects.
type more struct {
	Restored time.Time `json:",omitzero"` // an archived one can be read until then
	Lock     lock      `json:",omitzero"`
	Seal     *seal     `json:",omitempty"` // the content, if it is encrypted
	ACL      *acl      `json:",omitempty"` // if it is not the bucket owner's alone

	Replication replication `json:",omitzero"`
}

// more returns what else is said of o, to be changed.
func (o *object) more() *more {
	m := new(more)
	if o.More != nil {
		*m = *o.More
	}
	o.More = m
	return m
}

// A sum is the checksum of an object or a part.
type sum struct {
	Algorithm checksum.Algorithm
	Value     string // as it travels
	Type      checksum.Type
}

// headers are kept with an object and come back with it. Their names are those
// of the members of S3's inputs and outputs; see copyMembers.
type headers struct {
	CacheControl            *string `json:",omitempty"`
	ContentDisposition      *string `json:",omitempty"`
	ContentEncoding         *string `json:",omitempty"`
	ContentLanguage         *string `json:",omitempty"`
	ContentType             *string `json:",omitempty"`
	Expires                 *string `json:",omitempty"`
	WebsiteRedirectLocation *string `json:",omitempty"`
}

type versionKey struct {
	Bucket aws.ARN
	Key    string
	Seq    uint64
}

type uploadKey struct {
	Bucket aws.ARN
	Key    string
	ID     string
}

// An upload is one in parts, before it is completed.
type upload struct {
	Initiated time.Time
	Initiator string // ARN
	Object    object // what it will be, but for its content
	Explicit  bool   // the client chose the checksum
	Found     uint64 `json:",omitempty"` // Seq of the latest version of the key when it began
}

type partKey struct {
	Bucket aws.ARN
	Upload string
	Number int32
}

// A part is content that is to be, or is, a piece of an object.
type part struct {
	Modified time.Time
	Size     int64
	ETag     string
	Sum      sum // of the upload's algorithm
	Body     store.Body
	Seal     *seal `json:",omitempty"`
}

const nullVersion = "null"

// bucketARN names a bucket. No account is in it: names are everybody's.
func bucketARN(name string) aws.ARN { return aws.ARN{Service: "s3", Resource: name} }

func ownedBy(account string) aws.ARN {
	return aws.ARN{Service: "s3", Account: account, Resource: "bucket"}
}

// canonicalID is the name S3 has for an account.
func canonicalID(account string) string {
	if account == "" {
		return nobodysID
	}
	h := sha256.Sum256([]byte("canonical user of " + account))
	return hex.EncodeToString(h[:])
}

func ownerOf(b bucket) *api.Owner { return &api.Owner{ID: new(canonicalID(b.Owner))} }

// findBucket returns a bucket, or a refusal if there is none or it is not
// that of the account the caller expects.
func findBucket(tx *store.Tx, name string, expectedOwner *string) (aws.ARN, bucket, error) {
	arn := bucketARN(name)
	row, err := buckets.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return arn, bucket{}, errNoBucket(name)
	}
	if err != nil {
		return arn, bucket{}, err
	}
	return arn, row, checkOwner(row, expectedOwner)
}

// findSettings returns the settings of a bucket, which may be none.
func findSettings(tx *store.Tx, arn aws.ARN) (settings, error) {
	row, err := configs.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return settings{}, nil
	}
	return row, err
}

// newVersionID returns a name for the version seq of a key: 32 letters that
// nobody can guess, from which parseVersionID has seq again.
func newVersionID(seq uint64) string {
	b := make([]byte, 24)
	rand.Read(b[:12])
	mask := sha256.Sum256(b[:12])
	binary.BigEndian.PutUint64(b[12:], seq^binary.BigEndian.Uint64(mask[:]))
	copy(b[20:], mask[8:])
	return base64.URLEncoding.EncodeToString(b)
}

// parseVersionID reads what newVersionID returns, and nothing else.
func parseVersionID(id string) (seq uint64, ok bool) {
	b, err := base64.URLEncoding.DecodeString(id)
	if err != nil || len(b) != 24 {
		return 0, false
	}
	mask := sha256.Sum256(b[:12])
	return binary.BigEndian.Uint64(b[12:]) ^ binary.BigEndian.Uint64(mask[:]), bytes.Equal(b[20:], mask[8:12])
}

// newUploadID returns a name for an upload. Those begun later are greater.
func newUploadID(begun time.Time) string {
	b := make([]byte, 32)
	binary.BigEndian.PutUint64(b, uint64(begun.UnixNano()))
	rand.Read(b[8:])
	return hex.EncodeToString(b)
}
