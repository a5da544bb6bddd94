package iam

import (
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	identities = store.NewTable[nameKey, identity]("iam.identity")
	names      = store.NewTable[aws.ARN, nameKey]("iam.name") // of identities, by their id

	inlines     = store.NewTable[partKey, inline]("iam.inline")       // of an identity, by name
	attachments = store.NewTable[pairKey, struct{}]("iam.attachment") // identity, policy
	attached    = store.NewTable[useKey, struct{}]("iam.attached")    // policy, identity
	memberships = store.NewTable[pairKey, struct{}]("iam.membership") // user, group
	members     = store.NewTable[pairKey, struct{}]("iam.member")     // group, user

	policies    = store.NewTable[aws.ARN, managedPolicy]("iam.policy")
	policyNames = store.NewTable[nameKey, aws.ARN]("iam.policyName")
	versions    = store.NewTable[versionKey, version]("iam.version")

	keys   = store.NewTable[aws.ARN, accessKey]("iam.key")
	keysOf = store.NewTable[partKey, struct{}]("iam.keyOf") // user or root, id of the key

	installation = store.NewTable[aws.ARN, secretRow]("iam.installation")
)

// Kinds of identities, as they are called in ARNs and in refusals.
const (
	user  = "user"
	group = "group"
	role  = "role"
)

// A nameKey is a name in an account. Names differ in more than case.
type nameKey struct {
	Account aws.ARN
	Kind    string
	Name    string // in lower case
}

func newNameKey(account, kind, name string) nameKey {
	return nameKey{Account: aws.ARN{Service: "iam", Account: account}, Kind: kind, Name: strings.ToLower(name)}
}

// An identity is a user, a group or a role.
type identity struct {
	Name     string
	Path     string // "/", "/team/"
	ID       string // "AIDA…", "AGPA…", "AROA…"
	Created  time.Time
	Boundary string            `json:",omitempty"` // ARN of the policy
	Tags     map[string]string `json:",omitempty"`

	// Of roles.
	Trust       string `json:",omitempty"` // document that says who may take it on
	Description string `json:",omitempty"`
	MaxSession  int32  `json:",omitempty"` // s
}

// arn names an identity of a kind in an account.
func (i *identity) arn(account, kind string) aws.ARN {
	return aws.ARN{Service: "iam", Account: account, Resource: kind + i.Path + i.Name}
}

// owner is the key under which what hangs on an identity is kept.
func (i *identity) owner(account string) aws.ARN { return ownerKey(account, i.ID) }

func ownerKey(account, id string) aws.ARN {
	return aws.ARN{Service: "iam", Account: account, Resource: id}
}

// A partKey is something of an identity that has a name.
type partKey struct {
	Owner aws.ARN
	Name  string
}

type inline struct {
	Document string
}

// A pairKey ties two things together, and is found by the first.
type pairKey struct{ One, Other aws.ARN }

// A useKey is a use of a policy.
type useKey struct {
	Policy   aws.ARN
	Boundary bool // as a permissions boundary
	Owner    aws.ARN
}

// A managedPolicy is one that stands by itself.
type managedPolicy struct {
	Name        string
	Path        string
	ID          string // "ANPA…"
	Description string `json:",omitempty"`
	Default     int64  // version that counts
	Latest      int64  // version that was made last
	Created     time.Time
	Updated     time.Time
	Tags        map[string]string `json:",omitempty"`
}

type versionKey struct {
	Policy aws.ARN
	Number int64
}

type version struct {
	Document string
	Created  time.Time
}

// An accessKey is kept under its id. The id says the account.
type accessKey struct {
	Owner   aws.ARN // a user by its id, or the root
	Secret  string
	Active  bool
	Created time.Time
}

func keyARN(account, id string) aws.ARN {
	return aws.ARN{Service: "iam", Account: account, Resource: "access-key/" + id}
}

// rootID stands for the root of an account among owners.
const rootID = "root"

// A secretRow is the secret of the installation, or marks that something was
// made once.
type secretRow struct {
	Secret  []byte `json:",omitempty"`
	Created time.Time
}

// findIdentity returns the identity of that kind and name, or a refusal.
func findIdentity(tx *store.Tx, account, kind, name string) (nameKey, identity, error) {
	key := newNameKey(account, kind, name)
	row, err := identities.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = errNone(kind, name)
	}
	return key, row, err
}

// findOwner returns the identity that is kept under owner.
func findOwner(tx *store.Tx, owner aws.ARN) (nameKey, identity, error) {
	key, err := names.Get(tx, owner)
	if err != nil {
		return key, identity{}, err
	}
	row, err := identities.Get(tx, key)
	return key, row, err
}

// createIdentity adds an identity of a kind, if its name is free.
func createIdentity(tx *store.Tx, account, kind string, row identity) error {
	key := newNameKey(account, kind, row.Name)
	switch taken, err := identities.Has(tx, key); {
	case err != nil:
		return err
	case taken:
		return api.EntityAlreadyExistsException.Errorf("%s with name %s already exists.", strings.ToUpper(kind[:1])+kind[1:], row.Name)
	}
	if err := names.Put(tx, row.owner(account), key); err != nil {
		return err
	}
	return identities.Put(tx, key, row)
}

// now is the time as IAM keeps it: to the second.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
