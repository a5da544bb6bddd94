package dynamodb

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TestDetach has a replica of many items leave a global table, and changes
// items of those that stay while its own are being made.
func TestDetach(t *testing.T) {
	const n = 5 * fillRows
	regions := []string{"eu-west-1", "us-east-1", "us-west-2"}
	calls := make(map[string]*aws.Call)
	var group []api.Replica
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := New(Config{}, db, nil)
	for _, region := range regions {
		calls[region] = &aws.Call{Account: "000000000000", Region: region}
		group = append(group, api.Replica{RegionName: &region})
		_, err := s.CreateTable(t.Context(), calls[region], &api.CreateTableInput{
			TableName: "files", BillingMode: new(payPerRequest), KeySchema: []api.KeySchemaElement{{AttributeName: "k", KeyType: keyHash}},
			AttributeDefinitions: []api.AttributeDefinition{{AttributeName: "k", AttributeType: "S"}},
			StreamSpecification:  &api.StreamSpecification{StreamEnabled: true, StreamViewType: new(bothImage)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stays, leaves := calls["us-east-1"], calls["eu-west-1"]
	if _, err := s.CreateGlobalTable(t.Context(), stays, &api.CreateGlobalTableInput{GlobalTableName: "files", ReplicationGroup: group}); err != nil {
		t.Fatal(err)
	}
	at := func(i int) string { return fmt.Sprintf("%04d", i) }
	set := func(call *aws.Call, k, v string) {
		t.Helper()
		w := &write{table: call.ARN("dynamodb", "table/files")}
		if v == "" {
			w.key = item.New(item.Attribute{Name: "k", Value: item.String(k)})
		} else {
			w.item = item.New(item.Attribute{Name: "k", Value: item.String(k)}, item.Attribute{Name: "v", Value: item.String(v)})
		}
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return s.run(tx, w) }); err != nil {
			t.Fatal(err)
		}
	}
	all := func(call *aws.Call) map[string]string {
		items := make(map[string]string)
		err := db.View(t.Context(), func(tx *store.Tx) error {
			table, err := readTable(tx, call.ARN("dynamodb", "table/files"))
			if err != nil {
				return err
			}
			for _, row := range table.rows.Scan(tx, nil, nil) {
				it := item.Item(row)
				items[it.Get("k").Text()] = it.Get("v").Text()
			}
			return tx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		return items
	}
	then := make(map[string]string)
	for i := range n {
		then[at(i)] = "then"
		set(leaves, at(i), "then")
	}
	time.Sleep(time.Microsecond)
	_, err = s.UpdateGlobalTable(t.Context(), leaves, &api.UpdateGlobalTableInput{GlobalTableName: "files", ReplicaUpdates: []api.ReplicaUpdate{
		{Delete: &api.DeleteReplicaAction{RegionName: leaves.Region}}, {Delete: &api.DeleteReplicaAction{RegionName: "us-west-2"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	now := maps.Clone(then)
	for i := 0; ; i++ {
		k := at(i * 37 % n)
		switch set(stays, k, map[bool]string{true: "now"}[i%2 == 0]); i % 2 {
		case 0:
			now[k] = "now"
		default:
			delete(now, k)
		}
		if i == 0 {
			if _, err := s.DeleteTable(t.Context(), stays, &api.DeleteTableInput{TableName: "files"}); !errors.Is(err, api.ResourceInUseException) {
				t.Fatalf("to delete a table that is being copied: %v, want ResourceInUseException", err)
			}
		}
		rest, err := s.fill(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if rest == idle {
			break
		}
	}
	for region, want := range map[string]map[string]string{"eu-west-1": then, "us-west-2": then, "us-east-1": now} {
		if got := all(calls[region]); !maps.Equal(got, want) {
			t.Errorf("%s has %d items: %v, want %d: %v", region, len(got), got, len(want), want)
		}
	}
	table, err := s.viewTable(t.Context(), stays, "files")
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Copies) > 0 || table.remembers() {
		t.Errorf("copies are still noted: %v", table.Copies)
	}
	set(leaves, "more", "own")
	if _, there := all(stays)["more"]; there {
		t.Error("an item of the table that has left is in the one that stays")
	}
}
