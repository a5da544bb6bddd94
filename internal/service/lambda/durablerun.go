package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	durableTries = 5               // invocations that may fail in a row
	durablePause = 5 * time.Second // before an invocation is tried again
)

// durableQueue is what is known in memory of durable executions: those whose
// function is to be invoked, and those whose end somebody waits for.
type durableQueue struct {
	bell task.Bell
	wg   task.Group

	mu    sync.Mutex
	ready []durableKey
	waits map[durableKey][]chan struct{}
}

func newDurableQueue() durableQueue {
	return durableQueue{bell: task.NewBell(), waits: make(map[durableKey][]chan struct{})}
}

// invoke has the function of an execution invoked soon.
func (q *durableQueue) invoke(key durableKey) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ready = append(q.ready, key)
	q.bell.Ring()
}

func (q *durableQueue) take() []durableKey {
	q.mu.Lock()
	defer q.mu.Unlock()
	ready := q.ready
	q.ready = nil
	return ready
}

// ended tells those who wait for the end of an execution.
func (q *durableQueue) ended(key durableKey) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range q.waits[key] {
		close(c)
	}
	delete(q.waits, key)
}

// await waits for the end of an execution.
func (q *durableQueue) await(ctx context.Context, s *Service, key durableKey) (d durable, err error) {
	done := make(chan struct{})
	q.mu.Lock()
	q.waits[key] = append(q.waits[key], done)
	q.mu.Unlock()
	read := func() error {
		return s.db.View(context.WithoutCancel(ctx), func(tx *store.Tx) error { d, err = durables.Get(tx, key); return err })
	}
	if err := read(); err != nil || !d.open() { // it may have ended before anybody waited
		q.ended(key)
		return d, err
	}
	select {
	case <-done:
		return d, read()
	case <-ctx.Done():
		return d, ctx.Err()
	}
}

// runDurables invokes functions of durable executions until ctx ends. Those
// that were invoked when the platform stopped are invoked again: what they had
// done is kept.
func (s *Service) runDurables(ctx context.Context) (time.Duration, error) {
	q := &s.durables
	defer q.wg.Wait()
	q.take()
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for key, d := range durables.Scan(tx, durableKey{}) {
			if d.open() && d.Running {
				q.invoke(key)
			}
		}
		return tx.Err()
	})
	for err == nil {
		for _, key := range q.take() {
			q.wg.Go(func() { s.drive(ctx, key) })
		}
		var wait time.Duration
		if wait, err = durableTimes.Run(ctx, s.db, s.durableDue); err != nil {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-q.bell:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return 0, nil
		}
		timer.Stop()
	}
	if ctx.Err() != nil {
		err = nil
	}
	return 0, err
}

// invokeNow has the function of d invoked when tx is kept.
func (s *Service) invokeNow(tx *store.Tx, key durableKey, d *durable) {
	d.Running, d.Retry, d.Told, d.Seen = true, time.Time{}, d.Seen, d.Turn
	d.Run++
	tx.AfterCommit(func() { s.durables.invoke(key) })
}

// next is when an execution is to be looked at again.
func (d *durable) next(tx *store.Tx, key durableKey) (time.Time, error) {
	if !d.open() {
		days := int32(1)
		if d.Config != nil {
			days = d.Config.Retention
		}
		return d.Ended.AddDate(0, 0, int(days)), nil
	}
	var first time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if d.Config != nil && !d.Plain {
		sooner(d.Started.Add(time.Duration(d.Config.Timeout) * time.Second))
	}
	sooner(d.Retry)
	ops, err := opsOf(tx, key)
	for i := range ops {
		sooner(ops[i].ripens())
	}
	return first, err
}

// ripens is when an operation changes by itself.
func (op *durableOp) ripens() time.Time {
	switch {
	case isDone(op.Status):
	case op.Status == api.OperationStatusPending && op.StepDetails != nil:
		return aws.Value(op.StepDetails.NextAttemptTimestamp)
	case op.WaitDetails != nil:
		return aws.Value(op.WaitDetails.ScheduledEndTimestamp)
	case op.Type == api.OperationTypeCallback:
		if !op.Beats.IsZero() && (op.Ends.IsZero() || op.Beats.Before(op.Ends)) {
			return op.Beats
		}
		return op.Ends
	}
	return time.Time{}
}

// ripen changes the operations whose time has come.
func (s *Service) ripen(tx *store.Tx, key durableKey, d *durable) error {
	ops, err := opsOf(tx, key)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	for i := range ops {
		op := &ops[i]
		if at := op.ripens(); at.IsZero() || at.After(now) {
			continue
		}
		switch op.Type {
		case api.OperationTypeStep:
			op.Status, op.StepDetails.NextAttemptTimestamp = api.OperationStatusReady, nil
		case api.OperationTypeWait:
			op.Status, op.EndTimestamp = api.OperationStatusSucceeded, &now
		default:
			kind := "Callback.Timeout"
			if op.ripens().Equal(op.Beats) {
				kind = "Callback.Heartbeat"
			}
			op.Status, op.EndTimestamp = api.OperationStatusTimedOut, &now
			op.CallbackDetails.Error = &api.ErrorObject{ErrorType: &kind, ErrorMessage: new("Callback timed out")}
		}
		if err := s.changeOp(tx, key, d, op); err != nil {
			return err
		}
	}
	return nil
}

