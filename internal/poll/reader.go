package poll

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	maxBatchBytes = 6<<20 - 32<<10  // of the records of a batch, so that an event of them has 6 MiB at most
	minBuffer     = 100             // records that are read ahead at least
	maxOpen       = 20_000          // records past the first that is not done with
	iteratorUse   = 4 * time.Minute // an iterator is used as often, at least: it lives for five
)

// A reader reads one shard, in order, and has its lanes handle the records.
type reader struct {
	e     *Engine
	j     *Job
	src   stream
	key   shardKey
	claim int64
	bell  task.Bell // a lane is free, or failed
	group task.Group

	mu     sync.Mutex
	open   []*entry // read and, from the first on, not all done with; in order
	low    string   // sequence number before which all is done with
	saved  string   // low, as the row has it
	lanes  []lane
	failed error
}

// An entry is a record that was read.
type entry struct {
	Record
	done bool
}

// A lane handles records of the same keys, one batch after another.
type lane struct {
	waiting []*entry
	bytes   int       // of those waiting
	since   time.Time // when the first of them came
	busy    bool
	window  window
}

func newReader(e *Engine, j *Job, src stream, shard string) *reader {
	return &reader{e: e, j: j, src: src, key: shardKey{j.Owner, shard}, bell: task.NewBell(), lanes: make([]lane, max(1, j.Lanes))}
}

// run reads until the shard's end, or ctx ends, or something fails.
func (r *reader) run(ctx context.Context) error {
	row, err := r.e.claim(ctx, r.key)
	if err != nil || row.Done {
		return err
	}
	r.claim, r.low, r.saved = row.Claim, row.After, row.After
	for n, w := range row.Windows {
		if n < len(r.lanes) {
			r.lanes[n].window = w
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer r.group.Wait()
	defer stop()
	rung, unwatch := r.e.cfg.DB.Watch(r.src.topic())
	defer unwatch()
	it, err := r.begin(ctx, &row)
	for err == nil {
		more := false
		if it != "" && r.room() {
			if it, more, err = r.read(ctx, it); err != nil {
				break
			}
		}
		wait := r.startBatches(ctx, it == "")
		if err = r.failure(); err != nil || more {
			continue
		}
		if it == "" && r.idle() {
			return r.finish(ctx)
		}
		if err = r.save(ctx); err != nil {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-rung:
		case <-r.bell:
		case <-timer.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
		timer.Stop()
	}
	return err
}

// begin returns the iterator at which to begin.
func (r *reader) begin(ctx context.Context, row *shardRow) (string, error) {
	r.mu.Lock()
	after := r.low
	r.mu.Unlock()
	switch {
	case after != "":
		it, err := r.src.iterator(ctx, r.key.Shard, startAfter, after, time.Time{})
		if err != nil && r.src.trimmed(err) {
			it, err = r.src.iterator(ctx, r.key.Shard, startHorizon, "", time.Time{})
		}
		return it, err
	case row.Start == startLatest && row.Iterator != "" && time.Since(row.StartAt) < iteratorUse:
		return row.Iterator, nil
	case row.Start == startLatest:
		return r.src.iterator(ctx, r.key.Shard, startAt, "", row.StartAt)
	}
	return r.src.iterator(ctx, r.key.Shard, row.Start, "", row.StartAt)
}

// read reads on, and says whether there may be more at once.
func (r *reader) read(ctx context.Context, it string) (next string, more bool, err error) {
	limit := max(minBuffer, r.j.BatchSize*len(r.lanes))
	records, next, err := r.src.read(ctx, r.key.Shard, it, limit)
	if err != nil && r.src.expired(err) { // it was not read for long: there was no room
		r.mu.Lock()
		last := r.low
		if n := len(r.open); n > 0 {
			last = r.open[n-1].ID
		}
		r.mu.Unlock()
		if last != "" {
			next, err = r.src.iterator(ctx, r.key.Shard, startAfter, last, time.Time{})
			return next, true, err
		}
	}
	if err != nil {
		return "", false, err
	}
	r.add(records)
	return next, len(records) > 0 && next != "", nil
}

// room reports whether more should be read.
func (r *reader) room() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	records, bytes := 0, 0
	for i := range r.lanes {
		records += len(r.lanes[i].waiting)
		bytes += r.lanes[i].bytes
	}
	return len(r.open) < maxOpen && records < max(minBuffer, r.j.BatchSize*len(r.lanes)) && bytes < 2*maxBatchBytes
}

// add gives records to their lanes. Those that nobody wants are done with.
func (r *reader) add(records []Record) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range records {
		x := &entry{Record: records[i]}
		r.open = append(r.open, x)
		if !wanted(r.j.Filters, x.view) {
			x.done, x.JSON, x.view = true, nil, nil
			continue
		}
		x.view = nil
		l := &r.lanes[laneOf(x.key, len(r.lanes))]
		if len(l.waiting) == 0 {
			l.since = now
		}
		l.waiting = append(l.waiting, x)
		l.bytes += len(x.JSON)
	}
	r.advance()
}

func laneOf(key string, lanes int) int {
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % uint32(lanes))
}

// advance moves low past what is done with. r.mu is held.
func (r *reader) advance() {
	for len(r.open) > 0 && r.open[0].done {
		r.low = r.open[0].ID
		r.open[0] = nil
		r.open = r.open[1:]
	}
}

// settle says that records are done with, and, in the same transaction, note.
func (r *reader) settle(ctx context.Context, done []*entry, result string, note func(tx *store.Tx, row *shardRow) error) error {
	r.mu.Lock()
	for _, x := range done {
		x.done, x.JSON = true, nil
	}
	r.advance()
	r.mu.Unlock()
	return r.e.move(ctx, r.key, r.claim, func(tx *store.Tx, row *shardRow) error {
		r.mu.Lock()
		row.After = r.low
		r.saved = r.low
		r.mu.Unlock()
		if result != "" {
			row.Result, row.At = result, time.Now()
		}
		if note == nil {
			return nil
		}
		return note(tx, row)
	})
}

// save keeps how far the shard was read past records that nobody wants.
func (r *reader) save(ctx context.Context) error {
	r.mu.Lock()
	moved := len(r.open) == 0 && r.low != r.saved
	r.mu.Unlock()
	if !moved {
		return nil
	}
	return r.settle(ctx, nil, "", nil)
}

// finish says that the shard was read to its end.
func (r *reader) finish(ctx context.Context) error {
	return r.settle(ctx, nil, "", func(_ *store.Tx, row *shardRow) error {
		row.Done = true
		return nil
	})
}

// idle reports whether there is nothing left to handle.
func (r *reader) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.lanes {
		l := &r.lanes[i]
		if l.busy || len(l.waiting) > 0 || !l.window.Start.IsZero() {
			return false
		}
	}
	return true
}

// failure is the first failure of a lane.
func (r *reader) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}
