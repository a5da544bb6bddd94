package dynamodb

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodbstreams"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Streams is DynamoDB Streams: an API of its own, for readers of streams.
func (s *Service) Streams() service.Definition {
	return service.Definition{
		API:    api.API,
		Policy: s.policyOf,
		Epoch:  s.policies.Load,
		Operations: []service.Operation{
			service.OpEach(api.ListStreams, s.ListStreams, func(call *aws.Call, in *api.ListStreamsInput, check func(service.Access) error) error {
				return check(service.Access{Action: "dynamodb:ListStreams", Resource: call.ARN("dynamodb", tableKind+aws.Or(in.TableName, "*")+streamKind+"*")})
			}),
			onStream(api.DescribeStream, s.DescribeStream),
			onStream(api.GetShardIterator, s.GetShardIterator),
			service.OpEach(api.GetRecords, s.GetRecords, recordsAccess),
		},
	}
}

// onStream is the row of an operation on one stream.
func onStream[In, Out any, P interface {
	*In
	GetStreamArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := parseStream(P(in).GetStreamArn())
		if err != nil {
			return err
		}
		return check(service.Access{Action: "dynamodb:" + op.Name, Resource: arn})
	})
}

func recordsAccess(_ *aws.Call, in *api.GetRecordsInput, check func(service.Access) error) error {
	it, err := parseIterator(in.ShardIterator)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "dynamodb:GetRecords", Resource: it.stream})
}

func parseStream(text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "dynamodb" || !strings.Contains(arn.Resource, streamKind) {
		return arn, refuse("Invalid StreamArn")
	}
	return arn, nil
}

func errNoStream(arn aws.ARN) error {
	return api.ResourceNotFoundException.With(nil, "Requested resource not found: Stream: "+arn.String()+" not found")
}

func findStream(tx *store.Tx, arn aws.ARN) (streamRow, error) {
	row, err := streams.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, errNoStream(arn)
	}
	return row, err
}

const (
	maxStreams = 100
	maxShards  = 100
	maxRecords = 1000
	maxBatch   = 1 << 20 // bytes of records
)

