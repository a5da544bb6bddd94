package store

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aloft-cloud/aloft/internal/task"
)

// A view is a snapshot that transactions share.
type view struct {
	version uint64
	snap    *pebble.Snapshot
	refs    int // transactions that read it, and views if it is the latest or the durable one
	writers int // transactions over it that may yet commit
}

// kind says which snapshot a transaction wants.
type kind int

const (
	durable kind = iota // on disk
	latest              // committed, perhaps not on disk yet
)

// views are the snapshots in use.
type views struct {
	mu      sync.Mutex
	moved   sync.Cond // durable has moved, or the store has failed
	latest  *view
	durable *view
	recent  []*view // oldest first, up to latest; those before are of no interest to writers

	// Closing a snapshot may wait for pebble to write files, so somebody does
	// it for whom nobody waits.
	closer task.Group
	unused []*pebble.Snapshot
	used   sync.Cond // there are many unused, or will be no more
	open   int       // views whose snapshot is used
	closed bool      // no transaction begins
}

func (vs *views) init(version uint64, snap *pebble.Snapshot) {
	v := &view{version: version, snap: snap, refs: 2}
	vs.moved.L, vs.used.L = &vs.mu, &vs.mu
	vs.latest, vs.durable, vs.recent, vs.open = v, v, []*view{v}, 1
	vs.closer.Go(vs.closeUnused)
}

// close waits for those who read, and closes all snapshots.
func (vs *views) close() {
	vs.mu.Lock()
	vs.unref(vs.latest)
	vs.unref(vs.durable)
	vs.closed = true
	vs.used.Signal()
	vs.mu.Unlock()
	vs.closer.Wait()
}

// closedTogether is how many snapshots are closed together: to wake who does
// that costs more than to do it.
const closedTogether = 16

// closeUnused closes snapshots that have become unused.
func (vs *views) closeUnused() {
	for {
		vs.mu.Lock()
		for len(vs.unused) < closedTogether && !vs.closed || len(vs.unused) == 0 && vs.open > 0 {
			vs.used.Wait()
		}
		unused := vs.unused
		vs.unused = nil
		vs.mu.Unlock()
		if unused == nil {
			return
		}
		for _, s := range unused {
			s.Close()
		}
	}
}

// acquire returns the snapshot of that kind, or nil if the store is closed.
func (vs *views) acquire(k kind) *view {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if vs.closed {
		return nil
	}
	v := vs.durable
	if k == latest {
		v = vs.latest
		v.writers++
	}
	v.refs++
	return v
}

func (vs *views) release(v *view, k kind) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if k == latest {
		v.writers--
	}
	vs.unref(v)
}

func (vs *views) unref(v *view) {
	v.refs--
	if v.refs == 0 {
		vs.open--
		vs.unused = append(vs.unused, v.snap)
		if vs.closed || len(vs.unused) >= closedTogether {
			vs.used.Signal()
		}
	}
}

// publish makes v the latest. It returns the oldest version that a
// transaction which may yet commit has read.
func (vs *views) publish(v *view) (floor uint64) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	vs.unref(vs.latest)
	vs.latest = v
	vs.open++
	vs.recent = append(vs.recent, v)
	for vs.recent[0] != v && vs.recent[0].writers == 0 {
		vs.recent[0] = nil
		vs.recent = vs.recent[1:]
	}
	return vs.recent[0].version
}

// setDurable says that v is on disk.
func (vs *views) setDurable(v *view) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	vs.unref(vs.durable)
	vs.durable = v
	vs.moved.Broadcast()
}

// waitDurable waits until version is on disk, or reports that the store is dead.
func (vs *views) waitDurable(version uint64, dead <-chan struct{}) (failed bool) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for vs.durable.version < version {
		select {
		case <-dead:
			return true
		default:
		}
		vs.moved.Wait()
	}
	return false
}

func (vs *views) wake() {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	vs.moved.Broadcast()
}
