package store_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/storetest"
)

func TestStore(t *testing.T) {
	for _, c := range []struct {
		name   string
		config store.Config
	}{
		{"in memory", store.Config{RunTwice: true}},
		{"small window", store.Config{HistoryKeys: 20}},
		{"on disk", store.Config{Dir: "disk"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Test(t, func(t *testing.T) *store.DB {
				if c.config.Dir != "" {
					return openDisk(t)
				}
				c.config.FS = vfs.NewMem()
				return openConfig(t, c.config)
			})
		})
	}
}

// A store that does not validate ranges is found out.
func TestBrokenStore(t *testing.T) {
	for seed := range uint64(20) {
		db := openConfig(t, store.SkipRanges(store.Config{FS: vfs.NewMem()}))
		if err := storetest.History(db, storetest.Workload{Txns: 300, Seed: seed}); err != nil {
			t.Logf("seed %d: %v", seed, err)
			return
		}
	}
	t.Error("nobody noticed")
}
