package sqs

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTrace is how long a trace header of a request is that its message keeps.
const maxTrace = 512

// SendMessage puts a message into a queue.
func (s *Service) SendMessage(ctx context.Context, call *aws.Call, in *api.SendMessageInput) (*api.SendMessageOutput, error) {
	arn, err := s.admitted(ctx, call, in.QueueUrl, sends)
	if err != nil {
		return nil, err
	}
	e := &entry{
		MessageBody: in.MessageBody, DelaySeconds: in.DelaySeconds, MessageAttributes: in.MessageAttributes,
		MessageSystemAttributes: in.MessageSystemAttributes, MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
	}
	var sent *sent
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		q, err := s.find(tx, arn)
		if err != nil {
			return err
		}
		if err := checkEntry(q, e); err != nil {
			return err
		}
		if sizeOf(e) > q.MaxSize {
			return api.InvalidParameterValueException.Errorf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.MaxSize)
		}
		if err := checkOrdered(q, e, func() error { return errMissing("MessageGroupId") }); err != nil {
			return err
		}
		b := s.begin(tx)
		defer b.end()
		sent, err = b.send(call, q, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.SendMessageOutput{
		MessageId: &sent.id, SequenceNumber: sent.sequence, MD5OfMessageBody: new(md5Of(in.MessageBody)),
		MD5OfMessageAttributes: sent.attributes, MD5OfMessageSystemAttributes: sent.system,
	}, nil
}

// SendMessageBatch puts up to ten messages into a queue.
func (s *Service) SendMessageBatch(ctx context.Context, call *aws.Call, in *api.SendMessageBatchInput) (*api.SendMessageBatchOutput, error) {
	arn, err := s.admitted(ctx, call, in.QueueUrl, sends)
	if err != nil {
		return nil, err
	}
	ids, size := make([]string, len(in.Entries)), 0
	for i := range in.Entries {
		ids[i], size = in.Entries[i].Id, size+sizeOf(&in.Entries[i])
	}
	out := &api.SendMessageBatchOutput{}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		*out = api.SendMessageBatchOutput{}
		q, err := s.find(tx, arn)
		if err != nil {
			return err
		}
		if err := checkBatch("SendMessageBatchRequestEntry", ids); err != nil {
			return err
		}
		if size > maxPayload {
			return api.BatchRequestTooLong.Errorf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxPayload, size)
		}
		for i := range in.Entries {
			noGroup := func() error {
				return api.InvalidParameterValueException.Errorf("The request must contain the parameter MessageGroupId.")
			}
			if err := checkOrdered(q, &in.Entries[i], noGroup); err != nil {
				return err
			}
		}
		b := s.begin(tx)
		defer b.end()
		for i := range in.Entries {
			if err := b.sendEntry(call, q, &in.Entries[i], out); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// sendEntry sends an entry of a batch, and says in out what became of it.
func (b *batch) sendEntry(call *aws.Call, q *queue, e *entry, out *api.SendMessageBatchOutput) error {
	err := checkEntry(q, e)
	if err == nil && sizeOf(e) > q.MaxSize {
		err = api.InvalidParameterValueException.Errorf("One or more parameters cannot be validated. Reason: Message must be shorter than %d bytes.", q.MaxSize)
	}
	if err != nil {
		out.Failed = append(out.Failed, failed(e.Id, err))
		return nil
	}
	sent, err := b.send(call, q, e)
	if err != nil {
		return err
	}
	out.Successful = append(out.Successful, api.SendMessageBatchResultEntry{
		Id: e.Id, MessageId: sent.id, SequenceNumber: sent.sequence, MD5OfMessageBody: md5Of(e.MessageBody),
		MD5OfMessageAttributes: sent.attributes, MD5OfMessageSystemAttributes: sent.system,
	})
	return nil
}

// sent is what is answered of a message that was sent.
type sent struct {
	id                           string
	sequence, attributes, system *string
}

// send puts e, which was checked, into q, unless it was sent lately.
func (b *batch) send(call *aws.Call, q *queue, e *entry) (*sent, error) {
	delay := q.Delay
	if e.DelaySeconds != nil && !q.FIFO {
		delay = int(*e.DelaySeconds)
	}
	m := &message{
		ID: aws.NewRequestID(), Sent: b.now, Visible: b.now + int64(delay)*1000, Sender: sender(call),
		Group: aws.Value(e.MessageGroupId), Deduplication: aws.Value(e.MessageDeduplicationId),
		Attributes: sumText(e.MessageAttributes), Body: e.MessageBody,
	}
	out := &sent{id: m.ID, attributes: sum(m.Attributes)}
	if v, found := e.MessageSystemAttributes["AWSTraceHeader"]; found {
		m.Trace = aws.Value(v.StringValue)
		out.system = sum(sumText(map[string]api.MessageAttributeValue{"AWSTraceHeader": {DataType: v.DataType, StringValue: v.StringValue}}))
	} else if strings.HasPrefix(call.Trace, "Root=") && len(call.Trace) <= maxTrace {
		m.Trace = call.Trace // as clients within functions send it
	}
	if !q.FIFO {
		return out, b.add(q, m)
	}
	if m.Deduplication == "" {
		m.Deduplication = contentID(m.Body)
	}
	before, err := b.sentBefore(q, m)
	if err != nil {
		return nil, err
	}
	if before != nil {
		out.id, out.sequence = before.ID, sequenceText(before.Sequence)
		return out, nil
	}
	if err := b.add(q, m); err != nil {
		return nil, err
	}
	out.sequence = sequenceText(m.sequence)
	return out, b.remember(q, m)
}

// sender is what SenderId says of who makes call.
func sender(call *aws.Call) string {
	p := &call.Principal
	switch {
	case p.ID != "":
		return p.ID
	case p.Kind == aws.Service:
		return p.ARN
	case p.Account != "":
		return p.Account
	}
	return call.Account
}
