package iot

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	data "github.com/aloft-cloud/aloft/internal/api/iot-data"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
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
	QoS             byte `json:",omitempty"`
	Retain          bool `json:",omitempty"`
	ClientID        string
	Principal       string
	SourceIP        string `json:",omitempty"`
	At              time.Time
	TraceID         string
	Trace           string `json:",omitempty"` // of the request, which goes on

	Properties *properties `json:",omitempty"` // of MQTT 5
}

// properties are what a message says of itself, and goes on as it is.
type properties struct {
	ContentType   string      `json:",omitempty"`
	ResponseTopic string      `json:",omitempty"`
	Correlation   []byte      `json:",omitempty"`
	UTF8          bool        `json:",omitempty"`
	User          [][2]string `json:",omitempty"`
	Expires       time.Time   // zero: never
}

// newMessage is a message of the platform's own.
func newMessage(call *aws.Call, name string, payload []byte) *message {
	return &message{
		Account: call.Account, Region: call.Region, Topic: name, Payload: payload, ClientID: "n/a", Principal: call.Principal.ID,
		SourceIP: call.SourceIP, At: time.Now(), TraceID: aws.NewRequestID(), Trace: call.Trace,
	}
}

func mayPublish(call *aws.Call, in *data.PublishInput, check func(service.Access) error) error {
	to := call.ARN("iot", "topic/"+in.Topic)
	if err := check(service.Access{Action: "iot:Publish", Resource: to}); err != nil || !aws.Value(in.Retain) {
		return err
	}
	return check(service.Access{Action: "iot:RetainPublish", Resource: to})
}

// Publish publishes a message by HTTP.
func (s *Service) Publish(ctx context.Context, call *aws.Call, in *data.PublishInput) (*data.PublishOutput, error) {
	m := newMessage(call, in.Topic, in.Payload)
	m.QoS, m.Retain = byte(aws.Value(in.Qos)), aws.Value(in.Retain)
	p, err := propertiesOf(in)
	if err != nil {
		return nil, err
	}
	m.Properties = p
	if err := m.check(); err != nil {
		return nil, err
	}
	return &data.PublishOutput{}, s.publish(ctx, call, m)
}

// propertiesOf is what a request says of its message, or nil.
func propertiesOf(in *data.PublishInput) (*properties, error) {
	p := properties{
		ContentType: aws.Value(in.ContentType), ResponseTopic: aws.Value(in.ResponseTopic),
		UTF8: aws.Value(in.PayloadFormatIndicator) == data.PayloadFormatIndicatorUtf8Data,
	}
	given := in.ContentType != nil || in.ResponseTopic != nil || in.PayloadFormatIndicator != nil
	if in.CorrelationData != nil {
		b, err := base64.StdEncoding.DecodeString(*in.CorrelationData)
		if err != nil {
			return nil, data.InvalidRequestException.Errorf("The correlation data is not base64.")
		}
		p.Correlation, given = b, true
	}
	if in.MessageExpiry != nil {
		p.Expires, given = time.Now().Add(time.Duration(*in.MessageExpiry)*time.Second), true
	}
	if in.UserProperties != nil {
		var list []map[string]string
		if json.Unmarshal([]byte(*in.UserProperties), &list) != nil {
			return nil, data.InvalidRequestException.Errorf("The user properties are not a list of JSON objects of strings.")
		}
		for _, one := range list {
			for key, value := range one {
				p.User = append(p.User, [2]string{key, value})
			}
		}
		given = true
	}
	if !given {
		return nil, nil
	}
	return &p, nil
}

// check refuses a message that cannot be published by anybody.
func (m *message) check() error {
	if err := topic.Check(m.Topic); err != nil {
		return data.InvalidRequestException.Errorf("%s", err)
	}
	if isReserved(m.Topic) {
		return data.InvalidRequestException.Errorf("Messages cannot be published to the reserved topic %s.", m.Topic)
	}
	if len(m.Payload) > maxPayload {
		return data.RequestEntityTooLargeException.Errorf("The payload is larger than %d bytes.", maxPayload)
	}
	return nil
}

// publish gives a message to whom it is for. When it returns, what is to become
// of it is kept. call is who publishes it.
func (s *Service) publish(ctx context.Context, call *aws.Call, m *message) error {
	e, err := s.emitter(ctx)
	if err != nil {
		return err
	}
	if strings.HasPrefix(m.Topic, "$") || m.Retain || e.concerns(m) {
		return s.DB.Update(ctx, func(tx *store.Tx) error {
			if asked, err := s.askShadow(tx, e, call, m); err != nil || asked {
				return firstOf(err, s.emit(tx, e, m))
			}
			return s.emit(tx, e, m)
		})
	}
	s.broker.broadcast(m)
	return nil
}

// An emitter is what messages are matched with.
type emitter struct {
	rules    *ruleIndex
	sessions *sessionIndex
}

func (s *Service) emitter(ctx context.Context) (*emitter, error) {
	rules, err := s.rules.Get(ctx)
	if err != nil {
		return nil, err
	}
	sessions, err := s.sessions.Get(ctx)
	return &emitter{rules, sessions}, err
}

// concerns reports whether a message may make something that is kept.
func (e *emitter) concerns(m *message) bool {
	h := home{m.Account, m.Region}
	for _, r := range (*e.rules)[h] {
		if r.query.From() != "" && topic.Match(r.query.From(), m.Topic) {
			return true
		}
	}
	return m.QoS > 0 && len((*e.sessions)[h]) > 0
}

// emit makes of a message what its rules do, and what is kept of it. Who listens
// is sent it once tx is kept; what is for one rule alone nobody else hears.
func (s *Service) emit(tx *store.Tx, e *emitter, m *message) error {
	if m.Retain {
		if err := retain(tx, m); err != nil {
			return err
		}
	}
	if !strings.HasPrefix(m.Topic, topic.Rules) {
		if err := s.keepFor(tx, e, m); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.broker.broadcast(m) })
	}
	only, seen := "", m.query()
	if rest, ok := strings.CutPrefix(m.Topic, topic.Rules); ok {
		only, seen.Topic, _ = strings.Cut(rest, "/")
	}
	for _, r := range (*e.rules)[home{m.Account, m.Region}] {
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
			if err == nil && ok {
				err = s.Router.Send(tx, d)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
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
