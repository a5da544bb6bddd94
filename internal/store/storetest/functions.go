package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

var (
	counters = store.NewTable[string, int]("storetest.counter")
	logs     = store.NewLog[string, int]("storetest.log")
)

// add adds one to the counter name.
func add(tx *store.Tx, name string) error {
	n, err := counters.Get(tx, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return counters.Put(tx, name, n+1)
}

func counter(t *testing.T, db *store.DB, name string) (n int) {
	t.Helper()
	view(t, db, func(tx *store.Tx) (err error) {
		if n, err = counters.Get(tx, name); errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return n
}

// testFunctions tests what functions given to a store may do to it: nothing.
func testFunctions(t *testing.T, open Open) {
	t.Run("lose no update of a hot row", func(t *testing.T) {
		db := open(t)
		const clients, each = 16, 50
		var g task.Group
		for range clients {
			g.Go(func() {
				for range each {
					if err := db.Update(t.Context(), func(tx *store.Tx) error { return add(tx, "hot") }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		g.Wait()
		if n := counter(t, db, "hot"); n != clients*each {
			t.Errorf("counted %d, want %d", n, clients*each)
		}
	})
	t.Run("panic", func(t *testing.T) {
		testAbrupt(t, open(t), func() { panic("on purpose") })
	})
	t.Run("exit", func(t *testing.T) {
		testAbrupt(t, open(t), runtime.Goexit)
	})
	t.Run("follow the order of commit", func(t *testing.T) { testAfterCommit(t, open(t)) })
	t.Run("write much", func(t *testing.T) { testMuch(t, open(t)) })
	t.Run("fail", func(t *testing.T) { testErrors(t, open(t)) })
	t.Run("end early", func(t *testing.T) {
		db := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, run := range []func(context.Context, func(*store.Tx) error) error{db.View, db.Update} {
			if err := run(ctx, func(*store.Tx) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
		}
	})
}

// testAbrupt has functions end without returning, in the turns of a hot row
// too. Others do not notice.
func testAbrupt(t *testing.T, db *store.DB, end func()) {
	const clients, each = 8, 30
	var g task.Group
	for c := range clients {
		for n := range each {
			g.Go(func() {
				defer func() { recover() }()
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					if err := add(tx, "hot"); err != nil || (c+n)%3 > 0 {
						return err
					}
					end()
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	g.Wait()
	if n := counter(t, db, "hot"); n != clients*each*2/3 {
		t.Errorf("counted %d, want %d", n, clients*each*2/3)
	}
}

// testAfterCommit finds that functions run in order of commit, panics or not.
func testAfterCommit(t *testing.T, db *store.DB) {
	last := -1 // what a cache would hold
	var g task.Group
	for c := range 8 {
		for i := range 40 {
			g.Go(func() {
				n := 0
				panics := (c+i)%5 == 0
				defer func() {
					if r := recover(); (r != nil) != panics {
						t.Errorf("Update panicked with %v, want %v", r, panics)
					}
				}()
				err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
					if n, err = counters.Get(tx, "order"); err != nil && !errors.Is(err, store.ErrNotFound) {
						return err
					}
					tx.AfterCommit(func() {
						if n != last+1 {
							t.Errorf("after %d came %d", last, n)
						}
						last = n
						if panics {
							panic("on purpose")
						}
					})
					return add(tx, "order")
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	g.Wait()
}

// testMuch writes a transaction that is larger than what the store keeps in memory.
func testMuch(t *testing.T, db *store.DB) {
	rows := modelRows.Rows("much")
	const n, size = 24, 1 << 20
	update(t, db, func(tx *store.Tx) error {
		for i := range byte(n) {
			if err := rows.Put(tx, []byte{i}, bytes.Repeat([]byte{i}, size)); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(tx *store.Tx) error {
		i := byte(0)
		for k, v := range rows.Scan(tx, nil, nil) {
			if k[0] != i || !bytes.Equal(v, bytes.Repeat([]byte{i}, size)) {
				t.Errorf("row %d is %d bytes under %v", i, len(v), k)
			}
			i++
		}
		if i != n {
			t.Errorf("%d rows, want %d", i, n)
		}
		return nil
	})
}

// testErrors finds that an error ends a transaction, and that nothing of it is kept.
func testErrors(t *testing.T, db *store.DB) {
	var kept *store.Tx
	for _, test := range []struct {
		name string
		fn   func(tx *store.Tx) error
		want error
		text string
	}{
		{"its own", func(tx *store.Tx) error { return errAbort }, errAbort, ""},
		{"large key", func(tx *store.Tx) error { return counters.Put(tx, strings.Repeat("k", store.MaxKey+1), 1) }, store.ErrTooLarge, ""},
		{"large row", func(tx *store.Tx) error {
			return modelRows.Rows("").Put(tx, nil, make([]byte, store.MaxValue+1))
		}, store.ErrTooLarge, ""},
		{"ignored", func(tx *store.Tx) error {
			modelRows.Rows("").Put(tx, nil, make([]byte, store.MaxValue+1))
			return nil
		}, store.ErrTooLarge, ""},
		{"large transaction", func(tx *store.Tx) error {
			for i := range store.MaxTransaction / store.MaxValue {
				modelRows.Rows("").Put(tx, binary.BigEndian.AppendUint32(nil, uint32(i)), make([]byte, store.MaxValue))
			}
			return nil
		}, store.ErrTooLarge, ""},
		{"corrupt row", func(tx *store.Tx) error {
			modelRows.Rows("corrupt").Put(tx, nil, []byte("{"))
			for range store.NewTable[string, int]("storetest.model").Scan(tx, "corrupt") {
				t.Error("decoded a corrupt row")
			}
			return nil
		}, nil, "decode row"},
		{"none", func(tx *store.Tx) error { kept = tx; return nil }, nil, ""},
		{"used late", func(tx *store.Tx) error { return counters.Put(kept, "late", 1) }, nil, "over"},
	} {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if test.name != "none" {
				add(tx, "kept")
			}
			return test.fn(tx)
		})
		if test.want != nil && !errors.Is(err, test.want) || test.text != "" && (err == nil || !strings.Contains(err.Error(), test.text)) {
			t.Errorf("%s: Update = %v, want %v%s", test.name, err, test.want, test.text)
		}
	}
	if err := db.View(t.Context(), func(tx *store.Tx) error { return add(tx, "kept") }); err == nil {
		t.Error("a View wrote")
	}
	if n := counter(t, db, "kept"); n != 0 {
		t.Errorf("%d transactions were kept in spite of their errors", n)
	}
}

// testLogs finds that logs keep the order of commit.
func testLogs(t *testing.T, open Open) {
	db := open(t)
	var g task.Group
	for range 8 {
		g.Go(func() {
			for range 40 {
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					n, err := counters.Get(tx, "n")
					if err != nil && !errors.Is(err, store.ErrNotFound) {
						return err
					}
					logs.Append(tx, "log", 2*n)
					logs.Append(tx, "log", 2*n+1)
					logs.Append(tx, "lo", 0)
					return counters.Put(tx, "n", n+1)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	g.Wait()
	var at []store.Position
	view(t, db, func(tx *store.Tx) error {
		for p, v := range logs.Scan(tx, "log", store.Position{}) {
			if v != len(at) {
				t.Errorf("row %d of the log is %d", len(at), v)
			}
			at = append(at, p)
		}
		return nil
	})
	if len(at) != 2*8*40 {
		t.Fatalf("the log has %d rows, want %d", len(at), 2*8*40)
	}
	update(t, db, func(tx *store.Tx) error { return logs.Trim(tx, "log", at[99]) })
	view(t, db, func(tx *store.Tx) error {
		n := 99
		for p, v := range logs.Scan(tx, "log", at[49]) {
			if n++; p != at[n] || v != n {
				t.Errorf("after Trim: row %d is at %v, want %v", v, p, at[n])
			}
		}
		if v, err := logs.Get(tx, "log", at[n]); v != n || n != len(at)-1 {
			t.Errorf("last row = %d, %v; want %d", v, err, len(at)-1)
		}
		return nil
	})
}
