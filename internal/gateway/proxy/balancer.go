package proxy

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// A BalancerRequest is a request to an application load balancer whose target
// is a function. Its path and query are raw.
type BalancerRequest struct {
	TargetGroup string // ARN
	Method      string
	Path        string
	Query       string
	Header      http.Header
	Body        []byte
	Multi       bool // headers and parameters are lists
}

// Event returns r as an event for a function.
func (r *BalancerRequest) Event() []byte {
	b := append(make([]byte, 0, 2048+len(r.Body)*4/3), `{"requestContext":{"elb":{`...)
	b = field(b, "targetGroupArn", r.TargetGroup)
	b = append(jx.Close(b, 0, '}'), "},"...)
	b = field(b, "httpMethod", r.Method)
	b = field(b, "path", r.Path)
	lastQuery, allQuery := r.query()
	last, all := make(map[string]string, len(r.Header)), make(map[string][]string, len(r.Header))
	for name, values := range r.Header {
		all[strings.ToLower(name)] = values
		last[strings.ToLower(name)] = values[len(values)-1]
	}
	if r.Multi {
		b = present(b, objects(b, "multiValueQueryStringParameters", allQuery))
		b = present(b, objects(b, "multiValueHeaders", all))
	} else {
		b = present(b, object(b, "queryStringParameters", lastQuery))
		b = present(b, object(b, "headers", last))
	}
	binary := len(r.Body) > 0 && (r.Header.Get("Content-Encoding") != "" || !isText(r.Header.Get("Content-Type")))
	if binary {
		b = append(jx.AppendBlob(jx.AppendKey(b, "body"), r.Body), ',')
	} else {
		b = field(b, "body", string(r.Body))
	}
	b = append(jx.AppendKey(b, "isBase64Encoded"), strconv.FormatBool(binary)...)
	return append(b, '}')
}

// present is an event with a member that has just been appended to b: {} where
// it is null.
func present(b, with []byte) []byte {
	if rest, null := bytes.CutSuffix(with[len(b):], []byte("null,")); null {
		return append(append(b, rest...), "{},"...)
	}
	return with
}

// query returns the parameters as they were sent: a load balancer decodes nothing.
func (r *BalancerRequest) query() (last map[string]string, all map[string][]string) {
	last, all = make(map[string]string), make(map[string][]string)
	for pair := range strings.SplitSeq(r.Query, "&") {
		if pair != "" {
			k, v, _ := strings.Cut(pair, "=")
			last[k], all[k] = v, append(all[k], v)
		}
	}
	return last, all
}

// ParseBalancerReply reads what a function returned to a load balancer, which
// takes lists of values for headers, or none.
func ParseBalancerReply(payload []byte, multi bool) (*Reply, error) {
	text := string(payload)
	if jx.NewReader(text).Kind() != jx.Object {
		return nil, ErrMalformed
	}
	var r result
	if r.parse(text) != nil {
		return nil, ErrMalformed
	}
	status, err := strconv.Atoi(r.status)
	if err != nil || status < 200 || status > 599 {
		return nil, ErrMalformed
	}
	if multi {
		r.headers = nil
	} else {
		r.multi = nil
	}
	reply := &Reply{Status: status, Header: r.header(V1), Body: []byte(r.body)}
	if r.base64 {
		if reply.Body, err = base64.StdEncoding.DecodeString(r.body); err != nil {
			return nil, ErrMalformed
		}
	}
	if reply.Header["Content-Type"] == nil {
		reply.Header.Set("Content-Type", "application/octet-stream")
	}
	return reply, nil
}
