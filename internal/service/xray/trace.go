package xray

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/xray"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxSegments = 50
	maxTraces   = 5
	summaries   = 100 // of one answer
)

// PutTraceSegments keeps segments, and says which it does not take.
func (s *Service) PutTraceSegments(ctx context.Context, call *aws.Call, in *api.PutTraceSegmentsInput) (*api.PutTraceSegmentsOutput, error) {
	if len(in.TraceSegmentDocuments) > maxSegments {
		return nil, invalid("Too many segments: %d, at most %d.", len(in.TraceSegmentDocuments), maxSegments)
	}
	out := &api.PutTraceSegmentsOutput{UnprocessedTraceSegments: []api.UnprocessedTraceSegment{}}
	type sent struct {
		document
		text string
	}
	var good []sent
	for _, text := range in.TraceSegmentDocuments {
		d, code := parse(text)
		if code == "" {
			good = append(good, sent{d, text})
			continue
		}
		refused := api.UnprocessedTraceSegment{ErrorCode: &code, Message: new("Invalid segment. ErrorCode: " + code)}
		if d.ID != "" {
			refused.Id = new(d.ID)
		}
		out.UnprocessedTraceSegments = append(out.UnprocessedTraceSegments, refused)
	}
	of := call.ARN("xray", "")
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for i := range good {
			key := traceKey{of, good[i].TraceID}
			if err := s.keep(tx, key, seconds(good[i].StartTime)); err != nil {
				return err
			}
			if err := segments.Put(tx, segmentKey{key, good[i].ID}, segmentRow{good[i].text}); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// keep notes that a trace has a segment that began at a time.
func (s *Service) keep(tx *store.Tx, key traceKey, at time.Time) error {
	row, err := traces.Get(tx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && !at.Before(row.Begun) {
		return nil
	}
	if err == nil {
		if err := begun.Delete(tx, begunKey{key.Of, row.Begun, key.ID}); err != nil {
			return err
		}
	} else if err := ends.Move(tx, key, &row.Ends, time.Now().UTC().Add(kept), s.due); err != nil {
		return err
	}
	row.Begun = at
	return errors.Join(begun.Put(tx, begunKey{key.Of, at, key.ID}, struct{}{}), traces.Put(tx, key, row))
}

// PutTelemetryRecords takes what daemons say of themselves.
func (s *Service) PutTelemetryRecords(context.Context, *aws.Call, *api.PutTelemetryRecordsInput) (*api.PutTelemetryRecordsOutput, error) {
	return &api.PutTelemetryRecordsOutput{}, nil
}

// A trace is the segments of one, the first first.
type trace struct {
	id        string
	documents []document
	texts     []api.Segment
}

// readTrace reads a trace; it has no segments if there is none.
func readTrace(tx *store.Tx, key traceKey) trace {
	t := trace{id: key.ID}
	for at, row := range segments.Scan(tx, segmentKey{Trace: key}) {
		d, _ := parse(row.Document)
		t.documents = append(t.documents, d)
		t.texts = append(t.texts, api.Segment{Id: new(at.ID), Document: new(row.Document)})
	}
	slices.SortStableFunc(t.documents, func(a, b document) int { return cmp.Compare(a.StartTime, b.StartTime) })
	return t
}

// bounds are when t began and ended, in seconds.
func (t *trace) bounds() (from, to float64) {
	for i := range t.documents {
		d := &t.documents[i]
		if from == 0 || d.StartTime < from {
			from = d.StartTime
		}
		to = max(to, d.EndTime, d.StartTime)
	}
	return from, to
}

// BatchGetTraces returns traces with their segments.
func (s *Service) BatchGetTraces(ctx context.Context, call *aws.Call, in *api.BatchGetTracesInput) (*api.BatchGetTracesOutput, error) {
	if len(in.TraceIds) > maxTraces {
		return nil, invalid("Too many trace IDs: %d, at most %d.", len(in.TraceIds), maxTraces)
	}
	out := &api.BatchGetTracesOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.BatchGetTracesOutput{Traces: []api.Trace{}, UnprocessedTraceIds: []string{}}
		for _, id := range in.TraceIds {
			t := readTrace(tx, traceKey{call.ARN("xray", ""), id})
			if len(t.documents) == 0 {
				continue
			}
			from, to := t.bounds()
			out.Traces = append(out.Traces, api.Trace{Id: &t.id, Duration: new(to - from), LimitExceeded: new(false), Segments: t.texts})
		}
		return tx.Err()
	})
	return out, err
}

// GetTraceSummaries lists the traces that began in a span of time.
func (s *Service) GetTraceSummaries(ctx context.Context, call *aws.Call, in *api.GetTraceSummariesInput) (*api.GetTraceSummariesOutput, error) {
	if aws.Value(in.FilterExpression) != "" {
		return nil, aws.NotImplemented.Errorf("Aloft does not answer xray:GetTraceSummaries with FilterExpression yet.")
	}
	if !in.StartTime.Before(in.EndTime) {
		return nil, invalid("End time must be after start time.")
	}
	of := call.ARN("xray", "")
	from := begunKey{Of: of, At: in.StartTime}
	if in.NextToken != nil {
		var err error
		if from, err = parseToken(*in.NextToken, of); err != nil {
			return nil, err
		}
	}
	out := &api.GetTraceSummariesOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.GetTraceSummariesOutput{TraceSummaries: []api.TraceSummary{}, ApproximateTime: new(time.Now().UTC())}
		for key := range begun.Range(tx, from, begunKey{Of: of, At: in.EndTime}) {
			if len(out.TraceSummaries) == summaries {
				out.NextToken = newToken(key)
				break
			}
			t := readTrace(tx, traceKey{of, key.ID})
			out.TraceSummaries = append(out.TraceSummaries, t.summary(call.Account))
		}
		out.TracesProcessedCount = new(int64(len(out.TraceSummaries)))
		return tx.Err()
	})
	return out, err
}

