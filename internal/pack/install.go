package pack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
)

// nodeModules returns a directory with the service's modules for production,
// and those named, installed beside its sources and not among them. Artifacts
// that want different ones have them in different directories: they are built at
// the same time.
func (w *workshop) nodeModules(ctx context.Context, extra []string) (string, error) {
	w.install.Lock()
	defer w.install.Unlock()
	stamp := strings.Join(extra, " ")
	out := entry(w.cache, strings.TrimSpace(w.dir+"\nnode_modules\n"+stamp))
	names := []string{"package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"}
	for _, name := range names {
		body, _ := os.ReadFile(filepath.Join(w.dir, name)) // what is not there is empty
		stamp += "\n" + hashOf(body)
	}
	var local map[string]string
	if p, err := readPackage(w.dir); err == nil {
		local = needed(p, siblings(w.dir))
	}
	if len(local) > 0 {
		stamp += "\n" + hashOfTrees(local)
	}
	modules := filepath.Join(out, "node_modules")
	if stamped(out, stamp) {
		return modules, nil
	}
	w.tell("npm install")
	if err := renew(out); err != nil {
		return "", err
	}
	for _, name := range names {
		body, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(out, name), body, 0o600); err != nil {
			return "", err
		}
	}
	if len(extra) > 0 {
		if err := forProduction(out); err != nil {
			return "", err
		}
	}
	copied, err := localModules(out, local)
	if err != nil {
		return "", err
	}
	if copied {
		extra = append(slices.Clone(extra), "--install-links")
	}
	if err := npm(ctx, out, extra); err != nil {
		return "", err
	}
	return modules, writeStamp(out, stamp)
}

// forProduction removes from the package in dir what it has for development:
// npm would not install a module that is named there.
func forProduction(dir string) error {
	for _, lock := range []string{"package-lock.json", "npm-shrinkwrap.json"} {
		_ = os.Remove(filepath.Join(dir, lock)) // one that is not there need not go
	}
	file := filepath.Join(dir, "package.json")
	body, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var p map[string]any
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("package.json: %w", err)
	}
	delete(p, "devDependencies")
	if body, err = json.Marshal(p); err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}

func npm(ctx context.Context, out string, extra []string) error {
	quiet := []string{"--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"}
	if exists(out, "package-lock.json") && len(extra) == 0 {
		if err := run(ctx, out, nil, "npm", append([]string{"ci"}, quiet...)...); err == nil {
			return nil // else the lock is not of this package.json
		}
	}
	args := append(append([]string{"install"}, quiet...), extra...)
	if len(extra) > 0 {
		args = append(args, "--no-save")
	}
	err := run(ctx, out, nil, "npm", args...)
	if err != nil && strings.Contains(err.Error(), "ERESOLVE") {
		// Modules of before npm 7 say of others what they do not mean.
		args = append(args, "--legacy-peer-deps")
		err = run(ctx, out, nil, "npm", args...)
	}
	if err != nil && ownScript(err.Error(), out) {
		// What a package does for its developers, as husky, wants their tools.
		err = withoutScripts(out, func() error { return run(ctx, out, nil, "npm", args...) })
	}
	if err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(out, "node_modules"), 0o755)
}

// withoutScripts does something while the package in dir has no scripts.
func withoutScripts(dir string, do func() error) error {
	file := filepath.Join(dir, "package.json")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	p, err := readPackage(dir)
	if err != nil {
		return err
	}
	delete(p, "scripts")
	bare, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, bare, 0o600); err != nil {
		return err
	}
	return errors.Join(do(), os.WriteFile(file, text, 0o600))
}

// ownScript says whether npm failed in a script of the package in out itself,
// and not of a module.
func ownScript(said, out string) bool {
	return strings.Contains(said, "npm error path "+out+"\n") || strings.Contains(said, "npx canceled")
}

func (w *workshop) tell(what string) {
	if w.report != nil {
		w.report("code", what)
	}
}

var buildTarget = regexp.MustCompile(`(?m)^build\s*:`)

// prebuild makes what functions run that are compiled, with the service's own
// Makefile, if it is not there.
func (w *workshop) prebuild(ctx context.Context, a serverless.Artifact) error {
	missing := ""
	for _, e := range a.Entries {
		compiled := e.Runtime == "go1.x" || strings.HasPrefix(e.Runtime, "provided")
		if compiled && !exists(w.dir, filepath.FromSlash(e.Handler)) && !exists(w.dir, "bootstrap") {
			missing = e.Handler
		}
	}
	if missing == "" {
		return nil
	}
	makefile, err := os.ReadFile(filepath.Join(w.dir, "Makefile"))
	if err != nil || !buildTarget.Match(makefile) {
		return fmt.Errorf("%s is not there, and no Makefile says how to build it", missing)
	}
	w.install.Lock()
	defer w.install.Unlock()
	if exists(w.dir, filepath.FromSlash(missing)) {
		return nil // built for another artifact
	}
	w.tell("make build")
	return run(ctx, w.dir, nil, "make", "build")
}

// makeArchive builds an archive that is not there.
func (w *workshop) makeArchive(ctx context.Context, a serverless.Artifact) error {
	w.install.Lock()
	defer w.install.Unlock()
	if exists(w.dir, filepath.FromSlash(a.File)) {
		return nil // built for another function
	}
	tool, args := "", []string(nil)
	switch {
	case exists(w.dir, "pom.xml") && !strings.HasPrefix(a.File, "build/"):
		tool, args = "mvn", []string{"-q", "-B", "package", "-DskipTests"}
	case exists(w.dir, "gradlew"):
		tool, args = filepath.Join(w.dir, "gradlew"), []string{"-q", "build", "-x", "test"}
	case exists(w.dir, "build.gradle"):
		tool, args = "gradle", []string{"-q", "build", "-x", "test"}
	default:
		return fmt.Errorf("package.artifact: %s is not there; build it first", a.File)
	}
	w.tell(filepath.Base(tool) + " " + args[len(args)-1])
	return run(ctx, w.dir, nil, tool, args...)
}

// addModules adds modules of root and all that they need.
func (t *tree) addModules(root string, modules []string) error {
	dirs, err := closure(root, modules)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := t.follow(filepath.Join(root, dir), filepath.ToSlash(dir), func(string) bool { return true }); err != nil {
			return err
		}
	}
	return nil
}

// closure returns the directories of modules and of all that they need, below
// root, by the places where Node.js finds them.
func closure(root string, modules []string) ([]string, error) {
	var all []string
	type need struct{ name, from string }
	var open []need
	for _, m := range modules {
		open = append(open, need{m, ""})
	}
	for len(open) > 0 {
		n := open[0]
		open = open[1:]
		dir := findModule(root, n.from, n.name)
		if dir == "" || slices.Contains(all, dir) {
			continue
		}
		all = append(all, dir)
		body, err := os.ReadFile(filepath.Join(root, dir, "package.json"))
		if err != nil {
			return nil, err
		}
		var p struct{ Dependencies, OptionalDependencies, PeerDependencies map[string]string }
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, errors.Join(fmt.Errorf("%s/package.json", dir), err)
		}
		for _, deps := range []map[string]string{p.Dependencies, p.OptionalDependencies, p.PeerDependencies} {
			for name := range deps {
				open = append(open, need{name, dir})
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// findModule returns where a module is that is imported in a directory.
func findModule(root, from, name string) string {
	for {
		dir := filepath.Join(from, "node_modules", name)
		if exists(root, filepath.Join(dir, "package.json")) {
			return dir
		}
		if from == "" {
			return ""
		}
		if from = filepath.Dir(from); from == "." {
			from = ""
		}
	}
}
