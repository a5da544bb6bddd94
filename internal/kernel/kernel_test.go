package kernel

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// What is written to a Disk is in the file, whoever else writes meanwhile.
func TestDisk(t *testing.T) {
	d, err := NewDisk()
	if err != nil {
		t.Skip(err)
	}
	defer d.Close()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := SetDirect(f.Fd(), true); err != nil {
		t.Skip(err)
	}
	const block, writers, each = 4096, 4, 20
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				p := Blocks(2 * block)
				n := w*each + i
				copy(p, bytes.Repeat([]byte{byte(n + 1)}, len(p)))
				if err := d.WriteAt(f.Fd(), p, int64(n*len(p))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, err := os.ReadFile(f.Name())
	if err != nil || len(all) != writers*each*2*block {
		t.Fatalf("%d bytes, %v", len(all), err)
	}
	for i, b := range all {
		if want := byte(i/(2*block) + 1); b != want {
			t.Fatalf("byte %d is %d, want %d", i, b, want)
		}
	}
	if err := d.WriteAt(f.Fd(), Blocks(2 * block)[1:100], 7); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a write that is no block: %v", err)
	}
	if err := d.WriteAt(^uintptr(0), Blocks(block), 0); err == nil {
		t.Error("a write to no file went well")
	}
	if err := d.WriteAt(f.Fd(), Blocks(block), 0); err != nil {
		t.Errorf("after an error: %v", err)
	}
}

// A socket carries what is more than the kernel takes at once, ends where the
// connection does, and heeds deadlines.
func TestSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	from, to := Socket(a), Socket(b)
	large := bytes.Repeat([]byte("0123456789"), 1<<20)
	var wg sync.WaitGroup
	wg.Go(func() {
		if n, err := from.Write(large); n != len(large) || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
	})
	got := make([]byte, len(large))
	if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, large) {
		t.Errorf("not what was written: %v", err)
	}
	wg.Wait()
	b.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := to.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
	b.SetReadDeadline(time.Time{})
	a.Close()
	if n, err := to.Read(got); n != 0 || err != io.EOF {
		t.Errorf("Read at the end = %d, %v", n, err)
	}
	if _, err := from.Write(large); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
}
