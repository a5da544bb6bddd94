package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/client"
)

// filler makes an item of about 100 bytes.
var filler = strings.Repeat("x", 64)

const itemKeys = 2000

// dynamodb measures items: each operation at 1, 16 and 64 clients against the
// null server's rate for requests and answers of the same size.
func (b *bench) dynamodb() error {
	c := b.client()
	_, err := client.Do(b.ctx, c, api.CreateTable, &api.CreateTableInput{
		TableName: "bench", BillingMode: new("PAY_PER_REQUEST"),
		AttributeDefinitions: []api.AttributeDefinition{{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: "S"}},
		KeySchema:            []api.KeySchemaElement{{AttributeName: "pk", KeyType: "HASH"}, {AttributeName: "sk", KeyType: "RANGE"}},
	})
	if err != nil {
		return err
	}
	key := func(i int) string {
		return fmt.Sprintf(`"pk":{"S":"key-%08d"},"sk":{"S":"a"}`, i%itemKeys)
	}
	loads := []struct {
		name, operation string
		body            func(i int) string
		bars            [3]int // percent of the null server at 1, 16, 64 clients; 0 is none
	}{
		{"PutItem", "PutItem", func(i int) string {
			return `{"TableName":"bench","Item":{` + key(i) + `,"text":{"S":"` + filler + `"},"n":{"N":"42"}}}`
		}, [3]int{0, 55, 60}},
		{"GetItem", "GetItem", func(i int) string { return `{"TableName":"bench","Key":{` + key(i) + `}}` }, [3]int{0, 70, 75}},
		{"Query of 10 items", "Query", func(i int) string {
			return `{"TableName":"bench","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"many"}},"Limit":10}`
		}, [3]int{0, 45, 50}},
		{"UpdateItem, one hot item", "UpdateItem", func(int) string {
			return `{"TableName":"bench","Key":{"pk":{"S":"hot"},"sk":{"S":"a"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}`
		}, [3]int{0, 0, 25}},
	}
	for i := range 20 {
		body := fmt.Sprintf(`{"TableName":"bench","Item":{"pk":{"S":"many"},"sk":{"S":"%03d"},"text":{"S":"%s"}}}`, i, filler)
		if err := (load{requests: [][]byte{b.request("PutItem", body)}, clients: 1, duration: 1}).once(b.aloft.addr); err != nil {
			return err
		}
	}
	for _, l := range loads {
		var requests [][]byte
		for i := range itemKeys {
			requests = append(requests, b.request(l.operation, l.body(i)))
		}
		for i, clients := range []int{1, 16, 64} {
			if err := b.compare(l.name, load{requests, clients, b.duration}, l.bars[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare measures l on Aloft and on the null server, in turns, and prints the
// ratio of the rates.
func (b *bench) compare(name string, l load, bar int) error {
	if !strings.Contains(name, b.match) {
		return nil
	}
	l.duration /= 2
	var ours, floor figure
	for range 2 { // in turns: the machine's speed drifts
		f, err := b.null.measure(l)
		if err != nil {
			return fmt.Errorf("null server: %w", err)
		}
		o, err := b.aloft.measure(l)
		if err != nil {
			return err
		}
		floor.add(f, 2)
		ours.add(o, 2)
		ours.p50, ours.p99 = o.p50, o.p99
	}
	note := fmt.Sprintf("%6.0f/s of %6.0f/s, p50 %.2f ms, p99 %.2f ms, CPU %.0f and %.0f us", ours.rate, floor.rate, ms(ours.p50), ms(ours.p99), us(ours.cpu), us(floor.cpu))
	if bar > 0 {
		note += fmt.Sprintf(", bar %d %%", bar)
	}
	row(fmt.Sprintf("%s, %d clients", name, l.clients), fmt.Sprintf("%.0f %%", 100*ours.rate/floor.rate), note)
	return nil
}

// once sends the first request of l.
func (l load) once(addr string) error {
	l.requests, l.clients, l.duration = l.requests[:1], 1, 0
	_, err := l.run(addr)
	return err
}

// client returns a client of the root.
func (b *bench) client() *client.Client {
	return client.New(client.Config{Endpoint: "http://" + b.aloft.addr, Region: "us-east-1", AccessKey: b.aloft.key, Secret: b.aloft.secret})
}

// request returns a signed request of DynamoDB, as bytes.
func (b *bench) request(operation, body string) []byte {
	return b.requestTo("dynamodb", "DynamoDB_20120810."+operation, body)
}

// requestTo returns a signed request of a service that speaks awsJson, as bytes.
func (b *bench) requestTo(service, target, body string) []byte {
	r, err := http.NewRequest(http.MethodPost, "http://"+b.aloft.addr+"/", nil)
	if err != nil {
		panic(err) // an address of our own
	}
	_, operation, _ := strings.Cut(target, ".")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("X-Null-Answer", operation)
	sigv4.Sign(r, sigv4.Credentials{AccessKey: b.aloft.key, Secret: b.aloft.secret}, "us-east-1", service, time.Now(), []byte(body))
	return raw(r, []byte(body))
}
