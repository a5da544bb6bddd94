package pack

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What was used least recently makes room, and so does what is old; what was
// used within the hour stays, since somebody may be building in it.
func TestTrim(t *testing.T) {
	cache := t.TempDir()
	add := func(name string, size int, age time.Duration) {
		t.Helper()
		dir := filepath.Join(cache, name)
		if err := os.MkdirAll(filepath.Join(dir, "node_modules"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "node_modules", "file"), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	trimmed := func(want ...string) {
		t.Helper()
		past := time.Now().Add(-cacheLook)
		_ = os.Chtimes(filepath.Join(cache, cacheIndex), past, past) // there is none at first
		for _, pause := range []time.Duration{0, time.Hour} {        // what there is no time for is done the next time
			if err := trim(cache, 1000, pause); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range want {
			if !exists(cache, name) {
				t.Errorf("%s is gone", name)
			}
		}
		if left, err := os.ReadDir(cache); err != nil || len(left) != len(want)+1 { // and the index
			t.Errorf("%d entries are left, want %d: %v", len(left)-1, len(want), err)
		}
	}
	add("ancient", 1, cacheAge+time.Hour)
	add("old", 400, 5*time.Hour)
	add("new", 600, 2*time.Hour)
	trimmed("old", "new")
	add("fresh", 500, 0)
	trimmed("fresh") // 500, and 600 is too much, so is what is older
	add("one", 300, 3*time.Hour)
	add("two", 200, 4*time.Hour)
	trimmed("fresh", "one", "two")
	add("huge", 5000, 0)
	trimmed("fresh", "huge")
}
