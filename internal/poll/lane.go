package poll

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
)

// Pauses before a batch is tried again; they double.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// startBatches gives lanes that are free their next batches, if those are
// full or have waited long enough, and returns how long until the next has.
func (r *reader) startBatches(ctx context.Context, ended bool) time.Duration {
	wait := iteratorUse
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range r.lanes {
		l := &r.lanes[n]
		if l.busy || r.failed != nil {
			continue
		}
		w, left := r.turn(l, now, ended)
		if left > 0 {
			wait = min(wait, left)
		}
		var batch []*entry
		if w == nil || !w.Final {
			if left = r.due(l, now, ended, w); left != 0 {
				wait = min(wait, left)
				continue
			}
			batch = r.take(l, w)
		}
		l.busy = true
		r.group.Go(func() { r.handle(ctx, n, batch, w) })
	}
	return wait
}

// due is how long until a lane's next batch is to be handled; 0 is now.
func (r *reader) due(l *lane, now time.Time, ended bool, w *Window) time.Duration {
	switch n := len(l.waiting); {
	case n == 0:
		return iteratorUse
	case n >= r.j.BatchSize || l.bytes >= maxBatchBytes || ended, w != nil && !l.waiting[n-1].At.Before(w.End):
		return 0
	}
	return max(0, r.j.Window-now.Sub(l.since))
}

// take takes the next batch out of a lane: those of one window.
func (r *reader) take(l *lane, w *Window) []*entry {
	n, bytes := 0, 0
	for _, x := range l.waiting {
		if n == r.j.BatchSize || n > 0 && bytes+len(x.JSON) > maxBatchBytes || w != nil && !x.At.Before(w.End) {
			break
		}
		n++
		bytes += len(x.JSON)
	}
	batch := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.bytes -= bytes
	l.since = time.Now()
	return batch
}

// handle handles a batch of lane n, and frees the lane.
func (r *reader) handle(ctx context.Context, n int, batch []*entry, w *Window) {
	err := r.process(ctx, n, batch, w, 0)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lanes[n].busy = false
	if err != nil && r.failed == nil {
		r.failed = err
	}
	r.bell.Ring()
}

// process handles a batch that was tried so often, until it is done with. If
// it cannot be any more it returns why.
func (r *reader) process(ctx context.Context, n int, batch []*entry, w *Window, tries int) error {
	pause := firstRetry
	for {
		if old := r.tooOld(batch); old > 0 {
			if err := r.giveUp(ctx, n, batch[:old], w, Failure{Condition: AgeExceeded, Invokes: max(1, tries)}); err != nil {
				return err
			}
			batch = batch[old:]
		}
		if len(batch) == 0 && (w == nil || !w.Final) {
			return nil
		}
		b := r.batch(batch, w)
		res := r.j.Handle(context.WithoutCancel(ctx), b)
		failedAt := firstFailed(batch, &res)
		switch {
		case failedAt == len(batch) && res.Err == nil:
			return r.settle(ctx, batch, ResultOK, r.keepWindow(n, w, res.State))
		case ctx.Err() != nil:
			return ctx.Err() // it may have been cut short, and is tried again by the next reader
		case failedAt > 0 && failedAt < len(batch):
			if err := r.settle(ctx, batch[:failedAt], ResultFailed, nil); err != nil {
				return err
			}
			batch, tries, pause = batch[failedAt:], 0, firstRetry
		}
		if !res.Throttled {
			if half := len(batch) / 2; r.j.Bisect && half > 0 && res.Err != nil {
				if err := r.process(ctx, n, batch[:half], w, tries); err != nil {
					return err
				}
				batch, w = batch[half:], r.windowNow(n, w)
				continue
			}
			tries++
		}
		if r.j.Retries >= 0 && tries > r.j.Retries {
			return r.giveUp(ctx, n, batch, w, Failure{Condition: RetriesExhausted, Invokes: tries, Info: res.Info})
		}
		if err := r.note(ctx); err != nil {
			return err
		}
		sleep(ctx, nil, pause)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause = min(2*pause, lastRetry)
	}
}

// note says that the last batch failed.
func (r *reader) note(ctx context.Context) error { return r.settle(ctx, nil, ResultFailed, nil) }

// batch is what is handled of entries.
func (r *reader) batch(entries []*entry, w *Window) *Batch {
	b := &Batch{Job: r.j, Shard: r.key.Shard, Records: make([]Record, len(entries)), Window: w}
	for i, x := range entries {
		b.Records[i] = x.Record
	}
	return b
}

// giveUp leaves records aside that cannot be handled.
func (r *reader) giveUp(ctx context.Context, n int, batch []*entry, w *Window, f Failure) error {
	var end func(*store.Tx, *shardRow) error
	if w != nil && w.Final {
		end = r.keepWindow(n, w, nil)
	}
	dead := r.batch(batch, w) // before what is done with lets go of its text
	return r.settle(ctx, batch, ResultFailed, func(tx *store.Tx, row *shardRow) error {
		if end != nil {
			return end(tx, row)
		}
		if r.j.Dead == nil || len(dead.Records) == 0 {
			return nil
		}
		return r.j.Dead(tx, dead, f)
	})
}

// tooOld is how many records, from the first on, are older than they may be.
func (r *reader) tooOld(batch []*entry) (n int) {
	if r.j.MaxAge <= 0 {
		return 0
	}
	for _, x := range batch {
		if time.Since(x.At) <= r.j.MaxAge {
			break
		}
		n++
	}
	return n
}

// firstFailed is the index of the first record that failed, and so of where
// to go on: in a shard nothing is handled before what came before it is.
func firstFailed(batch []*entry, res *Result) int {
	if res.Err != nil {
		return 0
	}
	first := len(batch)
	for _, id := range res.Failed {
		i := slices.IndexFunc(batch, func(x *entry) bool { return x.ID == id })
		if i < 0 {
			return 0 // nobody knows what that means
		}
		first = min(first, i)
	}
	return first
}
