package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// InProcess is a Runner without processes, for scripts that run a whole
// platform on a clock of their own: its functions are Go handlers.
type InProcess struct {
	// Handlers by the name that the function has as its handler.
	Handlers map[string]Handler

	// Sink, if not nil, takes the log of every invoke.
	Sink func(LogBatch)
}

// A Handler is a function in Go. What it logs is a line each. An error is
// what a failed function would report: its text becomes errorMessage.
type Handler func(ctx context.Context, f *Function, e Event, log func(string)) ([]byte, error)

// Invoke calls the handler of f, within its time-out.
func (p *InProcess) Invoke(ctx context.Context, f *Function, e Event) (Result, error) {
	h := p.Handlers[f.Handler]
	if h == nil {
		return Result{}, fmt.Errorf("%w: no handler %q in process", ErrRuntime, f.Handler)
	}
	batch := LogBatch{Function: f.ARN, Version: f.Version, Group: f.logGroup(), Stream: time.Now().UTC().Format("2006/01/02/") + "[" + f.Version + "]00000000000000000000000000000000"}
	var tail []byte
	log := func(s string) {
		batch.Lines = append(batch.Lines, LogLine{time.Now(), s + "\n"})
		tail = append(tail, s+"\n"...)
	}
	log("START RequestId: " + e.RequestID + " Version: " + f.Version)
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, f.timeout())
	defer cancel()
	out, err := h(limited, f, e, log)
	res := Result{Payload: out, LogStream: batch.Stream}
	if err != nil {
		res.FunctionError = "Unhandled"
		res.Payload, _ = json.Marshal(map[string]string{"errorType": "Error", "errorMessage": err.Error()})
	}
	res.Stats.Duration = time.Since(began)
	res.Stats.Billed = res.Stats.Duration.Truncate(time.Millisecond) + time.Millisecond
	log("END RequestId: " + e.RequestID)
	log(fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		e.RequestID, float64(res.Stats.Duration)/float64(time.Millisecond), res.Stats.Billed.Milliseconds(), f.memoryMB(), f.memoryMB()/2))
	res.LogTail = tail[max(0, len(tail)-4096):]
	if p.Sink != nil {
		p.Sink(batch)
	}
	return res, nil
}

// Prepare does nothing.
func (p *InProcess) Prepare(string) error { return nil }

// Forget does nothing: a handler keeps no state of a function.
func (p *InProcess) Forget(aws.ARN) {}

// Close does nothing.
func (p *InProcess) Close() error { return nil }

func (f *Function) timeout() time.Duration {
	if f.Timeout <= 0 {
		return 3 * time.Second
	}
	return f.Timeout
}

func (f *Function) memoryMB() int {
	if f.MemoryMB <= 0 {
		return 128
	}
	return f.MemoryMB
}

func (f *Function) tmpMB() int {
	if f.TmpMB <= 0 {
		return 512
	}
	return f.TmpMB
}

func (f *Function) logGroup() string {
	if f.LogGroup != "" {
		return f.LogGroup
	}
	return "/aws/lambda/" + f.name()
}

// name is the function's name: the part of its ARN after "function:".
func (f *Function) name() string {
	const kind = "function:"
	if len(f.ARN.Resource) > len(kind) && f.ARN.Resource[:len(kind)] == kind {
		return f.ARN.Resource[len(kind):]
	}
	return f.ARN.Resource
}
