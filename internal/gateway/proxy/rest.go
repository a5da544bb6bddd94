package proxy

import (
	"encoding/base64"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// A RESTRequest is a request to a REST API, as far as it reached a method. Its
// Path and Params are raw, and its Path has no stage.
type RESTRequest struct {
	Request
	ExtendedID string
	Deployment string
	ResourceID string
	FullPath   string   // raw, with the stage or the base path
	Key, KeyID string   // the API key, if the method wants one
	UsageKey   string   // the API key that an authorizer found
	Binary     bool     // the body is not text
	Spelling   []string // identity sources of the authorizer, as it spells them
}

// QueryValues are the parameters of the query, decoded.
func (r *RESTRequest) QueryValues() map[string][]string {
	_, all := r.query()
	return all
}

// Event returns r as an event for a function.
func (r *RESTRequest) Event() []byte {
	b := r.head(append(make([]byte, 0, 3072+len(r.Body)*4/3), '{'))
	b = r.context(b)
	switch {
	case len(r.Body) == 0:
		b = append(b, `"body":null,`...)
	case r.Binary:
		b = field(b, "body", base64.StdEncoding.EncodeToString(r.Body))
	default:
		b = field(b, "body", string(r.Body))
	}
	b = append(jx.AppendKey(b, "isBase64Encoded"), strconv.FormatBool(r.Binary && len(r.Body) > 0)...)
	return append(b, '}')
}

// AuthorizerEvent returns r as an event for an authorizer of type REQUEST.
func (r *RESTRequest) AuthorizerEvent(methodARN string) []byte {
	b := field([]byte(`{"type":"REQUEST",`), "methodArn", methodARN)
	return jx.Close(r.context(r.head(b)), 0, '}')
}

// TokenEvent returns an event for an authorizer of type TOKEN.
func TokenEvent(token, methodARN string) []byte {
	b := field([]byte(`{"type":"TOKEN",`), "methodArn", methodARN)
	return jx.Close(field(b, "authorizationToken", token), 0, '}')
}

// Spelled returns header with the names that identity sources have for what is
// in it: functions tell apart what HTTP does not, and clients spell what an
// authorizer wants as that does.
func Spelled(header http.Header, sources []string) http.Header {
	cloned := false
	for _, source := range sources {
		_, name, ok := strings.Cut(source, ".header.")
		usual := http.CanonicalHeaderKey(name)
		if !ok || name == usual || header[usual] == nil {
			continue
		}
		if !cloned {
			header, cloned = maps.Clone(header), true
		}
		header[name] = header[usual]
		delete(header, usual)
	}
	return header
}

func (r *RESTRequest) head(b []byte) []byte {
	b = field(b, "resource", r.Resource)
	b = field(b, "path", r.Path)
	b = field(b, "httpMethod", r.Method)
	last, all := make(map[string]string, len(r.Header)), make(map[string][]string, len(r.Header))
	for name, values := range Spelled(r.Header, r.Spelling) {
		all[name] = values
		last[name] = values[len(values)-1]
	}
	b = object(b, "headers", last)
	b = objects(b, "multiValueHeaders", all)
	last, all = r.query()
	b = object(b, "queryStringParameters", last)
	b = objects(b, "multiValueQueryStringParameters", all)
	b = object(b, "pathParameters", r.Params)
	return object(b, "stageVariables", r.Variables)
}

func (r *RESTRequest) context(b []byte) []byte {
	b = append(jx.AppendKey(b, "requestContext"), '{')
	b = field(b, "resourceId", r.ResourceID)
	if r.Authorizer != nil {
		b = append(append(jx.AppendKey(b, "authorizer"), r.Authorizer...), ',')
	}
	b = field(b, "resourcePath", r.Resource)
	b = field(b, "httpMethod", r.Method)
	b = field(b, "extendedRequestId", r.ExtendedID)
	b = field(b, "requestTime", r.clock())
	b = field(b, "path", r.FullPath)
	b = field(b, "accountId", r.Account)
	b = field(b, "protocol", r.Protocol)
	b = field(b, "stage", r.Stage)
	b = field(b, "domainPrefix", prefix(r.Domain))
	b = append(append(jx.AppendKey(b, "requestTimeEpoch"), strconv.FormatInt(r.Time.UnixMilli(), 10)...), ',')
	b = field(b, "requestId", r.ID)
	b = r.identity(b)
	b = field(b, "domainName", r.Domain)
	b = field(b, "deploymentId", r.Deployment)
	b = field(b, "apiId", r.API)
	return append(jx.Close(b, 0, '}'), ',')
}

func (r *RESTRequest) identity(b []byte) []byte {
	b = append(jx.AppendKey(b, "identity"), `{"cognitoIdentityPoolId":null,"cognitoIdentityId":null,`...)
	if r.Key != "" {
		b = field(b, "apiKey", r.Key)
		b = field(b, "apiKeyId", r.KeyID)
	}
	b = append(b, `"cognitoAuthenticationType":null,"cognitoAuthenticationProvider":null,"principalOrgId":null,`...)
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

// restMembers are what a function may return to a REST API: another member is
// an error.
var restMembers = map[string]bool{"statusCode": true, "headers": true, "multiValueHeaders": true, "body": true, "isBase64Encoded": true}

// ParseRESTReply reads what a function returned to a REST API. Its body is as
// it was written if the function says that it is in base64, and coded is true.
func ParseRESTReply(payload []byte) (reply *Reply, coded bool, err error) {
	text := string(payload)
	j := jx.NewReader(text)
	if j.Kind() != jx.Object {
		return nil, false, ErrMalformed
	}
	j.BeginObject()
	for j.More('}') {
		if !restMembers[j.Key()] {
			return nil, false, ErrMalformed
		}
		j.Skip()
	}
	var r result
	if j.End() != nil || r.parse(text) != nil {
		return nil, false, ErrMalformed
	}
	status := 200
	if r.status != "" {
		if status, err = strconv.Atoi(r.status); err != nil || status < 100 || status > 599 {
			return nil, false, ErrMalformed
		}
	}
	return &Reply{Status: status, Header: r.header(V1), Body: []byte(r.body)}, r.base64, nil
}

// RESTAuthorizer is what events for REST APIs say of a caller: what the function
// said of it, all as strings, and how long it took.
func (v *Verdict) RESTAuthorizer(took time.Duration) ([]byte, error) {
	b := field([]byte{'{'}, "principalId", v.Principal)
	b = append(strconv.AppendInt(jx.AppendKey(b, "integrationLatency"), took.Milliseconds(), 10), ',')
	if v.Context != "" {
		j := jx.NewReader(v.Context)
		j.BeginObject()
		for j.More('}') {
			key := j.Key()
			if j.Null() {
				continue
			}
			b = field(b, key, scalar(j))
		}
		if err := j.End(); err != nil {
			return nil, err
		}
	}
	return jx.Close(b, 0, '}'), nil
}
