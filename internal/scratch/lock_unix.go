//go:build unix

package scratch

import (
	"os"
	"syscall"
)

// lock locks f until it is closed, or says that another has.
func lock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
