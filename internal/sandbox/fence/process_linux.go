//go:build amd64 || arm64

package fence

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A Process is one that was started. Its first process is the init of its own
// namespace: when it ends, all that it started ends.
type Process struct {
	API, Endpoint net.Listener   // what the process finds us at
	Secure        net.Listener   // likewise, over TLS; nil where names lead to Outside
	Outside       []net.Listener // takes what it connects to besides, as far as Egress permits
	Names         net.PacketConn // takes what it asks of DNS; nil if it has the host's network

	f        *Fence
	slot     *slot
	thread   *thread // of one that is beside another
	pid      int
	file     *os.File // refers to the process; to wait on
	confined bool     // it has namespaces
	limits   Limits
	writes   []string // directories, inside

	mu    sync.Mutex
	ended bool
}

// Start starts a process.
func (f *Fence) Start(s *Spec) (*Process, error) {
	if !f.Fenced() && !f.cfg.Unfenced {
		return nil, fmt.Errorf("%w: %s", ErrIncomplete, f.can.why)
	}
	sl, err := f.takeSlot()
	if err != nil {
		return nil, err
	}
	p := &Process{f: f, slot: sl, API: sl.network.api, Endpoint: sl.network.endpoint, Secure: sl.network.secure, Outside: sl.network.outside, Names: sl.network.names, confined: s.Root.ns >= 0, limits: s.Limits, writes: []string{"/tmp"}}
	if s.Share != nil {
		sl.user, p.writes = s.Share.user(), append(p.writes, s.Share.Path)
	}
	if err := p.start(s); err != nil {
		sl.discard()
		return nil, err
	}
	f.keepThread(sl.thread)
	sl.thread = nil
	sl.group.started()
	sl.network.started()
	return p, nil
}

func (p *Process) start(s *Spec) error {
	if err := p.slot.group.limit(s.Limits); err != nil {
		return err
	}
	var l launch
	defer l.close()
	if err := l.prepare(p.f, p.slot, s); err != nil {
		return err
	}
	var fd int
	err := p.slot.thread.do(func() (err error) {
		if p.confined {
			if err := enter(s.Root.ns, unix.CLONE_NEWNS); err != nil {
				return &StartError{"enter root", err}
			}
			defer enter(p.f.hostMnt, unix.CLONE_NEWNS)
		}
		p.pid, fd, err = l.run(l.flags, p.slot.group.fd)
		return err
	})
	if err != nil {
		return err
	}
	// A pollable descriptor: Wait holds no thread.
	unix.SetNonblock(fd, true)
	p.file = os.NewFile(uintptr(fd), "process")
	return nil
}

// Pid is the process's number on the host.
func (p *Process) Pid() int { return p.pid }

// Wait returns when the process has ended.
func (p *Process) Wait() Exit {
	var ws unix.WaitStatus
	conn, err := p.file.SyscallConn()
	if err == nil {
		err = conn.Read(func(uintptr) bool {
			// Under the lock, so that Kill never meets a number that was given away.
			p.mu.Lock()
			defer p.mu.Unlock()
			done, got, err := wait4(p.pid, unix.WNOHANG)
			p.ended = done || err != nil
			ws = got
			return p.ended
		})
	}
	if err != nil {
		_, ws, _ = wait4(p.pid, 0)
	}
	if ws.Signaled() {
		return Exit{Code: 128 + int(ws.Signal()), Signal: ws.Signal().String()}
	}
	return Exit{Code: ws.ExitStatus()}
}

// Kill ends the process and all it started.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if !p.confined {
		unix.Kill(-p.pid, unix.SIGKILL) // its session; who left it is not found
	}
	unix.Kill(p.pid, unix.SIGKILL)
}

// Terminate asks the process to end.
func (p *Process) Terminate() { p.signal(unix.SIGTERM) }

// Tmp opens the /tmp of the process. What it leaves there can be read when it
// has ended.
func (p *Process) Tmp() (tmp *os.Root, err error) {
	if !p.confined {
		return nil, errors.ErrUnsupported // it is everybody's
	}
	err = p.inside(func() error {
		tmp, err = os.OpenRoot("/tmp")
		return err
	})
	return tmp, err
}

