package kinesis

import (
	"cmp"
	"context"
	"iter"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	usualHours   = 24
	usualShards  = 4   // of streams on demand
	maxShards    = 500 // open ones of an account in a region
	maxDescribed = 10_000
)

// CreateStream makes a stream. It can be used at once.
func (s *Service) CreateStream(ctx context.Context, call *aws.Call, in *api.CreateStreamInput) (*api.CreateStreamOutput, error) {
	if in.RecordDistributionStrategy != nil {
		return nil, errAbsent("distribution strategies")
	}
	if err := checkLargest(aws.Value(in.MaxRecordSizeInKiB)); err != nil {
		return nil, err
	}
	now := time.Now()
	row := stream{
		Mode: api.StreamModeProvisioned, Hours: usualHours, Created: now, Tags: in.Tags,
		MaxKiB: aws.Value(in.MaxRecordSizeInKiB), Warm: in.WarmThroughputMiBps,
	}
	if in.StreamModeDetails != nil {
		row.Mode = in.StreamModeDetails.StreamMode
	}
	n := int(aws.Value(in.ShardCount))
	switch {
	case row.Mode == api.StreamModeOnDemand && in.ShardCount != nil:
		return nil, api.ValidationException.Errorf("Requested stream mode is ON_DEMAND, ShardCount should not be specified.")
	case row.Mode == api.StreamModeProvisioned && in.ShardCount == nil && in.StreamModeDetails != nil:
		return nil, api.ValidationException.Errorf("ShardCount is required for streams in PROVISIONED mode.")
	case in.ShardCount == nil:
		row.Mode, n = api.StreamModeOnDemand, usualShards
	}
	if len(in.Tags) > service.MaxTags {
		return nil, errTags(in.StreamName, call.Account)
	}
	for i, first := range bounds(min(n, maxShards+1)) {
		row.Shards = append(row.Shards, shard{Number: i, First: first, Last: lastKey, Made: now})
		if i > 0 {
			row.Shards[i-1].Last = plus(first, -1)
		}
	}
	row.Next = n
	arn := streamARN(call, in.StreamName, "")
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		exists, err := streams.Has(tx, arn)
		if err != nil {
			return err
		}
		if exists {
			return api.ResourceInUseException.Errorf("Stream %s under account %s already exists.", in.StreamName, call.Account)
		}
		if err := checkShards(tx, call, n); err != nil {
			return err
		}
		if row.Warm != nil {
			if err := checkWarm(tx, call, &row); err != nil {
				return err
			}
		}
		return streams.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateStreamOutput{}, nil
}

// checkShards refuses more shards than an account may have.
func checkShards(tx *store.Tx, call *aws.Call, more int) error {
	open := 0
	for _, row := range streamsOf(tx, call) {
		open += len(row.openShards())
	}
	if open+more > maxShards {
		return api.LimitExceededException.Errorf("This request would exceed the shard limit for the account %s in %s. Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d. Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to request higher limits.",
			call.Account, call.Region, open, maxShards, more)
	}
	return nil
}

// streamsOf yields the streams of the call's account and region.
func streamsOf(tx *store.Tx, call *aws.Call) iter.Seq2[aws.ARN, stream] {
	return streams.Scan(tx, aws.ARN{Account: call.Account, Region: call.Region, Service: "kinesis"})
}

// DeleteStream deletes a stream and all that it has.
func (s *Service) DeleteStream(ctx context.Context, call *aws.Call, in *api.DeleteStreamInput) (*api.DeleteStreamOutput, error) {
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findStream(tx, arn); err != nil {
			return err
		}
		for key, c := range consumers.Scan(tx, consumerKey{Stream: arn}) {
			if !aws.Value(in.EnforceConsumerDeletion) {
				return api.ResourceInUseException.Errorf("Stream %s under account %s has consumers registered. Deregister them first, or set EnforceConsumerDeletion.", streamName(arn), arn.Account)
			}
			if err := policies.Delete(tx, key.arn(&c)); err != nil {
				return err
			}
		}
		if err := consumers.DeletePrefix(tx, consumerKey{Stream: arn}); err != nil {
			return err
		}
		if err := records.DeletePrefix(tx, shardKey{Stream: arn}); err != nil {
			return err
		}
		if err := policies.Delete(tx, arn); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.epoch.Add(1) })
		tx.Notify(topic(arn))
		return streams.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteStreamOutput{}, nil
}

