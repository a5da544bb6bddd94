package sqs

import (
	"bytes"
	"container/heap"
	"context"
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/store"
)

// counts are how many messages a queue has. A new process counts those that
// are there up to a cursor, a piece at a time, and what becomes of messages
// past it is not its concern before the cursor has passed them: so counts are
// exact, and nobody waits.
type counts struct {
	whole   bool   // all were counted
	cursor  []byte // the last key that was
	all     int
	delayed hidden // not visible, and never received
	flying  hidden // not visible, since they were received
}

// change says that a message has changed.
func (c *counts) change(key []byte, from, to state, now int64) {
	if !c.whole && bytes.Compare(key, c.cursor) > 0 {
		return
	}
	c.add(from, -1, now)
	c.add(to, 1, now)
}

func (c *counts) add(m state, n int, now int64) {
	if !m.there {
		return
	}
	c.all += n
	if m.received {
		c.flying.add(m.visible, n, now)
	} else {
		c.delayed.add(m.visible, n, now)
	}
}

// hidden counts messages until they become visible.
type hidden struct {
	n   int
	at  map[int64]int // by when
	due times         // keys of at, and some that are there no more
}

func (h *hidden) add(visible int64, n int, now int64) {
	if visible <= now {
		if _, found := h.at[visible]; !found {
			return
		}
	}
	if h.at == nil {
		h.at = make(map[int64]int)
	}
	if _, found := h.at[visible]; !found {
		if len(h.due) > 2*len(h.at)+1024 { // mostly of what is there no more
			h.due = slices.Collect(maps.Keys(h.at))
			heap.Init(&h.due)
		}
		heap.Push(&h.due, visible)
	}
	h.n += n
	if h.at[visible] += n; h.at[visible] == 0 {
		delete(h.at, visible)
	}
}

// count is how many are hidden at now.
func (h *hidden) count(now int64) int {
	for len(h.due) > 0 && h.due[0] <= now {
		at := heap.Pop(&h.due).(int64)
		h.n -= h.at[at]
		delete(h.at, at)
	}
	return h.n
}

type times []int64

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }

// Push implements heap.Interface.
func (t *times) Push(x any) { *t = append(*t, x.(int64)) }

// Pop implements heap.Interface.
func (t *times) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	*t = (*t)[:last]
	return x
}

// inFlight is how many messages are with their receivers, as far as counted.
func (l *line) inFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts.flying.count(now())
}

// countPiece is how many messages are counted in one transaction.
const countPiece = 10_000

// numbers returns how many messages of q are visible, in flight and delayed.
func (s *Service) numbers(ctx context.Context, q *queue) (visible, flying, delayed int, err error) {
	l := q.line
	for {
		l.mu.Lock()
		now, c := now(), &l.counts
		flying, delayed = c.flying.count(now), c.delayed.count(now)
		visible = c.all - flying - delayed
		whole, cursor := c.whole, c.cursor
		l.mu.Unlock()
		if whole {
			return visible, flying, delayed, nil
		}
		if err := s.countOn(ctx, q, cursor); err != nil {
			return 0, 0, 0, err
		}
	}
}

// countOn counts the messages of q past the cursor.
func (s *Service) countOn(ctx context.Context, q *queue, cursor []byte) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		last, whole := bytes.Clone(cursor), true
		var found []state
		for key, row := range q.messages.Scan(tx, append(bytes.Clone(cursor), 0), nil) {
			m, err := stateIn(row)
			if err != nil {
				return err
			}
			found, last = append(found, m), append(last[:0], key...)
			if len(found) == countPiece {
				whole = false
				break
			}
		}
		tx.AfterCommit(func() { q.line.counted(cursor, last, found, whole) })
		return marks.Rows(q.ID).Put(tx, nil, nil) // so that this has its place among all changes
	})
}

// counted takes in what was counted past the cursor, unless somebody else did.
func (l *line) counted(cursor, last []byte, found []state, whole bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.counts
	if c.whole || !bytes.Equal(c.cursor, cursor) {
		return
	}
	for _, m := range found {
		c.add(m, 1, now())
	}
	c.cursor, c.whole = last, whole
}
