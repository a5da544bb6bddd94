package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// A durableSDK does in a function what the SDK of durable executions does there.
type durableSDK struct {
	f     *fixture
	arn   string
	token string
	ops   map[string]api.Operation
}

func (f *fixture) sdk(e sandbox.Event) (*durableSDK, string) {
	var in struct {
		DurableExecutionArn, CheckpointToken string
		InitialExecutionState                struct{ Operations []map[string]any }
	}
	if err := json.Unmarshal(e.Payload, &in); err != nil {
		panic(err)
	}
	d := &durableSDK{f: f, arn: in.DurableExecutionArn, token: in.CheckpointToken, ops: make(map[string]api.Operation)}
	input := ""
	for _, o := range in.InitialExecutionState.Operations {
		for name, v := range o { // times are milliseconds here
			if n, ok := v.(float64); ok {
				o[name] = time.UnixMilli(int64(n))
			}
			if inner, ok := v.(map[string]any); ok {
				delete(inner, "ScheduledEndTimestamp")
				delete(inner, "NextAttemptTimestamp")
			}
		}
		text, _ := json.Marshal(o)
		var op api.Operation
		if err := json.Unmarshal(text, &op); err != nil {
			panic(err)
		}
		d.ops[op.Id] = op
		if op.ExecutionDetails != nil {
			input = *op.ExecutionDetails.InputPayload
		}
	}
	return d, input
}

// status is what an operation has come to; it begins if it has not.
func (d *durableSDK) status(u api.OperationUpdate) string {
	if op, ok := d.ops[u.Id]; ok && op.Status != api.OperationStatusReady {
		return op.Status
	}
	u.Action = api.OperationActionStart
	d.say(u)
	return d.ops[u.Id].Status
}

func (d *durableSDK) say(u api.OperationUpdate) {
	out := must(d.f, d.f.CheckpointDurableExecution, &api.CheckpointDurableExecutionInput{DurableExecutionArn: d.arn, CheckpointToken: d.token, Updates: []api.OperationUpdate{u}})
	d.token = aws.Value(out.CheckpointToken)
	for _, op := range out.NewExecutionState.Operations {
		d.ops[op.Id] = op
	}
}

const pendingAnswer = `{"Status":"PENDING"}`

// durableFixture has a function "saga" that does a step, fails at it once,
// waits an hour, waits for a callback, and calls another function.
func durableFixture(t *testing.T) *fixture {
	f := newFixture(t)
	f.runner.(*sandbox.InProcess).Handlers["saga"] = func(_ context.Context, _ *sandbox.Function, e sandbox.Event, _ func(string)) ([]byte, error) {
		d, input := f.sdk(e)
		f.mu.Lock()
		f.seen = append(f.seen, fmt.Sprint(len(d.ops)))
		f.mu.Unlock()
		step := api.OperationUpdate{Id: "1", Type: api.OperationTypeStep}
		switch d.status(step) {
		case api.OperationStatusPending:
			return []byte(pendingAnswer), nil
		case api.OperationStatusStarted:
			if aws.Value(d.ops["1"].StepDetails.Attempt) == 0 {
				step.Action, step.StepOptions = api.OperationActionRetry, &api.StepOptions{NextAttemptDelaySeconds: new(int32(5))}
				d.say(step)
				return []byte(pendingAnswer), nil
			}
			step.Action, step.Payload = api.OperationActionSucceed, new("stepped "+input)
			d.say(step)
		}
		if d.status(api.OperationUpdate{Id: "2", Type: api.OperationTypeWait, WaitOptions: &api.WaitOptions{WaitSeconds: new(int32(3600))}}) != api.OperationStatusSucceeded {
			return []byte(pendingAnswer), nil
		}
		if d.status(api.OperationUpdate{Id: "3", Type: api.OperationTypeCallback, CallbackOptions: &api.CallbackOptions{TimeoutSeconds: new(int32(7200))}}) == api.OperationStatusStarted {
			f.mu.Lock()
			f.seen = append(f.seen, "callback "+*d.ops["3"].CallbackDetails.CallbackId)
			f.mu.Unlock()
			return []byte(pendingAnswer), nil
		}
		if cb := d.ops["3"]; cb.Status != api.OperationStatusSucceeded {
			return fmt.Appendf(nil, `{"Status":"FAILED","Error":{"ErrorType":%q}}`, *cb.CallbackDetails.Error.ErrorType), nil
		}
		chained := api.OperationUpdate{Id: "4", Type: api.OperationTypeChainedInvoke, Payload: new(`"chained"`), ChainedInvokeOptions: &api.ChainedInvokeOptions{FunctionName: "other"}}
		if d.status(chained) != api.OperationStatusSucceeded {
			return []byte(pendingAnswer), nil
		}
		result, _ := json.Marshal(*d.ops["1"].StepDetails.Result + ", " + *d.ops["3"].CallbackDetails.Result + ", " + *d.ops["4"].ChainedInvokeDetails.Result)
		return fmt.Appendf(nil, `{"Status":"SUCCEEDED","Result":%q}`, result), nil
	}
	in := f.function("saga", "saga")
	in.DurableConfig = &api.DurableConfig{ExecutionTimeout: new(int32(86400)), RetentionPeriodInDays: new(int32(2))}
	must(f, f.CreateFunction, in)
	f.create("other", "echo")
	return f
}

