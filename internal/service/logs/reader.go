package logs

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/store"
)

// slot is how many ms the events of one block span at most.
const slot = 10_000

// forever is later than any event, in ms.
const forever = 1 << 52

// slotOf is the beginning of the slot of a time.
func slotOf(ms int64) int64 { return ms - ms%slot }

// A reader reads a stream's events in order of time, slot by slot, or in the
// reverse of it.
type reader struct {
	tx     *store.Tx
	codec  codec
	rows   store.Rows // blocks of the group
	stream string
	lo, hi position // events from lo, before hi
	desc   bool

	buf  []event // of one slot, those to come
	edge int64   // slots before it were read; if desc, slots from it on
	read int     // bytes of blocks that were read
	over bool
	err  error // why it is over, if a block was malformed
}

// newReader reads the events of a stream from lo, before hi. Times are from 0 to forever.
func (s *Service) newReader(tx *store.Tx, key streamKey, lo, hi position, desc bool) *reader {
	r := &reader{tx: tx, codec: s.codec, rows: blocks.Rows(key.Group), stream: key.Name, lo: lo, hi: hi, desc: desc}
	r.edge = slotOf(lo.Time)
	if desc {
		r.edge = slotOf(hi.Time) + slot
	}
	return r
}

// peek returns the next event, or nil after the last or when it failed.
func (r *reader) peek() *event {
	for len(r.buf) == 0 {
		if r.over {
			return nil
		}
		r.fill()
	}
	return &r.buf[0]
}

// skip goes to the event after the one that peek returned.
func (r *reader) skip() { r.buf = r.buf[1:] }

// fill reads the next slot that has blocks.
func (r *reader) fill() {
	var events []event
	from := int64(-1) // the slot
	for key, block := range r.scan() {
		first, batch := parseBlockKey(key)
		if from < 0 {
			from = slotOf(first)
		} else if slotOf(first) != from {
			break
		}
		r.read += len(block)
		if events, r.err = r.codec.decode(events, block, first, batch); r.err != nil {
			r.over = true
			return
		}
	}
	if from < 0 || r.tx.Err() != nil {
		r.over = true
		return
	}
	r.edge = from + slot
	if r.desc {
		r.edge = from
	}
	events = slices.DeleteFunc(events, func(e event) bool { return e.before(r.lo) || !e.before(r.hi) })
	slices.SortFunc(events, func(a, b event) int {
		if a.before(b.position) != r.desc {
			return -1
		}
		return 1
	})
	r.buf = events
}

// scan yields the blocks that may have events to come.
func (r *reader) scan() func(yield func(k, v []byte) bool) {
	if r.desc {
		return r.rows.ScanReverse(r.tx, blockKey(r.stream, slotOf(r.lo.Time), 0), blockKey(r.stream, r.edge, 0))
	}
	return r.rows.Scan(r.tx, blockKey(r.stream, r.edge, 0), blockKey(r.stream, r.hi.Time, r.hi.Batch+1))
}
