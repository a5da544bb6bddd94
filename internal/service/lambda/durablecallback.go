package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// callbackAccess is the execution that waits for a callback, for policies.
func callbackAccess[In interface{ GetCallbackId() string }](call *aws.Call, in In) aws.ARN {
	text, err := base64.StdEncoding.DecodeString(in.GetCallbackId())
	if err != nil {
		return aws.ARN{}
	}
	of, _, _ := strings.Cut(string(text), "#")
	return durableAccess(call, of)
}

// callback changes the callback of that id, and has its execution go on if
// it has ended by that.
func (s *Service) callback(ctx context.Context, call *aws.Call, id string, change func(op *durableOp)) error {
	text, err := base64.StdEncoding.DecodeString(id)
	of, name, ok := strings.Cut(string(text), "#")
	if err != nil || !ok {
		return invalid("Invalid callback token")
	}
	key, err := parseDurable(call, of)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		d, err := durableOf(tx, key)
		if err != nil {
			return err
		}
		op, err := durableOps.Get(tx, durableOpKey{key.Function, key.ID, name})
		switch {
		case errors.Is(err, store.ErrNotFound):
			return notFound("Callback not found")
		case err != nil:
			return err
		case op.Status == api.OperationStatusTimedOut || !d.open():
			return api.CallbackTimeoutException.Errorf("The callback has timed out, or its execution has ended.")
		case isDone(op.Status):
			return invalid("The callback was completed already.")
		}
		change(&op)
		if !isDone(op.Status) { // a heartbeat
			if err := durableOps.Put(tx, durableOpKey{key.Function, key.ID, name}, op); err != nil {
				return err
			}
			return s.keepDurable(tx, key, &d)
		}
		op.EndTimestamp = new(time.Now().UTC())
		if err := s.changeOp(tx, key, &d, &op); err != nil {
			return err
		}
		return s.goOn(tx, key, &d)
	})
}

// SendDurableExecutionCallbackSuccess completes a callback.
func (s *Service) SendDurableExecutionCallbackSuccess(ctx context.Context, call *aws.Call, in *api.SendDurableExecutionCallbackSuccessInput) (*api.SendDurableExecutionCallbackSuccessOutput, error) {
	var result *string
	if len(in.Result) > 0 {
		result = new(string(in.Result))
	}
	return &api.SendDurableExecutionCallbackSuccessOutput{}, s.callback(ctx, call, in.CallbackId, func(op *durableOp) {
		op.Status, op.CallbackDetails.Result = api.OperationStatusSucceeded, result
	})
}

// SendDurableExecutionCallbackFailure fails a callback.
func (s *Service) SendDurableExecutionCallbackFailure(ctx context.Context, call *aws.Call, in *api.SendDurableExecutionCallbackFailureInput) (*api.SendDurableExecutionCallbackFailureOutput, error) {
	return &api.SendDurableExecutionCallbackFailureOutput{}, s.callback(ctx, call, in.CallbackId, func(op *durableOp) {
		op.Status, op.CallbackDetails.Error = api.OperationStatusFailed, in.Error
	})
}

// SendDurableExecutionCallbackHeartbeat says that somebody still works on a callback.
func (s *Service) SendDurableExecutionCallbackHeartbeat(ctx context.Context, call *aws.Call, in *api.SendDurableExecutionCallbackHeartbeatInput) (*api.SendDurableExecutionCallbackHeartbeatOutput, error) {
	return &api.SendDurableExecutionCallbackHeartbeatOutput{}, s.callback(ctx, call, in.CallbackId, func(op *durableOp) {
		if op.Heartbeat > 0 {
			op.Beats = time.Now().UTC().Add(op.Heartbeat)
		}
	})
}
