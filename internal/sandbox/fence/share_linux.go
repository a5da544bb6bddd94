//go:build amd64 || arm64

package fence

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// sharesDir is where processes see shares: a small file system of its own, with
// a place for the one that they have.
const sharesDir = "/mnt"

// firstShareUser is where the users of shares begin: no worker has one of them
// that has no share.
const firstShareUser = firstUser + 4096*userRange

// user is the user of all processes that have the share: what one of them
// makes, the others can read and write.
func (s *Share) user() int { return firstShareUser + int(crc32.ChecksumIEEE([]byte(s.Name))>>4) }

// open opens the directory that is shared, and makes it if it is not there.
// Processes may have put links anywhere below Root: they lead nowhere else.
func (s *Share) open(own bool) (*os.File, error) {
	root, err := os.OpenRoot(s.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	steps := strings.Split(strings.Trim(path.Clean("/"+s.Dir), "/"), "/")
	for i := range steps {
		dir := filepath.Join(".", filepath.Join(steps[:i+1]...))
		err := root.Mkdir(dir, 0o755)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if own && (err == nil || dir == ".") {
			if err := root.Lchown(dir, s.user(), s.user()); err != nil {
				return nil, err
			}
		}
	}
	return root.Open(filepath.Join(append([]string{"."}, steps...)...))
}

// share mounts a share, below a directory that is the process's own.
func (l *launch) share(f *Fence, s *Share) error {
	name, inside := strings.CutPrefix(s.Path, sharesDir+"/")
	if !inside || name == "" || strings.Contains(name, "/") || name == "." || name == ".." {
		return fmt.Errorf("%s is no place for a share", s.Path)
	}
	dir, err := s.open(f.can.users)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrShare, err)
	}
	defer dir.Close()
	shares, err := l.hold(mountFS("tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV, "size", "4k", "mode", "755"))
	if err != nil {
		return err
	}
	if err := unix.Mkdirat(shares, name, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", s.Path, err)
	}
	if err := unix.MountSetattr(shares, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: readOnly}); err != nil {
		return fmt.Errorf("make %s read-only: %w", sharesDir, err)
	}
	fd, err := l.hold(unix.OpenTree(int(dir.Fd()), "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrShare, err)
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}); err != nil {
		return fmt.Errorf("%w: %w", ErrShare, err)
	}
	l.move(shares, sharesDir)
	l.move(fd, s.Path)
	l.writable = append(l.writable, fd)
	return nil
}
