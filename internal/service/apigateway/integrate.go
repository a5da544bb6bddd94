package apigateway

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
)

// An outgoing is a request to what a method leads to.
type outgoing struct {
	method string
	uri    string // with the path's variables filled in
	query  url.Values
	header http.Header
	body   []byte
}

// An incoming is an answer from there.
type incoming struct {
	status int
	match  string // what patterns of responses are to match
	header http.Header
	body   []byte
}

// integrate has what the method leads to answer.
func (x *exchange) integrate() error {
	i := &x.method.integ
	switch aws.Value(i.Type) {
	case typeAWSProxy:
		return x.proxyFunction()
	case typeHTTPProxy:
		return x.proxyHTTP()
	case "":
		return errConfig.because(errors.New("the method has no integration"))
	}
	out, err := x.outgoing()
	if err != nil {
		return err
	}
	if *i.Type != typeMock {
		x.log("Endpoint request URI: %s", out.uri)
		x.logData("Endpoint request body after transformations: %s", short(out.body))
	}
	var in *incoming
	switch *i.Type {
	case typeMock:
		in, err = mock(out.body)
	case typeHTTP:
		in, err = x.callHTTP(out)
	default:
		if function := uri.Function(out.uri); function != "" {
			in, err = x.callFunction(function, out)
		} else {
			in, err = x.callService(out)
		}
	}
	if err != nil {
		return err
	}
	x.state.integrationStatus = in.status
	if *i.Type != typeMock {
		x.log("Received response. Status: %d", in.status)
		x.logData("Endpoint response body before transformations: %s", short(in.body))
	}
	return x.respond(in)
}

// outgoing makes the request to the integration of that to the method.
func (x *exchange) outgoing() (*outgoing, error) {
	i := &x.method.integ
	body, err := x.requestBody()
	if err != nil {
		return nil, err
	}
	out := &outgoing{method: aws.Value(i.HttpMethod), query: make(url.Values), header: make(http.Header), body: body}
	if out.method == anyMethod {
		out.method = x.req.Method
	}
	path := make(map[string]string)
	if err := x.mapRequest(out, path); err != nil {
		return nil, err
	}
	for name, v := range x.override("requestOverride", "header") {
		out.header[http.CanonicalHeaderKey(name)] = []string{v}
	}
	for name, v := range x.override("requestOverride", "querystring") {
		out.query.Set(name, v)
	}
	for name, v := range x.override("requestOverride", "path") {
		path[name] = v
	}
	out.uri = fillPath(uri.Fill(aws.Value(i.Uri), x.v.variables), path)
	return out, nil
}

// unmappable are the headers that a mapping may not set, by type.
var unmappable = map[string][]string{
	typeAWS:       {"Authorization", "Connection", "Content-Length", "Expect", "Proxy-Authenticate", "Te", "Transfer-Encoding"},
	typeHTTP:      {"Content-Length", "Transfer-Encoding"},
	typeHTTPProxy: {"Content-Length", "Transfer-Encoding"},
}

// mapRequest puts the mapped parameters in the request and its path.
func (x *exchange) mapRequest(out *outgoing, path map[string]string) error {
	i := &x.method.integ
	for _, to := range sortedKeys(i.RequestParameters) {
		values, ok := x.parameter(i.RequestParameters[to])
		kind, name, _ := strings.Cut(strings.TrimPrefix(to, "integration.request."), ".")
		for _, bad := range unmappable[*i.Type] {
			if kind == "header" && strings.EqualFold(bad, name) {
				return errInternal.because(fmt.Errorf("the header %s may not be mapped", name))
			}
		}
		if !ok {
			continue
		}
		switch kind {
		case "header":
			out.header[http.CanonicalHeaderKey(name)] = values
		case "querystring":
			out.query[name] = append(out.query[name], values...)
		case "path":
			path[name] = values[0]
		}
	}
	return nil
}

// fillPath puts variables of the path in a URI: {name}. Those of stages are
// there already.
func fillPath(at string, path map[string]string) string {
	for name, v := range path {
		at = strings.ReplaceAll(at, "{"+name+"}", v)
		at = strings.ReplaceAll(at, "{"+name+"+}", v)
	}
	return at
}

// mediaType is a content type without its parameters.
func mediaType(contentType string) string {
	if contentType == "" || contentType == jsonType || contentType == "*/*" {
		return contentType
	}
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		t, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		t = strings.TrimSpace(t)
	}
	return t
}

const jsonType = "application/json"

