package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"io"
	"iter"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// A streaming is a run of a function whose answer is taken as it comes.
type streaming struct {
	contentType string // that the function gave, if it streams
	streams     bool   // it does; else it returned all at once

	ctx   context.Context
	stop  context.CancelFunc
	parts chan []byte
	ended chan struct{} // closed when result and err are known

	function *sandbox.Function
	result   sandbox.Result
	err      error
}

// Write implements io.Writer for the runner: it waits until the part is taken.
func (x *streaming) Write(p []byte) (int, error) {
	select {
	case x.parts <- bytes.Clone(p):
		return len(p), nil
	case <-x.ended:
		return 0, io.ErrClosedPipe
	case <-x.ctx.Done():
		return 0, x.ctx.Err()
	}
}

// stream runs a function, and returns when it has begun to answer. Whoever
// gets the run reads its parts to the end, or stops it.
func (s *Service) stream(ctx context.Context, r ref, e sandbox.Event) (*streaming, error) {
	t, err := s.target(ctx, r)
	if err != nil {
		return nil, err
	}
	x := &streaming{function: t.pick(), parts: make(chan []byte), ended: make(chan struct{})}
	x.ctx, x.stop = context.WithCancel(ctx)
	begun := make(chan string, 1)
	e.Stream = func(contentType string) io.Writer {
		begun <- contentType
		return x
	}
	s.streams.Go(func() {
		defer close(x.ended)
		x.result, x.err = s.runTarget(x.ctx, t, x.function, e)
	})
	select {
	case x.contentType = <-begun:
		x.streams = true
		return x, nil
	case <-x.ended:
	}
	select {
	case x.contentType = <-begun: // it streamed nothing
		x.streams = true
	default:
	}
	if x.err != nil {
		x.stop()
		return nil, x.err
	}
	return x, nil
}

// all yields the parts of the answer as they come. Then result is known.
func (x *streaming) all() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		defer x.stop()
		for {
			select {
			case p := <-x.parts:
				if !yield(p) {
					return
				}
				continue
			case <-x.ended:
			}
			if !x.failed() && len(x.result.Payload) > 0 {
				yield(x.result.Payload)
			}
			return
		}
	}
}

// failed reports whether the run failed, once it has ended.
func (x *streaming) failed() bool { return x.err != nil || x.result.FunctionError != "" }

// InvokeWithResponseStream calls a function and sends its answer as it comes.
func (s *Service) InvokeWithResponseStream(ctx context.Context, call *aws.Call, in *api.InvokeWithResponseStreamInput) (*api.InvokeWithResponseStreamOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	e, err := newEvent(call, &api.InvokeInput{Payload: in.Payload, ClientContext: in.ClientContext, TenantId: in.TenantId}, api.InvocationTypeRequestResponse)
	if err != nil {
		return nil, err
	}
	if aws.Value(in.InvocationType) == api.ResponseStreamingInvocationTypeDryRun {
		if err := s.expects(ctx, r, &e); err != nil {
			return nil, err
		}
		return &api.InvokeWithResponseStreamOutput{StatusCode: new(int32(204))}, nil
	}
	x, err := s.stream(ctx, r, e)
	if err != nil {
		return nil, err
	}
	return &api.InvokeWithResponseStreamOutput{
		StatusCode: new(int32(200)), ExecutedVersion: &x.function.Version, EventStream: x.events(aws.Value(in.LogType) == api.LogTypeTail),
		ResponseStreamContentType: new(cmp.Or(x.contentType, "application/octet-stream")),
	}, nil
}

// events are the parts of the answer, and how it ended.
func (x *streaming) events(tail bool) iter.Seq2[api.InvokeWithResponseStreamResponseEvent, error] {
	return func(yield func(api.InvokeWithResponseStreamResponseEvent, error) bool) {
		for p := range x.all() {
			if !yield(api.InvokeWithResponseStreamResponseEvent{PayloadChunk: &api.InvokeResponseStreamUpdate{Payload: p}}, nil) {
				return
			}
		}
		if x.err != nil {
			yield(api.InvokeWithResponseStreamResponseEvent{}, x.err)
			return
		}
		last := &api.InvokeWithResponseStreamCompleteEvent{}
		if x.result.FunctionError != "" {
			last.ErrorCode, last.ErrorDetails = &x.result.FunctionError, new(string(x.result.Payload))
		}
		if tail {
			last.LogResult = new(base64.StdEncoding.EncodeToString(x.result.LogTail))
		}
		yield(api.InvokeWithResponseStreamResponseEvent{InvokeComplete: last}, nil)
	}
}
