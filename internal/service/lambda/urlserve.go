package lambda

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A urlEvent is a request that came to the URL of a function.
type urlEvent struct {
	Ref     ref
	Auth    string
	Mode    string
	Payload []byte
}

// A urlAnswer is what a function answers: out, or stream if it is taken as it comes.
type urlAnswer struct {
	out    *api.InvokeOutput
	stream *streaming
}

// invokeURL is what a request to the URL of a function does. It is no
// operation of the API, but policies have a name for it.
var invokeURL = smithy.Operation[urlEvent, urlAnswer]{Service: "lambda", Name: "InvokeFunctionUrl"}

func mayInvokeURL(_ *aws.Call, in *urlEvent, check func(service.Access) error) error {
	return check(service.Access{Action: "lambda:InvokeFunctionUrl", Resource: in.Ref.arn(), Keys: service.Keys{"lambda:FunctionUrlAuthType": {in.Auth}}})
}

func (s *Service) invokeURL(ctx context.Context, call *aws.Call, in *urlEvent) (*urlAnswer, error) {
	if in.Mode != api.InvokeModeResponseStream {
		out, err := s.Invoke(ctx, call, &api.InvokeInput{FunctionName: in.Ref.arn().String(), Payload: in.Payload})
		return &urlAnswer{out: out}, err
	}
	e, err := newEvent(call, &api.InvokeInput{Payload: in.Payload}, api.InvocationTypeRequestResponse)
	if err != nil {
		return nil, err
	}
	x, err := s.stream(ctx, in.Ref, e)
	return &urlAnswer{stream: x}, err
}

// findURLOwner returns the function or alias whose URL has that id.
func (s *Service) findURLOwner(ctx context.Context, id string) (key aliasKey, row urlConfig, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if key, err = urlOwners.Get(tx, urlKey(id)); err != nil {
			return err
		}
		row, err = urls.Get(tx, key)
		return err
	})
	return key, row, err
}

