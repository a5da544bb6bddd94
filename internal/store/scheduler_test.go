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
		c := Config{FS: fs, memTableBytes: 16 << 10}
		db, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		var crashed *vfs.MemFS
		rows := NewBytes[string]("test").Rows("")
		for i := range uint32(200) {
			err := db.Update(t.Context(), func(tx *Tx) error {
				return rows.Put(tx, binary.BigEndian.AppendUint32(nil, i*7919%200), make([]byte, 1000))
			})
			if err != nil {
				t.Fatal(err)
			}
			// Crash while there is something to compact.
			if m := db.rows.Metrics(); crashed == nil && m.Levels[0].TablesCount >= 2 {
				crashed = fs.CrashClone(vfs.CrashCloneCfg{})
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		c.FS = crashed
		if db, err = Open(c); err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		synctest.Wait()
		if m := db.rows.Metrics(); m.Compact.Count == 0 || m.Levels[0].TablesCount >= 2 {
			t.Errorf("%d compactions, %d tables left in level 0", m.Compact.Count, m.Levels[0].TablesCount)
		}
	})
}
