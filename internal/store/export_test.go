package store

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// SkipRanges breaks a store: it does not notice phantoms.
func SkipRanges(c Config) Config {
	c.skipRanges = true
	return c
}

// SmallMemTable has a store write files all the time.
func SmallMemTable(c Config) Config {
	c.memTableBytes, c.segmentBytes = 32<<10, 16<<10
	return c
}

// SetFormat marks db as one of another Aloft.
func SetFormat(db *DB, format uint64) error {
	return errors.Join(db.rows.Set(formatKey, metaValue(format), pebble.NoSync), db.rows.Flush())
}
