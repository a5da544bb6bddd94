package cloudcontrol

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// work does what requests ask for, until ctx ends.
func (s *Service) work(ctx context.Context) (time.Duration, error) {
	for {
		keys, err := s.toDo(ctx)
		if err != nil {
			return 0, err
		}
		var group task.Group
		for _, key := range keys {
			group.Go(func() {
				if err := s.do(ctx, key); err != nil && ctx.Err() == nil {
					slog.ErrorContext(ctx, "request of cloudcontrol stopped", "token", key.Token, "err", err)
				}
			})
		}
		group.Wait()
		if len(keys) > 0 {
			continue // there may be more
		}
		select {
		case <-s.bell:
		case <-ctx.Done():
			return 0, nil
		}
	}
}

func (s *Service) toDo(ctx context.Context) ([]requestKey, error) {
	var keys []requestKey
	err := s.db.View(ctx, func(tx *store.Tx) error {
		keys = nil
		for key := range open.Scan(tx, requestKey{}) {
			keys = append(keys, key)
		}
		return nil
	})
	return keys, err
}

// do does what one request asks for.
func (s *Service) do(ctx context.Context, key requestKey) error {
	var r request
	again := false
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		if r, err = requests.Get(tx, key); err != nil {
			return err
		}
		again, r.Began = r.Began, true
		return requests.Put(tx, key, r)
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	made, op, err := s.step(ctx, &r, again)
	if ctx.Err() != nil {
		return ctx.Err() // what happened is found out later
	}
	r.Status, r.At = done, time.Now()
	if err != nil {
		r.Status, r.Code, r.Message = failed, resource.HandlerCode(err), resource.Reason(op, err)
		if refusal, ok := errors.AsType[*aws.Error](err); ok {
			r.Message = refusal.Message
		}
	} else if made != nil {
		r.Identifier = made.PhysicalID
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		at := resourceKey{key.Place, r.Type, r.Identifier}
		switch {
		case err != nil:
		case r.Operation == "DELETE":
			if err := resources.Delete(tx, at); err != nil {
				return err
			}
		default:
			if err := resources.Put(tx, at, madeResource{r.New, made.Attributes}); err != nil {
				return err
			}
		}
		if err := open.Delete(tx, key); err != nil {
			return err
		}
		return requests.Put(tx, key, r)
	})
}

// step makes, changes or deletes a resource.
func (s *Service) step(ctx context.Context, r *request, again bool) (*resource.Made, *resource.Op, error) {
	op := &resource.Op{
		Env: resource.Env{Table: s.table}, Ctx: ctx, Call: &r.Caller, LogicalID: "Resource", Type: r.Type, Token: r.Token, Name: r.Name,
		Stack: resource.Stack{ID: r.Token, Name: "cloudcontrol"}, PhysicalID: r.Identifier, Old: r.Old, New: r.New,
	}
	typ := s.types().Find(r.Type)
	if typ == nil {
		return nil, op, &resource.Refusal{Message: "There is no type " + r.Type}
	}
	if r.Role != "" {
		call, err := s.assume(ctx, &r.Caller, r.Role)
		if err != nil {
			return nil, op, err
		}
		op.Call = call
	}
	switch r.Operation {
	case "CREATE":
		if again && typ.Find != nil {
			if made, err := typ.Find(op); made != nil && err == nil {
				return made, op, nil
			}
		}
		made, err := typ.Create(op)
		return made, op, err
	case "UPDATE":
		if typ.Update == nil {
			return nil, op, &resource.Refusal{Message: "Resource type " + r.Type + " does not support UPDATE action"}
		}
		made, err := typ.Update(op)
		return made, op, err
	}
	err := typ.Delete(op)
	if resource.IsGone(err) && again {
		err = nil
	}
	return nil, op, err
}

// assume begins a session of a role.
func (s *Service) assume(ctx context.Context, caller *aws.Call, role string) (*aws.Call, error) {
	call := aws.ServiceCall("cloudformation", caller.ARN("cloudformation", "cloudcontrol"))
	out, err := dispatch.Call(ctx, s.table, call, sts.AssumeRole, &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: "AWSCloudControl"})
	if err != nil {
		return nil, err
	}
	return &aws.Call{
		Account: caller.Account, Region: caller.Region, RequestID: aws.NewRequestID(),
		Principal: aws.Principal{Kind: aws.Session, ARN: out.AssumedRoleUser.Arn, ID: out.AssumedRoleUser.AssumedRoleId, Account: caller.Account, Role: role},
	}, nil
}
