package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// A Tree is the directory that an image is unpacked to. Links in it mean what
// they mean to programs that have it as their root.
type Tree struct{ root *os.Root }

// OpenTree opens an image that was unpacked to dir. It must be closed.
func OpenTree(dir string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Tree{root}, nil
}

// Close closes t.
func (t *Tree) Close() error { return t.root.Close() }

// maxLinks is how many links a path may lead over.
const maxLinks = 40

var errLoop = errors.New("too many links")

// parent returns where the last element of name is, with no link in it: name
// is relative to the root, and its directory need not exist.
func (t *Tree) parent(name string) (string, error) {
	dir, base := path.Split(path.Clean("/" + name))
	dir, err := t.follow(dir)
	return path.Join(dir, base), err
}

// Resolve returns what name is when all links are followed, relative to the
// root: "." is the root itself.
func (t *Tree) Resolve(name string) (string, error) { return t.follow(name) }

func (t *Tree) follow(name string) (string, error) {
	rest := strings.Split(name, "/")
	at := "."
	for links := 0; len(rest) > 0; {
		element := rest[0]
		rest = rest[1:]
		switch element {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at) // that of "." is itself
			continue
		}
		next := path.Join(at, element)
		target, err := t.root.Readlink(next)
		if err != nil { // no link, or not there
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: %w", name, errLoop)
		}
		if path.IsAbs(target) {
			at = "."
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, nil
}

// LookPath finds the program that name means in an image, as a shell does: by
// the directories of list, if it has no slash. It returns its absolute path,
// or "" if there is none.
func (t *Tree) LookPath(name, dir, list string) string {
	candidates := []string{path.Join("/", dir, name)}
	if path.IsAbs(name) {
		candidates[0] = path.Clean(name)
	}
	if !strings.Contains(name, "/") {
		candidates = nil
		for _, d := range strings.Split(list, ":") {
			candidates = append(candidates, path.Join("/", d, name))
		}
	}
	for _, c := range candidates {
		at, err := t.follow(c)
		if err != nil {
			continue
		}
		if info, err := t.root.Stat(at); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return c
		}
	}
	return ""
}

// FS is what t holds, for names that Resolve returns.
func (t *Tree) FS() fs.FS { return t.root.FS() }

// ReadDir lists a directory of the image; it is empty if there is none.
func (t *Tree) ReadDir(name string) []fs.DirEntry {
	at, err := t.follow(name)
	if err != nil {
		return nil
	}
	list, _ := fs.ReadDir(t.root.FS(), at)
	return list
}

// IsDir says whether there is a directory, to which no link leads.
func (t *Tree) IsDir(name string) bool {
	for at := path.Clean(name); at != "."; at = path.Dir(at) {
		if info, err := t.root.Lstat(at); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// Move moves a directory to a place that is made for it.
func (t *Tree) Move(from, to string) error {
	if err := t.Place(to, true); err != nil {
		return err
	}
	if err := t.root.Remove(to); err != nil {
		return err
	}
	return t.root.Rename(from, to)
}

// Place makes sure that there is a directory, or else a file, that is no link
// and that no link leads to, so that something can be mounted there.
func (t *Tree) Place(name string, directory bool) error {
	if parent := path.Dir(name); parent != "." {
		if err := t.Place(parent, true); err != nil {
			return err
		}
	}
	info, err := t.root.Lstat(name)
	if err == nil && info.IsDir() == directory && (directory || info.Mode().IsRegular()) {
		return nil
	}
	if err == nil {
		if err := t.root.RemoveAll(name); err != nil {
			return err
		}
	}
	if directory {
		return t.root.Mkdir(name, 0o755)
	}
	return t.root.WriteFile(name, nil, 0o644)
}
