package elasticloadbalancing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

const maxFunctionBody = 1 << 20 // bytes, of a request and of what a function returns

var errFunction = errors.New("the function failed")

// callFunction has a function answer.
func (x *exchange) callFunction(t *servedTarget) {
	if strings.EqualFold(x.r.Header.Get("Upgrade"), "websocket") {
		x.page(http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxFunctionBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			x.page(http.StatusRequestEntityTooLarge)
			return
		}
		x.page(http.StatusBadRequest)
		return
	}
	r := x.r.Clone(x.r.Context())
	r.Header.Set("Host", x.r.Host)
	for _, name := range []string{"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		r.Header.Del(name)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	reply, err := x.invoke(r.Context(), t, r, body)
	if err != nil {
		x.fail(http.StatusBadGateway, err)
		return
	}
	h := x.header()
	for name, values := range reply.Header {
		h[name] = append(h[name], values...)
	}
	if x.l.attributes[namesServer] == "true" {
		h.Set("Server", "awselb/2.0")
	}
	if reply.Status != http.StatusNoContent && reply.Status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	}
	x.status, x.targeted = reply.Status, true
	x.w.WriteHeader(reply.Status)
	if x.r.Method != http.MethodHead {
		x.w.Write(reply.Body) // nobody is there to be told of an error
	}
}

// invoke runs the function that a target is, in the name of its group. It goes
// on even if the client goes away.
func (s *Service) invoke(ctx context.Context, t *servedTarget, r *http.Request, body []byte) (*proxy.Reply, error) {
	arn, err := aws.ParseARN(*t.group.row.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	multi := t.group.attributes[multiValues] == "true"
	event := (&proxy.BalancerRequest{
		TargetGroup: arn.String(), Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header, Body: body, Multi: multi,
	}).Event()
	call := aws.ServiceCall(serviceName, arn)
	call.Trace = r.Header.Get("X-Amzn-Trace-Id")
	out, err := dispatch.Call(context.WithoutCancel(ctx), s.cfg.Table, call, lambda.Invoke, &lambda.InvokeInput{FunctionName: t.id, Payload: event})
	switch {
	case err != nil:
		return nil, err
	case out.FunctionError != nil:
		return nil, fmt.Errorf("%w: %.1000s", errFunction, out.Payload)
	case len(out.Payload) > maxFunctionBody:
		return nil, fmt.Errorf("%w: it returned more than %d bytes", errFunction, maxFunctionBody)
	}
	return proxy.ParseBalancerReply(out.Payload, multi)
}
