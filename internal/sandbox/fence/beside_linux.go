//go:build amd64 || arm64

package fence

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Beside starts another process where p is: with its namespaces, its user and
// its limits. It ends with p, at the latest. Of s, Root, Argv, Env, Dir and Out
// count.
func (p *Process) Beside(s *Spec) (*Process, error) {
	q := &Process{f: p.f, confined: p.confined, limits: p.limits}
	// The thread is given up when the process has ended, which dies with it.
	t := newThread(p.f.cfg.Group)
	var fd int
	err := t.do(func() error {
		group, err := p.slot.group.enter()
		if err != nil {
			return err
		}
		defer unix.Close(group) // fails where there is none
		var l launch
		defer l.close()
		if p.confined {
			if err := l.beside(p); err != nil {
				return err
			}
		}
		beside := *s
		beside.Limits = p.limits
		if err := l.finish(p.f, p.slot, &beside); err != nil {
			return err
		}
		q.pid, fd, err = l.run(0, group)
		return err
	})
	if err != nil {
		t.end()
		return nil, err
	}
	unix.SetNonblock(fd, true)
	q.file = os.NewFile(uintptr(fd), "process")
	q.thread = t
	return q, nil
}

// beside takes the calling thread, whose children it concerns, to where p is.
// What p may write, it may.
func (l *launch) beside(p *Process) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	if err := p.join(unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("enter namespaces: %w", err)
	}
	if err := p.join(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("enter mounts: %w", err)
	}
	for _, dir := range p.writes {
		fd, err := l.hold(unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0))
		if err != nil {
			return err
		}
		l.writable = append(l.writable, fd)
	}
	return nil
}

// enter moves the calling thread into the groups of version 1, and returns a
// descriptor of that of version 2, or -1.
func (g *group) enter() (int, error) {
	fd := -1
	for _, d := range g.there() {
		var err error
		if d.v2 {
			fd, err = unix.Open(d.path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		} else {
			err = os.WriteFile(filepath.Join(d.path, "tasks"), []byte(strconv.Itoa(unix.Gettid())), 0)
		}
		if err != nil {
			unix.Close(fd)
			return -1, fmt.Errorf("join group: %w", err)
		}
	}
	return fd, nil
}
