package iot

import (
	"io"
	"net/http"
	"strings"

	data "github.com/aloft-cloud/aloft/internal/api/iot-data"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
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
	for key, values := range r.URL.Query() {
		if strings.EqualFold(key, name) {
			return values[0]
		}
	}
	return ""
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
	arn := authorizerARN(&of, authorizerOf(r))
	row, err := s.readAuthorizer(r.Context(), arn)
	if err != nil || row.Status != active {
		return forbidden
	}
	headers := make(map[string]string)
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	event := map[string]any{
		"protocols": []string{"tls", "http"}, "connectionMetadata": map[string]any{"id": call.RequestID},
		"protocolData": map[string]any{"tls": map[string]any{"serverName": r.Host}, "http": map[string]any{"headers": headers, "queryString": "?" + r.URL.RawQuery}},
	}
	token := ""
	if row.TokenKey != "" {
		token = named(r, row.TokenKey)
	}
	v, err := s.ask(r.Context(), arn, &row, token, named(r, signatureHeader), event)
	if err != nil || !v.IsAuthenticated {
		s.Log.Debug("a custom authorizer of IoT refuses", "authorizer", arn.String(), "err", err)
		return forbidden
	}
	who := &identity{call: &of, documents: []*policy.Document{}, principal: v.PrincipalID}
	for _, text := range v.documents() {
		d, err := policy.Parse(text)
		if err != nil {
			return forbidden
		}
		who.documents = append(who.documents, d)
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload+1))
	if err != nil {
		return data.RequestEntityTooLargeException.Errorf("The payload is larger than %d bytes.", maxPayload)
	}
	m := newMessage(&of, strings.TrimPrefix(r.URL.Path, topicsPath), payload)
	m.Principal, m.SourceIP = v.PrincipalID, call.SourceIP
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
