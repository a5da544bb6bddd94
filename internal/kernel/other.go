//go:build !linux

package kernel

import (
	"errors"
	"io"
	"net"
)

// Socket returns nc.
func Socket(nc net.Conn) io.ReadWriter { return nc }

// A Disk is there on Linux alone.
type Disk struct{}

// NewDisk returns errors.ErrUnsupported.
func NewDisk() (*Disk, error) { return nil, errors.ErrUnsupported }

// WriteAt returns errors.ErrUnsupported.
func (*Disk) WriteAt(uintptr, []byte, int64) error { return errors.ErrUnsupported }

// Begin does nothing.
func (*Disk) Begin(uintptr, []byte, int64) {}

// Wait returns errors.ErrUnsupported.
func (*Disk) Wait() error { return errors.ErrUnsupported }

// Close does nothing.
func (*Disk) Close() error { return nil }

// SetDirect returns errors.ErrUnsupported.
func SetDirect(uintptr, bool) error { return errors.ErrUnsupported }

// Blocks returns room for n bytes.
func Blocks(n int) []byte { return make([]byte, n) }
