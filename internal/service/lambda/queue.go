package lambda

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	maxInFlight    = 100 // events of the queue that are run at once
	usualRetries   = 2
	usualMaxAge    = 6 * time.Hour
	retryPause     = time.Minute // before the first retry of an event, twice that before the second
	throttlePause  = time.Second // before an event is tried again for want of room; doubles each time
	throttlePauses = 8           // times that it doubles: to five minutes, nearly
)

// A queue is what is known in memory of the events that nobody waits for. They
// are rows, which an event leaves when it was handled: so each is handled at
// least once, whatever happens.
type queue struct {
	bell task.Bell
	wg   task.Group

	mu       sync.Mutex
	waiting  map[aws.ARN]bool   // functions that may have events
	inFlight map[queuedRef]bool // events that are being handled: true; or were, since the rows were last read
	running  int                // events that are being handled
}

type queuedRef struct {
	function aws.ARN
	key      string
}

func newQueue() queue {
	return queue{bell: task.NewBell(), waiting: make(map[aws.ARN]bool), inFlight: make(map[queuedRef]bool)}
}

// expect says that a function has events.
func (q *queue) expect(fn aws.ARN) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[fn] = true
}

// enqueue puts an event in the queue of a function.
func (s *Service) enqueue(ctx context.Context, r ref, e sandbox.Event) (*api.InvokeOutput, error) {
	now := time.Now()
	row := queuedEvent{Qualifier: r.qualifier, RequestID: e.RequestID, Payload: e.Payload, ClientContext: e.ClientContext, Tenant: e.Tenant, Trace: e.TraceID, Accepted: now}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := functions.Has(tx, r.function); err != nil || !exists {
			return cmp.Or(err, errNoFunction(r.arn()))
		}
		return s.putQueued(tx, r.function, now, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.InvokeOutput{StatusCode: new(int32(202))}, nil
}

// putQueued adds an event that is due then.
func (s *Service) putQueued(tx *store.Tx, fn aws.ARN, due time.Time, row queuedEvent) error {
	b, err := json.Marshal(row)
	if err != nil {
		return err
	}
	tx.AfterCommit(func() {
		s.queue.expect(fn)
		s.queue.bell.Ring()
	})
	return queued.Rows(fn).Put(tx, queuedKey(due, rand.Text()), b)
}

// runQueue handles events until ctx ends.
func (s *Service) runQueue(ctx context.Context) (time.Duration, error) {
	defer s.queue.wg.Wait()
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for fn := range functions.Scan(tx, aws.ARN{}) {
			s.queue.expect(fn)
		}
		return nil
	})
	for err == nil {
		var wait time.Duration
		if wait, err = s.startDue(ctx); err != nil {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.queue.bell:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return 0, nil
		}
		timer.Stop()
	}
	return 0, err
}

// begin returns the functions that may have events. What is read from now on
// is of after all that was handled before, which can be forgotten; a reading
// under way may still show an event whose handling has ended meanwhile.
func (q *queue) begin() []aws.ARN {
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.DeleteFunc(q.inFlight, func(_ queuedRef, running bool) bool { return !running })
	return slices.Collect(maps.Keys(q.waiting))
}

// take says what to do with an event that was read: start it, or not, and
// whether more could be.
func (q *queue) take(at queuedRef, due bool) (start, full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, known := q.inFlight[at]
	full = q.running >= maxInFlight
	if known || full || !due {
		return false, full && !known
	}
	q.inFlight[at] = true
	q.running++
	return true, false
}

// end says that the handling of an event has ended, and its row is gone.
func (q *queue) end(at queuedRef) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inFlight[at] = false
	q.running--
	q.waiting[at.function] = true
	q.bell.Ring()
}

// startDue begins to handle the events that are due, as many as there is room
// for, and returns how long until the next is.
func (s *Service) startDue(ctx context.Context) (time.Duration, error) {
	fns := s.queue.begin()
	wait := 24 * time.Hour
	for _, fn := range fns {
		next, err := s.startDueOf(ctx, fn)
		if err != nil {
			return 0, err
		}
		wait = min(wait, next)
	}
	return wait, nil
}

