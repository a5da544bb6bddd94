package sqs

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	namespace = "AWS/SQS"
	activity  = 6 * time.Hour // after it was used, a queue is measured
	ageRows   = 100           // messages of which the oldest is looked for
)

func measured(arn aws.ARN) meter.Subject {
	return meter.OfARN(arn, namespace, "QueueName", arn.Resource)
}

// measure counts what was done with messages.
func (s *Service) measure(m *meter.Meter, did *service.Done) {
	in, ok := did.In.(interface{ GetQueueUrl() string })
	if !ok || did.Err != nil {
		return
	}
	arn, err := queueARN(did.Call, in.GetQueueUrl())
	if err != nil {
		return
	}
	var readings [2]meter.Reading
	n := 1
	switch in := did.In.(type) {
	case *api.SendMessageInput:
		readings[0] = meter.Count("NumberOfMessagesSent", 1)
		readings[1], n = meter.Reading{Metric: "SentMessageSize", Unit: "Bytes", Value: float64(len(in.MessageBody))}, 2
	case *api.SendMessageBatchInput:
		for _, e := range in.Entries {
			m.Add(measured(arn), did.Began, meter.Reading{Metric: "SentMessageSize", Unit: "Bytes", Value: float64(len(e.MessageBody))})
		}
		readings[0] = meter.Count("NumberOfMessagesSent", float64(len(did.Out.(*api.SendMessageBatchOutput).Successful)))
	case *api.ReceiveMessageInput:
		readings[0] = meter.Count("NumberOfEmptyReceives", 1)
		if got := len(did.Out.(*api.ReceiveMessageOutput).Messages); got > 0 {
			readings[0] = meter.Count("NumberOfMessagesReceived", float64(got))
		}
	case *api.DeleteMessageInput:
		readings[0] = meter.Count("NumberOfMessagesDeleted", 1)
	case *api.DeleteMessageBatchInput:
		readings[0] = meter.Count("NumberOfMessagesDeleted", float64(len(did.Out.(*api.DeleteMessageBatchOutput).Successful)))
	default:
		return
	}
	s.use(arn, did.Began)
	m.Add(measured(arn), did.Began, readings[:n]...)
}

// use remembers when a queue was used, to the second.
func (s *Service) use(arn aws.ARN, at time.Time) {
	if last, ok := s.used.Load(arn); !ok || at.Sub(last.(time.Time)) > time.Second {
		s.used.Store(arn, at)
	}
}

// gauge measures the queues that have messages or were used lately.
func (s *Service) gauge(ctx context.Context, m *meter.Meter) (used bool, err error) {
	now := time.Now()
	for key, at := range s.used.Range {
		arn := key.(aws.ARN)
		q, err := s.look(ctx, arn)
		if refusal := (*aws.Error)(nil); errors.As(err, &refusal) {
			s.used.Delete(arn) // it is there no more
			continue
		}
		if err != nil {
			return used, err
		}
		visible, flying, delayed, err := s.numbers(ctx, q)
		if err != nil {
			return used, err
		}
		if visible+flying+delayed == 0 && now.Sub(at.(time.Time)) > activity {
			s.used.Delete(arn)
			continue
		}
		age, err := s.oldest(ctx, q, now)
		if err != nil {
			return used, err
		}
		used = true
		m.Add(measured(arn), now,
			meter.Count("ApproximateNumberOfMessagesVisible", float64(visible)), meter.Count("ApproximateNumberOfMessagesNotVisible", float64(flying)),
			meter.Count("ApproximateNumberOfMessagesDelayed", float64(delayed)), meter.Reading{Metric: "ApproximateAgeOfOldestMessage", Unit: "Seconds", Value: age})
	}
	return used, nil
}

// oldest is how many seconds ago the oldest of the first messages of q was sent.
func (s *Service) oldest(ctx context.Context, q *queue, now time.Time) (age float64, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		age = 0
		n := 0
		for _, row := range q.messages.Scan(tx, nil, nil) {
			if n++; n > ageRows || len(row) < headerSize {
				break
			}
			sent := int64(binary.BigEndian.Uint64(row[8:]))
			age = max(age, float64(now.UnixMilli()-sent)/1000)
		}
		return tx.Err()
	})
	return float64(int64(age)), err
}
