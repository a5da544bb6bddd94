package dynamodb

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	// outgoing has the changes that streams of Kinesis have not been told yet.
	outgoing = store.NewLog[outgoingKey, record]("dynamodb.kinesis")

	// tellings has a row for each stream that is told, or has not been told all.
	tellings = store.NewTable[outgoingKey, tellingRow]("dynamodb.telling")
)

// An outgoingKey is a table and a stream that is told its changes.
type outgoingKey struct{ Table, Stream aws.ARN }

type tellingRow struct {
	Micros bool `json:",omitempty"` // times are told so
	Ended  bool `json:",omitempty"` // there will be no more
}

// A destination is a stream of Kinesis that is told of each change of an item.
type destination struct {
	Region    string // of the replica whose changes they are
	Stream    aws.ARN
	Precision string `json:",omitempty"` // of times, if it was asked for
	Disabled  bool   `json:",omitempty"`
}

const (
	maxDestinations = 2 // that are enabled
	maxKinesisBatch = 500
	maxKinesisBytes = 4 << 20
	kinesisRetry    = time.Second
	microseconds    = "MICROSECOND"
)

// enabledTo yields the destinations of t that are enabled.
func (t *table) enabledTo(yield func(*destination) bool) {
	for i := range t.Kinesis {
		if !t.Kinesis[i].Disabled && !yield(&t.Kinesis[i]) {
			return
		}
	}
}

func parseKinesis(call *aws.Call, text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "kinesis" || arn.Account != call.Account || arn.Region != call.Region {
		return arn, refuse("Invalid StreamArn: " + text)
	}
	return arn, nil
}

// changeDestinations is changeTable for what in says of the stream that text
// names. change is given its destination, or nil.
func (s *Service) changeDestinations(ctx context.Context, call *aws.Call, name, text string, change func(*table, aws.ARN, *destination) error) error {
	arn, err := tableARN(call, name)
	if err != nil {
		return err
	}
	stream, err := parseKinesis(call, text)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := changeTable(tx, arn, func(t *table) error {
			var d *destination
			if i := slices.IndexFunc(t.Kinesis, func(d destination) bool { return d.Stream == stream }); i >= 0 {
				d = &t.Kinesis[i]
			}
			if err := change(t, stream, d); err != nil {
				return err
			}
			return t.setTellings(tx)
		})
		tx.AfterCommit(s.telling.Ring)
		return err
	})
}

// setTellings notes which streams are to be told of changes of t.
func (t *table) setTellings(tx *store.Tx) error {
	for _, d := range t.Kinesis {
		if err := tellings.Put(tx, outgoingKey{t.in(d.Region), d.Stream}, tellingRow{d.Precision == microseconds, d.Disabled}); err != nil {
			return err
		}
	}
	return nil
}

