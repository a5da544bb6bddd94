package sqs_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/service/sqs"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Many send and receive at a time, some give back what they got and some come
// late: in the end every message was deleted once, and the counts agree. What
// a FIFO queue holds of one group comes in order.
func TestStorm(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%v", fifo), func(t *testing.T) {
			s := &storm{t: t, service: inMemory(t), fifo: fifo, url: "http://localhost/000000000000/storm"}
			attributes := map[string]string{"VisibilityTimeout": "600"}
			name := "storm"
			if fifo {
				name, attributes["FifoQueue"] = "storm.fifo", "true"
				attributes["DeduplicationScope"], attributes["FifoThroughputLimit"] = "messageGroup", "perMessageGroupId"
				s.url += ".fifo"
			}
			if _, err := s.service.CreateQueue(t.Context(), call, &api.CreateQueueInput{QueueName: name, Attributes: attributes}); err != nil {
				t.Fatal(err)
			}
			s.run()
		})
	}
}

func inMemory(t *testing.T) *sqs.Service {
	db, err := store.OpenMemory()
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

type storm struct {
	t       *testing.T
	service *sqs.Service
	fifo    bool
	url     string

	mu      sync.Mutex
	deleted map[string]bool
	next    map[string]int // of each group
	left    atomic.Int64
}

const (
	stormSenders  = 8
	stormMessages = 150 // of each sender
)

func (s *storm) run() {
	s.deleted, s.next = make(map[string]bool), make(map[string]int)
	s.left.Store(stormSenders * stormMessages)
	var wg sync.WaitGroup
	for n := range stormSenders {
		wg.Go(func() { s.send(n) })
		wg.Go(s.receive)
	}
	wg.Wait()
	if len(s.deleted) != stormSenders*stormMessages {
		s.t.Errorf("%d messages deleted, want %d", len(s.deleted), stormSenders*stormMessages)
	}
	out, err := s.service.GetQueueAttributes(s.t.Context(), call, &api.GetQueueAttributesInput{QueueUrl: s.url, AttributeNames: []string{"All"}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"} {
		if out.Attributes[name] != "0" {
			s.t.Errorf("%s is %s, want 0", name, out.Attributes[name])
		}
	}
}

func (s *storm) send(sender int) {
	for i := range stormMessages {
		in := &api.SendMessageInput{QueueUrl: s.url, MessageBody: fmt.Sprintf("%d:%d", sender, i)}
		if s.fifo {
			in.MessageGroupId, in.MessageDeduplicationId = new(fmt.Sprint(sender)), &in.MessageBody
		} else if rand.IntN(20) == 0 {
			in.DelaySeconds = new(int32(1))
		}
		if _, err := s.service.SendMessage(s.t.Context(), call, in); err != nil {
			s.t.Error(err)
			return
		}
	}
}

func (s *storm) receive() {
	until := time.Now().Add(time.Minute)
	for s.left.Load() > 0 && time.Now().Before(until) {
		out, err := s.service.ReceiveMessage(s.t.Context(), call, &api.ReceiveMessageInput{
			QueueUrl: s.url, MaxNumberOfMessages: new(int32(1 + rand.IntN(10))), WaitTimeSeconds: new(int32(1)), AttributeNames: []string{"MessageGroupId"},
		})
		if err != nil {
			s.t.Error(err)
			return
		}
		for i := range out.Messages {
			m := &out.Messages[i]
			if rand.IntN(10) == 0 {
				s.giveBack(out.Messages[i:])
				break
			}
			s.settle(m)
		}
	}
}

// giveBack makes messages visible again, the last first, as order demands.
func (s *storm) giveBack(messages []api.Message) {
	for i := len(messages) - 1; i >= 0; i-- {
		in := &api.ChangeMessageVisibilityInput{QueueUrl: s.url, ReceiptHandle: *messages[i].ReceiptHandle}
		if _, err := s.service.ChangeMessageVisibility(s.t.Context(), call, in); err != nil {
			s.t.Error(err)
		}
	}
}

func (s *storm) settle(m *api.Message) {
	s.mu.Lock()
	if s.deleted[*m.Body] {
		s.t.Errorf("message %s came again", *m.Body)
	}
	s.deleted[*m.Body] = true
	if group := m.Attributes["MessageGroupId"]; s.fifo {
		if want := fmt.Sprintf("%s:%d", group, s.next[group]); *m.Body != want {
			s.t.Errorf("got message %s, want %s", *m.Body, want)
		}
		s.next[group]++
	}
	s.mu.Unlock()
	if _, err := s.service.DeleteMessage(s.t.Context(), call, &api.DeleteMessageInput{QueueUrl: s.url, ReceiptHandle: *m.ReceiptHandle}); err != nil {
		s.t.Error(err)
	}
	s.left.Add(-1)
}
