package apigateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/limit"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A caller is who brings an API key, as far as usage plans say.
type caller struct {
	id    string
	plans map[string]*grant // by "api:stage"
}

// A grant is what a plan lets a key do on a stage.
type grant struct {
	plan    aws.ARN
	quota   *api.QuotaSettings
	limit   *limit.Bucket            // of all methods
	methods map[string]*limit.Bucket // "/pets/GET"
}

// admitKey lets through what comes with a good key, as often as its plan has
// it, or all if the method wants none; and all together as often as the stage
// has it.
func (x *exchange) admitKey() error {
	if aws.Value(x.method.method.ApiKeyRequired) {
		if err := x.useKey(); err != nil {
			return err
		}
	}
	if !x.method.limit.Take() {
		return errThrottled
	}
	return nil
}

func (x *exchange) useKey() error {
	value := x.req.Header.Get("X-Api-Key")
	if aws.Value(x.v.api.ApiKeySource) == api.ApiKeySourceTypeAuthorizer {
		value = x.req.UsageKey
	}
	if value == "" {
		return errKey
	}
	id, err := x.spend(x.ctx, x.api.arn, x.api.id+":"+x.req.Stage, x.method.path+"/"+*x.method.method.HttpMethod, value)
	if id != "" {
		x.req.Key, x.req.KeyID = value, id
	}
	return err
}

// UseKey counts a request with a key to a route of a WebSocket API's stage, and
// returns the key's id.
func (s *Service) UseKey(ctx context.Context, of aws.ARN, stage, route, value string) (string, error) {
	id, err := s.spend(ctx, of, strings.TrimPrefix(of.Resource, "/apis/")+":"+stage, route, value)
	switch {
	case errors.Is(err, errKey):
		err = aws.Fault{Code: errKey.errorType, Status: http.StatusForbidden}.Errorf("%s", errKey.message)
	case errors.Is(err, errThrottled):
		err = api.TooManyRequestsException.Errorf("%s", errThrottled.message)
	case errors.Is(err, errQuota):
		err = api.LimitExceededException.Errorf("%s", errQuota.message)
	}
	return id, err
}

// spend counts a request with a key to a method of a stage, "api:stage", unless
// no plan lets it in. It returns the key's id if one does.
func (s *Service) spend(ctx context.Context, of aws.ARN, stage, method, value string) (id string, err error) {
	c, err := s.caller(ctx, of, value)
	if err != nil {
		return "", err
	}
	if c == nil || c.plans[stage] == nil {
		return "", errKey
	}
	g := c.plans[stage]
	if !g.limit.Take() || !g.methods[method].Take() {
		return c.id, errThrottled
	}
	ok, err := s.take(ctx, g.plan, g.quota, c.id)
	if err == nil && !ok {
		err = errQuota
	}
	return c.id, err
}

// caller returns who brings a key to an API, or nil if it is none.
func (s *Service) caller(ctx context.Context, of aws.ARN, value string) (*caller, error) {
	name := of.Account + "/" + of.Region + "/" + value
	c, changes := s.keys.Get(name)
	if c != nil {
		return c, nil
	}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		c, err = s.compileCaller(tx, of, value)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil || c == nil {
		return nil, err
	}
	s.keys.Put(name, c, changes)
	return c, nil
}

func (s *Service) compileCaller(tx *store.Tx, at aws.ARN, value string) (*caller, error) {
	id, err := keyValues.Get(tx, valueARN(at, value))
	if err != nil {
		return nil, err
	}
	in := func(resource string) aws.ARN {
		return aws.ARN{Service: "apigateway", Region: at.Region, Account: at.Account, Resource: resource}
	}
	arn := in("/apikeys/" + id)
	row, err := apiKeys.Get(tx, arn)
	if err != nil || !aws.Value(row.Enabled) {
		return nil, err
	}
	c := &caller{id: id, plans: make(map[string]*grant)}
	for m := range keyPlans.Scan(tx, memberKey{Of: arn}) {
		plan := in("/usageplans/" + m.ID)
		row, err := plans.Get(tx, plan)
		if err != nil {
			return nil, err
		}
		for _, stage := range row.ApiStages {
			g := &grant{plan: plan, quota: row.Quota, methods: make(map[string]*limit.Bucket)}
			g.limit = s.buckets.of(plan.Resource+"/"+id, row.Throttle)
			for method, t := range stage.Throttle {
				g.methods[method] = s.buckets.of(strings.Join([]string{plan.Resource, id, *stage.ApiId, *stage.Stage, method}, "/"), &t)
			}
			c.plans[*stage.ApiId+":"+*stage.Stage] = g
		}
	}
	return c, tx.Err()
}

// buckets are those of keys. They outlive changes of plans that do not change
// how fast they fill.
type buckets struct {
	mu    sync.Mutex
	known map[string]bucket
}

type bucket struct {
	*limit.Bucket
	rate  float64
	burst int32
}

// maxBuckets is how many are remembered.
const maxBuckets = 100_000

// of returns the bucket of a name, or nil if nothing limits it.
func (b *buckets) of(name string, t *api.ThrottleSettings) *limit.Bucket {
	if t == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	rate, burst := aws.Value(t.RateLimit), aws.Value(t.BurstLimit)
	if old, ok := b.known[name]; ok && old.rate == rate && old.burst == burst {
		return old.Bucket
	}
	if b.known == nil || len(b.known) >= maxBuckets {
		b.known = make(map[string]bucket)
	}
	fresh := bucket{limit.NewBucket(rate, float64(burst)), rate, burst}
	b.known[name] = fresh
	return fresh.Bucket
}
