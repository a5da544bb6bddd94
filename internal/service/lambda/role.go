package lambda

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

const (
	sessionLife    = time.Hour        // of a role's session, the most that every role allows
	sessionReserve = 20 * time.Minute // that one has left at least when it is given to a worker: longer than an invoke
	maxSessionName = 64
)

// A session is what a function's code acts with: its role.
type session struct {
	credentials sandbox.Credentials
	principal   aws.Principal
}

// call is a call that a function's code makes.
func (s *session) call(fn aws.ARN) *aws.Call {
	return &aws.Call{Account: fn.Account, Region: fn.Region, Principal: s.principal, AccessKey: s.credentials.AccessKeyID, RequestID: aws.NewRequestID()}
}

// sessions are those of functions, remembered.
type sessions struct {
	mu   sync.Mutex
	held map[sessionKey]*session
}

type sessionKey struct {
	function aws.ARN
	role     string
}

// session returns a session of a function's role.
func (s *Service) session(ctx context.Context, fn aws.ARN, role string) (*session, error) {
	key := sessionKey{fn, role}
	s.sessions.mu.Lock()
	held := s.sessions.held[key]
	s.sessions.mu.Unlock()
	if held != nil && time.Until(held.credentials.Expires) > sessionReserve {
		return held, nil
	}
	fresh, err := s.assume(ctx, fn, role)
	if err != nil {
		return nil, err
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	if s.sessions.held == nil {
		s.sessions.held = make(map[sessionKey]*session)
	}
	s.sessions.held[key] = fresh
	return fresh, nil
}

// forget forgets the sessions of a function.
func (s *sessions) forget(fn aws.ARN) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.held {
		if key.function == fn {
			delete(s.held, key)
		}
	}
}

// assume begins a session of a function's role, as Lambda.
func (s *Service) assume(ctx context.Context, fn aws.ARN, role string) (*session, error) {
	arn, err := aws.ParseARN(role)
	if err != nil {
		return nil, err
	}
	n := name(fn)
	now := time.Now()
	out, err := dispatch.Call(ctx, s.table, aws.ServiceCall("lambda", fn), sts.AssumeRole, &sts.AssumeRoleInput{
		RoleArn:         role,
		RoleSessionName: n[:min(len(n), maxSessionName)],
		DurationSeconds: new(int32(sessionLife / time.Second)),
	})
	if err != nil {
		return nil, err
	}
	c, user := out.Credentials, out.AssumedRoleUser
	return &session{
		credentials: sandbox.Credentials{
			AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expires: c.Expiration,
		},
		principal: aws.Principal{
			Kind: aws.Session, ARN: user.Arn, ID: user.AssumedRoleId, Account: arn.Account, Role: role,
			Temporary: &aws.Temporary{Issued: now, Expires: c.Expiration},
		},
	}, nil
}

// checkRole refuses a role that Lambda may not act as.
func (s *Service) checkRole(ctx context.Context, fn aws.ARN, role string) error {
	_, err := s.assume(ctx, fn, role)
	if _, refused := errors.AsType[*aws.Error](err); refused {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return err
}
