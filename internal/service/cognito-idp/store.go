package cognitoidp

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"iter"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/cognito-idp/srp"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	pools    = store.NewTable[aws.ARN, pool]("cognito-idp.pool")
	places   = store.NewTable[aws.ARN, aws.ARN]("cognito-idp.place") // pools, by what strangers know of them: see placeOf
	clients  = store.NewTable[partKey, client]("cognito-idp.client")
	users    = store.NewTable[partKey, user]("cognito-idp.user")        // by username, folded
	aliases  = store.NewTable[aliasKey, string]("cognito-idp.alias")    // names of users, by what else they are called
	groups   = store.NewTable[partKey, group]("cognito-idp.group")      //
	members  = store.NewTable[pairKey, time.Time]("cognito-idp.member") // group, user: since when
	groupsOf = store.NewTable[pairKey, struct{}]("cognito-idp.groupOf") // user, group
)

// A pool is a user pool: what AWS says of it, and what it does not.
type pool struct {
	api.UserPoolType
	KeyID string // of the key that signs tokens
	Key   []byte // sealed, in PKCS #8

	SoftwareTokens bool                           `json:",omitempty"` // may be a second factor
	EmailFactor    *api.EmailMfaConfigType        `json:",omitempty"`
	WebAuthn       *api.WebAuthnConfigurationType `json:",omitempty"`
}

// A userPool is a pool that was found.
type userPool struct {
	arn aws.ARN
	pool
}

// A partKey is something of a pool that has a name.
type partKey struct {
	Pool aws.ARN
	Name string
}

type aliasKey struct {
	Pool             aws.ARN
	Attribute, Value string
}

// A pairKey ties two things of a pool together, and is found by the first.
type pairKey struct {
	Pool       aws.ARN
	One, Other string
}

// A client is an app client.
type client struct {
	api.UserPoolClientType
	Sealed []byte `json:",omitempty"` // its secret
}

// A user is a user of a pool.
type user struct {
	Name       string            // as it was given
	Attributes map[string]string // sub among them
	Status     string
	Disabled   bool `json:",omitempty"`
	Created    time.Time
	Modified   time.Time
	SignedOut  time.Time // tokens that were issued before are good no more

	Password *srp.Verifier   `json:",omitempty"` // its Value is sealed; nil: there is none
	Set      time.Time       // when the password was
	Failures int             `json:",omitempty"` // wrong passwords in a row
	Locked   time.Time       // no password is looked at before
	Codes    map[string]code `json:",omitempty"` // that were sent, by what they are for

	Factors   []string `json:",omitempty"` // second ones that the user wants
	Preferred string   `json:",omitempty"`
	Software  []byte   `json:",omitempty"` // the sealed secret of an authenticator app that was verified
	LastStep  int64    `json:",omitempty"` // of the latest code of the app's that was taken
	Unproven  []byte   `json:",omitempty"` // likewise, of one that is not yet verified
}

func (u *user) sub() string { return u.Attributes["sub"] }

// has reports whether an attribute is set and verified.
func (u *user) verified(attribute string) bool {
	return u.Attributes[attribute] != "" && u.Attributes[attribute+"_verified"] == "true"
}

const kind = "userpool/"

// id is the id of a pool.
func (p *userPool) id() string { return strings.TrimPrefix(p.arn.Resource, kind) }

// fold is a name as users are looked up by it.
func (p *pool) fold(name string) string {
	if c := p.UsernameConfiguration; c != nil && !c.CaseSensitive {
		return strings.ToLower(name)
	}
	return name
}

// placeOf is the key under which a pool is found by what is not its ARN: the id
// of it, or of a client, or the name of a domain.
func placeOf(kind, id string) aws.ARN {
	return aws.ARN{Service: "cognito-idp", Resource: kind + "/" + id}
}

// findPool returns a pool of the caller's, or a refusal.
func findPool(tx *store.Tx, call *aws.Call, id string) (*userPool, error) {
	return loadPool(tx, call.ARN("cognito-idp", kind+id))
}

func loadPool(tx *store.Tx, arn aws.ARN) (*userPool, error) {
	row, err := pools.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoPool(strings.TrimPrefix(arn.Resource, kind))
	}
	return &userPool{arn, row}, err
}

// findPlace returns the pool that strangers know by something.
func findPlace(tx *store.Tx, kind, id string) (*userPool, error) {
	arn, err := places.Get(tx, placeOf(kind, id))
	if err != nil {
		return nil, err
	}
	return loadPool(tx, arn)
}

// findClient returns a client, and its pool.
func findClient(tx *store.Tx, id string) (*userPool, *client, error) {
	p, err := findPlace(tx, "client", id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, errNoClient(id)
	}
	if err != nil {
		return nil, nil, err
	}
	c, err := findClientOf(tx, p, id)
	return p, c, err
}

