package apigatewayv2

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits of a connection, as AWS has them.
const (
	maxMessage  = 128 << 10 // bytes
	maxIdle     = 10 * time.Minute
	maxLife     = 2 * time.Hour
	maxQueued   = 64               // messages of a connection that wait for their turn
	writeWithin = 10 * time.Second // or the client is taken for gone
)

// A socket is an open connection of this process.
type socket struct {
	s    *Service
	id   string
	row  connection
	conn *websocket.Conn

	mu      sync.Mutex
	queue   []message // that wait for their turn
	working bool      // a goroutine works them off
	active  time.Time // of the last message, either way
	ended   *closing  // why it was closed from here
}

type message struct {
	text bool
	data []byte
}

// A closing is how a connection ended.
type closing struct {
	code   int
	reason string
}

// serveSocket answers a request to a WebSocket API: a handshake, if the $connect
// route lets it in, and then messages until the connection ends.
func (x *exchange) serveSocket(a *served) {
	if !strings.EqualFold(x.r.Header.Get("Upgrade"), "websocket") {
		x.say(http.StatusForbidden, "Forbidden")
		return
	}
	id := newConnectionID()
	row := connection{
		API: strings.TrimPrefix(a.api.Resource, "/apis/"), Stage: x.stage.name, Home: home{a.api.Account, a.api.Region}, Connected: time.Now(),
		SourceIP: x.call.SourceIP, UserAgent: x.r.UserAgent(), Domain: domainOf(x.r.Host), Host: x.r.Host, ForwardedFor: x.r.Header.Get("X-Forwarded-For"),
	}
	protocol, ok := x.connect(a, id, &row)
	if !ok {
		return
	}
	err := x.db.Update(x.r.Context(), func(tx *store.Tx) error { return connections.Put(tx, connectionARN(id), row) })
	if err != nil {
		x.fail(http.StatusInternalServerError, err)
		return
	}
	k := &socket{s: x.Service, id: id, row: row, active: time.Now()}
	options := &websocket.AcceptOptions{InsecureSkipVerify: true} // pages of any site may connect: the API's $connect decides
	if protocol != "" {
		options.Subprotocols = []string{protocol}
	}
	if k.conn, err = websocket.Accept(x.w, x.r, options); err != nil {
		k.gone(closing{int(websocket.StatusAbnormalClosure), "The handshake failed"})
		return
	}
	k.conn.SetReadLimit(maxMessage)
	x.sockets.add(k)
	k.gone(k.read(context.WithoutCancel(x.r.Context())))
}

// newConnectionID returns an id in the form that API Gateway gives them.
func newConnectionID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}

// connect asks the authorizer and the integration of $connect whether the
// client may come in, and with which protocol. If not, it has been told so.
func (x *exchange) connect(a *served, id string, row *connection) (protocol string, ok bool) {
	x.route = x.stage.keys[connectRoute]
	if x.route == nil {
		return first(x.offered()), true
	}
	if !x.route.limit.Take() {
		x.say(http.StatusTooManyRequests, "Too Many Requests")
		return "", false
	}
	e := proxy.SocketEvent{StageVariables: x.stage.variables, Context: row.context(id, connectRoute, "CONNECT"), Base64: new(false)}
	e.Context.At(time.Now(), x.id)
	e.SetRequest(x.header(0), x.r.URL.Query())
	if err := x.admitSocket(a, &e, row); err != nil {
		x.challenge(err)
		return "", false
	}
	reply, err := x.Service.integrate(x.r.Context(), a, x.route, e)
	if err != nil {
		x.fail(http.StatusBadGateway, err)
		return "", false
	}
	if reply.Status/100 != 2 {
		x.say(reply.Status, http.StatusText(reply.Status))
		return "", false
	}
	protocol = reply.Header.Get("Sec-Websocket-Protocol")
	return protocol, true
}

