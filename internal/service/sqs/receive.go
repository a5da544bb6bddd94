package sqs

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxReceived   = 10
	maxVisibility = 43200 // seconds
	maxWait       = 20    // seconds
	maxInFlight   = 120_000
)

// A receipt is what a receiver asks for.
type receipt struct {
	most       int   // messages
	visibility int64 // milliseconds
	attempt    string
}

// ReceiveMessage hands out messages, and hides them from others for a while.
// It waits for some if it is asked to, outside any transaction.
func (s *Service) ReceiveMessage(ctx context.Context, call *aws.Call, in *api.ReceiveMessageInput) (*api.ReceiveMessageOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q, err := s.look(ctx, arn)
	if err != nil {
		return nil, err
	}
	if err := checkReceive(q, in); err != nil {
		return nil, err
	}
	if err := q.admit(call, receives); err != nil {
		return nil, err
	}
	r := &receipt{
		most:       int(aws.Or(in.MaxNumberOfMessages, 1)),
		visibility: int64(aws.Or(in.VisibilityTimeout, int32(q.Visibility))) * 1000,
		attempt:    aws.Value(in.ReceiveRequestAttemptId),
	}
	wait := int(aws.Or(in.WaitTimeSeconds, int32(q.Wait)))
	deadline := now() + int64(wait)*1000
	var received []*message
	for {
		if q.line.inFlight() >= maxInFlight {
			if wait == 0 && !q.FIFO {
				return nil, api.OverLimit.Errorf("Too many messages in flight: %d.", maxInFlight)
			}
		} else if received, err = s.receive(ctx, q, r); err != nil {
			return nil, err
		}
		if len(received) > 0 || wait == 0 || !q.line.wait(ctx, deadline) {
			break
		}
		if q, err = s.look(ctx, arn); err != nil {
			return nil, err // deleted meanwhile
		}
	}
	out := &api.ReceiveMessageOutput{}
	for _, m := range received {
		out.Messages = append(out.Messages, q.show(m, in))
	}
	return out, nil
}

