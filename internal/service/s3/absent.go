package s3

import (
	"context"
	"strings"

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

// PutBucketAccelerateConfiguration says whether a bucket may be reached by a
// nearer host. Here all hosts are as near, and answer.
func (s *Service) PutBucketAccelerateConfiguration(ctx context.Context, call *aws.Call, in *api.PutBucketAccelerateConfigurationInput) (*api.PutBucketAccelerateConfigurationOutput, error) {
	status := aws.Value(aws.Value(in.AccelerateConfiguration).Status)
	switch {
	case status != api.BucketAccelerateStatusEnabled && status != api.BucketAccelerateStatusSuspended:
		return nil, errMalformed()
	case strings.Contains(in.Bucket, "."):
		return nil, api.InvalidRequest.Errorf("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
	}
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.Accelerate = status })
	return &api.PutBucketAccelerateConfigurationOutput{}, err
}

// GetBucketAccelerateConfiguration returns what was said of that.
func (s *Service) GetBucketAccelerateConfiguration(ctx context.Context, call *aws.Call, in *api.GetBucketAccelerateConfigurationInput) (*api.GetBucketAccelerateConfigurationOutput, error) {
	out := new(api.GetBucketAccelerateConfigurationOutput)
	c, err := s.settingsOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if c.Accelerate != "" {
		out.Status = &c.Accelerate
	}
	return out, err
}

// PutBucketRequestPayment takes that the owner pays, and refuses the rest.
func (s *Service) PutBucketRequestPayment(ctx context.Context, call *aws.Call, in *api.PutBucketRequestPaymentInput) (*api.PutBucketRequestPaymentOutput, error) {
	switch aws.Value(in.RequestPaymentConfiguration).Payer {
	case api.PayerRequester:
		return nil, errLacking("buckets whose requesters pay")
	case api.PayerBucketOwner:
		return &api.PutBucketRequestPaymentOutput{}, s.need(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
	}
	return nil, errMalformed()
}

// GetBucketRequestPayment says that the owner pays.
func (s *Service) GetBucketRequestPayment(ctx context.Context, call *aws.Call, in *api.GetBucketRequestPaymentInput) (*api.GetBucketRequestPaymentOutput, error) {
	return &api.GetBucketRequestPaymentOutput{Payer: new(api.PayerBucketOwner)}, s.need(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
}

// PutBucketAbac takes that tags of a bucket say nothing of who may use it, and
// refuses the rest.
func (s *Service) PutBucketAbac(ctx context.Context, call *aws.Call, in *api.PutBucketAbacInput) (*api.PutBucketAbacOutput, error) {
	switch aws.Value(aws.Value(in.AbacStatus).Status) {
	case api.BucketAbacStatusEnabled:
		return nil, errLacking("access to buckets by their tags")
	case api.BucketAbacStatusDisabled:
		return &api.PutBucketAbacOutput{}, s.need(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
	}
	return nil, errMalformed()
}

// GetBucketAbac says that they say nothing.
func (s *Service) GetBucketAbac(ctx context.Context, call *aws.Call, in *api.GetBucketAbacInput) (*api.GetBucketAbacOutput, error) {
	return &api.GetBucketAbacOutput{AbacStatus: &api.AbacStatus{Status: new(api.BucketAbacStatusDisabled)}}, s.need(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
}