// A pageToken is what a token holds: where to go on.
type pageToken struct {
	At time.Time
	ID string
}

func newToken(key begunKey) *string {
	b, _ := json.Marshal(pageToken{key.At, key.ID}) // a time and a string
	return new(base64.RawURLEncoding.EncodeToString(b))
}

func parseToken(text string, of aws.ARN) (begunKey, error) {
	var t pageToken
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &t) != nil {
		return begunKey{}, invalid("Invalid NextToken.")
	}
	return begunKey{of, t.At, t.ID}, nil
}

// summary is what there is to say of t.
func (t *trace) summary(account string) api.TraceSummary {
	from, to := t.bounds()
	sum := api.TraceSummary{
		Id: &t.id, StartTime: new(seconds(from)), Duration: new(to - from), ResponseTime: new(to - from), HasFault: new(false), HasError: new(false),
		HasThrottle: new(false), IsPartial: new(false), Annotations: map[string][]api.ValueWithServiceIds{}, Http: &api.Http{},
		Users: []api.TraceUser{}, ServiceIds: []api.ServiceId{}, ResourceARNs: []api.ResourceARNDetail{}, InstanceIds: []api.InstanceIdDetail{},
		AvailabilityZones: []api.AvailabilityZoneDetail{}, Revision: new(int32(0)),
	}
	for i := range t.documents {
		d := &t.documents[i]
		*sum.IsPartial = *sum.IsPartial || d.InProgress
		service := serviceOf(d, account)
		if !slices.ContainsFunc(sum.ServiceIds, func(id api.ServiceId) bool { return *id.Name == d.Name }) && d.Type != "subsegment" {
			sum.ServiceIds = append(sum.ServiceIds, service)
		}
		if d.ParentID == "" && sum.EntryPoint == nil {
			sum.EntryPoint = &service
			*sum.HasFault, *sum.HasError, *sum.HasThrottle = d.Fault, d.Error, d.Throttle
			if r := d.HTTP.Request; r.Method != "" {
				sum.Http = &api.Http{HttpURL: &r.URL, HttpMethod: &r.Method, HttpStatus: new(d.HTTP.Response.Status), UserAgent: &r.UserAgent, ClientIp: &r.ClientIP}
			}
			if d.EndTime > 0 {
				sum.ResponseTime = new(d.EndTime - d.StartTime)
			}
		}
		d.each(func(d *document) {
			for name, v := range d.Annotations {
				if value := annotation(v); value != nil {
					sum.Annotations[name] = append(sum.Annotations[name], api.ValueWithServiceIds{AnnotationValue: value, ServiceIds: []api.ServiceId{service}})
				}
			}
		})
	}
	return sum
}

func annotation(v any) *api.AnnotationValue {
	switch v := v.(type) {
	case string:
		return &api.AnnotationValue{StringValue: &v}
	case float64:
		return &api.AnnotationValue{NumberValue: &v}
	case bool:
		return &api.AnnotationValue{BooleanValue: &v}
	}
	return nil
}

func serviceOf(d *document, account string) api.ServiceId {
	id := api.ServiceId{Name: &d.Name, Names: []string{d.Name}, AccountId: &account}
	if d.Origin != "" {
		id.Type = &d.Origin
	}
	return id
}
