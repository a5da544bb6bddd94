package event

import (
	"container/heap"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	maxAtOnce = 32             // deliveries of one line that are made at once
	batch     = 64             // rows of a line that are read at once
	never     = 24 * time.Hour // until the next look, if nothing is due
)

// A Deliverer makes the calls that deliveries become.
type Deliverer interface {
	// Deliver makes d happen. A refusal says that the target's service did
	// not want it; any other error is of ours.
	Deliver(ctx context.Context, d *Delivery) error

	// Dead returns the attributes of the dead letter of d.
	Dead(d *Delivery, why Failure) map[string]Attribute

	// Settled returns the delivery by which whoever sent d reports what became
	// of it, if there is to be one.
	Settled(d *Delivery, o Outcome) (report Delivery, wanted bool)
}

// A Router makes deliveries.
type Router struct {
	db   *store.DB
	log  *slog.Logger
	to   Deliverer
	bell task.Bell
	wg   task.Group

	mu    sync.Mutex
	lines map[lineKey]*line // that have deliveries, or may
	due   queue             // when to look at which
}

// A line is what is known in memory of the deliveries of a line.
type line struct {
	key     lineKey
	due     time.Time // of its next delivery, as far as known
	working bool      // a goroutine works through it
	bell    task.Bell // rung when there is more
	expects uint64    // times that something was expected
}

// NewRouter returns a router that makes deliveries by way of to.
func NewRouter(db *store.DB, to Deliverer, log *slog.Logger) *Router {
	return &Router{db: db, log: log, to: to, bell: task.NewBell(), lines: make(map[lineKey]*line)}
}

// Task makes deliveries until its context ends.
func (rt *Router) Task() task.Task { return task.Task{Name: "event/deliver", Run: rt.run} }

// expect says that a line has a delivery due then.
func (rt *Router) expect(key lineKey, due time.Time) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	l := rt.lines[key]
	if l == nil {
		l = &line{key: key, due: due, bell: task.NewBell()}
		rt.lines[key] = l
	} else if due.Before(l.due) {
		l.due = due
	}
	l.expects++
	if l.working {
		l.bell.Ring()
		return
	}
	heap.Push(&rt.due, appointment{due, l})
	rt.bell.Ring()
}

// run works through lines until ctx ends.
func (rt *Router) run(ctx context.Context) (time.Duration, error) {
	defer rt.wg.Wait()
	if err := rt.recall(ctx); err != nil {
		return 0, err
	}
	for ctx.Err() == nil {
		timer := time.NewTimer(rt.startDue(ctx))
		select {
		case <-rt.bell:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return 0, nil
}

// recall finds the lines that an earlier run left.
func (rt *Router) recall(ctx context.Context) error {
	var lines []lineKey
	err := rt.db.View(ctx, func(tx *store.Tx) error {
		lines = nil
		var after outboxKey
		for {
			found := false
			for key := range outbox.ScanAfter(tx, outboxKey{}, after) {
				lines, found = append(lines, key.Line), true
				after = outboxKey{Line: key.Line, At: endOfTime}
				break
			}
			if !found {
				return nil
			}
		}
	})
	for _, key := range lines {
		rt.expect(key, time.Time{})
	}
	return err
}

// endOfTime is later than any delivery.
var endOfTime = time.Unix(1<<33, 0)

// startDue begins to work through the lines that are due, and returns how long
// until the next is.
func (rt *Router) startDue(ctx context.Context) time.Duration {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	now := time.Now()
	for len(rt.due) > 0 {
		next := rt.due[0]
		if wait := next.at.Sub(now); wait > 0 {
			return min(wait, never)
		}
		heap.Pop(&rt.due)
		l := next.line
		if l.working || rt.lines[l.key] != l {
			continue
		}
		l.working = true
		rt.wg.Go(func() { rt.work(ctx, l) })
	}
	return never
}

// rest ends the work on a line that has nothing due before next, or nothing at
// all if that is zero, unless something was expected since.
func (rt *Router) rest(l *line, next time.Time, expects uint64) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if l.expects != expects {
		return false
	}
	l.working = false
	if next.IsZero() {
		delete(rt.lines, l.key)
		return true
	}
	l.due = next
	heap.Push(&rt.due, appointment{next, l})
	rt.bell.Ring()
	return true
}

// work makes the deliveries of a line that are due, and rests then.
func (rt *Router) work(ctx context.Context, l *line) {
	w := worker{router: rt, line: l, busy: make(map[outboxKey]bool), done: make(chan outboxKey, maxAtOnce)}
	defer w.wg.Wait()
	for ctx.Err() == nil {
		rt.mu.Lock()
		expects := l.expects
		rt.mu.Unlock()
		next, err := w.start(ctx)
		if err != nil {
			if ctx.Err() == nil {
				rt.log.Error("deliveries cannot be read", "target", l.key.Target.String(), "err", err)
			}
			next = time.Now().Add(task.Retry)
		}
		if len(w.busy) == 0 && rt.rest(l, next, expects) {
			return
		}
		w.wait(ctx, next)
	}
}

// A worker works through one line.
type worker struct {
	router *Router
	line   *line
	wg     task.Group
	read   []waiting // due, and not started
	busy   map[outboxKey]bool
	done   chan outboxKey
}

type waiting struct {
	key outboxKey
	outgoing
}

// start starts deliveries, as many as may be at once, and returns when the
// first that is not due yet will be: zero if there is none.
func (w *worker) start(ctx context.Context) (next time.Time, err error) {
	for {
		if len(w.read) == 0 {
			if next, err = w.fetch(ctx); err != nil || len(w.read) == 0 {
				return next, err
			}
		}
		o := w.read[0]
		if most := maxAtOnce; len(w.busy) >= most || o.Ordered && len(w.busy) > 0 {
			return next, nil
		}
		w.read = w.read[1:]
		w.busy[o.key] = true
		w.wg.Go(func() {
			w.router.attempt(ctx, o)
			w.done <- o.key
		})
		if o.Ordered {
			w.read = nil // what became of the first decides on the rest
		}
	}
}

// wait returns when a delivery has ended, when there are more, or at next.
func (w *worker) wait(ctx context.Context, next time.Time) {
	pause := never
	if !next.IsZero() {
		pause = time.Until(next)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case key := <-w.done:
		delete(w.busy, key)
	case <-w.line.bell:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// fetch reads deliveries that are due.
func (w *worker) fetch(ctx context.Context) (next time.Time, err error) {
	now := time.Now()
	err = w.router.db.View(ctx, func(tx *store.Tx) error {
		w.read, next = nil, time.Time{}
		for key, o := range outbox.Scan(tx, outboxKey{Line: w.line.key}) {
			if w.busy[key] {
				if o.Ordered {
					return nil
				}
				continue
			}
			if o.Due.After(now) {
				next = o.Due
				return nil
			}
			if w.read = append(w.read, waiting{key, o}); o.Ordered || len(w.read) == batch {
				return nil
			}
		}
		return nil
	})
	return next, err
}

// An appointment is a time to look at a line.
type appointment struct {
	at   time.Time
	line *line
}

// A queue is appointments, the first on top.
type queue []appointment

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(appointment)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
