package apigatewayv2

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A turn is one passage through a route of a WebSocket API: a handshake, a
// message, or an end.
type turn struct {
	*Service
	a     *served
	stage *servedStage
	route *servedRoute // nil before it is chosen
	event proxy.SocketEvent
	body  []byte

	header http.Header // of a handshake
	query  url.Values

	outcome outcome
	context *vtl.Map // made when it is asked for
	message any      // the body's JSON, likewise
	parsed  bool
}

// A refusal is an error that has words for the client.
type refusal struct {
	status int
	words  string
}

// Error implements error.
func (r *refusal) Error() string { return r.words }

var (
	errTooMany = &refusal{http.StatusTooManyRequests, "Too Many Requests"}
	errBody    = &refusal{http.StatusBadRequest, "Bad request body"}
	errMedia   = &refusal{http.StatusUnsupportedMediaType, "Unsupported Media Type"}
)

// spoken is what a client is told of an error.
func spoken(err error) (status int, words string) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.status, r.words
	}
	switch {
	case errors.Is(err, errForbidden):
		return http.StatusForbidden, "Forbidden"
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, "Endpoint request timed out"
	case errors.Is(err, errFunction), errors.Is(err, proxy.ErrMalformed), errors.Is(err, errIntegration):
		return http.StatusBadGateway, "Internal server error"
	}
	return http.StatusInternalServerError, "Internal server error"
}

