package sandbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestInProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		p := &InProcess{
			Handlers: map[string]Handler{
				"echo": func(_ context.Context, _ *Function, e Event, log func(string)) ([]byte, error) {
					log("hello")
					return e.Payload, nil
				},
				"fail": func(context.Context, *Function, Event, func(string)) ([]byte, error) {
					return nil, errors.New("as asked")
				},
				"wait": func(ctx context.Context, _ *Function, _ Event, _ func(string)) ([]byte, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				},
			},
			Sink: func(b LogBatch) {
				for _, l := range b.Lines {
					lines = append(lines, l.Message)
				}
			},
		}
		for handler, want := range map[string]struct{ err, payload, log string }{
			"echo": {"", "{}", "START RequestId: r Version: $LATEST\nhello\nEND RequestId: r\nREPORT RequestId: r\tDuration: 0.00 ms\tBilled Duration: 0 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t\n"},
			"fail": {"Unhandled", `{"errorMessage":"as asked","errorType":"Error"}`, "REPORT"},
			"wait": {"Unhandled", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 2.00 seconds"}`, "Z r Task timed out after 2.00 seconds\n\nEND"},
		} {
			lines = nil
			res, err := p.Invoke(t.Context(), &Function{Handler: handler, Version: "$LATEST", Timeout: 2 * time.Second}, Event{RequestID: "r", Payload: []byte("{}")})
			if err != nil || res.FunctionError != want.err || string(res.Payload) != want.payload {
				t.Errorf("%s: %q %s, %v", handler, res.FunctionError, res.Payload, err)
			}
			if log := strings.Join(lines, ""); !strings.Contains(log, want.log) || log != string(res.LogTail) {
				t.Errorf("%s: log %q, tail %q", handler, log, res.LogTail)
			}
		}
		if _, err := p.Invoke(t.Context(), &Function{Handler: "none"}, Event{}); !errors.Is(err, ErrRuntime) {
			t.Errorf("unknown handler: %v", err)
		}
	})
}
