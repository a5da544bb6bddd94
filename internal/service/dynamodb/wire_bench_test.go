package dynamodb_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// BenchmarkWire measures requests from their bytes to those of their answers,
// with everything on the way but the network.
func BenchmarkWire(b *testing.B) {
	p, err := platform.Start(b.Context(), platform.Config{
		Data: b.TempDir(), Open: true, Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
		Runner: func(func(sandbox.LogBatch)) sandbox.Runner { return new(sandbox.InProcess) },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Stop() })
	ask := func(b *testing.B, operation, body string) {
		r := httptest.NewRequest("POST", "http://localhost/", bytes.NewReader([]byte(body)))
		r.Header = http.Header{
			"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"DynamoDB_20120810." + operation},
			"Authorization": {"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"},
		}
		w := httptest.NewRecorder()
		p.Handler.ServeHTTP(w, r)
		if w.Code != 200 {
			text, _ := io.ReadAll(w.Body)
			b.Fatalf("%s: %s", operation, text)
		}
	}
	ask(b, "CreateTable", `{"TableName":"bench","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],`+
		`"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}`)
	item := func(pk, sk int) string {
		return fmt.Sprintf(`{"pk":{"S":"user#%d"},"sk":{"N":"%d"},"status":{"S":"SHIPPED"},"amount":{"N":"123456"},"note":{"S":"leave at the door, and do not ring the bell more than twice"}}`, pk, sk)
	}
	for i := range 1000 {
		ask(b, "PutItem", `{"TableName":"bench","Item":`+item(i/10, i%10)+`}`)
	}
	for _, bench := range []struct {
		operation string
		body      func(i int) string
	}{
		{"GetItem", func(i int) string {
			return fmt.Sprintf(`{"TableName":"bench","Key":{"pk":{"S":"user#%d"},"sk":{"N":"%d"}}}`, i%100, i%10)
		}},
		{"PutItem", func(i int) string { return `{"TableName":"bench","Item":` + item(1000+i/1000, i%1000) + `}` }},
		{"UpdateItem", func(i int) string {
			return fmt.Sprintf(`{"TableName":"bench","Key":{"pk":{"S":"user#%d"},"sk":{"N":"%d"}},"UpdateExpression":"SET #s = :s ADD n :n","ExpressionAttributeNames":{"#s":"status"},"ExpressionAttributeValues":{":s":{"S":"PAID"},":n":{"N":"1"}}}`, i%100, i%10)
		}},
		{"Query", func(i int) string {
			return fmt.Sprintf(`{"TableName":"bench","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"user#%d"}}}`, i%100)
		}},
		{"BatchWriteItem", func(i int) string {
			var list []byte
			for j := range 25 {
				if j > 0 {
					list = append(list, ',')
				}
				list = fmt.Appendf(list, `{"PutRequest":{"Item":%s}}`, item(5000+i, j))
			}
			return fmt.Sprintf(`{"RequestItems":{"bench":[%s]}}`, list)
		}},
		{"TransactWriteItems", func(i int) string {
			return fmt.Sprintf(`{"TransactItems":[{"Put":{"TableName":"bench","Item":%s}},{"Update":{"TableName":"bench","Key":{"pk":{"S":"n"},"sk":{"N":"%d"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"1"}}}}]}`, item(9000+i, 1), i)
		}},
	} {
		b.Run(bench.operation, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				ask(b, bench.operation, bench.body(i))
			}
		})
	}
}
