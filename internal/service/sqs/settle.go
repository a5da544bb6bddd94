package sqs

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// DeleteMessage deletes a message that was received.
func (s *Service) DeleteMessage(ctx context.Context, call *aws.Call, in *api.DeleteMessageInput) (*api.DeleteMessageOutput, error) {
	arn, err := s.admitted(ctx, call, in.QueueUrl, deletes)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		q, err := s.find(tx, arn)
		if err != nil {
			return err
		}
		b := s.begin(tx)
		defer b.end()
		return b.delete(q, in.ReceiptHandle)
	})
	return &api.DeleteMessageOutput{}, err
}

// DeleteMessageBatch deletes up to ten messages that were received.
func (s *Service) DeleteMessageBatch(ctx context.Context, call *aws.Call, in *api.DeleteMessageBatchInput) (*api.DeleteMessageBatchOutput, error) {
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	out := &api.DeleteMessageBatchOutput{}
	err := s.settleAll(ctx, call, in.QueueUrl, "DeleteMessageBatchRequestEntry", ids, func() { *out = api.DeleteMessageBatchOutput{} }, func(b *batch, q *queue, i int) error {
		err := b.delete(q, in.Entries[i].ReceiptHandle)
		if err != nil {
			out.Failed = append(out.Failed, failed(ids[i], err))
			return onlyRefusals(err)
		}
		out.Successful = append(out.Successful, api.DeleteMessageBatchResultEntry{Id: ids[i]})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// settleAll does one for each entry of a batch, in one transaction that begins
// with reset.
func (s *Service) settleAll(ctx context.Context, call *aws.Call, queueURL, kind string, ids []string, reset func(), one func(b *batch, q *queue, i int) error) error {
	arn, err := s.admitted(ctx, call, queueURL, settles)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		reset()
		q, err := s.find(tx, arn)
		if err != nil {
			return err
		}
		if err := checkBatch(kind, ids); err != nil {
			return err
		}
		b := s.begin(tx)
		defer b.end()
		for i := range ids {
			if err := one(b, q, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// delete removes the message that a receipt handle is of. One that is gone
// already, or was received again since, is left as it is, and AWS does not say so.
func (b *batch) delete(q *queue, text string) error {
	if text == "" {
		return errMissing("ReceiptHandle")
	}
	h, m, err := b.held(q, text)
	if err != nil || m == nil {
		return err
	}
	if q.FIFO && m.Visible <= b.now {
		return errValue(text, "ReceiptHandle", "The receipt handle has expired.")
	}
	return b.within(q, h.place, func() error { return b.remove(q, h.place, m) })
}

// held returns the message that a receipt handle is of, or nil if there is none
// any more or it was received again since. One that was received less often than
// the handle says lost that receipt with the power, see receiveFrom; whoever has the
// handle had the message.
func (b *batch) held(q *queue, text string) (handle, *message, error) {
	h, err := q.parseHandle(text)
	if err != nil {
		return h, nil, err
	}
	m, err := b.get(q, h.place, h.sequence)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && m.Received > h.received:
		return h, nil, nil
	case err != nil:
		return h, nil, err
	}
	m.Received = h.received
	return h, m, nil
}

// ChangeMessageVisibility hides a message that was received for longer, or
// gives it back.
func (s *Service) ChangeMessageVisibility(ctx context.Context, call *aws.Call, in *api.ChangeMessageVisibilityInput) (*api.ChangeMessageVisibilityOutput, error) {
	arn, err := s.admitted(ctx, call, in.QueueUrl, settles)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		q, err := s.find(tx, arn)
		if err != nil {
			return err
		}
		b := s.begin(tx)
		defer b.end()
		return b.prolong(q, in.ReceiptHandle, in.VisibilityTimeout)
	})
	return &api.ChangeMessageVisibilityOutput{}, err
}

// ChangeMessageVisibilityBatch does so for up to ten messages.
func (s *Service) ChangeMessageVisibilityBatch(ctx context.Context, call *aws.Call, in *api.ChangeMessageVisibilityBatchInput) (*api.ChangeMessageVisibilityBatchOutput, error) {
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	out := &api.ChangeMessageVisibilityBatchOutput{}
	err := s.settleAll(ctx, call, in.QueueUrl, "ChangeMessageVisibilityBatchRequestEntry", ids, func() { *out = api.ChangeMessageVisibilityBatchOutput{} }, func(b *batch, q *queue, i int) error {
		e := &in.Entries[i]
		err := errMissing("VisibilityTimeout")
		if e.VisibilityTimeout != nil {
			err = b.prolong(q, e.ReceiptHandle, *e.VisibilityTimeout)
		}
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			return onlyRefusals(err)
		}
		out.Successful = append(out.Successful, api.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// prolong hides the message that a receipt handle is of for so many seconds from now.
func (b *batch) prolong(q *queue, text string, timeout int32) error {
	if text == "" {
		return errMissing("ReceiptHandle")
	}
	if timeout < 0 || timeout > maxVisibility {
		return errValue(timeout, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	h, m, err := b.held(q, text)
	if err != nil {
		return err
	}
	if m == nil || q.FIFO && m.Visible <= b.now {
		return errValue(text, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	}
	if h.at != 0 && b.now/1000-int64(h.at)+int64(timeout) > maxVisibility {
		return errValue(timeout, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	return b.hide(q, h.place, m, b.now+int64(timeout)*1000)
}
