package appsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// Limits of Event APIs.
const (
	maxPublished = 5 // events at once
	maxSegments  = 5 // of a channel
	maxEvent     = 240 << 10
)

// A namespace is one that is ready.
type namespace struct {
	row     api.ChannelNamespace
	code    *mapping.Program
	sources map[string]*api.DataSource
}

// compileEvents makes an Event API ready.
func (a *served) compileEvents(tx *store.Tx) error {
	row, err := eventAPIs.Get(tx, a.arn)
	if err != nil {
		return err
	}
	a.events, a.namespaces = row.EventConfig, make(map[string]*namespace)
	for _, p := range row.EventConfig.AuthProviders {
		a.providers = append(a.providers, &door{provider: provider{p.AuthType, poolOf(p.CognitoConfig), p.OpenIDConnectConfig, p.LambdaAuthorizerConfig}})
	}
	sources := make(map[string]*api.DataSource)
	for key, d := range dataSources.Scan(tx, partKey{API: a.arn}) {
		sources[key.ID] = &d
	}
	for key, n := range namespaces.Scan(tx, partKey{API: a.arn}) {
		ready := &namespace{row: n, sources: sources}
		if n.CodeHandlers != nil {
			ready.code, _ = mapping.Compile(*n.CodeHandlers)
		}
		a.namespaces[key.ID] = ready
	}
	return nil
}

