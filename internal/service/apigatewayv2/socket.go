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
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/websocket"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits of a connection, as AWS has them.
const (
	maxIdle   = 10 * time.Minute
	maxLife   = 2 * time.Hour
	maxQueued = 64 // messages of a connection that wait for their turn
)

// A socket is an open connection of this process.
type socket struct {
	s      *Service
	id     string
	row    *connection
	conn   *websocket.Conn
	active atomic.Int64 // when something last passed, in Unix milliseconds

	mu      sync.Mutex
	queue   [][]byte // messages that wait for their turn
	working bool     // a goroutine works them off
	ended   *closing // why it was closed from here
}

// A closing is how a connection ended.
type closing struct {
	code   int
	reason string
}

var goingAway = closing{websocket.StatusGoingAway, "Going away"}

// serveSocket answers a request to a WebSocket API: a handshake, if the $connect
// route lets it in. Messages are read by a goroutine of the connection's own, so
// that nothing of the request is kept while it is open.
func (x *exchange) serveSocket(a *served) {
	if !websocket.IsHandshake(x.r) {
		x.say(http.StatusForbidden, "Forbidden")
		return
	}
	if status, message := websocket.Check(x.r); status != 0 {
		x.say(status, message)
		return
	}
	id := newConnectionID()
	row := &connection{
		API: strings.TrimPrefix(a.api.Resource, "/apis/"), Stage: x.stage.name, Home: home{a.api.Account, a.api.Region}, Connected: time.Now(),
		SourceIP: x.call.SourceIP, UserAgent: x.r.UserAgent(), Domain: domainOf(x.r.Host), Host: x.r.Host, ForwardedFor: x.r.Header.Get("X-Forwarded-For"),
	}
	protocol, ok := x.connect(a, id, row)
	if !ok {
		return
	}
	// The API knows the client now: if it goes away meanwhile, its end is told too.
	err := x.db.Update(context.WithoutCancel(x.r.Context()), func(tx *store.Tx) error { return connections.Put(tx, connectionARN(id), *row) })
	if err != nil {
		x.fail(http.StatusInternalServerError, err)
		return
	}
	k := &socket{s: x.Service, id: id, row: row}
	k.touch()
	if k.conn, err = websocket.Accept(x.w, x.r, protocol); err != nil {
		k.gone(closing{websocket.StatusAbnormal, "The handshake failed"})
		return
	}
	k.conn.Active = k.touch
	if !x.sockets.add(k) {
		k.gone(goingAway)
	}
}

// newConnectionID returns an id in the form that API Gateway gives them.
func newConnectionID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}

// context is what events say of a connection.
func (c *connection) context(id, route, kind string) proxy.SocketContext {
	return proxy.SocketContext{
		RouteKey: route, EventType: kind, Stage: c.Stage, ConnectedAt: c.Connected.UnixMilli(), Domain: c.Domain, ConnectionID: id, API: c.API,
		Identity:   proxy.SocketIdentity{Account: c.Caller.Account, Caller: c.Caller.ID, User: c.Caller.ID, SourceIP: c.SourceIP, AccessKey: c.Caller.AccessKey, UserARN: c.Caller.ARN, UserAgent: c.UserAgent},
		Authorizer: c.Authorizer,
	}
}

// touch notes that something passes.
func (k *socket) touch() { k.active.Store(time.Now().UnixMilli()) }

