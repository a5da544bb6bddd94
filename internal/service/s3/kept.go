package s3

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Some configurations of a bucket are kept and shown, for tools that compare
// what is with what is to be; nothing of what they describe can be seen here.

var (
	metrics   = keptConfigs[api.MetricsConfiguration]{store.NewTable[configKey, api.MetricsConfiguration]("s3.metrics")}
	analytics = keptConfigs[api.AnalyticsConfiguration]{store.NewTable[configKey, api.AnalyticsConfiguration]("s3.analytics")}
	tierings  = keptConfigs[api.IntelligentTieringConfiguration]{store.NewTable[configKey, api.IntelligentTieringConfiguration]("s3.tiering")}
)

type configKey struct {
	Bucket aws.ARN
	ID     string
}

// keptConfigs are the configurations of buckets of one kind, by their ids.
type keptConfigs[T any] struct{ rows store.Table[configKey, T] }

const (
	maxConfigs     = 1000 // of a kind in a bucket
	configsAtOnce  = 100
	maxConfigsName = 64
)

func errNoConfig() error {
	return api.NoSuchConfiguration.Errorf("The specified configuration does not exist.")
}

// put keeps c under the id, which c says too.
func (k keptConfigs[T]) put(ctx context.Context, s *Service, bucket string, owner *string, id, said string, c *T) error {
	switch {
	case id != said:
		return api.IdMismatch.Errorf("Document ID does not match the specified configuration ID.")
	case id == "" || len(id) > maxConfigsName:
		return api.InvalidArgument.Errorf("The specified ID is not valid")
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, bucket, owner)
		if err != nil {
			return err
		}
		n := 0
		for key := range k.rows.Scan(tx, configKey{Bucket: b}) {
			if key.ID != id {
				n++
			}
		}
		if n >= maxConfigs {
			return api.TooManyConfigurations.Errorf("You are attempting to create a new configuration but have already reached the 1,000-configuration limit.")
		}
		return k.rows.Put(tx, configKey{b, id}, *c)
	})
}

// get returns the configuration under the id.
func (k keptConfigs[T]) get(ctx context.Context, s *Service, bucket string, owner *string, id string) (*T, error) {
	var c T
	return &c, s.db.View(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, bucket, owner)
		if err == nil {
			c, err = k.rows.Get(tx, configKey{b, id})
		}
		if errors.Is(err, store.ErrNotFound) {
			err = errNoConfig()
		}
		return err
	})
}

// remove removes the configuration under the id.
func (k keptConfigs[T]) remove(ctx context.Context, s *Service, bucket string, owner *string, id string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, bucket, owner)
		if err != nil {
			return err
		}
		there, err := k.rows.Has(tx, configKey{b, id})
		if err == nil && !there {
			err = errNoConfig()
		}
		if err != nil {
			return err
		}
		return k.rows.Delete(tx, configKey{b, id})
	})
}

// list returns the configurations behind a token, and the token of what is
// behind them.
func (k keptConfigs[T]) list(ctx context.Context, s *Service, bucket string, owner, token *string) (found []T, next *string, err error) {
	after := ""
	if token != nil {
		if after, err = parseToken(*token); err != nil {
			return nil, nil, err
		}
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, bucket, owner)
		if err != nil {
			return err
		}
		last := ""
		for key, c := range k.rows.ScanAfter(tx, configKey{Bucket: b}, configKey{b, after}) {
			if len(found) == configsAtOnce {
				next = new(newToken(last))
				break
			}
			found, last = append(found, c), key.ID
		}
		return nil
	})
	return found, next, err
}

// PutBucketMetricsConfiguration keeps which requests are to be counted.
func (s *Service) PutBucketMetricsConfiguration(ctx context.Context, call *aws.Call, in *api.PutBucketMetricsConfigurationInput) (*api.PutBucketMetricsConfigurationOutput, error) {
	c := in.MetricsConfiguration
	if c == nil {
		return nil, errMalformed()
	}
	return &api.PutBucketMetricsConfigurationOutput{}, metrics.put(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id, c.Id, c)
}

// GetBucketMetricsConfiguration returns one that was put.
func (s *Service) GetBucketMetricsConfiguration(ctx context.Context, call *aws.Call, in *api.GetBucketMetricsConfigurationInput) (*api.GetBucketMetricsConfigurationOutput, error) {
	c, err := metrics.get(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id)
	return &api.GetBucketMetricsConfigurationOutput{MetricsConfiguration: c}, err
}

// DeleteBucketMetricsConfiguration removes one.
func (s *Service) DeleteBucketMetricsConfiguration(ctx context.Context, call *aws.Call, in *api.DeleteBucketMetricsConfigurationInput) (*api.DeleteBucketMetricsConfigurationOutput, error) {
	return &api.DeleteBucketMetricsConfigurationOutput{}, metrics.remove(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id)
}

