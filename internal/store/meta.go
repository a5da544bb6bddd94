package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

var (
	// formatKey holds the format of all else.
	formatKey = []byte{spaceMeta, 'f'}

	// versionKey holds a version that no commit has passed, so that versions go
	// on rising when the store is opened again.
	versionKey = []byte{spaceMeta, 'v'}
)

// format is raised when an older Aloft could not read what a newer one writes.
// With 1, the log was pebble's: pebble reads it once more, and has it in tables then.
const format = 2

// checkFormat refuses a store of a newer format, and marks one that is new or older.
func checkFormat(rows *pebble.DB) error {
	switch f, err := readMeta(rows, formatKey); {
	case err != nil:
		return err
	case f > format:
		return fmt.Errorf("store: made by a newer Aloft: its format is %d, and this Aloft knows %d", f, format)
	case f == format:
		return nil
	}
	// It is on disk before anything is in the log, which an older Aloft would not see.
	err := errors.Join(rows.Set(formatKey, metaValue(format), pebble.NoSync), rows.Flush())
	if err != nil {
		return fmt.Errorf("store: mark format: %w", err)
	}
	return nil
}

// readMeta returns the number under key, or 0.
func readMeta(r pebble.Reader, key []byte) (uint64, error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("store: read %q: %w", key, err)
	}
	defer closer.Close()
	if len(v) != 8 {
		return 0, fmt.Errorf("store: %q is %d bytes", key, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

// durableMeta is readMeta of what is on disk in tables.
func durableMeta(rows *pebble.DB, key []byte) (uint64, error) {
	it, err := rows.NewIter(&pebble.IterOptions{LowerBound: key, UpperBound: append(bytes.Clone(key), 0), OnlyReadGuaranteedDurable: true})
	if err != nil {
		return 0, fmt.Errorf("store: read %q: %w", key, err)
	}
	var n uint64
	if it.First() {
		if v := it.Value(); len(v) == 8 {
			n = binary.BigEndian.Uint64(v)
		}
	}
	if err := it.Close(); err != nil {
		return 0, fmt.Errorf("store: read %q: %w", key, err)
	}
	return n, nil
}

func metaValue(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