// offered are the protocols that the client speaks.
func (x *exchange) offered() []string {
	var all []string
	for p := range strings.SplitSeq(x.r.Header.Get("Sec-Websocket-Protocol"), ",") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, p)
		}
	}
	return all
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// admitSocket decides whether the client of a handshake may come in, and puts
// what there is to say of it in e and row.
func (x *exchange) admitSocket(a *served, e *proxy.SocketEvent, row *connection) error {
	g := x.route.guard
	asked := executeARN(a, x.stage.name+"/"+connectRoute)
	switch {
	case g == nil:
		return nil
	case g.kind == api.AuthorizationTypeAwsIam:
		call, err := x.cfg.Auth.Authenticate(x.r, "execute-api", nil)
		if err == nil {
			err = x.cfg.Auth.Authorize(x.r.Context(), call, service.Access{Action: "execute-api:Invoke", Resource: asked})
		}
		if err != nil {
			return errForbidden
		}
		return nil
	case g.kind != api.AuthorizationTypeCustom || g.uri == "":
		return errors.New("the route has an authorizer no more")
	}
	v, err := x.ask(a, asked, func([]string) []byte {
		of := *e
		of.Type, of.MethodARN, of.Base64 = "REQUEST", asked.String(), nil
		b, _ := json.Marshal(of) // a struct of texts and numbers
		return b
	})
	if err != nil {
		return err
	}
	row.Authorizer = v.Authorizer(proxy.V1)
	e.Context.Authorizer = row.Authorizer
	return nil
}

// context is what events say of a connection.
func (c *connection) context(id, route, kind string) proxy.SocketContext {
	return proxy.SocketContext{
		RouteKey: route, EventType: kind, Stage: c.Stage, ConnectedAt: c.Connected.UnixMilli(), Domain: c.Domain, ConnectionID: id, API: c.API,
		Identity: proxy.SocketIdentity{UserAgent: c.UserAgent, SourceIP: c.SourceIP}, Authorizer: c.Authorizer,
	}
}

// integrate runs the integration of a route of a WebSocket API. A route that
// leads nowhere is as one that says nothing.
func (s *Service) integrate(ctx context.Context, a *served, route *servedRoute, e proxy.SocketEvent) (*proxy.Reply, error) {
	switch route.kind {
	case "", api.IntegrationTypeMock:
		return &proxy.Reply{Status: http.StatusOK}, nil
	}
	payload := []byte(aws.Value(e.Body))
	if route.kind == api.IntegrationTypeAwsProxy {
		var err error
		if payload, err = json.Marshal(e); err != nil {
			return nil, err
		}
	}
	out, err := s.run(ctx, route.uri, executeARN(a, e.Context.Stage+"/"+route.key), route.timeout, payload)
	if err != nil {
		return nil, err
	}
	if route.kind == api.IntegrationTypeAws {
		return &proxy.Reply{Status: http.StatusOK, Body: out}, nil
	}
	return proxy.ParseReply(proxy.V1, out)
}

// read reads messages until the connection ends, and says how it did.
func (k *socket) read(ctx context.Context) closing {
	for {
		kind, data, err := k.conn.Read(ctx)
		if err != nil {
			return k.ending(err)
		}
		k.mu.Lock()
		k.active = time.Now()
		full := len(k.queue) >= maxQueued
		if !full {
			k.queue = append(k.queue, message{kind == websocket.MessageText, data})
		}
		begin := !full && !k.working
		k.working = k.working || begin
		k.mu.Unlock()
		if full {
			k.say("Too Many Requests", "")
		}
		if begin {
			k.s.sockets.group.Go(func() { k.work(ctx) })
		}
	}
}

// ending says how a connection ended that failed with err.
func (k *socket) ending(err error) closing {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended != nil {
		return *k.ended
	}
	if e, ok := errors.AsType[websocket.CloseError](err); ok {
		if e.Code == websocket.StatusNoStatusRcvd {
			return closing{int(e.Code), "Client-side close frame status not set"}
		}
		return closing{int(e.Code), e.Reason}
	}
	if websocket.CloseStatus(err) == websocket.StatusMessageTooBig || strings.Contains(err.Error(), "read limited") {
		return closing{int(websocket.StatusMessageTooBig), "Message too long"}
	}
	return closing{int(websocket.StatusAbnormalClosure), "Connection closed abnormally"}
}

// work handles the messages that wait, one after the other.
func (k *socket) work(ctx context.Context) {
	for {
		k.mu.Lock()
		if len(k.queue) == 0 {
			k.queue, k.working = nil, false
			k.mu.Unlock()
			return
		}
		m := k.queue[0]
		k.queue = k.queue[1:]
		k.mu.Unlock()
		k.handle(ctx, m)
	}
}

