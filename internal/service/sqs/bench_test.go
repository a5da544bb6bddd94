package sqs_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/sqs"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	call = &aws.Call{Account: "000000000000", Region: "us-east-1", Principal: aws.Principal{Kind: aws.Root, Account: "000000000000"}}
	url  = "http://localhost/000000000000/bench"
)

// bench returns SQS over a store on disk, with a queue of n messages.
func bench(tb testing.TB, n int) *sqs.Service {
	db, err := store.Open(store.Config{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	s, err := sqs.New(tb.Context(), sqs.Config{DB: db})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := s.CreateQueue(tb.Context(), call, &api.CreateQueueInput{QueueName: "bench", Attributes: map[string]string{"VisibilityTimeout": "600"}}); err != nil {
		tb.Fatal(err)
	}
	fill(tb, s, n)
	return s
}

// fill sends n messages, many at a time.
func fill(tb testing.TB, s *sqs.Service, n int) {
	var left atomic.Int64
	left.Store(int64(n) / 10)
	done := make(chan error)
	for range 64 {
		go func() {
			for left.Add(-1) >= 0 {
				in := &api.SendMessageBatchInput{QueueUrl: url}
				for i := range 10 {
					in.Entries = append(in.Entries, api.SendMessageBatchRequestEntry{Id: fmt.Sprint(i), MessageBody: "0123456789"})
				}
				if _, err := s.SendMessageBatch(tb.Context(), call, in); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 64 {
		if err := <-done; err != nil {
			tb.Fatal(err)
		}
	}
}

func BenchmarkSend(b *testing.B) {
	s := bench(b, 0)
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.SendMessage(b.Context(), call, &api.SendMessageInput{QueueUrl: url, MessageBody: "0123456789"}); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkCycle sends, receives and deletes, in a queue of so many others.
func BenchmarkCycle(b *testing.B) {
	for _, n := range []int{0, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := bench(b, n)
			b.SetParallelism(8)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					cycle(b, s)
				}
			})
		})
	}
}

func cycle(b *testing.B, s *sqs.Service) {
	if _, err := s.SendMessage(b.Context(), call, &api.SendMessageInput{QueueUrl: url, MessageBody: "0123456789"}); err != nil {
		b.Error(err)
	}
	out, err := s.ReceiveMessage(b.Context(), call, &api.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: new(int32(5))})
	if err != nil || len(out.Messages) != 1 {
		b.Errorf("got %v, %v", out, err)
		return
	}
	if _, err := s.DeleteMessage(b.Context(), call, &api.DeleteMessageInput{QueueUrl: url, ReceiptHandle: *out.Messages[0].ReceiptHandle}); err != nil {
		b.Error(err)
	}
}

// BenchmarkWake is from a send to the end of a receive that waited for it.
func BenchmarkWake(b *testing.B) {
	s := bench(b, 0)
	got := make(chan error)
	for b.Loop() {
		go func() {
			out, err := s.ReceiveMessage(b.Context(), call, &api.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: new(int32(20))})
			if err == nil && len(out.Messages) != 1 {
				err = fmt.Errorf("got %d messages", len(out.Messages))
			}
			got <- err
		}()
		time.Sleep(100 * time.Microsecond)
		if _, err := s.SendMessage(b.Context(), call, &api.SendMessageInput{QueueUrl: url, MessageBody: "0123456789"}); err != nil {
			b.Fatal(err)
		}
		if err := <-got; err != nil {
			b.Fatal(err)
		}
	}
}