// changeOp keeps an operation that has changed.
func (s *Service) changeOp(tx *store.Tx, key durableKey, d *durable, op *durableOp) error {
	d.Turn++
	op.Turn = d.Turn
	return durableOps.Put(tx, durableOpKey{key.Function, key.ID, op.Id}, *op)
}

// durableDue looks at an execution whose time has come.
func (s *Service) durableDue(tx *store.Tx, at time.Time, key durableKey) error {
	d, err := durables.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	d.Due = time.Time{}
	switch {
	case !d.open():
		return s.forgetDurable(tx, key, &d)
	case d.Config != nil && !d.Plain && !time.Now().Before(d.Started.Add(time.Duration(d.Config.Timeout)*time.Second)):
		return s.endDurable(tx, key, &d, api.ExecutionStatusTimedOut, nil, &api.ErrorObject{
			ErrorType: new("ExecutionTimedOut"), ErrorMessage: new("The execution did not end in time."),
		})
	}
	if err := s.ripen(tx, key, &d); err != nil {
		return err
	}
	retry := !d.Retry.IsZero() && !d.Retry.After(time.Now())
	if !d.Running && (retry || d.Retry.IsZero() && d.Turn > d.Seen) {
		s.invokeNow(tx, key, &d)
	}
	return s.keepDurable(tx, key, &d)
}

// goOn has an execution go on after one of its operations has changed.
func (s *Service) goOn(tx *store.Tx, key durableKey, d *durable) error {
	if !d.Running && d.Retry.IsZero() {
		s.invokeNow(tx, key, d)
	}
	return s.keepDurable(tx, key, d)
}

// endDurable ends an execution, and tells what waits for it.
func (s *Service) endDurable(tx *store.Tx, key durableKey, d *durable, status string, result *string, why *api.ErrorObject) error {
	d.Status, d.Result, d.Error, d.Running, d.Ended = status, result, why, false, time.Now().UTC()
	tx.AfterCommit(func() { s.durables.ended(key) })
	if err := s.keepDurable(tx, key, d); err != nil || d.Parent == nil {
		return err
	}
	of := durableKey{d.Parent.Function, d.Parent.ID}
	parent, err := durables.Get(tx, of)
	if errors.Is(err, store.ErrNotFound) || err == nil && !parent.open() {
		return nil
	}
	if err != nil {
		return err
	}
	op, err := durableOps.Get(tx, *d.Parent)
	if err != nil {
		return err
	}
	op.Status, op.EndTimestamp = status, &d.Ended
	op.ChainedInvokeDetails = &api.ChainedInvokeDetails{Result: result, Error: why}
	if err := s.changeOp(tx, of, &parent, &op); err != nil {
		return err
	}
	return s.goOn(tx, of, &parent)
}

// forgetDurable removes an execution.
func (s *Service) forgetDurable(tx *store.Tx, key durableKey, d *durable) error {
	ops, err := opsOf(tx, key)
	for i := range ops {
		err = errors.Join(err, durableOps.Delete(tx, durableOpKey{key.Function, key.ID, ops[i].Id}))
	}
	if id, missing := durableNames.Get(tx, durableKey{key.Function, d.Name}); missing == nil && id == key.ID {
		err = errors.Join(err, durableNames.Delete(tx, durableKey{key.Function, d.Name}))
	}
	return errors.Join(err, durables.Delete(tx, key), durableTimes.Move(tx, key, &d.Due, time.Time{}, s.durables.bell))
}

// forgetDurables removes the executions of a function.
func (s *Service) forgetDurables(tx *store.Tx, fn aws.ARN) error {
	for key, d := range durables.Scan(tx, durableKey{Function: fn}) {
		if err := s.forgetDurable(tx, key, &d); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.durables.ended(key) })
	}
	return tx.Err()
}

// drive invokes the function of an execution once.
func (s *Service) drive(ctx context.Context, key durableKey) {
	var d durable
	var payload []byte
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if d, err = durables.Get(tx, key); err != nil || !d.open() {
			return err
		}
		payload, err = d.payload(tx, key)
		return err
	})
	if err != nil || !d.open() || !d.Running {
		return // it has ended meanwhile, or the platform stops
	}
	e := sandbox.Event{RequestID: aws.NewRequestID(), Payload: payload, Tenant: d.Tenant, TraceID: d.Trace}
	var res sandbox.Result
	t, err := s.target(ctx, ref{key.Function, d.Version})
	if err == nil {
		res, err = s.runTarget(ctx, t, t.pick(), e)
	}
	if ctx.Err() != nil || errors.Is(err, sandbox.ErrClosed) {
		return // it is invoked again at the next start
	}
	failed := s.db.Update(ctx, func(tx *store.Tx) error {
		now, err2 := durables.Get(tx, key)
		if err2 != nil || now.Run != d.Run || !now.open() {
			return nil // it was stopped, or timed out
		}
		now.Running = false
		return s.came(tx, key, &now, &res, err)
	})
	if failed != nil && ctx.Err() == nil {
		s.log.Error("durable execution does not go on", "execution", d.arn(key), "err", failed)
	}
}

