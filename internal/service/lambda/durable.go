package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

// A durable execution is a run of a function that may take days: the function
// says of each step that it is done, ends when it has to wait, and is invoked
// again when what it waits for is there, with all that was done before.

var (
	durables     = store.NewTable[durableKey, durable]("lambda.durable")
	durableOps   = store.NewTable[durableOpKey, durableOp]("lambda.durable-operation")
	durableNames = store.NewTable[durableKey, string]("lambda.durable-name") // ids, by function and name
	durableTimes = due.NewTimes[durableKey]("lambda.durable-due")
)

type durableKey struct {
	Function aws.ARN
	ID       string
}

type durableOpKey struct {
	Function aws.ARN
	ID       string // of the execution
	Op       string
}

// A durableConfig says that a function's executions are durable.
type durableConfig struct {
	Timeout   int32  // s
	Retention int32  // days
	KMSKey    string `json:",omitempty"`
}

// A durable is one execution.
type durable struct {
	Name    string
	Version string
	Input   []byte
	Tenant  string         `json:",omitempty"`
	Trace   string         `json:",omitempty"`
	Plain   bool           `json:",omitempty"` // the function is not durable: it is a step of Parent
	Parent  *durableOpKey  `json:",omitempty"` // what waits for it
	Config  *durableConfig `json:",omitempty"`

	Status  string
	Result  *string          `json:",omitempty"`
	Error   *api.ErrorObject `json:",omitempty"`
	Started time.Time
	Ended   time.Time `json:",omitzero"`

	Running  bool      `json:",omitempty"` // the function is invoked now
	Run      int       // counts invocations
	Turn     int       // counts changes of operations
	Seen     int       // of Turn, by the function
	Told     int       // of Turn, by the function when it was invoked before
	Failures int       `json:",omitempty"` // invocations that failed in a row
	Retry    time.Time `json:",omitzero"`  // when to invoke after a failure
	Due      time.Time `json:",omitzero"`
}

// A durableOp is an operation of an execution: a step, a wait, ….
type durableOp struct {
	api.Operation
	Place     int           // in the order of their beginnings
	Turn      int           // of the execution, when it last changed
	Ends      time.Time     `json:",omitzero"` // when a callback times out
	Heartbeat time.Duration `json:",omitempty"`
	Beats     time.Time     `json:",omitzero"` // when it does for want of a heartbeat
}

// maxSyncDurable is how long callers may wait for a durable execution.
const maxSyncDurable = 15 * time.Minute

// durableConfigOf reads a configuration, with what is usual in place of what is missing.
func durableConfigOf(c *api.DurableConfig) *durableConfig {
	if c == nil {
		return nil
	}
	return &durableConfig{Timeout: aws.Or(c.ExecutionTimeout, 86400), Retention: aws.Or(c.RetentionPeriodInDays, 14), KMSKey: aws.Value(c.KMSKeyArn)}
}

func (c *durableConfig) describe() *api.DurableConfig {
	if c == nil {
		return nil
	}
	out := &api.DurableConfig{ExecutionTimeout: &c.Timeout, RetentionPeriodInDays: &c.Retention}
	if c.KMSKey != "" {
		out.KMSKeyArn = &c.KMSKey
	}
	return out
}

const durableMark = "/durable-execution/"

// arn names an execution.
func (d *durable) arn(key durableKey) string {
	a := key.Function
	a.Resource += ":" + d.Version + durableMark + d.Name + "/" + key.ID
	return a.String()
}

// parseDurable reads the ARN of an execution.
func parseDurable(call *aws.Call, text string) (durableKey, error) {
	of, rest, _ := strings.Cut(text, durableMark)
	r, err := parseName(call, of, nil)
	_, id, ok := strings.Cut(rest, "/")
	if err == nil && !ok {
		err = invalid("Invalid durable execution ARN.")
	}
	return durableKey{r.function, id}, err
}

// durableOf finds an execution.
func durableOf(tx *store.Tx, key durableKey) (durable, error) {
	d, err := durables.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && d.Plain {
		err = notFound("Durable execution not found")
	}
	return d, err
}

// open says whether an execution goes on.
func (d *durable) open() bool { return d.Status == api.ExecutionStatusRunning }

// opsOf are the operations of an execution, in order.
func opsOf(tx *store.Tx, key durableKey) ([]durableOp, error) {
	var ops []durableOp
	for _, op := range durableOps.Scan(tx, durableOpKey{Function: key.Function, ID: key.ID}) {
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b durableOp) int { return cmp.Compare(a.Place, b.Place) })
	return ops, tx.Err()
}

