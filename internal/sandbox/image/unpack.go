package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/klauspost/compress/zstd"
)

// Limits are the most that the layers of an image may unpack to.
type Limits struct {
	Bytes   int64 // as they are inflated, whatever their headers say; 10 GB if 0
	Entries int   // a million if 0
}

// ErrTooBig says that an image unpacks to more than its limits.
var ErrTooBig = errors.New("the image unpacks to more than the limit")

const (
	maxBytes   = 10 << 30
	maxEntries = 1_000_000
	maxWindow  = 128 << 20 // bytes of memory for a layer's compression
)

// An Unpacker unpacks layers, one over the other.
type Unpacker struct {
	*Tree
	left    int64
	entries int
	buf     []byte

	seen map[string]bool // what this layer brought
	dirs map[string]fs.FileMode
}

// NewUnpacker begins to unpack an image to dir, which is empty. It must be closed.
func NewUnpacker(dir string, limits Limits) (*Unpacker, error) {
	if limits.Bytes == 0 {
		limits.Bytes = maxBytes
	}
	if limits.Entries == 0 {
		limits.Entries = maxEntries
	}
	t, err := OpenTree(dir)
	if err != nil {
		return nil, err
	}
	return &Unpacker{Tree: t, left: limits.Bytes, entries: limits.Entries, buf: make([]byte, 256<<10), dirs: make(map[string]fs.FileMode)}, nil
}

// Layer lays one more layer over what there is. It is a tar file, which may be
// compressed.
func (u *Unpacker) Layer(r io.Reader) error { return u.Below("", r) }

// Below lays the files of a tar file over what there is in dir.
func (u *Unpacker) Below(dir string, r io.Reader) error {
	plain, done, err := decompress(r)
	if err != nil {
		return err
	}
	defer done()
	u.seen = make(map[string]bool)
	in := tar.NewReader(plain)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: layer: %w", ErrFormat, err)
		}
		if u.entries--; u.entries < 0 {
			return ErrTooBig
		}
		if dir != "" {
			h.Name = path.Join(dir, path.Clean("/"+h.Name))
			if h.Typeflag == tar.TypeLink {
				h.Linkname = path.Join(dir, path.Clean("/"+h.Linkname))
			}
		}
		if err := u.entry(h, in); err != nil {
			return err
		}
	}
}

// Add lays one file, link or directory over what there is.
func (u *Unpacker) Add(h *tar.Header, in io.Reader) error {
	if u.seen == nil {
		u.seen = make(map[string]bool)
	}
	return u.entry(h, in)
}

// Directory makes a directory, unless there is one, also by a link.
func (u *Unpacker) Directory(name string) error {
	at, err := u.follow(name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return u.makeParents(at)
}

// Finish gives directories the modes that their layers say.
func (u *Unpacker) Finish() error {
	for name, mode := range u.dirs {
		if info, err := u.root.Lstat(name); err != nil || !info.IsDir() {
			continue // a later layer has something else
		}
		if err := u.root.Chmod(name, mode); err != nil {
			return refused(err)
		}
	}
	return nil
}

// decompress finds out how a layer is compressed.
func decompress(r io.Reader) (plain io.Reader, done func(), err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: layer: %w", ErrFormat, err)
		}
		return z, func() { z.Close() }, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, fmt.Errorf("%w: layer: %w", ErrFormat, err)
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}

// Names in layers that take away what lower ones have.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

func (u *Unpacker) entry(h *tar.Header, in io.Reader) error {
	name := path.Clean("/" + h.Name)[1:]
	if strings.ContainsRune(name, 0) {
		return fmt.Errorf("%w: name %q", ErrFormat, h.Name)
	}
	if name == "" {
		return nil
	}
	at, err := u.parent(name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if hidden, ok := strings.CutPrefix(path.Base(at), whiteout); ok {
		switch {
		case path.Base(at) == opaque:
			return u.hideBelow(path.Dir(at))
		case hidden == "" || hidden == "." || hidden == "..":
			return fmt.Errorf("%w: name %q", ErrFormat, h.Name)
		}
		return u.hide(path.Join(path.Dir(at), hidden))
	}
	if err := u.makeParents(path.Dir(at)); err != nil {
		return err
	}
	info, err := u.root.Lstat(at)
	if err == nil && (h.Typeflag != tar.TypeDir || !info.IsDir()) {
		err = u.root.RemoveAll(at)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refused(err)
	}
	for dir := at; dir != "." && !u.seen[dir]; dir = path.Dir(dir) {
		u.seen[dir] = true
	}
	mode := fs.FileMode(h.Mode & 0o777)
	err = nil
	switch h.Typeflag {
	case tar.TypeDir:
		err = u.root.Mkdir(at, 0o755)
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
		u.dirs[at] = mode | 0o700 // or we could not remove what is in it
	case tar.TypeReg:
		err = u.file(at, in, mode, h)
	case tar.TypeSymlink:
		err = u.root.Symlink(h.Linkname, at)
	case tar.TypeLink:
		err = u.link(h.Linkname, at)
	default: // devices and the like are nothing that a function could use
	}
	return refused(err)
}

// hide takes away what lower layers have at a path, and below it.
func (u *Unpacker) hide(at string) error {
	if !u.seen[at] {
		return refused(u.root.RemoveAll(at))
	}
	return u.hideBelow(at)
}

func (u *Unpacker) hideBelow(dir string) error {
	if info, err := u.root.Lstat(dir); err != nil || !info.IsDir() {
		return nil
	}
	list, err := fs.ReadDir(u.root.FS(), dir)
	for _, e := range list {
		err = errors.Join(err, u.hide(path.Join(dir, e.Name())))
	}
	return err
}

func (u *Unpacker) makeParents(dir string) error {
	if dir == "." {
		return nil
	}
	info, err := u.root.Lstat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil { // a file of a lower layer
		if err := u.root.RemoveAll(dir); err != nil {
			return refused(err)
		}
	}
	if err := u.makeParents(path.Dir(dir)); err != nil {
		return err
	}
	return refused(u.root.Mkdir(dir, 0o755))
}

func (u *Unpacker) file(at string, in io.Reader, mode fs.FileMode, h *tar.Header) error {
	out, err := u.root.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{io.LimitReader(in, u.left+1)}, u.buf)
	if u.left -= n; u.left < 0 {
		return ErrTooBig
	}
	if err == nil {
		err = out.Chmod(mode)
	}
	if err == nil {
		err = out.Close()
	}
	if err == nil && !h.ModTime.IsZero() {
		err = u.root.Chtimes(at, h.ModTime, h.ModTime) // by which Python knows what it has compiled
	}
	return err
}

// link makes a second name for a file of the image.
func (u *Unpacker) link(target, at string) error {
	from, err := u.parent(target)
	if err != nil {
		return err
	}
	info, err := u.root.Lstat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%w: hard link to a directory", ErrFormat)
	}
	return u.root.Link(from, at)
}

// refused tells what is wrong with the image from what is wrong with the host.
func refused(err error) error {
	if err == nil || errors.Is(err, ErrTooBig) || errors.Is(err, ErrFormat) {
		return err
	}
	for _, host := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, host) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}
