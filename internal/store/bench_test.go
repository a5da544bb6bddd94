package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aloft-cloud/aloft/internal/store"
)

var benchRows = store.NewBytes[string]("bench").Rows("table")

// openDisk opens a store in a directory of its own.
func openDisk(t testing.TB) *store.DB { return openConfig(t, store.Config{Dir: t.TempDir()}) }

// clients runs op in n goroutines, b.N times in all.
func clients(b *testing.B, n int, op func(r *rand.Rand) error) {
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for c := range n {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(c)))
			for left.Add(-1) >= 0 {
				if err := op(r); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(0, "ns/op")
}

func key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func BenchmarkPut(b *testing.B) {
	for _, n := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) {
			db := openDisk(b)
			clients(b, n, func(r *rand.Rand) error {
				k, v := key(r.Uint64()), make([]byte, 100)
				return db.Update(b.Context(), func(tx *store.Tx) error { return benchRows.Put(tx, k, v) })
			})
		})
	}
}

func BenchmarkReadModifyWrite(b *testing.B) {
	for _, keys := range []uint64{1, 10, 1e6} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			db := openDisk(b)
			clients(b, 64, func(r *rand.Rand) error {
				k := key(r.Uint64N(keys))
				return db.Update(b.Context(), func(tx *store.Tx) error {
					v, err := benchRows.Get(tx, k)
					if errors.Is(err, store.ErrNotFound) {
						v = make([]byte, 100)
					} else if err != nil {
						return err
					}
					binary.BigEndian.PutUint64(v, binary.BigEndian.Uint64(v)+1)
					return benchRows.Put(tx, k, v)
				})
			})
			s := db.Stats()
			b.ReportMetric(float64(s.Commits)/float64(s.Groups), "commits/group")
		})
	}
}

const benchStock = 300_000

func fill(b *testing.B, db *store.DB) {
	for i := uint64(0); i < benchStock; {
		err := db.Update(b.Context(), func(tx *store.Tx) error {
			for range 1000 {
				if err := benchRows.Put(tx, key(i), make([]byte, 100)); err != nil {
					return err
				}
				i++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	db := openDisk(b)
	fill(b, db)
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", n), func(b *testing.B) {
			clients(b, n, func(r *rand.Rand) error {
				k := key(r.Uint64N(benchStock))
				return db.View(b.Context(), func(tx *store.Tx) error {
					_, err := benchRows.Get(tx, k)
					return err
				})
			})
		})
	}
	b.Run("missing", func(b *testing.B) {
		clients(b, 1, func(r *rand.Rand) error {
			k := append(key(r.Uint64N(benchStock)), 1)
			return db.View(b.Context(), func(tx *store.Tx) error {
				_, err := benchRows.Has(tx, k)
				return err
			})
		})
	})
}

func BenchmarkScan(b *testing.B) {
	db := openDisk(b)
	fill(b, db)
	for _, rows := range []int{1, 100} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			clients(b, 1, func(r *rand.Rand) error {
				return db.View(b.Context(), func(tx *store.Tx) error {
					n := 0
					for range benchRows.Scan(tx, key(r.Uint64N(benchStock-200)), nil) {
						if n++; n == rows {
							break
						}
					}
					return nil
				})
			})
		})
	}
}

func BenchmarkTable(b *testing.B) {
	db := openDisk(b)
	update(b, db, func(tx *store.Tx) error { return items.Put(tx, itemKey{tableA, "x", 1}, item{"name"}) })
	clients(b, 1, func(*rand.Rand) error {
		return db.View(b.Context(), func(tx *store.Tx) error {
			_, err := items.Get(tx, itemKey{tableA, "x", 1})
			return err
		})
	})
}

func BenchmarkOpenMemory(b *testing.B) {
	for b.Loop() {
		db, err := store.OpenMemory()
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		db, err := store.Open(store.Config{Dir: fmt.Sprint(dir, "/", i)})
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
