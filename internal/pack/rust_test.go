package pack_test

import (
	"os"
	"path/filepath"
	"testing"
)

// Functions in Rust are built by cargo alone, which is told which binary, and
// says where it put what it built.
func TestRust(t *testing.T) {
	dir := files(t, map[string]string{
		"template.yaml": "Globals: {Function: {Architectures: [arm64]}}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n" +
			"    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: put}}\n" +
			"    Properties: {CodeUri: ./rust, Runtime: provided.al2023, Handler: bootstrap}\n",
		"rust/Cargo.toml": "[package]\n",
		"bin/cargo": `#!/bin/sh
[ "$*" = "build --release --message-format=json-render-diagnostics --bin put" ] || { echo "cargo $*" >&2; exit 1; }
mkdir -p ../elsewhere && echo built > ../elsewhere/put
echo '{"reason":"compiler-artifact","target":{"kind":["lib"]},"executable":null}'
echo "{\"reason\":\"compiler-artifact\",\"target\":{\"kind\":[\"bin\"]},\"executable\":\"$(cd ..; pwd)/elsewhere/put\"}"
echo '{"reason":"build-finished","success":true}'
`,
	})
	if err := os.Chmod(filepath.Join(dir, "bin", "cargo"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	_, b := packed(t, dir)
	for _, archive := range b {
		if got := names(t, archive); got != "bootstrap" {
			t.Errorf("archive holds %q", got)
		}
	}
	if len(b) != 1 {
		t.Errorf("%d archives, want 1", len(b))
	}
}

// So are those of a service with the plugin for Rust, each by its program's name.
func TestRustService(t *testing.T) {
	dir := files(t, map[string]string{
		"serverless.yml": "service: s\nprovider: {name: aws, runtime: rust}\nplugins: [serverless-rust]\nfunctions: {one: {handler: one}, two: {handler: all.put}}",
		"Cargo.toml":     "[package]\n",
		"bin/cargo": `#!/bin/sh
case "$*" in *"--bin one"|*"--bin put") ;; *) echo "cargo $*" >&2; exit 1;; esac
echo "{\"reason\":\"compiler-artifact\",\"executable\":\"$0\"}"
`,
	})
	if err := os.Chmod(filepath.Join(dir, "bin", "cargo"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	code, _, err := packService(t, dir)
	if err != nil || code["one"] != "bootstrap" || code["two"] != "bootstrap" {
		t.Errorf("PackService = %v, %v, want two programs", code, err)
	}
}
