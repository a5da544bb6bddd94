package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// errConflict says that a transaction read what has changed since.
var errConflict = errors.New("store: conflict")

// A pending transaction waits for the committer.
type pending struct {
	ctx context.Context
	fn  func(*Tx) error

	tx      *Tx // what fn did, over version; nil if it is to run in its turn
	version uint64
	reads   reads
	ahead   bool // does not wait for the disk, if fn need not run again

	verdict chan verdict // of one element, so that the committer never waits to be heard
}

// quick reports whether to run p again takes so little that the others had better wait.
func (p *pending) quick() bool { return p.tx.work <= quickWork }

const quickWork = 64 // rows read

// A verdict is what the committer tells a pending transaction: its turn, or its end.
type verdict struct {
	turn     *turn
	err      error
	panicked any // what a function given to AfterCommit panicked with
}

// A turn lends the committer's place to a pending transaction: nothing else
// commits until it is handed back.
type turn struct {
	db      *DB
	r       pebble.Reader
	version uint64 // that it is to become
	tx      *Tx
	err     error
	done    chan struct{}
}

var errNoReturn = errors.New("store: the function did not return")

// takeTurn runs p in the goroutine of its caller, so that a panic is the
// caller's and the committer never sees it.
func (p *pending) takeTurn(t *turn) {
	t.err = errNoReturn
	defer func() { t.done <- struct{}{} }()
	if err := p.ctx.Err(); err != nil {
		t.err = err
		return
	}
	runs := 1
	if t.db.config.RunTwice {
		runs = 2
	}
	for range runs {
		t.tx = &Tx{db: t.db, r: t.r, version: t.version, turn: true}
		if t.err = t.tx.run(p.fn); t.err != nil {
			return
		}
	}
}

// A group is what one version commits.
type group struct {
	view    *view
	batches []*pebble.Batch
	applied int // of them, by pebble
	acks    []ack
}

// An ack is due to a transaction once its group is on disk.
type ack struct {
	p     *pending
	err   error
	ahead bool // the verdict comes before
}

// waiting is how many wait for g to be on disk.
func (g *group) waiting() (n int) {
	for i := range g.acks {
		if !g.acks[i].ahead {
			n++
		}
	}
	return n
}

// A committer decides the order of transactions. Only run touches it.
type committer struct {
	db       *DB
	version  uint64 // of the latest commit
	reserved uint64 // version on disk; stamps do not pass it
	window   window
	turns    chan struct{}
	crowd    crowd
}

func (c *committer) init(db *DB, version uint64) {
	c.db, c.version, c.reserved = db, version, version
	c.window.init(db.config.HistoryKeys, version, db.seed)
	c.turns = make(chan struct{}, 1)
}

// run commits what is queued, a group at a time, until the store is closed. A
// group is acknowledged while the disk works for the next.
func (c *committer) run() {
	defer func() {
		if r := recover(); r != nil { // must does, and pebble may
			c.db.fail(fmt.Errorf("store: commit: %v", r))
		}
	}()
	var done *group // on disk, and not acknowledged
	for {
		if done != nil && c.gathers(done.waiting()) {
			c.acknowledge(done) // so that they come back
			done = nil
			c.gather()
		}
		queue := c.take(done == nil)
		if queue == nil && done == nil || c.db.failed() != nil {
			return
		}
		g := &group{}
		c.version++
		s := &stamp{version: c.version}
		if serial := c.commitTried(g, s, queue); len(serial) > 0 {
			c.acknowledge(done) // turns take a while
			done = nil
			c.apply(g) // for turns to read
			c.commitSerial(g, s, serial)
		}
		if len(g.acks) == 0 {
			c.version--
			c.acknowledge(done)
			done = nil
			continue
		}
		c.must(c.db.journal.begin())
		c.apply(g)
		c.publish(g)
		c.acknowledge(done)
		g.release()
		if done = g; !c.sync(g) {
			return // the dead channel tells those who wait
		}
	}
}

