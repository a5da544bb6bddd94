package dynamodb_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestTableDelay checks that tables take as long as an operator says to be
// made, changed and deleted, and what may be done with them meanwhile, also
// when the platform is killed in between.
func TestTableDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		slowIn := func(dir string) func(*platform.Config) {
			return func(c *platform.Config) { c.TableDelay, c.Memory, c.Data = 10*time.Second, false, dir }
		}
		p := platformtest.Start(t, slowIn(dir))
		ask := func(operation, input, want string) {
			t.Helper()
			code, out := platformtest.Ask(t, p, "dynamodb."+operation, input)
			if got := fmt.Sprint(code, " ", out); !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %s", operation, got, want)
			}
		}
		const named, item = `{"TableName":"slow"}`, `{"TableName":"slow","Item":{"a":{"S":"x"}}}`
		const key = `{"TableName":"slow","Key":{"a":{"S":"x"}}}`
		create := `{"TableName":"slow","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},
			"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`
		update := `{"TableName":"slow","ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":3}}`

		ask("CreateTable", create, "TableStatus:CREATING")
		ask("PutItem", item, "Requested resource not found")
		ask("DeleteTable", named, "Attempt to change a resource which is still in use: Table is being created: slow")
		ask("DescribeTable", named, "TableStatus:CREATING")
		time.Sleep(11 * time.Second)
		ask("DescribeTable", named, "TableStatus:ACTIVE")
		ask("PutItem", item, "200")
		ask("GetItem", key, "Item:map")

		ask("UpdateTable", update, "ReadCapacityUnits:1")
		ask("GetItem", key, "Item:map")
		ask("UpdateTable", update, "Attempt to change a resource which is still in use: Table is being updated: slow")
		ask("DescribeTable", named, "ReadCapacityUnits:1")
		time.Sleep(11 * time.Second)
		ask("DescribeTable", named, "ReadCapacityUnits:3")

		ask("DeleteTable", named, "TableStatus:DELETING")
		ask("GetItem", key, "Requested resource not found")
		ask("DeleteTable", named, "Attempt to change a resource which is still in use: Table is being deleted: slow")
		ask("CreateTable", create, "Table already exists: slow")
		left := t.TempDir() // what kill -9 would leave now
		if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		p = platformtest.Start(t, slowIn(left))
		ask("DescribeTable", named, "TableStatus:DELETING")
		time.Sleep(11 * time.Second)
		ask("DescribeTable", named, "Requested resource not found: Table: slow not found")
		ask("CreateTable", create, "TableStatus:CREATING")
	})
}
