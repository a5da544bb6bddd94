package drive

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// webSockets connects to each WebSocket API and sends a message to each of its
// routes.
func (d *driver) webSockets(ctx context.Context) {
	for _, p := range d.all("AWS::ApiGatewayV2::Api") {
		api, err := client.Do(ctx, d.Client, apigatewayv2.GetApi, &apigatewayv2.GetApiInput{ApiId: p.id})
		stages, err1 := client.Do(ctx, d.Client, apigatewayv2.GetStages, &apigatewayv2.GetStagesInput{ApiId: p.id})
		routes, err2 := client.Do(ctx, d.Client, apigatewayv2.GetRoutes, &apigatewayv2.GetRoutesInput{ApiId: p.id})
		if err != nil || err1 != nil || err2 != nil || len(stages.Items) == 0 || aws.Value(api.ProtocolType) != "WEBSOCKET" {
			continue
		}
		behind, locks := d.integrations(ctx, p.id), d.httpLocks(ctx, p.id)
		r := route{method: "GET", host: p.id + ".execute-api", stage: "/" + stages.Items[0].StageName, service: "execute-api"}
		var others []apigatewayv2.Route
		var connect []target
		for _, one := range routes.Items {
			function := functionOf(behind[aws.Value(one.Target)])
			switch {
			case one.RouteKey == "$connect":
				r.lock = locks[aws.Value(one.AuthorizerId)]
				r.lock.iam = aws.Value(one.AuthorizationType) == "AWS_IAM"
				if function != "" {
					connect = append(connect, target{arn: d.arn("lambda", "function:"+function)})
				}
			case one.RouteKey != "$disconnect":
				others = append(others, one)
			}
		}
		var c *websocket.Conn
		d.drive(ctx, entry{name: "connect to " + p.logical, targets: connect, do: func(ctx context.Context) (err error) {
			c, err = d.dial(ctx, &r)
			return err
		}})
		if c == nil {
			continue
		}
		by := strings.TrimPrefix(aws.Value(api.RouteSelectionExpression), "$request.body.")
		for _, one := range others {
			function := functionOf(behind[aws.Value(one.Target)])
			e := entry{name: "a message to route " + one.RouteKey}
			if function != "" {
				e.targets = []target{{arn: d.arn("lambda", "function:"+function)}}
			}
			e.do = func(ctx context.Context) error {
				message := fields(d.source(ctx, function))
				for _, s := range d.samples.of("input", one.RouteKey) {
					if m, ok := s.(map[string]any); ok && m[by] == one.RouteKey {
						message = m
						break
					}
				}
				if !strings.HasPrefix(one.RouteKey, "$") {
					set(message, by, one.RouteKey)
				}
				return c.Write(ctx, websocket.MessageText, []byte(encoded(message)))
			}
			d.drive(ctx, e)
		}
		c.CloseNow()
	}
}

// dial connects, with each credential until one is let in.
func (d *driver) dial(ctx context.Context, r *route) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	var last error
	for _, key := range d.keysOf(ctx, r) {
		address := strings.Replace(d.Client.Endpoint(), "http", "ws", 1) + r.stage
		query := url.Values{}
		if key.query != "" {
			query.Set(key.query, key.value)
		}
		if len(query) > 0 {
			address += "?" + query.Encode()
		}
		probe, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.Replace(address, "ws", "http", 1), nil)
		if err != nil {
			return nil, err
		}
		probe.Host = r.host + "." + strings.Replace(probe.URL.Host, "127.0.0.1", "localhost", 1)
		d.unlock(probe, r, key, "")
		c, response, err := websocket.Dial(ctx, address, &websocket.DialOptions{Host: probe.Host, HTTPHeader: probe.Header})
		if err == nil {
			c.SetReadLimit(1 << 20)
			go drain(c)
			return c, nil
		}
		last = err
		if response != nil {
			last = fmt.Errorf("the handshake was answered with %d", response.StatusCode)
		}
	}
	return nil, last
}

// drain reads what a connection is sent, so that it stays open.
func drain(c *websocket.Conn) {
	for {
		if _, _, err := c.Read(context.Background()); err != nil {
			return
		}
	}
}
