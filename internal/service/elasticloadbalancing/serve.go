package elasticloadbalancing

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// An exchange is a request to a load balancer and its answer.
type exchange struct {
	*Service
	w    http.ResponseWriter
	r    *http.Request
	call *aws.Call
	b    *served
	l    *servedListener
	rule *servedRule

	host, port string // that the client asked
	began      time.Time
	status     int  // of the answer
	targeted   bool // it is a target's
}

// serveOwn answers a request to the host that a load balancer has by itself, by
// the labels before "elb".
func (s *Service) serveOwn(w http.ResponseWriter, r *http.Request, call *aws.Call, id string) {
	label, _, _ := strings.Cut(id, ".")
	s.Serve(w, r, call, label+".elb.")
}

// Serve answers a request to a load balancer, by a host that is its own or a
// user's name for it.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, call *aws.Call, host string) {
	if strings.HasPrefix(host, keyHost) {
		s.serveKey(w, r)
		return
	}
	x := &exchange{Service: s, w: w, r: r, call: call, began: time.Now()}
	b, err := s.find(r.Context(), host)
	switch {
	case err != nil:
		s.cfg.Log.Error("find a load balancer", "host", r.Host, "err", err)
		x.page(http.StatusInternalServerError)
	case b == nil:
		x.page(http.StatusNotFound)
	default:
		x.b = b
		x.serve("")
	}
}

// serve answers the request by the listener at a port: that which the client
// asked, if it is "".
func (x *exchange) serve(port string) {
	x.host, x.port = x.r.Host, port
	if host, p, err := net.SplitHostPort(x.r.Host); err == nil {
		x.host = host
		if port == "" {
			x.port = p
		}
	}
	x.host = strings.ToLower(x.host)
	if x.l = x.b.listener(x.port, x.call.Secure, x.cfg.Local); x.l == nil {
		x.page(http.StatusServiceUnavailable)
		return
	}
	if x.port == "" {
		x.port = itoa(x.l.port)
	}
	defer x.measure()
	switch {
	case encrypts(&x.l.row.Listener) && !x.call.Secure && !x.cfg.Local:
		x.page(http.StatusBadRequest) // plain HTTP at a port for TLS
	case x.b.row.network():
		x.pass()
	default:
		x.answer()
	}
}

// listener is the one for a port that a client asked, or else for its scheme: a
// platform may have one port for all. A local one has no TLS, so what is for TLS
// is asked without.
func (b *served) listener(port string, secure, local bool) *servedListener {
	var other *servedListener
	for _, l := range b.listeners {
		if itoa(l.port) == port {
			return l
		}
		if fits := encrypts(&l.row.Listener) == secure || b.row.network(); fits && (other == nil || l.port == 443 || l.port == 80) {
			other = l
		}
	}
	if other == nil && local && len(b.listeners) > 0 {
		other = b.listeners[0]
	}
	return other
}

// find finds the first rule whose conditions hold.
func (x *exchange) find() *servedRule {
	a := &asking{Request: x.r, host: x.host, path: x.r.URL.EscapedPath()}
	a.source, _ = netip.ParseAddr(x.call.SourceIP)
	a.source = a.source.Unmap()
next:
	for _, rule := range x.l.rules {
		for _, holds := range rule.conditions {
			if !holds(a) {
				continue next
			}
		}
		return rule
	}
	return nil // there is always a default one
}

var validHeader = regexp.MustCompile(`^[-A-Za-z0-9]+$`)

// answer does what the actions of the request's rule say.
func (x *exchange) answer() {
	for name := range x.r.Header {
		if x.b.attributes[dropsInvalid] == "true" && !validHeader.MatchString(name) {
			delete(x.r.Header, name)
		}
	}
	for _, name := range []string{oidcToken, oidcIdentity, oidcData} {
		x.r.Header.Del(name) // what we say of who asks is not theirs to say
	}
	if x.rule = x.find(); x.rule == nil {
		x.page(http.StatusServiceUnavailable)
		return
	}
	if x.r.URL.Path == callbackPath && x.callback() {
		return
	}
	for i := range x.rule.row.Actions {
		switch a := &x.rule.row.Actions[i]; a.Type {
		case api.ActionTypeEnumFixedResponse:
			x.fixed(a.FixedResponseConfig)
		case api.ActionTypeEnumRedirect:
			x.redirect(a.RedirectConfig)
		case api.ActionTypeEnumForward:
			x.forward(a.ForwardConfig)
		default:
			if !x.login(newLogin(a)) {
				return
			}
		}
	}
}

