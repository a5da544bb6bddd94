package store

import (
	"bytes"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
)

// A cursor walks over the rows of a range, those that its transaction wrote
// among them.
type cursor struct {
	tx      *Tx
	span    span
	reverse bool
	it      *pebble.Iterator
	valid   bool   // it is on a row that was not yielded yet
	buf     []byte // copy of a key of the transaction's own
}

// scan yields the rows in s. Slices are good until the next step. The
// transaction may change rows meanwhile. Only what was visited counts as read.
func (tx *Tx) scan(s span, reverse bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		if tx.usable() != nil || s.hi != nil && bytes.Compare(s.lo, s.hi) >= 0 {
			return
		}
		c := &cursor{tx: tx, span: s, reverse: reverse}
		if err := c.open(); err != nil {
			tx.fail(fmt.Errorf("store: scan: %w", err))
			return
		}
		visited := s
		defer func() {
			c.close()
			if tx.track {
				tx.ranges = append(tx.ranges, visited)
			}
		}()
		for k, v := c.first(); k != nil; k, v = c.next(k) {
			tx.work++
			if !yield(k, v) {
				if reverse {
					visited.lo = bytes.Clone(k)
				} else {
					visited.hi = append(bytes.Clone(k), 0)
				}
				return
			}
			if tx.usable() != nil {
				return
			}
		}
	}
}

// open positions the iterator over the rows that were there before.
func (c *cursor) open() error {
	tx := c.tx
	if c.it = tx.spare; c.it != nil {
		tx.spare = nil
		c.it.SetBounds(c.span.lo, c.span.hi)
	} else {
		it, err := tx.r.NewIter(&pebble.IterOptions{LowerBound: c.span.lo, UpperBound: c.span.hi})
		if err != nil {
			return err
		}
		c.it = it
	}
	tx.iters = append(tx.iters, c.it)
	return nil
}

func (c *cursor) close() {
	tx := c.tx
	if tx.over {
		return // the transaction closed it
	}
	if err := c.it.Error(); err != nil {
		tx.fail(fmt.Errorf("store: scan: %w", err))
	}
	for i, it := range tx.iters {
		if it == c.it {
			tx.iters = append(tx.iters[:i], tx.iters[i+1:]...)
			break
		}
	}
	if tx.spare == nil && tx.err == nil {
		tx.spare = c.it
		return
	}
	c.it.Close()
}

// first returns the first row, or nil.
func (c *cursor) first() (k, v []byte) {
	if c.reverse {
		c.valid = c.it.Last()
	} else {
		c.valid = c.it.First()
	}
	return c.pick(nil)
}

// next returns the row after the one just yielded, whose key was k, or nil.
func (c *cursor) next(k []byte) (nk, nv []byte) {
	if len(c.tx.writes) > 0 {
		c.buf = append(c.buf[:0], k...) // k may be the iterator's, which moves
		k = c.buf
	}
	if c.valid && bytes.Equal(c.it.Key(), k) {
		c.step()
	}
	return c.pick(k)
}

func (c *cursor) step() {
	if c.reverse {
		c.valid = c.it.Prev()
	} else {
		c.valid = c.it.Next()
	}
}

// pick returns the nearer of the row under the iterator and the first own
// write past the key last; of two with one key, the own.
func (c *cursor) pick(last []byte) (k, v []byte) {
	for {
		if c.tx.err != nil {
			return nil, nil
		}
		c.skipCleared()
		own := c.own(last)
		if own == nil {
			return c.base()
		}
		if c.valid {
			d := bytes.Compare(c.it.Key(), own.k)
			if c.reverse {
				d = -d
			}
			if d < 0 {
				return c.base()
			}
			if d == 0 && own.v == nil {
				c.step()
			}
		}
		if own.v != nil {
			return own.k, own.v
		}
		last = own.k
	}
}

// base returns the row under the iterator.
func (c *cursor) base() (k, v []byte) {
	if !c.valid {
		return nil, nil
	}
	v, err := c.it.ValueAndErr()
	if err != nil {
		c.tx.fail(fmt.Errorf("store: scan: %w", err))
		return nil, nil
	}
	return c.it.Key(), v
}

// own returns the first own write past last in the range.
func (c *cursor) own(last []byte) *write {
	w := c.tx.writes
	if len(w) == 0 {
		return nil
	}
	var i int
	switch {
	case c.reverse && last != nil:
		i, _ = c.tx.find(last)
		i--
	case c.reverse && c.span.hi == nil:
		i = len(w) - 1
	case c.reverse:
		i, _ = c.tx.find(c.span.hi)
		i--
	case last != nil:
		var found bool
		if i, found = c.tx.find(last); found {
			i++
		}
	default:
		i, _ = c.tx.find(c.span.lo)
	}
	if i < 0 || i >= len(w) || !c.span.contains(w[i].k) {
		return nil
	}
	return &w[i]
}

// skipCleared moves the iterator past ranges that the transaction deleted.
func (c *cursor) skipCleared() {
	for c.valid {
		s := c.tx.clears(c.it.Key())
		if s == nil {
			return
		}
		if c.reverse {
			c.valid = c.it.SeekLT(s.lo)
		} else {
			c.valid = c.it.SeekGE(s.hi)
		}
	}
}
