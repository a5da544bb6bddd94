package dynamodb

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Tables are there, changed and gone at once, which is more than AWS promises.
// An operator may have that take a while, to find applications that do not wait
// for it. A table then is in transition, until a task ends that.
type transition struct {
	Status string // of the table meanwhile
	Until  time.Time
	Was    *billing `json:",omitempty"` // what is told of an update meanwhile
}

// doing is the status of t in words, if it may not be changed now.
func (t *table) doing() string {
	switch {
	case t.Transition != nil && t.Transition.Status == api.TableStatusUpdating:
		return "updated"
	case t.Transition != nil && t.Transition.Status == api.TableStatusDeleting:
		return "deleted"
	case t.unfinished():
		return "created"
	}
	return ""
}

// enterStatus has t be in a status for as long as the operator has said. was is
// what is told of its throughput meanwhile; nil: what it is.
func (s *Service) enterStatus(tx *store.Tx, t *table, status string, was *billing) {
	if s.config.TableDelay > 0 {
		t.Transition = &transition{status, time.Now().Add(s.config.TableDelay), was}
		tx.AfterCommit(s.transitions.Ring)
	}
}

// endTransitions ends what is due of the transitions of tables, and returns how
// long until more is.
func (s *Service) endTransitions(ctx context.Context) (time.Duration, error) {
	wait := idle
	var due []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		wait, due = idle, nil
		for arn, t := range tables.Scan(tx, aws.ARN{}) {
			if t.Transition == nil {
				continue
			}
			if left := time.Until(t.Transition.Until); left > 0 {
				wait = min(wait, left)
			} else {
				due = append(due, arn)
			}
		}
		return tx.Err()
	})
	for _, arn := range due {
		if err == nil {
			err = s.db.Update(ctx, func(tx *store.Tx) error { return s.endTransition(tx, arn) })
		}
	}
	return wait, err
}

func (s *Service) endTransition(tx *store.Tx, arn aws.ARN) error {
	t, err := readTable(tx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && t.Transition == nil {
		return nil
	}
	if err != nil {
		return err
	}
	ended := *t.Transition
	t.Transition = nil
	if ended.Status == api.TableStatusDeleting {
		return s.drop(tx, t)
	}
	if was := ended.Was; was != nil {
		if !t.Billing.Increased.Equal(was.Increased) {
			t.Billing.Increased = time.Now()
		}
		if !t.Billing.Decreased.Equal(was.Decreased) {
			t.Billing.Decreased = time.Now()
		}
	}
	return putOne(tx, t)
}

// meanwhile is the throughput that is told of t: while it is updated, what it was.
func (t *table) meanwhile() *billing {
	if t.Transition == nil || t.Transition.Was == nil || t.Transition.Was.OnDemand != t.Billing.OnDemand {
		return &t.Billing
	}
	return t.Billing.from(t.Transition.Was)
}

// from is what is told of b when it has just been made of was.
func (b *billing) from(was *billing) *billing {
	told := *b
	told.Read, told.Write, told.Decreases = was.Read, was.Write, was.Decreases
	return &told
}
