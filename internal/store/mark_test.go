package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// marked is what somebody keeps of a row.
type marked struct {
	mark  *Mark
	value string
}

var markRows = NewBytes[int]("test.mark").Rows(0)

// believe returns the value of the one row by way of a mark, if there is one
// that holds, and whether there was.
func believe(tx *Tx, kept *atomic.Pointer[marked]) (value string, held bool, err error) {
	if k := kept.Load(); k != nil && tx.Holds(k.mark) {
		return k.value, true, nil
	}
	value, err = current(tx)
	if err == nil {
		kept.Store(&marked{markRows.Mark(tx, nil), value})
	}
	return value, false, err
}

func current(tx *Tx) (string, error) {
	row, err := markRows.Get(tx, nil)
	if errors.Is(err, ErrNotFound) {
		return "none", nil
	}
	return string(row), err
}

// Whatever happens to a row meanwhile, a mark that holds says what is there.
func TestMark(t *testing.T) {
	for _, twice := range []bool{false, true} {
		db, err := Open(Config{Dir: t.TempDir(), RunTwice: twice})
		if err != nil {
			t.Fatal(err)
		}
		var kept atomic.Pointer[marked]
		var helds atomic.Int64
		check := func(tx *Tx) error {
			believed, held, err := believe(tx, &kept)
			if err != nil {
				return err
			}
			if held {
				helds.Add(1)
			}
			if now, err := current(tx); err != nil || now != believed {
				t.Errorf("believed %q, is %q, %v", believed, now, err)
			}
			return nil
		}
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 300 {
					if err := useMark(db, w, i, check); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if helds.Load() == 0 {
			t.Error("no mark ever held")
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// useMark checks the mark, and now and then changes its row.
func useMark(db *DB, w, i int, check func(*Tx) error) error {
	ctx := context.Background()
	what := rand.IntN(40)
	if what < 10 {
		return db.View(ctx, check)
	}
	return db.Update(ctx, func(tx *Tx) error {
		if err := check(tx); err != nil {
			return err
		}
		var err error
		switch what {
		case 10, 11:
			err = markRows.Put(tx, nil, []byte(strconv.Itoa(w)+"/"+strconv.Itoa(i)))
		case 12:
			err = markRows.Delete(tx, nil)
		case 13:
			tx.cleared = append(tx.cleared, markRows.span(nil, nil)) // as if it were of many rows
		default:
			return counters.Put(tx, 1000+w, i)
		}
		if err != nil {
			return err
		}
		return check(tx)
	})
}

// A transaction that believes a mark conflicts with who changes the row.
func TestMarkConflicts(t *testing.T) {
	db, err := OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	put := func(v string) {
		if err := db.Update(ctx, func(tx *Tx) error { return markRows.Put(tx, nil, []byte(v)) }); err != nil {
			t.Fatal(err)
		}
	}
	put("first")
	var kept atomic.Pointer[marked]
	if err := db.View(ctx, func(tx *Tx) error { _, _, err := believe(tx, &kept); return err }); err != nil {
		t.Fatal(err)
	}
	runs, wrote := 0, ""
	err = db.Update(ctx, func(tx *Tx) error {
		value, held, err := believe(tx, &kept)
		if runs++; runs == 1 && !held {
			t.Error("the mark does not hold")
		}
		if runs == 2 { // the transaction runs twice over the same
			put("second")
		}
		wrote = value
		return errors.Join(err, counters.Put(tx, 0, 0))
	})
	if err != nil || wrote != "second" {
		t.Errorf("believed %q at the end, %v", wrote, err)
	}
}
