package database

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// own has a file be whose another is.
func own(file string, as fs.FileInfo) error {
	s := as.Sys().(*syscall.Stat_t)
	return os.Lchown(file, int(s.Uid), int(s.Gid))
}

// flush has all that was written to the file system of a directory stay.
func flush(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}

// ends have a server end: PostgreSQL, by the first, without waiting for those who are
// connected; MariaDB by the second.
var ends = []os.Signal{syscall.SIGINT, syscall.SIGTERM}

// apart is how a process differs from ours: it has a session of its own, and ends
// with us. Servers refuse to be root, which we may be in a user namespace of ours:
// there it has one of its own, in which it is somebody.
func apart() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		const somebody = 1000
		a.Cloneflags = syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: somebody, HostID: 0, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: somebody, HostID: 0, Size: 1}}
	}
	return a
}
