package poll

import (
	"encoding/json"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
)

// maxState is how large a window's state may be; one that is larger ends the window.
const maxState = 1 << 20

// A Window is a tumbling window: the batches of one get the state that the one
// before returned, and the last of them is Final.
type Window struct {
	Start, End time.Time
	State      json.RawMessage // nil for the first batch
	Final      bool            // the window is over, and there are no records
	Early      bool            // because its state got too large
}

// turn returns the window in which a lane's next batch is, and how long it
// lasts; nil if there are no windows, or none has begun. r.mu is held.
func (r *reader) turn(l *lane, now time.Time, ended bool) (*Window, time.Duration) {
	size := r.j.Tumbling
	if size == 0 {
		return nil, 0
	}
	if l.window.Start.IsZero() {
		if len(l.waiting) == 0 {
			return nil, 0
		}
		l.window = window{Start: l.waiting[0].At.UTC().Truncate(size)}
	}
	w := &Window{Start: l.window.Start, End: l.window.Start.Add(size), State: l.window.State}
	if len(l.waiting) > 0 && l.waiting[0].At.Before(w.End) {
		return w, w.End.Sub(now)
	}
	w.Early = len(w.State) > maxState
	w.Final = len(l.waiting) > 0 || ended || !now.Before(w.End) || w.Early
	return w, w.End.Sub(now)
}

// keepWindow remembers the state that a window has after a batch of lane n.
func (r *reader) keepWindow(n int, w *Window, state json.RawMessage) func(*store.Tx, *shardRow) error {
	if w == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[n]
	l.window.State = state
	if w.Final {
		l.window = window{}
	}
	now := l.window
	return func(_ *store.Tx, row *shardRow) error {
		if row.Windows == nil {
			row.Windows = make(map[int]window)
		}
		row.Windows[n] = now
		if w.Final {
			delete(row.Windows, n)
		}
		return nil
	}
}

// windowNow is w with the state that it has now.
func (r *reader) windowNow(n int, w *Window) *Window {
	if w == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := *w
	now.State = r.lanes[n].window.State
	return &now
}
