package dynamodb_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestIndexDelay checks that global indexes lag behind if an operator says so,
// and show changes in order. Local ones do not.
func TestIndexDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := platformtest.Start(t, func(c *platform.Config) { c.IndexDelay = 500 * time.Millisecond })
		do := func(operation, input string) map[string]any {
			t.Helper()
			code, out := platformtest.Ask(t, p, "dynamodb."+operation, input)
			if code != 200 {
				t.Fatalf("%s: %d %v", operation, code, out)
			}
			return out
		}
		const index = `{"IndexName":%q,"KeySchema":[{"AttributeName":%q,"KeyType":"HASH"},{"AttributeName":"c","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}`
		do("CreateTable", `{"TableName":"lagging","BillingMode":"PAY_PER_REQUEST",
			"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"},{"AttributeName":"c","AttributeType":"S"}],
			"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"RANGE"}],
			"GlobalSecondaryIndexes":[`+fmt.Sprintf(index, "global", "b")+`],"LocalSecondaryIndexes":[`+fmt.Sprintf(index, "local", "a")+`]}`)
		want := func(index, hash, items string) {
			t.Helper()
			out := do("Query", `{"TableName":"lagging","IndexName":"`+index+`","KeyConditionExpression":"`+hash+` = :h","ExpressionAttributeValues":{":h":{"S":"x"}},"ProjectionExpression":"c"}`)
			if got := fmt.Sprint(out["Items"]); got != items {
				t.Errorf("%s has %s, want %s", index, got, items)
			}
		}
		put := func(c string) {
			do("PutItem", `{"TableName":"lagging","Item":{"a":{"S":"x"},"b":{"S":"x"},"c":{"S":"`+c+`"}}}`)
		}
		put("1")
		want("local", "a", "[map[c:map[S:1]]]")
		want("global", "b", "[]")
		time.Sleep(300 * time.Millisecond)
		put("2")
		time.Sleep(300 * time.Millisecond)
		want("local", "a", "[map[c:map[S:2]]]")
		want("global", "b", "[map[c:map[S:1]]]")
		do("DeleteItem", `{"TableName":"lagging","Key":{"a":{"S":"x"},"b":{"S":"x"}}}`)
		time.Sleep(300 * time.Millisecond)
		want("global", "b", "[map[c:map[S:2]]]")
		time.Sleep(300 * time.Millisecond)
		want("global", "b", "[]")

		put("3")
		do("DeleteTable", `{"TableName":"lagging"}`)
		time.Sleep(time.Second) // what it was behind by is forgotten
	})
}
