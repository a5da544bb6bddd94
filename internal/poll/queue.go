package poll

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	maxReceive       = 10 // messages that are received, or deleted, at once
	longPoll         = 20 * time.Second
	firstConcurrency = 5 // batches of a queue at once, to begin with
	maxConcurrency   = 1000
	maxMessage       = 1 << 20 // bytes of one
)

// A queue reads one queue.
type queue struct {
	e     *Engine
	j     *Job
	url   string
	group task.Group
	bell  task.Bell // a batch has ended

	mu      sync.Mutex
	running int
	limit   int // of running: more while it goes well, less while there is no room
	pause   time.Duration
}

// QueueURL is a URL of a queue, as good as the one that GetQueueUrl tells.
func QueueURL(queue aws.ARN) string {
	return "https://sqs." + queue.Region + ".amazonaws.com/" + queue.Account + "/" + queue.Resource
}

// pollQueue handles what comes in a queue.
func (e *Engine) pollQueue(ctx context.Context, j *Job) error {
	q := &queue{e: e, j: j, url: QueueURL(j.Source), bell: task.NewBell(), limit: min(firstConcurrency, cmp.Or(j.Concurrency, maxConcurrency))}
	defer q.group.Wait()
	for ctx.Err() == nil {
		if !q.enter(ctx) {
			continue
		}
		batch, err := q.fill(ctx)
		if len(batch) > 0 {
			q.group.Go(func() {
				defer q.leave()
				q.handle(ctx, batch)
			})
			continue
		}
		q.leave()
		if err != nil {
			return err
		}
	}
	return nil
}

// enter waits until one more batch may run.
func (q *queue) enter(ctx context.Context) bool {
	q.mu.Lock()
	pause := q.pause
	q.pause = 0
	free := q.running < q.limit && pause == 0
	if free {
		q.running++
	}
	q.mu.Unlock()
	switch {
	case free:
		return true
	case pause > 0:
		sleep(ctx, nil, pause)
	default:
		select {
		case <-q.bell:
		case <-ctx.Done():
		}
	}
	return false
}

func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	q.bell.Ring()
}

// learn changes how much runs at once by how it went.
func (q *queue) learn(throttled bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if throttled {
		q.limit = max(1, q.limit/2)
		q.pause = firstPause
		return
	}
	q.limit = min(q.limit+1, cmp.Or(q.j.Concurrency, maxConcurrency))
}

// fill receives a batch. What it returns with an error was received before.
func (q *queue) fill(ctx context.Context) (batch []Record, err error) {
	wait, bytes := longPoll, 0
	var until time.Time // zero until the first message has come
	for {
		got, err := q.receive(ctx, min(maxReceive, q.j.BatchSize-len(batch)), wait)
		if err != nil || len(got) == 0 && until.IsZero() {
			return batch, err
		}
		for _, m := range q.sift(ctx, got) {
			batch = append(batch, m)
			bytes += len(m.JSON)
		}
		if until.IsZero() {
			until = time.Now().Add(q.j.Window)
		}
		wait = time.Until(until)
		if wait <= 0 || len(batch) >= q.j.BatchSize || bytes >= maxBatchBytes-maxMessage {
			return batch, nil
		}
	}
}

