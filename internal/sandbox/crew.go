package sandbox

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/rapi"
)

const (
	maxQueue   = 1000                 // invokes of a version that wait for a worker
	backSoon   = 5 * time.Millisecond // how long we wait for a worker that has answered
	backLater  = 100 * time.Millisecond
	patience   = 2 * time.Second // of an invoke for which there is no room
	maxStarts  = 1000            // new workers of a version in startsPer, as Lambda scales
	startsPer  = 10 * time.Second
	guessMB    = 64 // of a worker that has not run yet
	minimumMB  = 8
	expirySlip = 5 * time.Minute // before the end of its credentials a worker is not used any more
)

// A crew is the workers of one version of a function, and the invokes that
// wait for one.
type crew struct {
	f       *Function
	key     string
	tenant  string // whose they are, if the function's workers serve one each
	workers map[*worker]struct{}
	idle    []*worker // the one that was used last is last
	queue   []*ticket // the oldest first
	retired bool      // the version is gone
	kept    int       // workers that are there also if nobody calls; see Keep
	broken  bool      // the code of the last that was started did not come up

	starting  int // workers on their way
	returning int // workers that have answered and will be back

	starts      int // since startsSince
	startsSince time.Time

	// For how long workers are kept:
	gaps     gaps
	habit    habit
	lastUsed time.Time
	expected bool // a call is

	// For the choice of whom to evict:
	uses     float64
	peakMB   int
	initCost time.Duration
	value    float64
}

// A ticket is an invoke that waits for a worker.
type ticket struct {
	e   *Event
	got chan grant // holds one
}

// A grant is what a ticket gets: a worker, or a result without one, or an error.
type grant struct {
	worker *worker
	began  bool // the log of the invoke has begun
	result *Result
	err    error
}

// hire finds a worker for an event: an idle one at once, or whichever is ready
// first, one that comes back or a new one.
func (m *Manager) hire(ctx context.Context, f *Function, e *Event) (grant, error) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return grant{}, ErrClosed
	}
	c := m.crewOf(f, e.Tenant)
	c.called(time.Now())
	if w := m.takeIdle(c); w != nil {
		m.mu.Unlock()
		w.thaw()
		return grant{worker: w}, nil
	}
	if len(c.queue) >= maxQueue {
		m.mu.Unlock()
		return grant{}, ErrBusy
	}
	t := &ticket{e: e, got: make(chan grant, 1)}
	c.queue = append(c.queue, t)
	m.staff(c, len(c.queue)-c.returning)
	m.mu.Unlock()
	return m.wait(ctx, c, t)
}

// wait waits for what a ticket gets. Workers that were to be back may not come,
// and room for new ones may be made: both are looked at again and again.
func (m *Manager) wait(ctx context.Context, c *crew, t *ticket) (grant, error) {
	began := time.Now()
	pause := backSoon
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		var err error
		select {
		case g := <-t.got:
			return g, g.err
		case <-timer.C:
			err = m.urge(c, t, time.Since(began))
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			if m.withdraw(c, t) {
				return grant{}, err
			}
			g := <-t.got // it was granted just now, and is run
			return g, g.err
		}
		pause = min(2*pause, backLater)
		timer.Reset(pause)
	}
}

// urge starts workers for those who wait. It is ErrBusy if t has waited long
// and there is still no room for its worker.
func (m *Manager) urge(c *crew, t *ticket, waited time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.staff(c, len(c.queue))
	if i := slices.Index(c.queue, t); waited > patience && i >= c.starting {
		return ErrBusy
	}
	return nil
}

// withdraw takes a ticket out of the queue. It is false if it is not there any more.
func (m *Manager) withdraw(c *crew, t *ticket) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(c.queue, t)
	if i < 0 {
		return false
	}
	c.queue = slices.Delete(c.queue, i, i+1)
	m.forgetRetired(c)
	return true
}

// crewOf is the crew of f's version, for one tenant if it has those. Another
// revision of it is retired.
func (m *Manager) crewOf(f *Function, tenant string) *crew {
	key := f.ARN.String() + ":" + f.Version
	if tenant != "" {
		key += "/" + tenant
	}
	c := m.crews[key]
	if c != nil && c.f.Revision != f.Revision {
		m.retire(key, c)
		c = nil
	}
	if c == nil {
		c = &crew{f: f, key: key, tenant: tenant, workers: map[*worker]struct{}{}, habit: habit{keep: keepFor}}
		m.crews[key] = c
	}
	return c
}

// retire ends a crew: who waits is served, and then the workers go.
func (m *Manager) retire(key string, c *crew) {
	delete(m.crews, key)
	c.retired = true
	m.retired[c] = true
	for _, w := range c.idle {
		m.unhand(w)
	}
	c.idle = nil
	m.forgetRetired(c)
}

