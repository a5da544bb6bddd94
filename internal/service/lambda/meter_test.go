package lambda

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// What functions do is counted, minute by minute.
func TestUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		ctx, stop := context.WithCancel(f.ctx)
		var group task.Group
		group.Start(ctx, task.Task{Name: "usage", Run: f.keepUsage, Bell: f.meter.bell})
		f.create("slow", "wait")
		f.create("bad", "fail")
		for range 3 {
			f.invoke("slow", "1")
		}
		f.invoke("bad", "1")
		must(f, f.PutFunctionConcurrency, &api.PutFunctionConcurrencyInput{FunctionName: "bad"})
		if _, err := f.Invoke(f.ctx, f.call, &api.InvokeInput{FunctionName: "bad"}); !errors.Is(err, api.TooManyRequestsException) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		f.invoke("slow", "1")
		time.Sleep(time.Minute)
		stop()
		group.Wait()
		var got string
		err := f.db.View(f.ctx, func(tx *store.Tx) error {
			for key, u := range usages.Scan(tx, usageKey{}) {
				got += fmt.Sprintf("%s %s %s %d %d %d %v %v %v %d\n", name(key.Function), key.Version, key.Minute.Format("15:04"), u.Invocations, u.Errors, u.Throttles, u.Duration, u.Longest, u.MBSeconds, u.Concurrent)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "usage", got, "bad $LATEST 00:00 1 1 1 0s 0s 0 1\nslow $LATEST 00:00 3 0 0 3s 1s 384 1\nslow $LATEST 00:01 1 0 0 1s 1s 128 1\n")
	})
}

// Functions without reserved concurrency share what the account has left.
func TestAccountConcurrency(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "echo")
	f.create("other", "echo")
	f.invoke("fn", "1")
	must(f, f.PutFunctionConcurrency, &api.PutFunctionConcurrencyInput{FunctionName: "other", ReservedConcurrentExecutions: 900})
	account, err := f.accountGate(f.ctx, f.call.ARN("lambda", "function:fn"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "limit", account.limit.Load(), 100)
	for range 100 {
		account.enter()
	}
	refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "fn"}, "TooManyRequestsException: Rate Exceeded.")
	f.invoke("other", "1")
	must(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "other"})
	equal(t, "limit", account.limit.Load(), 1000)
	f.invoke("fn", "1")
}
