package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2"
)

// Limits of what a transaction may hold. Other engines, on many machines, have such too.
const (
	MaxKey         = 10 << 10 // bytes of a key
	MaxValue       = 2 << 20  // bytes of a row; what may be larger is a body, see Blobs
	MaxTransaction = 32 << 20 // bytes written
)

var (
	errReadOnly = errors.New("store: write in a View")
	errOver     = errors.New("store: the transaction is over")

	// ErrTooLarge reports that a key, a row or a transaction is larger than the store takes.
	ErrTooLarge = errors.New("store: too large")
)

// A Tx is a transaction: a view of the store that nobody else changes. It is
// for one goroutine, while the function it was given to runs.
type Tx struct {
	db       *DB
	r        pebble.Reader
	version  uint64 // of what it sees, or, in a turn, that it is to become
	turn     bool
	readOnly bool
	track    bool // remember what is read
	over     bool
	err      error // the first failure; ends the transaction

	points []uint64 // hashes of the keys read
	ranges []span   // read
	work   int      // rows read

	writes  []write // in order of keys
	cleared []span  // ranges deleted before writes
	appends []appended
	size    int // bytes written

	topics []string
	after  []func()

	iters []*pebble.Iterator // in use
	spare *pebble.Iterator   // not in use
	kbuf  []byte             // for keys that are only looked up
	karr  [128]byte          // the first kbuf
}

// buf returns room for a key that is only looked up.
func (tx *Tx) buf() []byte {
	if tx.kbuf == nil {
		tx.kbuf = tx.karr[:]
	}
	return tx.kbuf[:0]
}

// A write sets a key, or deletes it if v is nil.
type write struct{ k, v []byte }

// An appended row gets the rest of its key when it is committed.
type appended struct {
	prefix, v []byte
	at        *Position
}

// AfterCommit has fn called once, when what tx did is durable, and not at all
// if tx is not kept. The functions of all transactions are called in order of
// commit, each before its Update returns, so caches may follow the rows. They
// must be quick and not call Update: nobody is answered meanwhile.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Notify rings the bells of topic once what tx did is durable. See DB.Watch.
func (tx *Tx) Notify(topic string) { tx.topics = append(tx.topics, topic) }

// Err returns the first failure of tx, such as one that ended a scan. View and
// Update return it too, whatever their function returns.
func (tx *Tx) Err() error { return tx.err }

// run runs fn, and ends tx.
func (tx *Tx) run(fn func(*Tx) error) error {
	defer tx.end()
	if err := fn(tx); tx.err == nil {
		return err
	}
	return tx.err
}

func (tx *Tx) end() {
	tx.over = true
	if tx.spare != nil {
		tx.iters = append(tx.iters, tx.spare)
	}
	for _, it := range tx.iters {
		it.Close()
	}
	tx.iters, tx.spare = nil, nil
}

// empty reports whether tx changes nothing.
func (tx *Tx) empty() bool {
	return len(tx.writes) == 0 && len(tx.appends) == 0 && len(tx.cleared) == 0
}

// fail ends tx with err.
func (tx *Tx) fail(err error) error {
	if tx.err == nil {
		tx.err = err
	}
	return tx.err
}

// usable returns why tx can do nothing any more, if so.
func (tx *Tx) usable() error {
	if tx.over {
		return errOver
	}
	return tx.err
}

// find returns where k is, or would be, in tx.writes.
func (tx *Tx) find(k []byte) (int, bool) {
	n := len(tx.writes)
	if n == 0 || bytes.Compare(tx.writes[n-1].k, k) < 0 {
		return n, false
	}
	i := sort.Search(n, func(i int) bool { return bytes.Compare(tx.writes[i].k, k) >= 0 })
	return i, bytes.Equal(tx.writes[i].k, k)
}

// get returns a copy of the value of k, or ErrNotFound. It does not keep k.
func (tx *Tx) get(k []byte) ([]byte, error) {
	var out []byte
	err := tx.read(k, func(v []byte) error {
		out = append(make([]byte, 0, len(v)), v...)
		return nil
	})
	return out, err
}

