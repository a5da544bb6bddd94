package pack

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A builder makes archives of code, each place once.
type builder struct {
	dir    string // of the template; paths are relative to it
	report func(resource, what string)
	done   map[buildKey][]byte
}

type buildKey struct{ path, method, target string }

// archive returns the zip of a's code, built if its kind must be.
func (b *builder) archive(ctx context.Context, a artifact) ([]byte, error) {
	src := filepath.Join(b.dir, a.path)
	info, err := os.Stat(src)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return archiveFile(src)
	}
	key := buildKey{path: src, method: a.method}
	if a.method == "makefile" {
		key.target = a.resource
	}
	if zip := b.done[key]; zip != nil {
		return zip, nil
	}
	zip, err := b.build(ctx, a, src)
	if err == nil {
		b.done[key] = zip
	}
	return zip, err
}

// build runs what a's language needs in a directory of its own, and zips it.
func (b *builder) build(ctx context.Context, a artifact, src string) ([]byte, error) {
	into := func(what string, fill func(out string) error) ([]byte, error) {
		if b.report != nil {
			b.report(a.resource, what)
		}
		out, err := os.MkdirTemp("", "aloft-build-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(out)
		if err := fill(out); err != nil {
			return nil, err
		}
		return archiveDir(out)
	}
	switch {
	case a.method == "go1.x":
		return into("go build", func(out string) error { return goBuild(ctx, src, out) })
	case a.method == "makefile":
		return into("make", func(out string) error {
			return run(ctx, src, []string{"ARTIFACTS_DIR=" + out}, "make", "build-"+a.resource)
		})
	case a.method != "" && !strings.HasPrefix(a.method, "nodejs") && !strings.HasPrefix(a.method, "python"):
		return nil, fmt.Errorf("Metadata.BuildMethod %q is not supported yet", a.method)
	case strings.HasPrefix(a.runtime, "python") && exists(src, "requirements.txt"):
		return into("pip install", func(out string) error { return pipInstall(ctx, src, out) })
	case strings.HasPrefix(a.runtime, "nodejs") && exists(src, "package.json") && !exists(src, "node_modules"):
		return into("npm install", func(out string) error { return npmInstall(ctx, src, out) })
	}
	return archiveDir(src)
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func goBuild(ctx context.Context, src, out string) error {
	env := []string{"GOOS=linux", "CGO_ENABLED=0", "GOWORK=off"}
	return run(ctx, src, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", filepath.Join(out, "bootstrap"), ".")
}

func pipInstall(ctx context.Context, src, out string) error {
	if err := copyDir(src, out); err != nil {
		return err
	}
	return run(ctx, out, nil, "python3", "-m", "pip", "install", "-q", "--no-compile", "--disable-pip-version-check", "-r", "requirements.txt", "-t", ".")
}

func npmInstall(ctx context.Context, src, out string) error {
	if err := copyDir(src, out); err != nil {
		return err
	}
	verb := "install"
	if exists(src, "package-lock.json") {
		verb = "ci"
	}
	return run(ctx, out, nil, "npm", verb, "--omit=dev", "--no-audit", "--no-fund", "--silent")
}

func copyDir(src, out string) error {
	return os.CopyFS(out, os.DirFS(src))
}

// run runs a tool, and returns what it printed if it fails.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// skipped are files that no function needs, and that change by themselves.
func skipped(d fs.DirEntry) bool {
	switch d.Name() {
	case ".git", ".aws-sam", ".aloft", ".DS_Store", "__pycache__":
		return true
	}
	return false
}
