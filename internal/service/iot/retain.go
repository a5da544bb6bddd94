package iot

import (
	"context"
	"errors"

	data "github.com/aloft-cloud/aloft/internal/api/iot-data"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// retained are the messages that whoever subscribes is given first.
var retained = store.NewTable[retainedKey, message]("iot.retained")

type retainedKey struct{ Account, Region, Topic string }

// retain keeps a message as that of its topic. An empty one takes away what is
// there.
func retain(tx *store.Tx, m *message) error {
	key := retainedKey{m.Account, m.Region, m.Topic}
	if len(m.Payload) == 0 {
		return ignoreMissing(retained.Delete(tx, key))
	}
	return retained.Put(tx, key, *m)
}

func retainedNamed(call *aws.Call, in *data.GetRetainedMessageInput, check func(service.Access) error) error {
	return check(service.Access{Action: "iot:GetRetainedMessage", Resource: call.ARN("iot", "topic/"+in.Topic)})
}

func mayListRetained(_ *aws.Call, _ *data.ListRetainedMessagesInput, check func(service.Access) error) error {
	return check(service.Access{Action: "iot:ListRetainedMessages", Resource: aws.AnyResource})
}

// GetRetainedMessage returns the message that a topic has.
func (s *Service) GetRetainedMessage(ctx context.Context, call *aws.Call, in *data.GetRetainedMessageInput) (*data.GetRetainedMessageOutput, error) {
	var m message
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		m, err = retained.Get(tx, retainedKey{call.Account, call.Region, in.Topic})
		if errors.Is(err, store.ErrNotFound) {
			return data.ResourceNotFoundException.Errorf("No retained message exists for the topic %s.", in.Topic)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &data.GetRetainedMessageOutput{Topic: &m.Topic, Payload: m.Payload, Qos: new(int32(m.QoS)), LastModifiedTime: new(m.At.UnixMilli())}
	if p := m.Properties; p != nil && p.User != nil {
		list := make([]map[string]string, len(p.User))
		for i, one := range p.User {
			list[i] = map[string]string{one[0]: one[1]}
		}
		out.UserProperties = encode(list)
	}
	return out, nil
}

// ListRetainedMessages lists the topics that have messages.
func (s *Service) ListRetainedMessages(ctx context.Context, call *aws.Call, in *data.ListRetainedMessagesInput) (*data.ListRetainedMessagesOutput, error) {
	p, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, data.InvalidRequestException.Errorf("Invalid token")
	}
	out := &data.ListRetainedMessagesOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.RetainedTopics = []data.RetainedMessageSummary{}
		seq := retained.Scan(tx, retainedKey{Account: call.Account, Region: call.Region})
		out.NextToken = fill(p, seq, func(k retainedKey) string { return k.Topic }, func(name string, _ retainedKey, m message) bool {
			out.RetainedTopics = append(out.RetainedTopics, data.RetainedMessageSummary{
				Topic: &name, PayloadSize: new(int64(len(m.Payload))), Qos: new(int32(m.QoS)), LastModifiedTime: new(m.At.UnixMilli()),
			})
			return true
		})
		return nil
	})
}
