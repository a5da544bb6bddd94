package lang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for name, want := range map[string]struct {
		kind Kind
		v    Version
	}{
		"nodejs": {Node, Version{0, 10}}, "nodejs4.3": {Node, Version{4, 3}}, "nodejs22.x": {Node, Version{22, 0}}, "nodejs24.x": {Node, Version{24, 0}},
		"python2.7": {Python, Version{2, 7}}, "python3.14": {Python, Version{3, 14}},
		"provided": {Provided, Version{}}, "provided.al2": {Provided, Version{}}, "provided.al2023": {Provided, Version{}}, "go1.x": {Provided, Version{}},
		"java8": {Java, Version{8, 0}}, "java8.al2": {Java, Version{8, 0}}, "java21": {Java, Version{21, 0}}, "ruby2.5": {Ruby, Version{2, 5}}, "ruby3.4": {Ruby, Version{3, 4}},
		"dotnetcore1.0": {DotNet, Version{1, 0}}, "dotnetcore3.1": {DotNet, Version{3, 1}}, "dotnet5.0": {DotNet, Version{5, 0}}, "dotnet8": {DotNet, Version{8, 0}},
		"nodejs4.3-edge": {Node, Version{4, 3}},
	} {
		if kind, v, err := Parse(name); err != nil || kind != want.kind || v != want.v {
			t.Errorf("Parse(%q) = %v %v, %v, want %v", name, kind, v, err, want)
		}
	}
	for _, name := range []string{"", "cobol", "nodejs 20", "rust", "java21.x.y"} {
		if _, _, err := Parse(name); err == nil {
			t.Errorf("Parse(%q) knows it", name)
		}
	}
}

func TestFind(t *testing.T) {
	f := Finder{found: map[Kind][]Language{Python: {{Version: Version{3, 13}}, {Version: Version{3, 9}}, {Version: Version{3, 11}}}, Node: nil}}
	for runtime, want := range map[string]Version{"python3.9": {3, 9}, "python3.10": {3, 11}, "python2.7": {3, 9}, "python3.14": {3, 13}} {
		if l, err := f.Find(runtime); err != nil || l.Version != want {
			t.Errorf("Find(%q) = %v, %v, want %v", runtime, l.Version, err, want)
		}
	}
	if _, err := f.Find("dotnet8"); err == nil || !strings.Contains(err.Error(), "custom runtimes") {
		t.Errorf("Find of .NET: %v", err)
	}
	if _, err := f.Find("nodejs22.x"); err == nil || !strings.Contains(err.Error(), "install the package nodejs") {
		t.Errorf("Find of what is not installed: %v", err)
	}
}

func TestExact(t *testing.T) {
	for runtime, want := range map[string]bool{"nodejs20.x": true, "nodejs22.x": false, "python3.11": false, "nonsense": false} {
		if got := (Language{Kind: Node, Version: Version{20, 5}}).Exact(runtime); got != want {
			t.Errorf("Node 20.5 is exactly %s: %v", runtime, got)
		}
	}
}

func TestInspect(t *testing.T) {
	home := t.TempDir()
	put := func(path, content string) {
		path = filepath.Join(home, path)
		os.MkdirAll(filepath.Dir(path), 0o755)
		os.WriteFile(path, []byte(content), 0o755)
	}
	put(".pyenv/versions/3.99.1/bin/python3.99", "\x7fELF")
	os.Symlink("python3.99", filepath.Join(home, ".pyenv/versions/3.99.1/bin/python3"))
	put(".pyenv/versions/3.98.0/bin/python3", "#!/bin/sh")
	put(".nvm/versions/node/v99.2.3/bin/node", "\x7fELF")
	put(".sdkman/candidates/java/99.0.1-tem/bin/java", "\x7fELF")
	put(".sdkman/candidates/java/99.0.1-tem/release", "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"99.0.1\"\n")
	put(".rbenv/versions/9.8.7/bin/ruby", "\x7fELF")
	f := Finder{Home: home}
	if l, err := f.Find("java90"); err != nil || l.Version != (Version{99, 0}) {
		t.Errorf("java: %+v, %v", l, err)
	}
	if l, err := f.Find("ruby9.5"); err != nil || l.Version != (Version{9, 8}) {
		t.Errorf("ruby: %+v, %v", l, err)
	}
	if l, err := f.Find("python3.50"); err != nil || l.Version != (Version{3, 99}) || l.Prefix != filepath.Join(home, ".pyenv/versions/3.99.1") || l.Exec != "bin/python3.99" {
		t.Errorf("python: %+v, %v", l, err)
	}
	if l, err := f.Find("nodejs98.x"); err != nil || l.Version != (Version{99, 2}) {
		t.Errorf("node: %+v, %v", l, err)
	}
}