// ListBucketMetricsConfigurations lists them.
func (s *Service) ListBucketMetricsConfigurations(ctx context.Context, call *aws.Call, in *api.ListBucketMetricsConfigurationsInput) (*api.ListBucketMetricsConfigurationsOutput, error) {
	found, next, err := metrics.list(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.ContinuationToken)
	return &api.ListBucketMetricsConfigurationsOutput{
		IsTruncated: new(next != nil), ContinuationToken: in.ContinuationToken, NextContinuationToken: next, MetricsConfigurationList: found,
	}, err
}

// PutBucketAnalyticsConfiguration keeps which objects are to be watched.
func (s *Service) PutBucketAnalyticsConfiguration(ctx context.Context, call *aws.Call, in *api.PutBucketAnalyticsConfigurationInput) (*api.PutBucketAnalyticsConfigurationOutput, error) {
	c := in.AnalyticsConfiguration
	switch {
	case c == nil || c.StorageClassAnalysis == nil:
		return nil, errMalformed()
	case c.StorageClassAnalysis.DataExport != nil:
		return nil, errLacking("exports of storage class analyses")
	}
	return &api.PutBucketAnalyticsConfigurationOutput{}, analytics.put(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id, c.Id, c)
}

// GetBucketAnalyticsConfiguration returns one that was put.
func (s *Service) GetBucketAnalyticsConfiguration(ctx context.Context, call *aws.Call, in *api.GetBucketAnalyticsConfigurationInput) (*api.GetBucketAnalyticsConfigurationOutput, error) {
	c, err := analytics.get(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id)
	return &api.GetBucketAnalyticsConfigurationOutput{AnalyticsConfiguration: c}, err
}

// DeleteBucketAnalyticsConfiguration removes one.
func (s *Service) DeleteBucketAnalyticsConfiguration(ctx context.Context, call *aws.Call, in *api.DeleteBucketAnalyticsConfigurationInput) (*api.DeleteBucketAnalyticsConfigurationOutput, error) {
	return &api.DeleteBucketAnalyticsConfigurationOutput{}, analytics.remove(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id)
}

// ListBucketAnalyticsConfigurations lists them.
func (s *Service) ListBucketAnalyticsConfigurations(ctx context.Context, call *aws.Call, in *api.ListBucketAnalyticsConfigurationsInput) (*api.ListBucketAnalyticsConfigurationsOutput, error) {
	found, next, err := analytics.list(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.ContinuationToken)
	return &api.ListBucketAnalyticsConfigurationsOutput{
		IsTruncated: new(next != nil), ContinuationToken: in.ContinuationToken, NextContinuationToken: next, AnalyticsConfigurationList: found,
	}, err
}

// PutBucketIntelligentTieringConfiguration keeps when objects of that class are
// to be archived.
func (s *Service) PutBucketIntelligentTieringConfiguration(ctx context.Context, call *aws.Call, in *api.PutBucketIntelligentTieringConfigurationInput) (*api.PutBucketIntelligentTieringConfigurationOutput, error) {
	c := in.IntelligentTieringConfiguration
	if c == nil || len(c.Tierings) == 0 || c.Status != api.IntelligentTieringStatusEnabled && c.Status != api.IntelligentTieringStatusDisabled {
		return nil, errMalformed()
	}
	for _, t := range c.Tierings {
		least := map[string]int32{api.IntelligentTieringAccessTierArchiveAccess: 90, api.IntelligentTieringAccessTierDeepArchiveAccess: 180}[t.AccessTier]
		if least == 0 {
			return nil, errMalformed()
		}
		if t.Days < least || t.Days > 730 {
			return nil, api.InvalidArgument.Errorf("'Days' for %s must be between %d and 730", t.AccessTier, least)
		}
	}
	return &api.PutBucketIntelligentTieringConfigurationOutput{}, tierings.put(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id, c.Id, c)
}

// GetBucketIntelligentTieringConfiguration returns one that was put.
func (s *Service) GetBucketIntelligentTieringConfiguration(ctx context.Context, call *aws.Call, in *api.GetBucketIntelligentTieringConfigurationInput) (*api.GetBucketIntelligentTieringConfigurationOutput, error) {
	c, err := tierings.get(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id)
	return &api.GetBucketIntelligentTieringConfigurationOutput{IntelligentTieringConfiguration: c}, err
}

// DeleteBucketIntelligentTieringConfiguration removes one.
func (s *Service) DeleteBucketIntelligentTieringConfiguration(ctx context.Context, call *aws.Call, in *api.DeleteBucketIntelligentTieringConfigurationInput) (*api.DeleteBucketIntelligentTieringConfigurationOutput, error) {
	return &api.DeleteBucketIntelligentTieringConfigurationOutput{}, tierings.remove(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id)
}

// ListBucketIntelligentTieringConfigurations lists them.
func (s *Service) ListBucketIntelligentTieringConfigurations(ctx context.Context, call *aws.Call, in *api.ListBucketIntelligentTieringConfigurationsInput) (*api.ListBucketIntelligentTieringConfigurationsOutput, error) {
	found, next, err := tierings.list(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.ContinuationToken)
	return &api.ListBucketIntelligentTieringConfigurationsOutput{
		IsTruncated: new(next != nil), ContinuationToken: in.ContinuationToken, NextContinuationToken: next, IntelligentTieringConfigurationList: found,
	}, err
}
