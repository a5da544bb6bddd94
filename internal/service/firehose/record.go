package firehose

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxBatch = 4 << 20 // bytes of the records of a request

// PutRecord keeps a record.
func (s *Service) PutRecord(ctx context.Context, call *aws.Call, in *api.PutRecordInput) (*api.PutRecordOutput, error) {
	encrypted, err := s.put(ctx, streamARN(call, in.DeliveryStreamName), []api.Record{*in.Record})
	if err != nil {
		return nil, err
	}
	return &api.PutRecordOutput{RecordId: recordID(), Encrypted: &encrypted}, nil
}

// PutRecordBatch keeps records, all or none.
func (s *Service) PutRecordBatch(ctx context.Context, call *aws.Call, in *api.PutRecordBatchInput) (*api.PutRecordBatchOutput, error) {
	size := 0
	for i := range in.Records {
		size += len(in.Records[i].Data)
	}
	if size > maxBatch {
		return nil, invalid("Records size exceeds 4 MB limit")
	}
	encrypted, err := s.put(ctx, streamARN(call, in.DeliveryStreamName), in.Records)
	if err != nil {
		return nil, err
	}
	out := &api.PutRecordBatchOutput{Encrypted: &encrypted, RequestResponses: make([]api.PutRecordBatchResponseEntry, len(in.Records))}
	for i := range out.RequestResponses {
		out.RequestResponses[i].RecordId = new(recordID())
	}
	return out, nil
}

// recordID names a record for who put it, and for nobody else.
func recordID() string {
	b := make([]byte, 168) // as long as AWS's
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// put keeps what a caller puts into a stream.
func (s *Service) put(ctx context.Context, arn aws.ARN, list []api.Record) (encrypted bool, err error) {
	now := time.Now()
	all := make([]record, len(list))
	for i := range list {
		all[i] = record{At: now, Data: list[i].Data}
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		if row.Type != api.DeliveryStreamTypeDirectPut {
			return invalid("This operation is not permitted on %s delivery stream type.", row.Type)
		}
		encrypted = row.Key != nil
		return s.begin(tx, arn, &row, all)
	})
	return encrypted, err
}

// begin puts records where their way through a stream begins.
func (s *Service) begin(tx *store.Tx, arn aws.ARN, row *stream, all []record) error {
	if len(row.processing()) > 0 {
		return s.add(tx, lineKey{Stream: arn, Kind: lineIn}, row, all)
	}
	if err := s.add(tx, lineKey{Stream: arn, Kind: lineOut}, row, all); err != nil {
		return err
	}
	return s.backUp(tx, arn, row, all)
}

// backUp puts records where they are kept as they came, if they are to be.
func (s *Service) backUp(tx *store.Tx, arn aws.ARN, row *stream, all []record) error {
	if row.backup() == nil {
		return nil
	}
	return s.add(tx, lineKey{Stream: arn, Kind: lineBackup}, row, all)
}

// backup is where all records of a stream are kept as they came, or nil.
func (row *stream) backup() *api.ExtendedS3DestinationConfiguration {
	switch {
	case row.HTTP != nil && aws.Value(row.HTTP.S3BackupMode) == api.HttpEndpointS3BackupModeAllData:
		return row.S3
	case row.HTTP == nil && aws.Value(row.S3.S3BackupMode) == api.S3BackupModeEnabled:
		return extended(row.S3.S3BackupConfiguration)
	}
	return nil
}

// receive answers deliveries to a stream: what comes is a record.
func receive(d *event.Delivery) (operation string, in any, err error) {
	return api.PutRecord.Name, &api.PutRecordInput{DeliveryStreamName: streamName(d.Target), Record: &api.Record{Data: d.Body}}, nil
}
