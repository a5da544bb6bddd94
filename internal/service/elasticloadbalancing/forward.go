package elasticloadbalancing

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
)

// errNoMachine is the error of a target that has no address: instances are not run.
var errNoMachine = errors.New("there is no such machine")

// newTransport returns what servers are asked by. As on AWS, their certificates
// are nobody's business.
func newTransport(private bool) http.RoundTripper {
	t := outbound.NewTransport(private)
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	t.MaxIdleConnsPerHost = 64
	t.IdleConnTimeout = 30 * time.Second
	return t
}

// callServer has a server answer.
func (x *exchange) callServer(t *servedTarget) {
	ctx, done := context.WithCancel(x.r.Context())
	defer done()
	if lasts := seconds(x.b.attributes, idleTimeout); lasts > 0 {
		var expire context.CancelFunc
		ctx, expire = context.WithTimeout(ctx, lasts)
		defer expire()
	}
	if x.b.row.network() && !encrypts(&x.l.row.Listener) && x.call.Secure {
		t = &servedTarget{group: t.group, id: t.id, port: t.port, scheme: "https"} // it goes through as it comes
	}
	forward := httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.Host = x.r.Host
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"} {
				if values, has := x.r.Header[name]; has {
					p.Out.Header[name] = values
				}
			}
		},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return x.roundTrip(t, r) }),
		ModifyResponse: func(resp *http.Response) error {
			x.status, x.targeted = resp.StatusCode, true
			x.stickApp(t, resp)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) {
			status := http.StatusBadGateway
			if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() || errors.Is(err, context.DeadlineExceeded) {
				status = http.StatusGatewayTimeout
			}
			t.failed()
			x.fail(status, err)
		},
		FlushInterval: -1,
	}
	x.header()
	forward.ServeHTTP(x.w, x.r.WithContext(ctx))
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// roundTrip asks the server that a target is.
func (s *Service) roundTrip(t *servedTarget, r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(t.id, "arn:") {
		return s.askBalancer(t, r)
	}
	ip, err := netip.ParseAddr(t.id)
	if err != nil {
		return nil, errNoMachine
	}
	out := r.Clone(r.Context())
	out.URL = &url.URL{Scheme: t.scheme, Host: net.JoinHostPort(ip.String(), t.port), Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	out.RequestURI = ""
	return s.client.RoundTrip(out)
}

// askBalancer asks the load balancer that a target is.
func (s *Service) askBalancer(t *servedTarget, r *http.Request) (*http.Response, error) {
	all, err := s.index.Get(r.Context())
	if err != nil {
		return nil, err
	}
	b := all.arns[t.id]
	if b == nil {
		return nil, errNoMachine
	}
	in := r.Clone(r.Context())
	in.Host = *b.row.DNSName
	if in.Body == nil {
		in.Body = http.NoBody
	}
	call := &aws.Call{SourceIP: "127.0.0.1", Secure: t.scheme == "https", RequestID: aws.NewRequestID(), Host: in.Host}
	a := backend.Ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{Service: s, w: w, r: r, call: call, b: b, began: time.Now()}
		x.serve(t.port)
	}), in)
	return &http.Response{StatusCode: a.Status, Header: a.Header, Body: io.NopCloser(strings.NewReader(string(a.Body)))}, nil
}
