package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// stampName is the file that says of what a directory was made.
const stampName = ".aloft-stamp"

// A builder makes of sources what runs.
type builder struct {
	cache  string // directory for what is built, and can be used again
	report func(resource, what string)
	method uint16 // of archives
}

// archive returns what makes the archive of a tree.
func (b *builder) archive(t *tree) func() ([]byte, error) {
	return func() ([]byte, error) { return t.archive(b.method) }
}

// build returns the files of a's code, built if its kind must be.
func (b *builder) build(ctx context.Context, a artifact, src string) (*tree, error) {
	info, err := os.Stat(src)
	if err != nil || !info.IsDir() {
		if err == nil && a.method == "esbuild" {
			return nil, fmt.Errorf("CodeUri must be a directory for esbuild")
		}
		return plain(src, err)
	}
	if a.method == "makefile" && !exists(src, "Makefile") && hasGo(src) {
		a.method = "go1.x" // its author's own make does so, before what there is then is deployed
	}
	of := a.method
	if of == "" || a.kind.holds == layer && of == a.runtime {
		of = a.runtime
	}
	switch {
	case a.method == "" && a.kind.holds == layer:
		return treeOf(src, nil)
	case a.method == "makefile":
		return b.into(a, src, "make", func(out string) error {
			return run(ctx, src, append(javaHome(a.runtime), "ARTIFACTS_DIR="+out), "make", "build-"+a.resource)
		})
	case a.method == "go1.x", a.method == "" && of == "go1.x" && hasGo(src):
		return b.goTree(ctx, a, src)
	case a.method == "rust-cargolambda":
		return b.into(a, src, "cargo build", func(out string) error { return cargoBuild(ctx, a, src, out) })
	case a.method == "esbuild":
		return b.into(a, src, "esbuild", func(out string) error { return b.bundle(ctx, a, src, out) })
	case strings.HasPrefix(of, "java") && javaTool(src) != "":
		return b.into(a, src, javaTool(src), func(out string) error { return javaBuild(ctx, of, src, layerDir(a, out, "java")) })
	case strings.HasPrefix(of, "python") && exists(src, "requirements.txt"):
		return b.into(a, src, "pip install", func(out string) error {
			return pipInstall(ctx, src, layerDir(a, out, "python"), pythonOf(of))
		})
	case strings.HasPrefix(of, "nodejs") && exists(src, "package.json") && !exists(src, "node_modules"):
		return b.into(a, src, "npm install", func(out string) error { return npmInstall(ctx, src, layerDir(a, out, "nodejs")) })
	case a.method != "" && !strings.HasPrefix(of, "nodejs") && !strings.HasPrefix(of, "python") && !strings.HasPrefix(of, "java"):
		return nil, fmt.Errorf("Aloft does not build with BuildMethod %q yet", a.method)
	case a.kind.holds == layer:
		return b.into(a, src, "copy", func(out string) error { return copyDir(src, layerDir(a, out, language(of))) })
	}
	return treeOf(src, nil)
}

func plain(src string, err error) (*tree, error) {
	if err != nil {
		return nil, err
	}
	return treeOf(src, nil)
}

// layerDir is where the files of a layer belong, and out itself for functions.
func layerDir(a artifact, out, folder string) string {
	if a.kind.holds == layer {
		return filepath.Join(out, folder)
	}
	return out
}

// into has fill put what is built into a directory, which it may find as it left
// it the last time.
func (b *builder) into(a artifact, src, what string, fill func(out string) error) (*tree, error) {
	if b.report != nil {
		b.report(a.resource, what)
	}
	out, err := b.place(a, src)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	if err := fill(out); err != nil {
		return nil, err
	}
	return treeOf(out, nil)
}

// place is the directory in which an artifact is built.
func (b *builder) place(a artifact, src string) (string, error) {
	abs, err := filepath.Abs(src)
	if err != nil {
		return "", err
	}
	name := strings.Join([]string{abs, a.method, language(a.runtime), fmt.Sprint(a.kind.holds)}, "\n")
	if a.ownBuild() {
		name += "\n" + a.resource
	}
	return entry(b.cache, name), nil
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// pipInstall puts the sources and what they require into out, as the python
// that will run them takes it. What is required is installed when it changes.
func pipInstall(ctx context.Context, src, out, python string) error {
	stamp := stampOf(src, "requirements.txt") + python
	if stamped(out, stamp) {
		return copyDir(src, out)
	}
	if err := renew(out); err != nil {
		return err
	}
	if err := copyDir(src, out); err != nil {
		return err
	}
	if err := pip(ctx, out, python, "-r", "requirements.txt", "-t", "."); err != nil {
		return err
	}
	return writeStamp(out, stamp)
}

func npmInstall(ctx context.Context, src, out string) error {
	stamp := stampOf(src, "package.json", "package-lock.json")
	if stamped(out, stamp) {
		return copyDir(src, out)
	}
	if err := renew(out); err != nil {
		return err
	}
	if err := copyDir(src, out); err != nil {
		return err
	}
	if err := npm(ctx, out, nil); err != nil {
		return err
	}
	return writeStamp(out, stamp)
}

// stampOf is the hash of files that say what is to be installed, and of which
// files there are.
func stampOf(src string, names ...string) string {
	sum := sha256.New()
	for _, name := range names {
		text, _ := os.ReadFile(filepath.Join(src, name)) // what is not there is empty
		fmt.Fprintf(sum, "%q %q\n", name, text)
	}
	// Files that are gone must not stay in what was built.
	_ = filepath.WalkDir(src, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintf(sum, "%q\n", strings.TrimPrefix(file, src))
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}

func stamped(out, stamp string) bool {
	text, err := os.ReadFile(filepath.Join(out, stampName))
	return err == nil && string(text) == stamp
}

func writeStamp(out, stamp string) error {
	return os.WriteFile(filepath.Join(out, stampName), []byte(stamp), 0o600)
}

// renew empties a directory.
func renew(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// copyDir copies files over those that are there.
func copyDir(src, out string) error {
	t, err := treeOf(src, nil)
	if err != nil {
		return err
	}
	for _, f := range t.files {
		to := filepath.Join(out, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if f.link != "" {
			_ = os.Remove(to) // from the last time
			if err := os.Symlink(f.link, to); err != nil {
				return err
			}
			continue
		}
		text, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// lastWords is how long a tool may take to clean up when nobody waits for it any more.
const lastWords = 5 * time.Second

// command is a tool that is to run until ctx is done, and then to end as if its
// user had interrupted it, so that what it keeps for itself alone is removed.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = lastWords
	return cmd
}

// run runs a tool, and returns what it printed if it fails.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := command(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}
