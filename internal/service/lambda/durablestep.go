package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// token is what a function shows that it is the one that is invoked now.
func (d *durable) token() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d:%d", d.Run, d.Turn))
}

// checkToken refuses a token of an invocation that has ended.
func (d *durable) checkToken(token string) error {
	text, err := base64.StdEncoding.DecodeString(token)
	run, _, ok := strings.Cut(string(text), ":")
	if n, bad := strconv.Atoi(run); err != nil || !ok || bad != nil || n != d.Run || !d.Running || !d.open() {
		return invalid("Invalid checkpoint token")
	}
	return nil
}

// mayCheckpoint asks for the permission to go on with an execution, and for
// those to invoke what it invokes.
func mayCheckpoint(call *aws.Call, in *api.CheckpointDurableExecutionInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "lambda:CheckpointDurableExecution", Resource: durableAccess(call, in.DurableExecutionArn)}); err != nil {
		return err
	}
	for _, u := range in.Updates {
		if u.ChainedInvokeOptions == nil {
			continue
		}
		if err := check(service.Access{Action: "lambda:InvokeFunction", Resource: guess(call, u.ChainedInvokeOptions.FunctionName, "").arn()}); err != nil {
			return err
		}
	}
	return nil
}

// durableAccess is the execution that an ARN names, for policies.
func durableAccess(call *aws.Call, text string) aws.ARN {
	of, rest, _ := strings.Cut(text, durableMark)
	a := guess(call, of, "").arn()
	a.Resource += durableMark + rest
	return a
}

func durableNamed[In interface{ GetDurableExecutionArn() string }](call *aws.Call, in In) aws.ARN {
	return durableAccess(call, in.GetDurableExecutionArn())
}

// CheckpointDurableExecution keeps what a function has done, and tells it what
// has come to be since.
func (s *Service) CheckpointDurableExecution(ctx context.Context, call *aws.Call, in *api.CheckpointDurableExecutionInput) (*api.CheckpointDurableExecutionOutput, error) {
	key, err := parseDurable(call, in.DurableExecutionArn)
	if err != nil {
		return nil, err
	}
	var out *api.CheckpointDurableExecutionOutput
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		out = &api.CheckpointDurableExecutionOutput{NewExecutionState: &api.CheckpointUpdatedExecutionState{Operations: []api.Operation{}}}
		d, err := durableOf(tx, key)
		if err != nil {
			return err
		}
		if err := d.checkToken(in.CheckpointToken); err != nil {
			return err
		}
		if err := s.ripen(tx, key, &d); err != nil {
			return err
		}
		for i := range in.Updates {
			if err := s.updateOp(tx, key, &d, &in.Updates[i]); err != nil {
				return err
			}
		}
		if !d.open() {
			return nil // and it has kept that
		}
		ops, err := opsOf(tx, key)
		if err != nil {
			return err
		}
		for _, op := range ops {
			if op.Turn > d.Seen {
				out.NewExecutionState.Operations = append(out.NewExecutionState.Operations, op.Operation)
			}
		}
		d.Seen = d.Turn
		out.CheckpointToken = new(d.token())
		return s.keepDurable(tx, key, &d)
	})
	return out, err
}

// GetDurableExecutionState returns operations of an execution, page by page.
func (s *Service) GetDurableExecutionState(ctx context.Context, call *aws.Call, in *api.GetDurableExecutionStateInput) (*api.GetDurableExecutionStateOutput, error) {
	key, err := parseDurable(call, in.DurableExecutionArn)
	if err != nil {
		return nil, err
	}
	from := 0
	if in.Marker != nil && *in.Marker != "" {
		if from, err = strconv.Atoi(*in.Marker); err != nil || from < 0 {
			return nil, invalid("Invalid marker")
		}
	}
	most := int(aws.Or(in.MaxItems, 100))
	if most == 0 {
		most = 100
	}
	out := &api.GetDurableExecutionStateOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.GetDurableExecutionStateOutput{Operations: []api.Operation{}}
		d, err := durableOf(tx, key)
		if err == nil {
			err = d.checkToken(in.CheckpointToken)
		}
		if err != nil {
			return err
		}
		ops, err := opsOf(tx, key)
		if err != nil {
			return err
		}
		from = min(from, len(ops))
		for _, op := range ops[from:min(from+most, len(ops))] {
			out.Operations = append(out.Operations, op.Operation)
		}
		if from+most < len(ops) {
			out.NextMarker = new(strconv.Itoa(from + most))
		}
		return nil
	})
	return out, err
}

