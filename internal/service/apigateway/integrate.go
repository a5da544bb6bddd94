package apigateway

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
)

// integrate has what the method leads to answer.
func (x *exchange) integrate() error {
	switch aws.Value(x.method.integ.Type) {
	case typeAWSProxy:
		return x.proxyFunction()
	case "":
		return errConfig.because(errors.New("the method has no integration"))
	}
	return errConfig.because(fmt.Errorf("integrations of type %s are not answered", *x.method.integ.Type))
}

// isBinary reports whether bodies of a content type are binary to the API.
func (x *exchange) isBinary(contentType string) bool {
	if len(x.v.api.BinaryMediaTypes) == 0 {
		return false
	}
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		t, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		t = strings.TrimSpace(t)
	}
	for _, b := range x.v.api.BinaryMediaTypes {
		if b == "*/*" || t != "" && matchesMedia(strings.ToLower(b), t) {
			return true
		}
	}
	return false
}

// wantsBinary reports whether the client wants what is binary to the API: the
// first type that it accepts decides.
func (x *exchange) wantsBinary() bool {
	first, _, _ := strings.Cut(x.req.Header.Get("Accept"), ",")
	return x.isBinary(first)
}

// matchesMedia reports whether a media type is one that a pattern means: image/*.
func matchesMedia(pattern, t string) bool {
	if all, ok := strings.CutSuffix(pattern, "/*"); ok {
		kind, _, _ := strings.Cut(t, "/")
		return kind == all
	}
	return pattern == t
}

// executeARN names a part of the API that is served.
func (x *exchange) executeARN(below string) aws.ARN {
	return aws.ARN{Service: "execute-api", Region: x.api.arn.Region, Account: x.api.arn.Account, Resource: x.api.id + "/" + below}
}

// methodARN is what the request asks for, as policies of functions name it.
func (x *exchange) methodARN() aws.ARN {
	return x.executeARN(x.stage.name + "/" + x.req.Method + x.method.path)
}

// proxyFunction has a function answer the request as it is.
func (x *exchange) proxyFunction() error {
	payload, err := x.runFunction(x.method.integ.Uri, x.methodARN(), x.req.Event())
	if err != nil {
		return err
	}
	reply, coded, err := proxy.ParseRESTReply(payload)
	if err != nil {
		return errGateway.because(fmt.Errorf("malformed Lambda proxy response: %w", err))
	}
	if coded && x.wantsBinary() {
		if reply.Body, err = base64.StdEncoding.DecodeString(string(reply.Body)); err != nil {
			return errGateway.because(fmt.Errorf("malformed Lambda proxy response: %w", err))
		}
	}
	if reply.Header["Content-Type"] == nil {
		reply.Header.Set("Content-Type", "application/json")
	}
	reply.Header.Set("X-Amzn-Trace-Id", x.req.Header.Get("X-Amzn-Trace-Id"))
	x.reply = reply
	return nil
}

var errFunction = errors.New("the function failed")

// runFunction runs the function that a URI names, for source.
func (x *exchange) runFunction(at *string, source aws.ARN, event []byte) ([]byte, error) {
	out, err := x.invoke(uri.Function(uri.Fill(aws.Value(at), x.v.variables)), source, x.method.timeout, event)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errTimeout.because(err)
	case err != nil:
		return nil, invokeFailure(err)
	case out.FunctionError != nil:
		return nil, errGateway.because(fmt.Errorf("%w: %.1000s", errFunction, out.Payload))
	}
	return out.Payload, nil
}

// invokeFailure is the answer to a request whose function could not be run.
func invokeFailure(err error) error {
	switch refusal := aws.Refusal(err); {
	case errors.Is(err, lambda.TooManyRequestsException), errors.Is(err, lambda.RequestTooLargeException):
		return errInternal.because(err)
	case refusal.Status == http.StatusForbidden || refusal.Status == http.StatusNotFound || refusal.Status == http.StatusBadRequest:
		return errConfig.because(err)
	}
	return errInternal.because(err)
}

// invoke runs a function in the name of API Gateway and for source: the
// function's policy decides. It goes on even if the client goes away.
func (x *exchange) invoke(function string, source aws.ARN, timeout time.Duration, event []byte) (*lambda.InvokeOutput, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), timeout)
	defer cancel()
	out, err := dispatch.Call(ctx, x.cfg.Table, aws.ServiceCall("apigateway", source), lambda.Invoke, &lambda.InvokeInput{FunctionName: function, Payload: event})
	if ctx.Err() != nil {
		return nil, ctx.Err() // what came so late is of the hurry, not of the function
	}
	return out, err
}
