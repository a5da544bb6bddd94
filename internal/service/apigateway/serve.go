package apigateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/router"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// maxBody is the largest body that an API takes, in bytes.
const maxBody = 10 << 20

// Serve answers a request to the API of that id, at the host that it has by that.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, call *aws.Call, id string) {
	s.answerTo(w, r, call, id, nil)
}

// answerTo answers a request to the API of that id, which may come by a domain.
func (s *Service) answerTo(w http.ResponseWriter, r *http.Request, call *aws.Call, id string, via *domain.Via) {
	x := &exchange{Service: s, ctx: r.Context(), call: call, began: time.Now(), host: r.Host, via: via}
	x.req = &proxy.RESTRequest{ExtendedID: newExtendedID()}
	x.req.ID = aws.NewRequestID()
	id, x.endpoint = endpointOf(id)
	x.answer(w, r, id)
}

// An exchange is a request to an API and its answer.
type exchange struct {
	*Service
	ctx  context.Context
	call *aws.Call
	host string
	via  *domain.Via // by which the request came; nil if by the API's own host
	path string      // raw, below the stage

	endpoint string // of a network, by which a private API is asked
	began    time.Time
	api      *served
	stage    *servedStage
	v        *version
	canary   bool
	method   *servedMethod
	req      *proxy.RESTRequest
	caller   *aws.Call // who signed the request; nil if nobody had to
	reply    *proxy.Reply
	rest     *rest // of the reply, if it is sent as it comes
	state    state
	trace    *trace
}

// state is what is known of how an exchange went, for logs and $context.
type state struct {
	failure           *failure
	context           *vtl.Map // $context, once it was needed
	serviceID         string   // of the request to a service
	integrationStatus int
	latency           time.Duration     // of the integration
	seen              map[string]string // headers as the client sent them
}

// A failure is an answer of the gateway's own.
type failure struct {
	kind       string // of the gateway response: THROTTLED
	errorType  string // TooManyRequestsException
	status     int    // if it is not that of the kind
	message    string
	null       bool   // the message is null
	validation string // what was wrong with the request
	cause      error  // for the log
}

func (f *failure) Error() string { return f.kind + ": " + f.message }

func (f *failure) because(err error) *failure {
	with := *f
	with.cause = err
	return &with
}

// What an API answers when it does not come to what was meant to answer.
var (
	errMissingToken = &failure{kind: missingToken, errorType: "MissingAuthenticationTokenException", message: "Missing Authentication Token"}
	errThrottled    = &failure{kind: throttled, errorType: "TooManyRequestsException", message: "Too Many Requests"}
	errQuota        = &failure{kind: quotaExceeded, errorType: "LimitExceededException", message: "Limit Exceeded"}
	errKey          = &failure{kind: invalidAPIKey, errorType: "ForbiddenException", message: "Forbidden"}
	errTooLarge     = &failure{kind: tooLarge, errorType: "RequestEntityTooLargeException", message: "Request Entity Too Large"}
	errBadRequest   = &failure{kind: default4xx, errorType: "BadRequestException", status: 400, message: "Bad Request"}
	errInternal     = &failure{kind: default5xx, errorType: "InternalServerErrorException", status: 500, message: "Internal server error"}
	errGateway      = &failure{kind: default5xx, errorType: "InternalServerErrorException", status: 502, message: "Internal server error"}
	errConfig       = &failure{kind: apiConfiguration, errorType: "InternalServerErrorException", message: "Internal server error"}
	errIntegration  = &failure{kind: integrationFailure, errorType: "InternalServerErrorException", message: "Internal server error"}
	errTimeout      = &failure{kind: integrationTimeout, errorType: "GatewayTimeoutException", message: "Endpoint request timed out"}
	errMedia        = &failure{kind: unsupportedMedia, errorType: "UnsupportedMediaTypeException", message: "Unsupported Media Type"}
	errUnauthorized = &failure{kind: unauthorized, errorType: "UnauthorizedException", message: "Unauthorized"}
	errAuthorizer   = &failure{kind: authorizerConfig, errorType: "AuthorizerConfigurationException", null: true}
)

// answer answers r.
func (x *exchange) answer(w http.ResponseWriter, r *http.Request, id string) {
	a, err := x.serve(r.Context(), id)
	switch {
	case err != nil:
		x.cfg.Log.Error("API not read", "id", id, "err", err)
		x.forbid(w, http.StatusInternalServerError, "InternalServerErrorException", "Internal server error")
		return
	case a == nil || !x.find(a, r.URL.EscapedPath()) || x.via == nil && aws.Value(x.v.api.DisableExecuteApiEndpoint):
		x.forbid(w, http.StatusForbidden, "ForbiddenException", "Forbidden")
		return
	}
	if err := x.run(w, r); err != nil {
		x.fail(err)
	}
	x.logReply()
	x.zip(r.Header.Get("Accept-Encoding"))
	x.send(w, r)
	x.record()
	x.measure()
	if x.rest != nil && x.rest.err != nil {
		panic(http.ErrAbortHandler) // or the client would take the half for the whole
	}
}

