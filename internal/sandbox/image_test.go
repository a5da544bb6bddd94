package sandbox

import (
	"debug/elf"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/sandbox/image"
)

// imageOf is a function that is an image with this program in it.
func imageOf(t testing.TB) *Function {
	t.Helper()
	f := self(t)
	dir := f.Code
	f.Code, f.Runtime, f.Handler = "", "", ""
	f.Image = &Image{Dir: dir, Entrypoint: []string{"bootstrap"}, Env: []string{"PATH=/app:/", "COLOR=blue"}}
	own, err := elf.Open(filepath.Join(dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	libraries, _ := own.ImportedLibraries() // none if it is static
	for _, p := range own.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz-1)
			p.ReadAt(b, 0)
			libraries = append(libraries, string(b))
		}
	}
	for _, name := range libraries {
		var found []string
		if strings.HasPrefix(name, "/") {
			found = []string{name}
		} else if found, _ = filepath.Glob("/lib/*-linux-gnu/" + name); found == nil {
			found, _ = filepath.Glob("/lib64/" + name)
		}
		if found == nil {
			t.Skip("cannot find ", name)
		}
		b, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{found[0], "/lib64/" + filepath.Base(name)} {
			os.MkdirAll(filepath.Join(dir, filepath.Dir(to)), 0o755)
			if err := os.WriteFile(filepath.Join(dir, to), b, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	fit(t, dir)
	return f
}

func fit(t testing.TB, dir string) {
	t.Helper()
	tree, err := image.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if err := FitImage(tree); err != nil {
		t.Fatal(err)
	}
}

// An image is the root of its function, which finds nothing of the host.
func TestImage(t *testing.T) {
	r := newRig(t, nil)
	f := imageOf(t)
	do := func(what, say, want string) {
		t.Helper()
		expect(t, r.invoke(t, f, `{"Do":"`+what+`","Say":"`+say+`"}`), "", regexp.QuoteMeta(want))
	}
	do("read", "/etc/os-release", `"open /etc/os-release: no such file or directory"`)
	do("read", "/etc/hosts", `"127.0.0.1 localhost sandbox.localdomain sandbox\n::1 localhost\n"`)
	do("write", "/new", `"open /new: read-only file system"`)
	do("write", "/tmp/new", `"<nil>"`)
	expect(t, r.invoke(t, f, `{"Do":"env"}`), "", `.*"COLOR=blue".*`)
	if strings.Contains(string(r.invoke(t, f, `{"Do":"env"}`).Payload), "_HANDLER=") {
		t.Error("an image that finds out its handler is told one")
	}
}

func TestImageThatCannotRun(t *testing.T) {
	r := newRig(t, nil)
	for what, c := range map[string]struct {
		change func(*Image)
		want   string
	}{
		"no program":  {func(i *Image) { i.Entrypoint = []string{"none"} }, `Runtime.InvalidEntrypoint.*exec: \\"none\\": executable file not found in \$PATH`},
		"nothing":     {func(i *Image) { i.Entrypoint = nil }, `Runtime.InvalidEntrypoint`},
		"no program!": {func(i *Image) { i.Entrypoint = []string{"/text"} }, `Runtime.InvalidEntrypoint.*fork/exec /text: exec format error`},
		"no place":    {func(i *Image) { i.WorkingDir = "/none" }, `Runtime.InvalidWorkingDir.*chdir /none: no such file or directory`},
	} {
		f := imageOf(t)
		f.Revision = what
		if err := os.WriteFile(filepath.Join(f.Image.Dir, "text"), []byte("text"), 0o755); err != nil {
			t.Fatal(err)
		}
		c.change(f.Image)
		res := r.invoke(t, f, "1")
		expect(t, res, "Unhandled", ".*"+c.want+".*")
	}
}