// receive waits for messages, at most so many and so long.
func (q *queue) receive(ctx context.Context, most int, wait time.Duration) ([]Record, error) {
	call, err := q.j.Call(ctx)
	if err != nil {
		return nil, err
	}
	seconds := int32(min(wait, longPoll) / time.Second)
	if seconds == 0 && wait > 0 { // the rest of a window, of less than a second
		seconds = 1
	}
	out, err := dispatch.Call(ctx, q.e.cfg.Table, call, api.ReceiveMessage, &api.ReceiveMessageInput{
		QueueUrl: q.url, MaxNumberOfMessages: new(int32(most)), WaitTimeSeconds: &seconds,
		MessageSystemAttributeNames: []string{"All"}, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(out.Messages))
	for i := range out.Messages {
		if records[i], err = q.record(&out.Messages[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// sift deletes the messages that nobody wants, and returns the others.
func (q *queue) sift(ctx context.Context, got []Record) []Record {
	var wants, rest []Record
	for _, m := range got {
		if wanted(q.j.Filters, m.view) {
			m.view = nil
			wants = append(wants, m)
		} else {
			rest = append(rest, m)
		}
	}
	q.delete(ctx, rest)
	return wants
}

// handle handles what was received, in as many batches as its size asks for.
func (q *queue) handle(ctx context.Context, batch []Record) {
	for len(batch) > 0 {
		n, bytes := 0, 0
		for n < len(batch) && (n == 0 || bytes+len(batch[n].JSON) <= maxBatchBytes) {
			bytes += len(batch[n].JSON) + 1
			n++
		}
		q.handleBatch(ctx, batch[:n])
		batch = batch[n:]
	}
}

// handleBatch handles a batch, and deletes what did not fail. What failed
// comes back when its visibility time-out is over.
func (q *queue) handleBatch(ctx context.Context, batch []Record) {
	res := q.j.Handle(context.WithoutCancel(ctx), &Batch{Job: q.j, Records: batch})
	q.learn(res.Throttled)
	if res.Err != nil {
		return
	}
	failed := make(map[string]bool)
	for _, id := range res.Failed {
		failed[id] = true
	}
	done := make([]Record, 0, len(batch))
	known := 0
	for _, m := range batch {
		if failed[m.ID] {
			known++
		} else {
			done = append(done, m)
		}
	}
	if known == len(failed) { // else nobody knows what failed
		q.delete(ctx, done)
	}
}

// delete deletes messages. Those that it cannot come back.
func (q *queue) delete(ctx context.Context, done []Record) {
	ctx = context.WithoutCancel(ctx) // what was done is to be kept
	for len(done) > 0 {
		n := min(maxReceive, len(done))
		in := &api.DeleteMessageBatchInput{QueueUrl: q.url}
		for i, m := range done[:n] {
			in.Entries = append(in.Entries, api.DeleteMessageBatchRequestEntry{Id: strconv.Itoa(i), ReceiptHandle: m.done})
		}
		done = done[n:]
		call, err := q.j.Call(ctx)
		if err == nil {
			_, err = dispatch.Call(ctx, q.e.cfg.Table, call, api.DeleteMessageBatch, in)
		}
		if err != nil {
			q.e.cfg.Log.Warn("messages that were handled cannot be deleted", "queue", q.j.Source.String(), "for", q.j.Owner.String(), "err", err)
		}
	}
}

// A queueRecord is a message as functions get it.
type queueRecord struct {
	MessageID         string                    `json:"messageId"`
	ReceiptHandle     string                    `json:"receiptHandle"`
	Body              json.RawMessage           `json:"body"`
	Attributes        map[string]string         `json:"attributes"`
	MessageAttributes map[string]queueAttribute `json:"messageAttributes"`
	MD5OfAttributes   *string                   `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody         string                    `json:"md5OfBody"`
	EventSource       string                    `json:"eventSource"`
	EventSourceARN    string                    `json:"eventSourceARN"`
	AwsRegion         string                    `json:"awsRegion"`
}

type queueAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

func (q *queue) record(m *api.Message) (Record, error) {
	text := aws.Value(m.Body)
	body, err := json.Marshal(text)
	if err != nil {
		return Record{}, err
	}
	doc := queueRecord{
		MessageID: aws.Value(m.MessageId), ReceiptHandle: aws.Value(m.ReceiptHandle), Body: body, Attributes: m.Attributes,
		MessageAttributes: make(map[string]queueAttribute), MD5OfAttributes: m.MD5OfMessageAttributes, MD5OfBody: aws.Value(m.MD5OfBody),
		EventSource: "aws:sqs", EventSourceARN: q.j.Source.String(), AwsRegion: q.j.Source.Region,
	}
	for name, a := range m.MessageAttributes {
		doc.MessageAttributes[name] = queueAttribute{a.StringValue, a.BinaryValue, []string{}, [][]byte{}, a.DataType}
	}
	r := Record{ID: doc.MessageID, done: doc.ReceiptHandle, Trace: m.Attributes["AWSTraceHeader"]}
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		r.At = time.UnixMilli(ms)
	}
	if r.JSON, err = json.Marshal(doc); err == nil && len(q.j.Filters) > 0 {
		doc.Body = viewOf([]byte(text))
		r.view, err = json.Marshal(doc)
	}
	return r, err
}
