package sts

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// GetCallerIdentity says who calls.
func (s *Service) GetCallerIdentity(_ context.Context, call *aws.Call, _ *api.GetCallerIdentityInput) (*api.GetCallerIdentityOutput, error) {
	if err := auth.CheckSigned(call); err != nil {
		return nil, err
	}
	p := &call.Principal
	return &api.GetCallerIdentityOutput{Account: &p.Account, Arn: &p.ARN, UserId: &p.ID}, nil
}

const (
	usualToken  = 12 * time.Hour
	longestRoot = time.Hour // of a token for the root of an account
)

// GetSessionToken gives a user, or the root, temporary credentials of their own.
func (s *Service) GetSessionToken(_ context.Context, call *aws.Call, in *api.GetSessionTokenInput) (*api.GetSessionTokenOutput, error) {
	if err := auth.CheckSigned(call); err != nil {
		return nil, err
	}
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, aws.AccessDenied.Errorf("MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	p := call.Principal
	if p.Temporary != nil || p.Kind != aws.User && p.Kind != aws.Root {
		return nil, aws.AccessDenied.Errorf("Cannot call GetSessionToken with session credentials")
	}
	duration := usualToken
	if in.DurationSeconds != nil {
		duration = time.Duration(*in.DurationSeconds) * time.Second
	}
	if p.Kind == aws.Root {
		duration = min(duration, longestRoot)
	}
	p.Temporary = &aws.Temporary{Issued: time.Now(), Expires: time.Now().Add(duration)}
	c, err := s.mint.NewSession(p)
	if err != nil {
		return nil, err
	}
	return &api.GetSessionTokenOutput{Credentials: credentials(c)}, nil
}

// GetAccessKeyInfo says of which account an access key is: its id says so.
func (s *Service) GetAccessKeyInfo(_ context.Context, _ *aws.Call, in *api.GetAccessKeyInfoInput) (*api.GetAccessKeyInfoOutput, error) {
	account, ok := auth.AccountOf(in.AccessKeyId)
	if !ok {
		return nil, api.ValidationError.Errorf("Access key id %s is invalid", in.AccessKeyId)
	}
	return &api.GetAccessKeyInfoOutput{Account: &account}, nil
}