// forward has a target of one of the action's groups answer.
func (x *exchange) forward(f *api.ForwardActionConfig) {
	g := x.stuck(f)
	if g == nil {
		g = x.weigh(f)
	}
	if g == nil {
		x.page(http.StatusServiceUnavailable)
		return
	}
	t := x.stuckTarget(g)
	if t == nil {
		t = g.pick()
	}
	if t == nil {
		x.page(http.StatusServiceUnavailable)
		return
	}
	x.stick(f, g, t)
	x.prepare()
	if g.row.is(api.TargetTypeEnumLambda) {
		x.callFunction(t)
		return
	}
	x.callServer(t)
}

// weigh chooses a group by weight.
func (x *exchange) weigh(f *api.ForwardActionConfig) *servedGroup {
	sum := 0
	for _, t := range f.TargetGroups {
		sum += int(*t.Weight)
	}
	if sum == 0 {
		return nil
	}
	n := mathrand.IntN(sum)
	for _, t := range f.TargetGroups {
		if n -= int(*t.Weight); n < 0 {
			return x.rule.groups[*t.TargetGroupArn]
		}
	}
	return nil
}

// pass has a target answer the request as it is, for a network load balancer.
func (x *exchange) pass() {
	x.rule = x.l.rules[0]
	g := x.weigh(x.rule.row.Actions[0].ForwardConfig)
	if g == nil {
		x.page(http.StatusServiceUnavailable)
		return
	}
	t := g.pick()
	switch {
	case t == nil:
		x.page(http.StatusServiceUnavailable)
	case t.balancer != nil:
		call := *x.call
		if encrypts(&x.l.row.Listener) {
			call.Secure = t.scheme == "https"
		}
		x.targeted = true
		next := &exchange{Service: x.Service, w: x.w, r: x.r, call: &call, b: t.balancer, began: x.began}
		next.serve(t.port)
		x.status = next.status
	default:
		x.callServer(t)
	}
}

// prepare gives the request the headers that a load balancer adds.
func (x *exchange) prepare() {
	h := x.r.Header
	proto := "http"
	if x.secure() {
		proto = "https"
	}
	from := x.call.SourceIP
	if _, port, err := net.SplitHostPort(x.r.RemoteAddr); err == nil && x.b.attributes[forwardedPort] == "true" {
		from = net.JoinHostPort(from, port)
	}
	switch before := strings.Join(h["X-Forwarded-For"], ", "); x.b.attributes[forwardedFor] {
	case "remove":
		h.Del("X-Forwarded-For")
	case "append":
		if before != "" {
			from = before + ", " + from
		}
		h.Set("X-Forwarded-For", from)
	}
	h.Set("X-Forwarded-Port", x.port)
	h.Set("X-Forwarded-Proto", proto)
	trace := newTrace()
	if before := h.Get("X-Amzn-Trace-Id"); before != "" {
		trace = strings.Replace(trace, "Root=", "Self=", 1) + ";" + before
	}
	h.Set("X-Amzn-Trace-Id", trace)
}

// secure reports whether the client asked over TLS, or the listener is for that.
func (x *exchange) secure() bool { return x.call.Secure || encrypts(&x.l.row.Listener) }

// newTrace is the header of a new trace.
func newTrace() string {
	var b [12]byte
	rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%s", time.Now().Unix(), hex.EncodeToString(b[:]))
}

// header is that of the answer, with what the listener adds to it.
func (x *exchange) header() http.Header {
	h := x.w.Header()
	if x.l == nil {
		return h
	}
	for name, header := range given {
		if value := x.l.attributes["routing.http.response."+name+".header_value"]; value != "" {
			h.Set(header, value)
		}
	}
	return h
}

// say answers in the load balancer's own name.
func (x *exchange) say(status int, contentType, body string) {
	h := x.header()
	if x.l == nil || x.l.attributes[namesServer] == "true" {
		h.Set("Server", "awselb/2.0")
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.status = status
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		io.WriteString(x.w, body) // nobody is there to be told of an error
	}
}

// page answers with a page of the load balancer's own.
func (x *exchange) page(status int) {
	words := strconv.Itoa(status) + " " + http.StatusText(status)
	switch status {
	case http.StatusServiceUnavailable:
		words = "503 Service Temporarily Unavailable"
	case http.StatusGatewayTimeout:
		words = "504 Gateway Time-out"
	case statusLogin:
		words = "561 Authentication Failure"
	}
	x.say(status, "text/html", "<html>\r\n<head><title>"+words+"</title></head>\r\n<body>\r\n<center><h1>"+words+"</h1></center>\r\n</body>\r\n</html>\r\n")
}

// fail tells the client that something is wrong, and the log what.
func (x *exchange) fail(status int, err error) {
	x.cfg.Log.Warn("request to a load balancer failed", "balancer", x.b.arn.String(), "host", x.r.Host, "method", x.r.Method, "path", x.r.URL.Path, "err", err)
	x.page(status)
}
