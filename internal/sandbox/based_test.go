package sandbox

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aloft-cloud/aloft/internal/sandbox/image"
)

// based is a function of an image that is laid over a runtime.
func based(t testing.TB, runtime string, i *Image) *Function {
	t.Helper()
	tree, err := image.OpenTree(i.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if err := FitBased(tree); err != nil {
		t.Fatal(err)
	}
	f := function("based", runtime, "", "")
	if err := f.Lay(i); err != nil {
		t.Fatal(err)
	}
	return f
}

// An image that was made without its base runs by the runtime that the base has,
// with all that is in it where the image has it.
func TestBased(t *testing.T) {
	r := newRig(t, nil)
	dir := code(t, map[string]string{
		"var/task/index.py": "import os, site_one, task_one\ndef handler(event, context): return [open('/model/weights').read(), open('/opt/data').read(), site_one.X, os.getcwd()]",
		"var/lang/lib/python3.11/site-packages/site_one.py": "X = 'site'", "var/task/task_one.py": "",
		"model/weights": "w", "opt/data": "d", "usr/bin/evil": "no",
	})
	if err := os.Symlink("/etc", filepath.Join(dir, "leads")); err != nil {
		t.Fatal(err)
	}
	f := based(t, "python3.11", &Image{Dir: dir, Entrypoint: []string{BaseEntrypoint}, Command: []string{"index.handler"}})
	expect(t, r.invoke(t, f, "1"), "", `\["w", ?"d", ?"site", ?"/var/task"\]`)
	for _, b := range f.Besides {
		if b.Path != "/model" {
			t.Errorf("it sees %+v", b)
		}
	}

	// Without files elsewhere it has a worker that was booted ahead.
	f = based(t, "python3.11", &Image{Dir: code(t, map[string]string{"var/task/index.py": "def handler(event, context): return event"}), Command: []string{"index.handler"}})
	f.Revision = "plain"
	expect(t, r.invoke(t, f, "7"), "", "7")

	f = based(t, "python3.11", &Image{Dir: dir, Entrypoint: []string{"/entry.sh"}})
	f.Revision = "other"
	expect(t, r.invoke(t, f, "1"), "Unhandled", `.*Runtime.InvalidEntrypoint.*/entry.sh: the image was made without its base.*`)
}

// What an image of a custom runtime says to run is run.
func TestBasedProgram(t *testing.T) {
	r := newRig(t, nil)
	own, err := os.ReadFile(filepath.Join(self(t).Code, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file  string
		image Image
	}{
		"relative":  {"var/task/main", Image{Entrypoint: []string{"./main"}, WorkingDir: "/var/task"}},
		"shell":     {"var/task/main", Image{Entrypoint: []string{"/bin/sh", "-c", "./main"}}},
		"elsewhere": {"main", Image{Entrypoint: []string{"/main"}}},
		"bootstrap": {"var/runtime/bootstrap", Image{Command: []string{"any"}}},
	} {
		i := c.image
		i.Dir = code(t, map[string]string{c.file: string(own)})
		f := based(t, "provided.al2023", &i)
		f.Revision = name
		expect(t, r.invoke(t, f, `{"Do":"echo","Say":"`+name+`"}`), "", `"`+name+`"`)
	}
}

// Links where code is expected lead a function nowhere.
func TestBasedLinks(t *testing.T) {
	dir, secret := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(secret, "index.py"), []byte("x = 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "var"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"var/task", "opt", "var/lang", ".site"} {
		if err := os.Symlink(secret, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	f := based(t, "python3.11", &Image{Dir: dir, Command: []string{"index.handler"}})
	for _, place := range append(f.Layers, f.Code) {
		real, err := filepath.EvalSymlinks(place)
		if err != nil || real != place {
			t.Errorf("%s is %s, %v", place, real, err)
		}
	}
}