// take returns what is queued. If there is nothing it waits, or returns nil, as
// it also does when there will be no more.
func (c *committer) take(wait bool) []*pending {
	db := c.db
	if wait {
		db.await(1, nil)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	queue := db.queue
	db.queue = nil
	return queue
}

// commitTried commits those transactions that ran already and hold still. It
// returns those that are to run in their turn.
func (c *committer) commitTried(g *group, s *stamp, queue []*pending) (serial []*pending) {
	var b *pebble.Batch
	for _, p := range queue {
		switch {
		case p.tx == nil:
			serial = append(serial, p)
			continue
		case c.conflicts(p):
			c.db.stats.conflicts.Add(1)
			if p.quick() {
				serial = append(serial, p)
			} else {
				p.verdict <- verdict{err: errConflict}
			}
			continue
		}
		if b == nil {
			b = c.db.rows.NewBatch()
		}
		c.keep(b, s, p.tx)
		g.acks = append(g.acks, ack{p: p, ahead: p.ahead})
	}
	if b != nil {
		c.add(g, b)
	}
	return serial
}

func (c *committer) conflicts(p *pending) bool {
	r := p.reads
	if c.db.config.skipRanges {
		r.ranges = nil
	}
	return c.window.changed(r, p.version)
}

// slowTurns is how long the turns of a group may take unremarked.
const slowTurns = 5 * time.Second

// commitSerial runs transactions one after another over all that is committed.
func (c *committer) commitSerial(g *group, s *stamp, serial []*pending) {
	if len(serial) == 0 {
		return
	}
	slow := time.NewTimer(slowTurns)
	defer slow.Stop()
	b := c.db.rows.NewIndexedBatch()
	for _, p := range serial {
		t := &turn{db: c.db, r: b, version: s.version, done: c.turns}
		p.verdict <- verdict{turn: t}
		c.awaitTurn(slow)
		c.db.stats.serial.Add(1)
		if t.err == nil {
			p.tx = t.tx
			c.keep(b, s, t.tx)
		}
		g.acks = append(g.acks, ack{p: p, err: t.err})
	}
	if b.Empty() {
		b.Close()
		return
	}
	c.add(g, b)
}

// awaitTurn waits for a turn to be handed back.
func (c *committer) awaitTurn(slow *time.Timer) {
	select {
	case <-c.turns:
		return
	case <-slow.C:
		c.db.config.Log.Warn("store: a transaction keeps all others waiting; does its function call Update?")
	}
	<-c.turns
}

// keep writes what tx did to b.
func (c *committer) keep(b *pebble.Batch, s *stamp, tx *Tx) {
	for _, r := range tx.cleared {
		c.must(b.DeleteRange(r.lo, r.hi, nil))
		c.window.addAll(s.version)
		c.db.marks.noteAll(s.version)
	}
	if len(tx.appends) > 0 {
		c.reserve(b, s.version)
		tx.writes = s.rows(tx.writes, tx.appends)
	}
	for i := range tx.writes {
		if w := &tx.writes[i]; w.v == nil {
			c.must(b.Delete(w.k, nil))
		} else {
			c.must(b.Set(w.k, w.v, nil))
		}
	}
	c.window.add(s.version, tx.writes)
	c.db.marks.note(s.version, tx.writes, c.db.seed)
}

// reserve makes sure that version is never given out again.
func (c *committer) reserve(b *pebble.Batch, version uint64) {
	const ahead = 1 << 20
	if version > c.reserved {
		c.reserved = version + ahead
		c.must(b.Set(versionKey, metaValue(c.reserved), nil))
	}
}

// add makes b part of g.
func (c *committer) add(g *group, b *pebble.Batch) {
	c.must(c.db.journal.add(b))
	g.batches = append(g.batches, b)
}

// apply gives pebble the batches of g that it does not have yet.
func (c *committer) apply(g *group) {
	for _, b := range g.batches[g.applied:] {
		c.must(c.db.rows.Apply(b, pebble.NoSync))
	}
	g.applied = len(g.batches)
}

// must gives up on the store if err is not nil.
func (c *committer) must(err error) {
	if err != nil {
		panic(err)
	}
}

// publish lets transactions see g, and has it acknowledged in time.
func (c *committer) publish(g *group) {
	c.db.stats.groups.Add(1)
	g.view = &view{version: c.version, snap: c.db.rows.NewSnapshot(), refs: 2}
	floor := c.db.views.publish(g.view)
	c.window.trim(floor)
}

// sync waits for g to be on disk. It reports whether it is.
func (c *committer) sync(g *group) bool {
	if err := c.db.journal.wait(); err != nil {
		c.db.fail(fmt.Errorf("store: sync: %w", err))
		return false
	}
	for _, b := range g.batches {
		b.Close()
	}
	if c.db.failed() != nil {
		return false
	}
	c.db.views.setDurable(g.view)
	return true
}

// acknowledge tells those whose transactions g has, if it is not nil.
func (c *committer) acknowledge(g *group) {
	if g == nil {
		return
	}
	for _, a := range g.acks {
		v := verdict{err: a.err}
		if a.err == nil {
			c.db.stats.commits.Add(1)
			v.panicked = c.finish(a.p.tx)
		}
		switch {
		case !a.ahead:
			a.p.verdict <- v
		case v.panicked != nil:
			c.db.config.Log.Error("store: panic after a commit", "panic", v.panicked)
		}
	}
}

// release gives their verdict to those who do not wait for g to be on disk. All
// that they saw is: groups come one after another, and none of them ran in a turn.
func (g *group) release() {
	for i := range g.acks {
		if a := &g.acks[i]; a.ahead {
			a.p.verdict <- verdict{}
		}
	}
}

// finish does what was asked to be done after tx was kept, here, so that it is
// done in order of commit.
func (c *committer) finish(tx *Tx) (panicked any) {
	defer func() { panicked = recover() }()
	c.db.finish(tx)
	return nil
}

// A stamp gives the rows of logs their positions.
type stamp struct {
	version uint64
	index   uint32
}

// rows adds appends, as rows, to writes.
func (s *stamp) rows(writes []write, appends []appended) []write {
	for _, a := range appends {
		*a.at = Position{Version: s.version, Index: s.index}
		s.index++
		writes = append(writes, write{k: a.at.append(a.prefix), v: a.v})
	}
	return writes
}

// stats count what the committer did.
type stats struct{ commits, conflicts, serial, groups atomic.Uint64 }

// Stats say what a store did since it was opened.
type Stats struct {
	Commits   uint64 // transactions kept
	Conflicts uint64 // races lost
	Serial    uint64 // transactions run in their turn
	Groups    uint64 // groups of transactions synced together
}

// Stats returns what db did since it was opened.
func (db *DB) Stats() Stats {
	s := &db.stats
	return Stats{s.commits.Load(), s.conflicts.Load(), s.serial.Load(), s.groups.Load()}
}
