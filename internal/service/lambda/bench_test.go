package lambda

import (
	"context"
	"sync"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
)

// BenchmarkQueue puts events in the queue, on disk, from 16 clients at once,
// and waits until all are handled.
func BenchmarkQueue(b *testing.B) {
	f := newFixture(b)
	db, err := store.Open(store.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	f.Service = New(Config{Dir: f.dir}, db, f.table, f.router, f.sessionsOf, f.runner)
	var handled sync.WaitGroup
	f.runner.(*sandbox.InProcess).Sink = nil
	f.runner.(*sandbox.InProcess).Handlers["count"] = func(context.Context, *sandbox.Function, sandbox.Event, func(string)) ([]byte, error) {
		handled.Done()
		return []byte("1"), nil
	}
	f.create("fn", "count")
	ctx, stop := context.WithCancel(f.ctx)
	done := make(chan struct{})
	go func() { defer close(done); f.runQueue(ctx) }()
	in := &api.InvokeInput{FunctionName: "fn", InvocationType: new("Event"), Payload: []byte(`{"name": "world", "n": [1, 2, 3]}`)}
	handled.Add(b.N)
	b.ResetTimer()
	var clients sync.WaitGroup
	for c := range 16 {
		clients.Go(func() {
			for i := c; i < b.N; i += 16 {
				if _, err := f.Invoke(f.ctx, f.call, in); err != nil {
					b.Error(err)
				}
			}
		})
	}
	clients.Wait()
	handled.Wait()
	b.StopTimer()
	stop()
	<-done
}
