package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/store"
)

// creationKey is the key of the receiver of signals to a resource itself.
func creationKey(stack aws.ARN, logical string) receiverKey {
	return receiverKey{place(stack), stack.Resource[strings.LastIndexByte(stack.Resource, '/')+1:] + "/" + logical}
}

// AwaitCreation implements resource.Signals.
func (s *Service) AwaitCreation(op *resource.Op) error {
	key := creationKey(stackID(op.Stack.ID), op.LogicalID)
	mine, err := s.open(op, key, true)
	if err != nil {
		return err
	}
	failed := ""
	got, err := s.awaitAnswer(op.Ctx, key, mine.Created.Add(op.Creation.Within), func(r receiver) bool {
		for id, sig := range r.Signals {
			if sig.Status == "FAILURE" {
				failed = id
			}
		}
		return failed != "" || len(r.Signals) >= op.Creation.Count
	})
	switch {
	case err != nil:
		return err
	case failed != "":
		return &resource.Refusal{Message: "Received FAILURE signal with UniqueId " + failed}
	case len(got.Signals) < op.Creation.Count:
		return &resource.Refusal{Message: fmt.Sprintf("Failed to receive %d resource signal(s) within the specified duration", op.Creation.Count-len(got.Signals))}
	}
	return nil
}

// SignalResource tells a resource that is waiting for signals that something is
// done, or has failed.
func (s *Service) SignalResource(ctx context.Context, call *aws.Call, in *api.SignalResourceInput) (*api.SignalResourceOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		if st.Phase == deploy.AtRest {
			return api.ValidationError.Errorf("Stack %s is in %s state and cannot be signaled", st.ID, st.Status)
		}
		id := stackID(st.ID)
		row, err := resources.Get(tx, resourceKey{id, in.LogicalResourceId})
		if errors.Is(err, store.ErrNotFound) {
			return api.ValidationError.Errorf("Resource %s does not exist for stack %s", in.LogicalResourceId, st.Name)
		}
		if err != nil {
			return err
		}
		key := creationKey(id, row.ID)
		got, err := receivers.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && row.Intent == nil {
			return api.ValidationError.Errorf("Resource %s is in %s state and cannot be signaled", row.ID, row.Status)
		}
		if err != nil {
			return err
		}
		if got.Signals == nil {
			got.Signals = make(map[string]signal)
		}
		got.Signals[in.UniqueId] = signal{Status: in.Status, UniqueId: in.UniqueId}
		tx.Notify(receiverTopic(key.Token))
		if err := receivers.Put(tx, key, got); err != nil {
			return err
		}
		return addEvents(tx, &st, deploy.Event{
			ID: row.ID + "-" + aws.NewRequestID(), LogicalID: row.ID, PhysicalID: row.PhysicalID, Type: row.Type, Status: row.Status,
			Reason: "Received " + in.Status + " signal with UniqueId " + in.UniqueId, Token: st.Token, Time: time.Now(),
		})
	})
	return &api.SignalResourceOutput{}, err
}
