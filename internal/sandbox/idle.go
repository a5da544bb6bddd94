package sandbox

import (
	"context"
	"time"
)

const (
	freezeAfter = 100 * time.Millisecond // idle
	freezeBatch = 16                     // at once, since nobody is hired meanwhile
)

// lookAt has idle workers looked at, at a time or earlier.
func (m *Manager) lookAt(at time.Time) {
	if at.Before(m.nextLook) {
		m.nextLook = at
		m.idleBell.Ring()
	}
}

// look freezes workers that have been idle for a moment, and ends those that
// have been for long.
func (m *Manager) look(context.Context) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	next := now.Add(time.Hour)
	left := freezeBatch
	for key, c := range m.crews {
		if c.tenant != "" && len(c.workers)+c.starting+len(c.queue) == 0 {
			delete(m.crews, key) // tenants come and go, and are many
			continue
		}
		var changes time.Time
		if c.expected, changes = c.expect(now); c.expected {
			m.restock(c)
		}
		if !changes.IsZero() && changes.Before(next) {
			next = changes
		}
		for c.spare() > 0 && now.Sub(c.idle[0].idleSince) >= c.habit.keep {
			m.unhand(c.idle[0])
			delete(c.workers, c.idle[0])
			c.idle = c.idle[1:]
		}
		for _, w := range c.idle {
			due := w.idleSince.Add(c.habit.keep)
			if !w.frozen && !w.unfrozen {
				due = w.idleSince.Add(freezeAfter)
				if !due.After(now) && left > 0 {
					left--
					w.frozen = w.proc.Freeze()
					w.unfrozen = !w.frozen
					due = w.idleSince.Add(c.habit.keep)
				}
			}
			if due.Before(next) {
				next = due
			}
		}
	}
	m.nextLook = next
	return max(time.Millisecond, next.Sub(now)), nil
}

// thaw lets a worker go on that was frozen. The caller has taken it.
func (w *worker) thaw() {
	if w.frozen {
		w.frozen = false
		w.proc.Thaw()
	}
}

// makeRoom makes room for mb megabytes, by ending idle workers if it must. The
// worth of a crew's workers is how often they are used and how long they take
// to start, by the memory they hold; what was worth least goes, and the clock
// makes what was not used for long worth less (Greedy-Dual).
func (m *Manager) makeRoom(mb int) bool {
	for m.usedMB+mb > m.cfg.MemoryMB {
		var worst *crew
		for _, c := range m.crews {
			if c.spare() > 0 && (worst == nil || c.value < worst.value) {
				worst = c
			}
		}
		if worst == nil {
			return false
		}
		w := worst.idle[0]
		worst.idle = worst.idle[1:]
		delete(worst.workers, w)
		m.clock = worst.value
		m.usedMB -= w.mb // which it will have given back before the new one needs it
		w.mb = 0
		m.unhand(w)
	}
	return true
}
