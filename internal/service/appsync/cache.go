package appsync

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/graphql"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

var caches = store.NewTable[aws.ARN, api.ApiCache]("appsync.cache")

const (
	maxCacheTTL = 3600   // seconds
	maxCached   = 10_000 // values of an API
)

// CreateApiCache has an API keep what resolvers answered.
func (s *Service) CreateApiCache(ctx context.Context, call *aws.Call, in *api.CreateApiCacheInput) (*api.CreateApiCacheOutput, error) {
	row := api.ApiCache{Ttl: &in.Ttl, ApiCachingBehavior: &in.ApiCachingBehavior, TransitEncryptionEnabled: new(aws.Value(in.TransitEncryptionEnabled)),
		AtRestEncryptionEnabled: new(aws.Value(in.AtRestEncryptionEnabled)), Type: &in.Type, Status: new(api.ApiCacheStatusAvailable), HealthMetricsConfig: in.HealthMetricsConfig}
	if err := checkCache(&row); err != nil {
		return nil, err
	}
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if has, err := caches.Has(tx, arn); err != nil || has {
			return errors.Join(err, errBad("An API cache already exists for this API."))
		}
		return caches.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateApiCacheOutput{ApiCache: &row}, nil
}

func checkCache(row *api.ApiCache) error {
	if *row.Ttl < 1 || *row.Ttl > maxCacheTTL {
		return errBad("The TTL of a cache must be between 1 and %d.", maxCacheTTL)
	}
	if *row.ApiCachingBehavior == api.ApiCachingBehaviorOperationLevelCaching {
		return errNotYet("the cache by operation")
	}
	return nil
}

func findCache(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.ApiCache, error) {
	arn, _, err := findAPI(tx, call, id)
	if err != nil {
		return arn, api.ApiCache{}, err
	}
	row, err := caches.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("Unable to find the cache of this API.")
	}
	return arn, row, err
}

// GetApiCache returns the cache of an API.
func (s *Service) GetApiCache(ctx context.Context, call *aws.Call, in *api.GetApiCacheInput) (*api.GetApiCacheOutput, error) {
	var row api.ApiCache
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findCache(tx, call, in.ApiId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetApiCacheOutput{ApiCache: &row}, nil
}

// UpdateApiCache changes how long the cache of an API keeps what.
func (s *Service) UpdateApiCache(ctx context.Context, call *aws.Call, in *api.UpdateApiCacheInput) (*api.UpdateApiCacheOutput, error) {
	var row api.ApiCache
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, old, err := findCache(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		row = old
		row.Ttl, row.ApiCachingBehavior, row.Type, row.HealthMetricsConfig = &in.Ttl, &in.ApiCachingBehavior, &in.Type, in.HealthMetricsConfig
		if err := checkCache(&row); err != nil {
			return err
		}
		return caches.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateApiCacheOutput{ApiCache: &row}, nil
}

// DeleteApiCache removes the cache of an API.
func (s *Service) DeleteApiCache(ctx context.Context, call *aws.Call, in *api.DeleteApiCacheInput) (*api.DeleteApiCacheOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findCache(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		return caches.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteApiCacheOutput{}, nil
}

// FlushApiCache empties the cache of an API.
func (s *Service) FlushApiCache(ctx context.Context, call *aws.Call, in *api.FlushApiCacheInput) (*api.FlushApiCacheOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error { // which compiles it anew, with an empty cache
		_, _, err := findCache(tx, call, in.ApiId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.FlushApiCacheOutput{}, nil
}

// A cached is what resolvers answered, as long as it is good.
type cached struct {
	ttl    time.Duration
	all    bool            // of every resolver
	values *memory[string] // JSON: what is kept is nobody's to change
}

// compileCache makes the cache of an API ready, if it has one.
func (a *served) compileCache(tx *store.Tx) error {
	row, err := caches.Get(tx, a.arn)
	if err != nil {
		return ignoreNone(err)
	}
	a.cache = &cached{time.Duration(*row.Ttl) * time.Second, *row.ApiCachingBehavior == api.ApiCachingBehaviorFullRequestCaching, newMemory[string](maxCached)}
	return nil
}

// keyOf is by what the cache knows the answer of a field, and how long it is
// good; "" is not kept.
func (r *resolution) keyOf(c *mapping.Context) (string, time.Duration) {
	cache := r.api.cache
	if cache == nil || r.op == nil || r.op.Kind != "query" {
		return "", 0
	}
	name := r.field.Parent + "." + r.field.Name
	if cache.all {
		return name + " " + vtl.JSON(vtl.NewMap().Set("args", c.Args).Set("source", c.Source).Set("identity", c.Identity)), cache.ttl
	}
	config := r.resolver.caching
	if config == nil {
		return "", 0
	}
	ttl := cache.ttl
	if config.Ttl > 0 {
		ttl = time.Duration(config.Ttl) * time.Second
	}
	keys := vtl.NewMap()
	for _, key := range config.CachingKeys {
		keys.Set(strings.TrimPrefix(key, "$"), c.At(key))
	}
	return cacheKey(name, keys), ttl
}

// cacheKey is that of a field for values of its keys.
func cacheKey(name string, keys *vtl.Map) string {
	sorted := vtl.NewMap()
	for _, k := range slices.Sorted(slices.Values(keys.Keys())) {
		v, _ := keys.Lookup(k)
		sorted.Set(k, v)
	}
	return name + " " + vtl.JSON(sorted)
}

// evict removes from the cache what resolvers said.
func (x *exchange) evict() {
	if x.api.cache == nil {
		return
	}
	for _, e := range x.effects.all.Evict {
		x.api.cache.values.drop(cacheKey(e.Type+"."+e.Field, e.Keys))
	}
}

// remembered answers a field from the cache.
func (r *resolution) remembered(key string) bool {
	if key == "" {
		return false
	}
	text, ok := r.api.cache.values.get(key)
	if !ok {
		return false
	}
	v, err := vtl.ParseJSON(text)
	r.value = v
	return err == nil
}

// remember keeps what a field was answered with.
func (r *resolution) remember(key string, ttl time.Duration) {
	if key != "" && r.failed == nil && len(r.effects.Errors) == 0 {
		r.api.cache.values.put(key, vtl.JSON(r.value), ttl)
	}
}

var _ graphql.Resolver = (*exchange)(nil)
