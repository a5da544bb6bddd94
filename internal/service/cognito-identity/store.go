package cognitoidentity

import (
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-identity"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	pools      = store.NewTable[aws.ARN, pool]("cognito-identity.pool")
	places     = store.NewTable[aws.ARN, aws.ARN]("cognito-identity.place") // pools, by ids of them and of identities
	identities = store.NewTable[identityKey, identity]("cognito-identity.identity")
	links      = store.NewTable[linkKey, string]("cognito-identity.link") // identities, by who they are elsewhere
	keys       = store.NewTable[aws.ARN, signingKey]("cognito-identity.key")
)

// A pool is an identity pool.
type pool struct {
	api.IdentityPool
	Roles    map[string]string            `json:",omitempty"` // of who has logged in, and of who has not
	Mappings map[string]api.RoleMapping   `json:",omitempty"` // by provider
	TagMaps  map[string]map[string]string `json:",omitempty"` // claims by tag, by provider
	Defaults map[string]bool              `json:",omitempty"` // providers whose tag maps are the usual ones
}

// An identityPool is a pool that was found.
type identityPool struct {
	arn aws.ARN
	pool
}

type identityKey struct {
	Pool aws.ARN
	ID   string
}

// An identity is somebody.
type identity struct {
	Logins            []string // names of providers
	Created, Modified time.Time
}

// A linkKey is who an identity is to a provider.
type linkKey struct {
	Pool              aws.ARN
	Provider, Subject string
}

// A signingKey is the key that tokens of identity pools are signed with.
type signingKey struct {
	ID     string
	Sealed []byte
}

const kind = "identitypool/"

func placeOf(id string) aws.ARN { return aws.ARN{Service: "cognito-identity", Resource: id} }

// findPool returns a pool of the caller's.
func findPool(tx *store.Tx, call *aws.Call, id string) (*identityPool, error) {
	return loadPool(tx, call.ARN("cognito-identity", kind+id), id)
}

func loadPool(tx *store.Tx, arn aws.ARN, id string) (*identityPool, error) {
	row, err := pools.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoPool(id)
	}
	return &identityPool{arn, row}, err
}

// findPlace returns the pool of an id, be it its own or one of an identity.
func findPlace(tx *store.Tx, id string, refusal error) (*identityPool, error) {
	arn, err := places.Get(tx, placeOf(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, refusal
	}
	if err != nil {
		return nil, err
	}
	return loadPool(tx, arn, strings.TrimPrefix(arn.Resource, kind))
}

// findIdentity returns an identity, and its pool.
func findIdentity(tx *store.Tx, id string) (*identityPool, identity, error) {
	p, err := findPlace(tx, id, errNoIdentity(id))
	if err != nil {
		return nil, identity{}, err
	}
	row, err := identities.Get(tx, identityKey{p.arn, id})
	if errors.Is(err, store.ErrNotFound) {
		err = errNoIdentity(id)
	}
	return p, row, err
}

func errNoPool(id string) error {
	return api.ResourceNotFoundException.Errorf("IdentityPool '%s' not found.", id)
}

func errNoIdentity(id string) error {
	return api.ResourceNotFoundException.Errorf("Identity '%s' not found.", id)
}

func invalid(format string, args ...any) error {
	return api.InvalidParameterException.Errorf(format, args...)
}

func unauthorized(format string, args ...any) error {
	return api.NotAuthorizedException.Errorf(format, args...)
}

// newID is an id of a pool or an identity: a region, and a UUID.
func newID(region string) string { return region + ":" + aws.NewRequestID() }

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
