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
		next = time.Time{}
	}
	return dues.Move(tx, key, &r.Due, next.UTC(), s.due)
}

// runSchedules makes the events of rules that are due: one for each time, even
// if nobody was there then.
func (s *Service) runSchedules(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.db, s.fire)
}

// fire makes the event of a rule that is due, and sets when it is due again.
func (s *Service) fire(tx *store.Tx, at time.Time, key ruleKey) error {
	r, err := rules.Get(tx, key)
	if err == store.ErrNotFound || err == nil && !r.Due.Equal(at) {
		return nil
	}
	if err != nil {
		return err
	}
	after := at
	if oldest := time.Now().Add(-forgotten); after.Before(oldest) {
		after = oldest
	} else if err := s.tick(tx, at, key, &r); err != nil {
		return err
	}
	if err := s.schedule(tx, key, &r, after); err != nil {
		return err
	}
	return rules.Put(tx, key, r)
}

// tick sends the event of a schedule to the targets of its rule.
func (s *Service) tick(tx *store.Tx, at time.Time, key ruleKey, r *rule) error {
	arn := key.ARN()
	e := envelope{
		Version: "0", ID: aws.NewRequestID(), DetailType: "Scheduled Event", Source: "aws.events", Account: arn.Account,
		Time: at.Format(timeLayout), Region: arn.Region, Resources: []string{arn.String()}, Detail: json.RawMessage("{}"),
	}
	text, err := encode(&e)
	if err != nil {
		return err
	}
	return s.deliver(tx, key, r, &happening{text: text, event: &e, ingested: time.Now()})
}
