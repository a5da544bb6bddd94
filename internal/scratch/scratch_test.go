package scratch

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A directory lives as long as who made it, however old it is.
func TestDir(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	long := time.Now().Add(-time.Hour)
	make := func() (string, func() error) {
		dir, remove, err := Dir("test-")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, long, long); err != nil {
			t.Fatal(err)
		}
		return dir, remove
	}
	mine, remove := make()
	left := filepath.Join(os.TempDir(), "test-left") // whose maker was killed
	fresh := filepath.Join(os.TempDir(), "test-fresh")
	other := filepath.Join(os.TempDir(), "other")
	for _, dir := range []string{left, fresh, other} {
		if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
		if dir != fresh {
			if err := os.Chtimes(dir, long, long); err != nil {
				t.Fatal(err)
			}
		}
	}
	second, _ := make()
	for dir, want := range map[string]bool{mine: true, second: true, left: false, fresh: true, other: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", filepath.Base(dir), err == nil, want)
		}
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mine); err == nil {
		t.Error("a removed directory is there")
	}
}
