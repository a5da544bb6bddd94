package store

import (
	"bytes"
	"iter"
	"reflect"
)

// Bytes is a set of tables of bytes, one under each prefix of type P, for hot
// paths that know how their keys and rows look.
type Bytes[P comparable] struct{ *layout }

// NewBytes returns the set of that name, such as "dynamodb.item". Names are
// part of the data format. It panics if P cannot be a key.
func NewBytes[P comparable](name string) Bytes[P] {
	return Bytes[P]{newLayout(name, reflect.TypeFor[P](), reflect.TypeFor[[]byte]())}
}

// Rows returns the table under prefix. It may be kept.
func (b Bytes[P]) Rows(prefix P) Rows {
	p := appendKey(b.layout, nil, &prefix)
	return Rows{prefix: p, end: after(p)}
}

// Rows is a table of bytes in the order of its keys, which bytes.Compare tells.
type Rows struct{ prefix, end []byte }

// Get returns the row under key, a copy, or ErrNotFound.
func (r Rows) Get(tx *Tx, key []byte) ([]byte, error) { return tx.get(r.look(tx, key)) }

// Read calls fn with the row under key, which is good until fn returns, or
// returns ErrNotFound.
func (r Rows) Read(tx *Tx, key []byte, fn func(row []byte) error) error {
	return tx.read(r.look(tx, key), fn)
}

// Has reports whether there is a row under key.
func (r Rows) Has(tx *Tx, key []byte) (bool, error) { return tx.has(r.look(tx, key)) }

// Put sets the row under key. It keeps row, which must not change any more.
func (r Rows) Put(tx *Tx, key, row []byte) error {
	if row == nil {
		row = []byte{}
	}
	return tx.put(r.key(key), row)
}

// Delete removes the row under key, if there is one.
func (r Rows) Delete(tx *Tx, key []byte) error { return tx.put(r.key(key), nil) }

// Scan yields, in order, the rows from lo up to but not including hi; nil is
// no bound. Key and row are good until the next step. The transaction may
// change rows meanwhile. An error ends the scan and the transaction; see Tx.Err.
func (r Rows) Scan(tx *Tx, lo, hi []byte) iter.Seq2[[]byte, []byte] {
	return r.scan(tx, lo, hi, false)
}

// ScanReverse is Scan from the last row before hi down to lo.
func (r Rows) ScanReverse(tx *Tx, lo, hi []byte) iter.Seq2[[]byte, []byte] {
	return r.scan(tx, lo, hi, true)
}

func (r Rows) scan(tx *Tx, lo, hi []byte, reverse bool) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for k, v := range tx.scan(r.span(lo, hi), reverse) {
			if !yield(k[len(r.prefix):], v) {
				return
			}
		}
	}
}

// DeleteRange removes the rows from lo up to but not including hi; nil is no bound.
func (r Rows) DeleteRange(tx *Tx, lo, hi []byte) error { return tx.clear(r.span(lo, hi)) }

func (r Rows) span(lo, hi []byte) span {
	s := span{r.key(lo), r.end}
	if hi != nil {
		s.hi = r.key(hi)
	}
	return s
}

func (r Rows) key(k []byte) []byte {
	return append(append(make([]byte, 0, len(r.prefix)+len(k)), r.prefix...), k...)
}

// look returns the whole of key, until tx looks up the next.
func (r Rows) look(tx *Tx, key []byte) []byte {
	tx.kbuf = append(append(tx.buf(), r.prefix...), key...)
	return tx.kbuf
}

// KeyAfter returns the first key that does not begin with prefix, or nil if
// there is none: with it as hi, a scan from prefix yields what begins with it.
func KeyAfter(prefix []byte) []byte { return after(prefix) }

func maxKey(a, b []byte) []byte {
	if bytes.Compare(a, b) < 0 {
		return b
	}
	return a
}

func minKey(a, b []byte) []byte {
	if bytes.Compare(a, b) < 0 {
		return a
	}
	return b
}