// read reads messages until the connection ends.
func (k *socket) read() {
	for {
		data, err := k.conn.Read()
		if err != nil {
			k.gone(k.ending(err))
			return
		}
		k.mu.Lock()
		full := len(k.queue) >= maxQueued
		if !full {
			k.queue = append(k.queue, data)
		}
		begin := !full && !k.working
		k.working = k.working || begin
		k.mu.Unlock()
		if full {
			k.say("Too Many Requests", newRequestID())
		}
		if begin {
			k.s.sockets.group.Go(k.work)
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
	if e, ok := errors.AsType[*websocket.CloseError](err); ok {
		return closing{e.Code, e.Reason}
	}
	return closing{websocket.StatusAbnormal, "Connection closed abnormally"}
}

// work handles the messages that wait, one after the other.
func (k *socket) work() {
	for {
		k.mu.Lock()
		if len(k.queue) == 0 {
			k.queue, k.working = nil, false
			k.mu.Unlock()
			return
		}
		data := k.queue[0]
		k.queue = k.queue[1:]
		k.mu.Unlock()
		k.handle(data)
	}
}

// handle has the route of a message answer it.
func (k *socket) handle(data []byte) {
	id, ctx := newRequestID(), context.Background()
	a, stage, err := k.stage(ctx)
	if err != nil || stage == nil {
		k.say("Internal server error", id)
		return
	}
	t := &turn{Service: k.s, a: a, stage: stage, body: data, outcome: outcome{began: time.Now()}}
	t.event = proxy.SocketEvent{StageVariables: stage.variables, Context: k.row.context(k.id, "", "MESSAGE")}
	t.event.Context.At(time.Now(), id)
	t.event.Context.MessageID = newConnectionID()
	t.event.SetBody(data)
	defer t.log()
	if t.route = stage.keys[t.evaluate(stage.selection)]; t.route == nil || t.route.key == connectRoute || t.route.key == disconnectRoute {
		t.route = stage.keys[defaultRoute]
	}
	reply, err := k.answer(ctx, t)
	if err != nil {
		status, words := spoken(err)
		t.outcome.status, t.outcome.err = status, err
		k.s.cfg.Log.Log(ctx, levelOf(status), "message to an API failed", "request", id, "connection", k.id, "route", t.event.Context.RouteKey, "err", err)
		k.say(words, id)
		return
	}
	t.outcome.status = http.StatusOK
	if t.route.socket.answers && len(reply.Body) > 0 {
		t.outcome.length = len(reply.Body)
		k.write(reply.Body)
	}
}

// answer has the route of t answer it.
func (k *socket) answer(ctx context.Context, t *turn) (*proxy.Reply, error) {
	if t.route == nil {
		return nil, errForbidden
	}
	t.event.Context.RouteKey = t.route.key
	if !t.route.limit.Take() {
		return nil, errTooMany
	}
	if t.route.socket.keyRequired {
		if err := t.useKey(ctx, k.row.Key); err != nil {
			return nil, err
		}
	}
	return t.run(ctx)
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
		k.write(b)
	}
}

// write sends data to the client, as text if it is.
func (k *socket) write(data []byte) error {
	k.touch()
	return k.conn.Write(data, utf8.Valid(data))
}

// close ends the connection from here.
func (k *socket) close(c closing) {
	if k.end(c) {
		k.s.sockets.begin(func() { k.conn.Close(c.code, c.reason) })
	}
}

// end notes why the connection is ended from here, and reports whether it is
// the first to do so.
func (k *socket) end(c closing) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended != nil {
		return false
	}
	k.ended = &c
	return true
}

// gone tells the API that the connection has ended, and forgets it. When the
// platform stops, the next run tells: functions may be gone already.
func (k *socket) gone(c closing) {
	if k.conn != nil {
		k.s.sockets.remove(k)
		k.conn.CloseNow()
	}
	if k.s.sockets.stopping.Load() {
		return
	}
	if err := k.s.disconnect(context.Background(), k.id, k.row, c); err != nil {
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
		stage := a.stages[row.Stage]
		if route := stage.keys[disconnectRoute]; route != nil {
			t := &turn{Service: s, a: a, stage: stage, route: route, outcome: outcome{began: time.Now(), status: http.StatusOK}}
			t.event = proxy.SocketEvent{StageVariables: stage.variables, Context: row.context(id, disconnectRoute, "DISCONNECT"), Base64: new(false)}
			t.event.Context.At(time.Now(), newRequestID())
			t.event.Context.Status, t.event.Context.Reason = &c.code, c.reason
			t.event.SetRequest(http.Header{"Host": {domainOf(row.Host)}, "x-api-key": {row.Key}, "X-Forwarded-For": {row.ForwardedFor}, "x-restapi": {""}}, nil)
			if _, err := t.run(ctx); err != nil {
				if s.sockets.stopping.Load() {
					return nil // the function was stopped: the next run tells it again
				}
				t.outcome.status, _ = spoken(err)
				t.outcome.err = err
				s.cfg.Log.Warn("disconnect route failed", "connection", id, "err", err) // AWS tries once, too
			}
			t.log()
		}
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return connections.Delete(tx, connectionARN(id)) })
}
