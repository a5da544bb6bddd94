// Package unzip unpacks zip files of strangers: nothing is written outside the
// directory it is given, whatever the names, links and sizes in the file say.
package unzip

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// Limits are the most that a zip file may unpack to.
type Limits struct {
	Bytes   int64 // as they are inflated, whatever the headers say; 250 MB if 0
	Entries int   // 100,000 if 0
}

var (
	// ErrTooBig says that a file unpacks to more than its limits.
	ErrTooBig = errors.New("unzipped size is over the limit")

	// ErrFormat says that a file is no zip file, a broken one, or holds what
	// cannot be unpacked.
	ErrFormat = errors.New("not a zip file that can be unpacked")
)

const (
	maxBytes   = 262144000
	maxEntries = 100_000
	maxLink    = 4096 // bytes of a link's target
)

// Extract unpacks the zip file r of size bytes into dir, which exists and is
// empty. After an error dir holds some of the files. Files and directories can
// be read by everyone: who may reach dir is said by its parents.
func Extract(r io.ReaderAt, size int64, dir string, limits Limits) error {
	if limits.Bytes == 0 {
		limits.Bytes = maxBytes
	}
	if limits.Entries == 0 {
		limits.Entries = maxEntries
	}
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(z.File) > limits.Entries {
		return fmt.Errorf("%w: %d entries", ErrTooBig, len(z.File))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	x := extractor{root: root, left: limits.Bytes, dirs: map[string]bool{".": true}, buf: make([]byte, 64<<10)}
	for _, f := range z.File {
		if err := x.entry(f); err != nil {
			return err
		}
	}
	return x.makeLinks()
}

// An extractor unpacks one file.
type extractor struct {
	root  *os.Root
	left  int64           // bytes that may still be written
	dirs  map[string]bool // that were made
	links []link
	buf   []byte
}

type link struct{ name, target string }

func (x *extractor) entry(f *zip.File) error {
	name := path.Clean(strings.ReplaceAll(f.Name, `\`, "/"))
	if name == "." {
		return nil
	}
	if !fs.ValidPath(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%w: bad path %q", ErrFormat, f.Name)
	}
	if f.Flags&1 != 0 {
		return fmt.Errorf("%w: %q is encrypted", ErrFormat, f.Name)
	}
	mode := f.Mode()
	if mode.IsDir() || strings.HasSuffix(f.Name, "/") {
		return x.mkdir(name)
	}
	if err := x.mkdir(path.Dir(name)); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %q: %w", ErrFormat, f.Name, err)
	}
	defer in.Close()
	switch {
	case mode&fs.ModeSymlink != 0:
		target, err := io.ReadAll(io.LimitReader(in, maxLink+1))
		if err != nil || len(target) == 0 || len(target) > maxLink || strings.ContainsRune(string(target), 0) {
			return fmt.Errorf("%w: %q: bad link", ErrFormat, f.Name)
		}
		// Links come last, so that nothing is written through one.
		x.links = append(x.links, link{name, string(target)})
		return nil
	case !mode.IsRegular():
		return fmt.Errorf("%w: %q is neither file nor directory", ErrFormat, f.Name)
	}
	return x.file(name, in, mode)
}

func (x *extractor) file(name string, in io.Reader, mode fs.FileMode) error {
	out, err := x.root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return refused(err)
	}
	defer out.Close()
	// CopyBuffer uses buf only for a reader and a writer that have no way of their own.
	n, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{io.LimitReader(in, x.left+1)}, x.buf)
	if x.left -= n; x.left < 0 {
		return ErrTooBig
	}
	if err != nil {
		return refused(err)
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	if err := out.Chmod(perm); err != nil {
		return err
	}
	return out.Close()
}

// mkdir makes a directory and those above it, for all to read.
func (x *extractor) mkdir(name string) error {
	if x.dirs[name] {
		return nil
	}
	if err := x.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := x.root.Mkdir(name, 0o755); err != nil {
		return refused(err)
	}
	x.dirs[name] = true
	return x.root.Chmod(name, 0o755)
}

func (x *extractor) makeLinks() error {
	for _, l := range x.links {
		if err := x.root.Symlink(l.target, l.name); err != nil {
			return refused(err)
		}
	}
	return nil
}

// refused tells what is wrong with the zip file from what is wrong with the host.
func refused(err error) error {
	for _, host := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, host) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}
