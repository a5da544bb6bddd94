package cloudfront

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var invalidations = store.NewTable[invalidationKey, invalidation]("cloudfront.invalidation")

type invalidationKey struct {
	Of aws.ARN
	ID string
}

// An invalidation is what has been forgotten. It is done when it is kept.
type invalidation struct {
	Batch   api.InvalidationBatch
	Created time.Time
}

func (i *invalidation) describe(id string) *api.Invalidation {
	return &api.Invalidation{Id: id, Status: "Completed", CreateTime: i.Created, InvalidationBatch: &i.Batch}
}

// CreateInvalidation forgets what is kept of paths. The same reference means the
// same invalidation.
func (s *Service) CreateInvalidation(ctx context.Context, call *aws.Call, in *api.CreateInvalidationInput) (*api.CreateInvalidationOutput, error) {
	for _, path := range in.InvalidationBatch.Paths.Items {
		if !strings.HasPrefix(path, "/") || strings.Contains(strings.TrimSuffix(path, "*"), "*") {
			return nil, api.InvalidArgument.Errorf("Your request contains one or more invalid invalidation paths.")
		}
	}
	id := newID("I")
	var arn aws.ARN
	var i invalidation
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		i = invalidation{*in.InvalidationBatch, now()}
		if arn, _, err = distributions.find(tx, call, in.DistributionId); err != nil {
			return err
		}
		for key, old := range invalidations.Scan(tx, invalidationKey{Of: arn}) {
			if old.Batch.CallerReference == i.Batch.CallerReference {
				id, i = key.ID, old
				return nil
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.cache.drop(arn.String(), i.Batch.Paths.Items) })
		return invalidations.Put(tx, invalidationKey{arn, id}, i)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateInvalidationOutput{Invalidation: i.describe(id), Location: new(location + arn.Resource + "/invalidation/" + id)}, nil
}

// GetInvalidation returns an invalidation.
func (s *Service) GetInvalidation(ctx context.Context, call *aws.Call, in *api.GetInvalidationInput) (*api.GetInvalidationOutput, error) {
	var i invalidation
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, _, err := distributions.find(tx, call, in.DistributionId)
		if err != nil {
			return err
		}
		i, err = invalidations.Get(tx, invalidationKey{arn, in.Id})
		if errors.Is(err, store.ErrNotFound) {
			return api.NoSuchInvalidation.Errorf("The specified invalidation does not exist.")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetInvalidationOutput{Invalidation: i.describe(in.Id)}, nil
}

// ListInvalidations lists the invalidations of a distribution.
func (s *Service) ListInvalidations(ctx context.Context, call *aws.Call, in *api.ListInvalidationsInput) (*api.ListInvalidationsOutput, error) {
	out := &api.InvalidationList{Marker: aws.Value(in.Marker), MaxItems: pageSize}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, _, err := distributions.find(tx, call, in.DistributionId)
		if err != nil {
			return err
		}
		out.Items, out.NextMarker = []api.InvalidationSummary{}, nil
		for key, i := range invalidations.ScanAfter(tx, invalidationKey{Of: arn}, invalidationKey{arn, out.Marker}) {
			if len(out.Items) == pageSize {
				out.IsTruncated, out.NextMarker = true, &out.Items[pageSize-1].Id
				break
			}
			out.Items = append(out.Items, api.InvalidationSummary{Id: key.ID, Status: "Completed", CreateTime: i.Created})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out.Quantity = int32(len(out.Items))
	return &api.ListInvalidationsOutput{InvalidationList: out}, nil
}