// beginDurable makes an execution, or finds the one of that name.
func (s *Service) beginDurable(tx *store.Tx, fn aws.ARN, d durable) (durableKey, error) {
	key := durableKey{fn, aws.NewRequestID()}
	if d.Name == "" {
		d.Name = key.ID
	} else {
		id, err := durableNames.Get(tx, durableKey{fn, d.Name})
		if err == nil {
			there, err := durables.Get(tx, durableKey{fn, id})
			if err == nil && !(string(there.Input) == string(d.Input) && there.Version == d.Version) {
				err = api.DurableExecutionAlreadyStartedException.Errorf("Durable execution with name %s already exists with a different payload or version.", d.Name)
			}
			return durableKey{fn, id}, err
		}
		if !errors.Is(err, store.ErrNotFound) {
			return key, err
		}
		if err := durableNames.Put(tx, durableKey{fn, d.Name}, key.ID); err != nil {
			return key, err
		}
	}
	d.Status, d.Started = api.ExecutionStatusRunning, time.Now().UTC()
	if !d.Plain {
		d.Turn = 1
		first := durableOp{Turn: 1, Operation: api.Operation{
			Id: key.ID, Type: api.OperationTypeExecution, Status: api.OperationStatusStarted, StartTimestamp: d.Started,
			ExecutionDetails: &api.ExecutionDetails{InputPayload: new(string(d.Input))},
		}}
		if err := durableOps.Put(tx, durableOpKey{fn, key.ID, key.ID}, first); err != nil {
			return key, err
		}
	}
	s.invokeNow(tx, key, &d)
	return key, s.keepDurable(tx, key, &d)
}

// keepDurable keeps an execution, and when it is to be looked at again.
func (s *Service) keepDurable(tx *store.Tx, key durableKey, d *durable) error {
	next, err := d.next(tx, key)
	if err != nil {
		return err
	}
	if err := durableTimes.Move(tx, key, &d.Due, next, s.durables.bell); err != nil {
		return err
	}
	return durables.Put(tx, key, *d)
}

// startDurable starts a durable execution for an event.
func (s *Service) startDurable(ctx context.Context, r ref, t *target, e *sandbox.Event, name string) (key durableKey, arn string, err error) {
	if r.qualifier == "" {
		return key, "", invalid("You cannot invoke a durable function using an unqualified ARN.")
	}
	if err := t.checkTenant(e); err != nil {
		return key, "", err
	}
	f := t.pick()
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		d := durable{Name: name, Version: f.Version, Input: e.Payload, Tenant: e.Tenant, Trace: e.TraceID, Config: t.durable}
		if key, err = s.beginDurable(tx, r.function, d); err != nil {
			return err
		}
		d, err = durables.Get(tx, key)
		arn = d.arn(key)
		return err
	})
	return key, arn, err
}

// runDurable is run for durable functions: it waits for the end of the execution.
func (s *Service) runDurable(ctx context.Context, r ref, t *target, e *sandbox.Event, name string) (sandbox.Result, string, error) {
	if t.durable.Timeout > int32(maxSyncDurable/time.Second) {
		return sandbox.Result{}, "", invalid("You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.")
	}
	key, arn, err := s.startDurable(ctx, r, t, e, name)
	if err != nil {
		return sandbox.Result{}, "", err
	}
	d, err := s.durables.await(ctx, s, key)
	if err != nil {
		return sandbox.Result{}, "", err
	}
	res := sandbox.Result{}
	if d.Status == api.ExecutionStatusSucceeded {
		res.Payload = []byte(aws.Or(d.Result, "null"))
		return res, arn, nil
	}
	res.FunctionError = "Unhandled"
	if d.Error == nil {
		d.Error = &api.ErrorObject{ErrorMessage: new("The durable execution " + strings.ToLower(strings.ReplaceAll(d.Status, "_", " ")) + ".")}
	}
	doc := map[string]any{"errorMessage": aws.Value(d.Error.ErrorMessage), "errorType": aws.Or(d.Error.ErrorType, d.Status)}
	if d.Error.StackTrace != nil {
		doc["stackTrace"] = d.Error.StackTrace
	}
	res.Payload, err = json.Marshal(doc)
	return res, arn, err
}

