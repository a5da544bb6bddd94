package pack

import (
	"os"
	"path/filepath"
	"testing"
)

// A name that differs from one that is there in its case alone leads to that,
// if it can mean no other.
func TestSpelled(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"src/Machines/stateMachine.json", "src/exact", "two/A", "two/a", "app/template.yml"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if exists(dir, "SRC") {
		t.Skip("this file system does not tell case apart")
	}
	for path, want := range map[string]string{
		"src/exact":                           "src/exact",
		"./src/machines/StateMachine.json":    "src/Machines/stateMachine.json",
		"Src/":                                "src",
		"two/a":                               "two/a",
		"TWO/a":                               "two/a",
		"src/none":                            "src/none",
		"../app/.aws-sam/build/template.yaml": "../app/.aws-sam/build/template.yaml",
		"app/.aws-sam/build/template.yaml":    "app/template.yml",
		"src/../app/.aws-sam/build/template.yaml": "app/template.yml",
		"two/../src/EXACT":                        "src/exact",
	} {
		if got := spelled(dir, path); got != filepath.Join(dir, filepath.FromSlash(want)) {
			t.Errorf("spelled(%q) = %q, want %q", path, got, want)
		}
	}
	if got := spelled(filepath.Join(dir, "two"), "../two/Á"); exists(got, "") {
		t.Errorf("took %q", got)
	}
}
