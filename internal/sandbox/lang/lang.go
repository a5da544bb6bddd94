// Package lang finds the languages that are installed on a host, for the
// runtimes that functions name. Every runtime name that Lambda ever had is
// known; it runs on the installed version that is nearest.
package lang

import (
	"cmp"
	"errors"
	"fmt"
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
	Ruby     Kind = "ruby"
	Java     Kind = "java"
	DotNet   Kind = "dotnet"
)

// An SDK is one of AWS that Lambda gives to the functions of some runtimes.
type SDK string

// The SDKs.
const (
	JavaScript2 SDK = "aws-sdk-js-v2"
	JavaScript3 SDK = "aws-sdk-js-v3"
	Boto3       SDK = "boto3"

	// JavaClient is no SDK, but Java has no client of the Runtime API of its
	// own, and functions expect AWS's.
	JavaClient SDK = "aws-lambda-java"
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
	case kind == Java:
		return JavaClient
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
	if l.Kind == Node || l.Kind == Java {
		return fmt.Sprintf("%s %d", known[l.Kind].title, l.Version.Major)
	}
	return fmt.Sprintf("%s %d.%d", known[l.Kind].title, l.Version.Major, l.Version.Minor)
}

// Blank reports whether a process of l can be started before anyone knows which
// function it is to be: if its client is ours.
func (l Language) Blank() bool { return l.Kind == Node || l.Kind == Python || l.Kind == Ruby }

// ErrUnknown says that a runtime is none of Lambda's, or one we do not run.
var ErrUnknown = errors.New("unknown runtime")

// A Finder finds languages and remembers what it found.
type Finder struct {
	Home string // of the user, where version managers keep things; may be empty

	mu     sync.Mutex
	found  map[Kind][]Language
	chosen sync.Map // Language by runtime
}

var runtimeName = regexp.MustCompile(`^(nodejs|python|provided|go|java|ruby|dotnet|dotnetcore)(\d+)?(?:\.(\d+|x|al2|al2023))?(\.al2)?(-edge)?$`)

// Parse splits a runtime's name.
func Parse(runtime string) (Kind, Version, error) {
	m := runtimeName.FindStringSubmatch(runtime)
	if m == nil {
		return "", Version{}, fmt.Errorf("%w: %q", ErrUnknown, runtime)
	}
	var v Version
	v.Major, _ = strconv.Atoi(m[2])
	v.Minor, _ = strconv.Atoi(m[3])
	switch m[1] {
	case "provided", "go":
		return Provided, Version{}, nil
	case "nodejs":
		if v.Major == 0 { // "nodejs" is 0.10
			v = Version{0, 10}
		}
		return Node, v, nil
	case "dotnetcore":
		return DotNet, v, nil
	}
	return Kind(m[1]), v, nil
}

// Asked is the version that a runtime's name says, as directories of packages
// are named: "18", "3.9", "3.2.0".
func Asked(runtime string) string {
	kind, v, _ := Parse(runtime)
	switch kind {
	case Node:
		return strconv.Itoa(v.Major)
	case Python:
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	case Ruby:
		return fmt.Sprintf("%d.%d.0", v.Major, v.Minor)
	}
	return ""
}

// Exact reports whether l is the version that a runtime names.
func (l Language) Exact(runtime string) bool {
	kind, want, err := Parse(runtime)
	if err != nil || kind != l.Kind {
		return false
	}
	return kind == Provided || want.Major == l.Version.Major && (kind == Node || kind == Java || want.Minor == l.Version.Minor)
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
		return Language{}, fmt.Errorf("%s is not installed on this host, and %s needs it: %s", known[kind].title, runtime, known[kind].advice)
	}
	best.SDK = sdkOf(kind, want)
	f.chosen.Store(runtime, best)
	return best, nil
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

func parseVersion(s string) Version {
	p := strings.SplitN(s, ".", 3)
	var v Version
	v.Major, _ = strconv.Atoi(p[0])
	if len(p) > 1 {
		v.Minor, _ = strconv.Atoi(p[1])
	}
	return v
}
