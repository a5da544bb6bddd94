package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Modules that a package takes from workspaces of its repository are published
// nowhere: they are copied beside what is installed, and installed from there.

// siblings are the packages of the workspaces that dir is one of, by name: the
// nearest package above that has workspaces says which they are.
func siblings(dir string) map[string]string {
	found := make(map[string]string)
	dir, err := filepath.Abs(dir)
	if err != nil {
		return found
	}
	for above := filepath.Dir(dir); above != filepath.Dir(above); above = filepath.Dir(above) {
		p, err := readPackage(above)
		if err != nil {
			continue
		}
		for _, pattern := range workspacesOf(p) {
			places, _ := doublestar.FilepathGlob(filepath.Join(above, filepath.FromSlash(pattern))) // one that is none finds nothing
			for _, place := range places {
				if one, err := readPackage(place); err == nil && place != dir && !strings.Contains(place, "node_modules") {
					if name, ok := one["name"].(string); ok {
						found[name] = place
					}
				}
			}
		}
		break
	}
	return found
}

// workspacesOf are the patterns of a package's workspaces: a list, or in one
// member of an object as Yarn has them.
func workspacesOf(p map[string]any) []string {
	list, ok := p["workspaces"].([]any)
	if inner, is := p["workspaces"].(map[string]any); is {
		list, ok = inner["packages"].([]any)
	}
	var patterns []string
	for _, pattern := range list {
		if text, is := pattern.(string); ok && is && !strings.HasPrefix(text, "!") && !strings.Contains(text, "..") {
			patterns = append(patterns, text)
		}
	}
	return patterns
}

func readPackage(dir string) (map[string]any, error) {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return nil, err
	}
	var p map[string]any
	return p, json.Unmarshal(text, &p)
}

// needed are those of the siblings that a package takes modules from, and those
// that they take modules from.
func needed(p map[string]any, all map[string]string) map[string]string {
	found := make(map[string]string)
	open := []map[string]any{p}
	for len(open) > 0 {
		dependencies, _ := open[0]["dependencies"].(map[string]any)
		open = open[1:]
		for name := range dependencies {
			dir, ok := all[name]
			if !ok || found[name] != "" {
				continue
			}
			found[name] = dir
			if one, err := readPackage(dir); err == nil {
				open = append(open, one)
			}
		}
	}
	return found
}

// localModules copies the siblings that a package in out needs into it, and has
// the package and them name the copies. It says whether there are any.
func localModules(out string, from map[string]string) (bool, error) {
	if len(from) == 0 {
		return false, nil
	}
	place := func(name string) string { return filepath.Join(out, ".workspaces", strings.ReplaceAll(name, "/", "+")) }
	dirs := []string{out}
	for name, dir := range from {
		t, err := treeOf(dir, func(file string) bool { return !strings.HasPrefix(file, "node_modules/") })
		if err != nil {
			return false, err
		}
		for _, f := range t.files {
			if err := copyTo(f.path, filepath.Join(place(name), filepath.FromSlash(f.name))); err != nil {
				return false, err
			}
		}
		dirs = append(dirs, place(name))
	}
	for _, dir := range dirs {
		p, err := readPackage(dir)
		if err != nil {
			return false, err
		}
		dependencies, _ := p["dependencies"].(map[string]any)
		for name := range dependencies {
			if from[name] != "" {
				dependencies[name] = "file:" + place(name)
			}
		}
		delete(p, "devDependencies")
		if dir != out {
			delete(p, "scripts") // what prepares them for others wants the tools of their developers
		}
		text, err := json.Marshal(p)
		if err != nil {
			return false, err
		}
		if err := os.WriteFile(filepath.Join(dir, "package.json"), text, 0o600); err != nil {
			return false, err
		}
	}
	for _, lock := range []string{"package-lock.json", "npm-shrinkwrap.json"} {
		_ = os.Remove(filepath.Join(out, lock)) // it is not of this package.json now
	}
	return true, nil
}

func copyTo(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// hashOfTrees is of what is in directories.
func hashOfTrees(dirs map[string]string) string {
	sum := sha256.New()
	for _, dir := range slices.Sorted(maps.Values(dirs)) {
		t, err := treeOf(dir, func(file string) bool { return !strings.HasPrefix(file, "node_modules/") })
		if err != nil {
			continue
		}
		for _, f := range t.files {
			text, _ := os.ReadFile(f.path) // what is not there is empty
			fmt.Fprintf(sum, "%q %q\n", f.name, text)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}
