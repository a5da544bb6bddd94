package kinesis

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// sweepEvery is how often records are looked for that are too old. Readers do
// not see them anyway, so sweeping late is only a matter of space.
const sweepEvery = time.Hour

// sweep removes records that are too old, and closed shards that have none left.
func (s *Service) sweep(ctx context.Context) (time.Duration, error) {
	var all []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for arn := range streams.Scan(tx, aws.ARN{}) {
			all = append(all, arn)
		}
		return nil
	})
	for _, arn := range all {
		if err == nil {
			err = s.sweepStream(ctx, arn)
		}
	}
	return sweepEvery, err
}

func (s *Service) sweepStream(ctx context.Context, arn aws.ARN) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := streams.Get(tx, arn)
		if err == store.ErrNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		horizon := time.Now().Add(-time.Duration(row.Hours) * time.Hour)
		for i := range row.Shards {
			key := shardKey{arn, row.Shards[i].Number}
			var upTo store.Position
			for at, r := range records.Scan(tx, key, store.Position{}) {
				if !r.At.Before(horizon) {
					break
				}
				upTo = at
			}
			if upTo == (store.Position{}) {
				continue
			}
			if err := records.Trim(tx, key, upTo); err != nil {
				return err
			}
		}
		left := slices.DeleteFunc(slices.Clone(row.Shards), func(sh shard) bool { return !sh.open() && sh.Closed.Before(horizon) })
		if len(left) == len(row.Shards) {
			return nil
		}
		row.Shards = left
		return streams.Put(tx, arn, row)
	})
}
