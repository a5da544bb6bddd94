package platform_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// A caller calls DynamoDB through the whole platform, but for the sockets.
type caller struct {
	b *testing.B
	p *platform.Platform
}

func (c caller) call(operation, body string) {
	r := httptest.NewRequest(http.MethodPost, "http://localhost:4566/", nil)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	w := &answer{header: make(http.Header)}
	c.p.Handler.ServeHTTP(w, r)
	if w.status != 0 && w.status != http.StatusOK {
		c.b.Errorf("%s: %d %s", operation, w.status, &w.body)
	}
}

// An answer is a cheap http.ResponseWriter.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func BenchmarkDynamoDB(b *testing.B) {
	p, err := platform.Start(b.Context(), platform.Config{
		Data: b.TempDir(), Endpoint: "http://localhost:4566", Region: "us-east-1", Open: true,
		Runner: func(func(sandbox.LogBatch)) sandbox.Runner { return new(sandbox.InProcess) }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Stop()
	c := caller{b, p}
	c.call("CreateTable", `{"TableName":"bench","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}`)
	for i := range 1000 {
		c.call("PutItem", put(i))
	}
	for i := range 20 {
		c.call("PutItem", fmt.Sprintf(`{"TableName":"bench","Item":{"pk":{"S":"many"},"sk":{"S":"%03d"},"text":{"S":"%s"}}}`, i, filler))
	}
	for _, op := range []struct {
		name, operation string
		body            func(int) string
	}{
		{"Put", "PutItem", put},
		{"Get", "GetItem", func(i int) string {
			return fmt.Sprintf(`{"TableName":"bench","Key":{"pk":{"S":"key-%08d"},"sk":{"S":"a"}}}`, i%1000)
		}},
		{"Query", "Query", func(int) string {
			return `{"TableName":"bench","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"many"}},"Limit":10}`
		}},
		{"UpdateHot", "UpdateItem", func(int) string {
			return `{"TableName":"bench","Key":{"pk":{"S":"hot"},"sk":{"S":"a"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}`
		}},
	} {
		for _, clients := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d", op.name, clients), func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(max(1, clients/2)) // of 2 cores
				var n atomic.Int64
				if clients == 1 {
					for b.Loop() {
						c.call(op.operation, op.body(int(n.Add(1))))
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						c.call(op.operation, op.body(int(n.Add(1))))
					}
				})
			})
		}
	}
}

var filler = strings.Repeat("x", 64)

func put(i int) string {
	return fmt.Sprintf(`{"TableName":"bench","Item":{"pk":{"S":"key-%08d"},"sk":{"S":"a"},"text":{"S":"%s"},"n":{"N":"42"}}}`, i%1000, filler)
}
