package kinesis

import (
	"context"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxRead      = 10_000   // records that are read at once
	maxReadBytes = 10 << 20 // of them
)

// A reading is what was read of a shard.
type reading struct {
	records []api.Record
	after   store.Position // where to go on
	behind  time.Duration  // of the newest record
	ended   bool           // there is nothing more, and never will be
	next    []api.ChildShard
}

// read reads a shard past a position.
func read(tx *store.Tx, arn aws.ARN, row *stream, sh *shard, after store.Position, limit, maxBytes int) reading {
	out := reading{records: []api.Record{}, after: after}
	now := time.Now()
	horizon := now.Add(-time.Duration(row.Hours) * time.Hour)
	bytes := 0
	for at, r := range records.Scan(tx, shardKey{arn, sh.Number}, after) {
		if r.At.Before(horizon) {
			out.after = at
			continue
		}
		bytes += len(r.Data) + len(r.Key)
		if len(out.records) == limit || bytes > maxBytes && len(out.records) > 0 {
			out.behind = now.Sub(r.At)
			return out
		}
		out.after = at
		out.records = append(out.records, api.Record{
			SequenceNumber: sequenceNumber(row, sh.Number, at), ApproximateArrivalTimestamp: &r.At, Data: r.Data, PartitionKey: &r.Key, EncryptionType: encrypted(row),
		})
	}
	if !sh.open() {
		out.ended, out.next = true, row.children(sh)
	}
	return out
}

// children are the shards that a closed one became.
func (s *stream) children(sh *shard) []api.ChildShard {
	out := []api.ChildShard{}
	for i := range s.Shards {
		c := &s.Shards[i]
		var parents []string
		for _, p := range []*int{c.Parent, c.Adjacent} {
			if p != nil {
				parents = append(parents, shardID(*p))
			}
		}
		if slices.Contains(parents, sh.id()) {
			out = append(out, api.ChildShard{ShardId: c.id(), ParentShards: parents, HashKeyRange: &api.HashKeyRange{StartingHashKey: decimal(c.First), EndingHashKey: decimal(c.Last)}})
		}
	}
	return out
}

// GetRecords reads records of a shard.
func (s *Service) GetRecords(ctx context.Context, call *aws.Call, in *api.GetRecordsInput) (*api.GetRecordsOutput, error) {
	if aws.Value(in.DryRun) {
		return nil, errAbsent("dry runs")
	}
	it, err := parseIterator(in.ShardIterator)
	if err != nil {
		return nil, err
	}
	if err := it.check(time.Now()); err != nil {
		return nil, err
	}
	var r reading
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, it.stream)
		if err != nil {
			return err
		}
		sh, err := row.find(it.stream, shardID(it.shard))
		if err != nil {
			return err
		}
		if err := s.admitRead(call, shardKey{it.stream, it.shard}); err != nil {
			return err
		}
		r = read(tx, it.stream, &row, sh, it.after, int(aws.Or(in.Limit, maxRead)), maxReadBytes)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.countRead(call, shardKey{it.stream, it.shard}, r.records)
	out := &api.GetRecordsOutput{Records: r.records, MillisBehindLatest: new(r.behind.Milliseconds())}
	if r.ended {
		out.ChildShards = r.next
		return out, nil
	}
	next := iterator{stream: it.stream, shard: it.shard, after: r.after, made: time.Now()}
	out.NextShardIterator = new(next.String())
	return out, nil
}
