package apigatewayv2

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/router"
)

// maxBody is the largest body that an API takes, in bytes.
const maxBody = 10 << 20

// Serve answers a request to the API of that id, at the host that it has by that.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, call *aws.Call, id string) {
	s.answerTo(w, r, call, id, nil)
}

// answerTo answers a request to the API of that id, which may come by a domain.
func (s *Service) answerTo(w http.ResponseWriter, r *http.Request, call *aws.Call, id string, via *domain.Via) {
	x := &exchange{Service: s, w: w, r: r, call: call, via: via, id: newRequestID(), outcome: outcome{began: time.Now()}}
	w.Header().Set("Apigw-Requestid", x.id)
	a, err := s.serve(r.Context(), strings.ToLower(id))
	switch {
	case err != nil:
		x.fail(http.StatusInternalServerError, err)
	case a == nil:
		x.say(http.StatusForbidden, "Forbidden")
	case a.disabled && via == nil || !x.find(a):
		x.say(http.StatusNotFound, "Not Found")
	case x.stage.keys != nil:
		x.serveSockets(a)
	case x.stage.cors != nil && isPreflight(r):
		preflight(w, r, x.stage.cors)
	default:
		x.answer(a)
	}
}

// serveSockets answers a request to a WebSocket API: a handshake, or one of the
// management API.
func (x *exchange) serveSockets(a *served) {
	if id, ok := strings.CutPrefix(x.path, "/@connections/"); ok {
		if decoded, err := url.PathUnescape(id); err == nil {
			x.serveManagement(a, decoded)
			return
		}
	}
	x.serveSocket(a)
}

// An exchange is a request to an API and its answer.
type exchange struct {
	*Service
	w     http.ResponseWriter
	r     *http.Request
	call  *aws.Call
	via   *domain.Via // by which the request came; nil if by the API's own host
	id    string
	stage *servedStage
	path  string // raw, below the stage
	route *servedRoute

	forwardPath string // that a request is passed on with, if not its own
	outcome     outcome
}

// newRequestID returns an id in the form that API Gateway gives them.
func newRequestID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}

// find finds the stage that the path begins with; $default is for all others.
func (x *exchange) find(a *served) bool {
	if x.via != nil && x.via.Stage != "" {
		x.stage, x.path = a.stages[x.via.Stage], x.via.Path
		return x.stage != nil
	}
	x.path = x.r.URL.EscapedPath()
	first, _, _ := strings.Cut(strings.TrimPrefix(x.path, "/"), "/")
	if stage := a.stages[first]; stage != nil && first != defaultStage {
		x.stage = stage
		if x.path = strings.TrimPrefix(x.path, "/"+first); x.path == "" {
			x.path = "/"
		}
		return true
	}
	x.stage = a.stages[defaultStage]
	return x.stage != nil
}

