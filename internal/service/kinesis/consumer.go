package kinesis

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxConsumers is how many consumers a stream has.
const maxConsumers = 20

// RegisterStreamConsumer makes a consumer of a stream.
func (s *Service) RegisterStreamConsumer(ctx context.Context, call *aws.Call, in *api.RegisterStreamConsumerInput) (*api.RegisterStreamConsumerOutput, error) {
	key := consumerKey{streamARN(call, "", in.StreamARN), in.ConsumerName}
	c := consumer{Created: time.Now(), Tags: in.Tags}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findStream(tx, key.Stream); err != nil {
			return err
		}
		n := 0
		for other := range consumers.Scan(tx, consumerKey{Stream: key.Stream}) {
			if other.Name == key.Name {
				return api.ResourceInUseException.Errorf("Consumer %s, Account %s already exists.", key.Name, call.Account)
			}
			n++
		}
		if n >= maxConsumers {
			return api.LimitExceededException.Errorf("Too many consumers are registered for stream %s under account %s.", streamName(key.Stream), call.Account)
		}
		return consumers.Put(tx, key, c)
	})
	if err != nil {
		return nil, err
	}
	return &api.RegisterStreamConsumerOutput{Consumer: &api.Consumer{
		ConsumerName: key.Name, ConsumerARN: key.arn(&c).String(), ConsumerStatus: api.ConsumerStatusCreating, ConsumerCreationTimestamp: c.Created,
	}}, nil
}

// consumerMeant is the consumer of a request, by its ARN or by name.
func consumerMeant(call *aws.Call, arn, stream, name *string) (consumerKey, error) {
	if arn != nil {
		if parsed, err := aws.ParseARN(*arn); err == nil {
			if key, ok := parseConsumer(parsed); ok {
				return key, nil
			}
		}
	}
	if stream == nil || name == nil {
		return consumerKey{}, api.InvalidArgumentException.Errorf("You must specify either a ConsumerARN, or a ConsumerName and a StreamARN.")
	}
	return consumerKey{streamARN(call, "", *stream), *name}, nil
}

// DeregisterStreamConsumer removes a consumer.
func (s *Service) DeregisterStreamConsumer(ctx context.Context, call *aws.Call, in *api.DeregisterStreamConsumerInput) (*api.DeregisterStreamConsumerOutput, error) {
	key, err := consumerMeant(call, in.ConsumerARN, in.StreamARN, in.ConsumerName)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		c, err := findConsumer(tx, key)
		if err != nil {
			return err
		}
		if err := policies.Delete(tx, key.arn(&c)); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.epoch.Add(1) })
		tx.Notify(topic(key.Stream))
		return consumers.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeregisterStreamConsumerOutput{}, nil
}

// DescribeStreamConsumer describes a consumer.
func (s *Service) DescribeStreamConsumer(ctx context.Context, call *aws.Call, in *api.DescribeStreamConsumerInput) (*api.DescribeStreamConsumerOutput, error) {
	key, err := consumerMeant(call, in.ConsumerARN, in.StreamARN, in.ConsumerName)
	if err != nil {
		return nil, err
	}
	var c consumer
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		c, err = findConsumer(tx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeStreamConsumerOutput{ConsumerDescription: &api.ConsumerDescription{
		ConsumerName: key.Name, ConsumerARN: key.arn(&c).String(), ConsumerStatus: api.ConsumerStatusActive, ConsumerCreationTimestamp: c.Created, StreamARN: key.Stream.String(),
	}}, nil
}

// ListStreamConsumers lists the consumers of a stream.
func (s *Service) ListStreamConsumers(ctx context.Context, call *aws.Call, in *api.ListStreamConsumersInput) (*api.ListStreamConsumersOutput, error) {
	arn := streamARN(call, "", in.StreamARN)
	limit := int(aws.Or(in.MaxResults, 100))
	out := &api.ListStreamConsumersOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.ListStreamConsumersOutput{Consumers: []api.Consumer{}}
		if _, err := findStream(tx, arn); err != nil {
			return err
		}
		for key, c := range consumers.ScanAfter(tx, consumerKey{Stream: arn}, consumerKey{arn, aws.Value(in.NextToken)}) {
			if len(out.Consumers) == limit {
				out.NextToken = &out.Consumers[limit-1].ConsumerName
				break
			}
			out.Consumers = append(out.Consumers, api.Consumer{
				ConsumerName: key.Name, ConsumerARN: key.arn(&c).String(), ConsumerStatus: api.ConsumerStatusActive, ConsumerCreationTimestamp: c.Created,
			})
		}
		return nil
	})
	return out, err
}
