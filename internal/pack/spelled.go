package pack

import (
	"os"
	"path/filepath"
	"strings"
)

// spelled returns where in dir a path leads. A name that is not there, but
// another is that differs in its case alone, is taken for that one, as the file
// systems of other desks do, where the template was written.
func spelled(dir, path string) string {
	whole := filepath.Join(dir, path)
	if _, err := os.Lstat(whole); err == nil {
		return whole
	}
	at := dir
	for name := range strings.SplitSeq(filepath.ToSlash(filepath.Clean(path)), "/") {
		next := filepath.Join(at, name)
		if _, err := os.Lstat(next); err != nil {
			if next = otherCase(at, name); next == "" {
				return whole
			}
		}
		at = next
	}
	return at
}

// otherCase returns the only file in dir whose name differs from name in its
// case alone.
func otherCase(dir, name string) (found string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if !strings.EqualFold(e.Name(), name) {
			continue
		}
		if found != "" {
			return ""
		}
		found = filepath.Join(dir, e.Name())
	}
	return found
}
