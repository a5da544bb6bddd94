package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
)

const (
	sessionLife    = time.Hour        // of a role's session, the most that every role allows
	sessionReserve = 20 * time.Minute // that one has left at least when it is used: longer than an invoke
	maxSessionName = 64
)

// Sessions are the sessions of roles that services act as, remembered as long
// as they are good.
type Sessions struct {
	table *Table

	mu   sync.Mutex
	held map[sessionKey]*Session
}

type sessionKey struct {
	service string // its principal
	source  aws.ARN
	role    string
}

// A Session is a role that a service has assumed for a resource of its own.
type Session struct {
	Credentials *sts.Credentials
	Principal   aws.Principal
}

// NewSessions returns sessions that are begun by way of table.
func NewSessions(table *Table) *Sessions {
	return &Sessions{table: table, held: make(map[sessionKey]*Session)}
}

// Call is call as the role of s.
func (s *Session) Call(call *aws.Call) *aws.Call {
	as := *call
	as.Principal, as.AccessKey, as.RequestID = s.Principal, s.Credentials.AccessKeyId, aws.NewRequestID()
	return &as
}

// Assume returns a session of role for by, the call of a service for a
// resource, named for that resource.
func (s *Sessions) Assume(ctx context.Context, by *aws.Call, role string) (*Session, error) {
	key := sessionKey{by.Principal.ARN, by.Principal.Source, role}
	s.mu.Lock()
	held := s.held[key]
	s.mu.Unlock()
	if held != nil && time.Until(held.Credentials.Expiration) > sessionReserve {
		return held, nil
	}
	fresh, err := s.begin(ctx, by, role)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, old := range s.held {
		if time.Until(old.Credentials.Expiration) <= 0 {
			delete(s.held, key)
		}
	}
	s.held[key] = fresh
	return fresh, nil
}

// Forget has a role assumed anew for what acts for source.
func (s *Sessions) Forget(source aws.ARN) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.held {
		if key.source == source {
			delete(s.held, key)
		}
	}
}

// begin assumes role.
func (s *Sessions) begin(ctx context.Context, by *aws.Call, role string) (*Session, error) {
	arn, err := aws.ParseARN(role)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	in := &sts.AssumeRoleInput{
		RoleArn:         role,
		RoleSessionName: sessionName(by.Principal.Source),
		DurationSeconds: new(int32(sessionLife / time.Second)),
	}
	if by.Principal.ARN == "firehose.amazonaws.com" {
		in.ExternalId = &by.Account // as policies of roles for it may ask
	}
	out, err := Call(ctx, s.table, by, sts.AssumeRole, in)
	if err != nil {
		return nil, err
	}
	return &Session{
		Credentials: out.Credentials,
		Principal: aws.Principal{
			Kind: aws.Session, ARN: out.AssumedRoleUser.Arn, ID: out.AssumedRoleUser.AssumedRoleId, Account: arn.Account, Role: role,
			Temporary: &aws.Temporary{Issued: now, Expires: out.Credentials.Expiration},
		},
	}, nil
}

// sessionName names a session for a resource: the end of its name, with the
// letters that names of sessions may have.
func sessionName(source aws.ARN) string {
	name := []byte(source.Resource)
	for i := len(name) - 1; i >= 0; i-- {
		if c := name[i]; c == '/' || c == ':' {
			name = name[i+1:]
			break
		}
	}
	for i, c := range name {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '@' || c == '=' || c == '+' || c == ',') {
			name[i] = '-'
		}
	}
	if len(name) < 2 {
		return source.Service + "-session"
	}
	return string(name[:min(len(name), maxSessionName)])
}
