package cognitoidp

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

// Kinds of tickets.
const (
	challengeTicket = "challenge" // a step of signing in that waits for an answer
	loginTicket     = "login"     // tokens that were given: see login
)

var (
	tickets = store.NewTable[ticketKey, ticket]("cognito-idp.ticket")
	dues    = due.NewTimes[ticketKey]("cognito-idp.due") // of tickets that expire
)

type ticketKey struct {
	Pool     aws.ARN
	Kind, ID string
}

// A ticket is something that was begun, which a client holds a secret to, and
// which expires.
type ticket struct {
	Expires time.Time
	Body    json.RawMessage
}

// newSecret makes a secret for a client of a pool, and the id of its ticket,
// which does not tell it. It says the pool, and in whatever base a client reads
// it, it is a number.
func newSecret(p *userPool) (secret, id string) {
	chance := make([]byte, 64+len(p.id())%2)
	rand.Read(chance[1:])
	secret = hex.EncodeToString(append([]byte(p.id()), chance...))
	return secret, idOf(secret)
}

// poolOf is the id of the pool that a secret is of.
func poolOf(secret string) string {
	b, err := hex.DecodeString(secret)
	if err != nil {
		return ""
	}
	id, _, _ := bytes.Cut(b, []byte{0})
	return string(id)
}

// idOf is the id of the ticket that a secret is of.
func idOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// putTicket keeps a ticket until it expires.
func putTicket[T any](tx *store.Tx, s *Service, key ticketKey, expires time.Time, body *T) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	old, err := tickets.Get(tx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	t := ticket{Expires: old.Expires, Body: b}
	return errors.Join(dues.Move(tx, key, &t.Expires, expires, s.due), tickets.Put(tx, key, t))
}

// getTicket returns what a ticket is about, or store.ErrNotFound if there is
// none, or not any more.
func getTicket[T any](tx *store.Tx, key ticketKey) (*T, time.Time, error) {
	t, err := tickets.Get(tx, key)
	if err != nil {
		return nil, t.Expires, err
	}
	if !time.Now().Before(t.Expires) {
		return nil, t.Expires, store.ErrNotFound
	}
	body := new(T)
	return body, t.Expires, json.Unmarshal(t.Body, body)
}

// dropTicket removes a ticket, if there is one.
func dropTicket(tx *store.Tx, s *Service, key ticketKey) error {
	t, err := tickets.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(dues.Move(tx, key, &t.Expires, time.Time{}, s.due), tickets.Delete(tx, key))
}

// expire removes tickets whose time is over.
func (s *Service) expire(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.db, func(tx *store.Tx, _ time.Time, key ticketKey) error { return tickets.Delete(tx, key) })
}
