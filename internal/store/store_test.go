package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

type itemKey struct {
	Table aws.ARN
	ID    string
	N     int
}

type item struct{ Name string }

var (
	items  = store.NewTable[itemKey, item]("test.item")
	words  = store.NewTable[string, int]("test.word")
	events = store.NewLog[aws.ARN, string]("test.event")

	tableA = aws.ARN{Service: "test", Region: "r", Account: "1", Resource: "a"}
	tableB = aws.ARN{Service: "test", Region: "r", Account: "1", Resource: "b"}
)

func open(t testing.TB) *store.DB {
	return openConfig(t, store.Config{FS: vfs.NewMem(), RunTwice: true})
}

func openConfig(t testing.TB, c store.Config) *store.DB {
	db, err := store.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func update(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestTable(t *testing.T) {
	db := open(t)
	update(t, db, func(tx *store.Tx) error {
		for i := range 3 {
			items.Put(tx, itemKey{tableA, "x", i}, item{fmt.Sprint("ax", i)})
			items.Put(tx, itemKey{tableA, "y", i}, item{fmt.Sprint("ay", i)})
			items.Put(tx, itemKey{tableB, "x", i}, item{fmt.Sprint("bx", i)})
		}
		return nil
	})
	view(t, db, func(tx *store.Tx) error {
		if got, err := items.Get(tx, itemKey{tableA, "y", 2}); err != nil || got.Name != "ay2" {
			t.Errorf("Get = %v, %v", got, err)
		}
		if _, err := items.Get(tx, itemKey{tableA, "z", 2}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get of nothing: %v", err)
		}
		if got := names(items.Scan(tx, itemKey{Table: tableA})); got != "ax0 ax1 ax2 ay0 ay1 ay2 " {
			t.Errorf("Scan of a table: %s", got)
		}
		if got := names(items.ScanReverse(tx, itemKey{Table: tableA, ID: "x"})); got != "ax2 ax1 ax0 " {
			t.Errorf("ScanReverse of an ID: %s", got)
		}
		if got := names(items.ScanAfter(tx, itemKey{Table: tableA}, itemKey{tableA, "x", 1})); got != "ax2 ay0 ay1 ay2 " {
			t.Errorf("ScanAfter: %s", got)
		}
		if got := names(items.ScanBefore(tx, itemKey{Table: tableA}, itemKey{tableA, "y", 1})); got != "ay0 ax2 ax1 ax0 " {
			t.Errorf("ScanBefore: %s", got)
		}
		if got := names(items.Range(tx, itemKey{tableA, "y", 0}, itemKey{tableB, "x", 1})); got != "ay0 ay1 ay2 bx0 " {
			t.Errorf("Range: %s", got)
		}
		if got := len(maps.Collect(items.Scan(tx, itemKey{}))); got != 9 {
			t.Errorf("Scan of all: %d rows", got)
		}
		return nil
	})
	update(t, db, func(tx *store.Tx) error { return items.DeletePrefix(tx, itemKey{Table: tableA, ID: "x"}) })
	view(t, db, func(tx *store.Tx) error {
		if got := names(items.Scan(tx, itemKey{})); got != "ay0 ay1 ay2 bx0 bx1 bx2 " {
			t.Errorf("after DeletePrefix: %s", got)
		}
		return nil
	})
}

func names(rows func(func(itemKey, item) bool)) string {
	s := ""
	for _, v := range rows {
		s += v.Name + " "
	}
	return s
}

func TestUpdateKeepsNothingOnError(t *testing.T) {
	db := open(t)
	errNo := errors.New("no")
	after := 0
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		tx.AfterCommit(func() { after++ })
		words.Put(tx, "a", 1)
		return errNo
	})
	if err != errNo || after != 0 {
		t.Errorf("Update = %v, want %v; AfterCommit ran %d times", err, errNo, after)
	}
	update(t, db, func(tx *store.Tx) error {
		tx.AfterCommit(func() { after++ })
		if ok, err := words.Has(tx, "a"); ok || err != nil {
			t.Errorf("Has = %v, %v", ok, err)
		}
		return words.Put(tx, "b", 1)
	})
	if after != 1 {
		t.Errorf("AfterCommit ran %d times, want 1", after)
	}
}

