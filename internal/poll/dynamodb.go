package poll

import (
	"context"
	"encoding/json"
	"errors"

	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodbstreams"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/item"
)

// A tableStream is the stream of a DynamoDB table.
type tableStream struct {
	e *Engine
	j *Job
}

const maxTableRecords = 1000 // that are read at once

func (s *tableStream) topic() string { return Topic(s.j.Source) }

func (s *tableStream) expired(err error) bool { return errors.Is(err, api.ExpiredIteratorException) }

func (s *tableStream) trimmed(err error) bool { return errors.Is(err, api.TrimmedDataAccessException) }

func (s *tableStream) shards(ctx context.Context) (list []shard, err error) {
	call, err := s.j.Call(ctx)
	if err != nil {
		return nil, err
	}
	in := &api.DescribeStreamInput{StreamArn: s.j.Source.String()}
	for {
		out, err := dispatch.Call(ctx, s.e.cfg.Table, call, api.DescribeStream, in)
		if err != nil {
			return nil, err
		}
		d := out.StreamDescription
		for _, sh := range d.Shards {
			one := shard{id: aws.Value(sh.ShardId)}
			if sh.ParentShardId != nil {
				one.parents = []string{*sh.ParentShardId}
			}
			list = append(list, one)
		}
		if d.LastEvaluatedShardId == nil {
			return list, nil
		}
		in.ExclusiveStartShardId = d.LastEvaluatedShardId
	}
}

func (s *tableStream) iterator(ctx context.Context, shard, kind, at string, when time.Time) (string, error) {
	call, err := s.j.Call(ctx)
	if err != nil {
		return "", err
	}
	in := &api.GetShardIteratorInput{StreamArn: s.j.Source.String(), ShardId: shard, ShardIteratorType: kind}
	if at != "" {
		in.SequenceNumber = &at
	}
	if kind == startAt {
		in.Timestamp = &when
	}
	out, err := dispatch.Call(ctx, s.e.cfg.Table, call, api.GetShardIterator, in)
	if err != nil {
		return "", err
	}
	return aws.Value(out.ShardIterator), nil
}

func (s *tableStream) read(ctx context.Context, shard, iterator string, limit int) ([]Record, string, error) {
	call, err := s.j.Call(ctx)
	if err != nil {
		return nil, "", err
	}
	in := &api.GetRecordsInput{ShardIterator: iterator, Limit: new(int32(min(limit, maxTableRecords)))}
	out, err := dispatch.Call(ctx, s.e.cfg.Table, call, api.GetRecords, in)
	if err != nil {
		return nil, "", err
	}
	records := make([]Record, len(out.Records))
	for i := range out.Records {
		if records[i], err = s.record(&out.Records[i]); err != nil {
			return nil, "", err
		}
	}
	return records, aws.Value(out.NextShardIterator), nil
}

// A tableRecord is a change of an item as functions get it.
type tableRecord struct {
	EventID        string         `json:"eventID"`
	EventName      string         `json:"eventName"`
	EventVersion   string         `json:"eventVersion"`
	EventSource    string         `json:"eventSource"`
	AwsRegion      string         `json:"awsRegion"`
	DynamoDB       tableChange    `json:"dynamodb"`
	UserIdentity   *tableIdentity `json:"userIdentity,omitempty"`
	EventSourceARN string         `json:"eventSourceARN"`
}

type tableChange struct {
	Created        int64           `json:"ApproximateCreationDateTime"`
	Keys           json.RawMessage `json:"Keys,omitempty"`
	NewImage       json.RawMessage `json:"NewImage,omitempty"`
	OldImage       json.RawMessage `json:"OldImage,omitempty"`
	SequenceNumber string          `json:"SequenceNumber"`
	SizeBytes      int64           `json:"SizeBytes"`
	StreamViewType string          `json:"StreamViewType"`
}

type tableIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

func (s *tableStream) record(r *api.Record) (Record, error) {
	d := r.Dynamodb
	at := aws.Value(d.ApproximateCreationDateTime)
	doc := tableRecord{
		EventID: aws.Value(r.EventID), EventName: aws.Value(r.EventName), EventVersion: aws.Value(r.EventVersion),
		EventSource: aws.Value(r.EventSource), AwsRegion: aws.Value(r.AwsRegion), EventSourceARN: s.j.Source.String(),
		DynamoDB: tableChange{
			Created: at.Unix(), Keys: image(d.Keys), NewImage: image(d.NewImage), OldImage: image(d.OldImage),
			SequenceNumber: aws.Value(d.SequenceNumber), SizeBytes: aws.Value(d.SizeBytes), StreamViewType: aws.Value(d.StreamViewType),
		},
	}
	if u := r.UserIdentity; u != nil {
		doc.UserIdentity = &tableIdentity{aws.Value(u.Type), aws.Value(u.PrincipalId)}
	}
	text, err := json.Marshal(doc)
	return Record{ID: doc.DynamoDB.SequenceNumber, JSON: text, At: at, key: string(doc.DynamoDB.Keys), view: text}, err
}

// image is an item as JSON, nil if there is none.
func image(it item.Item) json.RawMessage {
	if len(it) == 0 {
		return nil
	}
	return it.AppendJSON(nil)
}
