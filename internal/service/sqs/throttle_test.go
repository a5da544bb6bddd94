package sqs_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
)

// A FIFO queue takes 300 calls of a kind a second, unless it is one of high
// throughput; a standard queue takes all.
func TestThrottle(t *testing.T) {
	f := func(t *testing.T, name string, attributes map[string]string, most int) {
		t.Helper()
		s := inMemory(t)
		if _, err := s.CreateQueue(t.Context(), call, &api.CreateQueueInput{QueueName: name, Attributes: attributes}); err != nil {
			t.Fatal(err)
		}
		call := *call
		call.SourceIP = "127.0.0.1"
		url, group := "http://localhost/000000000000/"+name, "g"
		in := &api.SendMessageInput{QueueUrl: url, MessageBody: "m"}
		if attributes != nil {
			in.MessageGroupId, in.MessageDeduplicationId = &group, &group
		}
		send := func() (n int) {
			for ; n < 400; n++ {
				if _, err := s.SendMessage(t.Context(), &call, in); errors.Is(err, api.RequestThrottled) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			return n
		}
		if n := send(); n != most {
			t.Errorf("%s takes %d calls, want %d", name, n, most)
		}
		if _, err := s.ReceiveMessage(t.Context(), &call, &api.ReceiveMessageInput{QueueUrl: url}); err != nil {
			t.Errorf("%s: calls of another kind are refused too: %v", name, err)
		}
		time.Sleep(500 * time.Millisecond)
		if n := send(); most < 400 && n != most/2 {
			t.Errorf("%s takes %d calls half a second later, want %d", name, n, most/2)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		f(t, "q", nil, 400)
		f(t, "q.fifo", map[string]string{"FifoQueue": "true"}, 300)
		f(t, "fast.fifo", map[string]string{"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}, 400)
	})
}
