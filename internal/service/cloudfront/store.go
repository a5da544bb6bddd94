package cloudfront

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A held is a configuration that is kept.
type held[C any] struct {
	Config   C
	Version  string    // ETag
	Created  time.Time `json:",omitzero"`
	Modified time.Time
	Domain   string            `json:",omitempty"` // of a distribution: d111111abcdef8.cloudfront.net
	Tags     map[string]string `json:",omitempty"`
}

// A kind is configurations of one sort.
type kind[C any] struct {
	rows    store.Table[aws.ARN, held[C]]
	name    string          // in ARNs: "distribution"
	missing aws.Fault       // the refusal of one that is not there
	taken   aws.Fault       // and of one whose name another has
	called  func(*C) string // its name, which is one of a kind; nil: it has none
	newID   func(*C) string // what a new one is called
}

func newKind[C any](name string, missing, taken aws.Fault, called func(*C) string) *kind[C] {
	return &kind[C]{store.NewTable[aws.ARN, held[C]]("cloudfront." + name), name, missing, taken, called, func(*C) string { return newID("E") }}
}

var (
	distributions = newKind("distribution", api.NoSuchDistribution, api.DistributionAlreadyExists, func(c *api.DistributionConfig) string { return c.CallerReference })
	cachePolicies = newKind("cache-policy", api.NoSuchCachePolicy, api.CachePolicyAlreadyExists, func(c *api.CachePolicyConfig) string { return c.Name })
	originRules   = newKind("origin-request-policy", api.NoSuchOriginRequestPolicy, api.OriginRequestPolicyAlreadyExists, func(c *api.OriginRequestPolicyConfig) string { return c.Name })
	headerRules   = newKind("response-headers-policy", api.NoSuchResponseHeadersPolicy, api.ResponseHeadersPolicyAlreadyExists, func(c *api.ResponseHeadersPolicyConfig) string { return c.Name })
	controls      = newKind("origin-access-control", api.NoSuchOriginAccessControl, api.OriginAccessControlAlreadyExists, func(c *api.OriginAccessControlConfig) string { return c.Name })
	scripts       = newKind("function", api.NoSuchFunctionExists, api.FunctionAlreadyExists, func(c *script) string { return c.Name }).numbered(func(c *script) string { return c.Name })
	valueStores   = newKind("key-value-store", api.EntityNotFound, api.EntityAlreadyExists, func(c *valueStore) string { return c.Name }).numbered(func(*valueStore) string { return aws.NewRequestID() })
	publicKeys    = newKind("public-key", api.NoSuchPublicKey, api.PublicKeyAlreadyExists, func(c *api.PublicKeyConfig) string { return c.Name }).numbered(func(*api.PublicKeyConfig) string { return newID("K") })
	realtimeLogs  = newKind("realtime-log-config", api.NoSuchRealtimeLogConfig, api.RealtimeLogConfigAlreadyExists, func(c *api.RealtimeLogConfig) string { return c.Name }).numbered(func(c *api.RealtimeLogConfig) string { return c.Name })
	keyGroups     = newKind("key-group", api.NoSuchResource, api.KeyGroupAlreadyExists, func(c *api.KeyGroupConfig) string { return c.Name }).numbered(func(*api.KeyGroupConfig) string { return aws.NewRequestID() })
	identities    = newKind[api.CloudFrontOriginAccessIdentityConfig]("origin-access-identity/cloudfront", api.NoSuchCloudFrontOriginAccessIdentity, api.CloudFrontOriginAccessIdentityAlreadyExists, nil)
)

// numbered returns k, new ones of which newID names.
func (k *kind[C]) numbered(newID func(*C) string) *kind[C] {
	k.newID = newID
	return k
}

// newID is what a new thing is called: "E", or another letter, and 13 more.
func newID(first string) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	b := make([]byte, 13)
	rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return first + string(b)
}

// global is a name in an account: what CloudFront has is of no region.
func global(call *aws.Call, resource string) aws.ARN {
	return aws.ARN{Service: "cloudfront", Account: call.Account, Resource: resource}
}

func (k *kind[C]) arn(call *aws.Call, id string) aws.ARN { return global(call, k.name+"/"+id) }

func (k *kind[C]) id(arn aws.ARN) string { return strings.TrimPrefix(arn.Resource, k.name+"/") }

// words name the kind in refusals: "cache policy".
func (k *kind[C]) words() string { return strings.ReplaceAll(k.name, "-", " ") }

// find returns one of the caller's.
func (k *kind[C]) find(tx *store.Tx, call *aws.Call, id string) (aws.ARN, held[C], error) {
	arn := k.arn(call, id)
	h, err := k.rows.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return arn, h, k.missing.Errorf("The specified %s does not exist.", k.words())
	}
	return arn, h, err
}

