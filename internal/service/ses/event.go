package ses

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Types of events, as events name them, by their names in the second API; and
// what they are called on event buses.
const (
	eventSend             = "SEND"
	eventDelivery         = "DELIVERY"
	eventBounce           = "BOUNCE"
	eventComplaint        = "COMPLAINT"
	eventRenderingFailure = "RENDERING_FAILURE"
)

var eventNames = map[string]struct{ name, member, onBus string }{
	eventSend: {"Send", "send", "Email Sent"}, eventDelivery: {"Delivery", "delivery", "Email Delivered"},
	eventBounce: {"Bounce", "bounce", "Email Bounced"}, eventComplaint: {"Complaint", "complaint", "Email Complaint Received"},
	eventRenderingFailure: {"Rendering Failure", "failure", "Email Rendering Failed"},
}

const stampLayout = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// A mailNotice is what events say of a message.
type mailNotice struct {
	Timestamp        string              `json:"timestamp"`
	Source           string              `json:"source"`
	SourceARN        string              `json:"sourceArn"`
	Account          string              `json:"sendingAccountId"`
	ID               string              `json:"messageId"`
	Destination      []string            `json:"destination"`
	HeadersTruncated *bool               `json:"headersTruncated,omitempty"`
	Headers          []headerNotice      `json:"headers,omitempty"`
	Common           any                 `json:"commonHeaders,omitempty"`
	Tags             map[string][]string `json:"tags,omitempty"`
}

type headerNotice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type commonNotice struct {
	From    []string `json:"from"`
	ReplyTo []string `json:"replyTo,omitempty"`
	To      []string `json:"to,omitempty"`
	CC      []string `json:"cc,omitempty"`
	ID      string   `json:"messageId"`
	Subject string   `json:"subject,omitempty"`
}

// notice is what an event says of a message.
func (m *outgoing) notice(kind string) mailNotice {
	n := mailNotice{
		Timestamp: stamp(m.at), Source: m.source, SourceARN: m.identity.String(), Account: m.call.Account, ID: m.id, Destination: m.recipients(),
		HeadersTruncated: new(false), Common: commonNotice{[]string{m.source}, m.replyTo, m.to, m.cc, m.id, m.subject()},
	}
	for _, h := range m.lines("", m.at) {
		if h[0] != "Date" {
			n.Headers = append(n.Headers, headerNotice{h[0], h[1]})
		}
	}
	caller := m.call.Principal.ARN[strings.LastIndexAny(m.call.Principal.ARN, "/:")+1:]
	source := addressOf(m.source)
	n.Tags = map[string][]string{
		"ses:operation": {m.operation}, "ses:source-ip": {m.call.SourceIP}, "ses:from-domain": {source[strings.LastIndexByte(source, '@')+1:]}, "ses:caller-identity": {caller},
	}
	if m.set != "" {
		n.Tags["ses:configuration-set"] = []string{m.set}
	}
	if kind == eventDelivery {
		n.Tags["ses:outgoing-ip"] = []string{"127.0.0.1"}
	}
	for _, tag := range m.tags {
		n.Tags[tag[0]] = append(n.Tags[tag[0]], tag[1])
	}
	return n
}

// tell sends an event to those who want to hear of its type: destinations of
// the configuration set, and the topic of the identity.
func (s *Service) tell(tx *store.Tx, m *outgoing, config *set, kind string, recipients []string, detail any) error {
	name := eventNames[kind]
	if detail == nil {
		detail = struct{}{}
	}
	for i := range config.Destinations {
		d := &config.Destinations[i]
		if !aws.Value(d.Enabled) || !slices.Contains(d.MatchingEventTypes, kind) {
			continue
		}
		body, err := json.Marshal(map[string]any{"eventType": name.name, "mail": m.notice(kind), name.member: detail})
		if err != nil {
			return err
		}
		if err := s.publish(tx, m, d, name.onBus, body); err != nil {
			return err
		}
	}
	topic := m.owner.Topics[name.name]
	arn, err := aws.ParseARN(topic.Topic)
	if err != nil {
		return nil // nobody hears of it
	}
	n := m.notice(kind)
	n.Tags, n.HeadersTruncated = nil, new(false)
	if !topic.Headers {
		n.Headers, n.Common, n.HeadersTruncated = nil, nil, nil
	}
	body, err := json.Marshal(map[string]any{"notificationType": name.name, "mail": n, name.member: detail})
	if err != nil {
		return err
	}
	return s.Router.Send(tx, event.Delivery{Source: m.identity, Target: arn, Body: body, Params: map[string]string{event.Subject: "Amazon SES Email Event Notification"}})
}

