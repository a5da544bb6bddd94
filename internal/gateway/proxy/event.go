// Package proxy puts HTTP requests in the form of events that functions get
// from HTTP APIs, and what the functions return in that of HTTP answers. Both
// have two versions: 1.0, as REST APIs have it, and 2.0.
package proxy

import (
	"crypto/x509"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// Versions of the format of events and returns.
const (
	V1 = "1.0"
	V2 = "2.0"
)

// A Request is an HTTP request to an API, as far as it reached a route.
type Request struct {
	Account   string
	API       string // id
	Stage     string
	RouteKey  string            // "GET /pets/{id}"
	Path      string            // decoded, with the stage unless that is $default
	Resource  string            // the route's path: "/pets/{id}", or "$default"
	Params    map[string]string // values of the path's variables
	Variables map[string]string // of the stage

	Method   string
	Query    string // raw
	Protocol string // "HTTP/1.1"
	Header   http.Header
	Body     []byte

	Authorizer []byte  // what an authorizer says of the caller, in JSON: of version 1.0, or the member of 2.0; nil if none was asked
	Caller     *Caller // who signed, if the route wants that

	Certificate *x509.Certificate // of the client, if the domain wants one

	Domain   string // host of the request, without port
	SourceIP string
	ID       string // of the request, as API Gateway makes them
	Time     time.Time
}

// A Caller is who signed a request.
type Caller struct{ AccessKey, Account, ID, ARN string }

// Event returns r as an event of that version.
func (r *Request) Event(version string) []byte {
	b := make([]byte, 0, 2048+len(r.Body)*4/3)
	if version == V1 {
		return r.v1(b)
	}
	return r.v2(b)
}

func (r *Request) v2(b []byte) []byte {
	b = field(append(b, '{'), "version", V2)
	b = field(b, "routeKey", r.RouteKey)
	b = field(b, "rawPath", r.Path)
	b = field(b, "rawQueryString", r.Query)
	if cookies := r.cookies(); len(cookies) > 0 {
		b = append(jx.AppendKey(b, "cookies"), '[')
		for _, c := range cookies {
			b = append(jx.AppendString(b, c), ',')
		}
		b = append(jx.Close(b, 0, ']'), ',')
	}
	headers := make(map[string]string, len(r.Header))
	for name, values := range r.Header {
		if name != "Cookie" {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	b = object(b, "headers", headers)
	if _, values := r.query(); len(values) > 0 {
		joined := make(map[string]string, len(values))
		for k, v := range values {
			joined[k] = strings.Join(v, ",")
		}
		b = object(b, "queryStringParameters", joined)
	}
	b = r.contextV2(b)
	if len(r.Params) > 0 {
		b = object(b, "pathParameters", r.Params)
	}
	if len(r.Variables) > 0 {
		b = object(b, "stageVariables", r.Variables)
	}
	return r.body(b, false)
}

func (r *Request) contextV2(b []byte) []byte {
	b = append(jx.AppendKey(b, "requestContext"), '{')
	b = field(b, "accountId", r.Account)
	b = field(b, "apiId", r.API)
	b = r.authentication(b)
	b = r.authorizerV2(b)
	b = field(b, "domainName", r.Domain)
	b = field(b, "domainPrefix", prefix(r.Domain))
	b = append(jx.AppendKey(b, "http"), '{')
	b = field(b, "method", r.Method)
	b = field(b, "path", r.Path)
	b = field(b, "protocol", r.Protocol)
	b = field(b, "sourceIp", r.SourceIP)
	b = field(b, "userAgent", r.Header.Get("User-Agent"))
	b = append(jx.Close(b, 0, '}'), ',')
	b = field(b, "requestId", r.ID)
	b = field(b, "routeKey", r.RouteKey)
	b = field(b, "stage", r.Stage)
	b = field(b, "time", r.clock())
	b = append(jx.AppendKey(b, "timeEpoch"), strconv.FormatInt(r.Time.UnixMilli(), 10)...)
	return append(b, "},"...)
}

func (r *Request) authorizerV2(b []byte) []byte {
	switch c := r.Caller; {
	case c != nil:
		b = append(b, `"authorizer":{"iam":{`...)
		b = field(b, "accessKey", c.AccessKey)
		b = field(b, "accountId", c.Account)
		b = field(b, "callerId", c.ID)
		b = append(b, `"cognitoIdentity":null,"principalOrgId":null,`...)
		b = field(b, "userArn", c.ARN)
		b = field(b, "userId", c.ID)
		return append(jx.Close(b, 0, '}'), "},"...)
	case r.Authorizer != nil:
		b = append(jx.AppendKey(b, "authorizer"), r.Authorizer...)
		return append(b, ',')
	}
	return b
}

func (r *Request) v1(b []byte) []byte {
	b = field(append(b, '{'), "version", V1)
	b = field(b, "resource", r.Resource)
	b = field(b, "path", r.Path)
	b = field(b, "httpMethod", r.Method)
	last, all := make(map[string]string, len(r.Header)), make(map[string][]string, len(r.Header))
	for name, values := range r.Header {
		all[strings.ToLower(name)] = values
		last[strings.ToLower(name)] = values[len(values)-1]
	}
	b = object(b, "headers", last)
	b = objects(b, "multiValueHeaders", all)
	last, all = r.query()
	b = object(b, "queryStringParameters", last)
	b = objects(b, "multiValueQueryStringParameters", all)
	b = r.contextV1(b)
	b = object(b, "pathParameters", r.Params)
	b = object(b, "stageVariables", r.Variables)
	return r.body(b, true)
}

// noCognito is what events of version 1.0 say of callers that Cognito does not know.
const noCognito = `"cognitoAmr":null,"cognitoAuthenticationProvider":null,"cognitoAuthenticationType":null,` +
	`"cognitoIdentityId":null,"cognitoIdentityPoolId":null,"principalOrgId":null,`

func (r *Request) identityV1(b []byte) []byte {
	b = append(jx.AppendKey(b, "identity"), "{"+noCognito...)
	if c := r.Caller; c != nil {
		b = field(b, "accessKey", c.AccessKey)
		b = field(b, "accountId", c.Account)
		b = field(b, "caller", c.ID)
		b = field(b, "user", c.ID)
		b = field(b, "userArn", c.ARN)
	} else {
		b = append(b, `"accessKey":null,"accountId":null,"caller":null,"user":null,"userArn":null,`...)
	}
	b = field(b, "sourceIp", r.SourceIP)
	b = field(b, "userAgent", r.Header.Get("User-Agent"))
	b = r.clientCert(b)
	return append(jx.Close(b, 0, '}'), ',')
}

func (r *Request) contextV1(b []byte) []byte {
	b = append(jx.AppendKey(b, "requestContext"), '{')
	b = field(b, "accountId", r.Account)
	b = field(b, "apiId", r.API)
	if r.Authorizer != nil {
		b = append(append(jx.AppendKey(b, "authorizer"), r.Authorizer...), ',')
	}
	b = field(b, "domainName", r.Domain)
	b = field(b, "domainPrefix", prefix(r.Domain))
	b = field(b, "extendedRequestId", r.ID)
	b = field(b, "httpMethod", r.Method)
	b = r.identityV1(b)
	b = field(b, "path", r.Path)
	b = field(b, "protocol", r.Protocol)
	b = field(b, "requestId", r.ID)
	b = field(b, "requestTime", r.clock())
	b = append(jx.AppendKey(b, "requestTimeEpoch"), strconv.FormatInt(r.Time.UnixMilli(), 10)...)
	b = field(append(b, ','), "resourceId", r.RouteKey)
	b = field(b, "resourcePath", r.Resource)
	b = field(b, "stage", r.Stage)
	return append(jx.Close(b, 0, '}'), ',')
}

// body ends the event with the request's body.
func (r *Request) body(b []byte, null bool) []byte {
	binary := len(r.Body) > 0 && !isText(r.Header.Get("Content-Type"))
	switch {
	case len(r.Body) == 0 && null:
		b = append(b, `"body":null,`...)
	case len(r.Body) == 0:
	case binary:
		b = append(jx.AppendBlob(jx.AppendKey(b, "body"), r.Body), ',')
	default:
		b = field(b, "body", string(r.Body))
	}
	b = append(jx.AppendKey(b, "isBase64Encoded"), strconv.FormatBool(binary)...)
	return append(b, '}')
}

// isText reports whether bodies of a content type travel as they are. All
// others are in base64, forms too, and those that do not say what they are.
func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		t, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	}
	switch t {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(t, "text/")
}

// cookies are those of all Cookie headers.
func (r *Request) cookies() []string {
	var all []string
	for _, line := range r.Header["Cookie"] {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				all = append(all, c)
			}
		}
	}
	return all
}

