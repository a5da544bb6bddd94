package lambda

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/service"
)

func TestInvoke(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "echo")
	equal(t, "answer", f.invoke("fn", `{"a": 1}`), `{"a": 1}`)
	equal(t, "no event", f.invoke("fn", ""), "{}")
	out := must(f, f.Invoke, &api.InvokeInput{FunctionName: "fn", LogType: new("Tail"), Payload: []byte(`"hello"`)})
	tail, err := base64.StdEncoding.DecodeString(*out.LogResult)
	if err != nil || !strings.Contains(string(tail), `got "hello"`) || !strings.HasPrefix(string(tail), "START RequestId: "+f.call.RequestID+" Version: $LATEST\n") {
		t.Errorf("tail %q, %v", tail, err)
	}
	equal(t, "version", *out.ExecutedVersion, "$LATEST")
	equal(t, "status", *out.StatusCode, 200)
	equal(t, "dry run", *must(f, f.Invoke, &api.InvokeInput{FunctionName: "fn", InvocationType: new("DryRun")}).StatusCode, 204)

	f.create("bad", "fail")
	out = must(f, f.Invoke, &api.InvokeInput{FunctionName: "bad"})
	equal(t, "error", *out.FunctionError+" "+string(out.Payload), `Unhandled {"errorMessage":"as asked","errorType":"Error"}`)

	refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "fn", InvocationType: new("Event"), Payload: make([]byte, maxQueued+1)},
		"RequestTooLargeException: 1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)")
	refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "fn", Payload: make([]byte, maxPayload+1)},
		"RequestTooLargeException: 6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)")
	refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "fn", ClientContext: new("{}")},
		"InvalidRequestContentException: Client context must be a valid Base64-encoded JSON object.")
}

func TestPayload(t *testing.T) {
	const end = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]"
	f := func(text, want string, line, column int) {
		t.Helper()
		if want != "" {
			want += fmt.Sprintf(end, line, column)
		}
		if got := checkJSON([]byte(text)); got != want {
			t.Errorf("checkJSON(%q) = %q, want %q", text, got, want)
		}
	}
	const expected = ": expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
	f(`{"a": [1, null]}`, "", 0, 0)
	f(` "ü" `, "", 0, 0)
	f("n\x87r\x9e", "Invalid UTF-8 start byte 0x87", 1, 3) // this and the next, AWS said
	f("\x99\xeb,j", "Unexpected character ((CTRL-CHAR, code 153))"+expected, 1, 1)
	f("<x>", "Unexpected character ('<' (code 60))"+expected, 1, 1)
	f("{\n}}", "Unexpected character ('}' (code 125))"+expected, 2, 2)
	f(`{"a"`, "Unexpected end-of-input", 1, 5)
	f("nope", "Unrecognized token 'nope': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", 1, 5)
	f("[hello]", "Unrecognized token 'hello': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", 1, 7)
	f("\"\x99\"", "Invalid UTF-8 start byte 0x99", 1, 3)
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte(`{"a":`))
	f.Add([]byte("\x99"))
	f.Fuzz(func(t *testing.T, text []byte) { checkJSON(text) })
}

// What is remembered for invokes is never of before a change.
func TestChangesAreSeen(t *testing.T) {
	f := newFixture(t)
	in := f.function("fn", "arn")
	in.Environment = &api.Environment{Variables: map[string]string{"V": "one"}}
	must(f, f.CreateFunction, in)
	must(f, f.CreateAlias, &api.CreateAliasInput{FunctionName: "fn", Name: "live", FunctionVersion: "$LATEST"})
	equal(t, "first", f.invoke("fn", ""), `"`+prefix+`function:fn $LATEST one"`)
	must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "fn", Environment: &api.Environment{Variables: map[string]string{"V": "two"}}})
	equal(t, "updated", f.invoke("fn", ""), `"`+prefix+`function:fn $LATEST two"`)
	equal(t, "published", *must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn"}).Version, "1")
	equal(t, "alias", f.invoke("fn:live", ""), `"`+prefix+`function:fn:live $LATEST two"`)
	must(f, f.UpdateAlias, &api.UpdateAliasInput{FunctionName: "fn", Name: "live", FunctionVersion: new("1")})
	equal(t, "alias moved", f.invoke("fn:live", ""), `"`+prefix+`function:fn:live 1 two"`)
	must(f, f.DeleteAlias, &api.DeleteAliasInput{FunctionName: "fn", Name: "live"})
	refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "fn", Qualifier: new("live")}, "ResourceNotFoundException: Function not found: "+prefix+"function:fn:live")
}

// While functions change, invokes see no version that was gone when they began.
func TestChangesUnderLoad(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "arn")
	var wg sync.WaitGroup
	for i := range 20 {
		v := fmt.Sprint(i)
		must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "fn", Environment: &api.Environment{Variables: map[string]string{"V": v}}})
		for range 4 {
			wg.Go(func() {
				out, err := f.Invoke(f.ctx, f.call, &api.InvokeInput{FunctionName: "fn"})
				if err != nil {
					t.Error(err)
					return
				}
				var got int
				if fmt.Sscanf(strings.Fields(strings.Trim(string(out.Payload), `"`))[2], "%d", &got); got < i {
					t.Errorf("after %d saw %d", i, got)
				}
			})
		}
	}
	wg.Wait()
}

