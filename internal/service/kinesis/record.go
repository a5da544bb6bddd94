package kinesis

import (
	"cmp"
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	usualKiB   = 1024     // of a record's data, unless its stream takes more
	mostKiB    = 2046     // that a stream can take: a row of the store has 2 MiB
	maxRecords = 10 << 20 // bytes of the data and keys of a request
)

// An incoming is a record on its way into a stream.
type incoming struct {
	hash   string
	record record
	shard  int             // where it went
	at     *store.Position // and where there, once it is kept

	refused error // why the shard does not take it
}

// newIncoming checks a record.
func newIncoming(partitionKey, explicit *string, data []byte, now time.Time) (incoming, error) {
	if partitionKey == nil {
		return incoming{}, api.ValidationException.Errorf("1 validation error detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not be null")
	}
	in := incoming{hash: hashKey(*partitionKey), record: record{At: now, Key: *partitionKey, Data: data}}
	if explicit == nil {
		return in, nil
	}
	var err error
	in.hash, err = parseHashKey(*explicit, "ExplicitHashKey")
	return in, err
}

// checkSize refuses a record that is larger than those of its stream may be.
func (s *stream) checkSize(r *record) error {
	if most := int(cmp.Or(s.MaxKiB, usualKiB)) << 10; len(r.Data) > most {
		return api.ValidationException.Errorf("1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have length less than or equal to %d", most)
	}
	return nil
}

// put keeps records in the shards that have their hash keys, but for those that
// a shard cannot take now.
func (s *Service) put(ctx context.Context, arn aws.ARN, all []incoming) (row stream, err error) {
	admitted := false
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if row, err = findStream(tx, arn); err != nil {
			return err
		}
		for i := range all {
			if err := row.checkSize(&all[i].record); err != nil {
				return err
			}
		}
		if !admitted {
			s.admit(arn, &row, all)
			admitted = true
		}
		for i := range all {
			in := &all[i]
			if in.refused != nil {
				continue
			}
			in.shard = row.shardFor(in.hash).Number
			if in.at, err = records.Append(tx, shardKey{arn, in.shard}, in.record); err != nil {
				return err
			}
		}
		tx.Notify(topic(arn))
		return nil
	})
	return row, err
}

// PutRecord keeps a record.
func (s *Service) PutRecord(ctx context.Context, call *aws.Call, in *api.PutRecordInput) (*api.PutRecordOutput, error) {
	if aws.Value(in.DryRun) {
		return nil, errAbsent("dry runs")
	}
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	r, err := newIncoming(in.PartitionKey, in.ExplicitHashKey, in.Data, time.Now())
	if err != nil {
		return nil, err
	}
	all := []incoming{r}
	row, err := s.put(ctx, arn, all)
	if err != nil {
		return nil, err
	}
	if err := all[0].refused; err != nil {
		return nil, err
	}
	return &api.PutRecordOutput{ShardId: shardID(all[0].shard), SequenceNumber: sequenceNumber(&row, all[0].shard, *all[0].at), EncryptionType: encrypted(&row)}, nil
}

// encrypted is api.EncryptionTypeKms of streams that say so.
func encrypted(row *stream) *string {
	if row.Key == "" {
		return nil
	}
	return row.encryption()
}

// PutRecords keeps records, all at once.
func (s *Service) PutRecords(ctx context.Context, call *aws.Call, in *api.PutRecordsInput) (*api.PutRecordsOutput, error) {
	if aws.Value(in.DryRun) {
		return nil, errAbsent("dry runs")
	}
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	now, size := time.Now(), 0
	all := make([]incoming, len(in.Records))
	for i := range in.Records {
		e := &in.Records[i]
		size += len(e.Data) + len(aws.Value(e.PartitionKey))
		if all[i], err = newIncoming(e.PartitionKey, e.ExplicitHashKey, e.Data, now); err != nil {
			return nil, err
		}
	}
	if size > maxRecords {
		return nil, api.InvalidArgumentException.Errorf("Records size exceeds 10 MB limit")
	}
	row, err := s.put(ctx, arn, all)
	if err != nil {
		return nil, err
	}
	out := &api.PutRecordsOutput{FailedRecordCount: new(int32(0)), EncryptionType: encrypted(&row), Records: make([]api.PutRecordsResultEntry, len(all))}
	for i := range all {
		if err := all[i].refused; err != nil {
			refusal := aws.Refusal(err)
			*out.FailedRecordCount++
			out.Records[i] = api.PutRecordsResultEntry{ErrorCode: &refusal.Code, ErrorMessage: &refusal.Message}
			continue
		}
		out.Records[i] = api.PutRecordsResultEntry{ShardId: new(shardID(all[i].shard)), SequenceNumber: new(sequenceNumber(&row, all[i].shard, *all[i].at))}
	}
	return out, nil
}

// receive answers deliveries to streams.
func receive(d *event.Delivery) (operation string, in any, err error) {
	key := d.Params[event.PartitionKey]
	if key == "" {
		key = aws.NewRequestID()
	}
	return api.PutRecord.Name, &api.PutRecordInput{StreamARN: new(d.Target.String()), Data: d.Body, PartitionKey: &key}, nil
}
