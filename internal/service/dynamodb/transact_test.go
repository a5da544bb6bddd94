package dynamodb

import (
	"fmt"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TestTransactGetSize reads items that are all that a transaction may read, and one more.
func TestTransactGetSize(t *testing.T) {
	s, table := recoverable(t)
	in := new(api.TransactGetItemsInput)
	for i := range maxTransactionBytes/maxItem + 1 {
		key := item.New(item.Attribute{Name: "k", Value: item.String(fmt.Sprintf("%02d", i))})
		w := &write{table: table, item: key.With(item.Attribute{Name: "v", Value: item.String(strings.Repeat("x", maxItem-4))})}
		if err := s.db.Update(t.Context(), func(tx *store.Tx) error { return s.run(tx, w) }); err != nil {
			t.Fatal(err)
		}
		in.TransactItems = append(in.TransactItems, api.TransactGetItem{Get: &api.Get{TableName: "files", Key: key}})
	}
	call := &aws.Call{Account: "000000000000", Region: "us-east-1"}
	if _, err := s.TransactGetItems(t.Context(), call, in); aws.Refusal(err) != aws.Refusal(errTransactionSize) {
		t.Errorf("TransactGetItems of %d items: %v, want %v", len(in.TransactItems), err, errTransactionSize)
	}
	in.TransactItems = in.TransactItems[1:]
	if out, err := s.TransactGetItems(t.Context(), call, in); err != nil || len(out.Responses) != len(in.TransactItems) {
		t.Errorf("TransactGetItems of %d items: %v", len(in.TransactItems), err)
	}
}
