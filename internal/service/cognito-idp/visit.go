package cognitoidp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A visit is what a request of a user, or about one, is about.
type visit struct {
	*Service
	ctx      context.Context
	call     *aws.Call
	pool     *userPool
	client   *client // nil if an administrator asks, without one
	name     string  // of the user, as the caller gave it
	key      partKey // of the user's row, if there is one
	user     *user   // nil if there is none
	metadata map[string]string
	scopes   []string // of the access token that the user came with
}

// enter begins the visit of a user by way of a client, who is there or not.
func (s *Service) enter(ctx context.Context, call *aws.Call, clientID, secretHash, name string, metadata map[string]string) (*visit, error) {
	v := &visit{Service: s, ctx: ctx, call: call, name: name, metadata: metadata}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if v.pool, v.client, err = findClient(tx, clientID); err != nil {
			return err
		}
		return v.find(tx)
	})
	if err != nil {
		return nil, err
	}
	return v, v.checkSecret(secretHash)
}

// attend begins the visit of an administrator to a user, who must be there.
func (s *Service) attend(ctx context.Context, call *aws.Call, poolID, name string, metadata map[string]string) (*visit, error) {
	v := &visit{Service: s, ctx: ctx, call: call, name: name, metadata: metadata}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if v.pool, err = findPool(tx, call, poolID); err != nil {
			return err
		}
		return v.find(tx)
	})
	if err == nil && v.user == nil {
		err = errNoUser()
	}
	return v, err
}

// find looks for the user of v.
func (v *visit) find(tx *store.Tx) error {
	key, u, err := findUser(tx, v.pool, v.name)
	v.key, v.user = key, nil
	if errors.Is(err, api.UserNotFoundException) {
		return nil
	}
	v.user = &u
	return err
}

// hides reports whether the client is not to tell who is a user.
func (v *visit) hides() bool {
	return v.client != nil && aws.Value(v.client.PreventUserExistenceErrors) == api.PreventUserExistenceErrorTypesEnabled
}

// present refuses one who is not there: in the words of hidden, if the client is
// not to tell.
func (v *visit) present(hidden error) error {
	switch {
	case v.user != nil:
		return nil
	case v.hides():
		return hidden
	}
	return errNoUser()
}

// update changes the user of v in a transaction. A kept error is remembered as
// well as returned.
func (v *visit) update(change func(tx *store.Tx, u *user) error) error {
	return v.updateTaking(false, change)
}

// updateTaking is update, in which the user may take names of others.
func (v *visit) updateTaking(take bool, change func(tx *store.Tx, u *user) error) error {
	var refusal error
	err := v.db.Update(v.ctx, func(tx *store.Tx) error {
		refusal = nil
		u, err := users.Get(tx, v.key)
		if errors.Is(err, store.ErrNotFound) {
			return errNoUser()
		}
		if err != nil {
			return err
		}
		err = change(tx, &u)
		if k, ok := errors.AsType[kept](err); ok {
			refusal = k.error
		} else if err != nil {
			return err
		}
		if err := putUser(tx, v.pool, v.key, &u, take); err != nil {
			return err
		}
		v.user = &u
		return nil
	})
	return errors.Join(err, refusal)
}

// checkSecret refuses a caller who does not know the secret of the client, if it
// has one. What proves that is of the name that the caller gave, or of the
// user's own.
func (v *visit) checkSecret(hash string) error {
	if v.client.Sealed == nil {
		return nil
	}
	id := *v.client.ClientId
	if hash == "" {
		return unauthorized("Client %s is configured with secret but SECRET_HASH was not received", id)
	}
	secret, err := v.open(v.pool.arn, v.client.Sealed)
	if err != nil {
		return err
	}
	names := []string{v.name}
	if v.user != nil {
		names = append(names, v.user.Name)
	}
	for _, name := range names {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(name + id))
		if hmac.Equal([]byte(base64.StdEncoding.EncodeToString(h.Sum(nil))), []byte(hash)) {
			return nil
		}
	}
	return unauthorized("SecretHash does not match for the client: %s", id)
}