// forgetRetired forgets a retired crew that has nothing left.
func (m *Manager) forgetRetired(c *crew) {
	if c.retired && len(c.workers) == 0 && c.starting == 0 && len(c.queue) == 0 {
		delete(m.retired, c)
	}
}

func (m *Manager) allCrews() []*crew {
	var all []*crew
	for _, c := range m.crews {
		all = append(all, c)
	}
	for c := range m.retired {
		all = append(all, c)
	}
	return all
}

// unhand ends a worker that nobody uses.
func (m *Manager) unhand(w *worker) { m.group.Go(w.leave) }

// takeIdle takes the idle worker that was used last: the others may go.
func (m *Manager) takeIdle(c *crew) *worker {
	for len(c.idle) > 0 {
		n := len(c.idle) - 1
		w := c.idle[n]
		c.idle = c.idle[:n]
		if !w.expires.IsZero() && time.Until(w.expires) < expirySlip {
			m.unhand(w)
			continue
		}
		m.use(w)
		return w
	}
	return nil
}

// use takes a worker for an event.
func (m *Manager) use(w *worker) { w.waiting = false }

// staff starts workers until want are on their way, or there is no room.
func (m *Manager) staff(c *crew, want int) {
	for c.starting < min(want, len(c.queue)) && m.mayStart(c) {
		mb := c.estimateMB()
		m.usedMB += mb
		c.starting++
		m.group.Go(func() { m.recruit(c, mb) })
	}
}

// mayStart says if there is room for one more worker.
func (m *Manager) mayStart(c *crew) bool {
	if now := time.Now(); now.Sub(c.startsSince) > startsPer {
		c.starts, c.startsSince = 0, now
	}
	if c.starts >= maxStarts || !m.makeRoom(c.estimateMB()) {
		return false
	}
	c.starts++
	return true
}

// estimateMB is what a new worker will use.
func (c *crew) estimateMB() int {
	if c.peakMB > 0 {
		return max(minimumMB, c.peakMB)
	}
	return min(guessMB, c.f.memoryMB())
}

// isReady is told that the worker asks for an event.
func (w *worker) isReady() {
	m := w.m
	m.mu.Lock()
	if w.training && w.crew == nil {
		w.trained++
		enough := w.trained > trainings // as our own clients know by themselves
		m.mu.Unlock()
		if enough {
			signal(w.blank)
			return
		}
		w.api.Send(&rapi.Event{RequestID: trainingID, Payload: []byte(`{"hello":"world"}`), Deadline: time.Now().Add(initLimit)})
		return
	}
	w.waiting = true
	m.mu.Unlock()
	w.settled()
}

// settled looks whether a worker that asked for an event can have one: its
// extensions must wait too.
func (w *worker) settled() {
	m := w.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if !w.waiting || !w.api.Idle() {
		return
	}
	if w.booting {
		w.booting = false
		signal(w.ready)
		return
	}
	if w.returning {
		w.returning = false
		w.crew.returning--
		m.back(w)
	}
}

// release is told that the invoke of w is over, which has used so much memory.
func (m *Manager) release(w *worker, peakMB int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if peakMB > 0 {
		w.crew.peakMB = peakMB
		if !w.dead {
			m.usedMB += peakMB - w.mb
			w.mb = peakMB
		}
	}
	if w.dead {
		return
	}
	if w.waiting && w.api.Idle() {
		m.back(w)
	} else {
		w.returning = true
		w.crew.returning++
	}
}

// back gives a worker that is free and waits to who needs it most.
func (m *Manager) back(w *worker) {
	c := w.crew
	if len(c.queue) > 0 {
		t := c.queue[0]
		c.queue = c.queue[1:]
		m.use(w)
		t.got <- grant{worker: w}
		return
	}
	if c.retired || m.closed {
		m.unhand(w)
		return
	}
	w.idleSince = time.Now()
	if w.used {
		c.lastUsed = w.idleSince
	}
	c.idle = append(c.idle, w)
	c.value = m.clock + c.uses*ms(c.initCost)/float64(max(minimumMB, c.peakMB))
	m.lookAt(w.idleSince.Add(freezeAfter))
}

// buried is told that the worker has ended.
func (m *Manager) buried(w *worker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.dead = true
	m.usedMB -= w.mb
	delete(m.live, w)
	c := w.crew
	if c == nil {
		m.dropBlank(w)
		return
	}
	delete(c.workers, w)
	if i := slices.Index(c.idle, w); i >= 0 {
		c.idle = slices.Delete(c.idle, i, i+1)
	}
	if w.returning {
		w.returning = false
		c.returning--
	}
	if !m.closed {
		m.staff(c, len(c.queue)-c.returning)
		m.restock(c)
	}
	m.forgetRetired(c)
}