// Become gives a process that is running other limits, and directories that it
// did not have when it started.
func (p *Process) Become(l Limits, mounts ...Mount) error {
	if err := p.slot.group.limit(l); err != nil || !p.confined {
		return err
	}
	fds := make([]int, len(mounts))
	var held launch
	defer held.close()
	for i, m := range mounts {
		fds[i] = -1
		if len(m.Hosts) > 0 {
			fd, err := held.hold(m.open())
			if err != nil {
				return err
			}
			fds[i] = fd
		}
	}
	return p.inside(func() error {
		if l.TmpMB != p.limits.TmpMB {
			if err := unix.Mount("", "/tmp", "", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%dm", l.TmpMB)); err != nil {
				return err
			}
		}
		p.limits = l
		for i, m := range mounts {
			if fds[i] < 0 {
				continue
			}
			if err := unix.MoveMount(fds[i], "", unix.AT_FDCWD, m.Path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
				return err
			}
		}
		return nil
	})
}

// Dial connects to what the process listens at.
func (p *Process) Dial(addr string) (c net.Conn, err error) {
	err = p.within(func() (err error) {
		c, err = net.Dial("tcp4", addr)
		return err
	})
	return c, err
}

// Listen listens at an address of the process's own network.
func (p *Process) Listen(addr string) (l net.Listener, err error) {
	err = p.within(func() (err error) {
		l, err = listenTCP(addr)
		return err
	})
	return l, err
}

// within calls f in the network of the process.
func (p *Process) within(f func() error) error {
	if !p.confined {
		return f()
	}
	t := newThread(p.f.cfg.Group)
	defer t.end()
	return t.do(func() error {
		if err := p.join(unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// inside calls f on a thread that sees the files of the process. The names
// that f uses must be ours: directories of the root, that nobody can change.
func (p *Process) inside(f func() error) error {
	t, err := p.f.takeThread()
	if err != nil {
		return err
	}
	defer p.f.keepThread(t)
	return t.do(func() error {
		if err := p.join(unix.CLONE_NEWNS); err != nil {
			return err
		}
		defer enter(p.f.hostMnt, unix.CLONE_NEWNS)
		return f()
	})
}

// join moves the calling thread into namespaces of the process. That it was
// released is an error: its descriptor may be of another one since.
func (p *Process) join(kinds int) error {
	conn, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = enter(int(fd), kinds) }); err != nil {
		return err
	}
	return failed
}

// Freeze stops the process until Thaw. It is false if the host cannot. Without
// version 2 of control groups it is a signal that stops it, which those of its
// children that have left its session do not get.
func (p *Process) Freeze() bool { return p.slot.group.freeze(true) || p.signal(unix.SIGSTOP) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() {
	if !p.slot.group.freeze(false) {
		p.signal(unix.SIGCONT)
	}
}

// signal sends a signal to the process and those of its session.
func (p *Process) signal(s unix.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.ended && unix.Kill(-p.pid, s) == nil
}

// Yield has the process give way to others, or no more. Without root it could
// not come back, so there it never does.
func (p *Process) Yield(give bool) {
	if !p.f.can.users {
		return
	}
	nice := 0
	if give {
		nice = 10
	}
	unix.Setpriority(unix.PRIO_PGRP, p.pid, nice) // at worst it is as important as others
}

// OverMemory reports whether the process uses more memory than it may. Its
// control group lets it have that of /tmp besides, so it is to be asked.
func (p *Process) OverMemory() bool {
	return p.slot.group.peakMB() > p.limits.MemoryMB && p.slot.group.anonymousMB() > p.limits.MemoryMB
}

// PeakMB is the most memory that the process has used; 0 if nobody counts.
func (p *Process) PeakMB() int { return p.slot.group.peakMB() }

// Release gives back what a process had that has ended.
func (p *Process) Release() {
	p.file.Close()
	if p.thread != nil {
		p.thread.end()
		return
	}
	p.slot.network.close()
	p.f.bury(p.slot.group)
}

// Pipe makes a pipe for the output of a process: its end blocks, ours does not.
func Pipe() (ours, its *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "output"), os.NewFile(uintptr(fds[1]), "output"), nil
}
