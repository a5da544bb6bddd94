package due_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
	"github.com/aloft-cloud/aloft/internal/task"
)

var (
	times = due.NewTimes[string]("test.due")
	rows  = store.NewTable[string, row]("test.row")
)

type row struct{ At time.Time }

// move has of be due at next, as services do.
func move(tx *store.Tx, of string, next time.Time, bell task.Bell) error {
	r, err := rows.Get(tx, of)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return errors.Join(times.Move(tx, of, &r.At, next, bell), rows.Put(tx, of, r))
}

// TestRun has three things due: one that is moved, one that is due again, and one
// that is not yet.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.OpenMemory()
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		bell := task.NewBell()
		start := time.Now()
		put := func(of string, after time.Duration) {
			t.Helper()
			if err := db.Update(t.Context(), func(tx *store.Tx) error { return move(tx, of, start.Add(after), bell) }); err != nil {
				t.Fatal(err)
			}
		}
		put("moved", time.Minute)
		put("moved", 3*time.Minute)
		put("again", time.Minute)
		put("later", time.Hour)
		select {
		case <-bell:
		default:
			t.Error("the bell was not rung")
		}
		time.Sleep(3 * time.Minute)
		var did []string
		wait, err := times.Run(t.Context(), db, func(tx *store.Tx, when time.Time, of string) error {
			r, err := rows.Get(tx, of)
			if err != nil || !when.Equal(r.At) {
				t.Errorf("%s is done for %v, want %v", of, when, r.At)
			}
			tx.AfterCommit(func() { did = append(did, of) })
			if of == "again" && when.Equal(start.Add(time.Minute)) {
				return move(tx, of, when.Add(time.Minute), bell)
			}
			return nil
		})
		if want := []string{"again", "again", "moved"}; err != nil || !slices.Equal(did, want) {
			t.Errorf("did %v, want %v; %v", did, want, err)
		}
		if wait != 57*time.Minute {
			t.Errorf("waits %v", wait)
		}
	})
}
