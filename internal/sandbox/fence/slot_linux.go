//go:build amd64 || arm64

package fence

import (
	"errors"
	"fmt"
	"os"

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

// takeSlot returns a slot that waits, or makes one.
func (f *Fence) takeSlot() (*slot, error) {
	f.filled.Do(func() { f.cfg.Group.Go(f.fill) })
	select {
	case s, ok := <-f.slots:
		if ok {
			return s, nil
		}
	case <-f.stop:
		return nil, errClosed
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
		s.group.remove()
		return nil, err
	}
	err = s.thread.do(func() error {
		if f.can.namespaces {
			s.network, err = newNetwork(f.hostNet)
		} else {
			s.network, err = openNetwork()
		}
		if err == nil {
			err = s.group.join()
		}
		return err
	})
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

// putThread keeps a thread for the next slot: what it started dies with it. It
// leaves its groups by itself, which takes the kernel 10 ms at worst.
func (f *Fence) putThread(t *thread) {
	t.calls <- func() { f.groups.leave() }
	f.keepThread(t)
}

// keepThread keeps a thread that is in no group.
func (f *Fence) keepThread(t *thread) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.stop:
		t.end()
	default:
		f.threads = append(f.threads, t)
	}
}

// discard gives back all that s has.
func (s *slot) discard() {
	if s.thread != nil {
		s.thread.do(s.f.groups.leave)
		s.f.keepThread(s.thread)
	}
	if s.network != nil {
		s.network.close()
	}
	s.group.remove()
}
