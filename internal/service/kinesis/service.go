package kinesis

import (
	"context"
	"sync"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is Kinesis Data Streams.
type Service struct {
	db    *store.DB
	epoch atomic.Uint64 // of policies

	mu     sync.Mutex
	leases map[subscriber]lease

	meters sync.Map // shardKey to *meter
}

// New returns Kinesis Data Streams over db.
func New(db *store.DB) *Service {
	return &Service{db: db, leases: make(map[subscriber]lease)}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.Op(api.CreateStream, s.CreateStream, streamNamed[*api.CreateStreamInput]).But("Distribution strategies, and records of more than 2046 KiB, are refused."),
			op(api.DeleteStream, s.DeleteStream),
			op(api.DescribeStream, s.DescribeStream),
			op(api.DescribeStreamSummary, s.DescribeStreamSummary),
			service.Op(api.ListStreams, s.ListStreams, service.Any),
			service.Op(api.DescribeLimits, s.DescribeLimits, service.Any),

			op(api.ListShards, s.ListShards),
			op(api.SplitShard, s.SplitShard),
			op(api.MergeShards, s.MergeShards),
			op(api.UpdateShardCount, s.UpdateShardCount),

			op(api.PutRecord, s.PutRecord),
			op(api.PutRecords, s.PutRecords),
			op(api.GetShardIterator, s.GetShardIterator),
			service.OpEach(api.GetRecords, s.GetRecords, mayGetRecords),

			service.Op(api.RegisterStreamConsumer, s.RegisterStreamConsumer, streamByARN[*api.RegisterStreamConsumerInput]),
			service.Op(api.DeregisterStreamConsumer, s.DeregisterStreamConsumer, consumerOf[*api.DeregisterStreamConsumerInput]),
			service.Op(api.DescribeStreamConsumer, s.DescribeStreamConsumer, consumerOf[*api.DescribeStreamConsumerInput]),
			service.Op(api.ListStreamConsumers, s.ListStreamConsumers, streamByARN[*api.ListStreamConsumersInput]),
			service.Op(api.SubscribeToShard, s.SubscribeToShard, subscriberOf),

			op(api.IncreaseStreamRetentionPeriod, s.IncreaseStreamRetentionPeriod),
			op(api.DecreaseStreamRetentionPeriod, s.DecreaseStreamRetentionPeriod),
			service.Op(api.UpdateStreamMode, s.UpdateStreamMode, streamByARN[*api.UpdateStreamModeInput]).But("Shards of streams on demand do not become more by themselves: they take all that they are given."),
			service.Op(api.UpdateMaxRecordSize, s.UpdateMaxRecordSize, streamByARN[*api.UpdateMaxRecordSizeInput]).But("Records of more than 2046 KiB are refused."),
			op(api.UpdateStreamWarmThroughput, s.UpdateStreamWarmThroughput).But("It is noted: streams on demand take all that they are given."),
			service.Op(api.DescribeAccountSettings, s.DescribeAccountSettings, service.Any),
			service.Op(api.UpdateAccountSettings, s.UpdateAccountSettings, service.Any).But("Nobody is billed."),
			op(api.StartStreamEncryption, s.StartStreamEncryption).But("The key is noted, and not used: the disk is whoever runs Aloft's to encrypt."),
			op(api.StopStreamEncryption, s.StopStreamEncryption),
			op(api.EnableEnhancedMonitoring, s.EnableEnhancedMonitoring).But("It is noted; there are no metrics of shards yet."),
			op(api.DisableEnhancedMonitoring, s.DisableEnhancedMonitoring),

			service.Op(api.PutResourcePolicy, s.PutResourcePolicy, service.ResourceARN[*api.PutResourcePolicyInput]),
			service.Op(api.GetResourcePolicy, s.GetResourcePolicy, service.ResourceARN[*api.GetResourcePolicyInput]),
			service.Op(api.DeleteResourcePolicy, s.DeleteResourcePolicy, service.ResourceARN[*api.DeleteResourcePolicyInput]),

			op(api.AddTagsToStream, s.AddTagsToStream),
			op(api.RemoveTagsFromStream, s.RemoveTagsFromStream),
			op(api.ListTagsForStream, s.ListTagsForStream),
			service.Op(api.TagResource, s.TagResource, service.ResourceARN[*api.TagResourceInput]),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceARN[*api.UntagResourceInput]),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceARN[*api.ListTagsForResourceInput]),
		},
		Tasks:   []task.Task{{Name: "kinesis/retention", Run: s.sweep}},
		Receive: receive,
		Policy:  s.policyOf,
		Epoch:   s.epoch.Load,
	}
}

// names is an input that names a stream, or gives its ARN.
type names interface {
	GetStreamName() string
	GetStreamARN() string
}

// byARN names a stream by its ARN alone.
type byARN string

// GetStreamName is empty.
func (byARN) GetStreamName() string { return "" }

// GetStreamARN is the ARN.
func (a byARN) GetStreamARN() string { return string(a) }

// meant is the stream of an input.
func meant(call *aws.Call, in names) (aws.ARN, error) {
	if in.GetStreamName() == "" && in.GetStreamARN() == "" {
		return aws.ARN{}, api.InvalidArgumentException.Errorf("Either StreamName or StreamARN must be specified.")
	}
	return streamARN(call, in.GetStreamName(), in.GetStreamARN()), nil
}

// look returns the stream of an input.
func (s *Service) look(ctx context.Context, call *aws.Call, in names) (arn aws.ARN, row stream, err error) {
	if arn, err = meant(call, in); err != nil {
		return arn, row, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err = findStream(tx, arn)
		return err
	})
	return arn, row, err
}

// change changes the stream of an input.
func (s *Service) change(ctx context.Context, call *aws.Call, in names, change func(*store.Tx, aws.ARN, *stream) error) error {
	arn, err := meant(call, in)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &row); err != nil {
			return err
		}
		return streams.Put(tx, arn, row)
	})
}

func streamNamed[In interface{ GetStreamName() string }](call *aws.Call, in In) aws.ARN {
	return streamARN(call, in.GetStreamName(), "")
}

func streamByARN[In interface{ GetStreamARN() string }](call *aws.Call, in In) aws.ARN {
	return streamARN(call, "", in.GetStreamARN())
}

// consumerOf is the consumer of an input, or its stream.
func consumerOf[In interface {
	GetStreamARN() string
	GetConsumerARN() string
}](call *aws.Call, in In) aws.ARN {
	if arn, err := aws.ParseARN(in.GetConsumerARN()); err == nil {
		return arn
	}
	return streamARN(call, "", in.GetStreamARN())
}

func subscriberOf(_ *aws.Call, in *api.SubscribeToShardInput) aws.ARN {
	return service.Named(in.ConsumerARN)
}

// mayGetRecords asks for the stream of the iterator.
func mayGetRecords(_ *aws.Call, in *api.GetRecordsInput, check func(service.Access) error) error {
	it, err := parseIterator(in.ShardIterator)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "kinesis:GetRecords", Resource: it.stream})
}

// errAbsent refuses by name what is not there yet.
func errAbsent(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not have %s yet.", what)
}
