package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A message is what was published, for all who get it.
type message struct {
	*entry
	own       string // id, unless it is a duplicate
	id        string
	at        time.Time
	structure map[string]string // by protocol, if there is one
	sequence  string            // in a FIFO topic
	trace     string            // of the request that published it
	replayed  bool

	topic      aws.ARN
	signatures map[string]string // by version, made when first needed
}

func newMessage(topic aws.ARN, e *entry) *message {
	id := aws.NewRequestID()
	m := &message{entry: e, own: id, id: id, at: time.Now(), topic: topic, signatures: make(map[string]string)}
	if aws.Value(e.MessageStructure) == "json" {
		m.structure, _ = parseStructure(e.Message) // checked before
	}
	return m
}

// text is the message for a protocol.
func (m *message) text(protocol string) string {
	if m.structure == nil {
		return m.Message
	}
	if text, found := m.structure[protocol]; found {
		return text
	}
	return m.structure["default"]
}

// parseStructure reads a message that is different for each protocol.
func parseStructure(text string) (map[string]string, error) {
	var raw map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &raw) != nil {
		return nil, invalid("Message Structure - JSON message body failed to parse")
	}
	out := make(map[string]string)
	for protocol, value := range raw {
		var s string
		if json.Unmarshal(value, &s) == nil {
			out[protocol] = s
		}
	}
	if _, found := out["default"]; !found {
		return nil, invalid("Message Structure - No default entry in JSON message body")
	}
	return out, nil
}

// Publish sends a message to all subscriptions of a topic, to a device, or to a
// phone.
func (s *Service) Publish(ctx context.Context, call *aws.Call, in *api.PublishInput) (*api.PublishOutput, error) {
	e := &entry{
		Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure, MessageAttributes: in.MessageAttributes,
		MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
	}
	if in.PhoneNumber != nil {
		return s.publishSMS(ctx, call, *in.PhoneNumber, e)
	}
	target := publishTarget(in)
	if target == "" && in.TopicArn == nil {
		return nil, invalid("TopicArn or TargetArn Reason: no value for required parameter")
	}
	arn, err := topicARN(call, target)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(arn.Resource, "endpoint/") {
		return s.publishPush(ctx, arn, e)
	}
	m := newMessage(arn, e)
	m.trace = call.Trace
	if err := s.signer.ready(ctx); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, arn)
		if err != nil {
			return err
		}
		if err := checkEntry(&t, e); err != nil {
			return err
		}
		return s.publish(tx, &t, m)
	})
	if err != nil {
		return nil, err
	}
	out := &api.PublishOutput{MessageId: &m.id}
	if m.sequence != "" {
		out.SequenceNumber = &m.sequence
	}
	return out, nil
}

// PublishBatch sends up to ten messages to a topic.
func (s *Service) PublishBatch(ctx context.Context, call *aws.Call, in *api.PublishBatchInput) (*api.PublishBatchOutput, error) {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.PublishBatchRequestEntries); err != nil {
		return nil, err
	}
	messages := make([]*message, len(in.PublishBatchRequestEntries))
	for i := range messages {
		messages[i] = newMessage(arn, &in.PublishBatchRequestEntries[i])
		messages[i].trace = call.Trace
	}
	if err := s.signer.ready(ctx); err != nil {
		return nil, err
	}
	out := &api.PublishBatchOutput{}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		*out = api.PublishBatchOutput{Successful: []api.PublishBatchResultEntry{}, Failed: []api.BatchResultErrorEntry{}}
		t, err := findTopic(tx, arn)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if err := checkAttributes(m.MessageAttributes); err != nil {
				return err // of the whole batch
			}
		}
		for _, m := range messages {
			if err := checkEntry(&t, m.entry); err != nil {
				refusal := aws.Refusal(err)
				out.Failed = append(out.Failed, api.BatchResultErrorEntry{Id: m.Id, Code: refusal.Code, Message: &refusal.Message, SenderFault: true})
				continue
			}
			if err := s.publish(tx, &t, m); err != nil {
				return err
			}
			done := api.PublishBatchResultEntry{Id: &m.Id, MessageId: &m.id}
			if m.sequence != "" {
				done.SequenceNumber = &m.sequence
			}
			out.Successful = append(out.Successful, done)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// publish makes m, which was checked, part of tx: it is sent if and only if
// that is kept.
func (s *Service) publish(tx *store.Tx, t *topic, m *message) error {
	m.id, m.sequence = m.own, ""
	if t.FIFO {
		if before, err := s.sentBefore(tx, t, m); err != nil || before {
			return err
		}
		if t.Attributes["ArchivePolicy"] != "" {
			if err := archive(tx, m); err != nil {
				return err
			}
		}
	}
	return s.fanOut(tx, t, m)
}

// A recentKey names what was published to a FIFO topic in one of many spans of
// five minutes, so that what is too old lies together.
type recentKey struct {
	Topic aws.ARN
	Span  int64
	ID    string
}

// A recent is a message that was published lately.
type recent struct {
	At       time.Time
	ID       string
	Sequence string
}

const deduplicationSpan = 5 * time.Minute

// sentBefore reports whether m is a duplicate, and gives it the id and the
// number of the first. Otherwise it gives it the next number, and remembers it.
func (s *Service) sentBefore(tx *store.Tx, t *topic, m *message) (bool, error) {
	if m.MessageDeduplicationId == nil {
		h := sha256.Sum256([]byte(m.Message))
		m.MessageDeduplicationId = new(hex.EncodeToString(h[:]))
	}
	scope := ""
	if t.Attributes["FifoThroughputScope"] == "MessageGroup" {
		scope = *m.MessageGroupId
	}
	h := sha256.Sum256(store.AppendString(store.AppendString(nil, scope), *m.MessageDeduplicationId))
	span := m.at.Unix() / int64(deduplicationSpan/time.Second)
	key := recentKey{m.topic, span, hex.EncodeToString(h[:])}
	for _, k := range []recentKey{key, {key.Topic, span - 1, key.ID}} {
		before, err := recents.Get(tx, k)
		if err == nil && m.at.Sub(before.At) < deduplicationSpan {
			m.id, m.sequence = before.ID, before.Sequence
			return true, nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
	}
	last, err := sequences.Get(tx, m.topic)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	const step, first = 1000, 10_000_000_000_000_000_000
	last = max(last+step, first)
	m.sequence = fmt.Sprintf("%020d", last)
	if err := sequences.Put(tx, m.topic, last); err != nil {
		return false, err
	}
	for old := range recents.Range(tx, recentKey{Topic: m.topic}, recentKey{Topic: m.topic, Span: span - 1}) {
		if err := recents.Delete(tx, old); err != nil {
			return false, err
		}
	}
	return false, recents.Put(tx, key, recent{m.at, m.id, m.sequence})
}