// invokeDurable is Invoke for durable functions.
func (s *Service) invokeDurable(ctx context.Context, r ref, t *target, e *sandbox.Event, in *api.InvokeInput, kind string) (*api.InvokeOutput, error) {
	name := aws.Value(in.DurableExecutionName)
	if kind == api.InvocationTypeEvent {
		_, arn, err := s.startDurable(ctx, r, t, e, name)
		return &api.InvokeOutput{StatusCode: new(int32(202)), DurableExecutionArn: &arn}, err
	}
	res, arn, err := s.runDurable(ctx, r, t, e, name)
	if err != nil {
		return nil, err
	}
	out := &api.InvokeOutput{StatusCode: new(int32(200)), Payload: res.Payload, DurableExecutionArn: &arn}
	if res.FunctionError != "" {
		out.FunctionError = &res.FunctionError
	}
	return out, nil
}

// GetDurableExecution describes an execution.
func (s *Service) GetDurableExecution(ctx context.Context, call *aws.Call, in *api.GetDurableExecutionInput) (*api.GetDurableExecutionOutput, error) {
	key, err := parseDurable(call, in.DurableExecutionArn)
	if err != nil {
		return nil, err
	}
	var d durable
	if err := s.db.View(ctx, func(tx *store.Tx) error { d, err = durableOf(tx, key); return err }); err != nil {
		return nil, err
	}
	out := &api.GetDurableExecutionOutput{
		DurableExecutionArn: d.arn(key), DurableExecutionName: d.Name, FunctionArn: ref{key.Function, d.Version}.arn().String(),
		StartTimestamp: d.Started, Status: d.Status, Version: &d.Version, DurableConfig: d.Config.describe(), ExecutionDataIncluded: new(true),
		InputPayload: new(string(d.Input)), Result: d.Result, Error: d.Error,
	}
	if !d.Ended.IsZero() {
		out.EndTimestamp = &d.Ended
	}
	return out, nil
}

// ListDurableExecutionsByFunction lists executions, the newest first.
func (s *Service) ListDurableExecutionsByFunction(ctx context.Context, call *aws.Call, in *api.ListDurableExecutionsByFunctionInput) (*api.ListDurableExecutionsByFunctionOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &api.ListDurableExecutionsByFunctionOutput{DurableExecutions: []api.Execution{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out.DurableExecutions = out.DurableExecutions[:0]
		if exists, err := functions.Has(tx, r.function); err != nil || !exists {
			return cmp.Or(err, errNoFunction(r.arn()))
		}
		for key, d := range durables.Scan(tx, durableKey{Function: r.function}) {
			wanted := (in.DurableExecutionName == nil || *in.DurableExecutionName == d.Name) && (len(in.Statuses) == 0 || slices.Contains(in.Statuses, d.Status)) &&
				(r.qualifier == "" || isAlias(r.qualifier) || r.qualifier == d.Version)
			if d.Plain || !wanted {
				continue
			}
			one := api.Execution{DurableExecutionArn: d.arn(key), DurableExecutionName: d.Name, FunctionArn: ref{key.Function, d.Version}.arn().String(), Status: d.Status, StartTimestamp: d.Started}
			if !d.Ended.IsZero() {
				one.EndTimestamp = &d.Ended
			}
			out.DurableExecutions = append(out.DurableExecutions, one)
		}
		return tx.Err()
	})
	slices.SortStableFunc(out.DurableExecutions, func(a, b api.Execution) int { return b.StartTimestamp.Compare(a.StartTimestamp) })
	if aws.Value(in.ReverseOrder) {
		slices.Reverse(out.DurableExecutions)
	}
	if n := int(aws.Or(in.MaxItems, 100)); n > 0 && len(out.DurableExecutions) > n {
		out.DurableExecutions = out.DurableExecutions[:n]
	}
	return out, err
}

// StopDurableExecution ends an execution.
func (s *Service) StopDurableExecution(ctx context.Context, call *aws.Call, in *api.StopDurableExecutionInput) (*api.StopDurableExecutionOutput, error) {
	key, err := parseDurable(call, in.DurableExecutionArn)
	if err != nil {
		return nil, err
	}
	var d durable
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if d, err = durableOf(tx, key); err != nil || !d.open() {
			return err
		}
		why := in.Error
		if why == nil {
			why = &api.ErrorObject{ErrorType: new("ExecutionStopped"), ErrorMessage: new("The execution was stopped.")}
		}
		return s.endDurable(tx, key, &d, api.ExecutionStatusStopped, nil, why)
	})
	return &api.StopDurableExecutionOutput{StopTimestamp: d.Ended}, err
}
