package pack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aloft-cloud/aloft/internal/pack"
)

// What of Go did not change is not built again; what changed is: its own
// sources, those of packages it imports, and what it embeds.
func TestGoStamps(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("install go")
	}
	dir := files(t, map[string]string{
		"template.yaml": "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: go1.x}\n" +
			"    Properties: {CodeUri: f/, Runtime: provided.al2023, Handler: bootstrap}\n",
		"go.mod":              "module example.org/app\n\ngo 1.22\n",
		"f/main.go":           "package main\n\nimport \"example.org/app/inner\"\n\nfunc main() { println(inner.Text) }\n",
		"inner/inner.go":      "package inner\n\nimport _ \"embed\"\n\n//go:embed data/text.txt\nvar Text string\n",
		"inner/data/text.txt": "one",
	})
	cache := t.TempDir()
	last := ""
	deploys := func(wantBuilt, wantNew bool) {
		t.Helper()
		b, built := make(bucket), false
		p := pack.Packer{Uploader: b, Cache: cache, Report: func(string, string) { built = true }}
		if _, err := p.Pack(t.Context(), filepath.Join(dir, "template.yaml")); err != nil {
			t.Fatal(err)
		}
		for name := range b {
			if built != wantBuilt || (name != last) != wantNew {
				t.Errorf("built %v, want %v; new %v, want %v", built, wantBuilt, name != last, wantNew)
			}
			last = name
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deploys(true, true)
	deploys(false, false)
	write("inner/data/text.txt", "two")
	deploys(true, true)
	write("f/more.go", "package main\n\nfunc init() { println(1) }\n")
	deploys(true, true)
	write("unrelated.txt", "three")
	deploys(false, false)
	write("inner/data/text.txt", "one")
	deploys(true, true)
	deploys(false, false)
}

// What is built for go1.x is called as the handler says. A makefile that is not
// where the code is builds before sam deploy does: Go is built all the same.
func TestGoName(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("install go")
	}
	for function, want := range map[string]string{
		"Properties: {CodeUri: f/, Runtime: go1.x, Handler: main}\n":                                                    "main",
		"Metadata: {BuildMethod: makefile}\n    Properties: {CodeUri: f/, Runtime: provided.al2, Handler: bootstrap}\n": "bootstrap",
	} {
		dir := files(t, map[string]string{
			"template.yaml": "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    " + function,
			"go.mod":        "module example.org/app\n\ngo 1.22\n",
			"Makefile":      "build-%:\n\tfalse\n",
			"f/main.go":     "package main\n\nfunc main() {}\n",
		})
		b := make(bucket)
		if _, err := (&pack.Packer{Uploader: b, Cache: t.TempDir()}).Pack(t.Context(), filepath.Join(dir, "template.yaml")); err != nil {
			t.Fatal(err)
		}
		for _, archive := range b {
			if got := names(t, archive); got != want {
				t.Errorf("the archive of %s has %s", function, got)
			}
		}
	}
}
