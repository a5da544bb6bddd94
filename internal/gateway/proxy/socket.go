package proxy

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
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

// SetBody puts a message in e: as it is if it is text, else in base64.
func (e *SocketEvent) SetBody(message []byte, text bool) {
	s := string(message)
	encoded := !text || !utf8.ValidString(s)
	if encoded {
		s = base64.StdEncoding.EncodeToString(message)
	}
	e.Body, e.Base64 = &s, &encoded
}

// Select returns what expression chooses of a message: the member of its JSON
// that $request.body.action names, which may be deeper; "" if there is none.
func Select(expression string, message []byte) string {
	path, ok := strings.CutPrefix(strings.TrimSuffix(strings.Replace(expression, "${", "$", 1), "}"), "$request.body.")
	if !ok {
		return ""
	}
	var v any
	if json.Unmarshal(message, &v) != nil {
		return ""
	}
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	switch v := v.(type) {
	case string:
		return v
	case float64, bool:
		b, _ := json.Marshal(v)
		return string(b)
	}
	return ""
}