// view returns one of the caller's, out of a transaction.
func (k *kind[C]) view(ctx context.Context, s *Service, call *aws.Call, id string) (h held[C], err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, h, err = k.find(tx, call, id)
		return err
	})
	return h, err
}

func (k *kind[C]) errTaken() error {
	return k.taken.Errorf("A %s with the same name already exists.", k.words())
}

// checkName refuses a configuration with the name of another.
func (k *kind[C]) checkName(tx *store.Tx, call *aws.Call, arn aws.ARN, c *C) error {
	if k.called == nil {
		return nil
	}
	for other, h := range k.rows.Scan(tx, global(call, "")) {
		if other != arn && k.called(&h.Config) == k.called(c) {
			return k.errTaken()
		}
	}
	return tx.Err()
}

// create keeps a new configuration. check may refuse it, or add to it.
func (k *kind[C]) create(ctx context.Context, s *Service, call *aws.Call, is held[C], check func(tx *store.Tx, arn aws.ARN, h *held[C]) error) (aws.ARN, held[C], error) {
	arn := k.arn(call, k.newID(&is.Config))
	is.Version, is.Modified = newID("E"), now()
	is.Created = is.Modified
	var h held[C]
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		h = is
		if _, err := k.rows.Get(tx, arn); err == nil {
			return k.errTaken()
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := k.checkName(tx, call, arn, &h.Config); err != nil {
			return err
		}
		if check != nil {
			if err := check(tx, arn, &h); err != nil {
				return err
			}
		}
		s.index.Changed(tx)
		return k.rows.Put(tx, arn, h)
	})
	return arn, h, err
}

// now is the time, as precise as it is told.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// checkVersion refuses a change of another version than there is.
func checkVersion(version, match string) error {
	switch {
	case match == "":
		return api.InvalidIfMatchVersion.Errorf("The If-Match version is missing or not valid for the resource.")
	case strings.Trim(match, `"`) != version:
		return api.PreconditionFailed.Errorf("The request failed because it didn't meet the preconditions in one or more request-header fields.")
	}
	return nil
}

// update replaces the configuration of one of the caller's. check may refuse that,
// or keep something of what was.
func (k *kind[C]) update(ctx context.Context, s *Service, call *aws.Call, id, match string, to C, check func(tx *store.Tx, arn aws.ARN, was *held[C], is *C) error) (aws.ARN, held[C], error) {
	var arn aws.ARN
	var h held[C]
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		is := to
		if arn, h, err = k.find(tx, call, id); err != nil {
			return err
		}
		if err := checkVersion(h.Version, match); err != nil {
			return err
		}
		if check != nil {
			if err := check(tx, arn, &h, &is); err != nil {
				return err
			}
		}
		h.Config, h.Version, h.Modified = is, newID("E"), now()
		if err := k.checkName(tx, call, arn, &h.Config); err != nil {
			return err
		}
		s.index.Changed(tx)
		return k.rows.Put(tx, arn, h)
	})
	return arn, h, err
}

// remove deletes one of the caller's. check may refuse that.
func (k *kind[C]) remove(ctx context.Context, s *Service, call *aws.Call, id, match string, check func(tx *store.Tx, arn aws.ARN, h *held[C]) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		arn, h, err := k.find(tx, call, id)
		if err != nil {
			return err
		}
		if err := checkVersion(h.Version, match); err != nil {
			return err
		}
		if check != nil {
			if err := check(tx, arn, &h); err != nil {
				return err
			}
		}
		s.index.Changed(tx)
		return k.rows.Delete(tx, arn)
	})
}

// A page is some of what there is of a kind.
type page[T any] struct {
	Items     []T
	Marker    string
	Next      *string
	MaxItems  int32
	Truncated bool
}

func (p *page[T]) quantity() int32 { return int32(len(p.Items)) }

const pageSize = 100

// pageOf returns a page of the caller's, each made by describe.
func pageOf[C, T any](ctx context.Context, s *Service, k *kind[C], call *aws.Call, marker, most string, describe func(arn aws.ARN, h *held[C]) T) (page[T], error) {
	p := page[T]{Items: []T{}, Marker: marker, MaxItems: pageSize}
	if most != "" {
		n, err := strconv.Atoi(most)
		if err != nil || n < 1 {
			return p, api.InvalidArgument.Errorf("MaxItems must be a number of at least 1.")
		}
		p.MaxItems = int32(min(n, pageSize))
	}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p.Items, p.Next, p.Truncated = p.Items[:0], nil, false
		last := ""
		for arn, h := range k.rows.ScanAfter(tx, global(call, ""), k.arn(call, p.Marker)) {
			if len(p.Items) == int(p.MaxItems) {
				p.Next, p.Truncated = &last, true
				break
			}
			p.Items, last = append(p.Items, describe(arn, &h)), k.id(arn)
		}
		return tx.Err()
	})
	return p, err
}
