package dynamodb

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A tally is how much is in a table or index.
type tally struct{ items, bytes int64 }

// counts are the tallies of a table, under "", and of its indexes, by id.
type counts map[string]tally

func (c counts) of(id string) tally { return c[id] }

// maxCounted is how many rows are counted while someone waits.
const maxCounted = 100_000

// count counts what is in t. AWS counts about every six hours; what is too
// large to be counted while the caller waits is told as far as it was counted.
func (s *Service) count(ctx context.Context, t *table) (counts, error) {
	c := make(counts)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		c[""] = countRows(tx, t.rows)
		for ix := range t.indexes {
			c[ix.ID] = countRows(tx, ix.rows)
		}
		return nil
	})
	return c, err
}

func countRows(tx *store.Tx, rows store.Rows) tally {
	var n tally
	for _, row := range rows.Scan(tx, nil, nil) {
		n.items++
		n.bytes += int64(item.Item(row).Size())
		if n.items == maxCounted {
			break
		}
	}
	return n
}
