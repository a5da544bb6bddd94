package pack

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"github.com/klauspost/compress/flate"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxUnpacked is the most that a function's code may hold, in bytes.
const maxUnpacked = 250 << 20

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// A tree is files that make one archive.
type tree struct {
	files []treeFile // in order of their names
	size  int64
	name  string // its hash, if that is known
}

type treeFile struct {
	name string // in the archive
	path string
	mode fs.FileMode // of files: whether they can be run
	link string      // of links: where to
}

func isArchive(file string) bool {
	ext := filepath.Ext(file)
	return ext == ".zip" || ext == ".jar"
}

// treeOf returns what is in src, or src alone if it is a file. keep, which may be
// nil, says which files to take.
func treeOf(src string, keep func(name string) bool) (*tree, error) {
	t := &tree{}
	err := filepath.WalkDir(src, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if file != src && skipped(d) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(src, file)
		if err != nil || d.IsDir() {
			return err
		}
		if file == src {
			rel = filepath.Base(file)
		}
		name := filepath.ToSlash(rel)
		if keep != nil && !keep(name) {
			return nil
		}
		return t.add(src, file, name, d)
	})
	return t, err
}

func (t *tree) add(src, file, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	if t.size += info.Size(); t.size > maxUnpacked {
		return fmt.Errorf("%s: the code is over %d MB", src, maxUnpacked>>20)
	}
	f := treeFile{name: name, path: file, mode: 0o644 | info.Mode()&0o111}
	if d.Type()&fs.ModeSymlink != 0 {
		if f.link, err = linkWithin(src, file); err != nil {
			return err
		}
	} else if !d.Type().IsRegular() {
		return nil // sockets and devices are no code
	}
	t.files = append(t.files, f)
	return nil
}

// linkWithin returns where a link leads that stays within dir.
func linkWithin(dir, file string) (string, error) {
	to, err := os.Readlink(file)
	if err != nil {
		return "", err
	}
	target, err := filepath.Rel(dir, filepath.Join(filepath.Dir(file), to))
	if err != nil || filepath.IsAbs(to) || strings.HasPrefix(target, "..") {
		return "", fmt.Errorf("%s: links to %s, outside the code", file, to)
	}
	return to, nil
}

// named returns t, whose hash is known.
func (t *tree) named(hash string) *tree {
	if t != nil {
		t.name = hash
	}
	return t
}

// renamed calls a file something else.
func (t *tree) renamed(from, to string) {
	for i := range t.files {
		if t.files[i].name == from {
			t.files[i].name, t.name = to, ""
		}
	}
}

// hash names the content of the tree.
func (t *tree) hash() (string, error) {
	if t.name != "" {
		return t.name, nil
	}
	sum := sha256.New()
	for _, f := range t.files {
		fmt.Fprintf(sum, "%q %o %q ", f.name, f.mode, f.link)
		if f.link != "" {
			continue
		}
		own := sha256.New()
		if err := copyFile(own, f.path); err != nil {
			return "", err
		}
		sum.Write(own.Sum(nil))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func copyFile(to io.Writer, path string) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	_, err = io.Copy(to, from)
	return err
}

// zipsBegin is the first time that a zip can tell: tools that read the one it has
// without a time take it for a wrong one.
var zipsBegin = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// archive returns the tree as a zip, all of it of one time, so that equal trees
// make equal archives.
func (t *tree) archive(method uint16) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	for _, f := range t.files {
		h := &zip.FileHeader{Name: f.name, Method: method, Modified: zipsBegin}
		h.SetMode(f.mode)
		if f.link != "" {
			h.Method = zip.Store
			h.SetMode(0o777 | fs.ModeSymlink)
		}
		to, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if f.link != "" {
			_, err = io.WriteString(to, f.link)
		} else {
			err = copyFile(to, f.path)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// skipped are files that no function needs, and that change by themselves.
func skipped(d fs.DirEntry) bool {
	switch d.Name() {
	case ".git", ".aws-sam", ".aloft", ".DS_Store", "__pycache__", stampName:
		return true
	}
	return false
}