// read calls fn with the value of k, which is good until fn returns, or
// returns ErrNotFound. It does not keep k.
func (tx *Tx) read(k []byte, fn func(v []byte) error) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if i, found := tx.find(k); found {
		if v := tx.writes[i].v; v != nil {
			return fn(v)
		}
		return ErrNotFound
	}
	if tx.clears(k) != nil {
		return ErrNotFound
	}
	if tx.track {
		tx.points = append(tx.points, maphash.Bytes(tx.db.seed, k))
	}
	tx.work++
	v, closer, err := tx.r.Get(k)
	if err == pebble.ErrNotFound {
		return ErrNotFound
	}
	if err != nil {
		return tx.fail(fmt.Errorf("store: get: %w", err))
	}
	defer closer.Close()
	return fn(v)
}

// clears returns the range that tx deleted k with, if any.
func (tx *Tx) clears(k []byte) *span {
	for i := range tx.cleared {
		if tx.cleared[i].contains(k) {
			return &tx.cleared[i]
		}
	}
	return nil
}

// put sets k to v, or deletes it if v is nil. It keeps both.
func (tx *Tx) put(k, v []byte) error {
	if err := tx.mayWrite(len(k), v); err != nil {
		return err
	}
	i, found := tx.find(k)
	if found {
		tx.writes[i].v = v
		return nil
	}
	tx.writes = slices.Insert(tx.writes, i, write{k, v})
	return nil
}

// mayWrite returns why a write of v, or a delete if that is nil, is refused, if so.
func (tx *Tx) mayWrite(key int, v []byte) error {
	if err := tx.usable(); err != nil {
		return err
	}
	value := len(v)
	tx.size += key + value
	switch {
	case tx.readOnly:
		return tx.fail(errReadOnly)
	case v != nil && tx.db.full.Load():
		return tx.fail(ErrFull)
	case key > MaxKey:
		return tx.fail(fmt.Errorf("%w: key of %d bytes; the most is %d", ErrTooLarge, key, MaxKey))
	case value > MaxValue:
		return tx.fail(fmt.Errorf("%w: row of %d bytes; the most is %d", ErrTooLarge, value, MaxValue))
	case tx.size > MaxTransaction:
		return tx.fail(fmt.Errorf("%w: transaction of more than %d bytes", ErrTooLarge, MaxTransaction))
	}
	return nil
}

// appendRow adds a row whose key is prefix and its position in order of
// commit. It keeps both slices.
func (tx *Tx) appendRow(prefix, v []byte) (*Position, error) {
	if err := tx.mayWrite(len(prefix)+positionSize, v); err != nil {
		return nil, err
	}
	at := new(Position)
	tx.appends = append(tx.appends, appended{prefix, v, at})
	return at, nil
}

// fewRows is how many rows are deleted one by one. More are deleted as a
// range, which costs every later read in it a little, and lets every
// transaction that runs meanwhile run again.
const fewRows = 256

// clear deletes every row in s.
func (tx *Tx) clear(s span) error {
	if err := tx.mayWrite(len(s.lo), nil); err != nil {
		return err
	}
	var keys [][]byte
	for k := range tx.scan(s, false) {
		if keys = append(keys, bytes.Clone(k)); len(keys) > fewRows {
			break
		}
	}
	if tx.err != nil {
		return tx.err
	}
	if len(keys) > fewRows {
		i, _ := tx.find(s.lo)
		j, _ := tx.find(s.hi)
		tx.writes = slices.Delete(tx.writes, i, j)
		tx.cleared = append(tx.cleared, s)
		return nil
	}
	for _, k := range keys {
		if err := tx.put(k, nil); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether there is a row under k. It does not keep k.
func (tx *Tx) has(k []byte) (bool, error) {
	err := tx.read(k, func([]byte) error { return nil })
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}
