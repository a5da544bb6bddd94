package dockerfile

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Ignore says which files of a context are none of a build's, as .dockerignore
// does: the last pattern that matches a file, or a directory above it, counts.
type Ignore []ignored

type ignored struct {
	pattern string
	keep    bool
}

// ParseIgnore reads a .dockerignore.
func ParseIgnore(text string) Ignore {
	var all Ignore
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		var one ignored
		if rest, ok := strings.CutPrefix(line, "!"); ok {
			one.keep, line = true, strings.TrimSpace(rest)
		}
		one.pattern = path.Clean(strings.TrimPrefix(strings.ReplaceAll(line, `\`, "/"), "/"))
		if one.pattern != "." && doublestar.ValidatePattern(one.pattern) {
			all = append(all, one)
		}
	}
	return all
}

// Excepts says whether files may be kept that are in directories left out.
func (all Ignore) Excepts() bool {
	for _, one := range all {
		if one.keep {
			return true
		}
	}
	return false
}

// Has says whether a file of the context is left out.
func (all Ignore) Has(name string) bool {
	out := false
	for _, one := range all {
		if out == one.keep && one.matches(name) {
			out = !one.keep
		}
	}
	return out
}

// matches says whether a pattern is about a file, or a directory above it.
func (one ignored) matches(name string) bool {
	for ; name != "." && name != "/" && name != ""; name = path.Dir(name) {
		if doublestar.MatchUnvalidated(one.pattern, name) {
			return true
		}
	}
	return false
}
