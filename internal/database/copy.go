package database

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ownerFile names the database whose user owns the files, if it is another: a copy's.
const ownerFile = "owner"

// owner is the database whose user owns the files of one.
func (f *Fleet) owner(id string) string {
	if name, err := os.ReadFile(filepath.Join(f.dir(id), ownerFile)); err == nil {
		return string(name)
	}
	return id
}

// Copy makes a database that is as another is. Its server is ended for that, and who
// connects meanwhile waits. A copy that is there is left as it is.
func (f *Fleet) Copy(ctx context.Context, from, to string) error {
	if f.Has(to) {
		return nil
	}
	if !f.Has(from) {
		return fs.ErrNotExist
	}
	thaw, err := f.freeze(ctx, from)
	if err != nil {
		return err
	}
	defer thaw()
	if err := f.Remove(to); err != nil {
		return err
	}
	if err := os.MkdirAll(f.dir(to), 0o755); err != nil {
		return err
	}
	f.Stop(from)
	if err := copyTree(ctx, f.dataDir(from), f.dataDir(to)); err != nil {
		return err
	}
	password, err := os.ReadFile(filepath.Join(f.dir(from), adminFile))
	if err != nil {
		return err
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(f.dir(to), adminFile), password, 0o600),
		os.WriteFile(filepath.Join(f.dir(to), ownerFile), []byte(f.owner(from)), 0o600),
		flush(f.dir(to)),
	)
	if err != nil {
		return err
	}
	return f.mark(to)
}

// freeze has nobody be connected with a database until thaw is called.
func (f *Fleet) freeze(ctx context.Context, id string) (thaw func(), err error) {
	for {
		f.mu.Lock()
		frozen := f.frozen[id]
		if frozen == nil {
			frozen = make(chan struct{})
			f.frozen[id] = frozen
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				delete(f.frozen, id)
				close(frozen)
			}, nil
		}
		f.mu.Unlock()
		if err := wait(ctx, frozen); err != nil {
			return nil, err
		}
	}
}

// thawed waits until a database may be connected with.
func (f *Fleet) thawed(ctx context.Context, id string) error {
	f.mu.Lock()
	frozen := f.frozen[id]
	f.mu.Unlock()
	if frozen == nil {
		return nil
	}
	return wait(ctx, frozen)
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// copyTree copies a directory, with the owners of what is in it.
func copyTree(ctx context.Context, from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		made := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case d.IsDir():
			err = os.Mkdir(made, 0o700)
		case d.Type() == fs.ModeSymlink:
			var target string
			if target, err = os.Readlink(path); err == nil {
				err = os.Symlink(target, made)
			}
		case d.Type().IsRegular():
			err = copyFile(path, made)
		default:
			return nil // a socket
		}
		if err == nil {
			err = own(made, info)
		}
		if err == nil && d.Type() != fs.ModeSymlink {
			err = os.Chmod(made, info.Mode().Perm())
		}
		return err
	})
}

func copyFile(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}