// answer has the integration of the request's route answer it.
func (x *exchange) answer(a *served) {
	route, params, ok := x.stage.routes.Find(x.r.Method, x.path)
	x.route = route
	switch {
	case !ok:
		x.say(http.StatusNotFound, "Not Found")
		return
	case !route.limit.Take():
		x.say(http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			x.say(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
			return
		}
		x.say(http.StatusBadRequest, "Bad Request")
		return
	}
	p := x.request(a, params, body)
	defer x.log(p)
	defer x.measure(a)
	if err := x.admit(a, p); err != nil {
		x.challenge(err)
		return
	}
	began := time.Now()
	reply, err := x.consult(a, p)
	x.outcome.integration = time.Since(began)
	if err != nil {
		x.outcome.err = err
		x.fail(statusOf(err), err)
		return
	}
	x.outcome.answered = reply.Status
	x.mapResponse(p, reply)
	x.send(reply)
}

// consult has the integration of the request's route answer p.
func (x *exchange) consult(a *served, p *proxy.Request) (*proxy.Reply, error) {
	route := x.route
	if route.subtype != "" {
		return x.callService(a, p)
	}
	if route.uri == "" {
		return nil, errors.New("the route leads to no integration")
	}
	x.mapRequest(p)
	if route.kind == api.IntegrationTypeHttpProxy {
		return x.forward(p)
	}
	payload, err := x.invoke(a, p.Event(route.version))
	if err != nil {
		return nil, err
	}
	return proxy.ParseReply(route.version, payload)
}

// request puts what came in the form of package proxy.
func (x *exchange) request(a *served, params []router.Param, body []byte) *proxy.Request {
	r := x.r
	path := x.fullPath()
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	p := &proxy.Request{
		Account: a.api.Account, API: strings.TrimPrefix(a.api.Resource, "/apis/"), Stage: x.stage.name, RouteKey: x.route.key,
		Path: path, Resource: x.route.resource, Variables: x.stage.variables,
		Method: r.Method, Query: r.URL.RawQuery, Protocol: r.Proto, Header: x.header(len(body)), Body: body,
		Domain: domainOf(r.Host), SourceIP: x.call.SourceIP, ID: x.id, Time: time.Now(),
	}
	if x.via != nil {
		p.Certificate = x.via.Certificate
	}
	if len(params) > 0 {
		p.Params = make(map[string]string, len(params))
		for _, v := range params {
			p.Params[v.Name] = v.Value
		}
	}
	return p
}

// fullPath is the request's raw path as events have it. Those of version 2.0
// know nothing of the path at which a domain has the API, and have the stage.
func (x *exchange) fullPath() string {
	switch {
	case x.via == nil || x.route.version == proxy.V1:
		return x.r.URL.EscapedPath()
	case x.stage.name == defaultStage:
		return x.path
	}
	return "/" + x.stage.name + x.path
}

// header is the request's header as API Gateway passes it on.
func (x *exchange) header(bodyLen int) http.Header {
	h := x.r.Header.Clone()
	for _, name := range hopByHop {
		h.Del(name)
	}
	h.Set("Host", x.r.Host)
	h.Set("Content-Length", strconv.Itoa(bodyLen))
	proto, port := "http", "80"
	if x.call.Secure {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(x.r.Host); err == nil {
		port = p
	}
	from := x.call.SourceIP
	if before := h.Get("X-Forwarded-For"); before != "" {
		from = before + ", " + from
	}
	h.Set("X-Forwarded-For", from)
	h.Set("X-Forwarded-Port", port)
	h.Set("X-Forwarded-Proto", proto)
	if h.Get("X-Amzn-Trace-Id") == "" {
		var b [12]byte
		rand.Read(b[:])
		h.Set("X-Amzn-Trace-Id", fmt.Sprintf("Root=1-%08x-%s", time.Now().Unix(), hex.EncodeToString(b[:])))
	}
	return h
}

var errFunction = errors.New("the function failed")

// A functionError is what a function says of its failure.
type functionError struct{ payload []byte }

// Error implements error.
func (e *functionError) Error() string { return fmt.Sprintf("%v: %.1000s", errFunction, e.payload) }

// Unwrap makes all of them errFunction.
func (e *functionError) Unwrap() error { return errFunction }

// invoke runs the function of x's route, for that route.
func (x *exchange) invoke(a *served, event []byte) ([]byte, error) {
	source := executeARN(a, x.stage.name+"/"+x.route.resource)
	if x.route.key != router.Default {
		source = executeARN(a, x.stage.name+"/"+x.r.Method+x.route.resource)
	}
	return x.run(x.r.Context(), x.route.uri, source, x.route.role, x.route.timeout, event)
}

// run runs a function for source, in the name of API Gateway, when the
// function's policy decides, or as a role. It goes on even if the client goes
// away.
func (s *Service) run(ctx context.Context, uri string, source aws.ARN, role string, timeout time.Duration, event []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	call := aws.ServiceCall("apigateway", source)
	if role != "" {
		session, err := s.cfg.Sessions.Assume(ctx, call, role)
		if err != nil {
			return nil, err
		}
		call = session.Call(call)
	}
	out, err := dispatch.Call(ctx, s.cfg.Table, call, lambda.Invoke, &lambda.InvokeInput{
		FunctionName: uri,
		Payload:      event,
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err() // what came so late is of the hurry, not of the function
	case err != nil:
		return nil, err
	case out.FunctionError != nil:
		return nil, &functionError{out.Payload}
	}
	return out.Payload, nil
}

// statusOf is the status with which API Gateway tells a client of an error.
func statusOf(err error) int {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, lambda.TooManyRequestsException):
		return http.StatusServiceUnavailable
	case errors.Is(err, errIntegration):
		return http.StatusServiceUnavailable
	case errors.Is(err, lambda.RequestTooLargeException):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

func (x *exchange) send(reply *proxy.Reply) {
	h := x.w.Header()
	for name, values := range reply.Header {
		h[name] = values
	}
	share(h, x.r, x.stage.cors)
	if reply.Status != http.StatusNoContent && reply.Status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	}
	x.outcome.status, x.outcome.length = reply.Status, len(reply.Body)
	x.w.WriteHeader(reply.Status)
	if x.r.Method != http.MethodHead {
		x.w.Write(reply.Body) // nobody is there to be told of an error
	}
}

// fail tells the client that something is wrong, and the log what.
func (x *exchange) fail(status int, err error) {
	x.cfg.Log.Warn("request to an API failed", "request", x.id, "host", x.r.Host, "method", x.r.Method, "path", x.r.URL.Path, "err", err)
	x.say(status, http.StatusText(status))
}

// say answers with a message of API Gateway's own.
func (x *exchange) say(status int, message string) {
	body := `{"message":"` + message + `"}`
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if x.stage != nil {
		share(h, x.r, x.stage.cors)
	}
	x.outcome.status, x.outcome.length = status, len(body)
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		io.WriteString(x.w, body)
	}
}
