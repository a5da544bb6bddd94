package s3

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Tools that manage a bucket read all that could be said of it. What cannot be
// said here yet is answered as AWS answers where nothing was said: the
// operations that would say it are refused, so this is the truth.

// need refuses a bucket that is not there, or returns missing.
func (s *Service) need(ctx context.Context, name string, expectedOwner *string, missing error) error {
	_, err := s.settingsOf(ctx, name, expectedOwner)
	if err != nil {
		return err
	}
	return missing
}

// GetBucketReplication says that there is none.
func (s *Service) GetBucketReplication(ctx context.Context, call *aws.Call, in *api.GetBucketReplicationInput) (*api.GetBucketReplicationOutput, error) {
	return nil, s.need(ctx, in.Bucket, in.ExpectedBucketOwner, api.ReplicationConfigurationNotFoundError.With(
		&api.ReplicationConfigurationNotFoundErrorDetail{BucketName: in.Bucket}, "The replication configuration was not found"))
}

// GetBucketLogging says that nothing is logged.
func (s *Service) GetBucketLogging(ctx context.Context, call *aws.Call, in *api.GetBucketLoggingInput) (*api.GetBucketLoggingOutput, error) {
	return &api.GetBucketLoggingOutput{}, s.need(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
}

// GetBucketAccelerateConfiguration says that nothing is accelerated.
func (s *Service) GetBucketAccelerateConfiguration(ctx context.Context, call *aws.Call, in *api.GetBucketAccelerateConfigurationInput) (*api.GetBucketAccelerateConfigurationOutput, error) {
	return &api.GetBucketAccelerateConfigurationOutput{}, s.need(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
}

// GetBucketRequestPayment says that the owner pays.
func (s *Service) GetBucketRequestPayment(ctx context.Context, call *aws.Call, in *api.GetBucketRequestPaymentInput) (*api.GetBucketRequestPaymentOutput, error) {
	return &api.GetBucketRequestPaymentOutput{Payer: new(api.PayerBucketOwner)}, s.need(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
}
