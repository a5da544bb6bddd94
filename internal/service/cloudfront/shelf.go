package cloudfront

import (
	"context"
	"maps"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A shelf is a kind whose six operations do nothing but keep configurations, as
// those of policies do.
type shelf[C any] struct {
	*Service
	*kind[C]
	managed map[string]*C // that AWS has made for everybody, by id

	// check refuses a configuration; was is nil if it is a new one. nil: none is.
	check func(tx *store.Tx, call *aws.Call, is, was *C) error

	// free refuses to delete what is in use.
	free func(tx *store.Tx, call *aws.Call, id string) error
}

// A made is one of a kind, as operations tell of it.
type made[C any] struct {
	held[C]
	arn  aws.ARN
	id   string
	kind string // "managed", or "custom"
}

func (m *made[C]) etag() *string     { return &m.Version }
func (m *made[C]) location() *string { return new(location + m.arn.Resource) }

func (k *shelf[C]) made(arn aws.ARN, h held[C]) made[C] {
	return made[C]{held: h, arn: arn, id: k.id(arn), kind: "custom"}
}

// ofAWS returns one that AWS has made.
func (k *shelf[C]) ofAWS(call *aws.Call, id string) (m made[C], found bool) {
	c := k.managed[id]
	if c == nil {
		return m, false
	}
	h := held[C]{Config: *c, Version: managedVersion, Created: managedSince, Modified: managedSince}
	return made[C]{h, k.arn(call, id), id, "managed"}, true
}

var managedSince = time.Date(2020, 7, 22, 0, 0, 0, 0, time.UTC)

func errManaged() error {
	return api.IllegalUpdate.Errorf("You can't update or delete a managed policy.")
}

// creates is the row of the operation that makes one, of what config finds in
// its input.
func creates[C, In, Out any](k *shelf[C], op smithy.Operation[In, Out], config func(*In) *C, out func(made[C]) *Out) service.Operation {
	return service.Op(op, func(ctx context.Context, call *aws.Call, in *In) (*Out, error) {
		c := config(in)
		arn, h, err := k.create(ctx, k.Service, call, held[C]{Config: *c}, func(tx *store.Tx, _ aws.ARN, _ *held[C]) error {
			if k.check == nil {
				return nil
			}
			return k.check(tx, call, c, nil)
		})
		if err != nil {
			return nil, err
		}
		return out(k.made(arn, h)), nil
	}, anyOf[In](k.name))
}

// gets is the row of an operation that tells of one.
func gets[C, In, Out any, P interface {
	*In
	GetId() string
}](k *shelf[C], op smithy.Operation[In, Out], out func(made[C]) *Out) service.Operation {
	return onID[C, In, Out, P](k.kind, op, func(ctx context.Context, call *aws.Call, in *In) (*Out, error) {
		id := P(in).GetId()
		if m, found := k.ofAWS(call, id); found {
			return out(m), nil
		}
		h, err := k.view(ctx, k.Service, call, id)
		if err != nil {
			return nil, err
		}
		return out(k.made(k.arn(call, id), h)), nil
	})
}

// updates is the row of the operation that replaces one.
func updates[C, In, Out any, P interface {
	*In
	GetId() string
	GetIfMatch() string
}](k *shelf[C], op smithy.Operation[In, Out], config func(*In) *C, out func(made[C]) *Out) service.Operation {
	return onID[C, In, Out, P](k.kind, op, func(ctx context.Context, call *aws.Call, in *In) (*Out, error) {
		id, c := P(in).GetId(), config(in)
		if k.managed[id] != nil {
			return nil, errManaged()
		}
		arn, h, err := k.update(ctx, k.Service, call, id, P(in).GetIfMatch(), *c, func(tx *store.Tx, _ aws.ARN, was *held[C], _ *C) error {
			if k.check == nil {
				return nil
			}
			return k.check(tx, call, c, &was.Config)
		})
		if err != nil {
			return nil, err
		}
		return out(k.made(arn, h)), nil
	})
}

// deletes is the row of the operation that removes one.
func deletes[C, In, Out any, P interface {
	*In
	GetId() string
	GetIfMatch() string
}](k *shelf[C], op smithy.Operation[In, Out]) service.Operation {
	return onID[C, In, Out, P](k.kind, op, func(ctx context.Context, call *aws.Call, in *In) (*Out, error) {
		id := P(in).GetId()
		if k.managed[id] != nil {
			return nil, errManaged()
		}
		return new(Out), k.remove(ctx, k.Service, call, id, P(in).GetIfMatch(), func(tx *store.Tx, _ aws.ARN, _ *held[C]) error {
			return k.free(tx, call, id)
		})
	})
}

// lists is the row of the operation that lists them: wanted says which, if its
// input can, AWS's or the caller's.
func lists[C, T, In, Out any, P interface {
	*In
	GetMarker() string
	GetMaxItems() string
}](k *shelf[C], op smithy.Operation[In, Out], wanted func(*In) *string, describe func(made[C]) T, out func(*page[T]) *Out) service.Operation {
	return service.Op(op, func(ctx context.Context, call *aws.Call, in *In) (*Out, error) {
		which := aws.Value(wanted(in))
		p := page[T]{Items: []T{}, MaxItems: pageSize}
		if which != "managed" {
			var err error
			p, err = pageOf(ctx, k.Service, k.kind, call, P(in).GetMarker(), P(in).GetMaxItems(), func(arn aws.ARN, h *held[C]) T { return describe(k.made(arn, *h)) })
			if err != nil {
				return nil, err
			}
		}
		if which != "custom" && P(in).GetMarker() == "" {
			first := make([]T, 0, len(k.managed)+len(p.Items))
			for _, id := range slices.Sorted(maps.Keys(k.managed)) {
				m, _ := k.ofAWS(call, id)
				first = append(first, describe(m))
			}
			p.Items = append(first, p.Items...)
		}
		return out(&p), nil
	}, service.Any)
}

// every is what lists of kinds want of which AWS has none.
func every[In any](*In) *string { return nil }

// freeOf refuses to delete what a behaviour of the caller's uses.
func freeOf(fault aws.Fault, uses func(*api.CacheBehavior) *string) func(*store.Tx, *aws.Call, string) error {
	return func(tx *store.Tx, call *aws.Call, id string) error {
		return checkUnused(tx, call, func(b *api.CacheBehavior) bool { return aws.Value(uses(b)) == id },
			fault.Errorf("The specified policy is currently associated with one or more cache behaviors and cannot be deleted."))
	}
}

// checkUnused refuses what a behaviour of the caller's uses.
func checkUnused(tx *store.Tx, call *aws.Call, uses func(*api.CacheBehavior) bool, refusal error) error {
	for _, d := range distributions.rows.Scan(tx, global(call, "")) {
		for _, b := range behaviors(&d.Config) {
			if uses(&b) {
				return refusal
			}
		}
	}
	return tx.Err()
}

// freeOfOrigins refuses to delete what an origin of the caller's uses.
func freeOfOrigins(fault aws.Fault, uses func(*api.Origin) string) func(*store.Tx, *aws.Call, string) error {
	return func(tx *store.Tx, call *aws.Call, id string) error {
		for _, d := range distributions.rows.Scan(tx, global(call, "")) {
			for i := range d.Config.Origins.Items {
				if uses(&d.Config.Origins.Items[i]) == id {
					return fault.Errorf("Cannot delete it: it is in use by a distribution.")
				}
			}
		}
		return tx.Err()
	}
}