// DescribeStream describes a stream and its shards.
func (s *Service) DescribeStream(ctx context.Context, call *aws.Call, in *api.DescribeStreamInput) (*api.DescribeStreamOutput, error) {
	arn, row, err := s.look(ctx, call, in)
	if err != nil {
		return nil, err
	}
	d := &api.StreamDescription{
		StreamName: streamName(arn), StreamARN: arn.String(), StreamStatus: api.StreamStatusActive, StreamModeDetails: &api.StreamModeDetails{StreamMode: row.Mode},
		RetentionPeriodHours: row.Hours, StreamCreationTimestamp: row.Created, EnhancedMonitoring: row.monitoring(), EncryptionType: row.encryption(),
		KeyId: optional(row.Key), Shards: []api.Shard{},
	}
	limit := int(aws.Or(in.Limit, 100))
	for i := range row.Shards {
		sh := &row.Shards[i]
		if sh.id() <= aws.Value(in.ExclusiveStartShardId) {
			continue
		}
		if len(d.Shards) == limit {
			d.HasMoreShards = true
			break
		}
		d.Shards = append(d.Shards, describe(&row, sh))
	}
	return &api.DescribeStreamOutput{StreamDescription: d}, nil
}

func (s *stream) monitoring() []api.EnhancedMetrics {
	return []api.EnhancedMetrics{{ShardLevelMetrics: append([]string{}, s.Metrics...)}}
}

func (s *stream) encryption() *string {
	if s.Key != "" {
		return new(api.EncryptionTypeKms)
	}
	return new(api.EncryptionTypeNone)
}

// describe is a shard as AWS describes it.
func describe(s *stream, sh *shard) api.Shard {
	out := api.Shard{
		ShardId:             sh.id(),
		HashKeyRange:        &api.HashKeyRange{StartingHashKey: decimal(sh.First), EndingHashKey: decimal(sh.Last)},
		SequenceNumberRange: &api.SequenceNumberRange{StartingSequenceNumber: sequenceNumber(s, sh.Number, store.Position{})},
	}
	if sh.Parent != nil {
		out.ParentShardId = new(shardID(*sh.Parent))
	}
	if sh.Adjacent != nil {
		out.AdjacentParentShardId = new(shardID(*sh.Adjacent))
	}
	if !sh.open() {
		out.SequenceNumberRange.EndingSequenceNumber = new(sequenceNumber(s, sh.Number, sh.End))
	}
	return out
}

// DescribeStreamSummary describes a stream without its shards.
func (s *Service) DescribeStreamSummary(ctx context.Context, call *aws.Call, in *api.DescribeStreamSummaryInput) (*api.DescribeStreamSummaryOutput, error) {
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	var row stream
	var n int32
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		n = 0
		for range consumers.Scan(tx, consumerKey{Stream: arn}) {
			n++
		}
		row, err = findStream(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeStreamSummaryOutput{StreamDescriptionSummary: &api.StreamDescriptionSummary{
		StreamName: streamName(arn), StreamARN: arn.String(), StreamStatus: api.StreamStatusActive, StreamModeDetails: &api.StreamModeDetails{StreamMode: row.Mode},
		RetentionPeriodHours: row.Hours, StreamCreationTimestamp: row.Created, EnhancedMonitoring: row.monitoring(), EncryptionType: row.encryption(),
		KeyId: optional(row.Key), OpenShardCount: int32(len(row.openShards())), ConsumerCount: &n, MaxRecordSizeInKiB: new(cmp.Or(row.MaxKiB, usualKiB)),
		WarmThroughput: row.warm(),
	}}, nil
}

// ListStreams lists streams by name.
func (s *Service) ListStreams(ctx context.Context, call *aws.Call, in *api.ListStreamsInput) (*api.ListStreamsOutput, error) {
	limit := int(aws.Or(in.Limit, 100))
	after := aws.Or(in.NextToken, aws.Value(in.ExclusiveStartStreamName))
	out := &api.ListStreamsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.ListStreamsOutput{StreamNames: []string{}, StreamSummaries: []api.StreamSummary{}}
		for arn, row := range streamsOf(tx, call) {
			name := streamName(arn)
			if name <= after {
				continue
			}
			if len(out.StreamNames) == limit {
				out.HasMoreStreams, out.NextToken = true, &out.StreamNames[limit-1]
				break
			}
			out.StreamNames = append(out.StreamNames, name)
			out.StreamSummaries = append(out.StreamSummaries, api.StreamSummary{
				StreamName: name, StreamARN: arn.String(), StreamStatus: api.StreamStatusActive,
				StreamModeDetails: &api.StreamModeDetails{StreamMode: row.Mode}, StreamCreationTimestamp: &row.Created,
			})
		}
		return nil
	})
	return out, err
}

// DescribeLimits says how many shards an account may have, and has.
func (s *Service) DescribeLimits(ctx context.Context, call *aws.Call, _ *api.DescribeLimitsInput) (*api.DescribeLimitsOutput, error) {
	out := &api.DescribeLimitsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.DescribeLimitsOutput{ShardLimit: maxShards, OnDemandStreamCountLimit: 50}
		for _, row := range streamsOf(tx, call) {
			out.OpenShardCount += int32(len(row.openShards()))
			if row.Mode == api.StreamModeOnDemand {
				out.OnDemandStreamCount++
			}
		}
		return nil
	})
	return out, err
}

// optional is nil for nothing.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
