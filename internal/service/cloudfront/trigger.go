package cloudfront

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service/cloudfront/function"
)

// Functions that a behaviour has, by the events at which they run.
type (
	scripted struct {
		name    string
		program *function.Program
	}
	triggered struct {
		arn  aws.ARN
		body bool // it sees the body
	}
)

// context is what functions are told of the exchange at an event.
func (x *exchange) context(event string) function.Context {
	ip, _, err := net.SplitHostPort(x.r.RemoteAddr)
	if err != nil {
		ip = x.r.RemoteAddr
	}
	return function.Context{Domain: x.v.domain, Distribution: distributions.id(x.v.arn), Endpoint: x.v.domain, Event: event, RequestID: x.id, IP: ip}
}

// viewerRequest has the function of a behaviour see the request. It may answer
// it, or change it.
func (x *exchange) viewerRequest() *answer {
	if f := x.b.scripts[function.ViewerRequest]; f != nil {
		a, err := x.runRequest(f)
		if err != nil {
			return x.failed(err)
		}
		return a
	}
	t := x.b.triggers[function.ViewerRequest]
	if t == nil {
		return nil
	}
	turn, err := x.turn(t, function.ViewerRequest, x.r, x.body, nil)
	if err != nil {
		return x.failed(err)
	}
	if turn.Answer != nil {
		return answered(turn.Answer, "LambdaGeneratedResponse")
	}
	x.r, x.body = turn.Request, turn.Body
	return nil
}

// runRequest has a script see the request.
func (x *exchange) runRequest(f *scripted) (*answer, error) {
	out, err := f.program.Run(x.r.Context(), x.cfg.Scripts, x, function.NewEvent(x.context(function.ViewerRequest), x.r, nil))
	x.log(f, out, err)
	if err != nil {
		return nil, err
	}
	if function.IsAnswer(out.Value) {
		a, err := function.TakeAnswer(out.Value, nil)
		if err != nil {
			return nil, err
		}
		return answered(a, "FunctionGeneratedResponse"), nil
	}
	x.choice = out.Route
	x.r, err = function.TakeRequest(out.Value, x.r)
	return nil, err
}

// viewerResponse has the function of a behaviour see the answer.
func (x *exchange) viewerResponse(a *answer) *answer {
	was := &function.Answer{Status: a.status, Description: http.StatusText(a.status), Header: a.header}
	is := was
	var err error
	if f := x.b.scripts[function.ViewerResponse]; f != nil {
		var out *function.Outcome
		out, err = f.program.Run(x.r.Context(), x.cfg.Scripts, x, function.NewEvent(x.context(function.ViewerResponse), x.r, was))
		x.log(f, out, err)
		if err == nil {
			is, err = function.TakeAnswer(out.Value, was)
		}
	} else if t := x.b.triggers[function.ViewerResponse]; t != nil {
		is, err = x.turnAnswer(t, function.ViewerResponse, x.r, was)
	}
	if err != nil {
		a.body.Close()
		return x.failed(err)
	}
	return a.become(is)
}

// become is a as a function has changed it.
func (a *answer) become(is *function.Answer) *answer {
	a.status, a.header = is.Status, is.Header
	if is.Body != nil {
		a.body.Close()
		a.body, a.size = io.NopCloser(bytes.NewReader(is.Body)), int64(len(is.Body))
	}
	return a
}

// answered is an answer that a function has made.
func answered(is *function.Answer, how string) *answer {
	a := &answer{body: http.NoBody, how: how + " from cloudfront"}
	return a.become(is)
}

// Errors of functions of Lambda.
var (
	errTrigger   = errors.New("a function at the edge failed")
	errThrottled = errors.New("a function at the edge was throttled")
)