// findClientOf returns a client of a pool.
func findClientOf(tx *store.Tx, p *userPool, id string) (*client, error) {
	c, err := clients.Get(tx, partKey{p.arn, id})
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoClient(id)
	}
	return &c, err
}

// findUser returns the user of any of its names, and the key of its row.
func findUser(tx *store.Tx, p *userPool, name string) (partKey, user, error) {
	key := partKey{p.arn, p.fold(name)}
	u, err := users.Get(tx, key)
	if !errors.Is(err, store.ErrNotFound) {
		return key, u, err
	}
	for _, attribute := range append(append([]string{"sub"}, p.UsernameAttributes...), p.AliasAttributes...) {
		of, err := aliases.Get(tx, aliasKey{p.arn, attribute, p.fold(name)})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return key, u, err
		}
		key.Name = of
		u, err := users.Get(tx, key)
		return key, u, err
	}
	return key, u, errNoUser()
}

// aliasesOf is what else a user is called.
func (p *pool) aliasesOf(u *user) map[string]string {
	all := map[string]string{"sub": u.sub()}
	for _, name := range p.UsernameAttributes {
		all[name] = p.fold(u.Attributes[name])
	}
	for _, name := range p.AliasAttributes {
		if u.Status != api.UserStatusTypeUnconfirmed && (name == "preferred_username" || u.verified(name)) {
			all[name] = p.fold(u.Attributes[name])
		}
	}
	return all
}

// putUser keeps a user, and what else it is called: nobody else may be called
// so, unless the user takes the name from them.
func putUser(tx *store.Tx, p *userPool, key partKey, u *user, take bool) error {
	old, err := users.Get(tx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	before, now := p.aliasesOf(&old), p.aliasesOf(u)
	for attribute, value := range before {
		if value != "" && now[attribute] != value {
			if err := aliases.Delete(tx, aliasKey{p.arn, attribute, value}); err != nil {
				return err
			}
		}
	}
	for attribute, value := range now {
		if value == "" || before[attribute] == value {
			continue
		}
		at := aliasKey{p.arn, attribute, value}
		other, err := aliases.Get(tx, at)
		if err == nil && other != key.Name {
			if !take {
				return errAlias(attribute)
			}
			err = bereave(tx, partKey{p.arn, other}, attribute)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := aliases.Put(tx, at, key.Name); err != nil {
			return err
		}
	}
	return users.Put(tx, key, *u)
}

// bereave has a user not be called by an attribute any more.
func bereave(tx *store.Tx, key partKey, attribute string) error {
	u, err := users.Get(tx, key)
	if err != nil {
		return err
	}
	u.Attributes[attribute+"_verified"] = "false"
	return users.Put(tx, key, u)
}

// dropUser removes a user, and all that hangs on it.
func dropUser(tx *store.Tx, p *userPool, key partKey, u *user) error {
	for attribute, value := range p.aliasesOf(u) {
		if err := aliases.Delete(tx, aliasKey{p.arn, attribute, value}); err != nil {
			return err
		}
	}
	for of := range groupsOf.Scan(tx, pairKey{Pool: p.arn, One: key.Name}) {
		if err := members.Delete(tx, pairKey{p.arn, of.Other, key.Name}); err != nil {
			return err
		}
	}
	return errors.Join(tx.Err(), groupsOf.DeletePrefix(tx, pairKey{Pool: p.arn, One: key.Name}), users.Delete(tx, key))
}

// page shows rows in order of their names, from past the one that token says: as
// many as limit, of those for which show returns true. It returns the token of
// those that follow.
func page[K comparable, V any](rows iter.Seq2[K, V], name func(K) string, limit int, show func(K, V) (bool, error)) (next *string, err error) {
	shown, last := 0, ""
	for key, row := range rows {
		if shown == limit {
			return new(base64.StdEncoding.EncodeToString([]byte(last))), nil
		}
		is, err := show(key, row)
		if err != nil {
			return nil, err
		}
		if last = name(key); is {
			shown++
		}
	}
	return nil, nil
}

// after is the name that a token of page says.
func after(token *string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(aws.Value(token))
	if err != nil {
		return "", invalid("Invalid pagination token provided.")
	}
	return string(b), nil
}

const most = 60 // of what is listed at once

// upTo is how many are listed that is asked for so.
func upTo(limit *int32) int {
	if n := int(aws.Value(limit)); n > 0 {
		return n
	}
	return most
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// random returns n letters, each as likely as any other.
func random(n int, letters string) string {
	out := make([]byte, 0, n)
	var b [1]byte
	for len(out) < n {
		rand.Read(b[:])
		if int(b[0]) < 256/len(letters)*len(letters) {
			out = append(out, letters[int(b[0])%len(letters)])
		}
	}
	return string(out)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
