//go:build !linux

package database

import (
	"io/fs"
	"os"
	"syscall"
)

// own does nothing: all files are ours.
func own(string, fs.FileInfo) error { return nil }

// flush does nothing here.
func flush(string) error { return nil }

// ends have a server end: PostgreSQL, by the first, without waiting for those who are
// connected; MariaDB by the second.
var ends = []os.Signal{os.Interrupt, syscall.SIGTERM}

// apart is how a process differs from ours: not at all.
func apart() *syscall.SysProcAttr { return nil }
