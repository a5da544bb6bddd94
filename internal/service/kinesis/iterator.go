package kinesis

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// iteratorLife is how long an iterator can be used.
const iteratorLife = 5 * time.Minute

// An iterator is a place in a shard to read past.
type iterator struct {
	stream aws.ARN
	shard  int
	after  store.Position
	made   time.Time
}

const iteratorVersion = 1

// String is the iterator as callers hold it. It gives no right to read.
func (it *iterator) String() string {
	b := []byte{iteratorVersion}
	b = binary.BigEndian.AppendUint64(b, uint64(it.made.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, it.after.Version)
	b = binary.BigEndian.AppendUint32(b, it.after.Index)
	b = binary.BigEndian.AppendUint32(b, uint32(it.shard))
	return base64.StdEncoding.EncodeToString(append(b, it.stream.String()...))
}

// parseIterator is the inverse of iterator.String.
func parseIterator(text string) (*iterator, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < 25 || b[0] != iteratorVersion {
		return nil, api.InvalidArgumentException.Errorf("Invalid ShardIterator.")
	}
	it := &iterator{
		made:  time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:]))),
		after: store.Position{Version: binary.BigEndian.Uint64(b[9:]), Index: binary.BigEndian.Uint32(b[17:])},
		shard: int(binary.BigEndian.Uint32(b[21:])),
	}
	if it.stream, err = aws.ParseARN(string(b[25:])); err != nil || it.stream.Service != "kinesis" {
		return nil, api.InvalidArgumentException.Errorf("Invalid ShardIterator.")
	}
	return it, nil
}

const amazonTime = "Mon Jan 02 15:04:05 UTC 2006"

// check refuses an iterator that is too old.
func (it *iterator) check(now time.Time) error {
	if now.Sub(it.made) <= iteratorLife {
		return nil
	}
	return api.ExpiredIteratorException.Errorf("Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
		it.made.UTC().Format(amazonTime), now.UTC().Format(amazonTime), iteratorLife.Milliseconds())
}

// GetShardIterator says where to begin to read a shard.
func (s *Service) GetShardIterator(ctx context.Context, call *aws.Call, in *api.GetShardIteratorInput) (*api.GetShardIteratorOutput, error) {
	if aws.Value(in.DryRun) {
		return nil, errAbsent("dry runs")
	}
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	it := &iterator{stream: arn, made: time.Now()}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		sh, err := row.find(arn, in.ShardId)
		if err != nil {
			return err
		}
		it.shard = sh.Number
		it.after, err = s.begin(tx, arn, &row, sh, place{in.ShardIteratorType, in.StartingSequenceNumber, in.Timestamp, "GetShardIterator"})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetShardIteratorOutput{ShardIterator: new(it.String())}, nil
}

// A place is where a caller wants to begin.
type place struct {
	kind      string // api.ShardIteratorTypeLatest …
	sequence  *string
	timestamp *time.Time
	operation string
}

// begin returns the position past which p begins in a shard.
func (s *Service) begin(tx *store.Tx, arn aws.ARN, row *stream, sh *shard, p place) (after store.Position, err error) {
	key := shardKey{arn, sh.Number}
	bySequence := p.kind == api.ShardIteratorTypeAtSequenceNumber || p.kind == api.ShardIteratorTypeAfterSequenceNumber
	if bySequence != (p.sequence != nil) {
		with := "no StartingSequenceNumber"
		if p.sequence != nil {
			with = "also a StartingSequenceNumber"
		}
		return after, api.InvalidArgumentException.Errorf("Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified %s and %s.", p.kind, with)
	}
	switch p.kind {
	case api.ShardIteratorTypeLatest:
		for at := range records.ScanReverse(tx, key, store.MaxPosition) {
			return at, nil
		}
	case api.ShardIteratorTypeAtTimestamp:
		now := time.Now()
		switch {
		case p.timestamp == nil:
			return after, api.InvalidArgumentException.Errorf("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
		case p.timestamp.After(now):
			return after, api.InvalidArgumentException.Errorf("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", p.timestamp.UnixMilli(), now.UnixMilli())
		}
		for at, r := range records.Scan(tx, key, store.Position{}) {
			if !r.At.Before(*p.timestamp) {
				break
			}
			after = at
		}
	}
	if !bySequence {
		return after, tx.Err()
	}
	at, _, ours := parseSequence(row, *p.sequence)
	if !ours || (*p.sequence)[:sequenceHead] != sequencePrefix(row.Created, sh.Number) {
		return after, api.InvalidArgumentException.Errorf("StartingSequenceNumber %s used in %s on shard %s in stream %s under account %s is invalid because it did not come from this stream.",
			*p.sequence, p.operation, sh.id(), streamName(arn), arn.Account)
	}
	if p.kind == api.ShardIteratorTypeAtSequenceNumber {
		return before(at), nil
	}
	return at, nil
}
