package proxy

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// A SocketEvent is what the functions of a WebSocket API are called with.
type SocketEvent struct {
	Type              string              `json:"type,omitempty"`      // of authorizers: "REQUEST"
	MethodARN         string              `json:"methodArn,omitempty"` // of authorizers
	Headers           map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Query             map[string]string   `json:"queryStringParameters,omitempty"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	StageVariables    map[string]string   `json:"stageVariables,omitempty"`
	Context           SocketContext       `json:"requestContext"`
	Body              *string             `json:"body,omitempty"`
	Base64            *bool               `json:"isBase64Encoded,omitempty"`
}

// A SocketContext is what a SocketEvent says of its connection, in the order of
// members that AWS has.
type SocketContext struct {
	RouteKey          string          `json:"routeKey"`
	Status            *int            `json:"disconnectStatusCode,omitempty"`
	Authorizer        json.RawMessage `json:"authorizer,omitempty"`
	MessageID         string          `json:"messageId,omitempty"`
	EventType         string          `json:"eventType"` // CONNECT, MESSAGE, DISCONNECT
	ExtendedRequestID string          `json:"extendedRequestId"`
	RequestTime       string          `json:"requestTime"`
	Direction         string          `json:"messageDirection"`
	Reason            string          `json:"disconnectReason,omitempty"`
	Stage             string          `json:"stage"`
	ConnectedAt       int64           `json:"connectedAt"`      // ms
	RequestTimeEpoch  int64           `json:"requestTimeEpoch"` // ms
	Identity          SocketIdentity  `json:"identity"`
	RequestID         string          `json:"requestId"`
	Domain            string          `json:"domainName"`
	ConnectionID      string          `json:"connectionId"`
	API               string          `json:"apiId"`
}

// A SocketIdentity is who is at the other end.
type SocketIdentity struct {
	Account   string `json:"accountId,omitempty"` // this and others of who signed
	Caller    string `json:"caller,omitempty"`
	User      string `json:"user,omitempty"`
	AccessKey string `json:"accessKey,omitempty"`
	UserARN   string `json:"userArn,omitempty"`
	APIKey    string `json:"apiKey,omitempty"`
	APIKeyID  string `json:"apiKeyId,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
	SourceIP  string `json:"sourceIp"`
}

// At puts the time of a request in c.
func (c *SocketContext) At(now time.Time, id string) {
	c.RequestTime = now.UTC().Format("02/Jan/2006:15:04:05 +0000")
	c.RequestTimeEpoch, c.Direction = now.UnixMilli(), "IN"
	c.RequestID, c.ExtendedRequestID = id, id
}

// SetRequest puts the headers and the query of a handshake in e.
func (e *SocketEvent) SetRequest(header http.Header, query url.Values) {
	e.Headers, e.MultiValueHeaders = make(map[string]string), header
	for name, values := range header {
		e.Headers[name] = values[len(values)-1]
	}
	if len(query) == 0 {
		return
	}
	e.Query, e.MultiValueQuery = make(map[string]string), query
	for name, values := range query {
		e.Query[name] = values[len(values)-1]
	}
}

// SetBody puts a message in e, which is text.
func (e *SocketEvent) SetBody(message []byte) {
	e.Body, e.Base64 = new(string(message)), new(false)
}
