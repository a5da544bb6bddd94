//go:build amd64 || arm64

package fence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const readOnly = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

// open makes m as a mount that is not yet anywhere. The caller closes it.
func (m Mount) open() (int, error) {
	if len(m.Hosts) > 1 {
		return m.overlay()
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, m.Hosts[0], unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", m.Hosts[0], err)
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: readOnly}); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("make %s read-only: %w", m.Hosts[0], err)
	}
	return fd, nil
}

// overlay lays the directories over each other. They are named by descriptors:
// the kernel takes an option of 255 bytes, in which their paths need not fit.
func (m Mount) overlay() (int, error) {
	var lower []string
	for _, dir := range slices.Backward(m.Hosts) { // the first is on top
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, fmt.Errorf("open %s: %w", dir, err)
		}
		defer unix.Close(fd)
		lower = append(lower, "/proc/self/fd/"+strconv.Itoa(fd))
	}
	return mountFS("overlay", readOnly, "lowerdir", strings.Join(lower, ":"))
}

// tmpfs makes an empty file system of at most mb megabytes, for all to write.
func tmpfs(mb int) (int, error) {
	return mountFS("tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV,
		"size", strconv.Itoa(mb)+"m", "mode", "1777", "nr_inodes", strconv.Itoa(max(10_000, mb*128)))
}

// mountFS makes a mount of a new file system that is not yet anywhere.
func mountFS(kind string, attr int, options ...string) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("make %s: %w", kind, err)
	}
	defer unix.Close(fs)
	for i := 0; i < len(options); i += 2 {
		if err := unix.FsconfigSetString(fs, options[i], options[i+1]); err != nil {
			return -1, fmt.Errorf("set %s of %s: %w", options[i], kind, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("make %s: %w", kind, err)
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attr)
}
