// Package edge is where HTTP enters. A request takes these steps, in order,
// and each may end it:
//
//	route --> find operation --> authenticate --> decode --> authorise and run --> encode
//
// Routing says which service is meant, by the rules in route.go. What a service
// serves on hosts of its own (execute-api) leaves before that step.
package edge

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
)

// An Authenticator finds out who sends a request.
type Authenticator interface {
	// Authenticate returns the call that r makes to service. body is what r
	// carried, or nil if it is to be streamed: then r.Body becomes one that
	// fails where it is not what was signed.
	Authenticate(r *http.Request, service string, body []byte) (*aws.Call, error)
	// AuthenticateText returns the call that r makes with a form, by a text of
	// it that is signed.
	AuthenticateText(r *http.Request, t *sigv4.Text) (*aws.Call, error)
}

// Config is what a Handler stands on.
type Config struct {
	Table   *dispatch.Table
	Auth    Authenticator
	Open    bool // unknown keys are root, so pages of other sites are kept out
	Version string
	Log     *slog.Logger
}

// A Handler answers every request.
type Handler struct {
	cfg    Config
	router *router
	apis   map[string]*protocol.API  // by folder
	hosts  map[string][]service.Host // by suffix; who takes all is the last
	pages  []service.Page

	forms map[string]*service.Definition // by folder, of services that take them

	// origins say for services by folder what pages of other sites may do.
	origins map[string]func(http.Header, *http.Request) (bool, error)
}

// New returns a handler for the services of the table.
func New(cfg Config) *Handler {
	h := &Handler{cfg: cfg, apis: make(map[string]*protocol.API), hosts: make(map[string][]service.Host)}
	h.origins = make(map[string]func(http.Header, *http.Request) (bool, error))
	suffixes := make(map[string]bool)
	h.forms = make(map[string]*service.Definition)
	for _, def := range cfg.Table.Services() {
		h.apis[def.API.Name] = protocol.New(def.API)
		if def.Form != nil {
			h.forms[def.API.Name] = &def
		}
		h.pages = append(h.pages, def.Pages...)
		if def.Origin != nil {
			h.origins[def.API.Name] = def.Origin
		}
		for _, host := range def.Hosts {
			if all := h.hosts[host.Suffix]; host.Owns != nil {
				h.hosts[host.Suffix] = append([]service.Host{host}, all...)
			} else {
				h.hosts[host.Suffix] = append(all, host)
			}
			suffixes[host.Suffix] = host.Suffix != ""
		}
	}
	h.router = newRouter(suffixes)
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.recovered(w, r)
	if !h.cfg.Log.Enabled(r.Context(), slog.LevelInfo) {
		h.serve(w, r)
		return
	}
	began, seen := time.Now(), &answer{ResponseWriter: w}
	h.serve(seen, r)
	id := cmp.Or(seen.Header().Get("X-Amzn-Requestid"), seen.Header().Get("X-Amz-Request-Id"))
	h.cfg.Log.Info("request", "from", r.RemoteAddr, "method", r.Method, "host", r.Host, "path", r.URL.Path,
		"target", r.Header.Get("X-Amz-Target"), "status", cmp.Or(seen.status, http.StatusOK), "took", time.Since(began), "id", id)
}

// serve answers r.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	requestID := newRequestID(r)
	if h.serveHost(w, r, requestID) {
		return
	}
	if h.servePage(w, r, requestID) || signedAs(r) == "" && h.serveOwn(w, r) || h.cfg.Open && localOrigin(r.Header.Get("Origin")) && allowOrigin(w, r) {
		return
	}
	if (r.Header.Get("Origin") != "" || r.Method == http.MethodOptions) && h.serveOrigin(w, r, requestID) {
		return
	}
	x, out, err := h.operate(w, r, requestID)
	if err == nil {
		if x == nil {
			return // a form, answered
		}
		if err = x.Encode(w, out, requestID); err == nil {
			return
		}
		if errors.Is(err, protocol.ErrCut) {
			h.cfg.Log.Debug("answer cut short", "id", requestID, "err", err)
			panic(http.ErrAbortHandler) // or the client would take the half for the whole
		}
	}
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to be told
	}
	if refusal := aws.Refusal(err); refusal.Status >= 500 && refusal.Fault != aws.NotImplemented {
		h.cfg.Log.Error("request failed", "id", requestID, "err", err)
	}
	if err := x.EncodeError(w, err, requestID); err != nil {
		h.cfg.Log.Debug("answer cut short", "id", requestID, "err", err)
	}
}

// newRequestID returns an id in the form that the service that r asks gives.
func newRequestID(r *http.Request) string {
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") || strings.HasPrefix(r.Host, "dynamodb.") {
		return aws.NewLongRequestID()
	}
	return aws.NewRequestID()
}