// handle has the route of a message answer it.
func (k *socket) handle(ctx context.Context, m message) {
	id := newRequestID()
	a, stage, err := k.stage(ctx)
	if err != nil || stage == nil {
		k.say("Internal server error", id)
		return
	}
	route := stage.keys[proxy.Select(stage.selection, m.data)]
	if route == nil || route.key == connectRoute || route.key == disconnectRoute {
		route = stage.keys[defaultRoute]
	}
	if route == nil {
		k.say("Forbidden", id)
		return
	}
	if !route.limit.Take() {
		k.say("Too Many Requests", id)
		return
	}
	e := proxy.SocketEvent{StageVariables: stage.variables, Context: k.row.context(k.id, route.key, "MESSAGE")}
	e.Context.At(time.Now(), id)
	e.Context.MessageID = newConnectionID()
	e.SetBody(m.data, m.text)
	reply, err := k.s.integrate(ctx, a, route, e)
	if err != nil {
		k.s.cfg.Log.Warn("message to an API failed", "request", id, "connection", k.id, "route", route.key, "err", err)
		k.say("Internal server error", id)
		return
	}
	if route.answers && len(reply.Body) > 0 {
		k.write(ctx, reply.Body)
	}
}

// stage returns the stage that k is connected to, as it is deployed now.
func (k *socket) stage(ctx context.Context) (*served, *servedStage, error) {
	a, err := k.s.serve(ctx, k.row.API)
	if err != nil || a == nil {
		return nil, nil, err
	}
	return a, a.stages[k.row.Stage], nil
}

// say tells the client a message of API Gateway's own.
func (k *socket) say(text, requestID string) {
	b, err := json.Marshal(struct {
		Message      string `json:"message"`
		ConnectionID string `json:"connectionId"`
		RequestID    string `json:"requestId"`
	}{text, k.id, requestID})
	if err == nil {
		k.write(context.Background(), b)
	}
}

// write sends data to the client, as text if it is.
func (k *socket) write(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	kind := websocket.MessageText
	if !isUTF8(data) {
		kind = websocket.MessageBinary
	}
	k.mu.Lock()
	k.active = time.Now()
	k.mu.Unlock()
	return k.conn.Write(ctx, kind, data)
}

// close ends the connection from here.
func (k *socket) close(c closing) {
	k.mu.Lock()
	if k.ended == nil {
		k.ended = &c
	}
	k.mu.Unlock()
	k.s.sockets.group.Go(func() { k.conn.Close(websocket.StatusCode(c.code), c.reason) })
}

// gone tells the API that the connection has ended, and forgets it.
func (k *socket) gone(c closing) {
	if k.conn != nil {
		k.s.sockets.remove(k)
		k.conn.CloseNow()
	}
	if err := k.s.disconnect(context.Background(), k.id, &k.row, c); err != nil {
		k.s.cfg.Log.Warn("connection cannot be ended", "connection", k.id, "err", err)
	}
}

// disconnect runs the $disconnect route of a connection that has ended, and
// removes its row then, so that a crash between has it run again.
func (s *Service) disconnect(ctx context.Context, id string, row *connection, c closing) error {
	a, err := s.serve(ctx, row.API)
	if err != nil {
		return err
	}
	if a != nil && a.stages[row.Stage] != nil {
		if route := a.stages[row.Stage].keys[disconnectRoute]; route != nil {
			e := proxy.SocketEvent{StageVariables: a.stages[row.Stage].variables, Context: row.context(id, disconnectRoute, "DISCONNECT"), Base64: new(false)}
			e.Context.At(time.Now(), newRequestID())
			e.Context.Status, e.Context.Reason = &c.code, c.reason
			e.SetRequest(http.Header{"Host": {domainOf(row.Host)}, "x-api-key": {""}, "X-Forwarded-For": {row.ForwardedFor}, "x-restapi": {""}}, nil)
			if _, err := s.integrate(ctx, a, route, e); err != nil {
				s.cfg.Log.Warn("disconnect route failed", "connection", id, "err", err) // AWS tries once, too
			}
		}
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return connections.Delete(tx, connectionARN(id)) })
}