// updateOp does what a function says of one operation.
func (s *Service) updateOp(tx *store.Tx, key durableKey, d *durable, u *api.OperationUpdate) error {
	if u.Type == api.OperationTypeExecution {
		switch u.Action {
		case api.OperationActionSucceed:
			return s.endDurable(tx, key, d, api.ExecutionStatusSucceeded, u.Payload, nil)
		case api.OperationActionFail:
			return s.endDurable(tx, key, d, api.ExecutionStatusFailed, nil, u.Error)
		}
		return invalid("Invalid action for EXECUTION operation.")
	}
	at := durableOpKey{key.Function, key.ID, u.Id}
	op, err := durableOps.Get(tx, at)
	switch {
	case errors.Is(err, store.ErrNotFound):
		d.Turn++
		op = durableOp{Place: d.Turn, Operation: api.Operation{Id: u.Id, ParentId: u.ParentId, Name: u.Name, Type: u.Type, SubType: u.SubType, StartTimestamp: time.Now().UTC()}}
	case err != nil:
		return err
	case op.Type != u.Type:
		return invalid("Inconsistent operation type.")
	case isDone(op.Status):
		return nil // the same, said again
	}
	allowed := durableActions[u.Type]
	if !slices.Contains(allowed, u.Action) {
		return invalid("Invalid action for %s operation.", u.Type)
	}
	if u.Action == api.OperationActionStart && op.Status == api.OperationStatusStarted {
		return nil // likewise
	}
	d.Turn++
	op.Turn = d.Turn
	op.did(u)
	if err := s.follow(tx, key, d, &op, u); err != nil {
		return err
	}
	return durableOps.Put(tx, at, op)
}

// durableActions are what may be said of operations, by type.
var durableActions = map[string][]string{
	api.OperationTypeContext:       {api.OperationActionStart, api.OperationActionSucceed, api.OperationActionFail},
	api.OperationTypeStep:          {api.OperationActionStart, api.OperationActionSucceed, api.OperationActionFail, api.OperationActionRetry},
	api.OperationTypeWait:          {api.OperationActionStart, api.OperationActionCancel},
	api.OperationTypeCallback:      {api.OperationActionStart},
	api.OperationTypeChainedInvoke: {api.OperationActionStart},
}

func isDone(status string) bool {
	switch status {
	case api.OperationStatusSucceeded, api.OperationStatusFailed, api.OperationStatusCancelled, api.OperationStatusTimedOut, api.OperationStatusStopped:
		return true
	}
	return false
}

