package pipes

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/event/pattern"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A source is how a queue or a stream is read.
type source struct {
	batch, window, retries, age, lanes *int32
	bisect                             *string
	start                              string
	startAt                            *time.Time
	dead                               *api.DeadLetterConfig
}

// source returns how a pipe's source is read.
func (p *pipe) source() source {
	params := aws.Value(p.Spec.SourceParameters)
	switch {
	case params.KinesisStreamParameters != nil:
		k := params.KinesisStreamParameters
		return source{
			k.BatchSize, k.MaximumBatchingWindowInSeconds, k.MaximumRetryAttempts, k.MaximumRecordAgeInSeconds, k.ParallelizationFactor,
			k.OnPartialBatchItemFailure, k.StartingPosition, k.StartingPositionTimestamp, k.DeadLetterConfig,
		}
	case params.DynamoDBStreamParameters != nil:
		d := params.DynamoDBStreamParameters
		return source{
			d.BatchSize, d.MaximumBatchingWindowInSeconds, d.MaximumRetryAttempts, d.MaximumRecordAgeInSeconds, d.ParallelizationFactor,
			d.OnPartialBatchItemFailure, d.StartingPosition, nil, d.DeadLetterConfig,
		}
	case params.SqsQueueParameters != nil:
		return source{batch: params.SqsQueueParameters.BatchSize, window: params.SqsQueueParameters.MaximumBatchingWindowInSeconds}
	}
	return source{}
}

// updateSource changes how the source of a pipe is read.
func updateSource(spec *api.CreatePipeInput, in *api.UpdatePipeSourceParameters) {
	params := aws.Value(spec.SourceParameters)
	if in.FilterCriteria != nil {
		params.FilterCriteria = in.FilterCriteria
	}
	if q := in.SqsQueueParameters; q != nil {
		params.SqsQueueParameters = &api.PipeSourceSqsQueueParameters{BatchSize: q.BatchSize, MaximumBatchingWindowInSeconds: q.MaximumBatchingWindowInSeconds}
	}
	if k := in.KinesisStreamParameters; k != nil {
		was := aws.Value(params.KinesisStreamParameters)
		params.KinesisStreamParameters = &api.PipeSourceKinesisStreamParameters{
			BatchSize: k.BatchSize, DeadLetterConfig: k.DeadLetterConfig, OnPartialBatchItemFailure: k.OnPartialBatchItemFailure,
			MaximumBatchingWindowInSeconds: k.MaximumBatchingWindowInSeconds, MaximumRecordAgeInSeconds: k.MaximumRecordAgeInSeconds,
			MaximumRetryAttempts: k.MaximumRetryAttempts, ParallelizationFactor: k.ParallelizationFactor,
			StartingPosition: was.StartingPosition, StartingPositionTimestamp: was.StartingPositionTimestamp,
		}
	}
	if d := in.DynamoDBStreamParameters; d != nil {
		was := aws.Value(params.DynamoDBStreamParameters)
		params.DynamoDBStreamParameters = &api.PipeSourceDynamoDBStreamParameters{
			BatchSize: d.BatchSize, DeadLetterConfig: d.DeadLetterConfig, OnPartialBatchItemFailure: d.OnPartialBatchItemFailure,
			MaximumBatchingWindowInSeconds: d.MaximumBatchingWindowInSeconds, MaximumRecordAgeInSeconds: d.MaximumRecordAgeInSeconds,
			MaximumRetryAttempts: d.MaximumRetryAttempts, ParallelizationFactor: d.ParallelizationFactor, StartingPosition: was.StartingPosition,
		}
	}
	spec.SourceParameters = &params
}

// owners returns the pipes there are.
func (s *Service) owners(ctx context.Context) (arns []aws.ARN, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		arns = nil
		for arn := range pipes.Scan(tx, aws.ARN{}) {
			arns = append(arns, arn)
		}
		return nil
	})
	return arns, err
}

// job says what to poll for a pipe.
func (s *Service) job(ctx context.Context, arn aws.ARN) (*poll.Job, error) {
	var p pipe
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		p, err = pipes.Get(tx, arn)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && p.state() != api.PipeStateRunning:
		return nil, nil
	case err != nil:
		return nil, err
	}
	from, err := aws.ParseARN(p.Spec.Source)
	if err != nil {
		return nil, err
	}
	filters, err := p.filters()
	if err != nil {
		return nil, err
	}
	src, usual := p.source(), int32(100)
	if from.Service == "sqs" {
		usual = 10
	}
	return &poll.Job{
		Owner: arn, Source: from, Filters: filters, Flat: true, Identity: p.Spec.RoleArn,
		BatchSize: int(aws.Or(src.batch, usual)), Window: time.Duration(aws.Value(src.window)) * time.Second,
		Start: src.start, StartAt: aws.Value(src.startAt), Lanes: int(aws.Or(src.lanes, 1)), Retries: int(aws.Or(src.retries, -1)),
		MaxAge: time.Duration(max(0, aws.Value(src.age))) * time.Second, Bisect: src.bisect != nil,
		Call:   func(ctx context.Context) (*aws.Call, error) { return s.as(ctx, arn, p.Spec.RoleArn) },
		Handle: func(ctx context.Context, b *poll.Batch) poll.Result { return s.handle(ctx, arn, &p, b) },
		Dead:   func(tx *store.Tx, b *poll.Batch, f poll.Failure) error { return s.bury(tx, arn, src.dead, b, f) },
	}, nil
}

// filters are what chooses the records of a pipe.
func (p *pipe) filters() ([]poll.Filter, error) {
	params := aws.Value(p.Spec.SourceParameters)
	if params.FilterCriteria == nil {
		return nil, nil
	}
	var all []poll.Filter
	for _, f := range params.FilterCriteria.Filters {
		parsed, err := pattern.Pipe.Parse([]byte(aws.Value(f.Pattern)))
		if err != nil {
			return nil, invalid("Invalid filter pattern. Reason: %s", err)
		}
		all = append(all, parsed)
	}
	return all, nil
}

// bury tells of records that are given up where a pipe's owner wants to hear
// of them.
func (s *Service) bury(tx *store.Tx, arn aws.ARN, dead *api.DeadLetterConfig, b *poll.Batch, f poll.Failure) error {
	if dead == nil || dead.Arn == nil {
		return nil
	}
	to, err := aws.ParseARN(*dead.Arn)
	if err != nil {
		return err
	}
	first, last := b.Records[0], b.Records[len(b.Records)-1]
	info := map[string]any{
		"shardId": b.Shard, "startSequenceNumber": first.ID, "endSequenceNumber": last.ID, "approximateArrivalOfFirstRecord": first.At.UTC().Format(time.RFC3339),
		"approximateArrivalOfLastRecord": last.At.UTC().Format(time.RFC3339), "batchSize": len(b.Records),
	}
	name := "KinesisBatchInfo"
	if b.Job.Source.Service == "dynamodb" {
		name, info["streamArn"] = "DDBStreamBatchInfo", b.Job.Source.String()
	} else {
		info["streamArn"] = strings.TrimSpace(b.Job.Source.String())
	}
	body, err := json.Marshal(map[string]any{
		"context": map[string]any{"partnerResourceArn": arn.String(), "condition": f.Condition}, "version": "1.0",
		"timestamp": time.Now().UTC().Format(time.RFC3339), name: info,
	})
	if err != nil {
		return err
	}
	return s.Router.Send(tx, event.Delivery{Source: arn, Role: b.Job.Identity, Target: to, Body: body})
}
