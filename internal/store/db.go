package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aloft-cloud/aloft/internal/task"
)

var (
	// ErrNotFound reports that a key holds nothing.
	ErrNotFound = errors.New("store: not found")

	// ErrClosed reports that the store has been closed.
	ErrClosed = errors.New("store: closed")

	// ErrFailed reports that the store could not keep its log, and that whether
	// the transaction was kept is not known.
	ErrFailed = errors.New("store: failed")
)

// maxRaces is how often a transaction may lose before it runs while the
// committer waits for it.
const maxRaces = 2

// A DB is an open store.
type DB struct {
	config  Config
	lock    *pebble.Lock
	rows    *pebble.DB
	journal *journal
	blobs   Blobs
	bells   bells
	group   task.Group // the committer

	views views
	marks marks
	seed  maphash.Seed // of the hashes of keys

	mu     sync.Mutex
	queued task.Bell // the queue is as long as is wanted, or the store is closed
	queue  []*pending
	wanted int // in the queue, before the committer is woken
	closed bool

	failure  atomic.Pointer[error]
	dead     chan struct{} // closed by the first failure
	failOnce sync.Once
	full     atomic.Bool // the disk is

	committer committer
	stats     stats
}

// Open opens the store in c.Dir, or makes an empty one.
func Open(c Config) (*DB, error) {
	c = c.withDefaults()
	db := &DB{config: c, seed: maphash.MakeSeed(), dead: make(chan struct{}), queued: task.NewBell()}
	db.group.Log = c.Log
	db.bells.init()
	if err := makeDirs(c.FS, c.Dir, "rows", "log", "blobs"); err != nil {
		return nil, err
	}
	dir := c.FS.PathJoin(c.Dir, "rows")
	l, err := lock(c.FS, dir)
	if err != nil {
		return nil, err
	}
	db.lock = l
	scheduler := newScheduler()
	o := c.pebble(db.fail, scheduler)
	o.Lock = l
	db.rows, err = pebble.Open(dir, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", dir, err), l.Close())
	}
	err = db.start()
	scheduler.open()
	if err != nil {
		return nil, errors.Join(err, db.rows.Close(), l.Close())
	}
	return db, nil
}

func (db *DB) start() error {
	if err := checkFormat(db.rows); err != nil {
		return err
	}
	var err error
	c := db.config
	if db.journal, err = openJournal(c.FS, c.FS.PathJoin(c.Dir, "log"), db.rows, c.segmentBytes); err != nil {
		return err
	}
	version, err := readMeta(db.rows, versionKey)
	if err != nil {
		return errors.Join(err, db.journal.Close())
	}
	db.blobs.init(db)
	db.views.init(version, db.rows.NewSnapshot())
	db.committer.init(db, version)
	db.group.Go(db.committer.run)
	return nil
}

// Close waits for the transactions under way and closes the store.
func (db *DB) Close() error {
	db.mu.Lock()
	again := db.closed
	db.closed = true
	db.queued.Ring()
	db.mu.Unlock()
	if again {
		return ErrClosed
	}
	if err := db.failed(); err != nil {
		return err // nothing is known of the files, so nothing more is done to them
	}
	db.group.Wait()
	if err := db.failed(); err != nil {
		return err
	}
	db.views.close()
	return errors.Join(db.journal.Close(), db.rows.Close(), db.lock.Close())
}

// View runs fn in a transaction that only reads. It sees what is durable.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if err := db.usable(ctx); err != nil {
		return err
	}
	v := db.views.acquire(durable)
	if v == nil {
		return ErrClosed
	}
	defer db.views.release(v, durable)
	tx := &Tx{db: db, r: v.snap, version: v.version, readOnly: true}
	return tx.run(fn)
}

// Update runs fn in a transaction: if fn returns nil all it wrote is kept,
// otherwise none of it is. When Update returns, what it did is durable.
//
// Update may run fn more than once, so fn does nothing besides; what it sets
// outside, it sets anew each time. Nor does it call Update: all would wait.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	return db.update(ctx, fn, false)
}