func TestLog(t *testing.T) {
	db := open(t)
	var at []store.Position
	for i := range 3 {
		var p, q *store.Position
		update(t, db, func(tx *store.Tx) error {
			p, _ = events.Append(tx, tableA, fmt.Sprint(i, "p"))
			q, _ = events.Append(tx, tableA, fmt.Sprint(i, "q"))
			return nil
		})
		at = append(at, *p, *q)
	}
	view(t, db, func(tx *store.Tx) error {
		got := slices.Collect(maps.Values(maps.Collect(events.Scan(tx, tableA, at[1]))))
		slices.Sort(got)
		if want := []string{"1p", "1q", "2p", "2q"}; !slices.Equal(got, want) {
			t.Errorf("Scan past %v = %v, want %v", at[1], got, want)
		}
		for p, v := range events.ScanReverse(tx, tableA, store.MaxPosition) {
			if p != at[5] || v != "2q" {
				t.Errorf("last = %v %v, want %v 2q", p, v, at[5])
			}
			break
		}
		return nil
	})
}

func TestBubble(t *testing.T) {
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			db := open(t)
			bell, stop := db.Watch("topic")
			defer stop()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				for range 3 {
					time.Sleep(100 * time.Hour)
					db.Update(ctx, func(tx *store.Tx) error {
						tx.Notify("topic")
						return words.Put(tx, "a", 1)
					})
				}
			}()
			for range 3 {
				<-bell
			}
			synctest.Wait()
		})
	}
}

// Close waits for who reads, and lets nobody begin.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		closed := make(chan struct{})
		view(t, db, func(tx *store.Tx) error {
			go func() {
				db.Close()
				close(closed)
			}()
			synctest.Wait()
			select {
			case <-closed:
				t.Error("closed under a View")
			default:
			}
			for _, run := range []func(context.Context, func(*store.Tx) error) error{db.View, db.Update} {
				if err := run(t.Context(), func(*store.Tx) error { return nil }); err != store.ErrClosed {
					t.Errorf("got %v, want %v", err, store.ErrClosed)
				}
			}
			_, err := words.Has(tx, "a")
			return err
		})
		<-closed
	})
}

// A store of a newer Aloft is refused.
func TestFormat(t *testing.T) {
	fs := vfs.NewMem()
	db, err := store.Open(store.Config{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.SetFormat(db, 3); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := store.Open(store.Config{FS: fs}); err == nil || !strings.Contains(err.Error(), "newer Aloft") {
		t.Errorf("Open = %v", err)
	}
}

// A point is a row that is not JSON.
type point struct{ x, y byte }

func (p point) AppendBinary(b []byte) ([]byte, error) {
	if p == (point{}) {
		return nil, nil
	}
	return append(b, p.x, p.y), nil
}

func (p *point) UnmarshalBinary(b []byte) error {
	switch len(b) {
	case 0:
	case 2:
		p.x, p.y = b[0], b[1]
	default:
		return errors.New("not a point")
	}
	return nil
}

func TestBinaryRows(t *testing.T) {
	db := open(t)
	points := store.NewTable[int, point]("test.point")
	want := []point{{1, 2}, {}, {3, 4}}
	update(t, db, func(tx *store.Tx) error {
		for i, p := range want {
			if err := points.Put(tx, i-1, p); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(tx *store.Tx) error {
		n := 0
		for i, p := range points.Scan(tx, 0) {
			if i != n-1 || p != want[n] {
				t.Errorf("row %d is %v, want %v", i, p, want[n])
			}
			n++
		}
		if n != len(want) {
			t.Errorf("%d rows, want %d", n, len(want))
		}
		return nil
	})
}