// ListStreams lists the streams of a table, or of all.
func (s *Service) ListStreams(ctx context.Context, call *aws.Call, in *api.ListStreamsInput) (*api.ListStreamsOutput, error) {
	limit := int(min(aws.Or(in.Limit, maxStreams), maxStreams))
	after := call.ARN("dynamodb", tableKind)
	if in.ExclusiveStartStreamArn != nil {
		var err error
		if after, err = parseStream(*in.ExclusiveStartStreamArn); err != nil {
			return nil, err
		}
	}
	out := &api.ListStreamsOutput{Streams: []api.Stream{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for arn, row := range streams.ScanAfter(tx, call.ARN("dynamodb", ""), after) {
			if in.TableName != nil && row.Table != *in.TableName {
				continue
			}
			if len(out.Streams) == limit {
				out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
				break
			}
			out.Streams = append(out.Streams, api.Stream{StreamArn: new(arn.String()), TableName: &row.Table, StreamLabel: new(label(arn))})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func label(arn aws.ARN) string {
	_, label, _ := strings.Cut(arn.Resource, streamKind)
	return label
}

// DescribeStream tells all about a stream and its shards.
func (s *Service) DescribeStream(ctx context.Context, call *aws.Call, in *api.DescribeStreamInput) (*api.DescribeStreamOutput, error) {
	arn, err := parseStream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	if f := in.ShardFilter; f != nil && (f.Type == nil || f.ShardId == nil) {
		return nil, refuse(invalid + "ShardFilter needs both Type and ShardId")
	}
	var row streamRow
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err = findStream(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	d := &api.StreamDescription{
		StreamArn: new(arn.String()), StreamLabel: new(label(arn)), StreamStatus: new("ENABLED"), StreamViewType: &row.View,
		CreationRequestDateTime: &row.Created, TableName: &row.Table, Shards: []api.Shard{},
	}
	for _, e := range row.Key.describe() {
		d.KeySchema = append(d.KeySchema, api.KeySchemaElement{AttributeName: e.AttributeName, KeyType: e.KeyType})
	}
	if !row.Closed.IsZero() {
		d.StreamStatus = new("DISABLED")
	}
	limit := int(aws.Or(in.Limit, maxShards))
	for _, sh := range row.sorted() {
		if sh.ID <= aws.Value(in.ExclusiveStartShardId) || in.ShardFilter != nil && sh.Parent != *in.ShardFilter.ShardId {
			continue
		}
		if len(d.Shards) == limit {
			d.LastEvaluatedShardId = d.Shards[limit-1].ShardId
			break
		}
		d.Shards = append(d.Shards, sh.describe())
	}
	return &api.DescribeStreamOutput{StreamDescription: d}, nil
}

// sorted returns the shards in order of their ids, which is that of time.
func (r *streamRow) sorted() []shard {
	return slices.SortedFunc(slices.Values(r.Shards), func(a, b shard) int { return strings.Compare(a.ID, b.ID) })
}

func (sh *shard) describe() api.Shard {
	d := api.Shard{ShardId: &sh.ID, SequenceNumberRange: &api.SequenceNumberRange{StartingSequenceNumber: new(sequence(sh.Start))}}
	if sh.Parent != "" {
		d.ParentShardId = &sh.Parent
	}
	if !sh.Closed.IsZero() {
		d.SequenceNumberRange.EndingSequenceNumber = new(sequence(sh.Last))
	}
	return d
}

// sequence is the sequence number of a record. It begins with a digit that
// keeps its zeros, for clients that read it as a number.
func sequence(p store.Position) string { return "1" + p.String() }

func parseSequence(text string) (store.Position, error) {
	rest, ok := strings.CutPrefix(text, "1")
	p, err := store.ParsePosition(rest)
	if !ok || err != nil {
		return p, refuse("Invalid SequenceNumber: " + text)
	}
	return p, nil
}

// An iterator is a place in a shard.
type iterator struct {
	stream aws.ARN
	shard  string
	after  store.Position // the next record is the first past it
	made   time.Time
}

// iteratorLife is how long an iterator can be used.
const iteratorLife = 15 * time.Minute

func (it iterator) String() string {
	fields := []string{it.shard, it.after.String(), strconv.FormatInt(it.made.UnixMilli(), 10)}
	return it.stream.String() + "|1|" + base64.StdEncoding.EncodeToString([]byte(strings.Join(fields, "|")))
}

func parseIterator(text string) (iterator, error) {
	arn, rest, _ := strings.Cut(text, "|1|")
	b, err := base64.StdEncoding.DecodeString(rest)
	fields := strings.Split(string(b), "|")
	var it iterator
	if err != nil || len(fields) != 3 {
		return it, refuse("Invalid ShardIterator")
	}
	ms, err1 := strconv.ParseInt(fields[2], 10, 64)
	after, err2 := store.ParsePosition(fields[1])
	stream, err3 := parseStream(arn)
	if err := errors.Join(err1, err2, err3); err != nil {
		return it, refuse("Invalid ShardIterator")
	}
	return iterator{stream, fields[0], after, time.UnixMilli(ms)}, nil
}

// GetShardIterator returns where to begin to read a shard.
func (s *Service) GetShardIterator(ctx context.Context, call *aws.Call, in *api.GetShardIteratorInput) (*api.GetShardIteratorOutput, error) {
	arn, err := parseStream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	it := iterator{stream: arn, shard: in.ShardId, made: time.Now()}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		sh := row.find(in.ShardId)
		if sh == nil {
			return errNoShard
		}
		it.after, err = place(tx, shardKey{arn, sh.ID}, in)
		if err == nil && in.SequenceNumber != nil {
			err = sh.checkTrimmed(it.after)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetShardIteratorOutput{ShardIterator: new(it.String())}, nil
}

var errNoShard = api.ResourceNotFoundException.With(nil, "Requested resource not found: Shard does not exist")

// checkTrimmed refuses to go on after a record that has been forgotten, as there
// may have been others since that have been forgotten too.
func (sh *shard) checkTrimmed(after store.Position) error {
	if after.Version < sh.Trimmed.Version || after.Version == sh.Trimmed.Version && after.Index < sh.Trimmed.Index {
		return api.TrimmedDataAccessException.With(nil, "The operation attempted to read past the oldest stream record in a shard.")
	}
	return nil
}

// place returns the position before the first record that in asks for.
func place(tx *store.Tx, key shardKey, in *api.GetShardIteratorInput) (store.Position, error) {
	var none store.Position
	if in.SequenceNumber != nil && !strings.HasSuffix(in.ShardIteratorType, "SEQUENCE_NUMBER") {
		return none, refuse("SequenceNumber must not be specified for ShardIteratorType " + in.ShardIteratorType)
	}
	switch in.ShardIteratorType {
	case "LATEST":
		for at := range records.ScanReverse(tx, key, store.MaxPosition) {
			return at, nil
		}
		return none, nil
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		if in.SequenceNumber == nil {
			return none, refuse("SequenceNumber must be specified for ShardIteratorType " + in.ShardIteratorType)
		}
		p, err := parseSequence(*in.SequenceNumber)
		if err != nil || in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" || p == none {
			return p, err
		}
		return before(p), nil
	case "AT_TIMESTAMP":
		return placeAt(tx, key, aws.Value(in.Timestamp)), nil
	}
	return none, nil
}

// before is the position just before p.
func before(p store.Position) store.Position {
	if p.Index > 0 {
		return store.Position{Version: p.Version, Index: p.Index - 1}
	}
	return store.Position{Version: p.Version - 1, Index: store.MaxPosition.Index}
}

// placeAt is the position before the first record of at or later.
func placeAt(tx *store.Tx, key shardKey, at time.Time) store.Position {
	var last store.Position
	for p, r := range records.Scan(tx, key, store.Position{}) {
		if !r.at.Before(at) {
			break
		}
		last = p
	}
	return last
}

// GetRecords returns what comes next in a shard.
func (s *Service) GetRecords(ctx context.Context, call *aws.Call, in *api.GetRecordsInput) (*api.GetRecordsOutput, error) {
	it, err := parseIterator(in.ShardIterator)
	if err != nil {
		return nil, err
	}
	if time.Since(it.made) > iteratorLife {
		return nil, api.ExpiredIteratorException.With(nil, "Iterator expired. The iterator was created at time "+it.made.UTC().Format(time.RFC1123)+
			" while right now it is "+time.Now().UTC().Format(time.RFC1123)+" which is further in the future than the tolerated delay of 900000 milliseconds.")
	}
	limit := int(aws.Or(in.Limit, maxRecords))
	if limit > maxRecords {
		return nil, refusef("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000", limit)
	}
	out := &api.GetRecordsOutput{Records: []api.Record{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, it.stream)
		if err != nil {
			return err
		}
		if err := s.checkStreamKey(tx, it.stream, &row); err != nil {
			return err
		}
		sh := row.find(it.shard)
		if sh == nil {
			return errNoShard
		}
		if it.after != (store.Position{}) {
			if err := sh.checkTrimmed(it.after); err != nil {
				return err
			}
		}
		size, more := 0, false
		for p, r := range records.Scan(tx, shardKey{it.stream, it.shard}, it.after) {
			if more = len(out.Records) == limit || size >= maxBatch; more {
				break
			}
			rec := r.describe(it.stream, row.View, p)
			size += int(*rec.Dynamodb.SizeBytes)
			out.Records = append(out.Records, rec)
			it.after = p
		}
		it.made = time.Now()
		if more || sh.Closed.IsZero() {
			out.NextShardIterator = new(it.String())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkStreamKey refuses to read a stream without the key of its table.
func (s *Service) checkStreamKey(tx *store.Tx, arn aws.ARN, row *streamRow) error {
	arn.Resource = tableKind + row.Table
	t, err := s.lookTable(tx, arn)
	if errors.Is(err, errNoResource) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.checkKey(tx, t)
}

// describe tells of r, which is at p.
func (r *record) describe(arn aws.ARN, view string, p store.Position) api.Record {
	id := md5.Sum([]byte(arn.Resource + p.String()))
	rec := api.Record{
		EventID:      new(hex.EncodeToString(id[:])),
		EventName:    new(eventNames[r.event]),
		EventVersion: new("1.1"),
		EventSource:  new("aws:dynamodb"),
		AwsRegion:    &arn.Region,
		Dynamodb: &api.StreamRecord{
			ApproximateCreationDateTime: new(r.at.Truncate(time.Second)),
			Keys:                        r.keys,
			NewImage:                    r.new,
			OldImage:                    r.old,
			SequenceNumber:              new(sequence(p)),
			SizeBytes:                   new(int64(r.keys.Size() + r.new.Size() + r.old.Size())),
			StreamViewType:              &view,
		},
	}
	if r.actor != "" {
		rec.UserIdentity = &api.Identity{Type: new("Service"), PrincipalId: &r.actor}
	}
	return rec
}
