// Package scratch makes temporary directories that do not outlive their makers
// for long. Each is locked by the process that made it; a process that was
// killed holds no lock, so who makes the next directory of that name finds what
// it left, and removes it.
package scratch

import (
	"os"
	"path/filepath"
	"time"
)

// settled is the age from which a directory is locked, if its maker lives.
const settled = time.Minute

// Dir makes a directory in the system's temporary one, whose name begins with
// prefix, and removes those that other processes left. Remove removes it; keep
// it as long as the directory is used, since it holds the lock.
func Dir(prefix string) (dir string, remove func() error, err error) {
	sweep(prefix)
	dir, err = os.MkdirTemp("", prefix)
	if err != nil {
		return "", nil, err
	}
	f, err := os.Open(dir)
	if err == nil {
		lock(f)
	}
	return dir, func() error {
		err := os.RemoveAll(dir)
		if f != nil {
			f.Close()
		}
		return err
	}, nil
}

// sweep removes the directories of processes that live no more.
func sweep(prefix string) {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range old {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < settled {
			continue
		}
		f, err := os.Open(dir)
		if err != nil {
			continue // another user's
		}
		if lock(f) {
			os.RemoveAll(dir)
		}
		f.Close()
	}
}
