package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TestItemsAt changes items at random, and compares what they were at many
// times with what is remembered of them here.
func TestItemsAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, table := recoverable(t)
		random := rand.New(rand.NewPCG(1, 2))
		type moment struct {
			at    time.Time
			items map[string]string
		}
		items := make(map[string]string)
		var moments []moment
		for i := range 500 {
			w := &write{table: table}
			key := item.New(item.Attribute{Name: "k", Value: item.String(fmt.Sprint(random.IntN(20)))})
			switch random.IntN(4) {
			case 0:
				w.key = key
				delete(items, key.String())
			default:
				w.item = key.With(item.Attribute{Name: "n", Value: item.String(fmt.Sprint(i))})
				items[key.String()] = w.item.String()
			}
			if err := s.db.Update(t.Context(), func(tx *store.Tx) error { return s.run(tx, w) }); err != nil {
				t.Fatal(err)
			}
			if random.IntN(3) > 0 {
				moments = append(moments, moment{time.Now(), maps.Clone(items)})
				time.Sleep(time.Millisecond)
			}
		}
		for _, m := range moments {
			got := make(map[string]string)
			for from, more := []byte(nil), true; more; { // a few at a time
				more = false
				err := s.db.View(t.Context(), func(tx *store.Tx) error {
					tab, err := s.findTable(tx, table)
					if err != nil {
						return err
					}
					for key, it := range tab.itemsAt(tx, m.at, from) {
						got[pick(it, []string{"k"}).String()] = it.String()
						if from = store.KeyAfter(key); len(got)%3 == 0 {
							more = true
							break
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if !maps.Equal(got, m.items) {
				t.Fatalf("at %v\n got %v\nwant %v", m.at, got, m.items)
			}
		}
	})
}

// TestTrimHistory checks that only what is long ago is forgotten.
func TestTrimHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, table := recoverable(t)
		put := func() {
			w := &write{table: table, item: item.New(item.Attribute{Name: "k", Value: item.String("x")}, item.Attribute{Name: "at", Value: item.String(time.Now().String())})}
			if err := s.db.Update(t.Context(), func(tx *store.Tx) error { return s.run(tx, w) }); err != nil {
				t.Fatal(err)
			}
		}
		put()
		put()
		time.Sleep(20 * 24 * time.Hour)
		put()
		time.Sleep(20 * 24 * time.Hour)
		put()
		if _, err := s.trimHistory(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := 0
		err := s.db.View(t.Context(), func(tx *store.Tx) error {
			tab, err := s.findTable(tx, table)
			if err != nil {
				return err
			}
			for range history.Rows(tab.ID).Scan(tx, nil, nil) {
				n++
			}
			return nil
		})
		if err != nil || n != 2 {
			t.Errorf("%d changes are remembered, %v; want 2", n, err)
		}
	})
}

// recoverable returns a service with a table whose history is kept.
func recoverable(t testing.TB) (*Service, aws.ARN) {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := New(Config{}, db, nil)
	call := &aws.Call{Account: "000000000000", Region: "us-east-1"}
	_, err = s.CreateTable(context.Background(), call, &api.CreateTableInput{
		TableName: "files", BillingMode: new(payPerRequest), KeySchema: []api.KeySchemaElement{{AttributeName: "k", KeyType: keyHash}},
		AttributeDefinitions: []api.AttributeDefinition{{AttributeName: "k", AttributeType: "S"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.UpdateContinuousBackups(context.Background(), call, &api.UpdateContinuousBackupsInput{
		TableName: "files", PointInTimeRecoverySpecification: &api.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, call.ARN("dynamodb", "table/files")
}
