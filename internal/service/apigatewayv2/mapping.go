package apigatewayv2

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

// Parameters are mapped by rules: "overwrite:header.x" says what becomes of
// what, "$request.querystring.q" what it becomes.

// reference is a value of the request, the answer or the context within a text:
// $request.header.x or ${request.header.x}.
var reference = regexp.MustCompile(`\$(?:\{((?:request|response|context|stageVariables)[\w.\-$\[\]]*)\}|((?:request|response|context|stageVariables)(?:\.[\w\-]+)+))`)

// value is what a text says of a request, or, with an answer, of that too.
func (x *exchange) value(text string, p *proxy.Request, reply *proxy.Reply) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(found, "$"), "{"), "}")
		place, rest, _ := strings.Cut(name, ".")
		switch place {
		case "request":
			return requestValue(rest, p)
		case "context":
			return x.contextValue(rest, p)
		case "stageVariables":
			return x.stage.variables[rest]
		}
		return responseValue(rest, reply)
	})
}

func requestValue(name string, p *proxy.Request) string {
	kind, rest, _ := strings.Cut(name, ".")
	switch kind {
	case "header":
		return strings.Join(p.Header[http.CanonicalHeaderKey(rest)], ",")
	case "querystring":
		q, _ := url.ParseQuery(p.Query)
		return strings.Join(q[rest], ",")
	case "path":
		if rest == "" {
			return p.Path
		}
		return p.Params[rest]
	case "body":
		return bodyValue(p.Body, rest)
	}
	return ""
}

func responseValue(name string, reply *proxy.Reply) string {
	if reply == nil {
		return ""
	}
	kind, rest, _ := strings.Cut(name, ".")
	switch kind {
	case "header":
		return strings.Join(reply.Header[http.CanonicalHeaderKey(rest)], ",")
	case "statuscode":
		return strconv.Itoa(reply.Status)
	case "body":
		return bodyValue(reply.Body, rest)
	}
	return ""
}

// bodyValue is a body, or the member of its JSON at path: "a.b" or "a[0].b".
func bodyValue(body []byte, path string) string {
	if path == "" {
		return string(body)
	}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) {
				return ""
			}
			v = at[i]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, _ := json.Marshal(v) // it was JSON
	return string(text)
}

// contextValue is a variable of the context, as mappings and access logs have it.
func (x *exchange) contextValue(name string, p *proxy.Request) string {
	switch name {
	case "requestId", "extendedRequestId":
		return x.id
	case "stage":
		return x.stage.name
	case "httpMethod":
		return x.r.Method
	case "protocol":
		return x.r.Proto
	case "path":
		return x.r.URL.EscapedPath()
	case "domainName":
		return domainOf(x.r.Host)
	case "domainPrefix":
		return strings.SplitN(domainOf(x.r.Host), ".", 2)[0]
	case "identity.sourceIp":
		return x.call.SourceIP
	case "identity.userAgent":
		return x.r.UserAgent()
	case "routeKey":
		if x.route != nil {
			return x.route.key
		}
	}
	if v, ok := x.outcome.value(name); ok || p == nil {
		return v
	}
	switch name {
	case "accountId":
		return p.Account
	case "apiId":
		return p.API
	case "requestTime":
		return p.Time.UTC().Format("02/Jan/2006:15:04:05 +0000")
	case "requestTimeEpoch":
		return strconv.FormatInt(p.Time.Unix(), 10)
	}
	if property, ok := strings.CutPrefix(name, "authorizer."); ok {
		if v := bodyValue(p.Authorizer, property); v != "" {
			return v
		}
		for _, kind := range []string{"lambda.", "jwt."} {
			if v := bodyValue(p.Authorizer, kind+property); v != "" {
				return v
			}
		}
	}
	return ""
}

// mapRequest makes of p what an integration's parameters say: its header, its
// query and the path that goes on.
func (x *exchange) mapRequest(p *proxy.Request) {
	if len(x.route.parameters) == 0 {
		return
	}
	query, _ := url.ParseQuery(p.Query)
	changed := false
	for rule, text := range x.route.parameters {
		action, target, _ := strings.Cut(rule, ":")
		kind, name, _ := strings.Cut(target, ".")
		switch kind {
		case "header":
			change(p.Header, http.CanonicalHeaderKey(name), action, x.value(text, p, nil))
		case "querystring":
			changed = true
			change(query, name, action, x.value(text, p, nil))
		case "path":
			x.forwardPath = x.value(text, p, nil)
		}
	}
	if changed {
		p.Query = query.Encode()
	}
}

// change does an action to the values of a name.
func change(values map[string][]string, name, action, value string) {
	switch action {
	case "append":
		values[name] = append(values[name], value)
	case "overwrite":
		values[name] = []string{value}
	case "remove":
		delete(values, name)
	}
}

// mapResponse makes of reply what the parameters for its status say.
func (x *exchange) mapResponse(p *proxy.Request, reply *proxy.Reply) {
	for rule, text := range x.route.responses[strconv.Itoa(reply.Status)] {
		action, target, _ := strings.Cut(rule, ":")
		if target == "statuscode" {
			if code, err := strconv.Atoi(x.value(text, p, reply)); err == nil && code >= 100 && code < 600 {
				defer func() { reply.Status = code }() // the rest is by the status that came
			}
			continue
		}
		if name, ok := strings.CutPrefix(target, "header."); ok {
			change(reply.Header, http.CanonicalHeaderKey(name), action, x.value(text, p, reply))
		}
	}
}

var parameterRule = regexp.MustCompile(`^(append|overwrite|remove):(header|querystring)\.[\w\-.!#$%&'*+^` + "`" + `|~]+$|^overwrite:path$`)

var responseRule = regexp.MustCompile(`^(append|overwrite|remove):header\.[\w\-.!#$%&'*+^` + "`" + `|~]+$|^overwrite:statuscode$`)

// checkMappings refuses rules that are none.
func checkMappings(parameters map[string]string, responses map[string]map[string]string) error {
	for rule := range parameters {
		if !parameterRule.MatchString(rule) {
			return errBad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", rule)
		}
	}
	for status, rules := range responses {
		if code, err := strconv.Atoi(status); err != nil || code < 200 || code > 599 {
			return errBad("Invalid status code specified for responseParameters: %s", status)
		}
		for rule := range rules {
			if !responseRule.MatchString(rule) {
				return errBad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", rule)
			}
		}
	}
	return nil
}
