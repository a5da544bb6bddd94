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
		{Name: "cloudformation/deploy", Run: s.work},
		{Name: "cloudformation/notify", Run: s.tell},
	}
}

// work has an engine for every stack that is not at rest, until ctx ends.
func (s *Service) work(ctx context.Context) (time.Duration, error) {
	var group task.Group
	defer group.Wait()
	var mu sync.Mutex
	running := make(map[aws.ARN]bool)
	for {
		ids, err := s.atWork(ctx)
		if err != nil {
			return 0, err
		}
		mu.Lock()
		for _, id := range ids {
			if running[id] {
				continue
			}
			running[id] = true
			group.Go(func() {
				s.deploy(ctx, id)
				mu.Lock()
				delete(running, id)
				mu.Unlock()
				s.bell.Ring() // it may have been given something to do meanwhile
			})
		}
		mu.Unlock()
		select {
		case <-s.bell:
		case <-ctx.Done():
			return 0, nil
		}
	}
}

// deploy works on a stack until it is at rest. A failure of ours is tried again.
func (s *Service) deploy(ctx context.Context, id aws.ARN) {
	for ctx.Err() == nil {
		err := s.engine.Run(ctx, id.String())
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

func (s *Service) atWork(ctx context.Context) ([]aws.ARN, error) {
	var ids []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		ids = nil
		for id := range active.Scan(tx, aws.ARN{}) {
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