// requestBody is the body for the integration: what a template makes of that of
// the request, or that itself.
func (x *exchange) requestBody() ([]byte, error) {
	i, body := &x.method.integ, x.req.Body
	contentType := mediaType(x.req.Header.Get("Content-Type"))
	if contentType == "" {
		contentType = jsonType
	}
	isText := !x.req.Binary
	switch handling := aws.Value(i.ContentHandling); {
	case handling == "CONVERT_TO_BINARY" && isText:
		decoded, err := base64.StdEncoding.DecodeString(string(body))
		if err != nil {
			return nil, errInternal.because(fmt.Errorf("the body is not in base64: %w", err))
		}
		body, isText = decoded, false
	case handling == "CONVERT_TO_TEXT" && !isText:
		body, isText = []byte(base64.StdEncoding.EncodeToString(body)), true
	case isText:
		body = []byte(strings.ToValidUTF8(string(body), "\ufffd"))
	}
	t := x.method.requests[contentType]
	switch {
	case t.missing() && (*i.PassthroughBehavior == never || *i.PassthroughBehavior == whenNoTemplates && len(x.method.requests) > 0):
		return nil, errMedia
	case t.missing():
		return body, nil
	case !isText:
		return nil, errInternal.because(errors.New("a template cannot map a body that is binary"))
	}
	text, err := x.render(t, string(body))
	if err != nil {
		return nil, errInternal.because(err)
	}
	return []byte(text), nil
}

var mockStatus = regexp.MustCompile(`["']?statusCode["']?\s*:\s*["']?(\d{3})\b`)

// mock answers with the status that the request asks for. It need not be in
// quotes, as JSON would have it.
func mock(body []byte) (*incoming, error) {
	m := mockStatus.FindSubmatch(body)
	if m == nil {
		return nil, errInternal.because(errors.New("the request to MOCK says no statusCode"))
	}
	status, _ := strconv.Atoi(string(m[1]))
	return &incoming{status: status, match: string(m[1]), header: make(http.Header)}, nil
}

// remapped are headers that AWS does not let through under their names.
var remapped = []string{
	"Authorization", "Connection", "Content-Length", "Content-Md5", "Date", "Expect", "Host", "Max-Forwards", "Proxy-Authenticate", "Server",
	"Trailer", "Upgrade", "User-Agent", "Www-Authenticate", "X-Amzn-Requestid", "X-Amz-Apigw-Id",
}

// setHeader sets a header of an answer, under another name if need be.
func setHeader(h http.Header, name string, values []string) {
	name = http.CanonicalHeaderKey(name)
	if strings.ContainsAny(name, " \r\n:") || name == "" || name == "Transfer-Encoding" {
		return
	}
	for _, r := range remapped {
		if name == r {
			name = "X-Amzn-Remapped-" + name
		}
	}
	h[name] = nil
	for _, v := range values {
		h[name] = append(h[name], strings.NewReplacer("\r", " ", "\n", " ").Replace(v))
	}
}

// respond makes the answer of an integration the method's.
func (x *exchange) respond(in *incoming) error {
	r := x.choose(in)
	if r == nil {
		return errConfig.because(fmt.Errorf("no response of the integration matches %q", in.match))
	}
	if _, ok := x.method.method.MethodResponses[aws.Value(r.StatusCode)]; !ok {
		return errConfig.because(fmt.Errorf("Output mapping refers to an invalid method response: %s", aws.Value(r.StatusCode)))
	}
	body, contentType, err := x.responseBody(in, r)
	if err != nil {
		return err
	}
	h := http.Header{"Content-Type": {contentType}}
	if trace, ok := x.req.Header["X-Amzn-Trace-Id"]; ok {
		h["X-Amzn-Trace-Id"] = trace
	}
	for _, to := range sortedKeys(r.ResponseParameters) {
		if values, ok := x.responseParameter(r.ResponseParameters[to], in); ok {
			setHeader(h, strings.TrimPrefix(to, "method.response.header."), values)
		}
	}
	status, _ := strconv.Atoi(aws.Value(r.StatusCode))
	for name, v := range x.override("responseOverride", "header") {
		setHeader(h, name, []string{v})
	}
	if s, err := strconv.Atoi(x.override("responseOverride", "status")[""]); err == nil && s >= 200 && s <= 599 {
		status = s
	}
	x.reply = &proxy.Reply{Status: status, Header: h, Body: body}
	return nil
}

// choose returns the response for what the integration answered, or nil.
func (x *exchange) choose(in *incoming) *api.IntegrationResponse {
	for i := range x.method.picks {
		p := &x.method.picks[i]
		if p.pattern == nil || in.match != "" && p.pattern.MatchString(in.match) {
			return &p.response
		}
	}
	return nil
}

