package apigateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
)

// callService asks a service of AWS by its public API, signed with the role of
// the integration: arn:aws:apigateway:REGION:SERVICE:path/…, or :action/….
func (x *exchange) callService(out *outgoing) (*incoming, error) {
	ctx, cancel := x.deadline()
	defer cancel()
	role := aws.Value(x.method.integ.Credentials)
	if role == "" {
		return nil, errConfig.because(errors.New("the integration has no credentials"))
	}
	session, err := x.session(ctx, role)
	if err != nil {
		return nil, errConfig.because(fmt.Errorf("assume %s: %w", role, err))
	}
	c := session.Credentials
	answer, err := backend.Service(ctx, x.cfg.Edge, out.request(), sigv4.Credentials{AccessKey: c.AccessKeyId, Secret: c.SecretAccessKey, Token: c.SessionToken})
	if err != nil {
		return nil, x.unanswered(err)
	}
	x.state.serviceID = answer.Header.Get("X-Amzn-Requestid")
	return incomingOf(answer), nil
}

// request is out in the form of package backend.
func (out *outgoing) request() *backend.Request {
	return &backend.Request{Method: out.method, URI: out.uri, Query: out.query, Header: out.header, Body: out.body}
}

func incomingOf(a *backend.Answer) *incoming {
	return &incoming{status: a.Status, match: strconv.Itoa(a.Status), header: a.Header, body: a.Body}
}

// unanswered is the failure of a request that was not answered.
func (x *exchange) unanswered(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout.because(err)
	case errors.Is(err, backend.ErrConfig):
		return errConfig.because(err)
	case !errors.Is(err, backend.ErrAnswer):
		x.logFailure("Execution failed due to configuration error: Invalid endpoint address")
	}
	return errIntegration.because(err)
}

// callHTTP asks a server.
func (x *exchange) callHTTP(out *outgoing) (*incoming, error) {
	out.header.Set("X-Amzn-Apigateway-Api-Id", x.api.id)
	if out.header.Get("User-Agent") == "" {
		out.header.Set("User-Agent", "AmazonAPIGateway_"+x.api.id)
	}
	if out.header.Get("Accept") == "" {
		out.header.Set("Accept", jsonType)
	}
	if out.header.Get("Content-Type") == "" && len(out.body) > 0 {
		out.header.Set("Content-Type", jsonType)
	}
	return x.fetch(out)
}

// proxyHTTP has a server answer the request as it is, with what was mapped.
func (x *exchange) proxyHTTP() error {
	i := &x.method.integ
	out := &outgoing{method: aws.Value(i.HttpMethod), query: make(url.Values), header: x.req.Header.Clone(), body: x.req.Body}
	if out.method == anyMethod {
		out.method = x.req.Method
	}
	out.header.Del("Host")
	for name, values := range x.req.QueryValues() {
		out.query[name] = values
	}
	mapped := &outgoing{query: make(url.Values), header: make(http.Header)}
	path := make(map[string]string)
	if err := x.mapRequest(mapped, path); err != nil {
		return err
	}
	for name, values := range mapped.header {
		out.header[name] = values
	}
	for name, values := range mapped.query {
		out.query[name] = append(out.query[name], values...)
	}
	out.uri = fillPath(uri.Fill(aws.Value(i.Uri), x.v.variables), path)
	out.header.Set("X-Amzn-Apigateway-Api-Id", x.api.id)
	if aws.Value(i.ResponseTransferMode) == streamed {
		return x.streamHTTP(out)
	}
	in, err := x.fetch(out)
	if err != nil {
		return err
	}
	x.state.integrationStatus = in.status
	h := make(http.Header)
	for name, values := range in.header {
		setHeader(h, name, values)
	}
	body := in.body
	if x.isBinary(in.header.Get("Content-Type")) && !x.wantsBinary() {
		if body, err = x.convert(in, ""); err != nil {
			return err
		}
	}
	x.reply = &proxy.Reply{Status: in.status, Header: h, Body: body}
	return nil
}

// fetch makes a request over HTTP, to where the operator lets it go.
func (x *exchange) fetch(out *outgoing) (*incoming, error) {
	ctx, cancel := x.deadline()
	defer cancel()
	if err := x.privately(out); err != nil {
		return nil, err
	}
	answer, err := backend.HTTP(ctx, x.transport(), out.request())
	if err != nil {
		return nil, x.unanswered(err)
	}
	return incomingOf(answer), nil
}
