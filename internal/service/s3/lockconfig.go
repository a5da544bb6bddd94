package s3

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// PutObjectLockConfiguration lets the objects of a bucket be locked, from then
// on for ever, and says how long those are retained that come without a date.
func (s *Service) PutObjectLockConfiguration(ctx context.Context, call *aws.Call, in *api.PutObjectLockConfigurationInput) (*api.PutObjectLockConfigurationOutput, error) {
	c := in.ObjectLockConfiguration
	if c == nil || aws.Value(c.ObjectLockEnabled) != api.ObjectLockEnabledEnabled {
		return nil, errMalformed()
	}
	var retention *api.DefaultRetention
	if c.Rule != nil {
		retention = c.Rule.DefaultRetention
		if err := checkRetention(retention); err != nil {
			return nil, err
		}
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if row.Versioning != api.BucketVersioningStatusEnabled {
			return api.InvalidBucketState.Errorf("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
		}
		conf, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		conf.Retention, row.Locks = retention, true
		if err := configs.Put(tx, b, conf); err != nil {
			return err
		}
		return buckets.Put(tx, b, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutObjectLockConfigurationOutput{}, nil
}

// checkRetention refuses a retention that is none.
func checkRetention(r *api.DefaultRetention) error {
	const mostDays, mostYears = 36500, 100
	switch {
	case r == nil, !isMode(aws.Value(r.Mode)), (r.Days == nil) == (r.Years == nil):
		return errMalformed()
	case r.DefaultEventHold != nil:
		return errLacking("event holds")
	case aws.Or(r.Days, 1) < 1 || aws.Or(r.Years, 1) < 1:
		return api.InvalidArgument.Errorf("Default retention period must be a positive integer value")
	case aws.Or(r.Days, 1) > mostDays || aws.Or(r.Years, 1) > mostYears:
		return api.InvalidArgument.Errorf("Default retention period is too large")
	}
	return nil
}

// GetObjectLockConfiguration says what may be locked, and how it is if nothing
// is said.
func (s *Service) GetObjectLockConfiguration(ctx context.Context, call *aws.Call, in *api.GetObjectLockConfigurationInput) (*api.GetObjectLockConfigurationOutput, error) {
	c := &api.ObjectLockConfiguration{ObjectLockEnabled: new(api.ObjectLockEnabledEnabled)}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if !row.Locks {
			return api.ObjectLockConfigurationNotFoundError.With(&api.ObjectLockConfigurationNotFoundErrorDetail{BucketName: in.Bucket},
				"Object Lock configuration does not exist for this bucket")
		}
		conf, err := findSettings(tx, b)
		if conf.Retention != nil {
			c.Rule = &api.ObjectLockRule{DefaultRetention: conf.Retention}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetObjectLockConfigurationOutput{ObjectLockConfiguration: c}, nil
}
