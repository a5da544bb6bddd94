package kernel

import (
	"io"
	"net"
	"syscall"
	"unsafe"
)

// Socket returns what reads and writes as nc does, for one reader and one writer
// at a time.
//
// The client that a write wakes often takes the processor at once. If the
// runtime were told of the write, it would think then that the write waits.
func Socket(nc net.Conn) io.ReadWriter {
	c, ok := nc.(syscall.Conn)
	if !ok {
		return nc
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nc // it is closed, as whoever reads will see
	}
	s := &socket{raw: raw}
	s.in.call, s.in.step = syscall.SYS_READ, s.in.try
	s.out.call, s.out.step = syscall.SYS_WRITE, s.out.try
	return s
}

// A socket is a connection of the kernel's.
type socket struct {
	raw     syscall.RawConn
	in, out transfer
}

// Read implements io.Reader.
func (s *socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.in.p = p
	if err := s.raw.Read(s.in.step); err != nil {
		return 0, err
	}
	if s.in.n == 0 && s.in.err == nil {
		return 0, io.EOF
	}
	return s.in.n, s.in.err
}

// Write implements io.Writer.
func (s *socket) Write(p []byte) (written int, err error) {
	for written < len(p) && err == nil {
		s.out.p = p[written:]
		if err = s.raw.Write(s.out.step); err == nil {
			written, err = written+s.out.n, s.out.err
		}
	}
	return written, err
}

// A transfer is a read or a write under way.
type transfer struct {
	call uintptr
	step func(fd uintptr) bool // try, made a function once
	p    []byte
	n    int
	err  error
}

// try reads or writes what can be now. It reports whether that was something.
func (t *transfer) try(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(t.call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)))
		switch errno {
		case 0:
			t.n, t.err = int(n), nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		default:
			t.n, t.err = 0, errno
		}
		t.p = nil
		return true
	}
}
