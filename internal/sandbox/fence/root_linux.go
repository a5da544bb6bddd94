//go:build amd64 || arm64

package fence

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A Root is a file system that processes start with: a small read-only one,
// into which directories of the host are bound. It is a mount namespace of its
// own, so a process that copies it copies a dozen mounts and not the host's.
type Root struct {
	ns  int // the mount namespace
	top int // its root directory, for Landlock
	dev int // its /dev

	// Where there are no namespaces:
	dir   string // with the files
	binds []Bind // what processes may read
}

// hostBinds are what programs of the host need of it.
var hostBinds = []Bind{
	{Host: "/usr", Path: "/usr"},
	{Host: "/etc/ssl", Path: "/etc/ssl"},
	{Host: "/etc/pki", Path: "/etc/pki"},
	{Host: "/etc/ca-certificates", Path: "/etc/ca-certificates"},
	{Host: "/etc/alternatives", Path: "/etc/alternatives"},
	{Host: "/etc/ld.so.cache", Path: "/etc/ld.so.cache"},
	{Host: "/etc/ld.so.conf", Path: "/etc/ld.so.conf"},
	{Host: "/etc/ld.so.conf.d", Path: "/etc/ld.so.conf.d"},
	{Host: "/usr/share/zoneinfo/UTC", Path: "/etc/localtime"},
}

var rootDirs = []string{"home/sbx_user1051", "usr", "etc", "dev/shm", "proc", "sys", "tmp", "opt", "var/task", "var/runtime", "var/lang", "run", "mnt"}

// Lines of /etc/passwd. The second is for the user of a process.
const (
	rootUser     = "root:x:0:0:root:/root:/sbin/nologin\n"
	functionUser = "sbx_user1051:x:%d:%d::/home/sbx_user1051:/sbin/nologin\n"
)

// rootFiles are what a small system has in /etc.
var rootFiles = map[string]string{
	"etc/passwd":        rootUser,
	"etc/group":         "root:x:0:\nsbx_user1051:x:990:\n",
	"etc/hosts":         "127.0.0.1 localhost sandbox.localdomain sandbox\n::1 localhost\n",
	"etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
	"etc/resolv.conf":   "nameserver 127.0.0.1\n",
}

var rootLinks = map[string]string{
	// Modules of JavaScript are looked for in the directories above their own.
	"var/node_modules": "/opt/nodejs/node_modules",
	"node_modules":     "/var/runtime/node_modules",

	"dev/fd":     "/proc/self/fd",
	"dev/stdin":  "/proc/self/fd/0",
	"dev/stdout": "/proc/self/fd/1",
	"dev/stderr": "/proc/self/fd/2",
}

// devices are the ones that a process sees.
var devices = map[string][2]uint32{"null": {1, 3}, "zero": {1, 5}, "full": {1, 7}, "random": {1, 8}, "urandom": {1, 9}}

// seenProc shows the host's processes to the kernel, which without root lets
// us mount a new /proc only beside one that is seen. A process starts without it.
const seenProc = "/.proc"

const rootOptions = "mode=755,size=16m"

// NewRoot makes a root with binds and files, which are named by their path.
func (f *Fence) NewRoot(binds []Bind, files map[string][]byte) (*Root, error) {
	base, err := os.MkdirTemp(f.cfg.Dir, "root-")
	if err != nil {
		return nil, err
	}
	if !f.can.namespaces {
		return openRoot(base, binds, files)
	}
	return f.newRoot(base, func(base string) error { return f.buildRoot(base, binds, files) })
}

// newRoot makes a root that build puts together at base, an empty directory.
func (f *Fence) newRoot(base string, build func(base string) error) (_ *Root, err error) {
	defer os.Remove(base)
	r := &Root{ns: -1, top: -1, dev: -1}
	t := newThread(f.cfg.Group)
	defer t.end()
	err = t.do(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		unix.Umask(0o022) // of this thread: it shares no more with the others
		if r.ns, err = openNamespace("mnt"); err != nil {
			return err
		}
		if err := build(base); err != nil {
			return err
		}
		if r.top, err = unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
			r.dev, err = unix.Open("/dev", unix.O_PATH|unix.O_CLOEXEC, 0)
		}
		return err
	})
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("make a root: %w", err)
	}
	return r, nil
}

