//go:build amd64 || arm64

package fence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ImageDirs and ImageFiles are what a directory must have, not as links, to be
// the root of processes: something is mounted there.
var (
	ImageDirs  = []string{"proc", "dev", "sys", "tmp", "mnt", strings.TrimPrefix(seenProc, "/")}
	ImageFiles = []string{"etc/passwd", "etc/hosts", "etc/resolv.conf"}
)

const devOptions = "mode=755,size=64k"

// NewImageRoot makes a root of a directory of the host, with what a program
// expects of a system, and binds, for all of which there must be places.
func (f *Fence) NewImageRoot(dir string, binds []Bind) (*Root, error) {
	if !f.can.namespaces {
		return nil, fmt.Errorf("%w: a container image cannot be run without namespaces", ErrIncomplete)
	}
	if err := f.writeEtc(); err != nil {
		return nil, err
	}
	for _, name := range etcFiles {
		binds = append(binds[:len(binds):len(binds)], Bind{Host: filepath.Join(f.cfg.Dir, name), Path: "/" + name})
	}
	base, err := os.MkdirTemp(f.cfg.Dir, "root-")
	if err != nil {
		return nil, err
	}
	return f.newRoot(base, func(base string) error { return f.buildImage(base, dir, binds) })
}

// etcFiles are those of rootFiles that every image has in place of its own.
var etcFiles = []string{"etc/hosts", "etc/resolv.conf"}

// writeEtc writes etcFiles once: they may be in use later.
func (f *Fence) writeEtc() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.etcWritten {
		return nil
	}
	for _, name := range etcFiles {
		if err := writeFile(filepath.Join(f.cfg.Dir, name), []byte(rootFiles[name])); err != nil {
			return err
		}
	}
	f.etcWritten = true
	return nil
}

func (f *Fence) buildImage(base, dir string, binds []Bind) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount(dir, base, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind image: %w", err)
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, base, 0, &unix.MountAttr{Attr_set: readOnly}); err != nil {
		return fmt.Errorf("make image read-only: %w", err)
	}
	if err := unix.Mount("aloft", base+"/dev", "tmpfs", unix.MS_NOSUID, devOptions); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	if err := f.fillDev(base); err != nil {
		return err
	}
	if err := os.Mkdir(base+"/dev/shm", 0o755); err != nil {
		return err
	}
	for name, target := range rootLinks {
		if strings.HasPrefix(name, "dev/") {
			if err := os.Symlink(target, filepath.Join(base, name)); err != nil {
				return err
			}
		}
	}
	if err := unix.Mount("", base+"/dev", "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID, devOptions); err != nil {
		return fmt.Errorf("make /dev read-only: %w", err)
	}
	for _, b := range binds {
		if err := bind(base, b); err != nil {
			return fmt.Errorf("bind %s: %w", b.Host, err)
		}
	}
	if !f.can.users {
		if err := unix.Mount("/proc", base+seenProc, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("bind /proc: %w", err)
		}
	}
	return pivot(base)
}