// serveURL answers requests to the URLs of functions.
func (s *Service) serveURL(w http.ResponseWriter, r *http.Request, call *aws.Call, id string) {
	key, row, err := s.findURLOwner(r.Context(), strings.ToLower(id))
	if errors.Is(err, store.ErrNotFound) {
		forbid(w)
		return
	}
	if err != nil {
		s.log.Error("function URL", "id", id, "err", err)
		say(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	if letIn(w.Header(), r, row.Cors) && r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusOK)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		say(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	p := urlRequest(r, call, id, body)
	call, err = s.urlCaller(r, call, &row, p)
	if err != nil {
		forbid(w)
		return
	}
	of := *call
	of.Account, of.Region = key.Function.Account, key.Function.Region
	e := &urlEvent{Ref: ref{key.Function, key.Name}, Auth: row.Auth, Mode: row.Mode, Payload: p.Event(proxy.V2)}
	answer, err := dispatch.Call(r.Context(), s.table, &of, invokeURL, e)
	switch {
	case err != nil:
		s.refuseURL(w, key, err)
	case answer.stream != nil:
		s.replyParts(w, key, answer.stream)
	default:
		reply(w, answer.out)
	}
}

// ServeURL answers a request to the URL of that id which a service of the
// platform makes: call says which, as a signature would.
func (s *Service) ServeURL(w http.ResponseWriter, r *http.Request, call *aws.Call, id string) {
	s.serveURL(w, r, call, id)
}

// errUnsigned is the error of a request to a URL whose callers must be known.
var errUnsigned = errors.New("the request is not signed")

// urlCaller returns who makes a request, if its URL wants to know.
func (s *Service) urlCaller(r *http.Request, call *aws.Call, row *urlConfig, p *proxy.Request) (*aws.Call, error) {
	if row.Auth != api.FunctionUrlAuthTypeAwsIam || call.Principal.Kind == aws.Service {
		return call, nil
	}
	if s.auth == nil || r.Header.Get("Authorization") == "" && r.URL.Query().Get("X-Amz-Signature") == "" {
		return nil, errUnsigned
	}
	signed, err := s.auth.Authenticate(r, "lambda", p.Body)
	if err != nil {
		return nil, err
	}
	as := *call
	as.Principal, as.AccessKey = signed.Principal, signed.AccessKey
	p.Account = signed.Principal.Account
	p.Caller = &proxy.Caller{AccessKey: as.AccessKey, Account: as.Principal.Account, ID: as.Principal.ID, ARN: as.Principal.ARN}
	return &as, nil
}

// refuseURL says why a function was not run.
func (s *Service) refuseURL(w http.ResponseWriter, key aliasKey, err error) {
	refusal, refused := errors.AsType[*aws.Error](err)
	switch {
	case refused && refusal.Status == http.StatusTooManyRequests:
		say(w, http.StatusTooManyRequests, "Rate Exceeded.")
	case refused && (refusal.Code == aws.AccessDenied.Code || refusal.Status == http.StatusForbidden || refusal.Status == http.StatusNotFound):
		forbid(w)
	default:
		s.log.Error("function URL", "function", key.Function.String(), "err", err)
		say(w, http.StatusBadGateway, "Internal Server Error")
	}
}

// reply sends what a function has answered.
func reply(w http.ResponseWriter, out *api.InvokeOutput) {
	if out.FunctionError != nil {
		say(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	r, err := proxy.ParseReply(proxy.V2, out.Payload)
	if err != nil {
		say(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	maps.Copy(w.Header(), r.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(r.Body)))
	w.WriteHeader(r.Status)
	w.Write(r.Body)
}

// urlRequest puts what came in the form of package proxy.
func urlRequest(r *http.Request, call *aws.Call, id string, body []byte) *proxy.Request {
	path := r.URL.EscapedPath()
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	domain, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		domain, port = r.Host, "80"
	}
	h := r.Header.Clone()
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		h.Del(name)
	}
	proto := "http"
	if call.Secure {
		proto = "https"
	}
	h.Set("Host", r.Host)
	h.Set("X-Forwarded-For", call.SourceIP)
	h.Set("X-Forwarded-Port", port)
	h.Set("X-Forwarded-Proto", proto)
	return &proxy.Request{
		Account: "anonymous", API: id, Stage: "$default", RouteKey: "$default", Path: path,
		Method: r.Method, Query: r.URL.RawQuery, Protocol: r.Proto, Header: h, Body: body,
		Domain: domain, SourceIP: call.SourceIP, ID: call.RequestID, Time: time.Now(),
	}
}

// letIn puts in h what browsers need to let the page of r's origin see the
// answer, and reports whether r comes from a page that c lets in.
func letIn(h http.Header, r *http.Request, c *api.Cors) bool {
	origin := r.Header.Get("Origin")
	if c == nil || origin == "" {
		return false
	}
	switch {
	case slices.Contains(c.AllowOrigins, "*") && !aws.Value(c.AllowCredentials):
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(c.AllowOrigins, "*") || slices.Contains(c.AllowOrigins, origin):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	default:
		return false
	}
	for name, values := range map[string][]string{
		"Access-Control-Allow-Methods": c.AllowMethods, "Access-Control-Allow-Headers": c.AllowHeaders, "Access-Control-Expose-Headers": c.ExposeHeaders,
	} {
		if len(values) > 0 {
			h.Set(name, strings.Join(values, ","))
		}
	}
	if aws.Value(c.AllowCredentials) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if c.MaxAge != nil {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(*c.MaxAge)))
	}
	return true
}

// forbid refuses a request as AWS does, whatever the reason.
func forbid(w http.ResponseWriter) {
	w.Header().Set("X-Amzn-ErrorType", "AccessDeniedException")
	say(w, http.StatusForbidden, "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html")
}

func say(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, toJSON(map[string]string{"Message": message}))
}