func TestWeights(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "arn")
	must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn"})
	must(f, f.UpdateFunctionCode, &api.UpdateFunctionCodeInput{FunctionName: "fn", ZipFile: zipOf("x", "2"), Publish: new(true)})
	must(f, f.CreateAlias, &api.CreateAliasInput{FunctionName: "fn", Name: "live", FunctionVersion: "1", RoutingConfig: &api.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.25}}})
	second := 0
	for range 400 {
		if *must(f, f.Invoke, &api.InvokeInput{FunctionName: "fn:live"}).ExecutedVersion == "2" {
			second++
		}
	}
	if second < 50 || second > 150 {
		t.Errorf("%d of 400 went to version 2, want about 100", second)
	}
}

func TestReservedConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.create("fn", "wait")
		must(f, f.PutFunctionConcurrency, &api.PutFunctionConcurrencyInput{FunctionName: "fn", ReservedConcurrentExecutions: 2})
		for range 2 {
			go must(f, f.Invoke, &api.InvokeInput{FunctionName: "fn"})
		}
		synctest.Wait()
		_, err := f.Invoke(f.ctx, f.call, &api.InvokeInput{FunctionName: "fn"})
		refusal := aws.Refusal(err)
		detail, ok := refusal.Detail.(*api.TooManyRequestsExceptionDetail)
		if err == nil || err.Error() != "TooManyRequestsException: Rate Exceeded." || !ok || *detail.Reason != "ReservedFunctionConcurrentInvocationLimitExceeded" {
			t.Errorf("third invoke: %v", err)
		}
		time.Sleep(2 * time.Second)
		must(f, f.Invoke, &api.InvokeInput{FunctionName: "fn"})
		must(f, f.PutFunctionConcurrency, &api.PutFunctionConcurrencyInput{FunctionName: "fn"})
		refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "fn"}, "TooManyRequestsException: Rate Exceeded.")
		must(f, f.DeleteFunctionConcurrency, &api.DeleteFunctionConcurrencyInput{FunctionName: "fn"})
		must(f, f.Invoke, &api.InvokeInput{FunctionName: "fn"})

		refuse(f, f.PutFunctionConcurrency, &api.PutFunctionConcurrencyInput{FunctionName: "fn", ReservedConcurrentExecutions: 901},
			"InvalidParameterValueException: Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	})
}

// What a function writes is in its log group, made by its role.
func TestLog(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "echo")
	f.invoke("fn", `"hi"`)
	read := func() (texts []string) {
		out, err := dispatch.Call(f.ctx, f.table, f.call, logs.FilterLogEvents, &logs.FilterLogEventsInput{LogGroupName: new("/aws/lambda/fn")})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			texts = append(texts, *e.Message)
		}
		return texts
	}
	got := read()
	if len(got) != 4 || got[1] != "got \"hi\"\n" || !strings.HasPrefix(got[3], "REPORT RequestId: ") {
		t.Errorf("log %q", got)
	}
	// A role that may not write, does not, and nobody hears of it.
	f.auth.deny = func(call *aws.Call, access service.Access) bool {
		return call.Principal.Kind == aws.Session && access.Action == "logs:PutLogEvents"
	}
	f.invoke("fn", `"again"`)
	equal(t, "events", len(read()), 4)
}

func TestLogBatches(t *testing.T) {
	now := time.UnixMilli(1000)
	var lines []sandbox.LogLine
	for range logBatchEvents + 1 {
		lines = append(lines, sandbox.LogLine{Time: now, Message: "x"})
	}
	lines = append(lines, sandbox.LogLine{Time: now.Add(-time.Second), Message: strings.Repeat("ü", 1<<20)}, sandbox.LogLine{Message: "a\xffb"}, sandbox.LogLine{})
	count, text := 0, ""
	for events := range batches(lines) {
		size := 0
		for _, e := range events {
			size += len(e.Message) + logOverhead
			if e.Timestamp != 1000 || len(e.Message)+logOverhead > logEventBytes || e.Message == "" {
				t.Fatalf("event at %d of %d bytes", e.Timestamp, len(e.Message))
			}
			text += e.Message
		}
		if count += len(events); len(events) > logBatchEvents || size > logBatchBytes {
			t.Errorf("batch of %d events, %d bytes", len(events), size)
		}
	}
	if want := strings.Repeat("x", logBatchEvents+1) + strings.Repeat("ü", 1<<20) + "a\uFFFDb\n"; text != want {
		t.Errorf("%d bytes came out of %d", len(text), len(want))
	}
}

func BenchmarkInvoke(b *testing.B) {
	f := newFixture(b)
	f.runner.(*sandbox.InProcess).Sink = nil
	f.create("fn", "echo")
	in := &api.InvokeInput{FunctionName: "fn", Payload: []byte(`{"name": "world", "n": [1, 2, 3]}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dispatch.Call(context.Background(), f.table, f.call, api.Invoke, in); err != nil {
			b.Fatal(err)
		}
	}
}
