package iam

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A memory is what was answered since IAM last changed. Whoever fills it took
// hold of it before looking into the store, so what is out of date goes into a
// memory that nobody asks any more.
type memory struct {
	keys     sync.Map // id: *auth.Key
	grants   sync.Map // grantsKey: *auth.Grants
	policies sync.Map // ARN: *policy.Document
}

type grantsKey struct{ arn, id string }

// forget begins a new memory. It is called after each commit.
func (s *Service) forget() {
	s.memory.Store(new(memory))
	s.epoch.Add(1)
}

// AccessKey implements auth.Directory.
func (s *Service) AccessKey(ctx context.Context, id string) (*auth.Key, error) {
	account, ok := auth.AccountOf(id)
	if !ok {
		return nil, auth.ErrNotFound
	}
	m := s.memory.Load()
	if k, ok := m.keys.Load(id); ok {
		return k.(*auth.Key), nil
	}
	var k *auth.Key
	err := s.db.View(ctx, func(tx *store.Tx) error {
		row, err := keys.Get(tx, keyARN(account, id))
		if err != nil {
			return err
		}
		k = &auth.Key{Secret: row.Secret, Active: row.Active, Principal: auth.Root(account)}
		if row.Owner == ownerKey(account, rootID) {
			return nil
		}
		name, owner, err := findOwner(tx, row.Owner)
		k.Principal = aws.Principal{Kind: aws.User, ARN: owner.arn(account, name.Kind).String(), ID: owner.ID, Account: account}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, auth.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	m.keys.Store(id, k)
	return k, nil
}

// Grants implements auth.Directory.
func (s *Service) Grants(ctx context.Context, p *aws.Principal) (*auth.Grants, error) {
	key := grantsKey{p.ARN, p.ID}
	if p.Role != "" {
		key.arn = p.Role
		key.id, _, _ = strings.Cut(p.ID, ":")
	}
	m := s.memory.Load()
	if g, ok := m.grants.Load(key); ok {
		return g.(*auth.Grants), nil
	}
	g := new(auth.Grants)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		g, err = s.readGrants(tx, p.Account, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	m.grants.Store(key, g)
	return g, nil
}

// readGrants reads the policies of the user or role that has both the ARN and
// the id of key: another of the same name is not meant.
func (s *Service) readGrants(tx *store.Tx, account string, key grantsKey) (*auth.Grants, error) {
	g := new(auth.Grants)
	owner := ownerKey(account, key.id)
	name, row, err := findOwner(tx, owner)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.arn(account, name.Kind).String() != key.arn {
		return g, nil
	}
	if err != nil {
		return nil, err
	}
	g.Tags = row.Tags
	if g.Identity, err = s.readPolicies(tx, owner, nil); err != nil {
		return nil, err
	}
	for membership := range memberships.Scan(tx, pairKey{One: owner}) {
		if g.Identity, err = s.readPolicies(tx, membership.Other, g.Identity); err != nil {
			return nil, err
		}
	}
	if row.Boundary != "" {
		arn, err := parsePolicyARN(row.Boundary)
		if err != nil {
			return nil, err
		}
		if g.Boundary, err = s.readDefault(tx, arn); err != nil {
			return nil, err
		}
	}
	return g, tx.Err()
}

// readPolicies appends the policies of one identity, inline and attached.
func (s *Service) readPolicies(tx *store.Tx, owner aws.ARN, docs []*policy.Document) ([]*policy.Document, error) {
	for _, p := range inlines.Scan(tx, partKey{Owner: owner}) {
		d, err := policy.Parse(p.Document)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	for pair := range attachments.Scan(tx, pairKey{One: owner}) {
		d, err := s.readDefault(tx, pair.Other)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, tx.Err()
}

// readDefault reads the version that counts of a managed policy.
func (s *Service) readDefault(tx *store.Tx, arn aws.ARN) (*policy.Document, error) {
	row, err := s.findPolicy(tx, arn)
	if err != nil {
		return nil, err
	}
	v, err := s.findVersion(tx, arn, row.Default)
	if err != nil {
		return nil, err
	}
	return policy.Parse(v.Document)
}

// Policy implements auth.Directory.
func (s *Service) Policy(ctx context.Context, text string) (*policy.Document, error) {
	m := s.memory.Load()
	if d, ok := m.policies.Load(text); ok {
		return d.(*policy.Document), nil
	}
	arn, err := parsePolicyARN(text)
	if err != nil {
		return nil, auth.ErrNotFound
	}
	var d *policy.Document
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		d, err = s.readDefault(tx, arn)
		return err
	})
	if refusal, ok := errors.AsType[*aws.Error](err); ok && refusal.Status == 404 {
		return nil, auth.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	m.policies.Store(text, d)
	return d, nil
}
