package logs

import (
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// sweep is the least time between two sweeps of a group. Readers do not see
// what is too old, so sweeping late is only a matter of space.
const sweep = time.Hour

func (s *Service) tasks() []task.Task {
	return []task.Task{
		{Name: "logs/retention", Run: s.expire, Bell: s.expiry},
	}
}

// expire sweeps the groups that are due, and returns how long until the next is.
func (s *Service) expire(ctx context.Context) (time.Duration, error) {
	var due []aws.ARN
	var next time.Duration
	err := s.db.View(ctx, func(tx *store.Tx) error {
		due, next = nil, 24*time.Hour
		for arn, row := range retentions.Scan(tx, aws.ARN{}) {
			if wait := time.Until(row.Due); wait > 0 {
				next = min(next, wait)
			} else {
				due = append(due, arn)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, arn := range due {
		wait, err := s.sweepGroup(ctx, arn)
		if err != nil {
			return 0, err
		}
		next = min(next, wait)
	}
	return next, nil
}

// sweepGroup removes the blocks of a group whose events are all too old, and
// returns how long until there may be more.
func (s *Service) sweepGroup(ctx context.Context, arn aws.ARN) (wait time.Duration, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		wait = 24 * time.Hour
		g, err := groups.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) || err == nil && g.Days == 0 {
			return retentions.Delete(tx, arn)
		}
		if err != nil {
			return err
		}
		now := time.Now()
		cutoff := slotOf(g.keeps(now))
		first := now.UnixMilli() // time of the oldest event
		for key, row := range streams.Scan(tx, streamKey{Group: arn}) {
			if row.Last == 0 {
				continue
			}
			if row.First < cutoff {
				if err := sweepStream(tx, key, &row, cutoff); err != nil {
					return err
				}
			}
			if row.First != 0 {
				first = min(first, row.First)
			}
		}
		due := time.UnixMilli(first+slot).AddDate(0, 0, int(g.Days))
		wait = max(due.Sub(now), sweep)
		return retentions.Put(tx, arn, retention{Due: now.Add(wait)})
	})
	return wait, err
}

// sweepStream removes the blocks of a stream before cutoff, the beginning of a slot.
func sweepStream(tx *store.Tx, key streamKey, row *streamRow, cutoff int64) error {
	rows := blocks.Rows(key.Group)
	if err := rows.DeleteRange(tx, blockKey(key.Name, 0, 0), blockKey(key.Name, cutoff, 0)); err != nil {
		return err
	}
	row.First, row.Bytes = 0, 0
	for k, block := range rows.Scan(tx, blockKey(key.Name, cutoff, 0), blockKey(key.Name, forever, 0)) {
		if row.First == 0 {
			row.First, _ = parseBlockKey(k)
		}
		row.Bytes += int64(len(block))
	}
	if row.First == 0 {
		row.Last = 0
	}
	return streams.Put(tx, key, *row)
}
