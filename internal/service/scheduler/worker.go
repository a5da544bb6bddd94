package scheduler

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	never       = 24 * time.Hour // until the next look, if nothing is due
	usualMaxAge = 24 * time.Hour // of an event, after which it is dropped
)

// put keeps a schedule, and when it is due next past after. One that is due no
// more may ask to be deleted.
func (s *Service) put(tx *store.Tx, arn aws.ARN, row schedule, after time.Time) error {
	row.Time, row.Fire = time.Time{}, time.Time{}
	at, ok, err := row.next(after)
	if err != nil {
		return err
	}
	if !ok && row.After == api.ActionAfterCompletionDelete && row.State == api.ScheduleStateEnabled {
		return schedules.Delete(tx, arn)
	}
	if ok && row.State == api.ScheduleStateEnabled {
		row.Time, row.Fire = at, at
		if w := aws.Value(row.Window.MaximumWindowInMinutes); w > 0 {
			row.Fire = at.Add(rand.N(time.Duration(w) * time.Minute))
		}
		if err := dues.Put(tx, dueKey{row.Fire, arn}, struct{}{}); err != nil {
			return err
		}
		tx.AfterCommit(s.due.Ring)
	}
	return schedules.Put(tx, arn, row)
}

// runDue does what schedules are due for, and returns how long until the next is.
func (s *Service) runDue(ctx context.Context) (time.Duration, error) {
	for {
		var due dueKey
		err := s.DB.View(ctx, func(tx *store.Tx) error {
			due = dueKey{}
			for due = range dues.Scan(tx, dueKey{}) {
				break
			}
			return nil
		})
		if err != nil || due.At.IsZero() {
			return never, err
		}
		if wait := time.Until(due.At); wait > 0 {
			return wait, nil
		}
		if err := s.fire(ctx, due); err != nil {
			return 0, err
		}
	}
}

// fire sends what a schedule is due for, and sets when it is due again.
func (s *Service) fire(ctx context.Context, due dueKey) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := dues.Delete(tx, due); err != nil {
			return err
		}
		row, err := schedules.Get(tx, due.Schedule)
		if errors.Is(err, store.ErrNotFound) || err == nil && !row.Fire.Equal(due.At) {
			return nil
		}
		if err != nil {
			return err
		}
		at, maxAge := row.Time, usualMaxAge
		if p := row.Target.RetryPolicy; p != nil && p.MaximumEventAgeInSeconds != nil {
			maxAge = time.Duration(*p.MaximumEventAgeInSeconds) * time.Second
		}
		if oldest := time.Now().Add(-maxAge); at.Before(oldest) {
			return s.put(tx, due.Schedule, row, oldest)
		}
		d, err := s.newDelivery(due.Schedule, &row, at)
		if err != nil {
			if refusal := (*aws.Error)(nil); !errors.As(err, &refusal) {
				return err
			}
			s.Log.Warn("schedule cannot call its target", "schedule", due.Schedule.String(), "err", err)
			return s.put(tx, due.Schedule, row, at)
		}
		if err := s.Router.Send(tx, d); err != nil {
			return err
		}
		return s.put(tx, due.Schedule, row, at)
	})
}
