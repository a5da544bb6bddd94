package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/limit"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	invokeLasts    = 5 * time.Second // as long as AWS waits for an answer
	maxAnswer      = 1 << 20         // bytes of an answer that are read
	httpParameters = "HttpParameters"
)

// invokeAPIDestination sends a request to an API destination. AWS has the
// permission of that name, and no operation.
var invokeAPIDestination = smithy.Operation[invokeInput, invokeOutput]{Service: "events", Name: "InvokeApiDestination"}

type invokeInput struct {
	Arn            string             `aws:"Arn,required"`
	Body           []byte             `aws:"Body"`
	HttpParameters api.HttpParameters `aws:"HttpParameters"`
}

type invokeOutput struct {
	StatusCode int32  `aws:"StatusCode"`
	Body       []byte `aws:"Body"`
}

func invokedDestination(_ *aws.Call, in *invokeInput) aws.ARN {
	return service.Named(in.Arn)
}

// invoke sends a request to an API destination, within its rate.
func (s *Service) invoke(ctx context.Context, _ *aws.Call, in *invokeInput) (*invokeOutput, error) {
	arn, err := arnOf(in.Arn, "Arn")
	if err != nil {
		return nil, err
	}
	key := shortARN(arn)
	var d destination
	var c connection
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		if d, err = findDestination(tx, key, "invoke"); err != nil {
			return err
		}
		c, err = findConnection(tx, d.Connection, "use")
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.State != api.ConnectionStateAuthorized && c.State != api.ConnectionStateAuthorizing {
		return nil, api.InvalidStateException.Errorf("The connection %s is not authorized.", strings.TrimPrefix(d.Connection.Resource, connectionKind))
	}
	if err := s.await(ctx, key, d.Rate); err != nil {
		return nil, err
	}
	if err := s.reveal(ctx, d.Connection, &c); err != nil {
		return nil, err
	}
	bearer := ""
	if c.Kind == api.ConnectionAuthorizationTypeOauthClientCredentials {
		if bearer, err = s.token(ctx, d.Connection, &c, false); err != nil {
			return nil, err
		}
	}
	out, err := s.request(ctx, &d, &c, bearer, in)
	if err == nil && out.StatusCode == http.StatusUnauthorized && bearer != "" {
		if bearer, err = s.token(ctx, d.Connection, &c, true); err != nil {
			return nil, err
		}
		out, err = s.request(ctx, &d, &c, bearer, in)
	}
	if err != nil {
		return nil, err
	}
	return out, checkAnswer(out)
}

// await waits for the turn of a request, for a while.
func (s *Service) await(ctx context.Context, key aws.ARN, rate int32) error {
	s.mu.Lock()
	bucket := s.limits[key]
	if bucket == nil {
		bucket = limit.NewBucket(float64(rate), 1)
		s.limits[key] = bucket
	}
	s.mu.Unlock()
	for range 10 {
		if bucket.Take() {
			return nil
		}
		turn := time.NewTimer(time.Second / time.Duration(rate))
		select {
		case <-turn.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return api.ThrottlingException.Errorf("The invocation rate limit of the API destination is exceeded.")
}

func (s *Service) forgetLimit(key aws.ARN) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.limits, key)
}

// request sends one request.
func (s *Service) request(ctx context.Context, d *destination, c *connection, bearer string, in *invokeInput) (*invokeOutput, error) {
	endpoint := d.Endpoint
	for _, value := range in.HttpParameters.PathParameterValues {
		endpoint = strings.Replace(endpoint, "*", url.PathEscape(value), 1)
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, invalid("Parameter InvocationEndpoint is not valid. Reason: %s", err)
	}
	query := u.Query()
	for name, value := range in.HttpParameters.QueryStringParameters {
		query.Set(name, value)
	}
	header := http.Header{}
	for name, value := range in.HttpParameters.HeaderParameters {
		header.Set(name, value)
	}
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("User-Agent", "Amazon/EventBridge/ApiDestinations")
	if bearer != "" {
		header.Set("Authorization", "Bearer "+bearer)
	}
	body := c.sign(header, query, in.Body)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, d.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, invalid("Parameter InvocationEndpoint is not valid. Reason: %s", err)
	}
	r.Header = header
	return s.send(r)
}

// send sends r and reads the answer.
func (s *Service) send(r *http.Request) (*invokeOutput, error) {
	resp, err := s.client.Do(r)
	if errors.Is(err, outbound.ErrPrivate) {
		return nil, invalid("Requests to %s are refused: it is %s.", r.URL.Hostname(), outbound.ErrPrivate)
	}
	if err != nil {
		return nil, aws.Fault{Code: "ConnectionFailure", Status: http.StatusBadGateway}.Errorf("Unable to invoke ApiDestination endpoint: %s", r.URL.Hostname())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, aws.Fault{Code: "ConnectionFailure", Status: http.StatusBadGateway}.Errorf("Unable to read the answer of ApiDestination endpoint: %s", r.URL.Hostname())
	}
	return &invokeOutput{StatusCode: int32(resp.StatusCode), Body: body}, nil
}

// checkAnswer refuses an answer that says that the request failed.
func checkAnswer(out *invokeOutput) error {
	status := int(out.StatusCode)
	if status >= 200 && status < 300 {
		return nil
	}
	fault := aws.Fault{Code: "SDK_CLIENT_ERROR", Status: status}
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusConflict: // these AWS tries again too
		fault.Status = http.StatusServiceUnavailable
	}
	return fault.Errorf("Unable to invoke ApiDestination endpoint: API destination endpoint returned the HTTP status code %d.", status)
}

// sign adds what a connection says to a request, and returns its body.
func (c *connection) sign(header http.Header, query url.Values, body []byte) []byte {
	if p := c.Auth.BasicAuthParameters; p != nil {
		r := http.Request{Header: header}
		r.SetBasicAuth(p.Username, p.Password)
	}
	if p := c.Auth.ApiKeyAuthParameters; p != nil {
		header.Set(p.ApiKeyName, p.ApiKeyValue)
	}
	p := c.Auth.InvocationHttpParameters
	if p == nil {
		return body
	}
	for _, h := range p.HeaderParameters {
		header.Set(aws.Value(h.Key), aws.Value(h.Value))
	}
	for _, q := range p.QueryStringParameters {
		query.Set(aws.Value(q.Key), aws.Value(q.Value))
	}
	return withMembers(body, p.BodyParameters)
}

// withMembers adds members to a body that is an object.
func withMembers(body []byte, members []api.ConnectionBodyParameter) []byte {
	if len(members) == 0 {
		return body
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil || object == nil {
		return body
	}
	for _, m := range members {
		value, err := json.Marshal(aws.Value(m.Value))
		if err != nil {
			return body
		}
		object[aws.Value(m.Key)] = value
	}
	out, err := json.Marshal(object)
	if err != nil {
		return body
	}
	return out
}
