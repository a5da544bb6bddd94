package sqs

import (
	"bytes"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A line is what is known in memory of who is next in a queue: entries of its
// index, each handed out once. A new process begins with an empty one.
//
// All entries up to read are in ready, or were handed out. Those beyond are
// read when there is need, so what was deleted at the head of the index is
// never passed again. An entry that is made at or before read, which happens as
// clocks and commits overtake each other, is added when it is durable; and so
// is one before all others past read, which then are past it: while receivers
// keep up, nobody reads the index. What is handed out may be gone: who takes it
// looks.
type line struct {
	bell task.Bell // rung when there may be something for one who waits

	mu      sync.Mutex
	ready   [][]byte      // entries that are visible
	read    []byte        // last entry that was read of the index
	reading chan struct{} // closed when the read under way ends; nil if none is
	missed  [][]byte      // entries made meanwhile
	next    int64         // when the first entry past read becomes visible, as far as known
	waiting int           // receivers that wait for the bell
	counts  counts
	calls   [kindsOfCalls]allowance // of FIFO queues
}

const (
	readAhead = 128 // entries of the index that are read at once
	never     = math.MaxInt64
)

// lineOf returns the line of the queue with that id.
func (s *Service) lineOf(id string) *line {
	if l, ok := s.lines.Load(id); ok {
		return l.(*line)
	}
	l, _ := s.lines.LoadOrStore(id, &line{bell: task.NewBell(), next: never})
	return l.(*line)
}

// take hands out up to n entries that are visible at now, and says whether
// there are more.
func (l *line) take(ctx context.Context, db *store.DB, rows store.Rows, n int, now int64) (entries [][]byte, more bool, err error) {
	for {
		l.mu.Lock()
		n := min(n, len(l.ready))
		entries, l.ready = slices.Clone(l.ready[:n]), l.ready[n:]
		more = len(l.ready) > 0
		if n > 0 || l.next > now && l.read != nil {
			l.mu.Unlock()
			return entries, more, nil
		}
		if other := l.reading; other != nil {
			l.mu.Unlock()
			select {
			case <-other:
				continue
			case <-ctx.Done():
				return nil, false, ctx.Err()
			}
		}
		l.reading = make(chan struct{})
		from := l.read
		l.mu.Unlock()
		found, next, err := ahead(ctx, db, rows, from, now)
		l.settle(from, found, next, err == nil)
		if err != nil {
			return nil, false, err
		}
	}
}

// ahead reads entries past from that are visible at now, and when the next is.
func ahead(ctx context.Context, db *store.DB, rows store.Rows, from []byte, now int64) (found [][]byte, next int64, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		found, next = nil, never
		for entry := range rows.Scan(tx, append(bytes.Clone(from), 0), nil) {
			at, _ := cutEntry(entry)
			if at > now || len(found) == readAhead {
				next = at
				break
			}
			found = append(found, bytes.Clone(entry))
		}
		return tx.Err()
	})
	return found, next, err
}

// settle takes in what was read past from, if that went well and the queue was
// not emptied meanwhile.
func (l *line) settle(from []byte, found [][]byte, next int64, good bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if good && bytes.Equal(from, l.read) {
		if l.read == nil {
			l.read = []byte{}
		}
		if len(found) > 0 {
			l.read = found[len(found)-1]
		}
		l.ready, l.next = append(l.ready, found...), next
		for _, entry := range l.missed {
			l.note(entry, 0)
		}
	}
	close(l.reading)
	l.reading, l.missed = nil, nil
}

// hear is told of what was done, in order of commit.
func (l *line) hear(d deed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := now()
	if d.entry == nil {
		l.counts.change(d.key, d.from, d.to, now)
		return
	}
	if l.reading != nil {
		l.missed = append(l.missed, d.entry)
	}
	before := l.next
	l.note(d.entry, now)
	if at, _ := cutEntry(d.entry); l.waiting > 0 && (at <= now || at < before) {
		l.bell.Ring()
	}
}

// note takes in a new entry.
func (l *line) note(entry []byte, now int64) {
	at, _ := cutEntry(entry)
	switch {
	case bytes.Compare(entry, l.read) <= 0 && len(l.read) > 0:
		l.ready = append(l.ready, entry)
	case at <= now && at < l.next && l.read != nil && l.reading == nil && len(l.ready) < readAhead:
		l.ready, l.read = append(l.ready, entry), entry
	default:
		l.next = min(l.next, at)
	}
}

// giveBack takes back entries that were handed out and not used.
func (l *line) giveBack(entries [][]byte) {
	if len(entries) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready = append(slices.Clone(entries), l.ready...)
	l.bell.Ring()
}

// wait returns when there may be something to take, or at the deadline: then
// it returns false.
func (l *line) wait(ctx context.Context, deadline int64) bool {
	l.mu.Lock()
	l.waiting++
	until := min(deadline, l.next)
	l.mu.Unlock()
	timer := time.NewTimer(time.Until(time.UnixMilli(until)))
	defer timer.Stop()
	rung := false
	select {
	case <-l.bell:
		rung = true
	case <-timer.C:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
	if ctx.Err() == nil && (rung || until < deadline) {
		return true
	}
	l.pass()
	return false
}

// offer has another receiver look, since one leaves something.
func (l *line) offer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass()
}

// pass has another receiver look, since one leaves who was told to, or who was
// to wake when the next entry is due.
func (l *line) pass() {
	if l.waiting > 0 {
		l.bell.Ring()
	}
}

// reset is for a queue that has no messages any more.
func (l *line) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready, l.read, l.missed, l.next = nil, nil, nil, never
	l.counts = counts{whole: true}
	l.bell.Ring()
}
