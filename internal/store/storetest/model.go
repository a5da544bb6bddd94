package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aloft-cloud/aloft/internal/store"
)

var modelRows = store.NewBytes[string]("storetest.model")

// neighbours are rows that no test of the model touches.
var neighbours = []store.Rows{modelRows.Rows("mode"), modelRows.Rows("model\x00"), modelRows.Rows("model0")}

// testModel does the same at random to a store and to a map.
func testModel(t *testing.T, open Open) {
	for seed := range uint64(4) {
		db := open(t)
		update(t, db, func(tx *store.Tx) error {
			for _, r := range neighbours {
				r.Put(tx, []byte("k"), []byte("v"))
			}
			return nil
		})
		m := model{Rand: rand.New(rand.NewPCG(seed, 0)), rows: modelRows.Rows("model"), data: make(map[string]string)}
		for n := range 80 {
			if err := m.transaction(t, db); err != nil {
				t.Fatalf("seed %d, transaction %d: %v", seed, n, err)
			}
		}
		view(t, db, func(tx *store.Tx) error {
			for i, r := range neighbours {
				if ok, err := r.Has(tx, []byte("k")); !ok || err != nil {
					t.Errorf("neighbour %d: Has = %v, %v", i, ok, err)
				}
			}
			return nil
		})
	}
}

// A model is a map that stands for the rows of a table.
type model struct {
	*rand.Rand
	rows store.Rows
	data map[string]string
}

var errAbort = errors.New("abort")

// transaction does a few steps, and now and then takes them back.
func (m *model) transaction(t *testing.T, db *store.DB) error {
	seed, before := m.Uint64(), m.data
	abort := m.IntN(8) == 0
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		m.Rand, m.data = rand.New(rand.NewPCG(seed, 1)), maps.Clone(before)
		for range 1 + m.IntN(12) {
			if err := m.step(tx); err != nil {
				return err
			}
		}
		if abort {
			return errAbort
		}
		return nil
	})
	if abort && err == errAbort {
		m.data, err = before, nil
	}
	if err != nil {
		return err
	}
	return db.View(t.Context(), func(tx *store.Tx) error { return m.scan(tx, nil, nil, m.IntN(2) == 0, -1) })
}

// key returns one of a few thousand keys, some of which begin with others.
func (m *model) key() []byte {
	k := make([]byte, m.IntN(6))
	for i := range k {
		k[i] = "\x00\x01ab\xfe\xff"[m.IntN(6)]
	}
	return k
}

// bounds returns two keys in order; either may be none.
func (m *model) bounds() (lo, hi []byte) {
	lo, hi = m.key(), m.key()
	if bytes.Compare(lo, hi) > 0 {
		lo, hi = hi, lo
	}
	if m.IntN(4) == 0 {
		lo = nil
	}
	if m.IntN(4) == 0 {
		hi = nil
	}
	return lo, hi
}

func (m *model) step(tx *store.Tx) error {
	switch m.IntN(8) {
	case 0, 1:
		return m.put(tx, m.key())
	case 2: // many, so that some ranges are large
		for range 200 {
			if err := m.put(tx, m.key()); err != nil {
				return err
			}
		}
		return nil
	case 3:
		return m.delete(tx, m.key())
	case 4:
		return m.get(tx, m.key())
	case 5:
		if m.IntN(4) > 0 {
			return m.get(tx, m.key())
		}
		lo, hi := m.bounds()
		maps.DeleteFunc(m.data, func(k, _ string) bool { return k >= string(lo) && (hi == nil || k < string(hi)) })
		return m.rows.DeleteRange(tx, lo, hi)
	default:
		lo, hi := m.bounds()
		return m.scan(tx, lo, hi, m.IntN(2) == 0, m.IntN(40))
	}
}

func (m *model) put(tx *store.Tx, k []byte) error {
	v := fmt.Appendf(nil, "%d", m.IntN(1000))
	m.data[string(k)] = string(v)
	return m.rows.Put(tx, k, v)
}

func (m *model) delete(tx *store.Tx, k []byte) error {
	delete(m.data, string(k))
	return m.rows.Delete(tx, k)
}

func (m *model) get(tx *store.Tx, k []byte) error {
	want, found := m.data[string(k)]
	got, err := m.rows.Get(tx, k)
	if !found && errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || string(got) != want {
		return fmt.Errorf("Get(%q) = %q, %v; want %q, %v", k, got, err, want, found)
	}
	return nil
}

// scan visits at most limit rows. Meanwhile it writes, if limit is not negative.
func (m *model) scan(tx *store.Tx, lo, hi []byte, reverse bool, limit int) error {
	keys := slices.Sorted(maps.Keys(m.data))
	scan := m.rows.Scan
	if reverse {
		scan = m.rows.ScanReverse
	}
	var last []byte
	n := 0
	for k, v := range scan(tx, lo, hi) {
		want := m.next(keys, lo, hi, last, reverse)
		if want == nil || !bytes.Equal(k, want) || string(v) != m.data[string(k)] {
			return fmt.Errorf("scan from %q to %q, reverse %v: after %q come %q = %q, want %q = %q", lo, hi, reverse, last, k, v, want, m.data[string(want)])
		}
		last = bytes.Clone(k)
		if n++; n == limit {
			return nil
		}
		if limit < 0 || m.IntN(8) > 0 {
			continue
		}
		if err := m.disturb(tx, k); err != nil {
			return err
		}
		keys = slices.Sorted(maps.Keys(m.data))
	}
	if want := m.next(keys, lo, hi, last, reverse); want != nil && tx.Err() == nil {
		return fmt.Errorf("scan from %q to %q, reverse %v: ends after %q, want %q", lo, hi, reverse, last, want)
	}
	return tx.Err()
}

// disturb changes what a scan that stands on k is about to see.
func (m *model) disturb(tx *store.Tx, k []byte) error {
	switch m.IntN(4) {
	case 0:
		return m.delete(tx, k)
	case 1:
		return m.put(tx, append(bytes.Clone(k), 0))
	case 2:
		return m.delete(tx, m.key())
	}
	return m.put(tx, m.key())
}

// next returns the first of the sorted keys past last, within bounds, or nil.
func (m *model) next(keys []string, lo, hi, last []byte, reverse bool) []byte {
	in := func(i int) []byte {
		if i < 0 || i >= len(keys) || keys[i] < string(lo) || hi != nil && keys[i] >= string(hi) {
			return nil
		}
		return []byte(keys[i])
	}
	switch {
	case reverse && last != nil:
		i, _ := slices.BinarySearch(keys, string(last))
		return in(i - 1)
	case reverse && hi == nil:
		return in(len(keys) - 1)
	case reverse:
		i, _ := slices.BinarySearch(keys, string(hi))
		return in(i - 1)
	case last != nil:
		i, found := slices.BinarySearch(keys, string(last))
		if found {
			i++
		}
		return in(i)
	}
	i, _ := slices.BinarySearch(keys, string(lo))
	return in(i)
}

func update(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}
