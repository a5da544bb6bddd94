package dynamodb

import (
	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A stream says what is recorded of each change of an item.
type stream struct {
	View string `json:",omitempty"` // empty: nothing
}

func (st *stream) enabled() bool { return st.View != "" }

func (t *table) setStream(*api.StreamSpecification) error { return nil }
func (t *table) openStream(*store.Tx) error               { return nil }
func (t *table) closeStream(*store.Tx) error              { return nil }
func (t *table) describeStream(*api.TableDescription)     {}
func (s *Service) record(*store.Tx, *write) error         { return nil }

func (t *table) changeStream(*store.Tx, *api.StreamSpecification) error { return nil }
