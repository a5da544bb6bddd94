package kinesis

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// close closes the shard at index i.
func (s *stream) close(tx *store.Tx, arn aws.ARN, i int) error {
	sh := &s.Shards[i]
	sh.Closed = time.Now()
	for at := range records.ScanReverse(tx, shardKey{arn, sh.Number}, store.MaxPosition) {
		sh.End = at
		break
	}
	return tx.Err()
}

// add adds an open shard that came from others.
func (s *stream) add(first, last string, parent, adjacent *int) {
	s.Shards = append(s.Shards, shard{Number: s.Next, First: first, Last: last, Parent: parent, Adjacent: adjacent, Made: time.Now()})
	s.Next++
}

// split makes two shards of the one at index i, the second from key on.
func (s *stream) split(tx *store.Tx, arn aws.ARN, i int, key string) error {
	if err := s.close(tx, arn, i); err != nil {
		return err
	}
	old := s.Shards[i]
	s.add(old.First, plus(key, -1), &old.Number, nil)
	s.add(key, old.Last, &old.Number, nil)
	return nil
}

// merge makes one shard of the two at indexes i and j, which are neighbours.
func (s *stream) merge(tx *store.Tx, arn aws.ARN, i, j int) error {
	for _, k := range []int{i, j} {
		if err := s.close(tx, arn, k); err != nil {
			return err
		}
	}
	a, b := s.Shards[i], s.Shards[j]
	s.add(min(a.First, b.First), max(a.Last, b.Last), &a.Number, &b.Number)
	return nil
}

// SplitShard makes two shards of one.
func (s *Service) SplitShard(ctx context.Context, call *aws.Call, in *api.SplitShardInput) (*api.SplitShardOutput, error) {
	key, err := parseHashKey(in.NewStartingHashKey, "NewStartingHashKey")
	if err != nil {
		return nil, err
	}
	err = s.reshard(ctx, call, in, func(tx *store.Tx, arn aws.ARN, row *stream) error {
		sh, err := row.find(arn, in.ShardToSplit)
		switch {
		case err != nil:
			return err
		case !sh.open():
			return api.InvalidArgumentException.Errorf("Shard %s in stream %s under account %s has already been merged or split, and thus is not eligible for merging or splitting.", in.ShardToSplit, streamName(arn), arn.Account)
		case key <= plus(sh.First, 1) || key >= sh.Last:
			return api.InvalidArgumentException.Errorf("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
				in.NewStartingHashKey, in.ShardToSplit, streamName(arn), arn.Account, decimal(sh.First), decimal(sh.Last))
		}
		if err := checkShards(tx, call, 1); err != nil {
			return err
		}
		return row.split(tx, arn, slices.IndexFunc(row.Shards, func(o shard) bool { return o.Number == sh.Number }), key)
	})
	if err != nil {
		return nil, err
	}
	return &api.SplitShardOutput{}, nil
}

// MergeShards makes one shard of two neighbours.
func (s *Service) MergeShards(ctx context.Context, call *aws.Call, in *api.MergeShardsInput) (*api.MergeShardsOutput, error) {
	err := s.reshard(ctx, call, in, func(tx *store.Tx, arn aws.ARN, row *stream) error {
		index := func(id string) int { return slices.IndexFunc(row.Shards, func(o shard) bool { return o.id() == id }) }
		var pair [2]*shard
		for i, id := range []string{in.ShardToMerge, in.AdjacentShardToMerge} {
			sh, err := row.find(arn, id)
			if err != nil {
				return err
			}
			if !sh.open() {
				return api.InvalidArgumentException.Errorf("Shard %s in stream %s under account %s has already been merged or split, and thus is not eligible for merging or splitting.", id, streamName(arn), arn.Account)
			}
			pair[i] = sh
		}
		if a, b := pair[0], pair[1]; a == b || (a.Last == lastKey || plus(a.Last, 1) != b.First) && (b.Last == lastKey || plus(b.Last, 1) != a.First) {
			return api.InvalidArgumentException.Errorf("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging", in.ShardToMerge, in.AdjacentShardToMerge, streamName(arn), arn.Account)
		}
		return row.merge(tx, arn, index(in.ShardToMerge), index(in.AdjacentShardToMerge))
	})
	if err != nil {
		return nil, err
	}
	return &api.MergeShardsOutput{}, nil
}

