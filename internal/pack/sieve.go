package pack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// A sieve chooses files by patterns, of which the last that matches counts. A
// file that none matches is chosen.
type sieve struct{ patterns []string }

func newSieve(patterns []string) (*sieve, error) {
	s := &sieve{}
	for _, p := range patterns {
		bare, negated := strings.CutPrefix(p, "!")
		bare = strings.TrimPrefix(bare, "./")
		if strings.HasPrefix(bare, "../") {
			if negated {
				continue // nothing from there would be in it
			}
			return nil, fmt.Errorf("pattern %q: files outside the application are not packed", p)
		}
		if strings.Contains(bare, "!(") || !doublestar.ValidatePattern(bare) {
			return nil, fmt.Errorf("pattern %q is of a form that Aloft does not know", p)
		}
		if negated {
			bare = "!" + bare
		}
		s.patterns = append(s.patterns, bare)
	}
	return s, nil
}

func (s *sieve) has(name string) bool {
	for _, p := range slices.Backward(s.patterns) {
		bare, negated := strings.CutPrefix(p, "!")
		if doublestar.MatchUnvalidated(bare, name) {
			return !negated
		}
	}
	return true
}

// chosen says whether a pattern asks for a file, where none is taken unasked.
func (s *sieve) chosen(name string) bool {
	for _, p := range slices.Backward(s.patterns) {
		bare, negated := strings.CutPrefix(p, "!")
		if doublestar.MatchUnvalidated(bare, name) {
			return !negated
		}
	}
	return false
}

const maxFiles = 100_000 // in an archive

// follow adds the files below dir, under prefix, that keep has. Unlike those of
// SAM, archives of the framework hold what links lead to.
func (t *tree) follow(dir, prefix string, keep func(name string) bool) error {
	return t.followInto(dir, prefix, nil, keep)
}

func (t *tree) followInto(dir, prefix string, around []string, keep func(name string) bool) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if slices.Contains(around, real) {
		return nil // a link back to where we come from
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if skipped(e) || e.Name() == ".serverless" {
			continue
		}
		file, name := filepath.Join(real, e.Name()), path.Join(prefix, e.Name())
		info, err := os.Stat(file)
		switch {
		case err != nil: // a link that leads nowhere
		case info.IsDir():
			err = t.followInto(file, name, append(around, real), keep)
			if err != nil {
				return err
			}
		case info.Mode().IsRegular() && keep(name):
			if t.size += info.Size(); t.size > maxUnpacked {
				return fmt.Errorf("the code is over %d MB", maxUnpacked>>20)
			}
			if len(t.files) >= maxFiles {
				return fmt.Errorf("the code has over %d files", maxFiles)
			}
			t.files = append(t.files, treeFile{name: name, path: file, mode: 0o644 | info.Mode()&0o111})
		}
	}
	return nil
}

// ordered sorts the files by name; of those of one name the last counts.
func (t *tree) ordered() (*tree, error) {
	slices.Reverse(t.files)
	slices.SortStableFunc(t.files, func(a, b treeFile) int { return cmp.Compare(a.name, b.name) })
	t.files = slices.CompactFunc(t.files, func(a, b treeFile) bool { return a.name == b.name })
	return t, nil
}

// developmentModules returns the directories of modules that only development
// needs, as npm noted when it installed them.
func developmentModules(dir string) map[string]bool {
	dev := make(map[string]bool)
	body, err := os.ReadFile(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err != nil {
		return dev // not installed by npm; all are packed
	}
	var lock struct {
		Packages map[string]struct{ Dev, DevOptional bool }
	}
	if json.Unmarshal(body, &lock) != nil {
		return dev
	}
	for name, p := range lock.Packages {
		if p.Dev {
			dev[name] = true
		}
	}
	if len(dev) > 0 {
		dev["node_modules/.bin"] = true
	}
	return dev
}

// belongsTo says whether a file is in one of the directories.
func belongsTo(dirs map[string]bool, name string) bool {
	if len(dirs) == 0 {
		return false
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if dirs[dir] {
			return true
		}
	}
	return false
}