// levelOf is how loudly the log tells of a message that failed.
func levelOf(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// run checks t, and has the integration of its route answer it. A route that
// leads nowhere says nothing.
func (t *turn) run(ctx context.Context) (*proxy.Reply, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	i := t.route.socket.integration
	if i == nil {
		return &proxy.Reply{Status: http.StatusOK}, nil
	}
	if i.toBinary && len(t.body) > 0 {
		decoded, err := base64.StdEncoding.DecodeString(string(t.body))
		if err != nil {
			return nil, fmt.Errorf("the message is not in base64: %w", err)
		}
		t.event.Base64 = new(true) // its body is that already
		t.body = decoded
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.route.timeout)
	defer cancel()
	began := time.Now()
	reply, err := t.integrate(ctx)
	t.outcome.integration = time.Since(began)
	if err == nil {
		t.outcome.answered = reply.Status
	}
	return reply, err
}

// validate refuses a handshake that lacks parameters, and a message that is not
// as its model says.
func (t *turn) validate() error {
	r := t.route.socket
	var missing []string
	for _, name := range r.required {
		if v, _ := t.value(name); v == "" && t.header != nil {
			missing = append(missing, name[strings.LastIndexByte(name, '.')+1:])
		}
	}
	if len(missing) > 0 {
		return &refusal{http.StatusBadRequest, "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"}
	}
	if r.modelSelection == "" || t.event.Body == nil {
		return nil
	}
	check := r.checks[t.evaluate(r.modelSelection)]
	if check == nil {
		if check = r.checks[defaultRoute]; check == nil {
			return errBody
		}
	}
	wrong, err := check.Find(string(t.body))
	if err == nil && wrong != "" {
		t.outcome.err = errors.New(wrong)
		err = errBody
	}
	return err
}

// integrate has the integration of t's route answer it.
func (t *turn) integrate(ctx context.Context) (*proxy.Reply, error) {
	switch t.route.kind {
	case api.IntegrationTypeAwsProxy:
		payload, err := json.Marshal(t.event)
		if err != nil {
			return nil, err
		}
		out, err := t.invoke(ctx, payload)
		if err != nil {
			return nil, err
		}
		return proxy.ParseReply(proxy.V1, out)
	case api.IntegrationTypeHttpProxy:
		out := t.forwarded()
		answer, err := t.fetch(ctx, out)
		if err != nil {
			return nil, err
		}
		return &proxy.Reply{Status: answer.Status, Header: answer.Header, Body: answer.Body}, nil
	}
	out, err := t.outgoing()
	if err != nil {
		return nil, err
	}
	switch {
	case t.route.kind == api.IntegrationTypeMock:
		return t.mock(out.Body)
	case t.route.kind == api.IntegrationTypeHttp:
		answer, err := t.fetch(ctx, out)
		if err != nil {
			return nil, err
		}
		return t.respond(answer, strconv.Itoa(answer.Status))
	case t.route.socket.integration.function:
		return t.callFunction(ctx, out)
	}
	return t.callService(ctx, out)
}

// forwarded is the request to the server of an integration that passes t on.
func (t *turn) forwarded() *backend.Request {
	out := t.newRequest()
	for name, values := range t.header {
		if !strings.HasPrefix(name, "Sec-WebSocket-") && name != "Host" {
			out.Header[name] = values
		}
	}
	for name, values := range t.query {
		out.Query[name] = values
	}
	out.Body = t.body
	t.mapParameters(out)
	return out
}

// outgoing is the request to what an integration leads to, as it maps it.
func (t *turn) outgoing() (*backend.Request, error) {
	body, err := t.requestBody()
	if err != nil {
		return nil, err
	}
	out := t.newRequest()
	out.Body = body
	t.mapParameters(out)
	return out, nil
}

func (t *turn) newRequest() *backend.Request {
	method := t.route.method
	if method == "" {
		method = http.MethodPost
	}
	return &backend.Request{Method: method, URI: t.route.uri, Query: make(url.Values), Header: make(http.Header)}
}

// mapParameters puts in out what the integration's parameters say.
func (t *turn) mapParameters(out *backend.Request) {
	for to, from := range t.route.parameters {
		v, ok := t.mapped(from)
		if !ok {
			continue
		}
		kind, name, _ := strings.Cut(strings.TrimPrefix(to, "integration.request."), ".")
		switch kind {
		case "header":
			out.Header.Set(name, v)
		case "querystring":
			out.Query.Set(name, v)
		case "path":
			out.URI = strings.NewReplacer("{"+name+"}", url.PathEscape(v), "{"+name+"+}", url.PathEscape(v)).Replace(out.URI)
		}
	}
}

// requestBody is the message for the integration: what a template makes of it,
// or itself.
func (t *turn) requestBody() ([]byte, error) {
	i := t.route.socket.integration
	m := i.requests.of(t)
	switch {
	case m != nil:
		text, err := t.render(m, string(t.body))
		return []byte(text), err
	case i.passthrough == "NEVER" || i.passthrough == "WHEN_NO_TEMPLATES" && len(i.requests.all) > 0:
		return nil, errMedia
	}
	return t.body, nil
}

// fetch asks the server of an integration.
func (t *turn) fetch(ctx context.Context, out *backend.Request) (*backend.Answer, error) {
	if out.Header.Get("Content-Type") == "" && len(out.Body) > 0 {
		out.Header.Set("Content-Type", "application/json")
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "AmazonAPIGateway_"+t.event.Context.API)
	}
	out.Header.Set("X-Amzn-Apigateway-Api-Id", t.event.Context.API)
	answer, err := backend.HTTP(ctx, t.client.Transport, out)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", errIntegration, err)
	}
	return answer, err
}

var mockStatus = regexp.MustCompile(`["']?statusCode["']?\s*:\s*["']?(\d{3})\b`)

// mock answers with the status that the request asks for.
func (t *turn) mock(body []byte) (*proxy.Reply, error) {
	status := "200"
	if len(t.route.socket.integration.requests.all) > 0 {
		m := mockStatus.FindSubmatch(body)
		if m == nil {
			return nil, errors.New("the request to MOCK says no statusCode")
		}
		status = string(m[1])
	}
	code, _ := strconv.Atoi(status)
	return t.respond(&backend.Answer{Status: code, Header: make(http.Header)}, status)
}

// invoke runs the function of t's route.
func (t *turn) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return t.Service.run(ctx, t.route.uri, executeARN(t.a, t.event.Context.Stage+"/"+t.route.key), t.route.role, t.route.timeout, payload)
}

