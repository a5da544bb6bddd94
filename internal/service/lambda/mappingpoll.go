package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
)

// mapped returns the event source mappings there are.
func (s *Service) mapped(ctx context.Context) (keys []aws.ARN, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for key := range mappings.Scan(tx, aws.ARN{}) {
			keys = append(keys, key)
		}
		return nil
	})
	return keys, err
}

// pollMapping says what to poll for a mapping: this is when it becomes what it
// was told to be.
func (s *Service) pollMapping(ctx context.Context, key aws.ARN) (*poll.Job, error) {
	var m mapping
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = mappings.Get(tx, key); err != nil {
			return err
		}
		state := stateDisabled
		switch {
		case m.State == stateDeleting:
			return errors.Join(mappings.Delete(tx, key), poll.Forget(tx, key))
		case m.Enabled:
			state = stateEnabled
		}
		if m.State == state {
			return nil
		}
		m.State = state
		return mappings.Put(tx, key, m)
	})
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && m.State != stateEnabled:
		return nil, nil
	case err != nil:
		return nil, err
	}
	filters, err := m.filters()
	if err != nil {
		return nil, err
	}
	t, err := s.target(ctx, m.ref())
	if err != nil {
		return nil, err
	}
	return &poll.Job{
		Owner: key, Source: m.Source, Filters: filters, BatchSize: int(m.BatchSize), Window: seconds(m.Window),
		Concurrency: int(aws.Value(m.Concurrency)), Start: m.Start, StartAt: aws.Value(m.StartAt), Lanes: int(m.Lanes),
		Tumbling: seconds(m.Tumbling), MaxAge: m.maxAge(), Retries: int(m.Retries), Bisect: m.Bisect, Identity: t.role,
		Call: func(ctx context.Context) (*aws.Call, error) { return s.roleCall(ctx, m.ref()) },
		Handle: func(ctx context.Context, b *poll.Batch) poll.Result {
			return s.handleBatch(ctx, &m, b)
		},
		Dead: func(tx *store.Tx, b *poll.Batch, f poll.Failure) error { return s.buryBatch(tx, key, &m, b, f) },
	}, nil
}

// tableRecordLife is how long streams of DynamoDB keep records: one that fails
// for longer is lost there too.
const tableRecordLife = 24 * time.Hour

