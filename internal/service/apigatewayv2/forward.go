package apigatewayv2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

// hopByHop are headers that are of one connection, and not passed on.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// forward passes p on to the address of the route's integration.
func (x *exchange) forward(p *proxy.Request) (*proxy.Reply, error) {
	target, err := x.target(p)
	if err != nil {
		return nil, err
	}
	method := x.route.method
	if method == "ANY" || method == "" {
		method = p.Method
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), x.route.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(p.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errIntegration, err)
	}
	r.Header = p.Header.Clone()
	r.Header.Del("Host")
	r.Header.Del("Content-Length")
	answer, err := x.client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.DeadlineExceeded
		}
		return nil, fmt.Errorf("%w: %w", errIntegration, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("the answer is too large")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errIntegration, err)
	}
	for _, name := range append(hopByHop, "Content-Length") {
		answer.Header.Del(name)
	}
	return &proxy.Reply{Status: answer.StatusCode, Header: answer.Header, Body: body}, nil
}

// errIntegration is the error of an integration that cannot be reached.
var errIntegration = errors.New("the integration does not answer")

// target is the address that p goes on to: that of the integration, with values
// of the path's variables, and the query.
func (x *exchange) target(p *proxy.Request) (string, error) {
	text := x.route.uri
	if strings.HasPrefix(text, "arn:") {
		private, err := x.listener(text, x.fullPath())
		if err != nil {
			return "", err
		}
		text = private
	}
	for name, value := range p.Params {
		escaped := (&url.URL{Path: value}).EscapedPath()
		text = strings.NewReplacer("{"+name+"}", escaped, "{"+name+"+}", escaped).Replace(text)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%w: no address: %s", errIntegration, text)
	}
	if x.forwardPath != "" {
		u.Path, u.RawPath = x.forwardPath, ""
	}
	if p.Query != "" {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += p.Query
	}
	return u.String(), nil
}

// newClient returns what requests are passed on by. It follows no redirects:
// those are the client's.
func newClient(transport *http.Transport) *http.Client {
	transport.MaxIdleConnsPerHost = 64
	transport.IdleConnTimeout = 30 * time.Second
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