// payload is what the function is invoked with.
func (d *durable) payload(tx *store.Tx, key durableKey) ([]byte, error) {
	if d.Plain {
		return d.Input, nil
	}
	ops, err := opsOf(tx, key)
	if err != nil {
		return nil, err
	}
	list, updated := []any{}, []string{}
	for i := range ops {
		shown, err := plainOp(&ops[i].Operation)
		if err != nil {
			return nil, err
		}
		list = append(list, shown)
		if ops[i].Turn > d.Told && i > 0 {
			updated = append(updated, ops[i].Id)
		}
	}
	return json.Marshal(map[string]any{
		"DurableExecutionArn": d.arn(key), "CheckpointToken": d.token(),
		"InitialExecutionState": map[string]any{"Operations": list, "NextMarker": ""}, "UpdatedOperationIds": updated,
	})
}

// plainOp is an operation as functions are told of it: without what it has
// not, and with milliseconds for times.
func plainOp(op *api.Operation) (map[string]any, error) {
	text, err := json.Marshal(op)
	if err != nil {
		return nil, err
	}
	var shown map[string]any
	err = json.Unmarshal(text, &shown)
	plain(shown)
	return shown, err
}

func plain(of map[string]any) {
	for name, v := range of {
		switch v := v.(type) {
		case nil:
			delete(of, name)
		case map[string]any:
			plain(v)
		case string:
			if t, err := time.Parse(time.RFC3339Nano, v); err == nil && strings.HasSuffix(name, "Timestamp") {
				of[name] = t.UnixMilli()
			}
		}
	}
}

// came takes what an invocation has come to.
func (s *Service) came(tx *store.Tx, key durableKey, d *durable, res *sandbox.Result, err error) error {
	why := &api.ErrorObject{}
	switch {
	case errors.Is(err, api.ResourceNotFoundException):
		return s.endDurable(tx, key, d, api.ExecutionStatusFailed, nil, errorObject("Lambda.ResourceNotFound", aws.Refusal(err).Message))
	case err != nil:
		why = errorObject("Lambda.Unavailable", aws.Refusal(err).Message)
	case res.FunctionError != "":
		var doc struct {
			ErrorType, ErrorMessage string
			StackTrace              []string
		}
		_ = json.Unmarshal(res.Payload, &doc) // what it is not, it does not say
		why = errorObject(doc.ErrorType, doc.ErrorMessage)
		why.StackTrace = doc.StackTrace
		if d.Plain {
			return s.endDurable(tx, key, d, api.ExecutionStatusFailed, nil, why)
		}
	case d.Plain:
		return s.endDurable(tx, key, d, api.ExecutionStatusSucceeded, new(string(res.Payload)), nil)
	default:
		return s.said(tx, key, d, res.Payload)
	}
	if d.Failures++; d.Failures >= durableTries {
		return s.endDurable(tx, key, d, api.ExecutionStatusFailed, nil, why)
	}
	d.Retry = time.Now().UTC().Add(durablePause)
	return s.keepDurable(tx, key, d)
}

func errorObject(kind, message string) *api.ErrorObject {
	return &api.ErrorObject{ErrorType: new(cmp.Or(kind, "Error")), ErrorMessage: &message}
}

// said takes what the SDK in a function says of the execution.
func (s *Service) said(tx *store.Tx, key durableKey, d *durable, payload []byte) error {
	var out struct {
		Status string
		Result *string
		Error  *api.ErrorObject
	}
	err := json.Unmarshal(payload, &out)
	d.Failures = 0
	switch {
	case err == nil && out.Status == "SUCCEEDED":
		return s.endDurable(tx, key, d, api.ExecutionStatusSucceeded, out.Result, nil)
	case err == nil && out.Status == "FAILED":
		return s.endDurable(tx, key, d, api.ExecutionStatusFailed, nil, out.Error)
	case err != nil || out.Status != "PENDING":
		return s.endDurable(tx, key, d, api.ExecutionStatusFailed, nil, errorObject("Lambda.InvalidOutput", "Invalid Status in invocation output."))
	}
	if err := s.ripen(tx, key, d); err != nil {
		return err
	}
	if d.Turn > d.Seen {
		s.invokeNow(tx, key, d)
		return s.keepDurable(tx, key, d)
	}
	ops, err := opsOf(tx, key)
	if err != nil {
		return err
	}
	for i := range ops {
		if ops[i].awaits() {
			return s.keepDurable(tx, key, d)
		}
	}
	return s.endDurable(tx, key, d, api.ExecutionStatusFailed, nil, errorObject("Lambda.InvalidOutput", "Cannot return PENDING status with no pending operations."))
}

// awaits says whether an operation will change without the function.
func (op *durableOp) awaits() bool {
	return !isDone(op.Status) && (!op.ripens().IsZero() || op.Type == api.OperationTypeCallback || op.Type == api.OperationTypeChainedInvoke)
}
