package pack

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// What was built stays for as long as it is used and there is room.
const (
	cacheBytes = 2 << 30
	cacheAge   = 30 * 24 * time.Hour
	cacheInUse = time.Hour // since it was used: somebody may be building in it
	cacheLook  = 10 * time.Minute
	cacheIndex = "sizes.json"
)

// A cached is what is known of one directory of the cache.
type cached struct {
	Used time.Time // when it was measured, its time of change
	Size int64
}

// entry returns the directory in cache for what key names, and notes that it is
// used.
func entry(cache, key string) string {
	dir := filepath.Join(cache, hashOf([]byte(key))[:32])
	now := time.Now()
	_ = os.Chtimes(dir, now, now) // one that is not there yet will be made now
	return dir
}

// trim removes from cache what was not used for long, and what was used least
// recently of more than there is room for. It has a look every ten minutes.
func trim(cache string, most int64) error {
	index := filepath.Join(cache, cacheIndex)
	if info, err := os.Stat(index); err == nil && time.Since(info.ModTime()) < cacheLook {
		return nil
	}
	known := make(map[string]cached)
	if text, err := os.ReadFile(index); err == nil && json.Unmarshal(text, &known) != nil {
		known = make(map[string]cached) // what is torn is measured again
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		return err
	}
	now := make(map[string]cached)
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() {
			continue
		}
		c := cached{info.ModTime(), known[e.Name()].Size}
		if !known[e.Name()].Used.Equal(c.Used) {
			c.Size = sizeOf(filepath.Join(cache, e.Name()))
		}
		now[e.Name()] = c
		names = append(names, e.Name())
	}
	slices.SortFunc(names, func(a, b string) int { return now[b].Used.Compare(now[a].Used) })
	for _, name := range names {
		most -= now[name].Size
		if age := time.Since(now[name].Used); age < cacheInUse || most >= 0 && age < cacheAge {
			continue
		}
		delete(now, name)
		if err := os.RemoveAll(filepath.Join(cache, name)); err != nil {
			return err
		}
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return os.WriteFile(index, text, 0o600)
}

// sizeOf is how many bytes the files in dir have.
func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what is gone has no size
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}
