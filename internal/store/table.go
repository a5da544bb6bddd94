package store

import (
	"encoding"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
)

// A Table is a set of rows of type V in order of their keys. It holds no rows
// itself: it says how they are laid out in a transaction.
//
// A key is a string, a number, a time, or a struct of such and of such
// structs, compared field by field. So rows that share the first fields of a
// key lie together:
//
//	type messageKey struct {
//		Queue aws.ARN
//		ID    string
//	}
//
// An ARN is compared by account, region, service and resource. A key that is a
// prefix stands for all rows that share with it the fields before the first of
// its trailing zero ones: messageKey{Queue: q} for the messages of q, and
// messageKey{} for those of all queues.
//
// A row is kept as V's AppendBinary gives it, if V has that and
// UnmarshalBinary, and else as JSON. It has at most MaxValue bytes.
type Table[K comparable, V any] struct{ *layout }

// A layout is how the rows of a table look.
type layout struct {
	name   string
	prefix []byte // of all keys
	plan   keyPlan
	binary bool // rows are not JSON
}

// NewTable returns the table of that name, such as "sqs.message". Names are
// part of the data format. It panics if K cannot be a key or V is a pointer.
func NewTable[K comparable, V any](name string) Table[K, V] {
	return Table[K, V]{newLayout(name, reflect.TypeFor[K](), reflect.TypeFor[V]())}
}

// newLayout is that of the table, or log, of that name. What does not depend on
// the types of keys and rows is no generic code: there are hundreds of tables.
func newLayout(name string, key, row reflect.Type) *layout {
	if row.Kind() == reflect.Pointer {
		panic(fmt.Sprintf("store: %s: a row is %v, not what that points to", name, row))
	}
	pointer := reflect.PointerTo(row)
	return &layout{
		name:   name,
		prefix: tablePrefix(name),
		plan:   planKey(key),
		binary: pointer.Implements(reflect.TypeFor[encoding.BinaryAppender]()) && pointer.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]()),
	}
}

// Get returns the row under key, or ErrNotFound.
func (t Table[K, V]) Get(tx *Tx, key K) (V, error) {
	var v V
	tx.kbuf = appendKey(t.layout, tx.buf(), &key)
	err := tx.read(tx.kbuf, func(b []byte) error { return decodeRow(t.layout, tx, b, &v) })
	return v, err
}

// Has reports whether there is a row under key.
func (t Table[K, V]) Has(tx *Tx, key K) (bool, error) {
	tx.kbuf = appendKey(t.layout, tx.buf(), &key)
	return tx.has(tx.kbuf)
}

// Put sets the row under key.
func (t Table[K, V]) Put(tx *Tx, key K, v V) error {
	b, err := encodeRow(t.layout, &v)
	if err != nil {
		return tx.fail(err)
	}
	return tx.put(appendKey(t.layout, nil, &key), b)
}

// Delete removes the row under key, if there is one.
func (t Table[K, V]) Delete(tx *Tx, key K) error {
	return tx.put(appendKey(t.layout, nil, &key), nil)
}

// DeletePrefix removes all rows under prefix.
func (t Table[K, V]) DeletePrefix(tx *Tx, prefix K) error {
	return tx.clear(under(t.layout, &prefix))
}

// Scan yields, in order, the rows under prefix. The transaction may change
// rows meanwhile. An error ends the scan and the transaction; see Tx.Err.
func (t Table[K, V]) Scan(tx *Tx, prefix K) iter.Seq2[K, V] {
	return rows[K, V](tx, t.layout, under(t.layout, &prefix), false)
}

// ScanReverse is Scan from the last row to the first.
func (t Table[K, V]) ScanReverse(tx *Tx, prefix K) iter.Seq2[K, V] {
	return rows[K, V](tx, t.layout, under(t.layout, &prefix), true)
}

// ScanAfter is Scan from the first row past key, which need not exist.
func (t Table[K, V]) ScanAfter(tx *Tx, prefix, key K) iter.Seq2[K, V] {
	return rows[K, V](tx, t.layout, past(t.layout, &prefix, &key), false)
}

// ScanBefore is ScanReverse from the first row before key, which need not exist.
func (t Table[K, V]) ScanBefore(tx *Tx, prefix, key K) iter.Seq2[K, V] {
	return rows[K, V](tx, t.layout, before(t.layout, &prefix, &key), true)
}

// Range yields, in order, the rows from the key from up to but not including
// the key to. Neither is a prefix: their zero fields count.
func (t Table[K, V]) Range(tx *Tx, from, to K) iter.Seq2[K, V] {
	return rows[K, V](tx, t.layout, between(t.layout, &from, &to), false)
}

// rows yields the rows in s, decoded. It is not inlined, for there is one for each table.
//
//go:noinline
func rows[K comparable, V any](tx *Tx, l *layout, s span, reverse bool) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for k, b := range tx.scan(s, reverse) {
			var key K
			var v V
			if decodeKey(l, tx, k, &key) != nil || decodeRow(l, tx, b, &v) != nil || !yield(key, v) {
				return
			}
		}
	}
}

// under returns the range of the rows under the prefix that is pointed to.
func under(l *layout, prefix any) span {
	lo := l.plan.appendPrefix(l.key(nil), reflect.ValueOf(prefix).Elem())
	return span{lo, after(lo)}
}

// past returns the range of the rows under prefix, past key.
func past(l *layout, prefix, key any) span {
	s := under(l, prefix)
	s.lo = maxKey(s.lo, append(appendKey(l, nil, key), 0))
	return s
}

// before returns the range of the rows under prefix, before key.
func before(l *layout, prefix, key any) span {
	s := under(l, prefix)
	s.hi = minKey(s.hi, appendKey(l, nil, key))
	return s
}

// between returns the range of the rows from one key up to another.
func between(l *layout, from, to any) span {
	return span{appendKey(l, nil, from), appendKey(l, nil, to)}
}

// appendKey appends to b the key that is pointed to.
func appendKey(l *layout, b []byte, key any) []byte {
	return l.plan.append(l.key(b), reflect.ValueOf(key).Elem())
}

// decodeKey makes what key points to what k, the key of a row, says.
func decodeKey(l *layout, tx *Tx, k []byte, key any) error {
	if err := l.plan.decode(k[len(l.prefix):], reflect.ValueOf(key).Elem()); err != nil {
		return tx.fail(fmt.Errorf("store: %s: key %q: %w", l.name, k, err))
	}
	return nil
}

// key appends to b the prefix of a key of l, with room for the rest.
func (l *layout) key(b []byte) []byte {
	if b == nil {
		b = make([]byte, 0, len(l.prefix)+96)
	}
	return append(b, l.prefix...)
}

// encodeRow returns the row that is pointed to as it is kept.
func encodeRow(l *layout, v any) ([]byte, error) {
	var b []byte
	var err error
	if l.binary {
		b, err = v.(encoding.BinaryAppender).AppendBinary(nil)
	} else {
		b, err = json.Marshal(v)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %s: encode row: %w", l.name, err)
	}
	if b == nil {
		b = []byte{} // nil would delete
	}
	return b, nil
}

// decodeRow makes what v points to the row that is kept as b.
func decodeRow(l *layout, tx *Tx, b []byte, v any) error {
	var err error
	if l.binary {
		err = v.(encoding.BinaryUnmarshaler).UnmarshalBinary(b)
	} else {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return tx.fail(fmt.Errorf("store: %s: decode row: %w", l.name, err))
	}
	return nil
}
