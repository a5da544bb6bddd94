package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrFull reports that the disk is nearly full: rows can be read and deleted,
// but not written.
var ErrFull = errors.New("store: the disk is nearly full")

// minFree is how many bytes of the disk are left alone, so that the store can
// go on reading, deleting and tidying up.
const minFree = 128 << 20

// watchSpace looks how much room there is.
func (db *DB) watchSpace(context.Context) (time.Duration, error) {
	usage, err := db.config.FS.GetDiskUsage(db.config.Dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return 24 * time.Hour, nil // in memory
	}
	if err != nil {
		return 0, fmt.Errorf("store: look for free space: %w", err)
	}
	full := usage.AvailBytes < minFree
	if db.full.Swap(full) != full {
		db.config.Log.Warn("store: the disk is nearly full, or no more", "full", full, "free", usage.AvailBytes)
	}
	if usage.AvailBytes < 32*minFree {
		return time.Second, nil
	}
	return 10 * time.Second, nil
}
