//go:build amd64 || arm64

package fence

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// A slot is what of a process can be made before anyone knows what it runs: a
// network, control groups, a user, and a thread that is in these groups where
// only a thread can enter them.
type slot struct {
	f       *Fence
	thread  *thread
	network *network
	group   *group
	user    int
}

var errClosed = errors.New("fence is closed")

// fill makes slots until f is closed.
func (f *Fence) fill() {
	defer close(f.slots)
	for {
		f.pause()
		s, err := f.newSlot()
		if err != nil {
			f.cfg.Log.Error("make room for a function", "err", err)
			return // and let those who wait try by themselves
		}
		select {
		case f.slots <- s:
		case <-f.stop:
			s.discard()
			return
		}
	}
}

// quiet is how long after a start no slot is made, if some are left. A thread
// that joins a group of version 1 has the kernel stop every fork of the host for
// up to 10 ms, those of a process that just starts too.
const quiet = 30 * time.Millisecond

func (f *Fence) pause() {
	for len(f.slots) > 0 {
		left := quiet - time.Since(time.Unix(0, f.taken.Load()))
		if left <= 0 {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-f.stop:
			timer.Stop()
			return
		}
	}
}

// Warm has slots made before the first process is started.
func (f *Fence) Warm() { f.filled.Do(func() { f.cfg.Group.Go(f.fill) }) }

// takeSlot returns a slot that waits, or makes one.
func (f *Fence) takeSlot() (*slot, error) {
	f.taken.Store(time.Now().UnixNano())
	f.Warm()
	select {
	case <-f.stop:
		return nil, errClosed
	default:
	}
	select {
	case s, ok := <-f.slots:
		if ok {
			return s, nil
		}
	default:
	}
	return f.newSlot()
}

func (f *Fence) newSlot() (*slot, error) {
	f.findGroups()
	serial := f.serial.Add(1)
	s := &slot{f: f, user: f.user(serial)}
	var err error
	if s.group, err = f.groups.newGroup(fmt.Sprintf("w%d", serial)); err != nil {
		return nil, fmt.Errorf("make control group: %w", err)
	}
	if s.thread, err = f.takeThread(); err != nil {
		f.bury(s.group)
		return nil, err
	}
	if f.can.namespaces {
		s.network, err = f.newNetwork()
	} else {
		s.network, err = openNetwork()
	}
	if err == nil {
		err = s.thread.do(s.group.join)
	}
	if err != nil {
		s.discard()
		return nil, fmt.Errorf("make network: %w", err)
	}
	return s, nil
}

// user is the user of a worker. Two workers that live at once have two.
func (f *Fence) user(serial uint32) int {
	return firstUser + os.Getpid()%4096*userRange + int(serial%userRange)
}

func (f *Fence) takeThread() (*thread, error) {
	f.mu.Lock()
	if n := len(f.threads); n > 0 {
		t := f.threads[n-1]
		f.threads = f.threads[:n-1]
		f.mu.Unlock()
		return t, nil
	}
	f.mu.Unlock()
	t := newThread(f.cfg.Group)
	if !f.can.namespaces {
		return t, nil
	}
	// A thread that changes its mount namespace shares no directory with others.
	if err := t.do(func() error { return unix.Unshare(unix.CLONE_FS) }); err != nil {
		t.end()
		return nil, fmt.Errorf("unshare: %w", err)
	}
	return t, nil
}

// keepThread keeps a thread for the next slot: what it started dies with it. It
// stays in its groups until then, since to move is dear: see quiet.
func (f *Fence) keepThread(t *thread) {
	f.mu.Lock()
	select {
	case <-f.stop:
		f.mu.Unlock()
		f.endThread(t)
	default:
		f.threads = append(f.threads, t)
		f.mu.Unlock()
	}
}

// endThread ends a thread, which must be in no group that is to be removed.
func (f *Fence) endThread(t *thread) {
	t.do(f.groups.leave)
	t.end()
}

// discard gives back all that s has.
func (s *slot) discard() {
	if s.thread != nil {
		s.f.keepThread(s.thread)
	}
	if s.network != nil {
		s.network.close()
	}
	s.f.bury(s.group)
}

// bury removes a group, or keeps it for later: a thread of ours may be in it.
func (f *Fence) bury(g *group) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = slices.DeleteFunc(append(f.dead, g), (*group).remove)
}
