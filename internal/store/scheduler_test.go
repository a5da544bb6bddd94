package store

import (
	"encoding/binary"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Compactions begin once the store is open, without anybody writing to it.
func TestCompactionsBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		db, err := Open(Config{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		rows := NewBytes[string]("test").Rows("")
		for i := range uint32(200) {
			err := db.Update(t.Context(), func(tx *Tx) error {
				return rows.Put(tx, binary.BigEndian.AppendUint32(nil, i*7919%200), make([]byte, 1000))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		// What is in the log becomes many small tables.
		if db, err = Open(Config{FS: crashed, memTableBytes: 16 << 10}); err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		synctest.Wait()
		if m := db.rows.Metrics(); m.Compact.Count == 0 || m.Levels[0].TablesCount >= 2 {
			t.Errorf("%d compactions, %d tables left in level 0", m.Compact.Count, m.Levels[0].TablesCount)
		}
	})
}
