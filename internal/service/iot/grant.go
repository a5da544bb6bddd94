package iot

import (
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// grants are which certificates are good, and what policies their holders have.
type grants struct {
	active   map[aws.ARN]bool
	byID     map[string][]aws.ARN             // certificates, by fingerprint
	policies map[attachedKey]*policy.Document // the default versions
	of       map[attachedKey][]attachedKey    // those of a target, whose key has no policy
}

func indexGrants(tx *store.Tx) (*grants, error) {
	g := &grants{
		active: make(map[aws.ARN]bool), byID: make(map[string][]aws.ARN),
		policies: make(map[attachedKey]*policy.Document), of: make(map[attachedKey][]attachedKey),
	}
	for arn, row := range certificates.Scan(tx, aws.ARN{}) {
		g.active[arn] = row.Status == active
		g.byID[nameOf(arn)] = append(g.byID[nameOf(arn)], arn)
	}
	for k := range attached.Scan(tx, attachedKey{}) {
		row, err := policies.Get(tx, aws.ARN{Service: "iot", Region: k.Region, Account: k.Account, Resource: policyKind + k.Policy})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		v, err := row.version(row.Default)
		if err != nil {
			return nil, err
		}
		if g.policies[k], err = policy.Parse(v.Document); err != nil {
			return nil, err // it was parsed when it was kept
		}
		target := attachedKey{Account: k.Account, Region: k.Region, Target: k.Target}
		g.of[target] = append(g.of[target], k)
	}
	return g, nil
}

// An identity is who connects, and what it may.
type identity struct {
	call        *aws.Call          // in whose account; its principal is who signed, if somebody did
	certificate aws.ARN            // zero: none was shown
	documents   []*policy.Document // of a custom authorizer; nil: there was none
	principal   string             // as rules and events name it
	until       time.Time          // it may be connected; zero: as long as it likes
	keys        service.Keys       // condition keys, and variables of policies
}

// may reports whether an identity may do something to a topic or a client.
func (s *Service) may(ctx context.Context, who *identity, action, resource string) (bool, error) {
	access := service.Access{Action: action, Resource: who.call.ARN("iot", resource), Keys: who.keys}
	documents := who.documents
	switch {
	case who.certificate != (aws.ARN{}):
		g, err := s.grants.Get(ctx)
		if err != nil || !g.active[who.certificate] {
			return false, err
		}
		target := attachedKey{Account: who.call.Account, Region: who.call.Region, Target: who.certificate.String()}
		for _, k := range g.of[target] {
			documents = append(documents, g.policies[k])
		}
	case documents == nil:
		err := s.Auth.Authorize(ctx, who.call, access)
		if _, refused := errors.AsType[*aws.Error](err); refused {
			return false, nil
		}
		return err == nil, err
	}
	r := &policy.Request{Call: who.call, Action: action, Resource: access.Resource, Owner: who.call.Account, Keys: who.keys}
	allowed := false
	for _, d := range documents {
		switch d.Effect(r) {
		case policy.Deny:
			return false, nil
		case policy.Allow:
			allowed = true
		}
	}
	return allowed, nil
}

// introduce gives an identity what is known of it once it said its client id:
// the thing of that name, if its certificate is the thing's.
func (s *Service) introduce(ctx context.Context, who *identity, clientID string) error {
	who.keys = service.Keys{"iot:ClientId": {clientID}, "iot:Connection.Thing.IsAttached": {"false"}}
	if who.certificate == (aws.ARN{}) {
		return nil
	}
	return s.DB.View(ctx, func(tx *store.Tx) error {
		arn := thingARN(who.call, clientID)
		row, err := things.Get(tx, arn)
		if err != nil {
			return ignoreMissing(err)
		}
		mine, err := principals.Has(tx, principalKey{arn, who.certificate.String()})
		if err != nil || !mine {
			return err
		}
		who.keys["iot:Connection.Thing.IsAttached"] = []string{"true"}
		who.keys["iot:Connection.Thing.ThingName"] = []string{clientID}
		if row.Type != "" {
			who.keys["iot:Connection.Thing.ThingTypeName"] = []string{row.Type}
		}
		for name, value := range row.Attributes {
			who.keys["iot:Connection.Thing.Attributes["+name+"]"] = []string{value}
		}
		return nil
	})
}