// openRoot is what a root is without namespaces: a directory with files.
func openRoot(base string, binds []Bind, files map[string][]byte) (*Root, error) {
	for name, content := range files {
		if err := writeFile(filepath.Join(base, name), content); err != nil {
			return nil, err
		}
	}
	return &Root{ns: -1, top: -1, dev: -1, dir: base, binds: append(binds, Bind{Host: base})}, nil
}

// Path is where a process finds the file that NewRoot was given as name.
func (r *Root) Path(name string) string { return filepath.Join("/", r.dir, name) }

// Confined says that processes see this root and not the host's.
func (r *Root) Confined() bool { return r.ns >= 0 }

// Close lets go of the root. Processes that have it keep it.
func (r *Root) Close() {
	for _, fd := range []*int{&r.ns, &r.top, &r.dev} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
	if r.dir != "" {
		os.RemoveAll(r.dir)
	}
}

func (f *Fence) buildRoot(base string, binds []Bind, files map[string][]byte) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("aloft", base, "tmpfs", unix.MS_NOSUID, rootOptions); err != nil {
		return fmt.Errorf("mount root: %w", err)
	}
	if err := f.fillRoot(base, files); err != nil {
		return err
	}
	all := hostBinds
	for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64"} {
		if target, err := os.Readlink(dir); err == nil {
			if err := os.Symlink(target, base+dir); err != nil {
				return err
			}
		} else {
			all = append(all[:len(all):len(all)], Bind{Host: dir, Path: dir})
		}
	}
	for _, b := range append(all[:len(all):len(all)], binds...) {
		if err := bind(base, b); err != nil {
			return fmt.Errorf("bind %s: %w", b.Host, err)
		}
	}
	if !f.can.users {
		if err := os.Mkdir(base+seenProc, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("/proc", base+seenProc, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("bind /proc: %w", err)
		}
	}
	if err := unix.Mount("", base, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID, rootOptions); err != nil {
		return fmt.Errorf("make root read-only: %w", err)
	}
	return pivot(base)
}

// pivot makes base the root of this thread, and lets go of the old one.
func pivot(base string) error {
	if err := unix.Chdir(base); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil { // the old one is on top then
		return fmt.Errorf("pivot: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return unix.Chdir("/")
}

func (f *Fence) fillRoot(base string, files map[string][]byte) error {
	for _, d := range rootDirs {
		if err := os.MkdirAll(filepath.Join(base, d), 0o755); err != nil {
			return err
		}
	}
	for name, content := range rootFiles {
		if err := writeFile(filepath.Join(base, name), []byte(content)); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := writeFile(filepath.Join(base, name), content); err != nil {
			return err
		}
	}
	for name, target := range rootLinks {
		if err := os.Symlink(target, filepath.Join(base, name)); err != nil {
			return err
		}
	}
	return f.fillDev(base)
}

// fillDev makes the devices of a root.
func (f *Fence) fillDev(base string) error {
	for name, d := range devices {
		p := filepath.Join(base, "dev", name)
		if !f.can.users { // who cannot make them
			if err := writeFile(p, nil); err != nil {
				return err
			}
			if err := unix.Mount("/dev/"+name, p, "", unix.MS_BIND, ""); err != nil {
				return fmt.Errorf("bind /dev/%s: %w", name, err)
			}
			continue
		}
		if err := unix.Mknod(p, unix.S_IFCHR|0o666, int(unix.Mkdev(d[0], d[1]))); err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		if err := os.Chmod(p, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// writeFile makes a file that everyone can read, and the directories above it.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return err
	}
	return os.Chmod(path, 0o644)
}

// bind puts a file or directory of the host below base, read-only. One that the
// host lacks is left out.
func bind(base string, b Bind) error {
	st, err := os.Stat(b.Host)
	if err != nil {
		return nil
	}
	path := filepath.Join(base, b.Path)
	there, err := os.Lstat(path)
	switch {
	case err == nil && there.IsDir() == st.IsDir() && there.Mode()&os.ModeSymlink == 0: // it is covered
	case err == nil:
		return nil
	case st.IsDir():
		err = os.MkdirAll(path, 0o755)
	default:
		err = writeFile(path, nil)
	}
	if err != nil {
		if b.Optional {
			return nil
		}
		return err
	}
	// With what is mounted below it: without root the kernel shows no part of a
	// tree that would uncover something.
	if err := unix.Mount(b.Host, path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, path, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: readOnly})
}
