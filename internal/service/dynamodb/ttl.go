package dynamodb

import (
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A ttl says which attribute of items is the time when they expire.
type ttl struct {
	Attribute string `json:",omitempty"` // empty: they do not
}

func (t *table) deleteTTL(*store.Tx) error { return nil }

// schedule notes when the item under key is to expire.
func (s *Service) schedule(_ *store.Tx, _ *table, _ []byte, _, _ item.Item) error { return nil }
