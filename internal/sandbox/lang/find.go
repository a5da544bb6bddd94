package lang

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// How a language is found on a host.
type traces struct {
	title  string
	advice string
	oldest Version  // below which our client does not run
	places []string // where its programs are, best first; ~ is the user's home
	name   string   // of its program
}

var known = map[Kind]traces{
	Node: {
		title:  "Node.js",
		advice: "install the package nodejs (apt-get install nodejs; on macOS brew install node)",
		oldest: Version{14, 0},
		name:   "node",
		places: []string{
			"/usr/bin/node", "/usr/bin/nodejs", "/usr/local/bin/node", "/opt/homebrew/bin/node", "/opt/homebrew/opt/node@*/bin/node", "/opt/node*/bin/node",
			"~/.nvm/versions/node/*/bin/node", "~/.local/share/fnm/node-versions/*/installation/bin/node", "~/.volta/tools/image/node/*/bin/node",
			"~/.asdf/installs/nodejs/*/bin/node", "~/.local/share/mise/installs/node/*/bin/node", "~/.nodenv/versions/*/bin/node",
		},
	},
	Python: {
		title:  "Python",
		advice: "install the package python3 (apt-get install python3; on macOS brew install python)",
		oldest: Version{3, 6},
		name:   "python3",
		places: []string{
			"/usr/bin/python3.[0-9]*", "/usr/local/bin/python3.[0-9]*", "/opt/homebrew/bin/python3.[0-9]*", "/usr/bin/python3",
			"~/.pyenv/versions/3.*/bin/python3", "~/.asdf/installs/python/3.*/bin/python3", "~/.local/share/mise/installs/python/3.*/bin/python3",
			"~/.local/share/uv/python/cpython-3.*/bin/python3",
		},
	},
	Ruby: {
		title:  "Ruby",
		advice: "install the package ruby (apt-get install ruby; on macOS brew install ruby)",
		oldest: Version{3, 0},
		name:   "ruby",
		places: []string{
			"/usr/bin/ruby", "/usr/bin/ruby3.[0-9]*", "/usr/local/bin/ruby", "/opt/homebrew/opt/ruby*/bin/ruby",
			"~/.rbenv/versions/*/bin/ruby", "~/.asdf/installs/ruby/*/bin/ruby", "~/.local/share/mise/installs/ruby/*/bin/ruby", "~/.rubies/*/bin/ruby",
		},
	},
	Java: {
		title:  "Java",
		advice: "install the package openjdk-21-jre-headless (apt-get install openjdk-21-jre-headless; on macOS brew install openjdk)",
		oldest: Version{11, 0},
		name:   "java",
		places: []string{
			"/usr/lib/jvm/*/bin/java", "/opt/java/*/bin/java", "/opt/jdk*/bin/java", "/Library/Java/JavaVirtualMachines/*/Contents/Home/bin/java",
			"/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home/bin/java", "~/.sdkman/candidates/java/*/bin/java", "~/.asdf/installs/java/*/bin/java",
		},
	},
	DotNet: {
		title:  ".NET",
		advice: "functions for it run as custom runtimes (provided.al2023, with a self-contained executable named bootstrap) or as container images (PackageType Image), which bring it with them",
	},
}

func (f *Finder) candidates(kind Kind) []string {
	var all []string
	for _, p := range known[kind].places {
		if rest, ok := strings.CutPrefix(p, "~/"); ok {
			if f.Home == "" {
				continue
			}
			p = filepath.Join(f.Home, rest)
		}
		found, _ := filepath.Glob(p)
		all = append(all, found...)
	}
	if name := known[kind].name; name != "" {
		if path, err := exec.LookPath(name); err == nil {
			all = append(all, path)
		}
	}
	return all
}

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
		if ok && compare(l.Version, known[kind].oldest) >= 0 && !slices.ContainsFunc(all, func(o Language) bool { return o.Version == l.Version }) {
			all = append(all, l)
		}
	}
	if f.found == nil {
		f.found = map[Kind][]Language{}
	}
	f.found[kind] = all
	return slices.Clone(all)
}

var (
	pythonName  = regexp.MustCompile(`^python3\.\d+$`)
	inPath      = regexp.MustCompile(`/(?:v|cpython-)?(\d+)\.(\d+)\.\d+[^/]*/`)
	saysVersion = regexp.MustCompile(`^(?:ruby |v)(\d+)\.(\d+)\.`) // "v20.1.0", "ruby 3.1.2p20"
	javaVersion = regexp.MustCompile(`(?m)^JAVA_VERSION="(?:1\.)?(\d+)`)
)

// inspect finds out what the program at path is. Scripts that choose a version
// when they are run are none of the versions.
func inspect(kind Kind, path string) (Language, bool) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || isScript(real) || filepath.Base(filepath.Dir(real)) != "bin" {
		return Language{}, false
	}
	name := filepath.Base(real)
	if kind == Python && !pythonName.MatchString(name) {
		return Language{}, false
	}
	l := Language{Kind: kind, Prefix: filepath.Dir(filepath.Dir(real)), Exec: "bin/" + name}
	switch m := inPath.FindStringSubmatch(real); {
	case kind == Python:
		l.Version = parseVersion(strings.TrimPrefix(name, "python"))
	case kind == Java:
		release, _ := os.ReadFile(filepath.Join(l.Prefix, "release"))
		if m := javaVersion.FindSubmatch(release); m != nil {
			l.Version = parseVersion(string(m[1]))
		}
	case m != nil:
		l.Version = parseVersion(m[1] + "." + m[2])
	default:
		out, err := exec.Command(real, "--version").Output()
		m := saysVersion.FindSubmatch(out)
		if err != nil || m == nil {
			return Language{}, false
		}
		l.Version = parseVersion(string(m[1]) + "." + string(m[2]))
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
