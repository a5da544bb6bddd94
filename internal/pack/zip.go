package pack

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxUnpacked is the most that a function's code may hold, in bytes.
const maxUnpacked = 250 << 20

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// archiveFile returns a file as an archive: itself if it is one, or a zip that
// holds it.
func archiveFile(file string) ([]byte, error) {
	if ext := filepath.Ext(file); ext == ".zip" || ext == ".jar" {
		return os.ReadFile(file)
	}
	return zipped(func(w *zip.Writer) error { return addFile(w, file, filepath.Base(file)) })
}

// archiveDir returns a zip of what is in dir, in order of its names and
// without times, so that equal content makes equal archives.
func archiveDir(dir string) ([]byte, error) {
	var size int64
	return zipped(func(w *zip.Writer) error {
		return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if skipped(d) && file != dir {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if d.IsDir() {
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if size += info.Size(); size > maxUnpacked {
				return fmt.Errorf("%s: the code is over %d MB", dir, maxUnpacked>>20)
			}
			rel, err := filepath.Rel(dir, file)
			if err != nil {
				return err
			}
			if d.Type()&fs.ModeSymlink != 0 {
				return addLink(w, dir, file, filepath.ToSlash(rel))
			}
			if !d.Type().IsRegular() {
				return nil // sockets and devices are no code
			}
			return addFile(w, file, filepath.ToSlash(rel))
		})
	})
}

func zipped(fill func(*zip.Writer) error) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	if err := fill(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func addFile(w *zip.Writer, file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(0o644 | info.Mode()&0o111)
	to, err := w.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, f)
	return err
}

// addLink keeps a link that stays within dir, as a link.
func addLink(w *zip.Writer, dir, file, name string) error {
	to, err := os.Readlink(file)
	if err != nil {
		return err
	}
	target, err := filepath.Rel(dir, filepath.Join(filepath.Dir(file), to))
	if err != nil || filepath.IsAbs(to) || strings.HasPrefix(target, "..") {
		return fmt.Errorf("%s: links to %s, outside the code", file, to)
	}
	h := &zip.FileHeader{Name: name}
	h.SetMode(0o777 | fs.ModeSymlink)
	out, err := w.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, to)
	return err
}
