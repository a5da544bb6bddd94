package kms

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	keys    = store.NewTable[aws.ARN, key]("kms.key")
	aliases = store.NewTable[aws.ARN, alias]("kms.alias")
	grants  = store.NewTable[grantKey, grant]("kms.grant")
	dues    = due.NewTimes[aws.ARN]("kms.due") // of keys that are to rotate or to be deleted: their rows say which
)

// A key is a key and all that is known of it.
type key struct {
	Spec        string
	Usage       string
	Description string
	State       string
	Manager     string // api.KeyManagerTypeCustomer or AWS
	Policy      string
	Tags        []api.Tag `json:",omitempty"`
	Created     time.Time
	Turned      time.Time `json:",omitzero"` // when it was last disabled, enabled, or doomed

	Window   int32     `json:",omitempty"` // days that it waits to be deleted
	Deletion time.Time // when it will be; zero if it is to stay

	Rotates  bool  `json:",omitempty"` // by the clock
	Period   int32 `json:",omitempty"` // days from one rotation to the next
	Rotation time.Time

	Primary  string   `json:",omitempty"` // region of the primary, of a key of several regions
	Replicas []string `json:",omitempty"` // regions of the others

	Materials []material // the current one is the last
}

// A material is what a key encrypts or signs with. It has a Secret or is Sealed.
type material struct {
	ID     string // hexadecimal
	Secret []byte `json:",omitempty"` // random bytes, or a private key in PKCS #8; only until put seals it, and in rows of versions that did not seal
	Sealed []byte `json:",omitempty"` // Secret, sealed with the key of this installation
	Since  time.Time
	Reason string `json:",omitempty"` // api.RotationTypeAutomatic or OnDemand; "" is the first
}

func (k *key) current() *material { return &k.Materials[len(k.Materials)-1] }

// An alias is a name of a key.
type alias struct {
	Key              string // its id; "" is none yet, of a name that AWS keeps for a service
	Created, Updated time.Time
}

// A grant lets somebody use a key.
type grant struct {
	Name        string `json:",omitempty"`
	Token       string
	Grantee     string // ARN of a principal
	Retiring    string `json:",omitempty"`
	Issuer      string // account
	Operations  []string
	Constraints *api.GrantConstraints `json:",omitempty"`
	Created     time.Time
}

type grantKey struct {
	Key aws.ARN
	ID  string
}

const (
	keyKind   = "key/"
	aliasKind = "alias/"
)

// shelf is where the keys of an account and region are.
func shelf(call *aws.Call) aws.ARN { return call.ARN("kms", "") }

// newID returns n random bytes in hexadecimal.
func newID(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
