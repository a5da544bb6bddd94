package sdk_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	snsapi "github.com/aloft-cloud/aloft/internal/api/sns"
	sqsapi "github.com/aloft-cloud/aloft/internal/api/sqs"
	aloftclient "github.com/aloft-cloud/aloft/internal/client"
)

const (
	topicQueues = 2 // FIFO queues that are subscribed to the topic
	topicGroups = 4 // message groups, each with a publisher
)

// TestKillTopics kills the binary while messages are published to a FIFO topic,
// again and again. In the end each queue has all that was acknowledged, each
// once, and each group in order. ALOFT_KILLS says how often, 5 if not set.
func TestKillTopics(t *testing.T) {
	kills := 5
	if n, err := strconv.Atoi(os.Getenv("ALOFT_KILLS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	var published [topicGroups]int
	for round := range kills {
		a := start(t, data)
		c := clientOf(a)
		if round == 0 {
			makeTopic(t, c)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for g := range topicGroups {
			wg.Go(func() {
				for ctx.Err() == nil && publish(ctx, c, g, published[g]) == nil {
					published[g]++
				}
			})
		}
		time.Sleep(time.Duration(150+round%7*40) * time.Millisecond)
		if err := a.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		a.cmd.Wait()
		cancel()
		wg.Wait()
	}
	a := start(t, data)
	c := clientOf(a)
	total := 0
	for g := range topicGroups {
		// What was under way at the last kill may have been published or not.
		if err := publish(t.Context(), c, g, published[g]); err != nil {
			t.Fatal(err)
		}
		published[g]++
		total += published[g]
	}
	for q := range topicQueues {
		drain(t, c, q, published, total)
	}
	t.Logf("%d kills, %d messages published, none lost, repeated or out of order", kills, total)
}

func clientOf(a *aloft) *aloftclient.Client {
	return aloftclient.New(aloftclient.Config{Endpoint: a.url, Region: "us-east-1", AccessKey: "test", Secret: "test"})
}

const topicOfKills = "arn:aws:sns:us-east-1:000000000000:kills.fifo"

func makeTopic(t *testing.T, c *aloftclient.Client) {
	t.Helper()
	_, err := aloftclient.Do(t.Context(), c, snsapi.CreateTopic, &snsapi.CreateTopicInput{Name: "kills.fifo", Attributes: map[string]string{"FifoTopic": "true"}})
	check(t, err)
	for q := range topicQueues {
		name := fmt.Sprintf("kills-%d.fifo", q)
		_, err := aloftclient.Do(t.Context(), c, sqsapi.CreateQueue, &sqsapi.CreateQueueInput{QueueName: name, Attributes: map[string]string{
			"FifoQueue": "true",
			"Policy":    `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`,
		}})
		check(t, err)
		_, err = aloftclient.Do(t.Context(), c, snsapi.Subscribe, &snsapi.SubscribeInput{
			TopicArn: topicOfKills, Protocol: "sqs", Endpoint: new("arn:aws:sqs:us-east-1:000000000000:" + name),
			Attributes: map[string]string{"RawMessageDelivery": "true"},
		})
		check(t, err)
	}
}

func publish(ctx context.Context, c *aloftclient.Client, group, n int) error {
	_, err := aloftclient.Do(ctx, c, snsapi.Publish, &snsapi.PublishInput{
		TopicArn: new(topicOfKills), Message: strconv.Itoa(n), MessageGroupId: new(strconv.Itoa(group)), MessageDeduplicationId: new(fmt.Sprintf("%d-%d", group, n)),
	})
	return err
}

// drain receives all messages of a queue, and finds of each group all its
// numbers, in order.
func drain(t *testing.T, c *aloftclient.Client, q int, published [topicGroups]int, total int) {
	t.Helper()
	url := fmt.Sprintf("http://localhost/000000000000/kills-%d.fifo", q)
	var next [topicGroups]int
	last := time.Now() // that something came
	for got := 0; got < total && time.Since(last) < time.Minute; {
		out, err := aloftclient.Do(t.Context(), c, sqsapi.ReceiveMessage, &sqsapi.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: new(int32(10)), WaitTimeSeconds: new(int32(2)), AttributeNames: []string{"MessageGroupId"},
		})
		check(t, err)
		remove := &sqsapi.DeleteMessageBatchInput{QueueUrl: url}
		for i, m := range out.Messages {
			g, err := strconv.Atoi(m.Attributes["MessageGroupId"])
			check(t, err)
			if *m.Body != strconv.Itoa(next[g]) {
				t.Fatalf("queue %d: group %d: got message %s, want %d", q, g, *m.Body, next[g])
			}
			next[g]++
			got++
			last = time.Now()
			remove.Entries = append(remove.Entries, sqsapi.DeleteMessageBatchRequestEntry{Id: strconv.Itoa(i), ReceiptHandle: *m.ReceiptHandle})
		}
		if len(remove.Entries) > 0 {
			_, err := aloftclient.Do(t.Context(), c, sqsapi.DeleteMessageBatch, remove)
			check(t, err)
		}
	}
	if next != published {
		t.Errorf("queue %d: got %v messages by group, want %v", q, next, published)
	}
}
