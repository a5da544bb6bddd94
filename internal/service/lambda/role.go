package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// roleSession returns a session of a function's role, as which its code acts.
func (s *Service) roleSession(ctx context.Context, fn aws.ARN, role string) (*dispatch.Session, error) {
	return s.sessions.Assume(ctx, aws.ServiceCall("lambda", fn), role)
}

// callAs is a call that a function's role makes.
func (s *Service) callAs(ctx context.Context, fn aws.ARN, role string) (*aws.Call, error) {
	session, err := s.roleSession(ctx, fn, role)
	if err != nil {
		return nil, err
	}
	return session.Call(aws.ServiceCall("lambda", fn)), nil
}

// credentials are what the code of a function acts with.
func (s *Service) credentials(ctx context.Context, fn aws.ARN, role string) (sandbox.Credentials, error) {
	session, err := s.roleSession(ctx, fn, role)
	if err != nil {
		return sandbox.Credentials{}, err
	}
	c := session.Credentials
	return sandbox.Credentials{AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expires: c.Expiration}, nil
}

// checkRole refuses a role that Lambda may not act as.
func (s *Service) checkRole(ctx context.Context, fn aws.ARN, role string) error {
	_, err := dispatch.Call(ctx, s.table, aws.ServiceCall("lambda", fn), sts.AssumeRole, &sts.AssumeRoleInput{
		RoleArn: role, RoleSessionName: name(fn), DurationSeconds: new(int32(time.Hour / time.Second)),
	})
	if _, refused := errors.AsType[*aws.Error](err); refused {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return err
}
