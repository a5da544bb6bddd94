package cloudwatch

import (
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/stat"
	"github.com/aloft-cloud/aloft/internal/store"
)

// sweepRows is how many points one transaction moves on at most.
const sweepRows = 4096

// sweepEvery is the least time between two sweeps of a tier. Data that is a
// little finer than it needs to be is answered as well.
func sweepEvery(tier int) time.Duration {
	if tier == 0 {
		return time.Hour
	}
	return 24 * time.Hour
}

// runSweeps sweeps the metrics that are due.
func (s *Service) runSweeps(ctx context.Context) (time.Duration, error) {
	return sweeps.Run(ctx, s.DB, s.sweepMetric)
}

// sweepMetric moves what has grown too old for its tier to the next, and
// removes the metric with the last of its data.
func (s *Service) sweepMetric(tx *store.Tx, was time.Time, key metricKey) error {
	rows := metrics.Rows(key.Of)
	var row metricRow
	err := rows.Read(tx, []byte(key.ID), row.UnmarshalBinary)
	if errors.Is(err, store.ErrNotFound) || err == nil && !row.Sweep.Equal(was) {
		return nil
	}
	if err != nil {
		return err
	}
	now := time.Now()
	var next time.Time
	for t := range tiers {
		oldest, moved, err := sweepTier(tx, key, t, now)
		if err != nil {
			return err
		}
		if moved == sweepRows {
			next = now // and more
			break
		}
		if oldest.IsZero() {
			continue
		}
		due := oldest.Add(tiers[t].keep)
		if least := now.Add(sweepEvery(t)); due.Before(least) {
			due = least
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	if next.IsZero() {
		return rows.Delete(tx, []byte(key.ID))
	}
	row.Sweep = time.Time{} // it was taken from what is due
	if err := sweeps.Move(tx, key, &row.Sweep, next.UTC().Truncate(time.Millisecond), s.sweep); err != nil {
		return err
	}
	b, err := row.AppendBinary(nil)
	if err != nil {
		return err
	}
	return rows.Put(tx, []byte(key.ID), b)
}

// sweepTier moves on what is too old for a tier, and returns when the oldest
// is that stays, if any does.
func sweepTier(tx *store.Tx, key metricKey, t int, now time.Time) (oldest time.Time, moved int, err error) {
	id, rows := []byte(key.ID), points.Rows(key.Of)
	cutoff := now.Add(-tiers[t].keep).Unix()
	type old struct {
		key []byte
		set stat.Set
	}
	var olds []old
	for k, b := range rows.Scan(tx, pointKey(id, t, 0, 0), pointKey(id, t, 1<<62, 0)) {
		at, _ := parsePointKey(k)
		if at+tiers[t].seconds > cutoff {
			oldest = time.Unix(at, 0)
			break
		}
		o := old{key: append([]byte(nil), k...)}
		if err := o.set.UnmarshalBinary(b); err != nil {
			return oldest, 0, err
		}
		if olds = append(olds, o); len(olds) == sweepRows {
			break
		}
	}
	for i := range olds {
		if err := rows.Delete(tx, olds[i].key); err != nil {
			return oldest, 0, err
		}
		if t+1 == len(tiers) {
			continue
		}
		at, unit := parsePointKey(olds[i].key)
		if err := mergePoint(tx, rows, pointKey(id, t+1, at-at%tiers[t+1].seconds, unit), &olds[i].set); err != nil {
			return oldest, 0, err
		}
	}
	return oldest, len(olds), tx.Err()
}
