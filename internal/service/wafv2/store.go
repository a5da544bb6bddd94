package wafv2

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A row is a thing that is kept.
type row[C any] struct {
	Config C
	Token  string // that changes must name
	Tags   map[string]string
}

// A kind is things of one sort, by ARN: "regional/webacl/NAME/ID".
type kind[C any] struct {
	rows store.Table[aws.ARN, row[C]]
	name string
}

func newKind[C any](name string) *kind[C] {
	return &kind[C]{store.NewTable[aws.ARN, row[C]]("wafv2." + name), name}
}

var (
	acls     = newKind[api.WebACL]("webacl")
	groups   = newKind[api.RuleGroup]("rulegroup")
	ipSets   = newKind[api.IPSet]("ipset")
	patterns = newKind[api.RegexPatternSet]("regexpatternset")

	// associations are the lists that guard resources, by their ARNs.
	associations = store.NewTable[aws.ARN, string]("wafv2.association")
)

// scoped is where the names of a scope begin.
func scoped(call *aws.Call, scope string) (aws.ARN, error) {
	if scope != api.ScopeCloudfront {
		return call.ARN("wafv2", "regional/"), nil
	}
	if call.Region != "us-east-1" {
		return aws.ARN{}, errParameter("The scope is not valid.", "SCOPE_VALUE", scope)
	}
	return call.ARN("wafv2", "global/"), nil
}

func (k *kind[C]) arn(call *aws.Call, scope, name, id string) (aws.ARN, error) {
	arn, err := scoped(call, scope)
	arn.Resource += k.name + "/" + name + "/" + id
	return arn, err
}

// names are the name and the id that an ARN ends in.
func names(arn aws.ARN) (name, id string) {
	parts := strings.Split(arn.Resource, "/")
	if len(parts) != 4 {
		return "", ""
	}
	return parts[2], parts[3]
}

// get returns what an ARN names.
func (k *kind[C]) get(tx *store.Tx, arn aws.ARN) (row[C], error) {
	r, err := k.rows.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return r, errGone()
	}
	return r, err
}

func (k *kind[C]) view(ctx context.Context, s *Service, arn aws.ARN) (r row[C], err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		r, err = k.get(tx, arn)
		return err
	})
	return r, err
}

// create keeps a new thing, which make makes of its ARN.
func (k *kind[C]) create(ctx context.Context, s *Service, call *aws.Call, scope, name string, tags []api.Tag, make func(tx *store.Tx, arn aws.ARN, id string) (C, error)) (aws.ARN, string, error) {
	id, token := aws.NewRequestID(), aws.NewRequestID()
	arn, err := k.arn(call, scope, name, id)
	if err != nil {
		return arn, "", err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		before := arn
		before.Resource = strings.TrimSuffix(arn.Resource, id)
		for other := range k.rows.Scan(tx, call.ARN("wafv2", "")) {
			if strings.HasPrefix(other.Resource, before.Resource) {
				return errTaken()
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
		c, err := make(tx, arn, id)
		if err != nil {
			return err
		}
		s.changed(tx)
		return k.rows.Put(tx, arn, row[C]{c, token, tagged(nil, tags)})
	})
	return arn, token, err
}

// update changes a thing, of the version that the caller knows.
func (k *kind[C]) update(ctx context.Context, s *Service, call *aws.Call, scope, name, id, token string, change func(tx *store.Tx, c *C) error) (*string, error) {
	arn, err := k.arn(call, scope, name, id)
	if err != nil {
		return nil, err
	}
	next := aws.NewRequestID()
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		r, err := k.get(tx, arn)
		switch {
		case err != nil:
			return err
		case r.Token != token:
			return errLock()
		}
		if err := change(tx, &r.Config); err != nil {
			return err
		}
		r.Token = next
		s.changed(tx)
		return k.rows.Put(tx, arn, r)
	})
	return &next, err
}

// remove deletes a thing that nothing names.
func (k *kind[C]) remove(ctx context.Context, s *Service, call *aws.Call, scope, name, id, token string) error {
	arn, err := k.arn(call, scope, name, id)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		r, err := k.get(tx, arn)
		switch {
		case err != nil:
			return err
		case r.Token != token:
			return errLock()
		}
		if err := checkFree(tx, call, arn.String()); err != nil {
			return err
		}
		s.changed(tx)
		return k.rows.Delete(tx, arn)
	})
}

// list returns what there is in a scope, each described.
func list[C, T any](ctx context.Context, s *Service, k *kind[C], call *aws.Call, scope string, describe func(arn aws.ARN, r *row[C]) T) ([]T, error) {
	begin, err := scoped(call, scope)
	if err != nil {
		return nil, err
	}
	var out []T
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = []T{}
		for arn, r := range k.rows.Scan(tx, call.ARN("wafv2", "")) {
			if strings.HasPrefix(arn.Resource, begin.Resource) {
				out = append(out, describe(arn, &r))
			}
		}
		return tx.Err()
	})
	return out, err
}

// checkFree refuses to delete what a list, a group or a resource names.
func checkFree(tx *store.Tx, call *aws.Call, arn string) error {
	for _, acl := range associations.Scan(tx, aws.ARN{}) {
		if acl == arn {
			return errInUse()
		}
	}
	home := call.ARN("wafv2", "")
	for _, r := range acls.rows.Scan(tx, home) {
		if mentions(r.Config.Rules, arn) {
			return errInUse()
		}
	}
	for _, r := range groups.rows.Scan(tx, home) {
		if mentions(r.Config.Rules, arn) {
			return errInUse()
		}
	}
	return tx.Err()
}