// turn has a function of Lambda see a request, on its way to an origin if there
// is one.
func (x *exchange) turn(t *triggered, event string, r *http.Request, body []byte, o *api.Origin) (*function.Turn, error) {
	in, err := function.NewTrigger(x.context(event), r, body, t.body, triggerOrigin(o), nil)
	if err != nil {
		return nil, err
	}
	out, err := x.invoke(r.Context(), t, in)
	if err != nil {
		return nil, err
	}
	return function.TakeTurn(event, out, r, body)
}

// turnAnswer has a function of Lambda see an answer.
func (x *exchange) turnAnswer(t *triggered, event string, r *http.Request, was *function.Answer) (*function.Answer, error) {
	in, err := function.NewTrigger(x.context(event), r, nil, false, nil, was)
	if err != nil {
		return nil, err
	}
	out, err := x.invoke(r.Context(), t, in)
	if err != nil {
		return nil, err
	}
	return function.TakeResponse(event, out, was)
}

// invoke runs a function of Lambda. That it may be was found out when it was
// associated; its account runs it.
func (x *exchange) invoke(ctx context.Context, t *triggered, payload []byte) ([]byte, error) {
	call := &aws.Call{Account: t.arn.Account, Region: t.arn.Region, Principal: auth.Root(t.arn.Account), RequestID: aws.NewRequestID()}
	out, err := dispatch.CallChecked(ctx, x.cfg.Table, call, lambda.Invoke, &lambda.InvokeInput{FunctionName: t.arn.String(), Payload: payload})
	switch {
	case errors.Is(err, lambda.TooManyRequestsException):
		return nil, errThrottled
	case err != nil:
		return nil, errors.Join(errTrigger, err)
	case out.FunctionError != nil:
		return nil, errors.Join(errTrigger, errors.New(string(out.Payload)))
	}
	return out.Payload, nil
}

// triggerOrigin is an origin as functions of Lambda see it.
func triggerOrigin(o *api.Origin) *function.TriggerOrigin {
	if o == nil {
		return nil
	}
	custom := make(http.Header)
	for _, h := range o.CustomHeaders.Items {
		custom.Add(h.HeaderName, h.HeaderValue)
	}
	if c := o.CustomOriginConfig; c != nil {
		server := &function.TriggerServer{
			CustomHeaders: function.NewFields(custom), DomainName: o.DomainName, KeepAlive: aws.Or(c.OriginKeepaliveTimeout, 5), Path: *o.OriginPath, Port: c.HTTPSPort, Protocol: "https",
			ReadTimeout: aws.Or(c.OriginReadTimeout, 30), SSLProtocols: []string{"TLSv1", "TLSv1.1", "TLSv1.2"},
		}
		if c.OriginSslProtocols != nil {
			server.SSLProtocols = c.OriginSslProtocols.Items
		}
		if c.OriginProtocolPolicy == "http-only" {
			server.Port, server.Protocol = c.HTTPPort, "http"
		}
		return &function.TriggerOrigin{Custom: server}
	}
	bucket := &function.TriggerBucket{AuthMethod: "none", CustomHeaders: function.NewFields(custom), DomainName: o.DomainName, Path: *o.OriginPath, Region: regionOf(o.DomainName)}
	if identityOf(o) != "" {
		bucket.AuthMethod = "origin-access-identity"
	}
	return &function.TriggerOrigin{S3: bucket}
}

// regionOf is the region that the name of a bucket's host says.
func regionOf(host string) string {
	if _, rest, ok := strings.Cut(host, ".s3."); ok && strings.Count(rest, ".") > 1 {
		region, _, _ := strings.Cut(rest, ".")
		return region
	}
	return "us-east-1"
}

