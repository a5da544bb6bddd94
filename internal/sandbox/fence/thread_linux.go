//go:build amd64 || arm64

package fence

import (
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/aloft-cloud/aloft/internal/task"
)

// A thread is a locked thread of the system that calls functions for others.
// It changes its namespaces and never becomes one of Go's again. It must live as
// long as the processes it started: they die with it.
type thread struct {
	calls chan func()
}

func newThread(g *task.Group) *thread {
	t := &thread{calls: make(chan func())}
	g.Go(func() {
		runtime.LockOSThread()
		for f := range t.calls {
			f()
		}
	})
	return t
}

// do calls f on the thread.
func (t *thread) do(f func() error) error {
	done := make(chan error, 1)
	t.calls <- func() { done <- f() }
	return <-done
}

func (t *thread) end() { close(t.calls) }

// enter takes the calling thread, which must be locked, into a namespace.
func enter(ns int, kind int) error {
	if err := unix.Setns(ns, kind); err != nil {
		return err
	}
	if kind == unix.CLONE_NEWNS {
		return unix.Chdir("/")
	}
	return nil
}

// openNamespace opens a namespace ("mnt", "net") of the calling thread.
func openNamespace(kind string) (int, error) {
	return unix.Open("/proc/thread-self/ns/"+kind, unix.O_RDONLY|unix.O_CLOEXEC, 0)
}
