package apigatewayv2

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewaymanagementapi"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/websocket"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
)

// Management is the API by which back ends reach the clients of WebSockets.
func (s *Service) Management() service.Definition {
	manage := func(method string) func(*aws.Call, string) aws.ARN {
		return func(call *aws.Call, id string) aws.ARN { return s.managed(call, method, id) }
	}
	send, look, end := manage("POST"), manage("GET"), manage("DELETE")
	check := func(check func(service.Access) error, resource aws.ARN) error {
		return check(service.Access{Action: "execute-api:ManageConnections", Resource: resource})
	}
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.OpEach(api.PostToConnection, s.PostToConnection, func(call *aws.Call, in *api.PostToConnectionInput, c func(service.Access) error) error {
				return check(c, send(call, in.ConnectionId))
			}),
			service.OpEach(api.GetConnection, s.GetConnection, func(call *aws.Call, in *api.GetConnectionInput, c func(service.Access) error) error {
				return check(c, look(call, in.ConnectionId))
			}),
			service.OpEach(api.DeleteConnection, s.DeleteConnection, func(call *aws.Call, in *api.DeleteConnectionInput, c func(service.Access) error) error {
				return check(c, end(call, in.ConnectionId))
			}),
		},
	}
}

// managed is what who manages a connection must be allowed to do it on.
func (s *Service) managed(call *aws.Call, method, id string) aws.ARN {
	k := s.sockets.find(id)
	if k == nil {
		return call.ARN("execute-api", "*/*/"+method+"/@connections/"+id)
	}
	return aws.ARN{
		Service: "execute-api", Region: k.row.Home.Region, Account: k.row.Home.Account,
		Resource: k.row.API + "/" + k.row.Stage + "/" + method + "/@connections/" + id,
	}
}

func errGone() error { return api.GoneException.Errorf("") }

// PostToConnection sends data to the client of a connection.
func (s *Service) PostToConnection(ctx context.Context, call *aws.Call, in *api.PostToConnectionInput) (*api.PostToConnectionOutput, error) {
	if len(in.Data) > websocket.MaxMessage {
		return nil, api.PayloadTooLargeException.Errorf("The data has exceeded the maximum size allowed.")
	}
	k := s.sockets.find(in.ConnectionId)
	if k == nil {
		return nil, errGone()
	}
	switch err := k.write(in.Data); {
	case errors.Is(err, websocket.ErrFull):
		return nil, api.LimitExceededException.Errorf("The client side buffer is full.")
	case err != nil:
		return nil, errGone()
	}
	return &api.PostToConnectionOutput{}, nil
}

// GetConnection says since when a connection is open, and whose it is.
func (s *Service) GetConnection(ctx context.Context, call *aws.Call, in *api.GetConnectionInput) (*api.GetConnectionOutput, error) {
	k := s.sockets.find(in.ConnectionId)
	if k == nil {
		return nil, errGone()
	}
	return &api.GetConnectionOutput{
		ConnectedAt: &k.row.Connected, LastActiveAt: new(time.UnixMilli(k.active.Load())), Identity: &api.Identity{SourceIp: k.row.SourceIP, UserAgent: k.row.UserAgent},
	}, nil
}

// DeleteConnection ends a connection.
func (s *Service) DeleteConnection(ctx context.Context, call *aws.Call, in *api.DeleteConnectionInput) (*api.DeleteConnectionOutput, error) {
	k := s.sockets.find(in.ConnectionId)
	if k == nil {
		return nil, errGone()
	}
	k.close(closing{1000, "Connection Closed Normally"})
	return &api.DeleteConnectionOutput{}, nil
}

// serveManagement answers a request to the host of an API that is an operation
// of the management API: METHOD /stage/@connections/ID.
func (x *exchange) serveManagement(a *served, id string) {
	definition := x.management
	match := x.r.Clone(x.r.Context())
	match.URL = &url.URL{Path: "/@connections/" + id, RawQuery: x.r.URL.RawQuery}
	e, err := definition.Match(match, nil)
	if err == nil {
		err = x.manage(a, e, id)
	}
	if err == nil {
		return
	}
	if err := e.EncodeError(x.w, err, x.call.RequestID); err != nil {
		x.cfg.Log.Debug("answer cut short", "id", x.id, "err", err)
	}
}

// manage runs the operation of e, and answers with what it returns.
func (x *exchange) manage(a *served, e *protocol.Exchange, id string) error {
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, websocket.MaxMessage+1<<10))
	if err != nil {
		return api.PayloadTooLargeException.Errorf("The data has exceeded the maximum size allowed.")
	}
	call, err := x.cfg.Auth.Authenticate(x.r, "execute-api", body)
	if err != nil {
		return err
	}
	call.RequestID = x.call.RequestID
	if k := x.sockets.find(id); k != nil && (k.row.API != strings.TrimPrefix(a.api.Resource, "/apis/") || k.row.Stage != x.stage.name) {
		return errGone() // it is of another API
	}
	switch e.Op.Name {
	case api.PostToConnection.Name:
		_, err = dispatch.Call(x.r.Context(), x.cfg.Table, call, api.PostToConnection, &api.PostToConnectionInput{ConnectionId: id, Data: body})
		return x.reply(e, new(api.PostToConnectionOutput), err)
	case api.GetConnection.Name:
		out, err := dispatch.Call(x.r.Context(), x.cfg.Table, call, api.GetConnection, &api.GetConnectionInput{ConnectionId: id})
		return x.reply(e, out, err)
	}
	_, err = dispatch.Call(x.r.Context(), x.cfg.Table, call, api.DeleteConnection, &api.DeleteConnectionInput{ConnectionId: id})
	return x.reply(e, new(api.DeleteConnectionOutput), err)
}

// reply answers with out, unless there is an error.
func (x *exchange) reply(e *protocol.Exchange, out any, err error) error {
	if err != nil {
		return err
	}
	return e.Encode(x.w, out, x.call.RequestID)
}
