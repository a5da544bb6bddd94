package pack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A package that takes modules from workspaces of its repository names copies of them.
func TestWorkspaces(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{
		"package.json":                 `{"workspaces":["services/*","packages/*"]}`,
		"services/api/package.json":    `{"name":"api","dependencies":{"@own/shared":"1.0.0","left-pad":"1.3.0"},"devDependencies":{"@own/tools":"*"}}`,
		"packages/shared/package.json": `{"name":"@own/shared","main":"index.js","scripts":{"prepare":"tsc"},"dependencies":{"@own/deep":"workspace:*"}}`,
		"packages/shared/index.js":     `module.exports = 1`,
		"packages/deep/package.json":   `{"name":"@own/deep"}`,
		"packages/other/package.json":  `{"name":"@own/other"}`,
	} {
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	service := filepath.Join(top, "services/api")
	p, err := readPackage(service)
	if err != nil {
		t.Fatal(err)
	}
	from := needed(p, siblings(service))
	if len(from) != 2 || from["@own/shared"] == "" || from["@own/deep"] == "" {
		t.Fatalf("needed: %v", from)
	}
	out := t.TempDir()
	if err := copyTo(filepath.Join(service, "package.json"), filepath.Join(out, "package.json")); err != nil {
		t.Fatal(err)
	}
	if copied, err := localModules(out, from); err != nil || !copied {
		t.Fatalf("localModules: %v, %v", copied, err)
	}
	f := func(file string, wants, not string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(out, file))
		if err != nil || !strings.Contains(string(text), wants) || not != "" && strings.Contains(string(text), not) {
			t.Errorf("%s: %s, %v; want %s and no %s", file, text, err, wants, not)
		}
	}
	f("package.json", `"@own/shared":"file:`+out, "devDependencies")
	f(".workspaces/@own+shared/package.json", `"@own/deep":"file:`+out, "prepare")
	f(".workspaces/@own+shared/index.js", "module.exports = 1", "")
	if copied, err := localModules(out, needed(p, siblings(top))); err != nil || copied {
		t.Errorf("a package without workspaces above it: %v, %v", copied, err)
	}
}
