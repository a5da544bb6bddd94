package kinesis

import (
	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/limit"
)

// What a shard takes and gives in a second.
const (
	writesPerSecond     = 1000
	writeBytesPerSecond = 1 << 20
	readsPerSecond      = 5 // calls
	readBytesPerSecond  = 2 << 20
)

// A meter has what a shard can still take and give. It is not kept: a restart
// gives shards what they have at most.
type meter struct{ writes, writeBytes, reads, readBytes *limit.Bucket }

func (s *Service) meter(key shardKey) *meter {
	if m, ok := s.meters.Load(key); ok {
		return m.(*meter)
	}
	m, _ := s.meters.LoadOrStore(key, &meter{
		writes:     limit.NewBucket(writesPerSecond, writesPerSecond),
		writeBytes: limit.NewBucket(writeBytesPerSecond, writeBytesPerSecond),
		reads:      limit.NewBucket(readsPerSecond, readsPerSecond),
		readBytes:  limit.NewBucket(readBytesPerSecond, maxReadBytes),
	})
	return m.(*meter)
}

// admit refuses the records that their shards cannot take now. Shards of streams
// on demand take all.
func (s *Service) admit(arn aws.ARN, row *stream, all []incoming) {
	if row.Mode == api.StreamModeOnDemand {
		return
	}
	for i := range all {
		in := &all[i]
		key := shardKey{arn, row.shardFor(in.hash).Number}
		m := s.meter(key)
		if !m.writes.Take() || !m.writeBytes.TakeN(float64(min(len(in.record.Data)+len(in.record.Key), writeBytesPerSecond))) {
			in.refused = errThrottled(key)
		}
	}
}

// admitRead refuses a reader who reads a shard too often or too much. What the
// platform itself reads is not counted.
func (s *Service) admitRead(call *aws.Call, key shardKey) error {
	if call.AccessKey == "" {
		return nil
	}
	if m := s.meter(key); !m.reads.Take() || !m.readBytes.TakeN(1) {
		return errThrottled(key)
	}
	return nil
}

// countRead counts what a reader was given.
func (s *Service) countRead(call *aws.Call, key shardKey, given []api.Record) {
	if call.AccessKey == "" {
		return
	}
	n := 0
	for i := range given {
		n += len(given[i].Data)
	}
	s.meter(key).readBytes.Owe(float64(n))
}

func errThrottled(key shardKey) error {
	return api.ProvisionedThroughputExceededException.Errorf("Rate exceeded for shard %s in stream %s under account %s.", shardID(key.Number), streamName(key.Stream), key.Stream.Account)
}
