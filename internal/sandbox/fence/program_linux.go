//go:build amd64 || arm64

package fence

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Package syscall forks with the help of these; so do we.
//
//go:linkname runtimeBeforeFork syscall.runtime_BeforeFork
func runtimeBeforeFork()

//go:linkname runtimeAfterFork syscall.runtime_AfterFork
func runtimeAfterFork()

//go:linkname runtimeAfterForkInChild syscall.runtime_AfterForkInChild
func runtimeAfterForkInChild()

func rawVforkSyscall(trap, a1, a2, a3 uintptr) (r1, errno uintptr)

// A program is a list of system calls for a child to make, in order, with all
// they point to. The child shares our memory until the last one, execve, and
// may neither allocate nor grow its stack: so all is ready before.
type program struct {
	calls []call
	keep  []any // what the calls point to
}

type call struct {
	nr       uintptr
	args     [6]uintptr
	optional bool // an error does not matter
	what     string
}

func (p *program) add(what string, nr uintptr, args ...uintptr) *call {
	c := call{nr: nr, what: what}
	copy(c.args[:], args)
	p.calls = append(p.calls, c)
	return &p.calls[len(p.calls)-1]
}

// str is s for the kernel. What is after a zero byte is lost: callers have checked.
func (p *program) str(s string) uintptr {
	b := append([]byte(s), 0)
	p.keep = append(p.keep, b)
	return uintptr(unsafe.Pointer(&b[0]))
}

// strs is a list of strings for the kernel.
func (p *program) strs(list []string) uintptr {
	ptrs := make([]uintptr, len(list)+1)
	for i, s := range list {
		ptrs[i] = p.str(s)
	}
	p.keep = append(p.keep, ptrs)
	return uintptr(unsafe.Pointer(&ptrs[0]))
}

// ref is the address of v.
func ref[T any](p *program, v *T) uintptr {
	p.keep = append(p.keep, v)
	return uintptr(unsafe.Pointer(v))
}

// cloneArgs is struct clone_args of the kernel.
type cloneArgs struct {
	flags, pidFD, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// outcome is what a child leaves in our memory if it fails.
type outcome struct {
	step  int // the call that failed, from 1; 0 if none did
	errno syscall.Errno
}

// run starts a child that runs p. The thread stands still until the child's execve.
func (p *program) run(flags uint64, cgroup int) (pid, pidfd int, err error) {
	fd := int32(-1)
	args := &cloneArgs{
		flags:      flags | unix.CLONE_VFORK | unix.CLONE_VM | unix.CLONE_PIDFD,
		pidFD:      uint64(uintptr(unsafe.Pointer(&fd))),
		exitSignal: uint64(unix.SIGCHLD),
	}
	if cgroup >= 0 {
		args.flags |= unix.CLONE_INTO_CGROUP
		args.cgroup = uint64(cgroup)
	}
	res := &outcome{}
	syscall.ForkLock.Lock()
	r, errno := child(args, p.calls, res)
	runtimeAfterFork()
	syscall.ForkLock.Unlock()
	runtime.KeepAlive(p)
	runtime.KeepAlive(args)
	runtime.KeepAlive(&fd)
	if errno != 0 {
		return 0, -1, &StartError{"clone", syscall.Errno(errno)}
	}
	if res.step != 0 {
		wait4(int(r), 0)
		unix.Close(int(fd))
		return 0, -1, &StartError{p.calls[res.step-1].what, res.errno}
	}
	return int(r), int(fd), nil
}

// child is the only code that runs in both processes. From BeforeFork on it
// calls nothing that could grow the stack.
//
//go:noinline
//go:norace
//go:nocheckptr
func child(args *cloneArgs, calls []call, res *outcome) (r, errno uintptr) {
	var i int
	var c *call
	var e syscall.Errno
	runtimeBeforeFork()
	r, errno = rawVforkSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(args)), unsafe.Sizeof(*args), 0)
	if errno != 0 || r != 0 {
		return
	}
	runtimeAfterForkInChild()
	for i = range calls {
		c = &calls[i]
		_, _, e = syscall.RawSyscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
		if e != 0 && !c.optional {
			res.step = i + 1
			res.errno = e
			break
		}
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT, 253, 0, 0)
	}
}

// wait4 waits for a child of ours.
func wait4(pid int, options int) (done bool, ws unix.WaitStatus, err error) {
	for {
		got, err := unix.Wait4(pid, &ws, options, nil)
		if err == unix.EINTR {
			continue
		}
		return got == pid, ws, err
	}
}
