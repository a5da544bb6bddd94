package firehose

import (
	"context"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/store"
)

const usualListed = 10

// CreateDeliveryStream makes a delivery stream, which works at once.
func (s *Service) CreateDeliveryStream(ctx context.Context, call *aws.Call, in *api.CreateDeliveryStreamInput) (*api.CreateDeliveryStreamOutput, error) {
	row, err := newStream(in, time.Now())
	if err != nil {
		return nil, err
	}
	arn := streamARN(call, in.DeliveryStreamName)
	if err := s.sealAccess(arn, row); err != nil {
		return nil, err
	}
	for _, role := range rolesOf(in) {
		if err := s.checkRole(ctx, arn, role); err != nil {
			return nil, err
		}
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		there, err := streams.Has(tx, arn)
		if err != nil {
			return err
		}
		if there {
			return api.ResourceInUseException.Errorf("Firehose %s under accountId %s already exists", in.DeliveryStreamName, call.Account)
		}
		if row.Source != nil {
			s.sources.Changed(tx, arn)
		}
		return streams.Put(tx, arn, *row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDeliveryStreamOutput{DeliveryStreamARN: new(arn.String())}, nil
}

// newStream checks what a stream is to be.
func newStream(in *api.CreateDeliveryStreamInput, now time.Time) (*stream, error) {
	row := &stream{Type: aws.Or(in.DeliveryStreamType, api.DeliveryStreamTypeDirectPut), Created: now, Version: 1, Source: in.KinesisStreamSourceConfiguration, Key: in.DeliveryStreamEncryptionConfigurationInput}
	switch row.Type {
	case api.DeliveryStreamTypeDirectPut:
		if row.Source != nil {
			return nil, invalid("KinesisSourceStreamConfig is only applicable for KinesisStreamAsSource stream type.")
		}
	case api.DeliveryStreamTypeKinesisStreamAsSource:
		if row.Source == nil {
			return nil, invalid("KinesisSourceStreamConfig is required for KinesisStreamAsSource stream type.")
		}
		if row.Key != nil {
			return nil, invalid("DeliveryStreamEncryptionConfigurationInput is only applicable for DirectPut stream type.")
		}
	default:
		return nil, errAbsent("delivery streams of the type " + row.Type)
	}
	if in.DirectPutSourceConfiguration != nil {
		row.Hint = &in.DirectPutSourceConfiguration.ThroughputHintInMBs
	}
	if err := row.setDestination(in); err != nil {
		return nil, err
	}
	if err := row.check(); err != nil {
		return nil, err
	}
	return row, row.addTags(in.Tags)
}

// checkRole refuses a role that Firehose may not act as.
func (s *Service) checkRole(ctx context.Context, arn aws.ARN, role string) error {
	if _, err := s.as(ctx, arn, role); err != nil {
		if aws.Refusal(err) == nil {
			return err
		}
		return invalid("Firehose is unable to assume role %s. Please check the role provided.", role)
	}
	return nil
}

// DescribeDeliveryStream returns all that a stream is.
func (s *Service) DescribeDeliveryStream(ctx context.Context, call *aws.Call, in *api.DescribeDeliveryStreamInput) (*api.DescribeDeliveryStreamOutput, error) {
	arn := streamARN(call, in.DeliveryStreamName)
	var row stream
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findStream(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.DeliveryStreamDescription{
		DeliveryStreamName: in.DeliveryStreamName, DeliveryStreamARN: arn.String(), DeliveryStreamStatus: api.DeliveryStreamStatusActive,
		DeliveryStreamType: row.Type, VersionId: strconv.Itoa(row.Version), CreateTimestamp: &row.Created,
		DeliveryStreamEncryptionConfiguration: &api.DeliveryStreamEncryptionConfiguration{Status: new(api.DeliveryStreamEncryptionStatusDisabled)},
		Destinations:                          []api.DestinationDescription{row.describe()},
	}
	if row.Key != nil {
		out.DeliveryStreamEncryptionConfiguration = &api.DeliveryStreamEncryptionConfiguration{
			KeyARN: row.Key.KeyARN, KeyType: &row.Key.KeyType, Status: new(api.DeliveryStreamEncryptionStatusEnabled),
		}
	}
	if !row.Updated.IsZero() {
		out.LastUpdateTimestamp = &row.Updated
	}
	if row.Source != nil {
		out.Source = &api.SourceDescription{KinesisStreamSourceDescription: &api.KinesisStreamSourceDescription{
			KinesisStreamARN: &row.Source.KinesisStreamARN, RoleARN: &row.Source.RoleARN, DeliveryStartTimestamp: &row.Created,
		}}
	}
	if row.Hint != nil {
		out.Source = &api.SourceDescription{DirectPutSourceDescription: &api.DirectPutSourceDescription{ThroughputHintInMBs: row.Hint}}
	}
	return &api.DescribeDeliveryStreamOutput{DeliveryStreamDescription: out}, nil
}

// ListDeliveryStreams lists the names of streams, in order.
func (s *Service) ListDeliveryStreams(ctx context.Context, call *aws.Call, in *api.ListDeliveryStreamsInput) (*api.ListDeliveryStreamsOutput, error) {
	var out *api.ListDeliveryStreamsOutput
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		out = &api.ListDeliveryStreamsOutput{DeliveryStreamNames: []string{}}
		after := streamARN(call, aws.Value(in.ExclusiveStartDeliveryStreamName))
		for arn, row := range streams.ScanAfter(tx, call.ARN("firehose", ""), after) {
			if in.DeliveryStreamType != nil && row.Type != *in.DeliveryStreamType {
				continue
			}
			if len(out.DeliveryStreamNames) == int(aws.Or(in.Limit, usualListed)) {
				out.HasMoreDeliveryStreams = true
				break
			}
			out.DeliveryStreamNames = append(out.DeliveryStreamNames, streamName(arn))
		}
		return nil
	})
	return out, err
}

// DeleteDeliveryStream deletes a stream, and what it has not delivered yet.
func (s *Service) DeleteDeliveryStream(ctx context.Context, call *aws.Call, in *api.DeleteDeliveryStreamInput) (*api.DeleteDeliveryStreamOutput, error) {
	arn := streamARN(call, in.DeliveryStreamName)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		if row.Source != nil {
			s.sources.Changed(tx, arn)
			if err := poll.Forget(tx, arn); err != nil {
				return err
			}
		}
		if err := records.DeletePrefix(tx, lineKey{Stream: arn}); err != nil {
			return err
		}
		if err := partitions.DeletePrefix(tx, lineKey{Stream: arn}); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.forget(arn) })
		return streams.Delete(tx, arn)
	})
	return &api.DeleteDeliveryStreamOutput{}, err
}