// query returns the parameters, decoded: the last value of each, and all.
func (r *Request) query() (last map[string]string, all map[string][]string) {
	if r.Query == "" {
		return nil, nil
	}
	last, all = make(map[string]string), make(map[string][]string)
	for pair := range strings.SplitSeq(r.Query, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		k, v = unescape(k), unescape(v)
		last[k] = v
		all[k] = append(all[k], v)
	}
	return last, all
}

// unescape decodes a part of a query; what is malformed stays as it is.
func unescape(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// clock is the request's time in the form of access logs.
func (r *Request) clock() string { return r.Time.UTC().Format("02/Jan/2006:15:04:05 +0000") }

// prefix is the first label of a host.
func prefix(domain string) string {
	first, _, _ := strings.Cut(domain, ".")
	return first
}

// field appends a member that is a string, and a comma.
func field(b []byte, name, value string) []byte {
	return append(jx.AppendString(jx.AppendKey(b, name), value), ',')
}

// object appends a member that is an object of strings, or null, and a comma.
func object(b []byte, name string, m map[string]string) []byte {
	b = jx.AppendKey(b, name)
	if len(m) == 0 {
		return append(b, "null,"...)
	}
	b = append(b, '{')
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = field(b, k, m[k])
	}
	return append(jx.Close(b, 0, '}'), ',')
}

// objects appends a member that is an object of lists of strings, or null.
func objects(b []byte, name string, m map[string][]string) []byte {
	b = jx.AppendKey(b, name)
	if len(m) == 0 {
		return append(b, "null,"...)
	}
	b = append(b, '{')
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = append(jx.AppendKey(b, k), '[')
		for _, v := range m[k] {
			b = append(jx.AppendString(b, v), ',')
		}
		b = append(jx.Close(b, 0, ']'), ',')
	}
	return append(jx.Close(b, 0, '}'), ',')
}
