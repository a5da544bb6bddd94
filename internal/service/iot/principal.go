package iot

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// checkPrincipal refuses a certificate that is not there. Who else may be a
// principal, such as an identity of Cognito, is not looked for.
func checkPrincipal(tx *store.Tx, call *aws.Call, principal string) error {
	arn, err := aws.ParseARN(principal)
	if err != nil || arn.Service != "iot" || !strings.HasPrefix(arn.Resource, certificateKind) {
		return nil
	}
	if arn.Account != call.Account || arn.Region != call.Region {
		return invalid("The principal %s is of another account or region.", principal)
	}
	_, err = findCertificate(tx, arn)
	return err
}

// AttachThingPrincipal has a thing be who shows a certificate.
func (s *Service) AttachThingPrincipal(ctx context.Context, call *aws.Call, in *api.AttachThingPrincipalInput) (*api.AttachThingPrincipalOutput, error) {
	arn := thingARN(call, in.ThingName)
	exclusive := aws.Value(in.ThingPrincipalType) == "EXCLUSIVE_THING"
	return &api.AttachThingPrincipalOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findThing(tx, arn); err != nil {
			return err
		}
		if err := checkPrincipal(tx, call, in.Principal); err != nil {
			return err
		}
		for k, taken := range thingsOf.Scan(tx, thingOfKey{Account: call.Account, Region: call.Region, Principal: in.Principal}) {
			if k.Thing != in.ThingName && (taken || exclusive) {
				return invalid("The principal is attached to the thing %s, and to that alone.", k.Thing)
			}
		}
		if err := thingsOf.Put(tx, thingOfKey{call.Account, call.Region, in.Principal, in.ThingName}, exclusive); err != nil {
			return err
		}
		return principals.Put(tx, principalKey{arn, in.Principal}, exclusive)
	})
}

// DetachThingPrincipal undoes AttachThingPrincipal.
func (s *Service) DetachThingPrincipal(ctx context.Context, call *aws.Call, in *api.DetachThingPrincipalInput) (*api.DetachThingPrincipalOutput, error) {
	arn := thingARN(call, in.ThingName)
	return &api.DetachThingPrincipalOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findThing(tx, arn); err != nil {
			return err
		}
		if err := thingsOf.Delete(tx, thingOfKey{call.Account, call.Region, in.Principal, in.ThingName}); err != nil {
			return ignoreMissing(err)
		}
		return ignoreMissing(principals.Delete(tx, principalKey{arn, in.Principal}))
	})
}

// ListThingPrincipals lists the principals of a thing.
func (s *Service) ListThingPrincipals(ctx context.Context, call *aws.Call, in *api.ListThingPrincipalsInput) (*api.ListThingPrincipalsOutput, error) {
	p, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListThingPrincipalsOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Principals = []string{}
		arn := thingARN(call, in.ThingName)
		if _, err := findThing(tx, arn); err != nil {
			return err
		}
		out.NextToken = fill(p, principals.Scan(tx, principalKey{Thing: arn}), func(k principalKey) string { return k.Principal },
			func(name string, _ principalKey, _ bool) bool {
				out.Principals = append(out.Principals, name)
				return true
			})
		return nil
	})
}

// ListPrincipalThings lists the things that a principal is.
func (s *Service) ListPrincipalThings(ctx context.Context, call *aws.Call, in *api.ListPrincipalThingsInput) (*api.ListPrincipalThingsOutput, error) {
	p, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListPrincipalThingsOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Things = []string{}
		seq := thingsOf.Scan(tx, thingOfKey{Account: call.Account, Region: call.Region, Principal: in.Principal})
		out.NextToken = fill(p, seq, func(k thingOfKey) string { return k.Thing }, func(name string, _ thingOfKey, _ bool) bool {
			out.Things = append(out.Things, name)
			return true
		})
		return nil
	})
}

// ignoreMissing takes it for nothing that something is not there.
func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