// UpdateShardCount has a stream have so many shards, of like size: it splits
// shards where those begin, and merges what lies within one of them.
func (s *Service) UpdateShardCount(ctx context.Context, call *aws.Call, in *api.UpdateShardCountInput) (*api.UpdateShardCountOutput, error) {
	out := &api.UpdateShardCountOutput{TargetShardCount: &in.TargetShardCount}
	target := int(in.TargetShardCount)
	err := s.reshard(ctx, call, in, func(tx *store.Tx, arn aws.ARN, row *stream) error {
		open := len(row.openShards())
		out.CurrentShardCount, out.StreamName, out.StreamARN = new(int32(open)), new(streamName(arn)), new(arn.String())
		switch {
		case row.Mode == api.StreamModeOnDemand:
			return api.ValidationException.Errorf("Request is invalid. Stream %s under account %s is in On-Demand mode.", streamName(arn), arn.Account)
		case target > 2*open:
			return api.LimitExceededException.Errorf("UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: %d Target shard count: %d", open, target)
		case target < (open+1)/2:
			return api.LimitExceededException.Errorf("UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: %d Target shard count: %d", open, target)
		}
		if err := checkShards(tx, call, max(target-open, 0)); err != nil {
			return err
		}
		return row.spread(tx, arn, bounds(target))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// spread has open shards begin just at the hash keys of firsts.
func (s *stream) spread(tx *store.Tx, arn aws.ARN, firsts []string) error {
	for _, key := range firsts {
		sh := s.shardFor(key)
		if sh.First == key {
			continue
		}
		if err := s.split(tx, arn, slices.IndexFunc(s.Shards, func(o shard) bool { return o.Number == sh.Number }), key); err != nil {
			return err
		}
	}
	for {
		open := s.openShards()
		i := slices.IndexFunc(open, func(i int) bool { return !slices.Contains(firsts, s.Shards[i].First) })
		if i < 0 {
			return nil
		}
		if err := s.merge(tx, arn, open[i-1], open[i]); err != nil {
			return err
		}
	}
}

// reshard changes the shards of a stream.
func (s *Service) reshard(ctx context.Context, call *aws.Call, in names, change func(*store.Tx, aws.ARN, *stream) error) error {
	return s.change(ctx, call, in, func(tx *store.Tx, arn aws.ARN, row *stream) error {
		row.Shards = slices.Clone(row.Shards)
		tx.Notify(topic(arn))
		return change(tx, arn, row)
	})
}

// ListShards lists the shards of a stream.
func (s *Service) ListShards(ctx context.Context, call *aws.Call, in *api.ListShardsInput) (*api.ListShardsOutput, error) {
	after := aws.Value(in.ExclusiveStartShardId)
	if in.NextToken != nil {
		if in.StreamName != nil || in.StreamARN != nil {
			return nil, api.InvalidArgumentException.Errorf("NextToken and StreamName cannot be provided together.")
		}
		text, err := base64.RawURLEncoding.DecodeString(*in.NextToken)
		name, last, ok := strings.Cut(string(text), " ")
		if err != nil || !ok {
			return nil, api.InvalidArgumentException.Errorf("NextToken is invalid.")
		}
		in.StreamARN, after = &name, last
	}
	arn, row, err := s.look(ctx, call, in)
	if err != nil {
		return nil, err
	}
	wanted, err := row.filter(in.ShardFilter)
	if err != nil {
		return nil, err
	}
	out := &api.ListShardsOutput{Shards: []api.Shard{}}
	limit := int(aws.Or(in.MaxResults, 1000))
	for i := range row.Shards {
		sh := &row.Shards[i]
		if sh.id() <= after || !wanted(sh) {
			continue
		}
		if len(out.Shards) == limit {
			out.NextToken = new(base64.RawURLEncoding.EncodeToString([]byte(arn.String() + " " + out.Shards[limit-1].ShardId)))
			break
		}
		out.Shards = append(out.Shards, describe(&row, sh))
	}
	return out, nil
}

// filter says which shards a caller wants.
func (s *stream) filter(f *api.ShardFilter) (func(*shard) bool, error) {
	all := func(*shard) bool { return true }
	if f == nil {
		return all, nil
	}
	horizon := time.Now().Add(-time.Duration(s.Hours) * time.Hour)
	at := aws.Or(f.Timestamp, horizon)
	openAt := func(at time.Time) func(*shard) bool {
		return func(sh *shard) bool { return !sh.Made.After(at) && (sh.open() || sh.Closed.After(at)) }
	}
	switch f.Type {
	case api.ShardFilterTypeAfterShardId:
		return func(sh *shard) bool { return sh.id() > aws.Value(f.ShardId) }, nil
	case api.ShardFilterTypeAtLatest:
		return (*shard).open, nil
	case api.ShardFilterTypeAtTrimHorizon:
		if s.Created.After(horizon) {
			horizon = s.Created
		}
		return openAt(horizon), nil
	case api.ShardFilterTypeFromTrimHorizon:
		return all, nil
	}
	if f.Timestamp == nil {
		return nil, api.InvalidArgumentException.Errorf("Timestamp is required for a shard filter of type %s.", f.Type)
	}
	if f.Type == api.ShardFilterTypeAtTimestamp {
		return openAt(at), nil
	}
	return func(sh *shard) bool { return sh.open() || sh.Closed.After(at) }, nil
}
