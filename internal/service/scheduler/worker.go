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

const usualMaxAge = 24 * time.Hour // of an event, after which it is dropped

// put keeps a schedule, and when it is due next past after. One that is due no
// more may ask to be deleted.
func (s *Service) put(tx *store.Tx, arn aws.ARN, row schedule, after time.Time) error {
	row.Time, row.Fire = time.Time{}, time.Time{} // it is due no more, or was taken from what is
	at, ok, err := row.next(after)
	if err != nil {
		return err
	}
	if !ok && row.After == api.ActionAfterCompletionDelete && row.State == api.ScheduleStateEnabled {
		return schedules.Delete(tx, arn)
	}
	if ok && row.State == api.ScheduleStateEnabled {
		row.Time = at
		fire := at
		if w := aws.Value(row.Window.MaximumWindowInMinutes); w > 0 {
			fire = at.Add(rand.N(time.Duration(w) * time.Minute))
		}
		if err := dues.Move(tx, arn, &row.Fire, fire, s.due); err != nil {
			return err
		}
	}
	return schedules.Put(tx, arn, row)
}

// runDue does what schedules are due for, and returns how long until the next is.
func (s *Service) runDue(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.DB, s.fire)
}

// fire sends what a schedule is due for, and sets when it is due again.
func (s *Service) fire(tx *store.Tx, was time.Time, arn aws.ARN) error {
	row, err := schedules.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && !row.Fire.Equal(was) {
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
		return s.put(tx, arn, row, oldest)
	}
	d, err := s.newDelivery(arn, &row, at)
	if err != nil {
		if refusal := (*aws.Error)(nil); !errors.As(err, &refusal) {
			return err
		}
		s.Log.Warn("schedule cannot call its target", "schedule", arn.String(), "err", err)
		return s.put(tx, arn, row, at)
	}
	if err := s.Router.Send(tx, d); err != nil {
		return err
	}
	return s.put(tx, arn, row, at)
}
