//go:build amd64 || arm64

package fence

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxProcesses = 1024 // of one worker, as on Lambda
	maxFiles     = 1024

	// Users of workers: from here on, apart for platforms that run at once.
	firstUser = 1 << 30
	userRange = 1 << 16
)

// A Fence starts processes.
type Fence struct {
	cfg     Config
	can     abilities
	groups  *controllers
	filter  []unix.SockFilter
	null    *os.File
	hostMnt int
	serial  atomic.Uint32
	files   atomic.Uint32 // made for one process
	taken   atomic.Int64  // when the last slot was, in nanoseconds

	noProgram atomic.Bool // the kernel takes no program for networks

	slots  chan *slot
	stop   chan struct{}
	filled sync.Once
	closed sync.Once

	mu      sync.Mutex
	threads []*thread // idle
	dead    []*group  // to remove

	etcWritten bool // see writeEtc
}

// abilities are what the host lets us do.
type abilities struct {
	namespaces bool
	why        string // there are none
	users      bool   // each process can have a user of its own
	landlock   int    // its version
	seccomp    bool
}

// New returns a Fence. Without cfg.Unfenced it fails with ErrIncomplete at the
// first process, and not here, if something is missing.
func New(cfg Config) (*Fence, error) {
	if cfg.Slots == 0 {
		cfg.Slots = 4
	}
	if cfg.Port == 0 {
		cfg.Port = 4566
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	f := &Fence{cfg: cfg, null: null, hostMnt: -1, filter: systemCalls(), slots: make(chan *slot, cfg.Slots), stop: make(chan struct{})}
	f.probe()
	return f, nil
}

// probe finds out what the host lets us do, by doing it.
func (f *Fence) probe() {
	f.can.landlock = landlockABI()
	f.can.seccomp = seccompWorks()
	f.can.users = allUsers()
	if f.cfg.Plain {
		f.can.why = "they are not to be used"
		return
	}
	t := newThread(f.cfg.Group)
	defer t.end()
	err := t.do(func() (err error) {
		if f.hostMnt, err = openNamespace("mnt"); err != nil {
			return err
		}
		if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making namespaces: %w", err)
		}
		fd, err := tmpfs(1)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	})
	if err != nil {
		f.can.why = err.Error()
		return
	}
	f.can.namespaces = true
}

// allUsers reports whether there are all users, and not those alone that are
// mapped into a user namespace.
func allUsers() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && slices.Equal(strings.Fields(string(b)), []string{"0", "0", "4294967295"}) && os.Geteuid() == 0
}

// seccompWorks asks for an action that every kernel with filters knows.
func seccompWorks() bool {
	action := uint32(seccompErrno)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0
}

// Missing says what the host lacks for a whole fence.
func (f *Fence) Missing() []string {
	var missing []string
	if !f.can.namespaces {
		missing = append(missing, "namespaces of its own for each function (Linux 5.12 and root are needed: "+f.can.why+")")
	}
	if f.can.namespaces && !f.can.users {
		missing = append(missing, "root: functions have namespaces of their own, but all are the user that Aloft is, and reach the usual ports alone")
	}
	if !f.can.seccomp {
		missing = append(missing, "seccomp: system calls cannot be filtered")
	}
	if f.can.landlock == 0 && !f.can.namespaces {
		missing = append(missing, "Landlock: files of the host cannot be kept from functions")
	}
	f.findGroups()
	for _, kind := range []string{"memory", "pids"} {
		if !f.groups.limits(kind) {
			missing = append(missing, "the "+kind+" controller of cgroups: what a function uses is bounded by rlimits alone")
		}
	}
	return missing
}

// Fenced says that nothing is missing that keeps functions apart.
func (f *Fence) Fenced() bool { return f.can.namespaces && f.can.seccomp }

// Users says that each process has a user of its own, who is not root.
func (f *Fence) Users() bool { return f.can.users }

// findGroups finds the controllers once.
func (f *Fence) findGroups() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.groups == nil {
		c, err := findControllers()
		if err != nil {
			f.cfg.Log.Warn("functions have no control groups", "err", err)
			c = &controllers{}
		}
		f.groups = c
	}
}

// Close ends the threads of f, and with them every process they started.
func (f *Fence) Close() {
	f.closed.Do(func() {
		close(f.stop)
		f.filled.Do(func() { close(f.slots) })
		for s := range f.slots {
			s.discard()
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, t := range f.threads {
			f.endThread(t)
		}
		f.threads = nil
		for _, g := range f.dead {
			g.remove()
		}
		f.groups.close()
		f.null.Close()
		if f.hostMnt >= 0 {
			unix.Close(f.hostMnt)
		}
	})
}