// elsewhere is o as a function of Lambda would have it.
func elsewhere(o *api.Origin, to *function.TriggerOrigin) *api.Origin {
	out := *o
	custom := http.Header{}
	switch {
	case to == nil:
		return o
	case to.S3 != nil:
		b := to.S3
		out.DomainName, out.OriginPath, custom = b.DomainName, &b.Path, b.CustomHeaders.Header()
		out.CustomOriginConfig, out.S3OriginConfig = nil, &api.S3OriginConfig{}
		if b.AuthMethod == "origin-access-identity" && o.S3OriginConfig != nil {
			out.S3OriginConfig = o.S3OriginConfig
		}
	case to.Custom != nil:
		c := to.Custom
		out.DomainName, out.OriginPath, custom = c.DomainName, &c.Path, c.CustomHeaders.Header()
		out.S3OriginConfig = nil
		out.CustomOriginConfig = serverOf(c.Protocol, c.Port, &c.ReadTimeout)
	}
	out.CustomHeaders = customHeaders(custom)
	return &out
}

// serverOf is how a server is asked by a protocol, on a port.
func serverOf(protocol string, port int32, timeout *int32) *api.CustomOriginConfig {
	c := &api.CustomOriginConfig{HTTPPort: 80, HTTPSPort: 443, OriginProtocolPolicy: protocol + "-only", OriginReadTimeout: timeout}
	if port != 0 {
		c.HTTPPort, c.HTTPSPort = port, port
	}
	return c
}

func customHeaders(h http.Header) *api.CustomHeaders {
	out := &api.CustomHeaders{}
	for name, values := range h {
		for _, v := range values {
			out.Items = append(out.Items, api.OriginCustomHeader{HeaderName: name, HeaderValue: v})
		}
	}
	out.Quantity = int32(len(out.Items))
	return out
}

// chosen are the origins of a behaviour, in the order in which they are asked,
// and the statuses after which the next one is. A function may have chosen
// others.
func (x *exchange) chosen(b *behavior) (all []*api.Origin, failover []int32, err error) {
	id := b.TargetOriginId
	c := x.choice
	if c != nil && c.ID != "" {
		id = c.ID
	}
	if c != nil && c.Group != nil {
		failover = c.Group.Failover.Codes
		for _, m := range c.Group.Members {
			all = append(all, x.v.origins[m.ID])
		}
	} else if g := x.v.groups[id]; g != nil {
		failover = g.FailoverCriteria.StatusCodes.Items
		for _, m := range g.Members.Items {
			all = append(all, x.v.origins[m.OriginId])
		}
	} else {
		all = []*api.Origin{x.v.origins[id]}
	}
	for i, o := range all {
		if o == nil {
			return nil, nil, &function.Invalid{Message: "The CloudFront function returned an invalid value: there is no such origin."}
		}
		if c != nil && c.Origin != nil {
			all[i] = rerouted(o, c.Origin)
		}
	}
	return all, failover, nil
}

// rerouted is o as a script would have it.
func rerouted(o *api.Origin, to *function.Origin) *api.Origin {
	out := *o
	if to.DomainName != "" {
		out.DomainName = to.DomainName
		if bucketOf(to.DomainName) == "" && out.CustomOriginConfig == nil {
			out.S3OriginConfig, out.CustomOriginConfig = nil, serverOf("https", 0, nil)
		} else if bucketOf(to.DomainName) != "" && to.Custom == nil {
			out.S3OriginConfig, out.CustomOriginConfig = &api.S3OriginConfig{}, nil
		}
	}
	if to.Path != nil {
		out.OriginPath = to.Path
	}
	if c := to.Custom; c != nil {
		protocol := "https"
		if c.Protocol != "" {
			protocol = c.Protocol
		}
		out.S3OriginConfig, out.CustomOriginConfig = nil, serverOf(protocol, c.Port, to.Timeouts.Read)
	}
	if to.AccessControl != nil && !to.AccessControl.Enabled {
		out.OriginAccessControlId = new("")
	}
	if to.CustomHeaders != nil {
		h := make(http.Header)
		for name, value := range to.CustomHeaders {
			h.Set(name, value)
		}
		out.CustomHeaders = customHeaders(h)
	}
	return &out
}
