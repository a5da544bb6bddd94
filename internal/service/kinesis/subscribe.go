package kinesis

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	subscribed    = 5 * time.Minute // how long a subscription lasts
	heartbeat     = 5 * time.Second // between events, if there are no records
	maxPush       = 2 << 20         // bytes of the records of an event
	betweenLeases = 5 * time.Second // until a shard can be subscribed to again
)

// A subscriber is a consumer that reads a shard.
type subscriber struct {
	consumer consumerKey
	created  int64 // when the consumer was
	shard    string
}

// A lease is the subscription of a subscriber.
type lease struct {
	began time.Time
	end   context.CancelFunc
}

// SubscribeToShard sends the records of a shard as they come, for a while.
func (s *Service) SubscribeToShard(ctx context.Context, call *aws.Call, in *api.SubscribeToShardInput) (*api.SubscribeToShardOutput, error) {
	if aws.Value(in.DryRun) {
		return nil, errAbsent("dry runs")
	}
	key, err := consumerMeant(call, &in.ConsumerARN, nil, nil)
	if err != nil {
		return nil, err
	}
	var after store.Position
	sub := subscriber{consumer: key, shard: in.ShardId}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		c, err := findConsumer(tx, key)
		if err != nil {
			return err
		}
		sub.created = c.Created.UnixNano()
		row, err := findStream(tx, key.Stream)
		if err != nil {
			return err
		}
		sh, err := row.find(key.Stream, in.ShardId)
		if err != nil {
			return err
		}
		p := in.StartingPosition
		after, err = s.begin(tx, key.Stream, &row, sh, place{p.Type, p.SequenceNumber, p.Timestamp, "SubscribeToShard"})
		return err
	})
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithTimeout(ctx, subscribed)
	if !s.take(sub, lease{time.Now(), end}) {
		end()
		return nil, api.ResourceInUseException.Errorf("Another active subscription exists for this consumer: %s:%s:%s:%s", call.Account, streamName(key.Stream), in.ShardId, key.Name)
	}
	return &api.SubscribeToShardOutput{EventStream: func(yield func(api.SubscribeToShardEventStream, error) bool) {
		defer end()
		s.push(ctx, sub, after, yield)
	}}, nil
}

// take gives a subscriber a lease and ends the one it had, unless that is new.
func (s *Service) take(sub subscriber, l lease) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, had := range s.leases {
		if l.began.Sub(had.began) > subscribed {
			delete(s.leases, other)
		}
	}
	if had, ok := s.leases[sub]; ok {
		if l.began.Sub(had.began) < betweenLeases {
			return false
		}
		had.end()
	}
	s.leases[sub] = l
	return true
}

// push sends events until ctx ends, the shard does, or nobody listens.
func (s *Service) push(ctx context.Context, sub subscriber, after store.Position, yield func(api.SubscribeToShardEventStream, error) bool) {
	bell, stop := s.db.Watch(topic(sub.consumer.Stream))
	defer stop()
	for first := true; ; first = false {
		r, event, err := s.next(ctx, sub, after)
		if err != nil {
			if ctx.Err() == nil {
				yield(api.SubscribeToShardEventStream{}, err)
			}
			return
		}
		after = r.after
		idle := len(r.records) == 0 && !r.ended
		if !idle || !first {
			if !yield(api.SubscribeToShardEventStream{SubscribeToShardEvent: event}, nil) || r.ended {
				return
			}
		}
		if !idle {
			continue
		}
		timer := time.NewTimer(heartbeat)
		select {
		case <-bell:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// next reads what comes next for a subscriber.
func (s *Service) next(ctx context.Context, sub subscriber, after store.Position) (r reading, event *api.SubscribeToShardEvent, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if c, err := findConsumer(tx, sub.consumer); err != nil || c.Created.UnixNano() != sub.created {
			return errors.Join(err, api.ResourceNotFoundException.Errorf("Consumer %s, Account %s not found.", sub.consumer.Name, sub.consumer.Stream.Account))
		}
		arn := sub.consumer.Stream
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		sh, err := row.find(arn, sub.shard)
		if err != nil {
			return err
		}
		r = read(tx, arn, &row, sh, after, maxRead, maxPush)
		event = &api.SubscribeToShardEvent{
			Records: r.records, ContinuationSequenceNumber: sequenceNumber(&row, sh.Number, r.after), MillisBehindLatest: r.behind.Milliseconds(), ChildShards: r.next,
		}
		return nil
	})
	return r, event, err
}
