package iot

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	data "github.com/aloft-cloud/aloft/internal/api/iot-data"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/iot/mqtt"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	topicsPath       = "/topics/"
	authorizerHeader = "X-Amz-Customauthorizer-Name"
	signatureHeader  = "X-Amz-Customauthorizer-Signature"
)

// takesPublish reports whether r publishes with a custom authorizer.
func takesPublish(r *http.Request) bool {
	return r.Method == http.MethodPost && r.Header.Get("Authorization") == "" && authorizerOf(r) != ""
}

func authorizerOf(r *http.Request) string { return named(r, authorizerHeader) }

// named is what a header, or a parameter of the query, says.
func named(r *http.Request, name string) string {
	if v := r.Header.Get(name); v != "" {
		return v
	}
	return valueOf(r.URL.Query(), name)
}

// valueOf is what a query says under a name, whatever the case of its letters.
func valueOf(query url.Values, name string) string {
	for key, values := range query {
		if strings.EqualFold(key, name) {
			return values[0]
		}
	}
	return ""
}

// A request is what an authorizer is asked with.
type request struct {
	authorizer string // its name; "": the default one
	named      func(name string) string
	id         string
	protocols  []string
	data       map[string]any
}

// newRequest is r as authorizers see it.
func newRequest(r *http.Request, id string) *request {
	headers := make(map[string]string)
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	return &request{
		authorizer: authorizerOf(r), named: func(name string) string { return named(r, name) }, id: id, protocols: []string{"tls", "http"},
		data: map[string]any{"tls": map[string]any{"serverName": r.Host}, "http": map[string]any{"headers": headers, "queryString": "?" + r.URL.RawQuery}},
	}
}

// connecting adds what a client of MQTT says when it connects.
func (r *request) connecting(p *mqtt.Packet) *request {
	r.protocols = append(r.protocols, "mqtt")
	r.data["mqtt"] = map[string]any{"username": aws.Value(p.User), "password": p.Password, "clientId": p.ClientID}
	return r
}

// identify has an authorizer say who comes in the account of call. The error is
// errNobody if it lets nobody in.
func (s *Service) identify(ctx context.Context, call *aws.Call, r *request) (*identity, error) {
	arn, row, err := s.chosen(ctx, call, r.authorizer)
	if err != nil {
		return nil, err
	}
	token := ""
	if row.TokenKey != "" {
		token = r.named(row.TokenKey)
	}
	event := map[string]any{"protocols": r.protocols, "connectionMetadata": map[string]any{"id": r.id}, "protocolData": r.data}
	v, err := s.ask(ctx, arn, row, token, r.named(signatureHeader), event)
	if err != nil || !v.IsAuthenticated {
		s.Log.Debug("a custom authorizer of IoT refuses", "authorizer", arn.String(), "err", err)
		return nil, errNobody
	}
	who := &identity{call: call, documents: []*policy.Document{}, principal: v.PrincipalID}
	for _, text := range v.documents() {
		d, err := policy.Parse(text)
		if err != nil {
			return nil, errNobody
		}
		who.documents = append(who.documents, d)
	}
	if v.DisconnectAfterInSeconds != nil {
		who.until = time.Now().Add(time.Duration(*v.DisconnectAfterInSeconds) * time.Second)
	}
	return who, nil
}

// chosen is the authorizer of a name, or the default one, if it is active.
func (s *Service) chosen(ctx context.Context, call *aws.Call, name string) (arn aws.ARN, row *authorizer, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		if name == "" {
			if name, err = defaults.Get(tx, defaultOf(call)); err != nil {
				return err
			}
		}
		arn = authorizerARN(call, name)
		found, err := authorizers.Get(tx, arn)
		row = &found
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Status != active {
		err = errNobody
	}
	return arn, row, err
}

// ServePublish publishes a message by HTTP for who a custom authorizer lets.
func (s *Service) ServePublish(w http.ResponseWriter, r *http.Request, call *aws.Call) {
	err := s.publishFor(w, r, call)
	status, answer := http.StatusOK, map[string]any{"message": "OK", "traceId": call.RequestID}
	if err != nil {
		refusal := aws.Refusal(err)
		if status = refusal.Status; status >= 500 {
			s.Log.Error("a message cannot be published", "err", err)
		}
		answer["message"] = refusal.Message
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(encode(answer)) // an error here is the client's absence
}

func (s *Service) publishFor(w http.ResponseWriter, r *http.Request, call *aws.Call) error {
	forbidden := data.ForbiddenException.Errorf("Forbidden")
	as, err := s.Auth.Authenticate(r, "iotdata", nil) // nobody signed: it says the account and region
	if err != nil {
		return err
	}
	of := *as
	of.RequestID = call.RequestID
	if region := regionOf(r.Host); strings.HasSuffix(r.Host, ".amazonaws.com") && region != "" {
		of.Region = region
	}
	who, err := s.identify(r.Context(), &of, newRequest(r, call.RequestID))
	if errors.Is(err, errNobody) {
		return forbidden
	}
	if err != nil {
		return err
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload+1))
	if err != nil {
		return data.RequestEntityTooLargeException.Errorf("The payload is larger than %d bytes.", maxPayload)
	}
	m := newMessage(&of, strings.TrimPrefix(r.URL.Path, topicsPath), payload)
	m.Principal, m.SourceIP = who.principal, call.SourceIP
	switch r.URL.Query().Get("qos") {
	case "", "0":
	case "1":
		m.QoS = 1
	default:
		return data.InvalidRequestException.Errorf("Invalid quality of service.")
	}
	if err := m.check(); err != nil {
		return err
	}
	if may, err := s.may(r.Context(), who, "iot:Publish", "topic/"+m.Topic); err != nil || !may {
		return firstOf(err, forbidden)
	}
	return s.publish(r.Context(), &of, m)
}