// EnableKinesisStreamingDestination begins to tell a stream of Kinesis of the
// changes of a table.
func (s *Service) EnableKinesisStreamingDestination(ctx context.Context, call *aws.Call, in *api.EnableKinesisStreamingDestinationInput) (*api.EnableKinesisStreamingDestinationOutput, error) {
	_, err := dispatch.CallChecked(ctx, s.table, call, kinesis.DescribeStreamSummary, &kinesis.DescribeStreamSummaryInput{StreamARN: &in.StreamArn})
	if err != nil {
		return nil, err
	}
	precision := aws.Value(aws.Value(in.EnableKinesisStreamingConfiguration).ApproximateCreationDateTimePrecision)
	err = s.changeDestinations(ctx, call, in.TableName, in.StreamArn, func(t *table, stream aws.ARN, d *destination) error {
		n := 0
		for d := range t.enabledTo {
			if d.Region == stream.Region {
				n++
			}
		}
		switch {
		case d != nil && !d.Disabled:
			return refuse("Table is not in a valid state to enable Kinesis Streaming Destination: Kinesis Streaming Destination is already enabled: " + stream.String())
		case n == maxDestinations:
			return api.LimitExceededException.With(nil, "Only 2 Kinesis streaming destinations are allowed per table: "+t.name())
		case d != nil:
			d.Precision, d.Disabled = precision, false
		default:
			t.Kinesis = append(t.Kinesis, destination{Region: stream.Region, Stream: stream, Precision: precision})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.EnableKinesisStreamingDestinationOutput{
		TableName: &in.TableName, StreamArn: &in.StreamArn, DestinationStatus: new("ENABLING"),
		EnableKinesisStreamingConfiguration: in.EnableKinesisStreamingConfiguration,
	}, nil
}

// errNotEnabled refuses to change a destination that is none.
func errNotEnabled(stream aws.ARN) error {
	return refuse("Table is not in a valid state to disable Kinesis Streaming Destination: No streaming destination found with streamArn: " + stream.String())
}

// DisableKinesisStreamingDestination ends that. What was changed before is told.
func (s *Service) DisableKinesisStreamingDestination(ctx context.Context, call *aws.Call, in *api.DisableKinesisStreamingDestinationInput) (*api.DisableKinesisStreamingDestinationOutput, error) {
	err := s.changeDestinations(ctx, call, in.TableName, in.StreamArn, func(t *table, stream aws.ARN, d *destination) error {
		if d == nil || d.Disabled {
			return errNotEnabled(stream)
		}
		d.Disabled = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DisableKinesisStreamingDestinationOutput{TableName: &in.TableName, StreamArn: &in.StreamArn, DestinationStatus: new("DISABLING")}, nil
}

// UpdateKinesisStreamingDestination changes how a stream is told.
func (s *Service) UpdateKinesisStreamingDestination(ctx context.Context, call *aws.Call, in *api.UpdateKinesisStreamingDestinationInput) (*api.UpdateKinesisStreamingDestinationOutput, error) {
	precision := aws.Value(aws.Value(in.UpdateKinesisStreamingConfiguration).ApproximateCreationDateTimePrecision)
	if precision == "" {
		return nil, refuse("Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain only null values")
	}
	err := s.changeDestinations(ctx, call, in.TableName, in.StreamArn, func(t *table, stream aws.ARN, d *destination) error {
		switch {
		case d == nil || d.Disabled:
			return errNotEnabled(stream)
		case d.Precision == precision:
			return refuse("Invalid Request: Precision is already set to the desired value of " + precision + " for tableName: " + t.name() + ", streamArn: " + stream.String())
		}
		d.Precision = precision
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateKinesisStreamingDestinationOutput{
		TableName: &in.TableName, StreamArn: &in.StreamArn, DestinationStatus: new("UPDATING"), UpdateKinesisStreamingConfiguration: in.UpdateKinesisStreamingConfiguration,
	}, nil
}

// DescribeKinesisStreamingDestination tells which streams are told.
func (s *Service) DescribeKinesisStreamingDestination(ctx context.Context, call *aws.Call, in *api.DescribeKinesisStreamingDestinationInput) (*api.DescribeKinesisStreamingDestinationOutput, error) {
	t, err := s.viewTable(ctx, call, in.TableName)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeKinesisStreamingDestinationOutput{TableName: new(t.name()), KinesisDataStreamDestinations: []api.KinesisDataStreamDestination{}}
	for _, d := range t.Kinesis {
		if d.Region != t.arn.Region {
			continue
		}
		status := "ACTIVE"
		if d.Disabled {
			status = "DISABLED"
		}
		desc := api.KinesisDataStreamDestination{StreamArn: new(d.Stream.String()), DestinationStatus: &status}
		if d.Precision != "" {
			desc.ApproximateCreationDateTimePrecision = &d.Precision
		}
		out.KinesisDataStreamDestinations = append(out.KinesisDataStreamDestinations, desc)
	}
	return out, nil
}

// tellKinesis notes what w has changed for the streams that are told of it.
func (s *Service) tellKinesis(tx *store.Tx, w *write, r record) error {
	for d := range w.t.enabledTo {
		r.new, r.old = w.new, w.old
		if _, err := outgoing.Append(tx, outgoingKey{w.t.in(d.Region), d.Stream}, r); err != nil {
			return err
		}
		tx.AfterCommit(s.telling.Ring)
	}
	return nil
}

// tellAll tells streams what they have not been told.
func (s *Service) tellAll(ctx context.Context) (time.Duration, error) {
	list := make(map[outgoingKey]tellingRow)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		clear(list)
		for key, row := range tellings.Scan(tx, outgoingKey{}) {
			list[key] = row
		}
		return tx.Err()
	})
	if err != nil {
		return 0, err
	}
	next := idle
	for key, row := range list {
		if err := s.tell(ctx, key, row); err != nil {
			if ctx.Err() != nil || aws.Refusal(err).Status == 0 {
				return 0, err
			}
			next = kinesisRetry // the stream is not there, or throttles
		}
	}
	return next, nil
}

// tell tells one stream all that it has not been told.
func (s *Service) tell(ctx context.Context, key outgoingKey, row tellingRow) error {
	for {
		var last store.Position
		var oldest time.Time
		in := &kinesis.PutRecordsInput{StreamARN: new(key.Stream.String())}
		err := s.db.View(ctx, func(tx *store.Tx) error {
			in.Records, last = nil, store.Position{}
			size := 0
			for at, r := range outgoing.Scan(tx, key, store.Position{}) {
				if len(in.Records) == 0 {
					oldest = r.at
				}
				b := r.json(key.Table, row.Micros)
				sum := item.Hash(slices.Collect(values(r.keys))...)
				in.Records = append(in.Records, kinesis.PutRecordsRequestEntry{Data: b, PartitionKey: new(hex.EncodeToString(sum[:]))})
				last = at
				if size += len(b); len(in.Records) == maxKinesisBatch || size > maxKinesisBytes {
					break
				}
			}
			return tx.Err()
		})
		if err != nil {
			return err
		}
		if len(in.Records) == 0 {
			return s.endTelling(ctx, key, row)
		}
		out, err := dispatch.Call(ctx, s.table, asAccount(key.Table), kinesis.PutRecords, in)
		if err == nil && aws.Value(out.FailedRecordCount) > 0 {
			err = api.LimitExceededException.With(nil, "The stream "+key.Stream.String()+" takes no more records.")
		}
		if err != nil && time.Since(oldest) < recordLife {
			return err
		}
		err = s.db.Update(ctx, func(tx *store.Tx) error { return outgoing.Trim(tx, key, last) })
		if err != nil {
			return err
		}
	}
}

// endTelling forgets a stream that has been told all it ever will be.
func (s *Service) endTelling(ctx context.Context, key outgoingKey, row tellingRow) error {
	if !row.Ended {
		return nil
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := tellings.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && !row.Ended {
			return nil // begun again
		}
		if err != nil {
			return err
		}
		return tellings.Delete(tx, key)
	})
}

// values yields the values of it.
func values(it item.Item) func(func(item.Value) bool) {
	return func(yield func(item.Value) bool) {
		for _, v := range it.All {
			if !yield(v) {
				return
			}
		}
	}
}

// asAccount is the call of the account of a resource itself, as which AWS acts
// there by a role of its own.
func asAccount(of aws.ARN) *aws.Call {
	call := aws.ServiceCall("dynamodb", of)
	call.Principal = aws.Principal{Kind: aws.Root, ARN: "arn:aws:iam::" + of.Account + ":root", ID: of.Account, Account: of.Account}
	return call
}

// json is r as streams of Kinesis are told it.
func (r *record) json(table aws.ARN, micros bool) []byte {
	at := r.at.UnixMilli()
	precision := ""
	if micros {
		at, precision = r.at.UnixMicro(), "MICROSECOND"
	}
	raw := func(it item.Item) json.RawMessage {
		if it == nil {
			return nil
		}
		return it.AppendJSON(nil)
	}
	type change struct {
		At        int64           `json:"ApproximateCreationDateTime"`
		Keys      json.RawMessage `json:"Keys"`
		New       json.RawMessage `json:"NewImage,omitempty"`
		Old       json.RawMessage `json:"OldImage,omitempty"`
		Size      int             `json:"SizeBytes"`
		Precision string          `json:"ApproximateCreationDateTimePrecision,omitempty"`
	}
	var who any
	if r.actor != "" {
		who = map[string]string{"principalId": r.actor, "type": "Service"}
	}
	b, err := json.Marshal(struct {
		Region string `json:"awsRegion"`
		ID     string `json:"eventID"`
		Name   string `json:"eventName"`
		Who    any    `json:"userIdentity"`
		Format string `json:"recordFormat"`
		Table  string `json:"tableName"`
		Change change `json:"dynamodb"`
		Source string `json:"eventSource"`
	}{
		table.Region, newUUID(), eventNames[r.event], who, "application/json", tableName(table),
		change{at, raw(r.keys), raw(r.new), raw(r.old), r.keys.Size() + r.new.Size() + r.old.Size(), precision}, "aws:dynamodb",
	})
	if err != nil {
		panic("dynamodb: " + err.Error()) // all of it is ours
	}
	return b
}
