package store

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
)

// A Mark is a row that somebody keeps decoded in memory. It tells, without a
// read, whether the row is still as it was when it was marked; see Tx.Holds.
type Mark struct {
	key     []byte
	hash    uint64
	at      uint64        // the version over which it was marked
	changed atomic.Uint64 // the version that changed the row last, if one after that did
}

// broken is when a mark changed of which nothing is known any more.
const broken = math.MaxUint64

// marks are the marks that may hold: one of a key.
type marks struct {
	mu      sync.Mutex
	of      map[uint64]*Mark // by the hash of the key
	version uint64           // up to which they were told of changes
}

// mostMarks is how many are kept at most. Past it, all are forgotten.
const mostMarks = 4096

// add takes in m. It reports whether it does: its row may have changed already.
func (ms *marks) add(m *Mark) bool {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.version > m.at {
		return false
	}
	if len(ms.of) >= mostMarks {
		ms.breakAll()
	}
	if old := ms.of[m.hash]; old != nil {
		old.changed.Store(broken)
	}
	if ms.of == nil {
		ms.of = make(map[uint64]*Mark)
	}
	ms.of[m.hash] = m
	return true
}

// note says what version writes.
func (ms *marks) note(version uint64, writes []write, seed maphash.Seed) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.version = version
	if len(ms.of) == 0 {
		return
	}
	for i := range writes {
		h := maphash.Bytes(seed, writes[i].k)
		if m := ms.of[h]; m != nil {
			m.changed.Store(version)
			delete(ms.of, h)
		}
	}
}

// noteAll says that version may write anything.
func (ms *marks) noteAll(version uint64) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.version = version
	ms.breakAll()
}

func (ms *marks) breakAll() {
	for _, m := range ms.of {
		m.changed.Store(broken)
	}
	clear(ms.of)
}

// Mark marks the row under key, there or not, as it is to tx. It returns nil if
// tx, or perhaps another, has changed the row already.
func (r Rows) Mark(tx *Tx, key []byte) *Mark {
	k := r.key(key)
	m := &Mark{key: k, hash: maphash.Bytes(tx.db.seed, k), at: tx.version}
	if tx.turn || tx.changes(k) || !tx.db.marks.add(m) {
		return nil
	}
	return m
}

// Holds reports whether the row that m marks is the same to tx as it was when
// it was marked. If so, it counts as read. A mark that is nil never holds.
func (tx *Tx) Holds(m *Mark) bool {
	if m == nil || tx.usable() != nil || tx.version < m.at || m.changed.Load() > m.at || tx.changes(m.key) {
		return false
	}
	if tx.track {
		tx.points = append(tx.points, m.hash)
	}
	return true
}

// changes reports whether tx itself has written k.
func (tx *Tx) changes(k []byte) bool {
	_, found := tx.find(k)
	return found || tx.clears(k) != nil
}
