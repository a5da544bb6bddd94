package pack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// requirements installs what a service of Python requires, and adds it.
func (w *workshop) requirements(ctx context.Context, a serverless.Artifact, t *tree) error {
	file := filepath.Join(w.dir, filepath.FromSlash(a.Python.File))
	text, err := os.ReadFile(file)
	if err != nil {
		if text, err = w.locked(a.Python.File); text == nil {
			return err
		}
	}
	w.install.Lock()
	defer w.install.Unlock()
	out := entry(w.cache, w.dir+"\n"+a.Python.File)
	python := "python3"
	for _, e := range a.Entries {
		if kind, _, err := lang.Parse(e.Runtime); err == nil && kind == lang.Python {
			python = pythonOf(e.Runtime)
			break
		}
	}
	stamp := hashOf(text) + strings.Join(a.Python.ExtraArgs, " ") + python
	if !stamped(out, stamp) {
		w.tell("pip install")
		if err := renew(out); err != nil {
			return err
		}
		if !exists(w.dir, filepath.FromSlash(a.Python.File)) {
			file = filepath.Join(out, "requirements.txt")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				return err
			}
		}
		if err := pip(ctx, w.dir, python, append([]string{"-r", file, "-t", out}, a.Python.ExtraArgs...)...); err != nil {
			return err
		}
		if err := writeStamp(out, stamp); err != nil {
			return err
		}
	}
	left := make(map[string]bool)
	for _, name := range a.Python.NoDeploy {
		left[a.Python.Prefix+strings.ReplaceAll(name, "-", "_")] = true
	}
	return t.follow(out, strings.TrimSuffix(a.Python.Prefix, "/"), func(name string) bool { return !belongsTo(left, name) })
}

// locked is what a service requires that has no requirements.txt: what the
// locks of Pipenv and Poetry name. It is nil if it requires nothing.
func (w *workshop) locked(missing string) ([]byte, error) {
	if text, err := os.ReadFile(filepath.Join(w.dir, "Pipfile.lock")); err == nil {
		return ofPipenv(text)
	}
	if text, err := os.ReadFile(filepath.Join(w.dir, "poetry.lock")); err == nil {
		return ofPoetry(string(text)), nil
	}
	for _, other := range []string{"Pipfile", "uv.lock"} {
		if exists(w.dir, other) {
			return nil, fmt.Errorf("Aloft installs what %s, Pipfile.lock or poetry.lock list, not %s", missing, other)
		}
	}
	return nil, nil
}

// ofPipenv are the requirements of a Pipfile.lock, without those for development.
func ofPipenv(text []byte) ([]byte, error) {
	var lock struct {
		Default map[string]struct {
			Version, Markers, Git, Ref string
			Extras                     []string
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("Pipfile.lock: %w", err)
	}
	lines := []string{}
	for name, p := range lock.Default {
		line := name
		if len(p.Extras) > 0 {
			line += "[" + strings.Join(p.Extras, ",") + "]"
		}
		if line += p.Version; p.Git != "" {
			line += " @ git+" + p.Git + "@" + p.Ref
		}
		if p.Markers != "" {
			line += " ; " + p.Markers
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n") + "\n"), nil
}

// ofPoetry are the requirements of a poetry.lock, without those that are only
// for development where it says so. Each package is a table of lines.
func ofPoetry(text string) []byte {
	var lines []string
	for _, table := range strings.Split(text, "[[package]]\n")[1:] {
		p := make(map[string]string)
		for line := range strings.Lines(table) {
			if strings.HasPrefix(line, "[") {
				break // a table of the package's
			}
			if name, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok && p[name] == "" {
				p[name] = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`), `\"`, `"`)
			}
		}
		dev := p["category"] == "dev" || strings.HasPrefix(p["groups"], "[") && !strings.Contains(p["groups"], `"main"`)
		if p["name"] != "" && p["version"] != "" && !dev && p["optional"] != "true" {
			line := p["name"] + "==" + p["version"]
			if strings.HasPrefix(p["markers"], "sys_platform") || strings.HasPrefix(p["markers"], "python_version") {
				line += " ; " + p["markers"]
			}
			lines = append(lines, line)
		}
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// pythonOf is the program of Python that runs a runtime's functions: what is
// installed for another version may not work with it.
func pythonOf(runtime string) string {
	home, _ := os.UserHomeDir() // where none is known, the host's own is found
	if l, err := (&lang.Finder{Home: home}).Find(runtime); err == nil && l.Kind == lang.Python && l.Prefix != "" {
		return filepath.Join(l.Prefix, l.Exec)
	}
	return "python3"
}

// pip installs packages for a python.
func pip(ctx context.Context, dir, python string, what ...string) error {
	args := append([]string{"install", "-q", "--no-compile", "--disable-pip-version-check"}, what...)
	err := run(ctx, dir, nil, python, append([]string{"-m", "pip"}, args...)...)
	if err != nil && strings.Contains(err.Error(), "No module named pip") {
		// Another Python's may install for it.
		err = run(ctx, dir, nil, "python3", append([]string{"-m", "pip", "--python", python}, args...)...)
	}
	return err
}
