package rds

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/rds-data"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/rds/data"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Transactions end, undone, that have done nothing for so long, or have been there
// for so long.
const (
	idleTransaction   = 3 * time.Minute
	oldestTransaction = 24 * time.Hour
)

// sessions are the transactions there are. None outlives its server.
type sessions struct {
	bell task.Bell

	mu  sync.Mutex
	all map[string]*session
}

// A session is a transaction's.
type session struct {
	resource, account string
	began             time.Time

	busy chan struct{} // holds one while it does something
	conn data.Conn     // nil: it is over
	used time.Time
}

// free lets the next one do something with a session.
func (t *session) free() { <-t.busy }

// ends is when a session that does nothing ends.
func (t *session) ends() time.Time {
	idle, old := t.used.Add(idleTransaction), t.began.Add(oldestTransaction)
	if old.Before(idle) {
		return old
	}
	return idle
}

// BeginTransaction begins a transaction.
func (s *Service) BeginTransaction(ctx context.Context, call *aws.Call, in *api.BeginTransactionInput) (*api.BeginTransactionOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, statementLimit)
	defer cancel()
	l, b, err := s.login(ctx, call, ask{in.ResourceArn, in.SecretArn, in.GetDatabase(), in.GetSchema(), ""})
	if err != nil {
		return nil, err
	}
	c, err := open(ctx, l, b)
	if err != nil {
		return nil, refusal(err)
	}
	if err := c.Do(ctx, "BEGIN"); err != nil {
		c.Close()
		return nil, refusal(err)
	}
	var id [120]byte
	rand.Read(id[:])
	name := base64.StdEncoding.EncodeToString(id[:])
	now := time.Now()
	s.sessions.mu.Lock()
	s.sessions.all[name] = &session{resource: in.ResourceArn, account: call.Account, began: now, used: now, conn: c, busy: make(chan struct{}, 1)}
	s.sessions.mu.Unlock()
	s.sessions.bell.Ring()
	return &api.BeginTransactionOutput{TransactionId: &name}, nil
}

// take takes a transaction, for which others wait until it is given back.
func (s *Service) take(ctx context.Context, call *aws.Call, resource, id string) (*session, error) {
	s.sessions.mu.Lock()
	t := s.sessions.all[id]
	s.sessions.mu.Unlock()
	if t != nil && t.account == call.Account && t.resource == resource {
		select {
		case t.busy <- struct{}{}:
		case <-ctx.Done():
			return nil, refusal(ctx.Err())
		}
		if t.conn != nil {
			return t, nil
		}
		t.free()
	}
	return nil, api.TransactionNotFoundException.Errorf("Transaction %s is not found", id)
}

// inTransaction calls do with the session of a transaction. One in which the Data API
// itself failed, such as by a timeout, is over.
func (s *Service) inTransaction(ctx context.Context, call *aws.Call, a ask, do func(context.Context, data.Conn) error) error {
	t, err := s.take(ctx, call, a.resource, a.transaction)
	if err != nil {
		return err
	}
	defer t.free()
	err = do(ctx, t.conn)
	t.used = time.Now()
	if ctx.Err() != nil {
		s.over(t, a.transaction)
	}
	return refusal(err)
}

// over ends a session, which the caller has taken.
func (s *Service) over(t *session, id string) {
	t.conn.Close()
	t.conn = nil
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	delete(s.sessions.all, id)
}

// finishTransaction has a transaction count, or not.
func (s *Service) finishTransaction(ctx context.Context, call *aws.Call, a ask, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, statementLimit)
	defer cancel()
	if _, _, err := s.login(ctx, call, a); err != nil {
		return err
	}
	t, err := s.take(ctx, call, a.resource, a.transaction)
	if err != nil {
		return err
	}
	defer t.free()
	defer s.over(t, a.transaction)
	return refusal(t.conn.Do(ctx, statement))
}

// CommitTransaction has all that a transaction did count.
func (s *Service) CommitTransaction(ctx context.Context, call *aws.Call, in *api.CommitTransactionInput) (*api.CommitTransactionOutput, error) {
	err := s.finishTransaction(ctx, call, ask{resource: in.ResourceArn, secret: in.SecretArn, transaction: in.TransactionId}, "COMMIT")
	return &api.CommitTransactionOutput{TransactionStatus: new("Transaction Committed")}, err
}

// RollbackTransaction undoes all that a transaction did.
func (s *Service) RollbackTransaction(ctx context.Context, call *aws.Call, in *api.RollbackTransactionInput) (*api.RollbackTransactionOutput, error) {
	err := s.finishTransaction(ctx, call, ask{resource: in.ResourceArn, secret: in.SecretArn, transaction: in.TransactionId}, "ROLLBACK")
	return &api.RollbackTransactionOutput{TransactionStatus: new("Rollback Complete")}, err
}

// endSessions ends transactions whose time is over, and says when the next is.
func (s *Service) endSessions(context.Context) (time.Duration, error) {
	s.sessions.mu.Lock()
	all := make(map[string]*session, len(s.sessions.all))
	for id, t := range s.sessions.all {
		all[id] = t
	}
	s.sessions.mu.Unlock()
	next := idle
	for id, t := range all {
		select {
		case t.busy <- struct{}{}:
		default:
			next = min(next, idleTransaction) // it does something
			continue
		}
		switch left := time.Until(t.ends()); {
		case t.conn == nil:
		case left <= 0:
			s.over(t, id)
		default:
			next = min(next, left)
		}
		t.free()
	}
	return next, nil
}
