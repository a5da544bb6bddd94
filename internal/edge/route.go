package edge

import (
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/catalog"
)

// A target is a host of its own that a service answers.
type target struct {
	suffix string // "execute-api"
	id     string // labels before the suffix
	path   string // raw path, if not the request's own
}

// A router finds out which service a request is meant for. It looks at the
// request as it came and cleans nothing: "a//b" is a key of S3.
type router struct {
	hosts     map[string]bool // suffixes of hosts that services answer
	bySigning map[string][]*catalog.Service
	byTarget  map[string]*catalog.Service // by the part of X-Amz-Target before its last dot
	byPrefix  map[string]*catalog.Service // by the first label of endpoint hosts
	byVersion map[string]*catalog.Service // by Version of the query protocol
}

func newRouter(suffixes map[string]bool) *router {
	r := &router{
		hosts:     suffixes,
		bySigning: make(map[string][]*catalog.Service),
		byTarget:  make(map[string]*catalog.Service),
		byPrefix:  make(map[string]*catalog.Service),
		byVersion: make(map[string]*catalog.Service),
	}
	for i := range catalog.Services {
		s := &catalog.Services[i]
		r.bySigning[s.SigningName] = append(r.bySigning[s.SigningName], s)
		if s.TargetPrefix != "" {
			r.byTarget[s.TargetPrefix] = s
		}
		r.byTarget[s.Name] = s // our own form, see package protocol
		r.byPrefix[s.EndpointPrefix] = s
		r.byVersion[s.Version] = s
	}
	r.byPrefix["s3-object-lambda"] = r.byTarget["s3"] // another name that requests to it are signed for
	return r
}

// host returns the host of a service that r is for, if it is for one.
func (rt *router) host(r *http.Request) (target, bool) {
	if t, ok := rt.byHost(hostOf(r)); ok {
		return t, true
	}
	t, ok := byLocalPath(r.URL.EscapedPath())
	return t, ok && rt.hosts[t.suffix] && signedAs(r) != "s3" // it may be a key of the bucket restapis
}

// route returns the folder of the service that r asks; the first rule that
// says something wins. form finds members of the body, if it is a form. ""
// means that no rule did.
func (rt *router) route(r *http.Request, form func(string) string) string {
	path := r.URL.EscapedPath()
	prefix := targetOf(r)
	if r.Header.Get("X-Amz-Account-Id") != "" && strings.HasPrefix(path, "/v20180820/") {
		return "s3control" // which signs as s3 does
	}
	if signed := signedAs(r); signed != "" {
		if s := rt.signed(signed, prefix, path); s != nil {
			return s.Name
		}
		return signed
	}
	if s := rt.byTarget[prefix]; s != nil {
		return s.Name
	}
	if form("Action") != "" {
		if s := rt.byVersion[form("Version")]; s != nil {
			return s.Name
		}
	}
	if s := byKnownPath(path); s != "" {
		return s
	}
	host := hostOf(r)
	first, rest, _ := strings.Cut(host, ".")
	if s := rt.byPrefix[first]; s != nil && rest != "" {
		return s.Name
	}
	if strings.Contains(host, ".s3.") || strings.Contains(host, ".s3-accesspoint.") || strings.Contains(host, ".s3-object-lambda.") || path != "/" || strings.HasPrefix(r.Header.Get("Authorization"), "AWS ") {
		return "s3"
	}
	return ""
}

// byHost finds hosts that services answer, by registered suffix:
// abc.execute-api.us-east-1.amazonaws.com, abc.execute-api.localhost.
func (rt *router) byHost(host string) (target, bool) {
	for i, label := 0, ""; i < len(host); i += len(label) + 1 {
		label, _, _ = strings.Cut(host[i:], ".")
		suffix := label
		if strings.HasPrefix(label, "s3-website-") { // older regions have theirs in the label
			suffix = "s3-website"
		}
		if i > 0 && rt.hosts[suffix] {
			return target{suffix: suffix, id: host[:i-1]}, true
		}
	}
	return target{}, false
}

// byLocalPath finds the forms that local tools use for an API's own host:
// /_aws/execute-api/{id}/{stage}/…, /restapis/{id}/{stage}/_user_request_/….
func byLocalPath(path string) (target, bool) {
	if rest, ok := strings.CutPrefix(path, "/_aws/execute-api/"); ok {
		id, rest, _ := strings.Cut(rest, "/")
		return target{suffix: "execute-api", id: id, path: "/" + rest}, id != ""
	}
	if rest, ok := strings.CutPrefix(path, "/restapis/"); ok {
		if before, after, ok := strings.Cut(rest, "/_user_request_"); ok {
			id, stage, _ := strings.Cut(before, "/")
			return target{suffix: "execute-api", id: id, path: "/" + stage + after}, id != ""
		}
	}
	return target{}, false
}

// signed chooses among the services that sign with one name.
func (rt *router) signed(signed, targetPrefix, path string) *catalog.Service {
	all := rt.bySigning[signed]
	if len(all) == 0 {
		return rt.byPrefix[signed]
	}
	if s := rt.byTarget[targetPrefix]; s != nil {
		return s // dynamodb and its streams, and our own form
	}
	if signed == "apigateway" && strings.HasPrefix(path, "/v2/") {
		return rt.byTarget["apigatewayv2"]
	}
	if signed == "appconfig" && (path == "/configuration" || path == "/configurationsessions") {
		return rt.byTarget["appconfigdata"]
	}
	if signed == "ses" && strings.HasPrefix(path, "/v2/") {
		return rt.byTarget["sesv2"]
	}
	for _, s := range all {
		if s.Name == signed {
			return s
		}
	}
	return all[0]
}

// hostOf returns the host that r asks, without port, in lower case.
func hostOf(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// targetOf returns X-Amz-Target before its last dot, or what stands for it in
// the path of the CBOR protocol.
func targetOf(r *http.Request) string {
	t := r.Header.Get("X-Amz-Target")
	if i := strings.LastIndexByte(t, '.'); i >= 0 {
		return t[:i]
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/service/"); ok && r.Header.Get("Smithy-Protocol") != "" {
		shape, _, _ := strings.Cut(rest, "/operation/")
		return shape
	}
	return ""
}

// signedAs returns the service in the scope of r's signature, or "".
func signedAs(r *http.Request) string {
	_, scope, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		if !strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
			return ""
		}
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	scope, _, _ = strings.Cut(scope, ",")
	scope, ok = strings.CutSuffix(strings.TrimSpace(scope), "/aws4_request")
	if !ok || strings.Count(scope, "/") < 2 {
		return ""
	}
	return strings.ToLower(scope[strings.LastIndexByte(scope, '/')+1:])
}

// knownPaths tell services of requests that nobody signed.
var knownPaths = []struct {
	re      *regexp.Regexp
	service string
}{
	{regexp.MustCompile(`^/\d{12}/[^/]+/?$`), "sqs"},
	{regexp.MustCompile(`^/20\d\d-\d\d-\d\d/(functions|layers|event-source-mappings|tags|account-settings)(/|$)`), "lambda"},
	{regexp.MustCompile(`^/2013-04-01/`), "route53"},
	{regexp.MustCompile(`^/20\d\d-\d\d-\d\d/distribution`), "cloudfront"},
	{regexp.MustCompile(`^/v2/apis(/|$)`), "apigatewayv2"},
	{regexp.MustCompile(`^/restapis(/|$)`), "apigateway"},
}

func byKnownPath(path string) string {
	for _, k := range knownPaths {
		if k.re.MatchString(path) {
			return k.service
		}
	}
	return ""
}
