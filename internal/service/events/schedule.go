package events

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event/cron"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	never     = 24 * time.Hour // until the next look, if nothing is due
	forgotten = 24 * time.Hour // after which an event that was due is not made up for
)

// schedule sets when a rule is due next, past after.
func (s *Service) schedule(tx *store.Tx, key ruleKey, r *rule, after time.Time) error {
	schedule, err := cron.ParseRule(r.Schedule)
	if err != nil {
		return err // it was parsed when the rule was put
	}
	next, ok := schedule.Next(after, r.Since)
	if !ok {
		r.Due = time.Time{}
		return nil
	}
	r.Due = next.UTC()
	tx.AfterCommit(s.due.Ring)
	return dues.Put(tx, dueKey{r.Due, key}, struct{}{})
}

// runSchedules makes the events of rules that are due: one for each time, even
// if nobody was there then.
func (s *Service) runSchedules(ctx context.Context) (time.Duration, error) {
	for {
		var due dueKey
		err := s.db.View(ctx, func(tx *store.Tx) error {
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

// fire makes the event of a rule that is due, and sets when it is due again.
func (s *Service) fire(ctx context.Context, due dueKey) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := dues.Delete(tx, due); err != nil {
			return err
		}
		r, err := rules.Get(tx, due.Rule)
		if err == store.ErrNotFound || err == nil && !r.Due.Equal(due.At) {
			return nil
		}
		if err != nil {
			return err
		}
		after := due.At
		if oldest := time.Now().Add(-forgotten); after.Before(oldest) {
			after = oldest
		} else if err := s.tick(tx, due, &r); err != nil {
			return err
		}
		if err := s.schedule(tx, due.Rule, &r, after); err != nil {
			return err
		}
		return rules.Put(tx, due.Rule, r)
	})
}

// tick sends the event of a schedule to the targets of its rule.
func (s *Service) tick(tx *store.Tx, due dueKey, r *rule) error {
	arn := due.Rule.ARN()
	e := envelope{
		Version: "0", ID: aws.NewRequestID(), DetailType: "Scheduled Event", Source: "aws.events", Account: arn.Account,
		Time: due.At.Format(timeLayout), Region: arn.Region, Resources: []string{arn.String()}, Detail: json.RawMessage("{}"),
	}
	text, err := encode(&e)
	if err != nil {
		return err
	}
	return s.deliver(tx, due.Rule, r, &happening{text: text, event: &e, ingested: time.Now()})
}
