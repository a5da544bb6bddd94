package sdk_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestEventsBoto3 puts events, schedules, streams and pipes with boto3.
func TestEventsBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/events.py")
}

// TestTargetsBoto3 has rules, global endpoints and schedules send what can be
// done, and what cannot, with boto3.
func TestTargetsBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/targets.py")
}

// TestEventsJavaScript puts events, schedules, streams and pipes with aws-sdk-js v3.
func TestEventsJavaScript(t *testing.T) {
	client(t, "node_modules/@aws-sdk/client-eventbridge/package.json")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node on the PATH: install Node.js 18 or later")
	}
	a := start(t, t.TempDir())
	runClient(t, a, node, "js/events.cjs")
}

// TestEventsCLI manages rules, schedules, streams and pipes with the AWS CLI.
func TestEventsCLI(t *testing.T) {
	aws := client(t, "python/bin/aws")
	a := start(t, t.TempDir())
	runClient(t, a, "bash", "cli/events.sh", aws)
}

// TestKillRules kills the binary while events are put on a bus, again and
// again. Each that was acknowledged reaches the queue of its rule. ALOFT_KILLS
// says how often, 4 if not set.
func TestKillRules(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("ALOFT_KILLS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	acked := make(map[string]bool)
	var a *aloft
	for round := range kills {
		a = start(t, data)
		if round == 0 {
			makeRule(t, a)
		}
		putUntilKilled(t, a, acked, time.Duration(300+round%7*50)*time.Millisecond)
	}
	a = start(t, data)
	queues := sqs.NewFromConfig(config(a))
	missing := len(acked)
	for end := time.Now().Add(time.Minute); missing > 0 && time.Now().Before(end); {
		out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: new(a.url + "/000000000000/heard"), MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		check(t, err)
		for _, m := range out.Messages {
			var e struct{ ID string }
			check(t, json.Unmarshal([]byte(*m.Body), &e))
			if acked[e.ID] {
				acked[e.ID] = false
				missing--
			}
			_, err := queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: new(a.url + "/000000000000/heard"), ReceiptHandle: m.ReceiptHandle})
			check(t, err)
		}
	}
	if len(acked) == 0 || missing > 0 {
		t.Errorf("%d of %d acknowledged events did not reach the queue", missing, len(acked))
	}
	t.Logf("%d kills, %d events", kills, len(acked))
}

// makeRule has a queue hear of all events of a source.
func makeRule(t *testing.T, a *aloft) {
	ctx, cfg := t.Context(), config(a)
	_, err := sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: new("heard"), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}}`,
	}})
	check(t, err)
	bus := eventbridge.NewFromConfig(cfg)
	_, err = bus.PutRule(ctx, &eventbridge.PutRuleInput{Name: new("heard"), EventPattern: new(`{"source":["kill"]}`)})
	check(t, err)
	_, err = bus.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: new("heard"), Targets: []ebtypes.Target{{Id: new("q"), Arn: new("arn:aws:sqs:us-east-1:000000000000:heard")}}})
	check(t, err)
}

// putUntilKilled puts events until a is killed after a while, and notes the ids
// of those that were acknowledged.
func putUntilKilled(t *testing.T, a *aloft, acked map[string]bool, after time.Duration) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := config(a)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	bus := eventbridge.NewFromConfig(cfg)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				out, err := bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{Source: new("kill"), DetailType: new("t"), Detail: new("{}")}}})
				if err != nil {
					return // killed
				}
				mu.Lock()
				acked[*out.Entries[0].EventId] = true
				mu.Unlock()
			}
		})
	}
	time.Sleep(after)
	a.stop(syscall.SIGKILL)
	cancel()
	wg.Wait()
}
