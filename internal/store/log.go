package store

import (
	"encoding/binary"
	"fmt"
	"iter"
	"reflect"
)

// A Log is a set of rows of type V below each prefix of type P, in the order in
// which their transactions were committed. Appends never conflict with one
// another. Rows are kept as a Table's are.
type Log[P comparable, V any] struct{ *layout }

// NewLog returns the log of that name, such as "dynamodb.stream". Names are
// part of the data format. It panics if P cannot be a key.
func NewLog[P comparable, V any](name string) Log[P, V] {
	return Log[P, V]{newLayout(name, reflect.TypeFor[P](), reflect.TypeFor[V]())}
}

// A Position is the place of a row in order of commit. No two rows of a store
// have the same, whatever their log, and it is never used again.
type Position struct {
	Version uint64 // of the commit; they rise, and not always by one
	Index   uint32 // within it
}

const positionSize = 12

// MaxPosition is past every row.
var MaxPosition = Position{^uint64(0), ^uint32(0)}

func (p Position) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, p.Version)
	return binary.BigEndian.AppendUint32(b, p.Index)
}

// String returns p as 30 digits, in the order of positions.
func (p Position) String() string { return fmt.Sprintf("%020d%010d", p.Version, p.Index) }

// ParsePosition reads what Position.String returns.
func ParsePosition(s string) (Position, error) {
	var p Position
	if len(s) != 30 {
		return p, fmt.Errorf("store: not a position: %q", s)
	}
	if _, err := fmt.Sscanf(s, "%20d%10d", &p.Version, &p.Index); err != nil || p.String() != s {
		return Position{}, fmt.Errorf("store: not a position: %q", s)
	}
	return p, nil
}

// Append adds a row below prefix. Its position is set when the transaction has
// been committed: look at it after Update, or in AfterCommit. The transaction
// itself does not see the row.
func (l Log[P, V]) Append(tx *Tx, prefix P, v V) (*Position, error) {
	b, err := encodeRow(l.layout, &v)
	if err != nil {
		return nil, tx.fail(err)
	}
	return tx.appendRow(appendKey(l.layout, nil, &prefix), b)
}

// Get returns the row at p, or ErrNotFound.
func (l Log[P, V]) Get(tx *Tx, prefix P, p Position) (V, error) {
	var v V
	tx.kbuf = p.append(appendKey(l.layout, tx.buf(), &prefix))
	err := tx.read(tx.kbuf, func(b []byte) error { return decodeRow(l.layout, tx, b, &v) })
	return v, err
}

// Scan yields, in order, the rows below prefix past the position from; the
// zero position is before all.
func (l Log[P, V]) Scan(tx *Tx, prefix P, from Position) iter.Seq2[Position, V] {
	s := l.all(prefix)
	s.lo = append(from.append(s.lo), 0)
	return l.rows(tx, s, false)
}

// ScanReverse yields, last first, the rows below prefix before the position to.
func (l Log[P, V]) ScanReverse(tx *Tx, prefix P, to Position) iter.Seq2[Position, V] {
	s := l.all(prefix)
	s.hi = to.append(appendKey(l.layout, nil, &prefix))
	return l.rows(tx, s, true)
}

// Trim removes the rows below prefix up to and including the position upTo.
func (l Log[P, V]) Trim(tx *Tx, prefix P, upTo Position) error {
	s := l.all(prefix)
	s.hi = minKey(s.hi, append(upTo.append(appendKey(l.layout, nil, &prefix)), 0))
	return tx.clear(s)
}

// DeletePrefix removes the rows of all logs under prefix, as Table.DeletePrefix does.
func (l Log[P, V]) DeletePrefix(tx *Tx, prefix P) error {
	return tx.clear(under(l.layout, &prefix))
}

func (l Log[P, V]) all(prefix P) span {
	k := appendKey(l.layout, nil, &prefix)
	return span{k, after(k)}
}

func (l Log[P, V]) rows(tx *Tx, s span, reverse bool) iter.Seq2[Position, V] {
	return func(yield func(Position, V) bool) {
		for k, b := range tx.scan(s, reverse) {
			at := k[len(k)-positionSize:]
			p := Position{binary.BigEndian.Uint64(at), binary.BigEndian.Uint32(at[8:])}
			var v V
			if decodeRow(l.layout, tx, b, &v) != nil || !yield(p, v) {
				return
			}
		}
	}
}
