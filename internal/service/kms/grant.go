package kms

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxGrants = 50000 // of a key

// CreateGrant lets somebody use a key, until the grant is revoked or retired.
func (s *Service) CreateGrant(ctx context.Context, call *aws.Call, in *api.CreateGrantInput) (*api.CreateGrantOutput, error) {
	grantee := aws.Or(in.GranteePrincipal, aws.Value(in.GranteeServicePrincipal))
	if grantee == "" {
		return nil, invalid("GranteePrincipal is required.")
	}
	if len(in.Operations) == 0 {
		return nil, invalid("Operations is required.")
	}
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	g := grant{
		Name: aws.Value(in.Name), Token: newID(32), Grantee: grantee, Retiring: aws.Or(in.RetiringPrincipal, aws.Value(in.RetiringServicePrincipal)),
		Issuer: call.Account, Operations: in.Operations, Constraints: in.Constraints, Created: time.Now().UTC(),
	}
	id := newID(32)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := locate(tx, call, in.KeyId)
		if err != nil {
			return err
		}
		if err := f.key.usable(f.ARN); err != nil {
			return err
		}
		n := 0
		for k, had := range grants.Scan(tx, grantKey{Key: f.ARN}) {
			if had.repeats(&g) {
				id, g.Token = k.ID, had.Token
				return nil
			}
			if n++; n >= maxGrants {
				return api.LimitExceededException.Errorf("The key %s has the most grants that a key can have.", f.ARN)
			}
		}
		return errors.Join(tx.Err(), grants.Put(tx, grantKey{f.ARN, id}, g))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateGrantOutput{GrantId: &id, GrantToken: &g.Token}, nil
}

// repeats reports whether g has a name and says just what other says.
func (g *grant) repeats(other *grant) bool {
	return g.Name != "" && g.Name == other.Name && g.Grantee == other.Grantee && g.Retiring == other.Retiring &&
		slices.Equal(g.Operations, other.Operations) && reflect.DeepEqual(g.Constraints, other.Constraints)
}

// allows reports whether g lets who do an operation with an encryption context.
func (g *grant) allows(who *aws.Principal, operation string, context map[string]string) bool {
	if !slices.Contains(g.Operations, operation) || g.Grantee != who.ARN && (who.Role == "" || g.Grantee != who.Role) {
		return false
	}
	if g.Constraints == nil || operation == "RetireGrant" || operation == "DescribeKey" {
		return true // nothing is encrypted
	}
	if want := g.Constraints.EncryptionContextEquals; want != nil && !maps.Equal(want, context) {
		return false
	}
	for k, v := range g.Constraints.EncryptionContextSubset {
		if had, ok := context[k]; !ok || had != v {
			return false
		}
	}
	return g.Constraints.SourceArn == nil || *g.Constraints.SourceArn == who.Source.String()
}

func (g *grant) entry(k grantKey) api.GrantListEntry {
	e := api.GrantListEntry{
		KeyId: new(k.Key.String()), GrantId: &k.ID, Name: &g.Name, CreationDate: &g.Created, GranteePrincipal: &g.Grantee,
		IssuingAccount: new("arn:aws:iam::" + g.Issuer + ":root"), Operations: g.Operations, Constraints: g.Constraints,
	}
	if g.Retiring != "" {
		e.RetiringPrincipal = &g.Retiring
	}
	return e
}

// ListGrants lists the grants of a key.
func (s *Service) ListGrants(ctx context.Context, call *aws.Call, in *api.ListGrantsInput) (*api.ListGrantsOutput, error) {
	out := &api.ListGrantsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		f, err := locate(tx, call, in.KeyId)
		if err != nil {
			return err
		}
		var all []api.GrantListEntry
		for k, g := range grants.Scan(tx, grantKey{Key: f.ARN}) {
			if aws.Or(in.GrantId, k.ID) == k.ID && aws.Or(in.GranteePrincipal, g.Grantee) == g.Grantee {
				all = append(all, g.entry(k))
			}
		}
		out.Grants, out.NextMarker, out.Truncated, err = page(all, in.Limit, in.Marker, 50, func(e *api.GrantListEntry) string { return *e.GrantId })
		return errors.Join(tx.Err(), err)
	})
	return out, err
}

// ListRetirableGrants lists the grants that somebody may retire.
func (s *Service) ListRetirableGrants(ctx context.Context, call *aws.Call, in *api.ListRetirableGrantsInput) (*api.ListRetirableGrantsOutput, error) {
	who := aws.Or(in.RetiringPrincipal, aws.Value(in.RetiringServicePrincipal))
	out := &api.ListRetirableGrantsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		var all []api.GrantListEntry
		for k, g := range grants.Scan(tx, grantKey{Key: shelf(call)}) {
			if g.Retiring == who {
				all = append(all, g.entry(k))
			}
		}
		out.Grants, out.NextMarker, out.Truncated, err = page(all, in.Limit, in.Marker, 50, func(e *api.GrantListEntry) string { return *e.GrantId })
		return errors.Join(tx.Err(), err)
	})
	return out, err
}

// RevokeGrant ends a grant.
func (s *Service) RevokeGrant(ctx context.Context, call *aws.Call, in *api.RevokeGrantInput) (*api.RevokeGrantOutput, error) {
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	return &api.RevokeGrantOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := locate(tx, call, in.KeyId)
		if err != nil {
			return err
		}
		return dropGrant(tx, grantKey{f.ARN, in.GrantId})
	})
}

func dropGrant(tx *store.Tx, k grantKey) error {
	there, err := grants.Has(tx, k)
	if err != nil {
		return err
	}
	if !there {
		return api.NotFoundException.Errorf("Grant ID %s not found", k.ID)
	}
	return grants.Delete(tx, k)
}

// RetireGrant ends a grant, by its token or its id, for those who are done with
// it.
func (s *Service) RetireGrant(ctx context.Context, call *aws.Call, in *api.RetireGrantInput) (*api.RetireGrantOutput, error) {
	if aws.Value(in.DryRun) {
		return nil, errDryRun()
	}
	return &api.RetireGrantOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		k, _, err := retiring(tx, call, in)
		if err != nil {
			return err
		}
		return dropGrant(tx, k)
	})
}

// retiring is the grant that a caller wants to retire.
func retiring(tx *store.Tx, call *aws.Call, in *api.RetireGrantInput) (k grantKey, g grant, err error) {
	if in.GrantToken != nil {
		for k, g := range grants.Scan(tx, grantKey{Key: shelf(call)}) {
			if g.Token == *in.GrantToken {
				return k, g, nil
			}
		}
		return k, g, errors.Join(tx.Err(), api.InvalidGrantTokenException.Errorf("Invalid grant token"))
	}
	if in.KeyId == nil || in.GrantId == nil {
		return k, g, invalid("Either a grant token, or a key and the id of a grant, is required.")
	}
	f, err := locate(tx, call, *in.KeyId)
	if err != nil {
		return k, g, err
	}
	k = grantKey{f.ARN, *in.GrantId}
	g, err = grants.Get(tx, k)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("Grant ID %s not found", k.ID)
	}
	return k, g, err
}
