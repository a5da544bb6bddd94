package cloudformation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

func (s *Service) tasks() []task.Task {
	return []task.Task{
		{Name: "cloudformation/deploy", Run: func(ctx context.Context) (time.Duration, error) {
			return 0, keepAt(ctx, s.bell, func() ([]aws.ARN, error) { return idsOf(ctx, s.db, active) }, s.deploy)
		}},
		{Name: "cloudformation/stacksets", Run: func(ctx context.Context) (time.Duration, error) {
			return 0, keepAt(ctx, s.setBell, func() ([]aws.ARN, error) { return idsOf(ctx, s.db, setAtWork) }, s.deploySet)
		}},
		{Name: "cloudformation/notify", Run: s.tell},
	}
}

// keepAt has do at work on each of what list names, once at a time, until ctx
// ends. It looks again when bell rings.
func keepAt(ctx context.Context, bell task.Bell, list func() ([]aws.ARN, error), do func(context.Context, aws.ARN)) error {
	var group task.Group
	defer group.Wait()
	var mu sync.Mutex
	running := make(map[aws.ARN]bool)
	for {
		ids, err := list()
		if err != nil {
			return err
		}
		mu.Lock()
		for _, id := range ids {
			if running[id] {
				continue
			}
			running[id] = true
			group.Go(func() {
				do(ctx, id)
				mu.Lock()
				delete(running, id)
				mu.Unlock()
				bell.Ring() // it may have been given something to do meanwhile
			})
		}
		mu.Unlock()
		select {
		case <-bell:
		case <-ctx.Done():
			return nil
		}
	}
}

// deploy works on a stack until it is at rest. A failure of ours is tried again.
func (s *Service) deploy(ctx context.Context, id aws.ARN) {
	persist(ctx, id, func() error { return s.engine.Run(ctx, id.String()) })
}

// deploySet does what is to be done with a stack set.
func (s *Service) deploySet(ctx context.Context, id aws.ARN) {
	persist(ctx, id, func() error { return s.workSet(ctx, id) })
}

// persist tries again until there is no error, or ctx ends.
func persist(ctx context.Context, id aws.ARN, do func() error) {
	for ctx.Err() == nil {
		err := do()
		if err == nil || ctx.Err() != nil {
			return
		}
		slog.ErrorContext(ctx, "deployment stopped", "stack", id.String(), "err", err)
		select {
		case <-time.After(task.Retry):
		case <-ctx.Done():
		}
	}
}

// idsOf returns the keys of a table.
func idsOf[V any](ctx context.Context, db *store.DB, table store.Table[aws.ARN, V]) ([]aws.ARN, error) {
	var ids []aws.ARN
	err := db.View(ctx, func(tx *store.Tx) error {
		ids = nil
		for id := range table.Scan(tx, aws.ARN{}) {
			ids = append(ids, id)
		}
		return nil
	})
	return ids, err
}

// actor is the call as which the resources of a stack are made: its caller's, or
// that of a session of the role that it names.
func (s *Service) actor(ctx context.Context, st *deploy.Stack, spec *deploy.Spec) (*aws.Call, error) {
	call := st.Caller
	call.RequestID = aws.NewRequestID()
	if spec.RoleARN == "" {
		return &call, nil
	}
	return s.assume(ctx, stackID(st.ID), spec.RoleARN)
}

// assume begins a session of a role for a stack.
func (s *Service) assume(ctx context.Context, stack aws.ARN, role string) (*aws.Call, error) {
	call := aws.ServiceCall("cloudformation", stack)
	out, err := dispatch.Call(ctx, s.table, call, sts.AssumeRole, &sts.AssumeRoleInput{
		RoleArn: role, RoleSessionName: "AWSCloudFormation",
	})
	if err != nil {
		return nil, err
	}
	session := &aws.Call{
		Account: stack.Account, Region: stack.Region, RequestID: aws.NewRequestID(),
		Principal: aws.Principal{
			Kind: aws.Session, ARN: out.AssumedRoleUser.Arn, ID: out.AssumedRoleUser.AssumedRoleId, Account: stack.Account, Role: role,
		},
	}
	return session, nil
}
