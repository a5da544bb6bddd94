package s3

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	points   = store.NewTable[aws.ARN, point]("s3.accesspoint")
	pointsOf = store.NewTable[pointOf, struct{}]("s3.accesspoint.bucket") // by bucket
	aliases  = store.NewTable[string, pointAlias]("s3.accesspoint.alias")
)

// A point is an access point: another name of a bucket, with a policy of its own.
type point struct {
	Bucket  string
	Owner   string // of the bucket: account
	Alias   string
	Created time.Time
	Access  *api.PublicAccessBlockConfiguration
	Policy  string `json:",omitempty"`
}

type pointOf struct{ Bucket, Point aws.ARN }

type pointAlias struct{ Point aws.ARN }

const (
	pointKind   = "accesspoint/"
	aliasSuffix = "-s3alias"
)

func pointARN(region, account, name string) aws.ARN {
	return aws.ARN{Service: "s3", Region: region, Account: account, Resource: pointKind + name}
}

// isPoint reports whether a resource is an access point, or an object by one:
// ARNs of buckets name no account.
func isPoint(arn aws.ARN) bool { return arn.Account != "" }

// accounted are names that SDKs make of access points for hosts: the name, and
// the account.
var accounted = regexp.MustCompile(`^(.+)-(\d{12})$`)

// findPoint returns the access point that a request names in place of a
// bucket: by its alias, its ARN, or its name and account. found is false if it
// names none, or a bucket.
func findPoint(tx *store.Tx, call *aws.Call, name string) (arn aws.ARN, p point, found bool, err error) {
	switch {
	case strings.HasSuffix(name, aliasSuffix):
		a, err := aliases.Get(tx, name)
		if err != nil {
			return arn, p, false, ignoreMissing(err)
		}
		arn = a.Point
	case strings.HasPrefix(name, "arn:"):
		if arn, err = aws.ParseARN(name); err != nil {
			return arn, p, false, nil
		}
		arn.Resource = strings.Replace(arn.Resource, "accesspoint:", pointKind, 1)
		if arn.Region == "" {
			arn.Region = call.Region
		}
	default:
		m := accounted.FindStringSubmatch(name)
		if m == nil {
			return arn, p, false, nil
		}
		if there, err := buckets.Has(tx, bucketARN(name)); there || err != nil {
			return arn, p, false, err
		}
		arn = pointARN(call.Region, m[2], m[1])
	}
	p, err = points.Get(tx, arn)
	return arn, p, err == nil, ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// mayBePoint reports whether name may be that of an access point.
func mayBePoint(name string) bool {
	return strings.HasSuffix(name, aliasSuffix) || strings.HasSuffix(name, lensSuffix) || strings.HasPrefix(name, "arn:") || len(name) > 13 && accounted.MatchString(name)
}

// A way leads from a name that stands where a bucket's does to the bucket.
type way struct {
	bucket string                                         // what the handler is to take for its name; "" if the name was one
	check  func(check check) func(a service.Access) error // what must be allowed on the way
}

// findWay returns the way from name for an operation.
func findWay(tx *store.Tx, call *aws.Call, name, operation string) (way, error) {
	arn, p, found, err := findPoint(tx, call, name)
	if err != nil || found {
		return way{p.Bucket, p.guard(arn)}, err
	}
	l, found, err := findLens(tx, call, name)
	if err != nil || !found {
		return way{}, err
	}
	if l.function(operation) != nil {
		return way{l.arn.String(), l.guard}, nil
	}
	if p, err = points.Get(tx, l.Point); err != nil {
		return way{}, l.missing(err)
	}
	point := p.guard(l.Point)
	return way{p.Bucket, func(check check) func(service.Access) error {
		first, second := l.guard(check), point(check)
		return func(a service.Access) error { return firstError(first(a), second(a)) }
	}}, nil
}

// throughPoint is op for who names an access point in place of a bucket. The
// policies of both have to allow it.
func (s *Service) throughPoint(op service.Operation) service.Operation {
	guarded := func(call *aws.Call, in any, check check) (check, error) {
		named, ok := in.(interface{ GetBucket() string })
		if !ok || !mayBePoint(named.GetBucket()) {
			return check, nil
		}
		var way way
		err := s.db.View(context.Background(), func(tx *store.Tx) (err error) {
			way, err = findWay(tx, call, named.GetBucket(), op.Name)
			return err
		})
		if way.bucket == "" {
			return check, err
		}
		reflect.ValueOf(in).Elem().FieldByName("Bucket").SetString(way.bucket)
		return way.check(check), nil
	}
	op = s.throughLens(op)
	access, some := op.Access, op.Some
	op.Access = func(call *aws.Call, in any, check check) error {
		check, err := guarded(call, in, check)
		if err != nil {
			return err
		}
		return access(call, in, check)
	}
	if some != nil {
		op.Some = func(ctx context.Context, call *aws.Call, in any, check func(service.Access) error) (any, error) {
			check, err := guarded(call, in, check)
			if err != nil {
				return nil, err
			}
			return some(ctx, call, in, check)
		}
	}
	return op
}

// guard is check, for the access point of that ARN.
func (p point) guard(arn aws.ARN) func(check) func(service.Access) error {
	return func(check check) func(service.Access) error {
		return func(a service.Access) error { return p.check(arn, a, check) }
	}
}

// check asks for access to p's bucket: of p first, and then of the bucket, whose
// policy may leave it to its access points.
func (p *point) check(arn aws.ARN, a service.Access, check check) error {
	bucket, key, ofObject := strings.Cut(a.Resource.Resource, "/")
	if bucket != p.Bucket {
		return check(a) // the source of a copy
	}
	by := a
	by.Resource = arn
	if ofObject {
		by.Resource.Resource += "/object/" + key
	}
	a.Keys = maps.Clone(a.Keys)
	if a.Keys == nil {
		a.Keys = make(service.Keys)
	}
	a.Keys["s3:DataAccessPointArn"] = []string{arn.String()}
	a.Keys["s3:DataAccessPointAccount"] = []string{arn.Account}
	a.Keys["s3:AccessPointNetworkOrigin"] = []string{"Internet"}
	by.Keys = a.Keys
	return firstError(check(by), check(a))
}

// pointPolicy returns the policy of an access point, for auth.
func (s *Service) pointPolicy(ctx context.Context, arn aws.ARN) (text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		p, err := points.Get(tx, arn)
		if err != nil {
			return ignoreMissing(err)
		}
		text = p.Policy
		if text == "" || !aws.Value(p.Access.RestrictPublicBuckets) {
			return nil
		}
		parsed, err := parsePolicy(arn.String(), text)
		if err == nil {
			text, err = parsed.withoutPublic(text)
		}
		return err
	})
	return text, err
}
