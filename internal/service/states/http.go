package states

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/tree"
)

const (
	webLasts  = time.Minute // as long as AWS waits for an answer
	maxAnswer = 256 << 10   // bytes of one
)

// callHTTP sends a request to a host anywhere, by a connection of EventBridge.
func (s *Service) callHTTP(ctx context.Context, as *aws.Call, args tree.Value) flow.Answer {
	o, _ := args.(*tree.Object)
	connection := ""
	for _, at := range []string{"Authentication", "InvocationConfig"} {
		if in, _ := o.Get(at); in != nil {
			inner, _ := in.(*tree.Object)
			connection = member(inner, "ConnectionArn")
		}
	}
	address, err := url.Parse(member(o, "ApiEndpoint"))
	if err != nil || address.Host == "" || member(o, "Method") == "" || connection == "" {
		return failed(asl.ErrRuntime, "An HTTP task needs ApiEndpoint, Method, and the ConnectionArn of its Authentication.")
	}
	query := address.Query()
	for name, values := range lists(o, "QueryParameters") {
		query[name] = values
	}
	address.RawQuery = query.Encode()
	headers := map[string]string{}
	for name, values := range lists(o, "Headers") {
		headers[http.CanonicalHeaderKey(name)] = strings.Join(values, ", ")
	}
	body, kind := requestBody(o)
	if _, given := headers["Content-Type"]; !given && body != "" {
		headers["Content-Type"] = kind
	}
	in, err := json.Marshal(map[string]any{"ConnectionArn": connection, "Method": member(o, "Method"), "Url": address.String(), "Headers": headers, "Body": body})
	if err != nil {
		return failed(asl.ErrRuntime, err.Error())
	}
	text, err := s.Table.CallJSON(ctx, as, "events", "RetrieveConnectionCredentials", in)
	if err != nil {
		refusal := aws.Refusal(err)
		if refusal.Code == "ConnectionFailure" {
			return failed(asl.ErrHTTPSocket, refusal.Message)
		}
		return failed("Events."+refusal.Code, refusal.Message)
	}
	var out struct {
		StatusCode int
		Headers    http.Header
		Body       string
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return failed(asl.ErrRuntime, err.Error())
	}
	if out.StatusCode >= http.StatusBadRequest {
		return failed("States.Http.StatusCode."+strconv.Itoa(out.StatusCode), out.Body)
	}
	return flow.Answer{Output: flow.Doc{V: webAnswer(out.StatusCode, out.Headers, out.Body)}}
}

// requestBody is the body of a request of a task, and its type.
func requestBody(o *tree.Object) (body, kind string) {
	v, given := o.Get("RequestBody")
	if !given || v == nil {
		return "", ""
	}
	how, _ := o.Get("Transform")
	transform, _ := how.(*tree.Object)
	if form, ok := v.(*tree.Object); ok && member(transform, "RequestBodyEncoding") == "URL_ENCODED" {
		values := url.Values{}
		for name, x := range form.All() {
			list, ok := x.([]tree.Value)
			if !ok {
				list = []tree.Value{x}
			}
			for _, x := range list {
				values.Add(name, textOf(x))
			}
		}
		return values.Encode(), "application/x-www-form-urlencoded"
	}
	if text, ok := v.(string); ok {
		return text, "application/json"
	}
	return tree.String(v), "application/json"
}

// textOf is a value as text: a string itself, and anything else as JSON.
func textOf(v tree.Value) string {
	if text, ok := v.(string); ok {
		return text
	}
	return tree.String(v)
}

// lists are the members of a member that is an object, each a list of texts or one text.
func lists(o *tree.Object, name string) map[string][]string {
	out := make(map[string][]string)
	v, _ := o.Get(name)
	in, _ := v.(*tree.Object)
	for name, x := range in.All() {
		list, ok := x.([]tree.Value)
		if !ok {
			list = []tree.Value{x}
		}
		for _, x := range list {
			out[name] = append(out[name], textOf(x))
		}
	}
	return out
}

// webAnswer is an answer as a task has it.
func webAnswer(status int, header http.Header, body string) *tree.Object {
	headers := tree.NewObject()
	for name, values := range header {
		list := make([]tree.Value, len(values))
		for i := range values {
			list[i] = values[i]
		}
		headers.Set(name, list)
	}
	var content tree.Value = body
	if v, err := tree.ParseString(body); err == nil && strings.Contains(header.Get("Content-Type"), "json") {
		content = v
	}
	return tree.NewObject("Headers", headers, "ResponseBody", content, "StatusCode", json.Number(strconv.Itoa(status)), "StatusText", http.StatusText(status))
}

// callGateway sends a request to an API of API Gateway.
func (s *Service) callGateway(ctx context.Context, as *aws.Call, c *caller, role string, args tree.Value) flow.Answer {
	o, _ := args.(*tree.Object)
	host := strings.TrimPrefix(strings.TrimPrefix(member(o, "ApiEndpoint"), "https://"), "http://")
	if host == "" || member(o, "Method") == "" {
		return failed(asl.ErrRuntime, "A task that calls an API needs ApiEndpoint and Method.")
	}
	path := ""
	for _, part := range []string{member(o, "Stage"), member(o, "Path")} {
		if part = strings.Trim(part, "/"); part != "" {
			path += "/" + part
		}
	}
	address := url.URL{Scheme: "https", Host: host, Path: path, RawQuery: url.Values(lists(o, "QueryParameters")).Encode()}
	body, kind := requestBody(o)
	ctx, stop := context.WithTimeout(ctx, webLasts)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, member(o, "Method"), address.String(), strings.NewReader(body))
	if err != nil {
		return failed(asl.ErrRuntime, err.Error())
	}
	r.Header = http.Header{}
	for name, values := range lists(o, "Headers") {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if r.Header.Get("Content-Type") == "" && body != "" {
		r.Header.Set("Content-Type", kind)
	}
	if member(o, "AuthType") == "IAM_ROLE" {
		session, err := s.Sessions.Assume(ctx, aws.ServiceCall("states", c.machine), role)
		if err != nil {
			return failed(asl.ErrTaskFailed, aws.Refusal(err).Message)
		}
		k := session.Credentials
		sigv4.Sign(r, sigv4.Credentials{AccessKey: k.AccessKeyId, Secret: k.SecretAccessKey, Token: k.SessionToken}, as.Region, "execute-api", time.Now(), []byte(body))
	}
	return s.ask(r)
}

// ask sends a request to an API, and returns what came of it.
func (s *Service) ask(r *http.Request) flow.Answer {
	resp, err := s.web.Do(r)
	if err != nil {
		cause := err.Error()
		if e := (*url.Error)(nil); errors.As(err, &e) {
			cause = e.Err.Error()
		}
		return failed("ApiGateway.SdkClientException", "Unable to execute HTTP request: "+cause)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return failed("ApiGateway.SdkClientException", "Unable to read the answer: "+err.Error())
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return failed("ApiGateway."+strconv.Itoa(resp.StatusCode), string(b))
	}
	return flow.Answer{Output: flow.Doc{V: webAnswer(resp.StatusCode, resp.Header, string(b))}}
}