// operate finds and runs the operation that r asks for. The exchange is there
// even with an error, to encode it; it is nil if r has been answered.
func (h *Handler) operate(w http.ResponseWriter, r *http.Request, requestID string) (*protocol.Exchange, any, error) {
	if h.cfg.Open {
		if err := checkOrigin(r); err != nil {
			return protocol.Unmatched(r, ""), nil, err
		}
	}
	if form := h.form(r); form != nil {
		return h.operateForm(form, w, r, requestID)
	}
	body, form, err := readForm(w, r)
	name := h.router.route(r, func(name string) string {
		if form == nil && strings.Contains(r.URL.RawQuery, "Action=") {
			return r.URL.Query().Get(name) // a query may be all in the URL, as links are
		}
		return form.Value(name)
	})
	if err != nil {
		return protocol.Unmatched(r, spoken(h.router.byTarget[name], name, form)), nil, err
	}
	api := h.apis[name]
	if api == nil {
		s := h.router.byTarget[name]
		return protocol.Unmatched(r, spoken(s, name, form)), nil, errNoService(r, s, name, form.Value("Action"))
	}
	x, err := api.Match(r, form)
	if err != nil {
		if x.Judges() {
			if body, tooLong := readBody(w, r, maxBody(name)); tooLong != nil {
				err = tooLong
			} else {
				err = x.Judge(body, err)
			}
		}
		return x, nil, err
	}
	row, err := h.cfg.Table.Find(name, x.Op.Name)
	if err != nil {
		return x, nil, err
	}
	// A body of S3 may come in chunks that are signed: it is what
	// authentication makes of it.
	late := name == "s3" && body == nil
	if !x.Streams() && body == nil && !late {
		if body, err = readBody(w, r, maxBody(name)); err != nil {
			return x, nil, err
		}
	}
	call, err := h.cfg.Auth.Authenticate(r, name, body)
	if err != nil {
		return x, nil, err
	}
	call.RequestID = requestID
	if !x.Streams() && late {
		if body, err = readBody(w, r, maxBody(name)); err != nil {
			return x, nil, err
		}
	}
	if body, err = unzip(r, body, maxBody(name)); err != nil {
		return x, nil, err
	}
	in := row.NewInput()
	if err := x.Decode(r, body, in, row.Own); err != nil {
		if unsigned := auth.CheckSigned(call); unsigned != nil && x.Signed() {
			err = unsigned
		}
		return x, nil, err
	}
	out, err := h.cfg.Table.Do(r.Context(), call, row, in)
	return x, out, err
}

// serveHost answers r if it is for a host that a service answers itself.
func (h *Handler) serveHost(w http.ResponseWriter, r *http.Request, requestID string) bool {
	var host service.Host
	t, ok := h.router.host(r)
	if ok {
		host, ok = h.owner(r.Context(), t)
	}
	if !ok {
		t = target{id: hostOf(r)} // which may be a domain of a user's, unless the request is for a service
		if signed := signedAs(r); signed != "" && signed != "execute-api" && signed != "appsync" {
			return false
		}
		host, ok = h.owner(r.Context(), t)
	}
	if !ok {
		return false
	}
	call := nobody(r)
	call.RequestID = requestID
	if t.path != "" {
		r = r.Clone(sigv4.WithPath(r.Context(), r.URL.EscapedPath()))
		r.URL.RawPath, r.URL.Path = t.path, t.path
		if path, err := url.PathUnescape(t.path); err == nil {
			r.URL.Path = path
		}
	}
	host.Serve(w, r, call, t.id)
	return true
}

// owner is the host that a target is.
func (h *Handler) owner(ctx context.Context, t target) (service.Host, bool) {
	for _, host := range h.hosts[t.suffix] {
		if host.Owns == nil || host.Owns(ctx, t.id) {
			return host, true
		}
	}
	return service.Host{}, false
}

// servePage answers r if it is for a page that a service answers itself.
func (h *Handler) servePage(w http.ResponseWriter, r *http.Request, requestID string) bool {
	for _, page := range h.pages {
		if !strings.HasPrefix(r.URL.Path, page.Prefix) || page.Takes != nil && !page.Takes(r) {
			continue
		}
		var call *aws.Call
		var err error
		if h.cfg.Open {
			err = checkOrigin(r)
		}
		switch {
		case err != nil:
		case page.Own:
			call = nobody(r)
		default:
			call, err = h.cfg.Auth.Authenticate(r, signedAs(r), nil)
		}
		if err != nil {
			writeJSON(w, aws.Refusal(err).Status, map[string]any{"message": aws.Refusal(err).Message})
			return true
		}
		call.RequestID = requestID
		page.Serve(w, r, call)
		return true
	}
	return false
}

// nobody is the call of who has not said who they are.
func nobody(r *http.Request) *aws.Call {
	return &aws.Call{
		SourceIP:  sourceIP(r),
		UserAgent: r.UserAgent(),
		Trace:     r.Header.Get("X-Amzn-Trace-Id"),
		Host:      r.Host,
		Secure:    r.TLS != nil,
	}
}

// sourceIP is the address that r comes from.
func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// recovered turns a panic into the answer 500, and a line in the log.
func (h *Handler) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p) // the server breaks the connection
	}
	h.cfg.Log.Error("panic", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	if err := protocol.Unmatched(r, "").EncodeError(w, aws.InternalFailure.Errorf("The request failed because of an internal error."), aws.NewRequestID()); err != nil {
		h.cfg.Log.Debug("answer cut short", "err", err)
	}
}

// An answer remembers the status that it was given.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
