package container

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/aloft-cloud/aloft/internal/dockerfile"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
)

// A copying is COPY or ADD.
type copying struct {
	from    *stage // nil: the context
	sources []string
	texts   []dockerfile.Here // in place of files, named as they are to be
	dest    string            // absolute
	isDir   bool              // dest is one, as it is written
	mode    fs.FileMode       // of files, if it is not 0
	ignore  dockerfile.Ignore // besides that of the context
	unpack  bool              // archives are unpacked
}

// copyFlags are those that mean something here, or change nothing: users of
// files are none, as functions run as nobody.
var copyFlags = map[string]bool{"from": true, "chmod": true, "chown": true, "link": true, "exclude": true}

// planCopy plans COPY or ADD.
func (b *builder) planCopy(s *stage, in dockerfile.Instruction) error {
	c := &copying{unpack: in.Name == "ADD"}
	for _, f := range in.Flags {
		if !copyFlags[f.Name] {
			return b.refuse(in, "Aloft builds without Docker and does not know %s --%s", in.Name, f.Name)
		}
		if f.Name == "exclude" {
			c.ignore = append(c.ignore, dockerfile.ParseIgnore(f.Value)...)
		}
	}
	if chmod := in.Flag("chmod"); chmod != "" {
		mode, err := strconv.ParseUint(chmod, 8, 9)
		if err != nil {
			return b.refuse(in, "--chmod=%s: Aloft builds without Docker and knows octal modes alone", chmod)
		}
		c.mode = fs.FileMode(mode)
	}
	words := in.Exec
	if words == nil {
		words = strings.Fields(in.Args)
	}
	for i, w := range words {
		expanded, err := b.file.Expand(w, s.lookup)
		if err != nil {
			return b.refuse(in, "%w", err)
		}
		words[i] = expanded
	}
	if len(words) < 2 {
		return b.refuse(in, "%s needs what to copy, and where to", in.Name)
	}
	last := words[len(words)-1]
	c.dest = absolute(s.config.Dir, last)
	c.isDir = strings.HasSuffix(last, "/") || last == "." || last == ".." || len(words) > 2
	for _, w := range words[:len(words)-1] {
		if err := b.source(s, in, c, w); err != nil {
			return err
		}
	}
	key, err := b.copyKey(s, in, c)
	if err != nil {
		return err
	}
	s.step(in, c, key...)
	return nil
}

// source adds what a word of COPY names.
func (b *builder) source(s *stage, in dockerfile.Instruction, c *copying, word string) error {
	switch {
	case strings.HasPrefix(word, "<<"):
		if len(c.texts) >= len(in.Heres) {
			return b.refuse(in, "%s is no document", word)
		}
		here := in.Heres[len(c.texts)]
		if !here.Plain {
			text, err := b.file.ExpandText(here.Text, s.lookup)
			if err != nil {
				return b.refuse(in, "%w", err)
			}
			here.Text = text
		}
		c.texts = append(c.texts, here)
	case strings.Contains(word, "://") || strings.HasPrefix(word, "git@"):
		return b.refuse(in, "Aloft builds without Docker and does not fetch %s", word)
	default:
		c.sources = append(c.sources, strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(word)), "/"))
	}
	return nil
}

// copyKey names what is copied: files of the context by what is in them, those
// of a stage by what makes it.
func (b *builder) copyKey(s *stage, in dockerfile.Instruction, c *copying) (key []any, err error) {
	key = []any{c.sources, c.texts, c.dest, c.isDir, c.mode, c.ignore}
	if name := in.Flag("from"); name != "" {
		if name, err = b.file.Expand(name, s.lookup); err != nil {
			return nil, b.refuse(in, "%w", err)
		}
		p := b.part(name)
		if p == nil {
			return nil, b.refuse(in, "Aloft builds without Docker and has no image %s to copy from. Install Docker or Podman, or push the image", name)
		}
		if c.from, err = b.plan(p); err != nil {
			return nil, err
		}
		return append(key, c.from.key), nil
	}
	sum, err := b.contextSum(c)
	if err != nil {
		return nil, b.refuse(in, "%w", err)
	}
	return append(key, sum), nil
}

