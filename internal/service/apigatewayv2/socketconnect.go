package apigatewayv2

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/websocket"
	"github.com/aloft-cloud/aloft/internal/service"
)

// protocolHeader is the one by which both sides agree on a protocol.
const protocolHeader = "Sec-Websocket-Protocol"

// connect asks the authorizer and the integration of $connect whether the
// client may come in, and with which protocol. If not, it has been told so.
func (x *exchange) connect(a *served, id string, row *connection) (protocol string, ok bool) {
	x.route = x.stage.keys[connectRoute]
	if x.route == nil {
		if offered := websocket.Offered(x.r); len(offered) > 0 {
			protocol = offered[0]
		}
		return protocol, true
	}
	t := &turn{Service: x.Service, a: a, stage: x.stage, route: x.route, header: x.socketHeader(), query: x.r.URL.Query(), outcome: outcome{began: time.Now()}}
	t.event = proxy.SocketEvent{StageVariables: x.stage.variables, Context: row.context(id, connectRoute, "CONNECT"), Base64: new(false)}
	t.event.Context.At(time.Now(), x.id)
	var spelling []string
	if g := x.route.guard; g != nil {
		spelling = g.sources
	}
	t.event.SetRequest(proxy.Spelled(t.header, spelling), t.query)
	defer func() {
		t.outcome.status, t.outcome.length = x.outcome.status, x.outcome.length
		if ok {
			t.outcome.status = http.StatusOK // AWS logs no 101
		}
		t.log()
	}()
	reply, err := x.ring(t, row)
	switch {
	case errors.Is(err, errUnauthorized):
		x.say(http.StatusUnauthorized, "Unauthorized")
	case err != nil:
		t.outcome.err = err
		status, words := spoken(err)
		if status == http.StatusInternalServerError {
			x.cfg.Log.Warn("handshake with an API failed", "request", x.id, "host", x.r.Host, "path", x.r.URL.Path, "err", err)
		}
		x.say(status, words)
	case reply.Status/100 != 2:
		x.say(reply.Status, http.StatusText(reply.Status))
	default:
		return reply.Header.Get(protocolHeader), true
	}
	return "", false
}

// ring has everyone who has a say in it look at a handshake.
func (x *exchange) ring(t *turn, row *connection) (*proxy.Reply, error) {
	if !t.route.limit.Take() {
		return nil, errTooMany
	}
	if err := x.admitSocket(t, row); err != nil {
		return nil, err
	}
	if row.Key == "" {
		row.Key = x.r.Header.Get("X-Api-Key")
	}
	if t.route.socket.keyRequired {
		if err := t.useKey(x.r.Context(), row.Key); err != nil {
			return nil, err
		}
	}
	return t.run(x.r.Context())
}

// socketHeader is the handshake's header as events have it, in AWS's spelling.
func (x *exchange) socketHeader() http.Header {
	h := x.header(0)
	h.Del("Content-Length")
	for name, values := range h {
		if rest, ok := strings.CutPrefix(name, "Sec-Websocket-"); ok {
			delete(h, name)
			h["Sec-WebSocket-"+rest] = values
		}
	}
	return h
}

// saysUnauthorized is how a function that authorizes says that it knows nobody.
var saysUnauthorized = regexp.MustCompile(`"errorMessage": ?"Unauthorized"`)

// admitSocket decides whether the client of a handshake may come in, and puts
// what there is to say of it in the event and the row.
func (x *exchange) admitSocket(t *turn, row *connection) error {
	g := t.route.guard
	asked := executeARN(t.a, x.stage.name+"/"+connectRoute)
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
		row.Caller = proxy.Caller{AccessKey: call.AccessKey, Account: call.Principal.Account, ID: call.Principal.ID, ARN: call.Principal.ARN}
		t.event.Context.Identity = row.context("", "", "").Identity
		return nil
	case g.kind != api.AuthorizationTypeCustom || g.uri == "":
		return errors.New("the route has an authorizer no more")
	}
	identity := make([]string, len(g.sources))
	for i, source := range g.sources {
		name := strings.TrimPrefix(source, "$")
		if identity[i], _ = t.value(name); identity[i] == "" {
			return errUnauthorized
		}
	}
	v, err := x.ask(t.a, asked, identity, func() []byte {
		of := t.event
		of.Type, of.MethodARN, of.Base64 = "REQUEST", asked.String(), nil
		b, _ := json.Marshal(of) // a struct of texts and numbers
		return b
	})
	switch {
	case errors.Is(err, errFunction) && saysUnauthorized.MatchString(err.Error()):
		return errUnauthorized
	case errors.Is(err, errFunction):
		return fmt.Errorf("the authorizer: %v", err) // whose failure is not the integration's
	case err != nil:
		return err
	}
	if aws.Value(t.stage.keySource) == authorizerKey {
		row.Key = v.Key
	}
	row.Authorizer = v.Authorizer(proxy.V1)
	t.event.Context.Authorizer = row.Authorizer
	return nil
}
