package sqs_test

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/service/sqs"
	"github.com/aloft-cloud/aloft/internal/store"
)

// over returns SQS over the store in fs.
func over(t *testing.T, fs vfs.FS) *sqs.Service {
	t.Helper()
	db, err := store.Open(store.Config{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := sqs.New(t.Context(), sqs.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func receive(t *testing.T, s *sqs.Service) []api.Message {
	t.Helper()
	out, err := s.ReceiveMessage(t.Context(), call, &api.ReceiveMessageInput{QueueUrl: url, AttributeNames: []string{"ApproximateReceiveCount"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

// A receipt that is lost with the power gives the message back, and its handle
// is good for what it was good for.
func TestLostReceipt(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := over(t, fs)
	if _, err := s.CreateQueue(t.Context(), call, &api.CreateQueueInput{QueueName: "bench"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SendMessage(t.Context(), call, &api.SendMessageInput{QueueUrl: url, MessageBody: "hello"}); err != nil {
		t.Fatal(err)
	}
	lose := func() *sqs.Service { return over(t, fs.CrashClone(vfs.CrashCloneCfg{})) }
	again, deletes, prolongs, replaced := lose(), lose(), lose(), lose()
	got := receive(t, s)
	if len(got) != 1 {
		t.Fatalf("received %d messages", len(got))
	}
	handle := *got[0].ReceiptHandle

	if m := receive(t, again); len(m) != 1 || *m[0].Body != "hello" || m[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("what is received after the power failed is %v", m)
	}

	if _, err := deletes.DeleteMessage(t.Context(), call, &api.DeleteMessageInput{QueueUrl: url, ReceiptHandle: handle}); err != nil {
		t.Error(err)
	}
	if m := receive(t, deletes); len(m) != 0 {
		t.Errorf("received after it was deleted: %v", m)
	}

	visible := func(timeout int32) error {
		_, err := prolongs.ChangeMessageVisibility(t.Context(), call, &api.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: handle, VisibilityTimeout: timeout})
		return err
	}
	if err := visible(60); err != nil {
		t.Error(err)
	}
	if m := receive(t, prolongs); len(m) != 0 {
		t.Errorf("received while it was hidden: %v", m)
	}
	if err := visible(0); err != nil {
		t.Error(err)
	}
	if m := receive(t, prolongs); len(m) != 1 || m[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("what is received after the receipt that was lost is %v", m)
	}
	if err := visible(60); !errors.Is(err, api.InvalidParameterValueException) {
		t.Errorf("a handle that was replaced: %v", err)
	}

	if _, err := replaced.ChangeMessageVisibility(t.Context(), call, &api.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: handle}); err != nil {
		t.Error(err)
	}
	second := receive(t, replaced)
	if _, err := replaced.DeleteMessage(t.Context(), call, &api.DeleteMessageInput{QueueUrl: url, ReceiptHandle: handle}); err != nil || len(second) != 1 {
		t.Errorf("%v, and received %d", err, len(second))
	}
	count, err := replaced.GetQueueAttributes(t.Context(), call, &api.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []string{"All"}})
	if err != nil || count.Attributes["ApproximateNumberOfMessagesNotVisible"] != "1" {
		t.Errorf("a handle that was replaced deletes: %v, %v", count, err)
	}
}