// startDueOf is startDue for one function.
func (s *Service) startDueOf(ctx context.Context, fn aws.ARN) (wait time.Duration, err error) {
	q := &s.queue
	q.mu.Lock()
	delete(q.waiting, fn) // until it is seen to have events, or gets one
	q.mu.Unlock()
	wait = 24 * time.Hour
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for key, value := range queued.Rows(fn).Scan(tx, nil, nil) {
			s.queue.expect(fn)
			at := queuedRef{fn, string(key)}
			due := time.Until(queuedDue(key))
			start, full := s.queue.take(at, due <= 0)
			switch {
			case due > 0:
				wait = due
				return nil
			case full:
				return nil // the next to end rings the bell
			case !start:
				continue
			}
			var row queuedEvent
			if err := json.Unmarshal(value, &row); err != nil {
				return fmt.Errorf("queued event: %w", err)
			}
			q.wg.Go(func() { s.handle(ctx, at, row) })
		}
		return nil
	})
	return wait, err
}

// handle runs a function on an event of its queue, and says what becomes of the event.
func (s *Service) handle(ctx context.Context, at queuedRef, row queuedEvent) {
	err := s.try(ctx, at, row)
	if err != nil && ctx.Err() == nil {
		s.log.Error("event was not handled", "function", at.function.String(), "request", row.RequestID, "err", err)
		err = s.throttle(ctx, at, row)
	}
	if err != nil {
		return // it stays, and is not touched before the next start
	}
	s.queue.end(at)
}

// try runs a function on an event once.
func (s *Service) try(ctx context.Context, at queuedRef, row queuedEvent) error {
	r := ref{at.function, row.Qualifier}
	t, err := s.target(ctx, r)
	if errors.Is(err, api.ResourceNotFoundException) {
		return s.settle(ctx, at, nil, nil) // gone since
	}
	if err != nil {
		return err
	}
	c := &t.config
	o := outcome{arn: r, row: row, invokes: row.Invokes + 1}
	switch {
	case time.Since(row.Accepted) > c.maxAge():
		o.condition, o.invokes = "EventAgeExceeded", row.Invokes
		return s.finish(ctx, at, t, &o)
	case t.gate.limit.Load() == 0:
		o.condition, o.invokes = zeroReserved, row.Invokes
		return s.finish(ctx, at, t, &o)
	case t.loops(row.Trace):
		o.condition, o.invokes = "RecursiveInvocation", row.Invokes
		s.log.Warn("function invokes itself without end, and was stopped", "function", t.arn)
		return s.finish(ctx, at, t, &o)
	}
	f := t.pick()
	if t.durable != nil { // it was not when the event came, or comes of a delivery
		e := sandbox.Event{Payload: row.Payload, Tenant: row.Tenant, TraceID: row.Trace}
		_, _, err := s.startDurable(ctx, ref{r.function, cmp.Or(r.qualifier, latest)}, t, &e, row.RequestID) // once, however often it is tried
		return errors.Join(err, s.settle(ctx, at, nil, nil))
	}
	o.result, err = s.runTarget(ctx, t, f, sandbox.Event{
		RequestID: row.RequestID, Payload: row.Payload, ClientContext: row.ClientContext, Tenant: row.Tenant, TraceID: row.Trace,
	})
	o.function = f
	switch {
	case errors.Is(err, sandbox.ErrClosed):
		return err // it stays, for the next start
	case errors.Is(err, api.TooManyRequestsException):
		return s.throttle(ctx, at, row)
	case err != nil:
		return err
	case o.result.FunctionError == "":
		o.condition = "Success"
		return s.finish(ctx, at, t, &o)
	case o.invokes > c.retries():
		o.condition = "RetriesExhausted"
		return s.finish(ctx, at, t, &o)
	}
	row.Invokes++
	return s.settle(ctx, at, &again{time.Now().Add(retryPause << (row.Invokes - 1)), row}, nil)
}

// throttle has an event tried again later, for which there was no room.
func (s *Service) throttle(ctx context.Context, at queuedRef, row queuedEvent) error {
	pause := throttlePause << min(row.Throttles, throttlePauses)
	row.Throttles++
	return s.settle(ctx, at, &again{time.Now().Add(pause), row}, nil)
}

// An again is an event that is to be tried once more.
type again struct {
	due time.Time
	row queuedEvent
}

// settle takes an event out of the queue, or to a later place in it, and sends
// what is to be heard of that.
func (s *Service) settle(ctx context.Context, at queuedRef, next *again, send []event.Delivery) error {
	ctx = context.WithoutCancel(ctx) // what was done is to be kept
	return s.db.Update(ctx, func(tx *store.Tx) error {
		rows := queued.Rows(at.function)
		if exists, err := rows.Has(tx, []byte(at.key)); err != nil || !exists {
			return err // the function was deleted
		}
		for _, d := range send {
			if err := s.events.Send(tx, d); err != nil {
				return err
			}
		}
		if err := rows.Delete(tx, []byte(at.key)); err != nil || next == nil {
			return err
		}
		return s.putQueued(tx, at.function, next.due, next.row)
	})
}
