package database

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ulikunitz/xz"

	"github.com/aloft-cloud/aloft/internal/maven"
)

const (
	fetchLimit = 10 * time.Minute
	maxProgram = 1 << 30 // bytes of one, unpacked
)

// ErrNoProgram says that the program of a server cannot be had.
var ErrNoProgram = errors.New("the database server cannot be had")

// A program is what serves databases of one engine and version.
type program struct {
	name   string // and version: "PostgreSQL 17.11"
	dir    string // in the cache
	file   maven.File
	unpack func(jar, dir string) error
}

// platform is what this host is called in tables of programs.
var platform = runtime.GOOS + "-" + runtime.GOARCH

// program returns the directory with the programs that serve a database, which
// are fetched when they are not there.
func (f *Fleet) program(ctx context.Context, db *Database) (string, error) {
	p, err := db.Engine.program(db.Version)
	if err != nil {
		return "", err
	}
	if f.cfg.Cache == "" {
		return "", fmt.Errorf("%w: nothing may be fetched", ErrNoProgram)
	}
	dir := filepath.Join(f.cfg.Cache, "databases", p.dir)
	there := func() bool {
		_, err := os.Stat(dir)
		return err == nil
	}
	if there() {
		return dir, nil
	}
	select {
	case f.fetching <- struct{}{}:
		defer func() { <-f.fetching }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if there() { // who fetched before us may have fetched it
		return dir, nil
	}
	f.cfg.Tell(fmt.Sprintf("Fetching %s, this once", p.name))
	began := time.Now()
	if err := p.fetch(ctx, dir); err != nil {
		return "", fmt.Errorf("%w: %s could not be fetched: %w", ErrNoProgram, p.name, err)
	}
	f.cfg.Tell(fmt.Sprintf("Fetched %s in %d s", p.name, int(time.Since(began).Seconds())))
	return dir, nil
}

// fetch makes dir in one step, so that half of it is never found.
func (p *program) fetch(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".part-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	if err := p.file.Fetch(ctx, temp); err != nil {
		return err
	}
	made := filepath.Join(temp, "made")
	if err := os.Mkdir(made, 0o755); err != nil {
		return err
	}
	if err := p.unpack(filepath.Join(temp, p.file.Name()), made); err != nil {
		return fmt.Errorf("unpack %s: %w", p.file.Name(), err)
	}
	err = os.Rename(made, dir)
	if errors.Is(err, fs.ErrExist) { // somebody else was faster
		return nil
	}
	return err
}

// unpackTar unpacks the tar file, compressed by xz, that is in a jar.
func unpackTar(jar, dir string) error {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, entry := range z.File {
		if path.Ext(entry.Name) != ".txz" {
			continue
		}
		r, err := entry.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		x, err := xz.NewReader(r)
		if err != nil {
			return err
		}
		return untar(root, tar.NewReader(io.LimitReader(x, maxProgram)))
	}
	return errors.New("no archive in it")
}

// untar writes files, directories and links, as everybody may read them.
func untar(root *os.Root, r *tar.Reader) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeSymlink:
			err = root.Symlink(h.Linkname, name)
		case tar.TypeReg:
			err = write(root, name, h.FileInfo().Mode().Perm()|0o444, r)
		}
		if err != nil {
			return err
		}
	}
}

// write writes a file, and makes the directories above it.
func write(root *os.Root, name string, mode fs.FileMode, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	w, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}
