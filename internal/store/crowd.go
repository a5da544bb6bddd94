package store

import "time"

// A crowd is those who commit one transaction after the other at the same
// time. When a group is on disk, they hear of it together and so come back
// together; but the first of them would find the disk idle, and the others
// would have to wait for it. To wait for them instead spares the disk, and the
// processors, every other sync, and they have their answers sooner.
type crowd struct {
	size  int // about
	timer *time.Timer
}

const (
	smallCrowd = 4                      // is not waited for
	largeCrowd = 16                     // is waited for no longer than until so many are there
	patience   = 400 * time.Microsecond // with those who do not come back
)

// gathers reports whether it is worth while to wait for more than are queued,
// now that a group of n is on disk. It never is for one who writes alone.
// Where a sync is not that of a disk, as in tests on a clock of their own, nobody waits.
func (c *committer) gathers(n int) bool {
	c.db.mu.Lock()
	queued := len(c.db.queue)
	c.db.mu.Unlock()
	return c.db.journal.direct() && c.crowd.lacks(queued, n)
}

// lacks reports whether more are to come than are queued, when n have left.
func (c *crowd) lacks(queued, n int) bool {
	c.size = max(queued+n, c.size-c.size/16-1)
	return c.size >= smallCrowd && queued < c.enough()
}

// enough is how many are waited for.
func (c *crowd) enough() int { return min(c.size, largeCrowd) }

// gather waits until as many are queued as there are in the crowd, but not for long.
func (c *committer) gather() {
	want := c.crowd.enough()
	if c.crowd.timer == nil {
		c.crowd.timer = time.NewTimer(patience)
	} else {
		c.crowd.timer.Reset(patience)
	}
	defer c.crowd.timer.Stop()
	if n := c.db.await(want, c.crowd.timer.C); n < want {
		c.crowd.size = n
	}
}

// await waits until n are queued, or it is late, or the store is closed. It
// returns how many are.
func (db *DB) await(n int, late <-chan time.Time) int {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.wanted = n
	for len(db.queue) < n && !db.closed {
		db.mu.Unlock()
		select {
		case <-db.queued:
			db.mu.Lock()
		case <-late:
			db.mu.Lock()
			return len(db.queue)
		}
	}
	return len(db.queue)
}