func (f *fixture) startDurables() (stop func()) {
	ctx, cancel := context.WithCancel(f.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := f.runDurables(ctx); err != nil {
			f.t.Error(err)
		}
	}()
	return func() { cancel(); <-done }
}

// startSaga starts an execution.
func (f *fixture) startSaga() string {
	out := must(f, f.Invoke, &api.InvokeInput{FunctionName: "saga:$LATEST", InvocationType: new("Event"), Payload: []byte(`"in"`), DurableExecutionName: new("order")})
	return *out.DurableExecutionArn
}

func (f *fixture) callbackID() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.seen {
		if id, ok := strings.CutPrefix(s, "callback "); ok {
			return id
		}
	}
	return ""
}

// An execution goes on over retries, waits, callbacks and other functions, and
// over restarts of the platform in between.
func TestDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := durableFixture(t)
		stop := f.startDurables()
		arn := f.startSaga()
		equal(t, "the same name again", f.startSaga(), arn)
		time.Sleep(time.Minute)
		stop()
		stop = f.startDurables()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		get := &api.GetDurableExecutionInput{DurableExecutionArn: arn}
		equal(t, "status", must(f, f.GetDurableExecution, get).Status, "RUNNING")
		must(f, f.SendDurableExecutionCallbackSuccess, &api.SendDurableExecutionCallbackSuccessInput{CallbackId: f.callbackID(), Result: []byte("called")})
		time.Sleep(time.Second)
		synctest.Wait()
		d := must(f, f.GetDurableExecution, get)
		equal(t, "status", d.Status, "SUCCEEDED")
		equal(t, "result", aws.Value(d.Result), `"stepped \"in\", called, \"chained\""`)
		refuse(f, f.SendDurableExecutionCallbackSuccess, &api.SendDurableExecutionCallbackSuccessInput{CallbackId: f.callbackID()},
			"CallbackTimeoutException: The callback has timed out, or its execution has ended.")
		equal(t, "listed", len(must(f, f.ListDurableExecutionsByFunction, &api.ListDurableExecutionsByFunctionInput{FunctionName: "saga"}).DurableExecutions), 1)
		time.Sleep(50 * time.Hour)
		synctest.Wait()
		equal(t, "listed after its retention", len(must(f, f.ListDurableExecutionsByFunction, &api.ListDurableExecutionsByFunctionInput{FunctionName: "saga"}).DurableExecutions), 0)
		stop()
	})
}

// Callbacks time out, executions are stopped, and their functions are not
// invoked without a version.
func TestDurableEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := durableFixture(t)
		stop := f.startDurables()
		arn := f.startSaga()
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		d := must(f, f.GetDurableExecution, &api.GetDurableExecutionInput{DurableExecutionArn: arn})
		equal(t, "status", d.Status+" "+aws.Value(d.Error.ErrorType), "FAILED Callback.Timeout")
		other := must(f, f.Invoke, &api.InvokeInput{FunctionName: "saga:$LATEST", InvocationType: new("Event")}).DurableExecutionArn
		time.Sleep(time.Second)
		must(f, f.StopDurableExecution, &api.StopDurableExecutionInput{DurableExecutionArn: *other})
		equal(t, "status", must(f, f.GetDurableExecution, &api.GetDurableExecutionInput{DurableExecutionArn: *other}).Status, "STOPPED")
		refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "saga"}, "InvalidParameterValueException: You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.")
		refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "saga", InvocationType: new("Event")}, "InvalidParameterValueException: You cannot invoke a durable function using an unqualified ARN.")
		refuse(f, f.CheckpointDurableExecution, &api.CheckpointDurableExecutionInput{DurableExecutionArn: arn, CheckpointToken: "MTox"}, "InvalidParameterValueException: Invalid checkpoint token")
		must(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "saga"})
		stop()
	})
}