func checkReceive(q *queue, in *api.ReceiveMessageInput) error {
	if n := aws.Or(in.MaxNumberOfMessages, 1); n < 1 || n > maxReceived {
		return errValue(n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	}
	if n := aws.Value(in.WaitTimeSeconds); n < 0 || n > maxWait {
		return errValue(n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	}
	if n := aws.Value(in.VisibilityTimeout); n < 0 || n > maxVisibility {
		return errValue(n, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	for _, name := range slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames) {
		if !slices.Contains(systemAttributes, name) && name != "All" && findAttribute(name) == nil {
			return errUnknownAttribute(name)
		}
	}
	if id := in.ReceiveRequestAttemptId; id != nil {
		if !q.FIFO {
			return errValue(*id, "ReceiveRequestAttemptId", "The request include parameter that is not valid for this queue type.")
		}
		if !isToken(*id) {
			return errValue(*id, "ReceiveRequestAttemptId", "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	return nil
}

// receive takes what is visible, if anything is.
func (s *Service) receive(ctx context.Context, q *queue, r *receipt) ([]*message, error) {
	if r.attempt != "" {
		if again, err := s.receiveAgain(ctx, q, r); err != nil || len(again) > 0 {
			return again, err
		}
	}
	for {
		entries, more, err := q.line.take(ctx, s.db, q.index, r.most, now())
		if err != nil || len(entries) == 0 {
			return nil, err
		}
		received, used, err := s.receiveFrom(ctx, q, r, entries)
		if err != nil {
			q.line.giveBack(entries)
			return nil, err
		}
		q.line.giveBack(entries[used:])
		if len(received) == 0 {
			continue // they were gone
		}
		if more {
			q.line.offer()
		}
		return received, nil
	}
}

// receiveFrom takes messages from the places that entries of the index name,
// and says how many entries it used for that.
//
// Receivers of standard queues do not wait for the disk: if what they did is
// lost with the power, the messages come again, as they may anyway.
func (s *Service) receiveFrom(ctx context.Context, q *queue, r *receipt, entries [][]byte) (received []*message, used int, err error) {
	update := s.db.UpdateAhead
	if q.FIFO {
		update = s.db.Update
	}
	err = update(ctx, func(tx *store.Tx) error {
		received, used = nil, 0
		q, err := s.find(tx, q.arn)
		if err != nil {
			return err
		}
		b := s.begin(tx)
		defer b.end()
		dead, err := s.deadLetters(tx, q)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if len(received) == r.most {
				break
			}
			used++
			if current, err := b.current(q, entry); err != nil || !current {
				if err != nil {
					return err
				}
				continue
			}
			got, err := b.takeFrom(q, dead, entry, r, r.most-len(received))
			if err != nil {
				return err
			}
			received = append(received, got...)
			if err := b.handBack(q, entry); err != nil {
				return err
			}
		}
		if r.attempt != "" && len(received) > 0 {
			return b.keepAttempt(q, r.attempt, received)
		}
		return nil
	})
	return received, used, err
}

// takeFrom takes messages from one place, in order, up to the first that is
// hidden. What has expired or was received too often already goes away.
func (b *batch) takeFrom(q, dead *queue, entry []byte, r *receipt, most int) (got []*message, err error) {
	_, place := cutEntry(entry)
	oldest := b.now - int64(q.Retention)*1000
	err = b.within(q, place, func() error {
		return b.all(q, place, func(m *message) (bool, error) {
			switch {
			case m.Visible > b.now:
				return false, nil
			case m.Sent <= oldest:
				return true, b.remove(q, place, m)
			case dead != nil && int(m.Received) >= q.Redrive.MaxReceiveCount:
				return true, b.bury(q, dead, place, m)
			}
			before := m.state()
			m.Received++
			if m.First == 0 {
				m.First = b.now
			}
			m.Visible = b.now + r.visibility
			m.taken = b.now
			if err := b.body(q, m); err != nil {
				return false, err
			}
			got = append(got, m)
			return len(got) < most, b.put(q, place, m, before)
		})
	})
	return got, err
}

// keepAttempt remembers what an attempt to receive got.
func (b *batch) keepAttempt(q *queue, attempt string, received []*message) error {
	got := recentReceive{At: b.now}
	for _, m := range received {
		got.Handles = append(got.Handles, recentHandle{q.placeOf(m.Group, m.sequence), m.sequence, m.Received})
	}
	return b.keep(q, got, kindReceived, attempt)
}

// receiveAgain returns what an earlier attempt of the same id got, hidden anew,
// if all of that is still with its receiver and nobody has touched it.
func (s *Service) receiveAgain(ctx context.Context, q *queue, r *receipt) (received []*message, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		received = nil
		b := s.begin(tx)
		defer b.end()
		var before recentReceive
		if found, err := b.recall(q, &before, &before.At, kindReceived, r.attempt); err != nil || !found {
			return err
		}
		var all []*message
		for _, h := range before.Handles {
			m, err := b.get(q, h.Place, h.Sequence)
			if errors.Is(err, store.ErrNotFound) || err == nil && (m.Received != h.Received || m.Visible <= b.now) {
				return nil
			}
			if err == nil {
				err = b.body(q, m)
			}
			if err != nil {
				return err
			}
			all = append(all, m)
		}
		for _, m := range all {
			m.taken = b.now
			if err := b.hide(q, q.placeOf(m.Group, m.sequence), m, b.now+r.visibility); err != nil {
				return err
			}
		}
		received = all
		return nil
	})
	return received, err
}

// hide makes m invisible until then.
func (b *batch) hide(q *queue, place []byte, m *message, until int64) error {
	before := m.state()
	m.Visible = until
	return b.within(q, place, func() error { return b.put(q, place, m, before) })
}

// systemAttributes are the names of attributes that SQS gives to messages.
var systemAttributes = []string{
	api.MessageSystemAttributeNameSenderId, api.MessageSystemAttributeNameSentTimestamp,
	api.MessageSystemAttributeNameApproximateReceiveCount, api.MessageSystemAttributeNameApproximateFirstReceiveTimestamp,
	api.MessageSystemAttributeNameSequenceNumber, api.MessageSystemAttributeNameMessageDeduplicationId,
	api.MessageSystemAttributeNameMessageGroupId, api.MessageSystemAttributeNameAWSTraceHeader,
	api.MessageSystemAttributeNameDeadLetterQueueSourceArn,
}

// show returns m as the receiver asked for it.
func (q *queue) show(m *message, in *api.ReceiveMessageInput) api.Message {
	h := handle{received: m.Received, sequence: m.sequence, at: uint32(m.taken / 1000)}
	if q.FIFO {
		h.place = []byte(m.Group)
	}
	out := api.Message{MessageId: &m.ID, ReceiptHandle: new(h.text(q)), Body: &m.Body, MD5OfBody: new(md5Of(m.Body))}
	for _, names := range [][]string{in.AttributeNames, in.MessageSystemAttributeNames} {
		for _, name := range names {
			if name == "All" {
				for _, name := range systemAttributes {
					q.showSystem(&out, m, name)
				}
			}
			q.showSystem(&out, m, name)
		}
	}
	if names := in.MessageAttributeNames; len(names) > 0 && m.Attributes != "" {
		var shown string
		out.MessageAttributes, shown = readSumText(m.Attributes, func(name string) bool {
			return slices.ContainsFunc(names, func(pattern string) bool { return matchesName(pattern, name) })
		})
		out.MD5OfMessageAttributes = sum(shown)
	}
	return out
}

// matchesName reports whether a receiver who asks for pattern wants the
// attribute of that name.
func matchesName(pattern, name string) bool {
	if pattern == "All" || pattern == name {
		return true
	}
	prefix, ok := strings.CutSuffix(pattern, ".*")
	if !ok {
		prefix, ok = strings.CutSuffix(pattern, "*")
	}
	return ok && strings.HasPrefix(name, prefix)
}

// showSystem adds a system attribute to out, if m has it.
func (q *queue) showSystem(out *api.Message, m *message, name string) {
	value := ""
	switch name {
	case api.MessageSystemAttributeNameSenderId:
		value = m.Sender
	case api.MessageSystemAttributeNameSentTimestamp:
		value = strconv.FormatInt(m.Sent, 10)
	case api.MessageSystemAttributeNameApproximateReceiveCount:
		value = strconv.Itoa(int(m.Received))
	case api.MessageSystemAttributeNameApproximateFirstReceiveTimestamp:
		value = strconv.FormatInt(m.First, 10)
	case api.MessageSystemAttributeNameSequenceNumber:
		if q.FIFO {
			value = *sequenceText(m.sequence)
		}
	case api.MessageSystemAttributeNameMessageDeduplicationId:
		value = m.Deduplication
	case api.MessageSystemAttributeNameMessageGroupId:
		value = m.Group
	case api.MessageSystemAttributeNameAWSTraceHeader:
		value = m.Trace
	case api.MessageSystemAttributeNameDeadLetterQueueSourceArn:
		value = m.Source
	}
	if value == "" {
		return
	}
	if out.Attributes == nil {
		out.Attributes = make(map[string]string)
	}
	out.Attributes[name] = value
}