// maxAge is how old records may get; 0 is no limit.
func (m *mapping) maxAge() time.Duration {
	if m.MaxAge <= 0 && m.Source.Service == "dynamodb" {
		return tableRecordLife
	}
	return seconds(max(0, m.MaxAge))
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// roleCall is a call that the role of a function makes, as it is now.
func (s *Service) roleCall(ctx context.Context, r ref) (*aws.Call, error) {
	t, err := s.target(ctx, r)
	if err != nil {
		return nil, err
	}
	return s.callAs(ctx, r.function, t.role)
}

// A batchInvoke is how a function was called with a batch.
type batchInvoke struct {
	requestID string
	version   string
	failed    *string // FunctionError
}

// handleBatch calls the function of a mapping with a batch.
func (s *Service) handleBatch(ctx context.Context, m *mapping, b *poll.Batch) poll.Result {
	payload := []byte(toJSON(batchEvent(m, b)))
	e := sandbox.Event{RequestID: aws.NewRequestID(), Payload: payload, TraceID: traceOf(b.Records, hashOf(m.Function))}
	f, res, err := s.run(ctx, m.ref(), e)
	if err != nil {
		_, throttled := errors.AsType[*aws.Error](err)
		throttled = throttled && errors.Is(err, api.TooManyRequestsException)
		if !throttled {
			s.log.Warn("function was not called with a batch", "function", m.ref().arn().String(), "source", m.Source.String(), "err", err)
		}
		return poll.Result{Err: err, Throttled: throttled}
	}
	did := &batchInvoke{requestID: e.RequestID, version: f.Version}
	if res.FunctionError != "" {
		did.failed = &res.FunctionError
		return poll.Result{Err: fmt.Errorf("function failed: %s", res.FunctionError), Info: did}
	}
	out := poll.Result{Info: did}
	if b.Window != nil {
		var answer struct {
			State json.RawMessage `json:"state"`
		}
		if err := json.Unmarshal(res.Payload, &answer); err == nil {
			out.State = answer.State
		}
	}
	if !m.Partial {
		return out
	}
	var ok bool
	if out.Failed, ok = poll.ParseFailures(res.Payload); !ok {
		out.Err = errors.New("the function says that records failed, but not which")
	}
	return out
}

// traceOf is the trace header for a batch: that of the record which comes from
// the longest chain of runs of the function.
func traceOf(records []poll.Record, hash string) (trace string) {
	for _, r := range records {
		if trace == "" || depth(r.Trace, hash) > depth(trace, hash) {
			trace = r.Trace
		}
	}
	return trace
}

// A recordsEvent is a batch as functions get it.
type recordsEvent struct {
	Records json.RawMessage `json:"Records"`
}

// A windowEvent is a batch of a tumbling window.
type windowEvent struct {
	recordsEvent
	Window struct {
		Start string `json:"start"`
		End   string `json:"end"`
	} `json:"window"`
	State          json.RawMessage `json:"state"`
	ShardID        string          `json:"shardId"`
	EventSourceARN string          `json:"eventSourceARN"`
	Final          bool            `json:"isFinalInvokeForWindow"`
	Early          bool            `json:"isWindowTerminatedEarly"`
}

func batchEvent(m *mapping, b *poll.Batch) any {
	records := recordsEvent{b.JSON()}
	if b.Window == nil {
		return records
	}
	const layout = "2006-01-02T15:04:05Z"
	e := windowEvent{recordsEvent: records, State: b.Window.State, ShardID: b.Shard, EventSourceARN: m.Source.String(), Final: b.Window.Final, Early: b.Window.Early}
	e.Window.Start, e.Window.End = b.Window.Start.UTC().Format(layout), b.Window.End.UTC().Format(layout)
	if e.State == nil {
		e.State = json.RawMessage("{}")
	}
	return e
}

// A deadBatch tells of a batch that was given up.
type deadBatch struct {
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext *deadResponse `json:"responseContext,omitempty"`
	Version         string        `json:"version"`
	Timestamp       string        `json:"timestamp"`
	Kinesis         *deadInfo     `json:"KinesisBatchInfo,omitempty"`
	DynamoDB        *deadInfo     `json:"DDBStreamBatchInfo,omitempty"`
	Payload         *recordsEvent `json:"payload,omitempty"`
}

type deadResponse struct {
	StatusCode      int     `json:"statusCode"`
	ExecutedVersion string  `json:"executedVersion"`
	FunctionError   *string `json:"functionError"`
}

type deadInfo struct {
	ShardID       string `json:"shardId"`
	StartSequence string `json:"startSequenceNumber"`
	EndSequence   string `json:"endSequenceNumber"`
	First         string `json:"approximateArrivalOfFirstRecord"`
	Last          string `json:"approximateArrivalOfLastRecord"`
	BatchSize     int    `json:"batchSize"`
	StreamARN     string `json:"streamArn"`
}

// buryBatch tells the destination of a mapping of records that were given up.
func (s *Service) buryBatch(tx *store.Tx, key aws.ARN, m *mapping, b *poll.Batch, f poll.Failure) error {
	if m.OnFailure == "" {
		return nil
	}
	v, _, err := findVersion(tx, m.ref())
	if errors.Is(err, api.ResourceNotFoundException) {
		return nil
	}
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	doc := newDeadBatch(m, b, f, now)
	bucket := strings.HasPrefix(m.OnFailure, "arn:aws:s3:")
	if bucket {
		doc.Payload = &recordsEvent{b.JSON()}
	}
	d := message(m.Function, v.Role, m.OnFailure, toJSON(doc), nil)
	if bucket {
		d = object(d, fmt.Sprintf("aws/lambda/%s/%s/%s-%s", key.Resource[len(mappingKind):], b.Shard, now.Format("2006/01/02/2006-01-02T15.04.05"), aws.NewRequestID()))
	}
	return s.events.Send(tx, d)
}

func newDeadBatch(m *mapping, b *poll.Batch, f poll.Failure, now time.Time) *deadBatch {
	doc := &deadBatch{Version: "1.0", Timestamp: now.Format("2006-01-02T15:04:05.000Z")}
	doc.RequestContext.FunctionARN = m.ref().arn().String()
	doc.RequestContext.Condition = f.Condition
	doc.RequestContext.ApproximateInvokeCount = f.Invokes
	if did, ok := f.Info.(*batchInvoke); ok && did != nil {
		doc.RequestContext.RequestID = did.requestID
		doc.ResponseContext = &deadResponse{200, did.version, did.failed}
	} else {
		doc.RequestContext.RequestID = aws.NewRequestID()
	}
	first, last := b.Records[0], b.Records[len(b.Records)-1]
	layout := "2006-01-02T15:04:05.000Z"
	if m.Source.Service == "dynamodb" {
		layout = "2006-01-02T15:04:05Z"
	}
	info := &deadInfo{b.Shard, first.ID, last.ID, first.At.UTC().Format(layout), last.At.UTC().Format(layout), len(b.Records), m.Source.String()}
	if m.Source.Service == "dynamodb" {
		doc.DynamoDB = info
	} else {
		doc.Kinesis = info
	}
	return doc
}
