package apigateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
)

// proxyFunction has a function answer the request as it is.
func (x *exchange) proxyFunction() error {
	event := x.req.Event()
	x.logData("Endpoint request body after transformations: %s", short(event))
	mapped := &outgoing{query: make(url.Values), header: make(http.Header)}
	if err := x.mapRequest(mapped, make(map[string]string)); err != nil {
		return err
	}
	mapped.header.Del(invocationType) // the answer is waited for
	function := uri.Function(uri.Fill(aws.Value(x.method.integ.Uri), x.v.variables))
	if aws.Value(x.method.integ.ResponseTransferMode) == streamed {
		return x.streamFunction(function, mapped.header, event)
	}
	out, err := x.invoke(function, mapped.header, event)
	if err != nil {
		return err
	}
	x.state.integrationStatus = http.StatusOK
	x.logData("Endpoint response body before transformations: %s", short(out.Payload))
	if out.FunctionError != nil {
		x.logFailure("Lambda execution failed with status 200 due to customer function error: %.1000s", out.Payload)
		return errGateway.because(fmt.Errorf("%w: %.1000s", errFunction, out.Payload))
	}
	reply, coded, err := proxy.ParseRESTReply(out.Payload)
	if err != nil {
		x.logFailure("Execution failed due to configuration error: Malformed Lambda proxy response")
		return errGateway.because(fmt.Errorf("malformed Lambda proxy response: %w", err))
	}
	if coded && x.wantsBinary() {
		if reply.Body, err = base64.StdEncoding.DecodeString(string(reply.Body)); err != nil {
			return errGateway.because(fmt.Errorf("malformed Lambda proxy response: %w", err))
		}
	}
	if reply.Header["Content-Type"] == nil {
		reply.Header["Content-Type"] = []string{jsonType}
	}
	if trace, ok := x.req.Header["X-Amzn-Trace-Id"]; ok {
		reply.Header["X-Amzn-Trace-Id"] = trace
	}
	x.reply = reply
	return nil
}

var errFunction = errors.New("the function failed")

// callFunction runs a function on what was mapped for it. What it says of its
// error is what patterns of responses match.
func (x *exchange) callFunction(function string, out *outgoing) (*incoming, error) {
	body := out.body
	if len(body) == 0 {
		body = []byte("{}")
	}
	if !json.Valid(body) {
		return nil, errInternal.because(errors.New("what was mapped for the function is no JSON"))
	}
	got, err := x.invoke(function, out.header, body)
	if err != nil {
		return nil, err
	}
	in := &incoming{status: int(aws.Value(got.StatusCode)), header: http.Header{"Content-Type": {jsonType}}, body: got.Payload}
	if in.status == 0 {
		in.status = http.StatusOK
	}
	if got.FunctionError != nil {
		var failed struct {
			Message string `json:"errorMessage"`
		}
		if json.Unmarshal(got.Payload, &failed) == nil {
			in.match = failed.Message
		}
	}
	return in, nil
}

// Headers of a request for a function that a mapping may set.
const (
	invocationType = "X-Amz-Invocation-Type"
	tenantID       = "X-Amz-Tenant-Id"
)

// invoke runs a function for the request's method, as mapped headers say.
func (x *exchange) invoke(function string, mapped http.Header, event []byte) (*lambda.InvokeOutput, error) {
	if function == "" {
		return nil, errConfig.because(fmt.Errorf("%s leads to no function", aws.Value(x.method.integ.Uri)))
	}
	in := &lambda.InvokeInput{FunctionName: function, Payload: event}
	if mapped.Get(invocationType) == lambda.InvocationTypeEvent {
		in.InvocationType = new(lambda.InvocationTypeEvent)
	}
	if tenant := mapped.Get(tenantID); tenant != "" {
		in.TenantId = &tenant
	}
	out, err := x.runFunction(in, aws.Value(x.method.integ.Credentials), x.methodARN(), x.method.timeout)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		x.logFailure("Execution failed due to a timeout error")
		return nil, errTimeout.because(err)
	case err != nil:
		x.logFailure("Execution failed due to configuration error: %v", aws.Refusal(err).Message)
		return nil, invokeFailure(err)
	}
	return out, nil
}

// invokeFailure is the answer to a request whose function could not be run.
func invokeFailure(err error) error {
	switch status := aws.Refusal(err).Status; {
	case status == http.StatusForbidden || status == http.StatusNotFound || status == http.StatusBadRequest:
		return errConfig.because(err)
	}
	return errInternal.because(err)
}

// runFunction runs a function for source, in the name of API Gateway, when the
// function's policy decides, or as a role. It goes on even if the client goes
// away.
func (x *exchange) runFunction(in *lambda.InvokeInput, role string, source aws.ARN, timeout time.Duration) (*lambda.InvokeOutput, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), timeout)
	defer cancel()
	call, err := x.callAs(ctx, role, source)
	if err != nil {
		return nil, err
	}
	out, err := dispatch.Call(ctx, x.cfg.Table, call, lambda.Invoke, in)
	if ctx.Err() != nil {
		return nil, ctx.Err() // what came so late is of the hurry, not of the function
	}
	return out, err
}

// callAs is a call for source in the name of API Gateway, or as role.
func (x *exchange) callAs(ctx context.Context, role string, source aws.ARN) (*aws.Call, error) {
	call := aws.ServiceCall("apigateway", source)
	switch {
	case role == "":
		return call, nil
	case role == callerRole && x.caller != nil:
		as := *x.caller
		as.RequestID = aws.NewRequestID()
		return &as, nil
	}
	session, err := x.session(ctx, role)
	if err != nil {
		return nil, err
	}
	return session.Call(call), nil
}

// session is a session of a role, for the API.
func (x *exchange) session(ctx context.Context, role string) (*dispatch.Session, error) {
	if role == callerRole {
		return nil, aws.NotImplemented.Errorf("Aloft passes on the credentials of callers to functions only.")
	}
	return x.cfg.Sessions.Assume(ctx, aws.ServiceCall("apigateway", x.executeARN("*")), role)
}

// callerRole stands for the caller's own credentials.
const callerRole = "arn:aws:iam::*:user/*"