// publish sends an event to a destination.
func (s *Service) publish(tx *store.Tx, m *outgoing, d *destination, detailType string, body []byte) error {
	source := named(m.call, setKind, m.set)
	switch {
	case d.SnsDestination != nil:
		arn, err := aws.ParseARN(d.SnsDestination.TopicArn)
		if err != nil {
			return err
		}
		return s.Router.Send(tx, event.Delivery{Source: source, Target: arn, Body: body, Params: map[string]string{event.Subject: "Amazon SES Email Event Notification"}})
	case d.KinesisFirehoseDestination != nil:
		arn, err := aws.ParseARN(d.KinesisFirehoseDestination.DeliveryStreamArn)
		if err != nil {
			return err
		}
		return s.Router.Send(tx, event.Delivery{Source: source, Target: arn, Role: d.KinesisFirehoseDestination.IamRoleArn, Body: append(body, '\n')})
	case d.EventBridgeDestination != nil:
		arn, err := aws.ParseARN(d.EventBridgeDestination.EventBusArn)
		if err != nil {
			return err
		}
		doc, err := json.Marshal(map[string]any{
			"detail-type": detailType, "source": "aws.ses", "time": m.at.UTC().Format(time.RFC3339), "resources": []string{source.String()}, "detail": json.RawMessage(body),
		})
		if err != nil {
			return err
		}
		return s.Router.Send(tx, event.Delivery{Source: source, Target: arn, Body: doc})
	}
	return nil
}

type bounceNotice struct {
	ID         string          `json:"feedbackId"`
	Type       string          `json:"bounceType"`
	SubType    string          `json:"bounceSubType"`
	Recipients []bouncedNotice `json:"bouncedRecipients"`
	At         string          `json:"timestamp"`
	MTA        string          `json:"reportingMTA,omitempty"`
}

type bouncedNotice struct {
	Address string `json:"emailAddress"`
	Action  string `json:"action"`
	Status  string `json:"status"`
	Code    string `json:"diagnosticCode"`
}

type deliveryNotice struct {
	At         string   `json:"timestamp"`
	Took       int64    `json:"processingTimeMillis"`
	Recipients []string `json:"recipients"`
	Response   string   `json:"smtpResponse"`
	MTA        string   `json:"reportingMTA"`
}

type complaintNotice struct {
	ID         string             `json:"feedbackId"`
	SubType    *string            `json:"complaintSubType"`
	Recipients []complainedNotice `json:"complainedRecipients"`
	At         string             `json:"timestamp"`
	Agent      string             `json:"userAgent"`
	Type       string             `json:"complaintFeedbackType"`
	Arrival    string             `json:"arrivalDate"`
}

type complainedNotice struct {
	Address string `json:"emailAddress"`
}

const reportingMTA = "smtp-out.amazonses.com"

// tellFates tells of what becomes of a letter, and puts addresses on the
// account's suppression list that it bounced from or that complained.
func (s *Service) tellFates(tx *store.Tx, m *outgoing, config *set, f *fates) error {
	if taken := slices.Concat(f.delivered, f.away, f.complained); len(taken) > 0 {
		err := s.tell(tx, m, config, eventDelivery, taken, deliveryNotice{stamp(m.at), 0, taken, "250 2.0.0 OK", reportingMTA})
		if err != nil {
			return err
		}
	}
	for _, b := range []struct {
		to                    []string
		subType, status, code string
	}{
		{f.bounced, "General", "5.1.1", "smtp; 550 5.1.1 user unknown"},
		{f.suppressed, "OnAccountSuppressionList", "5.1.1", "Amazon SES did not send the message to this address because it is on the suppression list for your account."},
	} {
		if len(b.to) == 0 {
			continue
		}
		n := bounceNotice{ID: newLetterID(m.at), Type: "Permanent", SubType: b.subType, At: stamp(m.at), MTA: "dns; " + reportingMTA}
		for _, to := range b.to {
			n.Recipients = append(n.Recipients, bouncedNotice{addressOf(to), "failed", b.status, b.code})
		}
		if err := s.tell(tx, m, config, eventBounce, b.to, n); err != nil {
			return err
		}
	}
	if len(f.complained) == 0 {
		return nil
	}
	n := complaintNotice{ID: newLetterID(m.at), At: stamp(m.at), Agent: "Amazon SES Mailbox Simulator", Type: "abuse", Arrival: stamp(m.at)}
	for _, to := range f.complained {
		n.Recipients = append(n.Recipients, complainedNotice{addressOf(to)})
	}
	return s.tell(tx, m, config, eventComplaint, f.complained, n)
}

// validated tells a topic that it is going to hear of events.
func (s *Service) validated(tx *store.Tx, set aws.ARN, topic string) error {
	arn, err := aws.ParseARN(topic)
	if err != nil {
		return api.InvalidSNSDestinationException.Errorf("SNS topic <%s> not found.", topic)
	}
	return s.Router.Send(tx, event.Delivery{Source: set, Target: arn, Body: []byte("Successfully validated SNS topic for Amazon SES event publishing.")})
}