// contextSum is the hash of what a copy takes from the context.
func (b *builder) contextSum(c *copying) (string, error) {
	t, err := image.OpenTree(b.cfg.Context)
	if err != nil {
		return "", err
	}
	defer t.Close()
	sum := sha256.New()
	for _, source := range c.sources {
		found, err := c.find(t, b.sieve(c), source)
		if err != nil {
			return "", err
		}
		for _, name := range found {
			err := each(t, name, b.sieve(c), func(h *tar.Header, r io.Reader) error {
				fmt.Fprintf(sum, "%q %q %o %c %q ", name, h.Name, h.Mode, h.Typeflag, h.Linkname)
				_, err := io.Copy(sum, r)
				return err
			})
			if err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// A sieve says which files are not there.
type sieve struct {
	out  func(name string) bool
	deep bool // what is below such a directory may be there
}

// everything is there.
var everything = sieve{out: func(string) bool { return false }}

// sieve says which files a copy leaves out, such as what .dockerignore names.
func (b *builder) sieve(c *copying) sieve {
	ignore := c.ignore
	if c.from == nil {
		ignore = slices.Concat(b.ignore, ignore)
	}
	return sieve{deep: ignore.Excepts(), out: func(name string) bool {
		return ignore.Has(name) || c.from == nil && path.Base(name) == ".aloft"
	}}
}

// find returns the files and directories that a source means, of which there is
// at least one.
func (c *copying) find(t *image.Tree, keep sieve, source string) ([]string, error) {
	if !strings.ContainsAny(source, "*?[") {
		at, err := t.Resolve(source)
		if err == nil {
			_, err = fs.Stat(t.FS(), at)
		}
		if err != nil || at != "." && keep.out(at) {
			return nil, fmt.Errorf("%s: %w", source, fs.ErrNotExist)
		}
		return []string{at}, nil
	}
	found, err := doublestar.Glob(t.FS(), source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	found = slices.DeleteFunc(found, keep.out)
	slices.Sort(found)
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", source, fs.ErrNotExist)
	}
	return found, nil
}

// each calls do for name and all that is below it, with names relative to it:
// its own is ".".
func each(t *image.Tree, name string, keep sieve, do func(h *tar.Header, r io.Reader) error) error {
	files := t.FS()
	return fs.WalkDir(files, name, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if at != name && keep.out(at) {
			if d.IsDir() && !keep.deep {
				return fs.SkipDir
			}
			return nil
		}
		h := &tar.Header{Name: strings.TrimPrefix(strings.TrimPrefix(at, name), "/"), Mode: int64(info.Mode().Perm()), ModTime: info.ModTime()}
		if name == "." {
			h.Name = at
		}
		if h.Name == "" {
			h.Name = "."
		}
		switch {
		case d.IsDir():
			h.Typeflag = tar.TypeDir
		case info.Mode()&fs.ModeSymlink != 0:
			h.Typeflag = tar.TypeSymlink
			if h.Linkname, err = fs.ReadLink(files, at); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			h.Typeflag, h.Size = tar.TypeReg, info.Size()
			f, err := files.Open(at)
			if err != nil {
				return err
			}
			defer f.Close()
			return do(h, f)
		default:
			return nil // sockets and devices are no files
		}
		return do(h, strings.NewReader(""))
	})
}

func (c *copying) do(_ context.Context, b *builder, s *stage) error {
	dir := b.cfg.Context
	if c.from != nil {
		dir = c.from.root
	}
	t, err := image.OpenTree(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	u, err := image.NewUnpacker(s.root, image.Limits{})
	if err != nil {
		return err
	}
	defer u.Close()
	for _, text := range c.texts {
		h := &tar.Header{Name: c.at(u, text.Name), Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text.Text))}
		if err := c.add(u, h, strings.NewReader(text.Text)); err != nil {
			return err
		}
	}
	for _, source := range c.sources {
		found, err := c.find(t, b.sieve(c), source)
		if err != nil {
			return err
		}
		for _, name := range found {
			if err := c.copy(u, t, name, path.Base("/"+source), b.sieve(c)); err != nil {
				return err
			}
		}
	}
	return u.Finish()
}

// at is where a file of that name goes.
func (c *copying) at(u *image.Unpacker, name string) string {
	if c.isDir || isDir(u.Tree, c.dest) {
		return path.Join(c.dest, name)
	}
	return c.dest
}

func isDir(t *image.Tree, name string) bool {
	at, err := t.Resolve(name)
	if err != nil {
		return false
	}
	info, err := fs.Stat(t.FS(), at)
	return err == nil && info.IsDir()
}

// copy copies one file, or what is in one directory. Asked is the name by which
// it was asked for, which a link may have led away from.
func (c *copying) copy(u *image.Unpacker, t *image.Tree, name, asked string, keep sieve) error {
	info, err := fs.Stat(t.FS(), name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		if err := u.Directory(c.dest); err != nil {
			return err
		}
		return each(t, name, keep, func(h *tar.Header, r io.Reader) error {
			if h.Name == "." {
				return nil
			}
			h.Name = path.Join(c.dest, h.Name)
			return c.add(u, h, r)
		})
	}
	if strings.ContainsAny(asked, "*?[") {
		asked = path.Base(name)
	}
	if c.unpack && isArchive(name) {
		f, err := t.FS().Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return u.Below(c.dest, f)
	}
	return each(t, name, keep, func(h *tar.Header, r io.Reader) error {
		h.Name = c.at(u, asked)
		return c.add(u, h, r)
	})
}

// isArchive says whether ADD unpacks a file.
func isArchive(name string) bool {
	for _, end := range []string{".tar", ".tar.gz", ".tgz", ".tar.zst"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// add lays one file over what there is. A directory that is there stays, also
// if a link leads to it.
func (c *copying) add(u *image.Unpacker, h *tar.Header, r io.Reader) error {
	if c.mode != 0 && h.Typeflag != tar.TypeSymlink {
		h.Mode = int64(c.mode)
	}
	if h.Typeflag == tar.TypeDir && isDir(u.Tree, h.Name) {
		return nil
	}
	return u.Add(h, r)
}

// clone copies all files of a directory to another, which is empty.
func clone(from, to string) error {
	t, err := image.OpenTree(from)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	u, err := image.NewUnpacker(to, image.Limits{})
	if err != nil {
		return err
	}
	defer u.Close()
	err = each(t, ".", everything, func(h *tar.Header, r io.Reader) error {
		if h.Name == "." {
			return nil
		}
		return u.Add(h, r)
	})
	return errors.Join(err, u.Finish())
}
