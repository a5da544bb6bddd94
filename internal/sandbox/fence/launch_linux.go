//go:build amd64 || arm64

package fence

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A launch is the program that becomes a process, and what it holds until then.
type launch struct {
	program
	flags    uint64
	fds      []int
	writable []int  // directories that the process writes
	file     string // to remove
}

func (l *launch) close() {
	if l.file != "" {
		os.Remove(l.file)
	}
	for _, fd := range l.fds {
		unix.Close(fd)
	}
}

// hold keeps fd open until the launch is over.
func (l *launch) hold(fd int, err error) (int, error) {
	if err == nil {
		l.fds = append(l.fds, fd)
	}
	return fd, err
}

// prepare writes the program. Its order matters: from setresuid on the child
// has no rights, from seccomp on it has no calls.
func (l *launch) prepare(f *Fence, sl *slot, s *Spec) error {
	if s.Root.ns >= 0 {
		l.flags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
		if err := l.namespaces(f, sl, s); err != nil {
			return err
		}
	} else if s.Share != nil {
		return fmt.Errorf("%w: a directory cannot be shared without namespaces", ErrIncomplete)
	}
	return l.finish(f, sl, s)
}

// finish writes the part of the program that begins where the process sees what
// it is to see.
func (l *launch) finish(f *Fence, sl *slot, s *Spec) error {
	l.add("chdir", unix.SYS_CHDIR, l.str(s.Dir))
	l.add("dup3", unix.SYS_DUP3, f.null.Fd(), 0, 0)
	l.add("dup3", unix.SYS_DUP3, s.Out.Fd(), 1, 0)
	l.add("dup3", unix.SYS_DUP3, s.Out.Fd(), 2, 0)
	// All of ours are closed by execve already; this is for those that others left.
	l.add("close_range", unix.SYS_CLOSE_RANGE, 3, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC).optional = true
	l.add("setsid", unix.SYS_SETSID)
	l.add("umask", unix.SYS_UMASK, 0o022)
	l.rlimits(f, s)
	if s.Root.ns >= 0 {
		l.user(sl.user, f.can.users)
	}
	l.add("pdeathsig", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	l.add("no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if f.can.landlock > 0 {
		rules, err := l.landlock(f.can.landlock, s)
		if err != nil {
			return err
		}
		l.add("landlock", unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0)
	}
	if f.can.seccomp {
		prog := &unix.SockFprog{Len: uint16(len(f.filter)), Filter: &f.filter[0]}
		l.add("seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, ref(&l.program, prog))
	}
	env := s.Env(sl.network.addresses())
	l.add("execve", unix.SYS_EXECVE, l.str(s.Argv[0]), l.strs(s.Argv), l.strs(env))
	return nil
}

// namespaces enters the network and mounts what the process has of its own.
func (l *launch) namespaces(f *Fence, sl *slot, s *Spec) error {
	l.add("setns", unix.SYS_SETNS, uintptr(sl.network.ns), unix.CLONE_NEWNET)
	l.add("mount /proc", unix.SYS_MOUNT, l.str("proc"), l.str("/proc"), l.str("proc"), unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, l.str("hidepid=invisible"))
	tmp, err := l.hold(tmpfs(s.Limits.TmpMB))
	if err != nil {
		return err
	}
	l.writable = append(l.writable, tmp)
	if !f.can.users {
		l.add("umount /.proc", unix.SYS_UMOUNT2, l.str(seenProc), unix.MNT_DETACH)
	}
	l.move(tmp, "/tmp")
	for _, m := range s.Mounts {
		if len(m.Hosts) == 0 {
			continue
		}
		fd, err := l.hold(m.open())
		if err != nil {
			return err
		}
		l.move(fd, m.Path)
	}
	if s.Share != nil {
		if err := l.share(f, s.Share); err != nil {
			return err
		}
	}
	who, err := l.hold(l.passwd(f, sl.user))
	if err != nil {
		return err
	}
	l.move(who, "/etc/passwd")
	const name = "lambda"
	l.add("sethostname", unix.SYS_SETHOSTNAME, l.str(name), uintptr(len(name)))
	return nil
}

// passwd opens a mount of a file that names a user, as libraries expect of the
// one they run as.
func (l *launch) passwd(f *Fence, user int) (int, error) {
	l.file = filepath.Join(f.cfg.Dir, fmt.Sprintf("user-%d", f.files.Add(1)))
	text := fmt.Appendf(nil, rootUser+functionUser, user, user)
	if !f.can.users {
		text = fmt.Appendf(nil, functionUser, 0, 0)
	}
	if err := writeFile(l.file, text); err != nil {
		return -1, err
	}
	return Mount{Hosts: []string{l.file}}.open()
}

func (l *launch) move(fd int, path string) {
	cwd := unix.AT_FDCWD
	l.add("mount "+path, unix.SYS_MOVE_MOUNT, uintptr(fd), l.str(""), uintptr(cwd), l.str(path), unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// rlimits bound what control groups do not, or are not there to.
func (l *launch) rlimits(f *Fence, s *Spec) {
	limits := [][2]uint64{{unix.RLIMIT_NOFILE, maxFiles}, {unix.RLIMIT_CORE, 0}, {unix.RLIMIT_MEMLOCK, 64 << 10}, {unix.RLIMIT_MSGQUEUE, 0}}
	if s.Root.ns >= 0 { // the count is of its user, whom nobody else is
		limits = append(limits, [2]uint64{unix.RLIMIT_NPROC, maxProcesses})
	}
	if !f.groups.limits("memory") {
		// Interpreters reserve much more than they use; this stops what runs away.
		limits = append(limits, [2]uint64{unix.RLIMIT_DATA, uint64(s.Limits.MemoryMB)<<21 + 1<<30})
	}
	for _, r := range limits {
		l.add("prlimit", unix.SYS_PRLIMIT64, 0, uintptr(r[0]), ref(&l.program, &unix.Rlimit{Cur: r[1], Max: r[1]}), 0)
	}
}

// user gives up root and all that comes with it. Where there is no other user,
// it is still one that may do nothing: see the bounding set.
func (l *launch) user(id int, own bool) {
	for capability := range uintptr(unix.CAP_LAST_CAP + 1) {
		l.add("drop capability", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capability, 0, 0, 0).optional = true
	}
	if !own {
		return
	}
	u := uintptr(id)
	l.add("setgroups", unix.SYS_SETGROUPS, 0, 0)
	l.add("setresgid", unix.SYS_SETRESGID, u, u, u)
	l.add("setresuid", unix.SYS_SETRESUID, u, u, u)
}

// landlock makes a second wall behind the first, and where there are no
// namespaces the only one.
func (l *launch) landlock(abi int, s *Spec) (int, error) {
	const read = landExecute | landRead | landReadDir
	const all = 1<<63 - 1
	var grants []grant
	if s.Root.ns >= 0 {
		grants = []grant{{s.Root.top, read}, {s.Root.dev, read | landWrite}}
		for _, fd := range l.writable {
			grants = append(grants, grant{fd, all})
		}
	} else {
		rights := map[string]uint64{"/tmp": all, "/dev": read | landWrite, "/proc": read}
		for _, b := range append(s.Root.binds, hostBinds...) {
			rights[b.Host] = read
		}
		for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib64", "/etc"} {
			rights[dir] = read
		}
		for _, m := range s.Mounts {
			for _, dir := range m.Hosts {
				rights[dir] = read
			}
		}
		for dir, r := range rights {
			if fd, err := l.hold(unix.Open(filepath.Clean(dir), unix.O_PATH|unix.O_CLOEXEC, 0)); err == nil {
				grants = append(grants, grant{fd, fileRights(fd, r)})
			}
		}
	}
	return l.hold(landlock(abi, grants...))
}

// fileRights are those of r that a file can have, if fd is one.
func fileRights(fd int, r uint64) uint64 {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return r & (landExecute | landWrite | landRead | landTruncate)
	}
	return r
}
