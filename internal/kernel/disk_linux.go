package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// blockSize is what direct writes are multiples of, in memory and in files.
const blockSize = 4096

// Blocks returns room for n bytes, a multiple of a block, for direct writes.
func Blocks(n int) []byte {
	b := make([]byte, n+blockSize)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % blockSize)
	return b[skip : skip+n : skip+n]
}

// SetDirect makes writes to a file go past the cache of the kernel, or not.
func SetDirect(fd uintptr, direct bool) error {
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		return fmt.Errorf("kernel: direct writes: %w", err)
	}
	if flags &^= unix.O_DIRECT; direct {
		flags |= unix.O_DIRECT
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETFL, flags); err != nil {
		return fmt.Errorf("kernel: direct writes: %w", err)
	}
	return nil
}

// A Disk writes durably to files that are direct, one write at a time. No thread
// waits for it: the kernel begins the write, has the disk empty its own cache
// after it, and makes a file of events ready.
type Disk struct {
	mu     sync.Mutex
	aio    uintptr // the kernel's context
	events *os.File
	raw    syscall.RawConn // of events
	step   func(fd uintptr) bool
	write  iocb
	p      []byte // of the write at hand, for the kernel's sake
	err    error
	result event
}

// An iocb is the kernel's struct of that name.
type iocb struct {
	_       uint64 // data
	_       uint32 // key
	rwFlags int32
	opcode  uint16
	_       int16 // priority
	fd      uint32
	buf     uintptr
	length  uint64
	offset  int64
	_       uint64
	flags   uint32
	events  uint32 // file
}

// An event is the kernel's struct io_event.
type event struct {
	data, iocb    uint64
	result, error int64
}

const (
	opWrite    = 1 // IOCB_CMD_PWRITE
	withEvents = 1 // IOCB_FLAG_RESFD
)

// NewDisk returns a Disk, or why the kernel has none for us.
func NewDisk() (*Disk, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("kernel: disk: %w", err)
	}
	d := &Disk{events: os.NewFile(uintptr(fd), "disk")}
	d.step = d.try
	d.write = iocb{opcode: opWrite, rwFlags: unix.RWF_DSYNC, flags: withEvents, events: uint32(fd)}
	if d.raw, err = d.events.SyscallConn(); err == nil {
		if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&d.aio)), 0); errno != 0 {
			err = errno
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("kernel: disk: %w", err), d.events.Close())
	}
	return d, nil
}

// Close ends d.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	unix.Syscall(unix.SYS_IO_DESTROY, d.aio, 0, 0) // it fails if there is none
	return d.events.Close()
}

// WriteAt writes p, which is blocks, at an offset that is a multiple of theirs,
// durably. The error is errors.ErrUnsupported if the file system does not write
// so.
func (d *Disk) WriteAt(fd uintptr, p []byte, at int64) error {
	d.Begin(fd, p, at)
	return d.Wait()
}

// Begin begins what WriteAt does, and Wait is to follow.
func (d *Disk) Begin(fd uintptr, p []byte, at int64) {
	d.mu.Lock()
	d.write.fd, d.write.buf, d.write.length, d.write.offset = uint32(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uint64(len(p)), at
	d.p, d.err = p, nil
	list := &d.write
	if _, _, errno := unix.RawSyscall(unix.SYS_IO_SUBMIT, d.aio, 1, uintptr(unsafe.Pointer(&list))); errno != 0 {
		d.err = errno
	}
}

// Wait waits until the write that has begun is over, and returns how it went.
func (d *Disk) Wait() error {
	defer d.mu.Unlock()
	n := int64(len(d.p))
	if d.err == nil {
		if err := d.raw.Read(d.step); err != nil {
			d.err = err
		}
	}
	d.p = nil
	switch {
	case d.err == nil && d.result.result < 0:
		d.err = unix.Errno(-d.result.result)
	case d.err == nil && d.result.result != n:
		d.err = io.ErrShortWrite
	}
	if errors.Is(d.err, unix.EINVAL) || errors.Is(d.err, unix.EOPNOTSUPP) {
		return errors.ErrUnsupported
	}
	return d.err
}

// try looks whether the write at hand is over: first when the runtime begins to
// listen, since it may have been over before, and then at each event.
func (d *Disk) try(uintptr) (over bool) {
	n, _, errno := unix.RawSyscall6(unix.SYS_IO_GETEVENTS, d.aio, 0, 1, uintptr(unsafe.Pointer(&d.result)), 0, 0)
	if errno != 0 && errno != unix.EINTR {
		d.err = errno // what has become of the write is not known
	}
	return n == 1 && errno == 0 || d.err != nil
}
