//go:build !linux

package database

import (
	"os"
	"syscall"
)

// fastEnd has a server end without waiting for those who are connected.
const fastEnd = os.Interrupt

// apart is how a process differs from ours: not at all.
func apart() *syscall.SysProcAttr { return nil }
