package iot

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	data "github.com/aloft-cloud/aloft/internal/api/iot-data"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service/iot/query"
	"github.com/aloft-cloud/aloft/internal/service/iot/topic"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxPayload is the size of a message at most, in bytes.
const maxPayload = 128 << 10

// A message is one that was published, as error actions are told of it, too.
type message struct {
	Account, Region string
	Topic           string
	Payload         []byte
	ClientID        string
	Principal       string
	SourceIP        string
	At              time.Time
	TraceID         string
	Trace           string // of the request, which goes on
}

// Publish publishes a message by HTTP.
func (s *Service) Publish(ctx context.Context, call *aws.Call, in *data.PublishInput) (*data.PublishOutput, error) {
	if err := topic.Check(in.Topic); err != nil {
		return nil, data.InvalidRequestException.Errorf("%s", err)
	}
	if len(in.Payload) > maxPayload {
		return nil, data.RequestEntityTooLargeException.Errorf("The payload is larger than %d bytes.", maxPayload)
	}
	if aws.Value(in.Retain) {
		return nil, aws.NotImplemented.Errorf("Aloft does not retain messages of IoT yet.")
	}
	m := &message{
		Account: call.Account, Region: call.Region, Topic: in.Topic, Payload: in.Payload, ClientID: "n/a", Principal: call.Principal.ID,
		SourceIP: call.SourceIP, At: time.Now(), TraceID: aws.NewRequestID(), Trace: call.Trace,
	}
	return &data.PublishOutput{}, s.publish(ctx, m)
}

// publish gives a message to the rules that it is for.
func (s *Service) publish(ctx context.Context, m *message) error {
	todo, err := s.matching(ctx, m)
	if err != nil || len(todo) == 0 {
		return err
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, d := range todo {
			if err := s.Router.Send(tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// matching returns what the rules of an account do with a message.
func (s *Service) matching(ctx context.Context, m *message) ([]event.Delivery, error) {
	index, err := s.rules.Get(ctx)
	if err != nil {
		return nil, err
	}
	only := ""
	seen := m.query()
	if rest, ok := strings.CutPrefix(m.Topic, topic.Rules); ok {
		only, seen.Topic, _ = strings.Cut(rest, "/")
	}
	var todo []event.Delivery
	for _, r := range (*index)[home{m.Account, m.Region}] {
		switch {
		case only != "" && r.arn.Resource != ruleKind+only:
			continue
		case only == "" && (r.query.From() == "" || !topic.Match(r.query.From(), m.Topic)):
			continue
		}
		out, ok := r.query.Run(seen)
		if !ok {
			continue
		}
		for _, a := range r.actions {
			d, ok, err := r.deliver(a, m, seen, out)
			if err != nil {
				return nil, err
			}
			if ok {
				todo = append(todo, d)
			}
		}
	}
	return todo, nil
}

// query is m as rules see it.
func (m *message) query() *query.Message {
	return &query.Message{
		Topic: m.Topic, Payload: m.Payload, ClientID: m.ClientID, Principal: m.Principal, SourceIP: m.SourceIP, Account: m.Account,
		TraceID: m.TraceID, At: m.At,
	}
}

// base64Of is b as JSON holds bytes.
func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// encode is v as JSON. It is of texts and numbers, which always can be.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
