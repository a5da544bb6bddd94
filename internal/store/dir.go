package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// makeDirs makes sure that dir and the directories in it are on disk.
func makeDirs(fs vfs.FS, dir string, names ...string) error {
	parents := []string{dir}
	for p := fs.PathDir(dir); ; p = fs.PathDir(p) {
		parents = append(parents, p)
		if _, err := fs.Stat(p); err == nil || p == fs.PathDir(p) {
			break
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("store: %w", err)
		}
	}
	for _, name := range names {
		// Nobody else may look: there are secrets in it.
		if err := fs.MkdirAll(fs.PathJoin(dir, name), 0o700); err != nil {
			return fmt.Errorf("store: make %s: %w", dir, err)
		}
	}
	for _, p := range parents {
		if err := syncDir(fs, p); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("store: open %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("store: sync %s: %w", dir, err)
	}
	return nil
}

// lock takes dir for this process.
func lock(fs vfs.FS, dir string) (*pebble.Lock, error) {
	l, err := pebble.LockDirectory(dir, fs)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return nil, fmt.Errorf("store: another process is using %s", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("store: lock %s: %w", dir, err)
	}
	return l, nil
}
