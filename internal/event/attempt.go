package event

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// attempt tries to make a delivery, and says in its row what came of it.
func (rt *Router) attempt(ctx context.Context, o waiting) {
	err := rt.to.Deliver(ctx, &o.Delivery)
	if err != nil && ctx.Err() != nil {
		return // it stays, for the next start
	}
	o.Attempts++
	if err != nil {
		rt.log.Debug("delivery failed", "from", o.Source.String(), "to", o.Target.String(), "attempts", o.Attempts, "err", err)
	}
	ctx = context.WithoutCancel(ctx) // what was done is to be kept
	if settled := rt.settle(ctx, &o, err); settled != nil {
		rt.log.Error("delivery cannot be settled", "to", o.Target.String(), "err", settled)
	}
}

// settle takes a delivery out of its line, to a later place in it, or to its
// dead letter queue.
func (rt *Router) settle(ctx context.Context, o *waiting, failed error) error {
	return rt.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := outbox.Has(tx, o.key); err != nil || !exists {
			return err
		}
		if failed == nil {
			return errors.Join(outbox.Delete(tx, o.key), rt.report(tx, o, nil))
		}
		why, dead := o.failure(failed)
		if !dead {
			return rt.postpone(tx, o)
		}
		return errors.Join(outbox.Delete(tx, o.key), rt.report(tx, o, failed), rt.bury(tx, o, why))
	})
}

// report sends what o's sender reports of what became of it.
func (rt *Router) report(tx *store.Tx, o *waiting, failed error) error {
	if !o.Report {
		return nil
	}
	d, wanted := rt.to.Settled(&o.Delivery, Outcome{o.Attempts, failed})
	if !wanted {
		return nil
	}
	return rt.Send(tx, d)
}

// postpone leaves o for later. In an ordered line it keeps its place.
func (rt *Router) postpone(tx *store.Tx, o *waiting) error {
	later := o.outgoing
	later.Due = time.Now().Add(o.Retry.pause(o.Attempts))
	if o.Ordered {
		tx.AfterCommit(func() { rt.expect(o.key.Line, later.Due) })
		return outbox.Put(tx, o.key, later)
	}
	if err := outbox.Delete(tx, o.key); err != nil {
		return err
	}
	return rt.put(tx, later)
}

// failure says why o failed, and whether for good.
func (o *outgoing) failure(err error) (why Failure, dead bool) {
	refusal := aws.Refusal(err)
	why = Failure{Code: refusal.Code, Message: refusal.Message, Attempts: o.Attempts}
	switch {
	case !retryable(err):
		return why, true
	case o.Attempts >= cmp.Or(o.Retry.Attempts, usualAttempts):
		why.Exhausted = "MaximumRetryAttempts"
	case time.Since(o.Sent)+o.Retry.pause(o.Attempts) > cmp.Or(o.Retry.MaxAge, usualMaxAge):
		why.Exhausted = "MaximumEventAgeInSeconds"
	}
	return why, why.Exhausted != ""
}

// bury sends o to its dead letter queue, if it has one.
func (rt *Router) bury(tx *store.Tx, o *waiting, why Failure) error {
	if o.DeadLetter == (aws.ARN{}) {
		tx.AfterCommit(func() {
			rt.log.Warn("delivery dropped", "from", o.Source.String(), "to", o.Target.String(), "code", why.Code, "message", why.Message, "attempts", why.Attempts)
		})
		return nil
	}
	letter := Delivery{
		Source: o.Source, Account: o.Account, Region: o.Region, Target: o.DeadLetter, Body: o.Body, Ordered: o.Ordered,
		Line: o.Line, Params: make(map[string]string),
	}
	if o.Original != nil {
		letter.Body = o.Original
	}
	for _, name := range []string{GroupID, DeduplicationID} {
		if v := o.Params[name]; v != "" {
			letter.Params[name] = v
		}
	}
	if attributes := rt.to.Dead(&o.Delivery, why); len(attributes) > 0 {
		text, err := json.Marshal(attributes)
		if err != nil {
			return err
		}
		letter.Params[MessageAttributes] = string(text)
	} else if v := o.Params[MessageAttributes]; v != "" {
		letter.Params[MessageAttributes] = v
	}
	return rt.Send(tx, letter)
}
