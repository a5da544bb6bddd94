package poll

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// A dataStream is a stream of Kinesis, perhaps read as one of its consumers.
type dataStream struct {
	e *Engine
	j *Job
}

const maxDataRecords = 10_000 // that are read at once

// StreamOf is the stream of a consumer, or the stream itself.
func StreamOf(source aws.ARN) aws.ARN {
	source.Resource, _, _ = strings.Cut(source.Resource, "/consumer/")
	return source
}

func (s *dataStream) arn() string { return StreamOf(s.j.Source).String() }

func (s *dataStream) topic() string { return Topic(StreamOf(s.j.Source)) }

func (s *dataStream) expired(err error) bool { return errors.Is(err, api.ExpiredIteratorException) }

// trimmed is never so: a place that is trimmed is as good as the first there is.
func (s *dataStream) trimmed(error) bool { return false }

func (s *dataStream) shards(ctx context.Context) (list []shard, err error) {
	call, err := s.j.Call(ctx)
	if err != nil {
		return nil, err
	}
	in := &api.ListShardsInput{StreamARN: new(s.arn())}
	for {
		out, err := dispatch.Call(ctx, s.e.cfg.Table, call, api.ListShards, in)
		if refusal, refused := errors.AsType[*aws.Error](err); refused && refusal.Code == aws.AccessDenied.Code {
			return s.described(ctx, call)
		}
		if err != nil {
			return nil, err
		}
		list = appendShards(list, out.Shards)
		if out.NextToken == nil {
			return list, nil
		}
		in = &api.ListShardsInput{NextToken: out.NextToken}
	}
}

// described lists shards as roles do that were made before there was ListShards.
func (s *dataStream) described(ctx context.Context, call *aws.Call) (list []shard, err error) {
	in := &api.DescribeStreamInput{StreamARN: new(s.arn())}
	for {
		out, err := dispatch.Call(ctx, s.e.cfg.Table, call, api.DescribeStream, in)
		if err != nil {
			return nil, err
		}
		shards := out.StreamDescription.Shards
		list = appendShards(list, shards)
		if !out.StreamDescription.HasMoreShards || len(shards) == 0 {
			return list, nil
		}
		in.ExclusiveStartShardId = &shards[len(shards)-1].ShardId
	}
}

func appendShards(list []shard, shards []api.Shard) []shard {
	for _, sh := range shards {
		one := shard{id: sh.ShardId}
		for _, parent := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if parent != nil {
				one.parents = append(one.parents, *parent)
			}
		}
		list = append(list, one)
	}
	return list
}

func (s *dataStream) iterator(ctx context.Context, shard, kind, at string, when time.Time) (string, error) {
	call, err := s.j.Call(ctx)
	if err != nil {
		return "", err
	}
	in := &api.GetShardIteratorInput{StreamARN: new(s.arn()), ShardId: shard, ShardIteratorType: kind}
	if at != "" {
		in.StartingSequenceNumber = &at
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

func (s *dataStream) read(ctx context.Context, shard, iterator string, limit int) ([]Record, string, error) {
	call, err := s.j.Call(ctx)
	if err != nil {
		return nil, "", err
	}
	in := &api.GetRecordsInput{ShardIterator: iterator, Limit: new(int32(min(limit, maxDataRecords))), StreamARN: new(s.arn())}
	out, err := dispatch.Call(ctx, s.e.cfg.Table, call, api.GetRecords, in)
	if err != nil {
		return nil, "", err
	}
	records := make([]Record, len(out.Records))
	for i := range out.Records {
		if records[i], err = s.record(shard, &out.Records[i]); err != nil {
			return nil, "", err
		}
	}
	return records, aws.Value(out.NextShardIterator), nil
}

// A dataBody is what a stream of Kinesis holds.
type dataBody struct {
	SchemaVersion  string          `json:"kinesisSchemaVersion"`
	PartitionKey   string          `json:"partitionKey"`
	SequenceNumber string          `json:"sequenceNumber"`
	Data           json.RawMessage `json:"data"`
	Arrival        float64         `json:"approximateArrivalTimestamp"`
}

// A dataOrigin is where a record of Kinesis is from.
type dataOrigin struct {
	EventSource       string `json:"eventSource"`
	EventVersion      string `json:"eventVersion"`
	EventID           string `json:"eventID"`
	EventName         string `json:"eventName"`
	InvokeIdentityArn string `json:"invokeIdentityArn"`
	AwsRegion         string `json:"awsRegion"`
	EventSourceARN    string `json:"eventSourceARN"`
}

func (s *dataStream) record(shard string, r *api.Record) (Record, error) {
	at := aws.Value(r.ApproximateArrivalTimestamp)
	data, err := json.Marshal(r.Data) // in Base64
	if err != nil {
		return Record{}, err
	}
	if len(r.Data) == 0 {
		data = []byte(`""`)
	}
	body := dataBody{"1.0", aws.Value(r.PartitionKey), r.SequenceNumber, data, float64(at.UnixMilli()) / 1000}
	origin := dataOrigin{
		EventSource: "aws:kinesis", EventVersion: "1.0", EventID: shard + ":" + r.SequenceNumber, EventName: "aws:kinesis:record",
		InvokeIdentityArn: s.j.Identity, AwsRegion: s.j.Source.Region, EventSourceARN: s.j.Source.String(),
	}
	out := Record{ID: r.SequenceNumber, At: at, key: body.PartitionKey}
	if s.j.Flat {
		out.JSON, err = json.Marshal(struct {
			dataBody
			dataOrigin
		}{body, origin})
	} else {
		out.JSON, err = json.Marshal(struct {
			Kinesis dataBody `json:"kinesis"`
			dataOrigin
		}{body, origin})
	}
	if err == nil && len(s.j.Filters) > 0 {
		body.Data = viewOf(r.Data)
		out.view, err = json.Marshal(struct {
			dataBody
			dataOrigin
		}{body, origin})
	}
	return out, err
}
