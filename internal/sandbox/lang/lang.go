// Package lang finds the languages that are installed on a host, for the
// runtimes that functions name. Every runtime name that Lambda ever had is
// known; it runs on the installed version that is nearest.
package lang

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Kind is a language, or none: Provided brings its own.
type Kind string

// The languages.
const (
	Provided Kind = "provided"
	Node     Kind = "node"
	Python   Kind = "python"
)

// An SDK is one of AWS that Lambda gives to the functions of some runtimes.
type SDK string

// The SDKs.
const (
	JavaScript2 SDK = "aws-sdk-js-v2"
	JavaScript3 SDK = "aws-sdk-js-v3"
	Boto3       SDK = "boto3"
)

// sdkOf is the SDK that functions of a runtime find.
func sdkOf(kind Kind, v Version) SDK {
	switch {
	case kind == Node && v.Major < 18:
		return JavaScript2
	case kind == Node:
		return JavaScript3
	case kind == Python:
		return Boto3
	}
	return ""
}

// A Version is major and minor.
type Version struct{ Major, Minor int }

// A Language is an interpreter on this host.
type Language struct {
	Kind    Kind
	Version Version
	Prefix  string // directory it is in, with bin and lib; empty for Provided
	Exec    string // the program, below Prefix
	SDK     SDK    // that its functions find
}

// String is the language as people name it: "Node.js 20".
func (l Language) String() string {
	if l.Kind == Node {
		return fmt.Sprintf("%s %d", title[l.Kind], l.Version.Major)
	}
	return fmt.Sprintf("%s %d.%d", title[l.Kind], l.Version.Major, l.Version.Minor)
}

// ErrUnknown says that a runtime is none of Lambda's, or one we do not run.
var ErrUnknown = errors.New("unknown runtime")

// A Finder finds languages and remembers what it found.
type Finder struct {
	Home string // of the user, where version managers keep things; may be empty

	mu     sync.Mutex
	found  map[Kind][]Language
	chosen sync.Map // Language by runtime
}

var runtimeName = regexp.MustCompile(`^(nodejs|python|provided|go|java|ruby|dotnet|dotnetcore)(\d+)?(?:\.(\d+|x|al2|al2023))?(\.al2)?$`)

// Parse splits a runtime's name.
func Parse(runtime string) (Kind, Version, error) {
	m := runtimeName.FindStringSubmatch(runtime)
	if m == nil {
		return "", Version{}, fmt.Errorf("%w: %q", ErrUnknown, runtime)
	}
	var v Version
	v.Major, _ = strconv.Atoi(m[2])
	v.Minor, _ = strconv.Atoi(m[3])
	switch {
	case m[1] == "provided" || m[1] == "go":
		return Provided, Version{}, nil
	case m[1] == "nodejs":
		if v.Major == 0 { // "nodejs" is 0.10
			v = Version{0, 10}
		}
		return Node, v, nil
	case m[1] == "python":
		return Python, v, nil
	}
	return "", v, fmt.Errorf("%w: functions in %s cannot be run yet", ErrUnknown, m[1])
}

// Exact reports whether l is the version that a runtime names.
func (l Language) Exact(runtime string) bool {
	kind, want, err := Parse(runtime)
	if err != nil || kind != l.Kind {
		return false
	}
	return kind == Provided || want.Major == l.Version.Major && (kind == Node || want.Minor == l.Version.Minor)
}

// Find returns the language that runs a runtime: the version it names, or the
// nearest newer one, or the nearest older.
func (f *Finder) Find(runtime string) (Language, error) {
	if l, ok := f.chosen.Load(runtime); ok {
		return l.(Language), nil
	}
	kind, want, err := Parse(runtime)
	if err != nil || kind == Provided {
		return Language{Kind: kind}, err
	}
	best, ok := nearest(f.installed(kind), want)
	if !ok {
		return Language{}, fmt.Errorf("%s is not installed on this host, and %s needs it: %s", title[kind], runtime, advice[kind])
	}
	best.SDK = sdkOf(kind, want)
	f.chosen.Store(runtime, best)
	return best, nil
}

var title = map[Kind]string{Node: "Node.js", Python: "Python"}

var advice = map[Kind]string{
	Node:   "install the package nodejs (apt-get install nodejs; on macOS brew install node)",
	Python: "install the package python3 (apt-get install python3; on macOS brew install python)",
}

