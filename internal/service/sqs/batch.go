package sqs

import (
	"bytes"
	"errors"

	"github.com/aloft-cloud/aloft/internal/store"
)

// A batch is what one transaction does to messages. It keeps the index true to
// them, and tells the lines of their queues once that is durable.
type batch struct {
	s    *Service
	tx   *store.Tx
	now  int64
	did  []deed
	last seen
}

// seen is what was last seen of a message of a standard queue, so that what is
// done to it takes one read. Past 1,000,000 messages, that is most of the work.
type seen struct {
	queue *queue
	place []byte
	m     *message // as its row is, without the body if that is long; nil is none
}

// A deed is a change of one message, or a new entry of the index.
type deed struct {
	line     *line
	key      []byte // of the message
	from, to state
	entry    []byte // of the index, if it is new
}

// begin starts a batch in tx. Its end must be called.
func (s *Service) begin(tx *store.Tx) *batch { return &batch{s: s, tx: tx, now: now()} }

// end lets lines know of what was done, once it is durable.
func (b *batch) end() {
	if len(b.did) == 0 {
		return
	}
	did := b.did
	b.tx.AfterCommit(func() {
		for _, d := range did {
			d.line.hear(d)
		}
	})
}

// add puts m at the end of its place in q, and returns its sequence number.
func (b *batch) add(q *queue, m *message) error {
	empty := true
	if q.FIFO {
		// What is read here also keeps apart those who send to one group at a
		// time: the later commit has the higher number.
		prefix := q.prefix([]byte(m.Group))
		for range q.messages.ScanReverse(b.tx, prefix, store.KeyAfter(prefix)) {
			empty = false
			break
		}
	}
	m.sequence = b.s.sequence.Add(1)
	place := q.placeOf(m.Group, m.sequence)
	if m.Long = len(m.Body) > longBody; m.Long {
		if err := q.bodies.Put(b.tx, sequenceKey(m.sequence), []byte(m.Body)); err != nil {
			return err
		}
	}
	if err := b.put(q, place, m, state{}); err != nil || !empty {
		return err
	}
	return b.enter(q, place, m.Visible)
}

// put keeps the row of m, which was in the state from.
func (b *batch) put(q *queue, place []byte, m *message, from state) error {
	short := *m
	if m.Long {
		short.Body = ""
	}
	key := q.key(place, m.sequence)
	b.last = seen{q, place, &short}
	b.did = append(b.did, deed{line: q.line, key: key, from: from, to: m.state()})
	return q.messages.Put(b.tx, key, short.row())
}

// remove deletes m, which is as its row is.
func (b *batch) remove(q *queue, place []byte, m *message) error {
	if m.Long {
		if err := q.bodies.Delete(b.tx, sequenceKey(m.sequence)); err != nil {
			return err
		}
	}
	key := q.key(place, m.sequence)
	b.last = seen{q, place, nil}
	b.did = append(b.did, deed{line: q.line, key: key, from: m.state()})
	return q.messages.Delete(b.tx, key)
}

// enter puts a place into the index.
func (b *batch) enter(q *queue, place []byte, visible int64) error {
	entry := indexKey(visible, place)
	b.did = append(b.did, deed{line: q.line, entry: entry})
	return q.index.Put(b.tx, entry, nil)
}

// within has fn change messages in a place, and lets the index follow.
func (b *batch) within(q *queue, place []byte, fn func() error) error {
	before, err := b.head(q, place)
	if err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	after, err := b.head(q, place)
	if err != nil || before == after {
		return err
	}
	if before.there {
		if err := q.index.Delete(b.tx, indexKey(before.visible, place)); err != nil {
			return err
		}
	}
	if !after.there {
		return nil
	}
	return b.enter(q, place, after.visible)
}

// current reports whether an entry is in the index, which is to say that the
// first message in its place is hidden until then.
func (b *batch) current(q *queue, entry []byte) (bool, error) {
	at, place := cutEntry(entry)
	head, err := b.head(q, place)
	return head.there && head.visible == at, err
}

// handBack returns an entry of the index to the line of q, which handed it out,
// if it is still good.
func (b *batch) handBack(q *queue, entry []byte) error {
	current, err := b.current(q, entry)
	if current {
		b.did = append(b.did, deed{line: q.line, entry: entry})
	}
	return err
}

// head is the state of the first message in a place, as far as the index
// knows it.
func (b *batch) head(q *queue, place []byte) (head state, err error) {
	if !q.FIFO {
		m, err := b.look(q, place)
		if m == nil {
			return head, err
		}
		return state{there: true, visible: m.Visible}, err
	}
	prefix := q.prefix(place)
	for _, row := range q.messages.Scan(b.tx, prefix, store.KeyAfter(prefix)) {
		head, err = stateIn(row)
		head.received = false
		break
	}
	return head, errors.Join(err, b.tx.Err())
}

// look returns the message in a place of a standard queue, which must not be
// changed, or nil.
func (b *batch) look(q *queue, place []byte) (m *message, err error) {
	if b.last.queue == q && bytes.Equal(b.last.place, place) {
		return b.last.m, nil
	}
	err = q.messages.Read(b.tx, place, func(row []byte) error {
		m, err = parseMessage(row)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		m = nil
	case err != nil:
		return nil, err
	default:
		m.sequence = sequenceOf(place)
	}
	b.last = seen{q, bytes.Clone(place), m}
	return m, nil
}

// get returns a message without its body if that is long, or store.ErrNotFound.
func (b *batch) get(q *queue, place []byte, sequence uint64) (m *message, err error) {
	if !q.FIFO {
		m, err := b.look(q, place)
		if err != nil {
			return nil, err
		}
		if m == nil {
			return nil, store.ErrNotFound
		}
		return new(*m), nil
	}
	err = q.messages.Read(b.tx, q.key(place, sequence), func(row []byte) error {
		m, err = parseMessage(row)
		return err
	})
	if m != nil {
		m.sequence = sequence
	}
	return m, err
}

// body reads the body of m, if it is a row of its own.
func (b *batch) body(q *queue, m *message) error {
	if !m.Long || m.Body != "" {
		return nil
	}
	text, err := q.bodies.Get(b.tx, sequenceKey(m.sequence))
	m.Body = string(text)
	return err
}

// all yields the messages in a place, in order, until yield returns false or
// an error.
func (b *batch) all(q *queue, place []byte, yield func(m *message) (bool, error)) error {
	if !q.FIFO {
		m, err := b.get(q, place, sequenceOf(place))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			_, err = yield(m)
		}
		return err
	}
	prefix := q.prefix(place)
	for key, row := range q.messages.Scan(b.tx, prefix, store.KeyAfter(prefix)) {
		m, err := parseMessage(row)
		if err != nil {
			return err
		}
		m.sequence = sequenceOf(bytes.Clone(key))
		if more, err := yield(m); err != nil || !more {
			return err
		}
	}
	return b.tx.Err()
}
