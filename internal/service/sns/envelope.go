package sns

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// An envelope is what goes around a message on its way, unless delivery is raw.
type envelope struct {
	Type, MessageID, Token, SequenceNumber, TopicARN string
	Subject                                          *string
	Message, SubscribeURL, Timestamp                 string
	SignatureVersion, Signature, SigningCertURL      string
	UnsubscribeURL                                   string
	Replayed                                         bool
	Attributes                                       map[string]attributeText
}

// An attributeText is an attribute of a message as an envelope has it.
type attributeText struct{ Type, Value string }

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// newEnvelope puts m around its text for a protocol.
func newEnvelope(m *message, protocol string) *envelope {
	return &envelope{
		Type: "Notification", MessageID: m.id, SequenceNumber: m.sequence, TopicARN: m.topic.String(), Subject: m.Subject,
		Message: m.text(protocol), Timestamp: timestamp(m.at), Replayed: m.replayed, Attributes: attributeTexts(m.MessageAttributes),
	}
}

func attributeTexts(attributes map[string]api.MessageAttributeValue) map[string]attributeText {
	out := make(map[string]attributeText, len(attributes))
	for name, v := range attributes {
		t := attributeText{v.DataType, aws.Value(v.StringValue)}
		if v.StringValue == nil {
			t.Value = base64.StdEncoding.EncodeToString(v.BinaryValue)
		}
		out[name] = t
	}
	return out
}

// json returns e as SNS writes it: a line each, in its order.
func (e *envelope) json() string {
	var b strings.Builder
	b.WriteString("{")
	add := func(name string, value any) {
		if b.Len() > 1 {
			b.WriteString(",")
		}
		b.WriteString("\n  \"" + name + "\" : " + toJSON(value))
	}
	text := func(name, value string) {
		if value != "" {
			add(name, value)
		}
	}
	text("Type", e.Type)
	text("MessageId", e.MessageID)
	text("Token", e.Token)
	text("SequenceNumber", e.SequenceNumber)
	text("TopicArn", e.TopicARN)
	if e.Subject != nil {
		add("Subject", *e.Subject)
	}
	add("Message", e.Message)
	text("SubscribeURL", e.SubscribeURL)
	text("Timestamp", e.Timestamp)
	text("SignatureVersion", e.SignatureVersion)
	text("Signature", e.Signature)
	text("SigningCertURL", e.SigningCertURL)
	text("UnsubscribeURL", e.UnsubscribeURL)
	if e.Replayed {
		add("Replayed", true)
	}
	if len(e.Attributes) > 0 {
		add("MessageAttributes", e.Attributes)
	}
	b.WriteString("\n}")
	return b.String()
}

// line is the envelope on one line, as streams of records have it.
func (e *envelope) line() string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(e.json())); err != nil {
		panic(err) // what json returns is JSON
	}
	return b.String()
}

// A lambdaEvent is what functions get.
type lambdaEvent struct{ Records []lambdaRecord }

type lambdaRecord struct {
	EventVersion         string
	EventSubscriptionArn string
	EventSource          string
	Sns                  lambdaMessage
}

type lambdaMessage struct {
	SignatureVersion  string
	Timestamp         string
	Signature         string
	SigningCertUrl    string
	MessageId         string
	Message           string
	MessageAttributes map[string]attributeText
	Type              string
	UnsubscribeUrl    string
	TopicArn          string
	Subject           *string
}

// event returns e as functions get it.
func (e *envelope) event(subscription string) string {
	return toJSON(lambdaEvent{[]lambdaRecord{{
		EventVersion: "1.0", EventSubscriptionArn: subscription, EventSource: "aws:sns",
		Sns: lambdaMessage{
			SignatureVersion: e.SignatureVersion, Timestamp: e.Timestamp, Signature: e.Signature, SigningCertUrl: e.SigningCertURL,
			MessageId: e.MessageID, Message: e.Message, MessageAttributes: e.Attributes, Type: e.Type, UnsubscribeUrl: e.UnsubscribeURL,
			TopicArn: e.TopicARN, Subject: e.Subject,
		},
	}}})
}