// nearest chooses the version that is want, or the first above it, or the last below.
func nearest(all []Language, want Version) (Language, bool) {
	slices.SortStableFunc(all, func(a, b Language) int { return compare(a.Version, b.Version) })
	for _, l := range all {
		if compare(l.Version, want) >= 0 {
			return l, true
		}
	}
	if len(all) == 0 {
		return Language{}, false
	}
	return all[len(all)-1], true
}

func compare(a, b Version) int {
	return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor))
}

// oldest are the versions below which our clients do not run.
var oldest = map[Kind]Version{Node: {14, 0}, Python: {3, 6}}

// installed returns the versions of a language, looked for once.
func (f *Finder) installed(kind Kind) []Language {
	f.mu.Lock()
	defer f.mu.Unlock()
	if all, ok := f.found[kind]; ok {
		return slices.Clone(all)
	}
	var all []Language
	for _, path := range f.candidates(kind) {
		l, ok := inspect(kind, path)
		if ok && compare(l.Version, oldest[kind]) >= 0 && !slices.ContainsFunc(all, func(o Language) bool { return o.Version == l.Version }) {
			all = append(all, l)
		}
	}
	if f.found == nil {
		f.found = map[Kind][]Language{}
	}
	f.found[kind] = all
	return slices.Clone(all)
}

// places are where interpreters are, best first. ~ is the user's home.
var places = map[Kind][]string{
	Node: {
		"/usr/bin/node", "/usr/bin/nodejs", "/usr/local/bin/node", "/opt/homebrew/bin/node", "/opt/homebrew/opt/node@*/bin/node", "/opt/node*/bin/node",
		"~/.nvm/versions/node/*/bin/node", "~/.local/share/fnm/node-versions/*/installation/bin/node", "~/.volta/tools/image/node/*/bin/node",
		"~/.asdf/installs/nodejs/*/bin/node", "~/.local/share/mise/installs/node/*/bin/node", "~/.nodenv/versions/*/bin/node",
	},
	Python: {
		"/usr/bin/python3.[0-9]*", "/usr/local/bin/python3.[0-9]*", "/opt/homebrew/bin/python3.[0-9]*", "/usr/bin/python3",
		"~/.pyenv/versions/3.*/bin/python3", "~/.asdf/installs/python/3.*/bin/python3", "~/.local/share/mise/installs/python/3.*/bin/python3",
		"~/.local/share/uv/python/cpython-3.*/bin/python3",
	},
}

func (f *Finder) candidates(kind Kind) []string {
	var all []string
	for _, p := range places[kind] {
		if rest, ok := strings.CutPrefix(p, "~/"); ok {
			if f.Home == "" {
				continue
			}
			p = filepath.Join(f.Home, rest)
		}
		found, _ := filepath.Glob(p)
		all = append(all, found...)
	}
	names := map[Kind]string{Node: "node", Python: "python3"}
	if path, err := exec.LookPath(names[kind]); err == nil {
		all = append(all, path)
	}
	return all
}

var (
	pythonName = regexp.MustCompile(`^python3\.\d+$`)
	inPath     = regexp.MustCompile(`/(?:v|cpython-)?(\d+)\.(\d+)\.\d+[^/]*/`)
)

// inspect finds out what the program at path is. Scripts that choose a version
// when they are run are none of the versions.
func inspect(kind Kind, path string) (Language, bool) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || isScript(real) {
		return Language{}, false
	}
	name := filepath.Base(real)
	if kind == Python && !pythonName.MatchString(name) {
		return Language{}, false
	}
	l := Language{Kind: kind, Prefix: filepath.Dir(filepath.Dir(real)), Exec: "bin/" + name}
	if filepath.Base(filepath.Dir(real)) != "bin" {
		return Language{}, false
	}
	switch m := inPath.FindStringSubmatch(real); {
	case kind == Python:
		l.Version = parseVersion(strings.TrimPrefix(name, "python"))
	case m != nil:
		l.Version = parseVersion(m[1] + "." + m[2])
	default:
		out, err := exec.Command(real, "--version").Output() // "v20.1.0"
		if err != nil {
			return Language{}, false
		}
		l.Version = parseVersion(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"))
	}
	return l, l.Version != Version{}
}

func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	var b [2]byte
	n, _ := f.Read(b[:])
	return n < 2 || string(b[:]) == "#!"
}

func parseVersion(s string) Version {
	p := strings.SplitN(s, ".", 3)
	var v Version
	v.Major, _ = strconv.Atoi(p[0])
	if len(p) > 1 {
		v.Minor, _ = strconv.Atoi(p[1])
	}
	return v
}
