package sandbox

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox/rapi"
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
	if len(e.Payload) > rapi.MaxPayload {
		return Result{}, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(e.Payload))
	}
	if f.Share != nil {
		if _, err := f.Share(ctx); err != nil {
			return Result{}, err
		}
	}
	stream := time.Now().UTC().Format("2006/01/02/") + "[" + f.Version + "]00000000000000000000000000000000"
	batch := LogBatch{Function: f.ARN, Version: f.Version, Group: f.logGroup(), Stream: stream}
	res := Result{LogStream: stream}
	log := func(s string) {
		batch.Lines = append(batch.Lines, LogLine{time.Now(), s})
		res.LogTail = append(res.LogTail, s...)
	}
	log(scribe{f}.start(e.RequestID))
	began := time.Now()
	why := p.call(ctx, h, f, e, &res, func(s string) { log(s + "\n") })
	res.Stats.Duration = time.Since(began)
	res.Stats.Billed = billed(res.Stats.Duration)
	res.Stats.MaxMB = f.memoryMB() / 2
	if why != nil {
		log(scribe{f}.failed(e.RequestID, why))
	}
	for _, line := range (scribe{f}).end(e.RequestID, res.Stats, why) {
		log(line)
	}
	res.LogTail = res.LogTail[max(0, len(res.LogTail)-maxTail):]
	if p.Sink != nil {
		p.Sink(batch)
	}
	return res, nil
}

// call puts what h answers in res.
func (p *InProcess) call(ctx context.Context, h Handler, f *Function, e Event, res *Result, log func(string)) *failure {
	limited, cancel := context.WithTimeout(ctx, f.timeout())
	defer cancel()
	out, err := h(limited, f, e, log)
	switch {
	case err == nil && len(out) > rapi.MaxPayload:
		res.FunctionError, res.Payload = "Unhandled", tooLarge()
	case err == nil:
		res.Payload = out
	case ctx.Err() == nil && limited.Err() != nil:
		why := timedOut(f.timeout())
		res.FunctionError, res.Payload = "Unhandled", why.payload(e.RequestID)
		return why
	default:
		res.FunctionError = "Unhandled"
		res.Payload, _ = json.Marshal(map[string]string{"errorType": "Error", "errorMessage": err.Error()})
	}
	return nil
}

// Prepare does nothing.
func (p *InProcess) Prepare(string) error { return nil }

// Keep does nothing: a handler is always ready.
func (p *InProcess) Keep(_ *Function, n int) (int, bool) { return n, false }

// Forget does nothing: a handler keeps no state of a function.
func (p *InProcess) Forget(aws.ARN) {}

// Close does nothing.
func (p *InProcess) Close() error { return nil }

// Layer returns an archive with nothing of use: what runs here needs no layers.
func (p *InProcess) Layer(context.Context, string, string) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	if _, err := w.Create("none"); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}
