package apigateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

// streamed is the transfer mode of answers that are sent as they come.
const streamed = "STREAM"

// A rest is what follows of an answer that is sent as it comes.
type rest struct {
	next func() (part []byte, more bool)
	stop func() // ends it, and what makes it

	err  error // why it was cut short, once there is no more
	sent int   // bytes
}

// streamFunction has a function answer the request, part by part.
func (x *exchange) streamFunction(function string, mapped http.Header, event []byte) error {
	ctx, cancel := context.WithTimeout(x.ctx, x.method.timeout)
	in := &lambda.InvokeWithResponseStreamInput{FunctionName: function, Payload: event}
	if tenant := mapped.Get(tenantID); tenant != "" {
		in.TenantId = &tenant
	}
	call, err := x.callAs(ctx, aws.Value(x.method.integ.Credentials), x.methodARN())
	if err != nil {
		cancel()
		return invokeFailure(err)
	}
	out, err := dispatch.Call(ctx, x.cfg.Table, call, lambda.InvokeWithResponseStream, in)
	if err != nil {
		defer cancel()
		if ctx.Err() != nil {
			return errTimeout.because(ctx.Err())
		}
		x.logFailure("Execution failed due to configuration error: %v", aws.Refusal(err).Message)
		return invokeFailure(err)
	}
	next, stop := iter.Pull2(out.EventStream)
	x.rest = &rest{stop: func() { stop(); cancel() }}
	x.rest.next = func() ([]byte, bool) {
		e, err, more := next()
		switch done := e.InvokeComplete; {
		case err != nil:
			x.rest.err = err
		case more && done == nil:
			return e.PayloadChunk.Payload, true
		case more && done.ErrorCode != nil:
			x.rest.err = fmt.Errorf("%w: %.1000s", errFunction, aws.Value(done.ErrorDetails))
		}
		return nil, false
	}
	head, first, err := proxy.ReadHead(x.rest.next)
	if err != nil {
		err = errors.Join(err, x.rest.err)
		x.endRest()
		x.logFailure("Execution failed due to configuration error: Malformed Lambda proxy response")
		return errGateway.because(err)
	}
	x.state.integrationStatus = http.StatusOK
	head.Body = first
	x.reply = head
	return nil
}

// streamHTTP has a server answer, part by part.
func (x *exchange) streamHTTP(out *outgoing) error {
	if err := x.privately(out); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(x.ctx, x.method.timeout)
	answer, err := backend.Open(ctx, x.transport(), out.request())
	if err != nil {
		cancel()
		return x.unanswered(err)
	}
	buffer := make([]byte, 32<<10)
	x.rest = &rest{stop: func() { answer.Body.Close(); cancel() }}
	x.rest.next = func() ([]byte, bool) {
		n, err := answer.Body.Read(buffer)
		if err != nil && !errors.Is(err, io.EOF) {
			x.rest.err = err
		}
		return buffer[:n], n > 0 || err == nil
	}
	x.state.integrationStatus = answer.StatusCode
	h := make(http.Header)
	for name, values := range answer.Header {
		setHeader(h, name, values)
	}
	h.Del("Content-Length")
	x.reply = &proxy.Reply{Status: answer.StatusCode, Header: h}
	return nil
}

// sendRest sends what follows of the reply.
func (x *exchange) sendRest(w http.ResponseWriter) {
	defer x.rest.stop()
	flush := http.NewResponseController(w).Flush
	for part, more := x.reply.Body, true; more; part, more = x.rest.next() {
		x.rest.sent += len(part)
		_, err := w.Write(part)
		if err == nil {
			err = flush()
		}
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return // the client has gone
		}
	}
	if x.rest.err != nil {
		x.cfg.Log.Warn("answer of an API cut short", "request", x.req.ID, "host", x.host, "err", x.rest.err)
	}
}

// endRest gives up what follows of the reply.
func (x *exchange) endRest() {
	x.rest.stop()
	x.rest = nil
}

// collect makes what follows part of the reply.
func (x *exchange) collect() {
	if x.rest == nil {
		return
	}
	for {
		part, more := x.rest.next()
		x.reply.Body = append(x.reply.Body, part...)
		if !more || len(x.reply.Body) > maxBody {
			x.endRest()
			return
		}
	}
}
