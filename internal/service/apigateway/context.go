package apigateway

import (
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/gateway/mapping"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// context is $context, as far as it is known. It is made once; templates may
// set what overrides the request and the response.
func (x *exchange) context() *vtl.Map {
	if x.state.context != nil {
		return x.state.context
	}
	p := x.req
	m := vtl.NewMap()
	set := func(name, v string) {
		if v != "" {
			m.Set(name, v)
		}
	}
	set("accountId", p.Account)
	set("apiId", p.API)
	if p.Authorizer != nil {
		if v, err := vtl.ParseJSON(string(p.Authorizer)); err == nil {
			m.Set("authorizer", v)
		}
	}
	set("awsEndpointRequestId", x.state.serviceID)
	set("deploymentId", p.Deployment)
	set("domainName", p.Domain)
	prefix, _, _ := strings.Cut(p.Domain, ".")
	set("domainPrefix", prefix)
	set("extendedRequestId", p.ExtendedID)
	set("httpMethod", p.Method)
	m.Set("identity", x.identity())
	m.Set("isCanaryRequest", strconv.FormatBool(x.canary))
	set("path", p.FullPath)
	set("protocol", p.Protocol)
	set("requestId", p.ID)
	m.Set("requestOverride", vtl.NewMap().Set("header", vtl.NewMap()).Set("path", vtl.NewMap()).Set("querystring", vtl.NewMap()))
	set("requestTime", p.Time.UTC().Format("02/Jan/2006:15:04:05 +0000"))
	m.Set("requestTimeEpoch", p.Time.UnixMilli())
	set("resourceId", p.ResourceID)
	set("resourcePath", p.Resource)
	m.Set("responseOverride", vtl.NewMap().Set("header", vtl.NewMap()))
	set("stage", p.Stage)
	set("xrayTraceId", p.Header.Get("X-Amzn-Trace-Id"))
	x.state.context = m
	x.addFailure()
	return m
}

// addFailure puts in the context what went wrong.
func (x *exchange) addFailure() {
	f := x.state.failure
	if f == nil || x.state.context == nil {
		return
	}
	e := vtl.NewMap().Set("responseType", f.kind)
	if f.null {
		e.Set("messageString", "null")
	} else {
		e.Set("message", f.message).Set("messageString", vtl.JSON(f.message))
	}
	if f.validation != "" {
		e.Set("validationErrorString", f.validation)
	}
	x.state.context.Set("error", e)
}

func (x *exchange) identity() *vtl.Map {
	p, m := x.req, vtl.NewMap()
	if c := p.Caller; c != nil {
		m.Set("accessKey", c.AccessKey).Set("accountId", c.Account).Set("caller", c.ID).Set("user", c.ID).Set("userArn", c.ARN)
	}
	if p.Key != "" {
		m.Set("apiKey", p.Key).Set("apiKeyId", p.KeyID)
	}
	if p.Certificate != nil {
		c := proxy.NewClientCert(p.Certificate)
		m.Set("clientCert", vtl.NewMap().Set("clientCertPem", c.PEM).Set("subjectDN", c.Subject).Set("issuerDN", c.Issuer).Set("serialNumber", c.Serial).
			Set("validity", vtl.NewMap().Set("notBefore", c.NotBefore).Set("notAfter", c.NotAfter)))
	}
	return m.Set("sourceIp", p.SourceIP).Set("userAgent", p.Header.Get("User-Agent"))
}

// contextValue is a member of the context, by its path: identity.sourceIp.
func (x *exchange) contextValue(path string) (string, bool) {
	var v any = x.context()
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(*vtl.Map)
		if !ok {
			return "", false
		}
		if v, ok = m.Lookup(name); !ok || v == nil {
			return "", false
		}
	}
	return vtl.String(v), true
}

// lasts are the last values of what may have several.
func lasts(m map[string][]string) map[string]string {
	out := make(map[string]string, len(m))
	for name, values := range m {
		if len(values) > 0 {
			out[name] = values[len(values)-1]
		}
	}
	return out
}

// limits of templates: what a mapping may make, and how often #foreach goes round.
const (
	maxMapped = 10 << 20
	maxRounds = 1000
)

// render runs a mapping template on a body.
func (x *exchange) render(t *mapped, body string) (string, error) {
	switch {
	case t.err != nil:
		return "", t.err
	case t.constant != nil:
		return *t.constant, nil
	}
	stage := vtl.NewMap()
	for _, name := range sortedKeys(x.v.variables) {
		stage.Set(name, x.v.variables[name])
	}
	in := &mapping.Input{Body: body, Path: x.req.Params}
	if t.usesParameters {
		in.Query, in.Header = lasts(x.req.QueryValues()), lasts(x.req.Header)
	}
	variables := map[string]any{"input": in, "util": mapping.Util{}, "stageVariables": stage}
	if t.usesContext {
		variables["context"] = x.context()
	}
	return t.template.Render(vtl.Config{Quiet: true, MaxOutput: maxMapped, MaxLoop: maxRounds}, variables)
}

// override is a group of what a template set of the request or the response.
func (x *exchange) override(of, group string) map[string]string {
	if x.state.context == nil {
		return nil
	}
	all, _ := x.state.context.Lookup(of)
	m, ok := all.(*vtl.Map)
	if !ok {
		return nil
	}
	v, _ := m.Lookup(group)
	out := make(map[string]string)
	if inner, ok := v.(*vtl.Map); ok {
		for _, name := range inner.Keys() {
			value, _ := inner.Lookup(name)
			out[name] = vtl.String(value)
		}
	} else if v != nil {
		out[""] = vtl.String(v)
	}
	return out
}

// parameter is what an expression of a mapped parameter stands for in the
// request: method.request.header.Accept, context.stage, 'literal'.
func (x *exchange) parameter(from string) ([]string, bool) {
	if len(from) >= 2 && from[0] == '\'' && from[len(from)-1] == '\'' {
		return []string{from[1 : len(from)-1]}, true
	}
	place, name, _ := strings.Cut(from, ".")
	switch place {
	case "stageVariables":
		v, ok := x.v.variables[name]
		return []string{v}, ok
	case "context":
		v, ok := x.contextValue(name)
		return []string{v}, ok
	}
	rest, ok := strings.CutPrefix(from, "method.request.")
	if !ok {
		return nil, false
	}
	if rest == "body" {
		return []string{string(x.req.Body)}, true
	}
	kind, name, _ := strings.Cut(rest, ".")
	switch kind {
	case "path":
		v, ok := x.req.Params[name]
		return []string{v}, ok
	case "querystring", "multivaluequerystring":
		return several(x.req.QueryValues()[name], kind == "querystring")
	case "header", "multivalueheader":
		return several(header(x.req.Header, name), kind == "header")
	case "body":
		return bodyValue(string(x.req.Body), name)
	}
	return nil, false
}

// header are the values of a header, however its name is written.
func header(h map[string][]string, name string) []string {
	if v, ok := h[name]; ok {
		return v
	}
	for k, v := range h {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

func several(values []string, one bool) ([]string, bool) {
	if one && len(values) > 1 {
		values = values[len(values)-1:]
	}
	return values, len(values) > 0
}

// bodyValue is what a path finds in a body.
func bodyValue(body, path string) ([]string, bool) {
	v, err := vtl.ParseJSON(body)
	if err != nil {
		return nil, false
	}
	found, err := mapping.Find(v, path)
	if err != nil || found == nil {
		return nil, false
	}
	if s, ok := found.(string); ok {
		return []string{s}, true
	}
	return []string{vtl.JSON(found)}, true
}
