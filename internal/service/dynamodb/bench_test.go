package dynamodb

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// open returns a service over an empty store in memory, with one table.
func open(b *testing.B) (*Service, *aws.Call) {
	b.Helper()
	db, err := store.Open(store.Config{FS: vfs.NewMem()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	s := New(Config{}, db, nil)
	call := &aws.Call{Account: "000000000000", Region: "eu-central-1"}
	_, err = s.CreateTable(b.Context(), call, &api.CreateTableInput{
		TableName:            "bench",
		BillingMode:          new("PAY_PER_REQUEST"),
		AttributeDefinitions: []api.AttributeDefinition{{AttributeName: "pk", AttributeType: "S"}, {AttributeName: "sk", AttributeType: "N"}},
		KeySchema:            []api.KeySchemaElement{{AttributeName: "pk", KeyType: "HASH"}, {AttributeName: "sk", KeyType: "RANGE"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return s, call
}

func benchItem(pk string, sk int) item.Item {
	return item.New(item.Attribute{Name: "pk", Value: item.String(pk)}, item.Attribute{Name: "sk", Value: item.Int(sk)},
		item.Attribute{Name: "status", Value: item.String("SHIPPED")}, item.Attribute{Name: "amount", Value: item.Int(123456)},
		item.Attribute{Name: "note", Value: item.String("leave at the door, and do not ring the bell more than twice")})
}

func benchKey(pk string, sk int) item.Item {
	return item.New(item.Attribute{Name: "pk", Value: item.String(pk)}, item.Attribute{Name: "sk", Value: item.Int(sk)})
}

func fill(b *testing.B, s *Service, call *aws.Call, pks, each int) {
	b.Helper()
	for i := range pks {
		for j := range each {
			if _, err := s.PutItem(context.Background(), call, &api.PutItemInput{TableName: "bench", Item: benchItem(fmt.Sprint("user#", i), j)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ResetTimer()
}

func BenchmarkPutItem(b *testing.B) {
	s, call := open(b)
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(n.Add(1))
			if _, err := s.PutItem(context.Background(), call, &api.PutItemInput{TableName: "bench", Item: benchItem("user#1", i)}); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkGetItem(b *testing.B) {
	s, call := open(b)
	fill(b, s, call, 100, 10)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		out, err := s.GetItem(context.Background(), call, &api.GetItemInput{TableName: "bench", Key: benchKey(fmt.Sprint("user#", i%100), i%10)})
		if err != nil || out.Item == nil {
			b.Fatal(out, err)
		}
	}
}

func BenchmarkQuery10(b *testing.B) {
	s, call := open(b)
	fill(b, s, call, 100, 10)
	values := item.New(item.Attribute{Name: ":p", Value: item.String("user#42")})
	b.ReportAllocs()
	for b.Loop() {
		out, err := s.Query(context.Background(), call, &api.QueryInput{
			TableName: "bench", KeyConditionExpression: new("pk = :p"), ExpressionAttributeValues: values})
		if err != nil || len(out.Items) != 10 {
			b.Fatal(out, err)
		}
	}
}

// One item that all update at once loses no update.
func BenchmarkHotItem(b *testing.B) {
	s, call := open(b)
	values := item.New(item.Attribute{Name: ":one", Value: item.Int(1)})
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, err := s.UpdateItem(context.Background(), call, &api.UpdateItemInput{
				TableName: "bench", Key: benchKey("hot", 1), UpdateExpression: new("ADD n :one"), ExpressionAttributeValues: values})
			if err != nil {
				b.Error(err)
			}
			n.Add(1)
		}
	})
	out, err := s.GetItem(context.Background(), call, &api.GetItemInput{TableName: "bench", Key: benchKey("hot", 1)})
	if err != nil || out.Item.Get("n").Text() != fmt.Sprint(n.Load()) {
		b.Errorf("after %d updates n is %s, %v", n.Load(), out.Item.Get("n").Text(), err)
	}
}