// did sets what an operation has come to.
func (op *durableOp) did(u *api.OperationUpdate) {
	now := time.Now().UTC()
	op.Status = map[string]string{
		api.OperationActionStart: api.OperationStatusStarted, api.OperationActionSucceed: api.OperationStatusSucceeded, api.OperationActionFail: api.OperationStatusFailed,
		api.OperationActionRetry: api.OperationStatusPending, api.OperationActionCancel: api.OperationStatusCancelled,
	}[u.Action]
	if isDone(op.Status) {
		op.EndTimestamp = &now
	}
	switch u.Type {
	case api.OperationTypeContext:
		op.ContextDetails = &api.ContextDetails{Result: u.Payload, Error: u.Error}
		if u.ContextOptions != nil {
			op.ContextDetails.ReplayChildren = u.ContextOptions.ReplayChildren
		}
	case api.OperationTypeStep:
		attempt := int32(0)
		if op.StepDetails != nil {
			attempt = aws.Value(op.StepDetails.Attempt)
		}
		if u.Action != api.OperationActionStart {
			attempt++
		}
		result := u.Payload
		if u.Action == api.OperationActionStart && op.StepDetails != nil {
			result = op.StepDetails.Result // what a wait for a condition has come to
		}
		op.StepDetails = &api.StepDetails{Attempt: &attempt, Result: result, Error: u.Error}
		if u.Action == api.OperationActionRetry {
			delay := time.Duration(0)
			if u.StepOptions != nil {
				delay = time.Duration(aws.Value(u.StepOptions.NextAttemptDelaySeconds)) * time.Second
			}
			op.StepDetails.NextAttemptTimestamp = new(now.Add(delay))
		}
	}
}

// follow does what follows of an operation that begins.
func (s *Service) follow(tx *store.Tx, key durableKey, d *durable, op *durableOp, u *api.OperationUpdate) error {
	if u.Action != api.OperationActionStart {
		return nil
	}
	now := time.Now().UTC()
	switch u.Type {
	case api.OperationTypeWait:
		seconds := int32(0)
		if u.WaitOptions != nil {
			seconds = aws.Value(u.WaitOptions.WaitSeconds)
		}
		op.WaitDetails = &api.WaitDetails{ScheduledEndTimestamp: new(now.Add(time.Duration(seconds) * time.Second))}
	case api.OperationTypeCallback:
		id := base64.StdEncoding.EncodeToString([]byte(d.arn(key) + "#" + u.Id))
		op.CallbackDetails = &api.CallbackDetails{CallbackId: &id}
		if o := u.CallbackOptions; o != nil {
			if n := aws.Value(o.TimeoutSeconds); n > 0 {
				op.Ends = now.Add(time.Duration(n) * time.Second)
			}
			if n := aws.Value(o.HeartbeatTimeoutSeconds); n > 0 {
				op.Heartbeat = time.Duration(n) * time.Second
				op.Beats = now.Add(op.Heartbeat)
			}
		}
	case api.OperationTypeChainedInvoke:
		return s.chain(tx, key, op, u)
	}
	return nil
}

// chain invokes a function for an operation.
func (s *Service) chain(tx *store.Tx, key durableKey, op *durableOp, u *api.OperationUpdate) error {
	op.ChainedInvokeDetails = &api.ChainedInvokeDetails{}
	fail := func(kind, message string) error {
		op.Status, op.EndTimestamp = api.OperationStatusFailed, new(time.Now().UTC())
		op.ChainedInvokeDetails.Error = &api.ErrorObject{ErrorType: &kind, ErrorMessage: &message}
		return nil
	}
	if u.ChainedInvokeOptions == nil {
		return invalid("ChainedInvokeOptions is required for a CHAINED_INVOKE operation.")
	}
	call := &aws.Call{Account: key.Function.Account, Region: key.Function.Region}
	r := guess(call, u.ChainedInvokeOptions.FunctionName, "")
	v, n, err := findVersion(tx, r)
	if errors.Is(err, api.ResourceNotFoundException) {
		return fail("ResourceNotFoundException", aws.Refusal(err).Message)
	}
	if err != nil {
		return err
	}
	if v.Durable != nil && r.qualifier == "" {
		return fail("InvalidParameterValueException", "You cannot invoke a durable function using an unqualified ARN.")
	}
	d := durable{
		Version: versionName(n), Input: []byte(aws.Or(u.Payload, "{}")), Tenant: aws.Value(u.ChainedInvokeOptions.TenantId),
		Plain: v.Durable == nil, Config: v.Durable, Parent: &durableOpKey{key.Function, key.ID, u.Id},
	}
	_, err = s.beginDurable(tx, r.function, d)
	return err
}
