package pack

import (
	"encoding/json"
	"io/fs"
	"maps"
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
	cachePause = 300 * time.Millisecond // how long one look takes from who deploys
	cacheIndex = "sizes.json"
)

// A cached is what is known of one directory of the cache.
type cached struct {
	Used     time.Time // its time of change
	Measured time.Time // that time, when it was measured
	Size     int64
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
// recently of more than there is room for. It has a look every ten minutes, and
// leaves to the next deployment what takes longer than nobody notices.
func trim(cache string, most int64, pause time.Duration) error {
	index := filepath.Join(cache, cacheIndex)
	if info, err := os.Stat(index); err == nil && time.Since(info.ModTime()) < cacheLook {
		return nil
	}
	until := time.Now().Add(pause)
	all, err := measured(cache, index, until)
	if err != nil {
		return err
	}
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return all[b].Used.Compare(all[a].Used) })
	for _, name := range names {
		most -= all[name].Size
		if age := time.Since(all[name].Used); age < cacheInUse || most >= 0 && age < cacheAge || time.Now().After(until) {
			continue
		}
		delete(all, name)
		if err := os.RemoveAll(filepath.Join(cache, name)); err != nil {
			return err
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(index, text, 0o600); err != nil || time.Now().Before(until) {
		return err
	}
	return os.Chtimes(index, time.Time{}, time.Now().Add(-cacheLook)) // there is more to do
}

// measured is what the cache holds: of what did not change, as the index has it.
// What it had no time for has no size yet, and will be measured.
func measured(cache, index string, until time.Time) (map[string]cached, error) {
	var known map[string]cached
	if text, err := os.ReadFile(index); err == nil && json.Unmarshal(text, &known) != nil {
		known = nil // what is torn is measured again
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		return nil, err
	}
	all := make(map[string]cached)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() {
			continue
		}
		c := known[e.Name()]
		if !c.Measured.Equal(info.ModTime()) && time.Now().Before(until) {
			c = cached{Measured: info.ModTime(), Size: sizeOf(filepath.Join(cache, e.Name()))}
		}
		c.Used = info.ModTime()
		all[e.Name()] = c
	}
	return all, nil
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