// find finds the stage that a raw path begins with, or that the domain leads
// to, and the version for it.
func (x *exchange) find(a *served, path string) bool {
	x.api, x.req.FullPath = a, path
	name, below := "", path
	if x.via != nil {
		name, below = x.via.Stage, x.via.Path
	}
	if name == "" {
		name, _, _ = strings.Cut(strings.TrimPrefix(below, "/"), "/")
		below = strings.TrimPrefix(below, "/"+name)
	}
	if x.stage = a.stages[name]; x.stage == nil {
		return false
	}
	x.path = "/" + strings.TrimLeft(below, "/")
	if x.req.Path = x.path; x.via != nil {
		x.req.Path = path // with the base path, which functions see
	}
	x.v = x.stage.main
	if x.via != nil {
		x.endpoint = x.via.Endpoint
	}
	if isPrivate(&x.v.api) != (x.endpoint != "") {
		// Names of networks' own are without endpoints: it is the API's first.
		if all := x.v.api.EndpointConfiguration.VpcEndpointIds; x.endpoint != "" || x.via != nil {
			return false
		} else if len(all) > 0 {
			x.endpoint = all[0]
		}
	}
	if x.stage.canary != nil && random()*100 < x.stage.percent {
		x.v, x.canary = x.stage.canary, true
	}
	return true
}

// random is a number from 0 to below 1.
func random() float64 {
	var b [4]byte
	rand.Read(b[:])
	return float64(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3])) / (1 << 32)
}

// run does what the request asks for, and sets the reply.
func (x *exchange) run(w http.ResponseWriter, r *http.Request) error {
	path := x.path
	if len(path) > 1 { // a slash at the end makes no difference
		path = strings.TrimSuffix(path, "/")
	}
	method, params, ok := x.v.routes.Find(r.Method, path)
	x.method = method
	x.fill(r, params)
	if !ok {
		x.method = nil
		return errMissingToken
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return errTooLarge
		}
		return errBadRequest.because(err)
	}
	x.req.Body = body
	if held, err := x.guarded(r); held || err != nil {
		return err
	}
	if err := x.unzip(); err != nil {
		return err
	}
	x.req.Binary = x.isBinary(x.req.Header.Get("Content-Type"))
	if x.trace = newTrace(method); x.trace != nil {
		x.state.seen = lasts(x.req.Header)
	}
	x.logRequest(method.path)
	if err := x.admit(r); err != nil {
		return err
	}
	if err := x.validate(); err != nil {
		return err
	}
	return x.answered(r, func() error {
		asked := time.Now()
		err := x.integrate()
		x.state.latency = time.Since(asked)
		return err
	})
}

// fill sets what is known of a request.
func (x *exchange) fill(r *http.Request, params []router.Param) {
	p, host := x.req, r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	p.Account, p.API, p.Stage, p.Deployment, p.Variables = x.api.arn.Account, x.api.id, x.stage.name, x.v.deployment, x.v.variables
	p.Method, p.Query, p.Protocol, p.Header = r.Method, r.URL.RawQuery, r.Proto, x.header(r)
	p.Domain, p.SourceIP, p.Time = host, x.call.SourceIP, x.began
	if x.via != nil {
		p.Certificate = x.via.Certificate
	}
	if x.method == nil {
		return
	}
	p.Resource, p.ResourceID = x.method.path, x.method.resource
	if len(params) > 0 {
		p.Params = make(map[string]string, len(params))
		for _, v := range params {
			p.Params[v.Name] = v.Raw
		}
	}
}

// notPassedOn are headers of the connection, and what functions do not see.
var notPassedOn = []string{"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect"}

// header is the request's header as API Gateway passes it on.
func (x *exchange) header(r *http.Request) http.Header {
	h := r.Header.Clone()
	for _, name := range notPassedOn {
		h.Del(name)
	}
	h.Set("Host", r.Host)
	proto, port := "http", "80"
	if x.call.Secure {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
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
		h.Set("X-Amzn-Trace-Id", fmt.Sprintf("Root=1-%08x-%s", x.began.Unix(), hex.EncodeToString(b[:])))
	}
	return h
}

// newExtendedID returns an id in the form that API Gateway gives them.
func newExtendedID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// forbid answers a request that is for no stage, which nobody can have said
// anything of.
func (x *exchange) forbid(w http.ResponseWriter, status int, errorType, message string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Requestid", x.req.ID)
	h.Set("X-Amz-Apigw-Id", x.req.ExtendedID)
	h.Set("X-Amzn-Errortype", errorType)
	w.WriteHeader(status)
	io.WriteString(w, `{"message":"`+message+`"}`) // nobody is there to be told of an error
}

// send sends the reply.
func (x *exchange) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range x.reply.Header {
		h[name] = values
	}
	h.Set("X-Amzn-Requestid", x.req.ID)
	h.Set("X-Amz-Apigw-Id", x.req.ExtendedID)
	if x.rest == nil && x.reply.Status != http.StatusNoContent && x.reply.Status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(x.reply.Body)))
	}
	w.WriteHeader(x.reply.Status)
	if x.rest != nil {
		x.sendRest(w)
		return
	}
	if r.Method != http.MethodHead {
		w.Write(x.reply.Body) // nobody is there to be told of an error
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