// callFunction runs a function on what was mapped for it. What it says of its
// error is what keys of responses match.
func (t *turn) callFunction(ctx context.Context, out *backend.Request) (*proxy.Reply, error) {
	if len(out.Body) == 0 {
		out.Body = []byte("{}")
	}
	if !json.Valid(out.Body) {
		return nil, errors.New("what was mapped for the function is no JSON")
	}
	answer, match := &backend.Answer{Status: http.StatusOK}, "200"
	var err error
	answer.Body, err = t.invoke(ctx, out.Body)
	if failed, ok := errors.AsType[*functionError](err); ok && len(t.route.socket.integration.responses) > 0 {
		var said struct {
			Message string `json:"errorMessage"`
		}
		if json.Unmarshal(failed.payload, &said) == nil {
			answer.Body, match, err = failed.payload, said.Message, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return t.respond(answer, match)
}

// callService asks a service of AWS as the integration's role.
func (t *turn) callService(ctx context.Context, out *backend.Request) (*proxy.Reply, error) {
	session, err := t.cfg.Sessions.Assume(ctx, aws.ServiceCall("apigateway", executeARN(t.a, "*")), t.route.role)
	if err != nil {
		return nil, fmt.Errorf("assume %s: %w", t.route.role, err)
	}
	c := session.Credentials
	answer, err := backend.Service(ctx, t.cfg.Edge, out, sigv4.Credentials{AccessKey: c.AccessKeyId, Secret: c.SecretAccessKey, Token: c.SessionToken})
	if err != nil {
		return nil, err
	}
	if answer.Status >= http.StatusBadRequest {
		t.outcome.err = fmt.Errorf("%d %.500s", answer.Status, answer.Body)
		t.cfg.Log.Info("a service refused what a WebSocket API asked of it", "request", t.event.Context.RequestID, "uri", out.URI, "status", answer.Status, "answer", string(answer.Body[:min(len(answer.Body), 500)]))
	}
	return t.respond(answer, strconv.Itoa(answer.Status))
}

// respond makes of an answer what the integration's response for it says.
func (t *turn) respond(answer *backend.Answer, match string) (*proxy.Reply, error) {
	i := t.route.socket.integration
	reply := &proxy.Reply{Status: answer.Status, Header: make(http.Header), Body: answer.Body}
	if len(i.responses) == 0 {
		return reply, nil
	}
	r := i.response(match)
	if r == nil {
		return nil, fmt.Errorf("no response of the integration matches %q", match)
	}
	switch r.handling {
	case "CONVERT_TO_TEXT":
		reply.Body = []byte(base64.StdEncoding.EncodeToString(reply.Body))
	case "CONVERT_TO_BINARY":
		decoded, err := base64.StdEncoding.DecodeString(string(reply.Body))
		if err != nil {
			return nil, fmt.Errorf("the answer is not in base64: %w", err)
		}
		reply.Body = decoded
	}
	for to, from := range r.parameters {
		name := to[strings.LastIndexByte(to, '.')+1:]
		if header, ok := strings.CutPrefix(from, "integration.response.header."); ok {
			reply.Header.Set(name, answer.Header.Get(header))
		} else if v, ok := t.mapped(from); ok {
			reply.Header.Set(name, v)
		}
	}
	if m := r.templates.of(t); m != nil {
		text, err := t.render(m, string(reply.Body))
		if err != nil {
			return nil, err
		}
		reply.Body = []byte(text)
	}
	return reply, nil
}

// useKey counts a request with an API key, if a usage plan lets it in.
func (t *turn) useKey(ctx context.Context, value string) error {
	if value == "" || t.cfg.Keys == nil {
		return errForbidden
	}
	id, err := t.cfg.Keys.UseKey(ctx, t.a.api, t.event.Context.Stage, t.route.key, value)
	if refused := aws.Refusal(err); err != nil && refused.Status < http.StatusInternalServerError {
		return &refusal{refused.Status, refused.Message}
	}
	t.event.Context.Identity.APIKey, t.event.Context.Identity.APIKeyID = value, id
	return err
}

// log has t's line written, if the stage has a log.
func (t *turn) log() {
	if t.stage.log == nil {
		return
	}
	line := t.stage.log.format.Line(func(name string) string {
		if v, ok := t.outcome.value(name); ok {
			return v
		}
		v, _ := t.value("context." + name)
		return v
	})
	t.accessLog.Add(t.stage.log.place, accesslog.Line{At: t.outcome.began, Text: line})
}