// StartDeliveryStreamEncryption notes the key that records are encrypted with.
func (s *Service) StartDeliveryStreamEncryption(ctx context.Context, call *aws.Call, in *api.StartDeliveryStreamEncryptionInput) (*api.StartDeliveryStreamEncryptionOutput, error) {
	err := s.change(ctx, call, in.DeliveryStreamName, func(_ *store.Tx, _ aws.ARN, row *stream) error {
		if row.Source != nil {
			return invalid("Encryption is only supported for DirectPut delivery streams.")
		}
		row.Key = in.DeliveryStreamEncryptionConfigurationInput
		if row.Key == nil {
			row.Key = &api.DeliveryStreamEncryptionConfigurationInput{KeyType: api.KeyTypeAwsOwnedCmk}
		}
		return nil
	})
	return &api.StartDeliveryStreamEncryptionOutput{}, err
}

// StopDeliveryStreamEncryption forgets the key.
func (s *Service) StopDeliveryStreamEncryption(ctx context.Context, call *aws.Call, in *api.StopDeliveryStreamEncryptionInput) (*api.StopDeliveryStreamEncryptionOutput, error) {
	err := s.change(ctx, call, in.DeliveryStreamName, func(_ *store.Tx, _ aws.ARN, row *stream) error {
		row.Key = nil
		return nil
	})
	return &api.StopDeliveryStreamEncryptionOutput{}, err
}
