package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// Bytes that an event has at most.
const (
	maxPayload = 6291456 // if the caller waits for the answer
	maxQueued  = 1 << 20
)

// Invoke calls a function and waits for its answer, or has it called soon.
func (s *Service) Invoke(ctx context.Context, call *aws.Call, in *api.InvokeInput) (*api.InvokeOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	kind := aws.Or(in.InvocationType, api.InvocationTypeRequestResponse)
	e, err := newEvent(call, in, kind)
	if err != nil {
		return nil, err
	}
	t, err := s.target(ctx, r)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == api.InvocationTypeDryRun:
		return &api.InvokeOutput{StatusCode: new(int32(204))}, t.checkTenant(&e)
	case t.durable != nil:
		return s.invokeDurable(ctx, r, t, &e, in, kind)
	case in.DurableExecutionName != nil:
		return nil, invalid("You cannot provide a durable execution name for a function that is not durable.")
	case kind == api.InvocationTypeEvent:
		if err := t.checkTenant(&e); err != nil {
			return nil, err
		}
		return s.enqueue(ctx, r, e)
	}
	f := t.pick()
	res, err := s.runTarget(ctx, t, f, e)
	if err != nil {
		return nil, err
	}
	out := &api.InvokeOutput{StatusCode: new(int32(200)), Payload: res.Payload, ExecutedVersion: &f.Version}
	if res.FunctionError != "" {
		out.FunctionError = &res.FunctionError
	}
	if aws.Value(in.LogType) == api.LogTypeTail {
		out.LogResult = new(base64.StdEncoding.EncodeToString(res.LogTail))
	}
	return out, nil
}

// InvokeAsync has a function called soon: it is what Invoke was once.
func (s *Service) InvokeAsync(ctx context.Context, call *aws.Call, in *api.InvokeAsyncInput) (*api.InvokeAsyncOutput, error) {
	payload, err := io.ReadAll(io.LimitReader(in.InvokeArgs, maxQueued+1))
	if err != nil {
		return nil, err
	}
	out, err := s.Invoke(ctx, call, &api.InvokeInput{FunctionName: in.FunctionName, InvocationType: new(api.InvocationTypeEvent), Payload: payload})
	if err != nil {
		return nil, err
	}
	return &api.InvokeAsyncOutput{Status: out.StatusCode}, nil
}

// expects refuses an event that a function cannot be given.
func (s *Service) expects(ctx context.Context, r ref, e *sandbox.Event) error {
	t, err := s.target(ctx, r)
	if err != nil {
		return err
	}
	return t.checkTenant(e)
}

// checkTenant refuses an event of no tenant where each has workers of its own,
// and one of a tenant elsewhere.
func (t *target) checkTenant(e *sandbox.Event) error {
	switch {
	case t.tenants && e.Tenant == "":
		return invalid("The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
	case !t.tenants && e.Tenant != "":
		return invalid("The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.")
	}
	return nil
}

// run runs a function on an event, if it may run once more.
func (s *Service) run(ctx context.Context, r ref, e sandbox.Event) (*sandbox.Function, sandbox.Result, error) {
	t, err := s.target(ctx, r)
	if err != nil {
		return nil, sandbox.Result{}, err
	}
	f := t.pick()
	if t.durable != nil {
		res, _, err := s.runDurable(ctx, r, t, &e, "")
		return f, res, err
	}
	res, err := s.runTarget(ctx, t, f, e)
	return f, res, err
}

// runTarget is run for a version of a function of which it is known what an
// invoke needs.
func (s *Service) runTarget(ctx context.Context, t *target, f *sandbox.Function, e sandbox.Event) (sandbox.Result, error) {
	if err := t.checkTenant(&e); err != nil {
		return sandbox.Result{}, err
	}
	if t.loops(e.TraceID) {
		return sandbox.Result{}, errLoop()
	}
	e.InvokedARN = t.arn
	e.TraceID = deeper(e.TraceID, t.hash)
	leave, reason := s.enter(t)
	if leave == nil {
		s.meter.throttled(f)
		return sandbox.Result{}, errBusy(reason)
	}
	defer leave()
	res, err := s.runner.Invoke(ctx, f, e)
	switch {
	case err == nil:
		s.meter.ran(f, &res, t.gate.busy.Load())
	case errors.Is(err, sandbox.ErrBusy):
		s.meter.throttled(f)
	}
	if err != nil {
		err = errInvoke(f, err)
	}
	return res, err
}

// newEvent makes the event that an input asks for, or refuses it.
func newEvent(call *aws.Call, in *api.InvokeInput, kind string) (sandbox.Event, error) {
	e := sandbox.Event{RequestID: call.RequestID, Payload: in.Payload, Tenant: aws.Value(in.TenantId)}
	if len(call.Trace) <= maxTrace {
		e.TraceID = call.Trace
	}
	limit := maxPayload
	if kind == api.InvocationTypeEvent {
		limit = maxQueued
	}
	switch {
	case len(in.Payload) > limit:
		return e, api.RequestTooLargeException.Errorf("%d byte payload is too large for the %s invocation type (limit %d bytes)", len(in.Payload), kind, limit)
	}
	if len(e.Payload) == 0 {
		e.Payload = []byte("{}")
	} else if wrong := checkJSON(e.Payload); wrong != "" {
		return e, errContent("Could not parse request body into json: Could not parse payload into json: " + wrong)
	}
	if in.ClientContext != nil {
		text, err := base64.StdEncoding.DecodeString(*in.ClientContext)
		if err != nil || !json.Valid(text) {
			return e, errContent("Client context must be a valid Base64-encoded JSON object.")
		}
		e.ClientContext = string(text)
	}
	return e, nil
}

func errContent(message string) error {
	return api.InvalidRequestContentException.Errorf("%s", message)
}

func errBusy(reason string) error {
	return api.TooManyRequestsException.With(&api.TooManyRequestsExceptionDetail{Reason: &reason}, "Rate Exceeded.")
}

// errInvoke says why code did not run.
func errInvoke(f *sandbox.Function, err error) error {
	switch {
	case errors.Is(err, sandbox.ErrBusy):
		return errBusy(api.ThrottleReasonConcurrentInvocationLimitExceeded)
	case errors.Is(err, sandbox.ErrRuntime), errors.Is(err, sandbox.ErrUnfenced):
		return api.InvalidRuntimeException.Errorf("%s cannot run here: %s", f.Runtime, err)
	case errors.Is(err, sandbox.ErrShare):
		return api.EFSMountFailureException.Errorf("The function couldn't mount the Amazon EFS file system: %s", err)
	case errors.Is(err, sandbox.ErrTooLarge):
		return api.RequestTooLargeException.Errorf("%s", err)
	}
	return fmt.Errorf("invoke %s: %w", f.ARN, err)
}
