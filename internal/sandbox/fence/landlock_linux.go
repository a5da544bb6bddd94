//go:build amd64 || arm64

package fence

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights over files that Landlock knows.
const (
	landExecute  = 1 << 0
	landWrite    = 1 << 1
	landRead     = 1 << 2
	landReadDir  = 1 << 3
	landTruncate = 1 << 14

	landScope = 1<<0 | 1<<1 // no abstract sockets nor signals to others
)

// landlockABI is the version of Landlock that the kernel has; 0 is none.
func landlockABI() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// landRights are all rights that version abi handles, but ioctl on devices:
// there are only harmless ones.
func landRights(abi int) uint64 {
	switch {
	case abi >= 3:
		return 1<<15 - 1
	case abi == 2:
		return 1<<14 - 1
	}
	return 1<<13 - 1
}

// A grant is what may be done below a directory that fd is open on.
type grant struct {
	fd     int
	rights uint64
}

// landlock makes the rules that nothing may be done with files but what grants
// say. The caller closes the descriptor.
func landlock(abi int, grants ...grant) (int, error) {
	all := landRights(abi)
	attr := struct{ fs, net, scoped uint64 }{fs: all, scoped: landScope}
	size := uintptr(8)
	if abi >= 6 {
		size = unsafe.Sizeof(attr)
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return -1, errno
	}
	for _, g := range grants {
		// struct landlock_path_beneath_attr is packed: 12 bytes.
		var rule [12]byte
		*(*uint64)(unsafe.Pointer(&rule[0])) = g.rights & all
		*(*int32)(unsafe.Pointer(&rule[8])) = int32(g.fd)
		_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, fd, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule[0])), 0, 0, 0)
		if errno != 0 {
			unix.Close(int(fd))
			return -1, errno
		}
	}
	return int(fd), nil
}