// segment is a part of a channel's path.
var segment = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?$`)

// channelOf reads the path of a channel. One that is subscribed to may end in *.
func channelOf(path string, star bool) ([]string, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) > maxSegments {
		return nil, false
	}
	for i, p := range parts {
		if star && p == "*" && i == len(parts)-1 && i > 0 {
			continue
		}
		if !segment.MatchString(p) {
			return nil, false
		}
	}
	return parts, true
}

// hears reports whether who subscribed to a channel hears of another.
func hears(subscribed, channel []string) bool {
	if n := len(subscribed); n > 0 && subscribed[n-1] == "*" {
		return len(channel) >= n && slices.Equal(subscribed[:n-1], channel[:n-1])
	}
	return slices.Equal(subscribed, channel)
}

// A channelCall is what a caller wants of a channel.
type channelCall struct {
	s       *Service
	a       *served
	caller  *caller
	header  *vtl.Map
	path    []string
	space   *namespace
	publish bool
}

// newChannelCall finds the channel and lets the caller there, or says why not.
func (s *Service) newChannelCall(ctx context.Context, a *served, who *caller, header *vtl.Map, path string, publish bool) (*channelCall, *mapping.Problem) {
	c := &channelCall{s: s, a: a, caller: who, header: header, publish: publish}
	var ok bool
	if c.path, ok = channelOf(path, !publish); !ok {
		return nil, &mapping.Problem{Type: "BadRequestException", Message: "Invalid Channel Format"}
	}
	if c.space = a.namespaces[c.path[0]]; c.space == nil {
		return nil, &mapping.Problem{Type: "UnauthorizedException", Message: wordsNobody}
	}
	modes, action := c.space.row.SubscribeAuthModes, "appsync:EventSubscribe"
	if len(modes) == 0 {
		modes = a.events.DefaultSubscribeAuthModes
	}
	if publish {
		if modes, action = c.space.row.PublishAuthModes, "appsync:EventPublish"; len(modes) == 0 {
			modes = a.events.DefaultPublishAuthModes
		}
	}
	if !a.lets(s, ctx, who, modes, action, "/channelNamespace/"+c.path[0]) {
		return nil, &mapping.Problem{Type: "UnauthorizedException", Message: wordsNobody}
	}
	return c, nil
}

// lets reports whether a caller came by one of the doors, and has the permission
// that who signs needs.
func (a *served) lets(s *Service, ctx context.Context, who *caller, modes []api.AuthMode, action, below string) bool {
	if !slices.ContainsFunc(modes, func(m api.AuthMode) bool { return m.AuthType == who.door.Type }) {
		return false
	}
	if who.door.Type != api.AuthenticationTypeAwsIam {
		return true
	}
	arn := a.arn
	arn.Resource += below
	return s.cfg.Auth.Authorize(ctx, who.call, service.Access{Action: action, Resource: arn}) == nil
}

// run has the handlers of a namespace see events, or a subscriber. It returns the
// events that remain, with what is wrong with those that do not.
func (c *channelCall) run(ctx context.Context, events []published) ([]published, *mapping.Problem) {
	name, config := "onSubscribe", (*api.HandlerConfig)(nil)
	if h := c.space.row.HandlerConfigs; h != nil {
		config = h.OnSubscribe
		if c.publish {
			config = h.OnPublish
		}
	}
	if c.publish {
		name = "onPublish"
	}
	direct := config != nil && config.Behavior == api.HandlerBehaviorDirect
	if !direct && (c.space.code == nil || !c.space.code.Has(name)) {
		return events, nil
	}
	r := &resolution{exchange: &exchange{Service: c.s, api: c.a, ctx: ctx}}
	seen := c.context(events)
	var v any
	var err error
	var source *api.DataSource
	if config != nil && config.Integration != nil {
		source = c.space.sources[config.Integration.DataSourceName]
	}
	switch {
	case direct && source == nil:
		return nil, &mapping.Problem{Type: "BadRequestException", Message: "The handler has no data source."}
	case direct:
		doc := vtl.NewMap().Set("operation", "Invoke").Set("payload", seen.Whole())
		if l := config.Integration.LambdaConfig; l != nil && aws.Value(l.InvokeType) == api.InvokeTypeEvent {
			doc.Set("invocationType", "Event")
		}
		answer, problem := r.ask(ctx, &step{source: source}, doc, true)
		if problem != nil {
			return nil, problem
		}
		if m, ok := answer.(*vtl.Map); ok {
			v = lookup(m, "events")
		}
	case source != nil:
		v, err = c.ask(ctx, r, seen, source, name)
	default:
		v, err = r.call(ctx, c.space.code, name, seen)
	}
	if err != nil {
		return nil, r.problem(err)
	}
	return remaining(events, v), nil
}

// ask has a handler of two functions ask a data source between.
func (c *channelCall) ask(ctx context.Context, r *resolution, seen *mapping.Context, source *api.DataSource, name string) (any, error) {
	f := &step{source: source, code: c.space.code}
	request, err := r.call(ctx, f.code, name+".request", seen)
	if err != nil {
		return nil, err
	}
	doc, _ := request.(*vtl.Map)
	seen.Result, seen.Error = r.ask(ctx, f, doc, true)
	return r.call(ctx, f.code, name+".response", seen)
}

// context is what handlers see.
func (c *channelCall) context(events []published) *mapping.Context {
	operation := "SUBSCRIBE"
	if c.publish {
		operation = "PUBLISH"
	}
	path := "/" + strings.Join(c.path, "/")
	info := vtl.NewMap().Set("channel", vtl.NewMap().Set("path", path).Set("segments", textList(c.path))).
		Set("channelNamespace", vtl.NewMap().Set("name", c.path[0])).Set("operation", operation)
	seen := &mapping.Context{Stash: vtl.NewMap(), Info: info, Request: vtl.NewMap().Set("headers", orEmpty(c.header)).Set("domainName", nil), Identity: c.caller.identity, AuthType: authTypes[c.caller.door.Type]}
	if c.publish {
		list := &vtl.List{Items: []any{}, JSON: true}
		for _, e := range events {
			list.Items = append(list.Items, vtl.NewMap().Set("id", e.id).Set("payload", e.payload))
		}
		seen.Events = list
	}
	return seen
}

// A published is an event on its way.
type published struct {
	id      string
	index   int
	payload any
	wrong   *mapping.Problem
	dropped bool
}

// remaining are events as a handler leaves them: those that it does not return
// reach nobody.
func remaining(events []published, v any) []published {
	list, ok := v.(*vtl.List)
	if !ok {
		return events
	}
	out := slices.Clone(events)
	for i := range out {
		out[i].dropped = true
		for _, item := range list.Items {
			m, _ := item.(*vtl.Map)
			if textOf(m, "id") != out[i].id {
				continue
			}
			out[i].dropped = false
			if e := lookup(m, "error"); e != nil {
				out[i].wrong = &mapping.Problem{Type: "HandlerError", Message: vtl.String(e)}
			} else if payload, has := m.Lookup("payload"); has {
				out[i].payload = payload
			}
		}
	}
	return out
}

// deliver has those who subscribed hear events, and says how each went.
func (c *channelCall) deliver(ctx context.Context, given *vtl.List) (*vtl.Map, *mapping.Problem) {
	if given == nil || len(given.Items) == 0 || len(given.Items) > maxPublished {
		return nil, &mapping.Problem{Type: "BadRequestException", Message: fmt.Sprintf("Between 1 and %d events are required.", maxPublished)}
	}
	var events []published
	failed, successful := &vtl.List{Items: []any{}, JSON: true}, &vtl.List{Items: []any{}, JSON: true}
	fail := func(e published, kind, words string) {
		failed.Items = append(failed.Items, vtl.NewMap().Set("identifier", e.id).Set("index", int64(e.index)).Set("code", int64(http.StatusBadRequest)).Set("message", words))
	}
	for i, item := range given.Items {
		e := published{id: aws.NewRequestID(), index: i}
		text, ok := item.(string)
		var err error
		if e.payload, err = vtl.ParseJSON(text); !ok || err != nil || len(text) > maxEvent {
			fail(e, "BadRequestException", "The event is no JSON, or too large.")
			continue
		}
		events = append(events, e)
	}
	if len(events) > 0 {
		after, problem := c.run(ctx, events)
		if problem != nil {
			return nil, problem
		}
		for _, e := range after {
			switch {
			case e.wrong != nil:
				fail(e, e.wrong.Type, e.wrong.Message)
				continue
			case !e.dropped:
				c.broadcast(e)
			}
			successful.Items = append(successful.Items, vtl.NewMap().Set("identifier", e.id).Set("index", int64(e.index)))
		}
	}
	return vtl.NewMap().Set("failed", failed).Set("successful", successful), nil
}

// broadcast sends an event to those who hear it.
func (c *channelCall) broadcast(e published) {
	for _, k := range c.s.sockets.of(c.a.id) {
		for id, sub := range k.all() {
			if hears(sub.channel, c.path) {
				k.send(vtl.NewMap().Set("id", id).Set("type", "data").Set("event", &vtl.List{JSON: true, Items: []any{vtl.JSON(e.payload)}}))
			}
		}
	}
}

// servePublish answers a request to publish.
func (s *Service) servePublish(w http.ResponseWriter, r *http.Request, call *aws.Call, a *served) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest+maxPublished*maxEvent))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request body is too large.")
		return
	}
	v, err := vtl.ParseJSON(string(body))
	m, ok := v.(*vtl.Map)
	if err != nil || !ok {
		refuse(w, http.StatusBadRequest, "BadRequestException", "Unable to parse the request body.")
		return
	}
	who, err := s.admit(a, r, r.Header, call, body, new(query))
	if err != nil {
		refuse(w, http.StatusUnauthorized, "UnauthorizedException", err.Error())
		return
	}
	out, problem := s.publishEvents(r.Context(), a, who, headersOf(r.Header), m)
	if problem != nil {
		status := http.StatusBadRequest
		if strings.HasPrefix(problem.Type, "Unauthorized") {
			status = http.StatusUnauthorized
		}
		refuse(w, status, problem.Type, problem.Message)
		return
	}
	respond(w, http.StatusOK, []byte(vtl.JSON(out)))
}

func (s *Service) publishEvents(ctx context.Context, a *served, who *caller, header, m *vtl.Map) (*vtl.Map, *mapping.Problem) {
	ctx, cancel := context.WithTimeout(ctx, requestLasts)
	defer cancel()
	c, problem := s.newChannelCall(ctx, a, who, header, textOf(m, "channel"), true)
	if problem != nil {
		return nil, problem
	}
	events, _ := lookup(m, "events").(*vtl.List)
	return c.deliver(ctx, events)
}

// serveEventSocket answers a handshake of a client of an Event API.
func (s *Service) serveEventSocket(w http.ResponseWriter, r *http.Request, call *aws.Call, a *served) {
	admit := func(signed *http.Request, header http.Header) (*caller, error) {
		signed.URL.Path = "/event"
		who, err := s.admit(a, signed, header, call, []byte("{}"), new(query))
		if err == nil && !a.lets(s, r.Context(), who, a.events.ConnectionAuthModes, "appsync:EventConnect", "") {
			err = errors.New(wordsNobody)
		}
		return who, err
	}
	s.connect(w, r, call, a.id, "aws-appsync-event-ws", admit, (*socket).event)
}

// event handles a message of a client of an Event API.
func (k *socket) event(m *vtl.Map) {
	id, kind := textOf(m, "id"), textOf(m, "type")
	say := func(result string, more *vtl.Map) {
		out := vtl.NewMap().Set("type", kind+"_"+result)
		if id != "" {
			out.Set("id", id)
		}
		k.send(union(out, more))
	}
	switch kind {
	case "connection_init":
		k.started.Store(true)
		k.send(vtl.NewMap().Set("type", "connection_ack").Set("connectionTimeoutMs", int64(timeoutMillis)))
		k.send(vtl.NewMap().Set("type", "ka"))
	case "unsubscribe":
		if !k.unsubscribe(id) {
			say("error", problems("UnknownOperationError", "Unknown operation id "+id))
			return
		}
		say("success", vtl.NewMap())
	case "subscribe", "publish":
		out, problem := k.channel(kind, id, m)
		if problem != nil {
			say("error", problems(problem.Type, problem.Message))
			return
		}
		say("success", out)
	default:
		k.send(union(vtl.NewMap().Set("type", "error"), problems("UnsupportedOperation", "Operation not supported through the realtime channel")))
	}
}

// channel subscribes to a channel, or publishes there.
func (k *socket) channel(kind, id string, m *vtl.Map) (*vtl.Map, *mapping.Problem) {
	ctx := context.Background()
	a, err := k.s.serve(ctx, k.id)
	if err != nil || a == nil || a.events == nil {
		return nil, &mapping.Problem{Type: "NotFoundException", Message: "API not found."}
	}
	who, header, problem := k.speaker(ctx, a, m)
	if problem != nil {
		return nil, problem
	}
	if kind == "publish" {
		return k.s.publishEvents(ctx, a, who, header, m)
	}
	c, problem := k.s.newChannelCall(ctx, a, who, header, textOf(m, "channel"), false)
	if problem != nil {
		return nil, problem
	}
	ctx, cancel := context.WithTimeout(ctx, requestLasts)
	defer cancel()
	if _, problem = c.run(ctx, nil); problem != nil {
		return nil, problem
	}
	if k.subscribed(id) != nil {
		return nil, &mapping.Problem{Type: "DuplicatedOperationError", Message: "Duplicated operation id"}
	}
	if id == "" || !k.subscribe(id, &subscription{channel: c.path}) {
		return nil, &mapping.Problem{Type: "MaxSubscriptionsReachedError", Message: "Max number of 100 subscriptions reached"}
	}
	return vtl.NewMap(), nil
}

// speaker is who sends a message: the one that it says, or who connected.
func (k *socket) speaker(ctx context.Context, a *served, m *vtl.Map) (*caller, *vtl.Map, *mapping.Problem) {
	authorization, _ := lookup(m, "authorization").(*vtl.Map)
	if authorization == nil {
		return k.caller, vtl.NewMap(), nil
	}
	header := headerOf(authorization)
	plain, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.host+"/event", nil)
	if err != nil {
		return nil, nil, &mapping.Problem{Type: "BadRequestException", Message: "The host cannot be read."}
	}
	signed := vtl.NewMap().Set("channel", lookup(m, "channel"))
	if events := lookup(m, "events"); events != nil {
		signed.Set("events", events)
	}
	who, err := k.s.admit(a, signedRequest(plain, "/event", header), header, k.call, []byte(vtl.JSON(signed)), new(query))
	if err != nil {
		return nil, nil, &mapping.Problem{Type: "UnauthorizedException", Message: err.Error()}
	}
	return who, headersOf(header), nil
}
