package lambda

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/events"
	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

// hear adds stand-ins for the services that hear of outcomes, which note it,
// and makes deliveries until stop is called.
func (f *fixture) hear() (stop func()) {
	note := func(format string, args ...any) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen = append(f.seen, fmt.Sprintf(format, args...))
	}
	f.table.Add(service.Definition{API: sqs.API, Operations: []service.Operation{service.Op(sqs.SendMessage, func(_ context.Context, call *aws.Call, in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
		note("sqs %s %s %s %s %s", call.Principal.Role, in.QueueUrl, in.MessageBody, aws.Value(in.MessageAttributes["ErrorCode"].StringValue), aws.Value(in.MessageAttributes["ErrorMessage"].StringValue))
		return &sqs.SendMessageOutput{}, nil
	}, service.Any)}})
	f.table.Add(service.Definition{API: sns.API, Operations: []service.Operation{service.Op(sns.Publish, func(_ context.Context, _ *aws.Call, in *sns.PublishInput) (*sns.PublishOutput, error) {
		note("sns %s %s", aws.Value(in.TopicArn), in.Message)
		return &sns.PublishOutput{}, nil
	}, service.Any)}})
	f.table.Add(service.Definition{API: events.API, Operations: []service.Operation{service.Op(events.PutEvents, func(_ context.Context, _ *aws.Call, in *events.PutEventsInput) (*events.PutEventsOutput, error) {
		e := in.Entries[0]
		note("events %s %s %s %v", aws.Value(e.EventBusName), aws.Value(e.Source), aws.Value(e.DetailType), e.Resources)
		return &events.PutEventsOutput{}, nil
	}, service.Any)}})
	f.putObject = func(in *s3.PutObjectInput) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			f.t.Error(err)
		}
		key := strings.Split(in.Key, "/")
		note("s3 %s %s %.13s", in.Bucket, strings.Join(key[:4], "/"), body)
	}
	ctx, cancel := context.WithCancel(f.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.router.Task().Run(ctx)
	}()
	return func() { cancel(); <-done }
}

// What became of an event is told to its function's destinations and
// dead-letter queue, whatever they are.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		defer f.hear()()
		defer f.startQueue()()
		in := f.function("bad", "fail")
		in.DeadLetterConfig = &api.DeadLetterConfig{TargetArn: new("arn:aws:sqs:eu-central-1:000000000000:dead")}
		must(f, f.CreateFunction, in)
		f.create("good", "echo")
		configure := func(fn, success, failure string) {
			must(f, f.PutFunctionEventInvokeConfig, &api.PutFunctionEventInvokeConfigInput{FunctionName: fn, MaximumRetryAttempts: new(int32(0)), DestinationConfig: &api.DestinationConfig{
				OnSuccess: &api.OnSuccess{Destination: &success}, OnFailure: &api.OnFailure{Destination: &failure},
			}})
		}
		send := func(fn, payload, want string) {
			t.Helper()
			f.seen = nil
			f.send(fn, payload)
			got := strings.Split(f.calls(time.Second), "; ")
			slices.Sort(got)
			equal(t, fn, strings.Join(got, "; "), want)
		}
		const topic, bus = "arn:aws:sns:eu-central-1:000000000000:t", "arn:aws:events:eu-central-1:000000000000:event-bus/b"
		configure("bad", topic, "arn:aws:s3:::bucket")
		send("bad", `{"n":2}`, "s3 bucket aws/lambda/async/bad {\"version\":\"1; sqs "+role+" https://sqs.eu-central-1.amazonaws.com/000000000000/dead {\"n\":2} 200 as asked")
		configure("good", bus, topic)
		send("good", `{"n":3}`, "events "+bus+" lambda Lambda Function Invocation Result - Success ["+bus+" "+prefix+"function:good:$LATEST]")
		configure("good", topic, topic)
		f.seen = nil
		f.send("good", `{"n":4}`)
		got := f.calls(time.Second)
		equal(t, "topic", strings.HasPrefix(got, "sns "+topic+` {"version":"1.0","timestamp":`), true)
	})
}

// A function that invokes itself without end is stopped, unless it may.
func TestLoop(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "echo")
	fn, other := hashOf(f.call.ARN("lambda", "function:fn")), hashOf(f.call.ARN("lambda", "function:other"))
	trace := ""
	for range maxDepth - 1 {
		trace = deeper(deeper(trace, fn), other)
	}
	equal(t, "depth", depth(trace, fn), maxDepth-1)
	f.call.Trace = trace
	f.invoke("fn", `1`)
	f.call.Trace = deeper(trace, fn)
	refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "fn"}, "RecursiveInvocationException: Lambda has detected that your function is being invoked in a recursive loop with other AWS resources and stopped your function's invocation.")
	must(f, f.PutFunctionRecursionConfig, &api.PutFunctionRecursionConfigInput{FunctionName: "fn", RecursiveLoop: "Allow"})
	f.invoke("fn", `1`)
	equal(t, "allowed", *must(f, f.GetFunctionRecursionConfig, &api.GetFunctionRecursionConfigInput{FunctionName: "fn"}).RecursiveLoop, "Allow")
}

func FuzzTrace(f *testing.F) {
	f.Add("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=3995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:1|1:b:2")
	fn := hashOf(aws.ARN{Service: "lambda", Resource: "function:fn"})
	f.Fuzz(func(t *testing.T, trace string) {
		// Whatever a trace says, a run counts one more, and no more.
		if got, want := depth(deeper(trace, fn), fn), depth(trace, fn)+1; got != want {
			t.Errorf("deeper(%q): depth %d, want %d", trace, got, want)
		}
	})
}
