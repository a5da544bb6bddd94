package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
)

// queueFixture is a fixture whose queue runs until stop is called. Its function
// "note" notes when it is called, and fails on events that contain "fail".
func queueFixture(t *testing.T) (f *fixture, stop func()) {
	f = newFixture(t)
	began := time.Now()
	f.runner.(*sandbox.InProcess).Handlers["note"] = func(_ context.Context, _ *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen = append(f.seen, fmt.Sprintf("%v %s", time.Since(began), e.Payload))
		if strings.Contains(string(e.Payload), "fail") {
			return nil, errors.New("as asked")
		}
		return []byte("1"), nil
	}
	f.create("fn", "note")
	return f, f.startQueue()
}

// startQueue runs the queue until stop is called.
func (f *fixture) startQueue() (stop func()) {
	ctx, cancel := context.WithCancel(f.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := f.runQueue(ctx); err != nil && ctx.Err() == nil {
			f.t.Error(err)
		}
	}()
	return func() { cancel(); <-done }
}

func (f *fixture) send(name, payload string) {
	f.t.Helper()
	out := must(f, f.Invoke, &api.InvokeInput{FunctionName: name, InvocationType: new("Event"), Payload: []byte(payload)})
	equal(f.t, "status", *out.StatusCode, 202)
}

// calls is what "note" was called with, once nothing more happens for d.
func (f *fixture) calls(d time.Duration) string {
	time.Sleep(d)
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.seen, "; ")
}

// left is how many events are in queues.
func (f *fixture) left() (n int) {
	f.t.Helper()
	err := f.db.View(f.ctx, func(tx *store.Tx) error {
		for range queued.Rows(f.call.ARN("lambda", "function:fn")).Scan(tx, nil, nil) {
			n++
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := queueFixture(t)
		defer stop()
		f.send("fn", `"good"`)
		f.send("fn", "")
		equal(t, "calls", len(strings.Split(f.calls(time.Second), ";")), 2)
		equal(t, "left", f.left(), 0)
	})
}

// An event whose function fails is tried three times, after one minute and after two more.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := queueFixture(t)
		defer stop()
		f.send("fn", `"fail"`)
		equal(t, "calls", f.calls(7*time.Hour), `0s "fail"; 1m0s "fail"; 3m0s "fail"`)
		equal(t, "left", f.left(), 0)
		must(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "fn", MaximumRetryAttempts: new(int32(0))})
		f.seen = nil
		f.send("fn", `"fail"`)
		equal(t, "calls without retries", f.calls(time.Hour), `7h0m0s "fail"`)
		must(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "fn", MaximumEventAgeInSeconds: new(int32(100))})
		f.seen = nil
		f.send("fn", `"fail"`)
		equal(t, "calls for 100 s", f.calls(time.Hour), `8h0m0s "fail"; 8h1m0s "fail"`)
	})
}

// Events are there after a restart, those that were being handled too.
func TestQueueIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := queueFixture(t)
		f.create("slow", "wait")
		f.send("fn", `"fail"`)
		f.calls(time.Second)
		stop()
		f.send("fn", `"while stopped"`)
		f.Service = New(Config{Dir: f.dir}, f.db, f.table, f.router, f.sessionsOf, f.runner) // knows nothing of before
		defer f.startQueue()()
		equal(t, "calls", f.calls(time.Hour), `0s "fail"; 1s "while stopped"; 1m0s "fail"; 3m0s "fail"`)
	})
}

func TestThrottledEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := queueFixture(t)
		defer stop()
		must(f, f.PutFunctionConcurrency, &api.PutFunctionConcurrencyInput{FunctionName: "fn", ReservedConcurrentExecutions: 1})
		gate := f.gate(f.call.ARN("lambda", "function:fn"), 1)
		gate.enter()
		f.send("fn", `"good"`)
		equal(t, "calls", f.calls(10*time.Second), "")
		gate.leave()
		equal(t, "calls", f.calls(time.Minute), `15s "good"`)
	})
}

// Events to functions that nothing may run are given up at once.
func TestZeroReserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := queueFixture(t)
		defer stop()
		defer f.hear()()
		must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "fn", DeadLetterConfig: &api.DeadLetterConfig{TargetArn: new("arn:aws:sqs:eu-central-1:000000000000:dead")}})
		must(f, f.PutFunctionConcurrency, &api.PutFunctionConcurrencyInput{FunctionName: "fn"})
		f.send("fn", `"lost"`)
		equal(t, "told", f.calls(time.Second), "sqs "+role+` https://sqs.eu-central-1.amazonaws.com/000000000000/dead "lost" 429 Function not invoked. Function isconfigured with zero reserved concurrent executions`)
		equal(t, "left", f.left(), 0)
	})
}

func TestManyEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := queueFixture(t)
		defer stop()
		f.create("slow", "wait")
		for range 2 * maxInFlight {
			f.send("slow", "")
		}
		for i := range 10 {
			f.send("fn", fmt.Sprint(i))
		}
		equal(t, "calls", len(strings.Split(f.calls(10*time.Second), ";")), 10)
	})
}

// A deleted function takes its events with it.
func TestQueueOfDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := queueFixture(t)
		defer stop()
		f.send("fn", `"fail"`)
		f.calls(time.Second)
		must(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "fn"})
		equal(t, "left", f.left(), 0)
		f.create("fn", "note")
		equal(t, "calls", f.calls(time.Hour), `0s "fail"`)
	})
}

func TestDestinations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, stop := queueFixture(t)
		defer stop()
		defer f.hear()()
		f.create("told", "note")
		f.create("bad", "fail")
		const told = prefix + "function:told"
		must(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "bad", MaximumRetryAttempts: new(int32(1)), DestinationConfig: &api.DestinationConfig{OnFailure: &api.OnFailure{Destination: new(told)}}})
		f.send("bad", `{"a":1}`)
		_, text, _ := strings.Cut(f.calls(time.Hour), " ")
		var doc map[string]any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err, text)
		}
		delete(doc, "timestamp")
		got, _ := json.Marshal(doc)
		equal(t, "told", string(got), `{"requestContext":{"approximateInvokeCount":2,"condition":"RetriesExhausted","functionArn":"`+prefix+`function:bad:$LATEST","requestId":"`+f.call.RequestID+`"},"requestPayload":{"a":1},"responseContext":{"executedVersion":"$LATEST","functionError":"Unhandled","statusCode":200},"responsePayload":{"errorMessage":"as asked","errorType":"Error"},"version":"1.0"}`)

		refuse(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "fn", DestinationConfig: &api.DestinationConfig{OnFailure: &api.OnFailure{Destination: new(prefix + "function:none")}}},
			"InvalidParameterValueException: The destination ARN "+prefix+"function:none is invalid.")
		refuse(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "fn", DestinationConfig: &api.DestinationConfig{OnSuccess: &api.OnSuccess{Destination: new(prefix + "function:fn")}}},
			"InvalidParameterValueException: You can't specify the function as a destination for itself.")
		refuse(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "fn", DestinationConfig: &api.DestinationConfig{OnSuccess: &api.OnSuccess{Destination: new("arn:aws:iam:eu-central-1:000000000000:function:x")}}},
			"InvalidParameterValueException: The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam:eu-central-1:000000000000:function:x), onFailure=null) is invalid.")
	})
}

func TestEventConfig(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "echo")
	const none = "ResourceNotFoundException: The function " + prefix + "function:fn:$LATEST doesn't have an EventInvokeConfig"
	refuse(f, f.GetFunctionEventInvokeConfig, &api.GetFunctionEventInvokeConfigInput{FunctionName: "fn"}, none)
	refuse(f, f.DeleteFunctionEventInvokeConfig, &api.DeleteFunctionEventInvokeConfigInput{FunctionName: "fn"}, none)
	refuse(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "fn"}, "InvalidParameterValueException: You must specify at least one of error handling or destination setting.")
	refuse(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "none", MaximumRetryAttempts: new(int32(1))}, "ResourceNotFoundException: The function doesn't exist.")
	must(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: "fn", MaximumRetryAttempts: new(int32(1))})
	up := must(f, f.UpdateFunctionEventInvokeConfig, &api.UpdateFunctionEventInvokeConfigInput{FunctionName: "fn", MaximumEventAgeInSeconds: new(int32(60))})
	equal(t, "updated", *up.MaximumRetryAttempts*100+*up.MaximumEventAgeInSeconds, 160)
	list := must(f, f.ListFunctionEventInvokeConfigs, &api.ListFunctionEventInvokeConfigsInput{FunctionName: "fn"}).FunctionEventInvokeConfigs
	equal(t, "listed", len(list), 1)
	equal(t, "ARN", *list[0].FunctionArn, prefix+"function:fn:$LATEST")
	must(f, f.DeleteFunctionEventInvokeConfig, &api.DeleteFunctionEventInvokeConfigInput{FunctionName: "fn"})
}

// No event is run twice when all goes well, however the queue is read while it changes.
func TestQueueRunsEventsOnce(t *testing.T) {
	f := newFixture(t)
	runs := make(map[string]int)
	all := make(chan struct{}, 5000)
	f.runner.(*sandbox.InProcess).Handlers["count"] = func(_ context.Context, _ *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		runs[string(e.Payload)]++
		all <- struct{}{}
		return []byte("1"), nil
	}
	f.create("fn", "count")
	defer f.startQueue()()
	const events = 1000
	for i := range events {
		f.send("fn", fmt.Sprint(i))
	}
	for range events {
		<-all
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for event, n := range runs {
		if n != 1 {
			t.Errorf("event %s was run %d times", event, n)
		}
	}
}