// responseParameter is what an expression stands for in an answer.
func (x *exchange) responseParameter(from string, in *incoming) ([]string, bool) {
	rest, ok := strings.CutPrefix(from, "integration.response.")
	if !ok {
		return x.parameter(from)
	}
	if rest == "body" {
		return []string{string(in.body)}, true
	}
	kind, name, _ := strings.Cut(rest, ".")
	switch kind {
	case "header", "multivalueheader":
		return several(header(in.header, name), kind == "header")
	case "body":
		return bodyValue(string(in.body), name)
	}
	return nil, false
}

// responseBody is the body of the answer: what a template makes of the
// integration's, or that itself.
func (x *exchange) responseBody(in *incoming, r *api.IntegrationResponse) ([]byte, string, error) {
	body, err := x.convert(in, aws.Value(r.ContentHandling))
	if err != nil {
		return nil, "", err
	}
	contentType, t := x.responseTemplate(*r.StatusCode, r)
	if t.missing() {
		return body, contentType, nil
	}
	text, err := x.render(t, string(body))
	if err != nil {
		return nil, "", errInternal.because(err)
	}
	return []byte(text), contentType, nil
}

// convert makes text of what is binary, or the other way round, as the response
// and the client want it.
func (x *exchange) convert(in *incoming, handling string) ([]byte, error) {
	isBinary := x.isBinary(in.header.Get("Content-Type"))
	decode := func() ([]byte, error) {
		b, err := base64.StdEncoding.DecodeString(string(in.body))
		if err != nil {
			return nil, errInternal.because(fmt.Errorf("the answer is not in base64: %w", err))
		}
		return b, nil
	}
	switch {
	case handling == "CONVERT_TO_BINARY" && !isBinary:
		return decode()
	case handling == "CONVERT_TO_BINARY":
		return in.body, nil
	case isBinary && (handling == "CONVERT_TO_TEXT" || !x.wantsBinary()):
		return []byte(base64.StdEncoding.EncodeToString(in.body)), nil
	case isBinary:
		return in.body, nil
	case handling == "" && x.wantsBinary() && x.req.Header.Get("Accept") != "*/*":
		return decode()
	}
	return []byte(strings.ToValidUTF8(string(in.body), "\ufffd")), nil
}

// responseTemplate returns the template for what the client accepts, or the one
// for JSON, or any.
func (x *exchange) responseTemplate(status string, r *api.IntegrationResponse) (string, *mapped) {
	all := x.method.responses[status]
	for part := range strings.SplitSeq(x.req.Header.Get("Accept"), ",") {
		if len(all) == 0 {
			break
		}
		if t := mediaType(part); all[t] != nil {
			return t, all[t]
		}
	}
	if t := all[jsonType]; t != nil {
		return jsonType, t
	}
	for _, contentType := range sortedKeys(r.ResponseTemplates) {
		return contentType, all[contentType]
	}
	return jsonType, nil
}

// isBinary reports whether bodies of a content type are binary to the API.
func (x *exchange) isBinary(contentType string) bool {
	if len(x.v.api.BinaryMediaTypes) == 0 {
		return false
	}
	t := mediaType(contentType)
	for _, b := range x.v.api.BinaryMediaTypes {
		if b == "*/*" || t != "" && matchesMedia(strings.ToLower(b), t) {
			return true
		}
	}
	return false
}

// wantsBinary reports whether the client wants what is binary to the API: the
// first type that it accepts decides.
func (x *exchange) wantsBinary() bool {
	first, _, _ := strings.Cut(x.req.Header.Get("Accept"), ",")
	return x.isBinary(first)
}

// matchesMedia reports whether a media type is one that a pattern means: image/*.
func matchesMedia(pattern, t string) bool {
	if all, ok := strings.CutSuffix(pattern, "/*"); ok {
		kind, _, _ := strings.Cut(t, "/")
		return kind == all
	}
	return pattern == t
}

// executeARN names a part of the API that is served.
func (x *exchange) executeARN(below string) aws.ARN {
	return aws.ARN{Service: "execute-api", Region: x.api.arn.Region, Account: x.api.arn.Account, Resource: x.api.id + "/" + below}
}

// methodARN is what the request asks for, as policies of functions name it.
func (x *exchange) methodARN() aws.ARN {
	return x.executeARN(x.req.Stage + "/" + x.req.Method + x.method.path)
}

// deadline is a context that ends when the integration's time is up, and not
// when the client goes away.
func (x *exchange) deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(x.ctx), x.method.timeout)
}
