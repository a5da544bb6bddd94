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
	if source := builtOf(whole); source != "" {
		return source
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

// builtTemplate is where `sam build` leaves the template of an application.
var builtTemplate = filepath.Join(".aws-sam", "build", "template.yaml")

// builtOf returns the template of which `sam build` makes a file that is not
// there: what it names is built when it is packed.
func builtOf(file string) string {
	dir, ok := strings.CutSuffix(file, string(filepath.Separator)+builtTemplate)
	if !ok {
		return ""
	}
	for _, name := range templateNames {
		if exists(dir, name) {
			return filepath.Join(dir, name)
		}
	}
	return ""
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