// UpdateAhead is Update that need not wait for the disk: when it returns, what
// it did has its place in order of commit and is being written, and what it saw is
// durable. Until what it did is, a View does not see it and nothing is done of what
// AfterCommit was given. If the power fails before, it has not happened, and nor has
// anything that was committed later. It is for what may be done again.
func (db *DB) UpdateAhead(ctx context.Context, fn func(*Tx) error) error {
	return db.update(ctx, fn, true)
}

// Settle returns when all that was committed before is durable, and what was
// asked to be done after it is done: for those who look at what UpdateAhead did.
func (db *DB) Settle(ctx context.Context) error {
	return db.updateSerially(ctx, func(*Tx) error { return nil })
}

func (db *DB) update(ctx context.Context, fn func(*Tx) error, ahead bool) error {
	for range maxRaces {
		if err := db.usable(ctx); err != nil {
			return err
		}
		err := db.try(ctx, fn, ahead)
		if err != errConflict {
			return err
		}
	}
	return db.updateSerially(ctx, fn)
}

// try runs fn over the latest snapshot and submits what it did.
func (db *DB) try(ctx context.Context, fn func(*Tx) error, ahead bool) error {
	v := db.views.acquire(latest)
	if v == nil {
		return ErrClosed
	}
	defer db.views.release(v, latest)
	tx, err := db.runOver(v, fn)
	if err == nil && !tx.empty() {
		p := &pending{ctx: ctx, fn: fn, tx: tx, version: v.version, ahead: ahead, verdict: make(chan verdict, 1)}
		p.reads = reads{tx.points, merge(tx.ranges)}
		return db.submit(p)
	}
	// What fn saw, and so what it said, must not leave before it is durable.
	if failed := db.views.waitDurable(v.version, db.dead); failed {
		return db.failed()
	}
	if err == nil {
		db.finish(tx)
	}
	return err
}

func (db *DB) runOver(v *view, fn func(*Tx) error) (*Tx, error) {
	if db.config.RunTwice {
		tx := &Tx{db: db, r: v.snap, version: v.version, track: true}
		if err := tx.run(fn); err != nil {
			return tx, err
		}
	}
	tx := &Tx{db: db, r: v.snap, version: v.version, track: true}
	return tx, tx.run(fn)
}

// updateSerially runs fn while the committer waits for it.
func (db *DB) updateSerially(ctx context.Context, fn func(*Tx) error) error {
	if err := db.usable(ctx); err != nil {
		return err
	}
	return db.submit(&pending{ctx: ctx, fn: fn, verdict: make(chan verdict, 1)})
}

// submit queues p and returns what becomes of it.
func (db *DB) submit(p *pending) error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return ErrClosed
	}
	db.queue = append(db.queue, p)
	if len(db.queue) == db.wanted {
		db.queued.Ring()
	}
	db.mu.Unlock()
	for {
		select {
		case v := <-p.verdict:
			if v.turn != nil {
				p.takeTurn(v.turn)
				continue
			}
			if v.panicked != nil {
				panic(v.panicked)
			}
			return v.err
		case <-db.dead:
			return db.failed()
		}
	}
}

// finish does what was asked to be done after tx was kept.
func (db *DB) finish(tx *Tx) {
	for _, topic := range tx.topics {
		db.bells.ring(topic)
	}
	for _, fn := range tx.after {
		fn()
	}
}

// usable returns why nothing can be begun, if so.
func (db *DB) usable(ctx context.Context) error {
	if err := db.failed(); err != nil {
		return err
	}
	return ctx.Err()
}

// failed returns why the store has failed, if it has.
func (db *DB) failed() error {
	if err := db.failure.Load(); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, *err)
	}
	return nil
}

// fail makes the store refuse everything from now on.
func (db *DB) fail(err error) {
	db.failOnce.Do(func() {
		db.failure.Store(&err)
		close(db.dead)
		db.views.wake()
		db.config.Log.Error("store: failed", "err", err)
		if db.config.Fatal != nil {
			db.config.Fatal(err)
		}
	})
}
