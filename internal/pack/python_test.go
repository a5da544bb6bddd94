package pack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocks(t *testing.T) {
	got, err := ofPipenv([]byte(`{"default":{"requests":{"version":"==2.31.0","markers":"python_version >= '3.7'"},"boto3":{"version":"==1.26.1","extras":["crt"]},
		"own":{"git":"https://example.com/own.git","ref":"abc"}},"develop":{"pytest":{"version":"==7.0.0"}}}`))
	want := "boto3[crt]==1.26.1\nown @ git+https://example.com/own.git@abc\nrequests==2.31.0 ; python_version >= '3.7'\n"
	if err != nil || string(got) != want {
		t.Errorf("Pipfile.lock: %q, %v; want %q", got, err, want)
	}
	if _, err := ofPipenv([]byte(`{`)); err == nil {
		t.Error("half a Pipfile.lock was read")
	}
	poetry := `[[package]]
name = "requests"
version = "2.31.0"
description = "HTTP = 1"
optional = false

[package.dependencies]
name = "not this"

[[package]]
name = "pytest"
version = "7.0.0"
category = "dev"
optional = false

[[package]]
name = "ruff"
version = "0.1.0"
groups = ["dev"]

[[package]]
name = "colorama"
version = "0.4.6"
optional = false
groups = ["main", "dev"]
markers = "sys_platform == \"win32\""

[metadata]
lock-version = "2.0"
`
	if got, want := string(ofPoetry(poetry)), "requests==2.31.0\ncolorama==0.4.6 ; sys_platform == \"win32\"\n"; got != want {
		t.Errorf("poetry.lock: %q, want %q", got, want)
	}
}

// FuzzPoetry holds that no lock, however torn, stops the reader.
func FuzzPoetry(f *testing.F) {
	f.Add("[[package]]\nname = \"a\"\nversion = \"1\"\n")
	f.Fuzz(func(_ *testing.T, text string) { ofPoetry(text) })
}

func TestOwnScript(t *testing.T) {
	f := func(said string, want bool) {
		t.Helper()
		if got := ownScript(said, "/a/out"); got != want {
			t.Errorf("ownScript(%q) = %v, want %v", said, got, want)
		}
	}
	f("sh: 1: husky: not found\nnpm error code 127\nnpm error path /a/out\nnpm error command failed", true)
	f("npm error npx canceled due to missing packages and no YES option", true)
	f("npm error code 1\nnpm error path /a/out/node_modules/sharp\nnpm error command failed", false)
}

func TestWithoutScripts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "package.json")
	before := `{"scripts": {"prepare": "husky install"}, "name": "a"}`
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	var during []byte
	err := withoutScripts(filepath.Dir(file), func() (err error) {
		during, err = os.ReadFile(file)
		return err
	})
	after, err2 := os.ReadFile(file)
	if err != nil || err2 != nil || strings.Contains(string(during), "husky") || string(after) != before {
		t.Errorf("meanwhile %s, afterwards %s, %v, %v", during, after, err, err2)
	}
}
