package lambda

import (
	"context"
	"errors"
	"io"
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
	Payload []byte
}

// invokeURL is what a request to the URL of a function does. It is no
// operation of the API, but policies have a name for it.
var invokeURL = smithy.Operation[urlEvent, api.InvokeOutput]{Service: "lambda", Name: "InvokeFunctionUrl"}

func mayInvokeURL(_ *aws.Call, in *urlEvent, check func(service.Access) error) error {
	return check(service.Access{Action: "lambda:InvokeFunctionUrl", Resource: in.Ref.arn(), Keys: service.Keys{"lambda:FunctionUrlAuthType": {in.Auth}}})
}

func (s *Service) invokeURL(ctx context.Context, call *aws.Call, in *urlEvent) (*api.InvokeOutput, error) {
	return s.Invoke(ctx, call, &api.InvokeInput{FunctionName: in.Ref.arn().String(), Payload: in.Payload})
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
	of := *call
	of.Account, of.Region = key.Function.Account, key.Function.Region
	e := &urlEvent{Ref: ref{key.Function, key.Name}, Auth: row.Auth, Payload: urlRequest(r, call, id, body).Event(proxy.V2)}
	out, err := dispatch.Call(r.Context(), s.table, &of, invokeURL, e)
	s.reply(w, key, out, err)
}

// reply sends what a function has answered.
func (s *Service) reply(w http.ResponseWriter, key aliasKey, out *api.InvokeOutput, err error) {
	refusal, refused := errors.AsType[*aws.Error](err)
	switch {
	case refused && refusal.Status == http.StatusTooManyRequests:
		say(w, http.StatusTooManyRequests, "Rate Exceeded.")
		return
	case refused && (refusal.Status == http.StatusForbidden || refusal.Status == http.StatusNotFound):
		forbid(w)
		return
	case err != nil:
		s.log.Error("function URL", "function", key.Function.String(), "err", err)
		say(w, http.StatusBadGateway, "Internal Server Error")
		return
	case out.FunctionError != nil:
		say(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	reply, err := proxy.ParseReply(proxy.V2, out.Payload)
	if err != nil {
		say(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(reply.Body)))
	w.WriteHeader(reply.Status)
	w.Write(reply.Body)
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
