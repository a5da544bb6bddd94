package states

import (
	"context"
	"math"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A trial is a state that is tried out.
type trial struct {
	s      *Service
	in     *api.TestStateInput
	call   *aws.Call
	state  *asl.State
	env    asl.Env
	result tree.Value // mocked
	out    *api.TestStateOutput
}

// TestState runs one state by itself.
func (s *Service) TestState(ctx context.Context, call *aws.Call, in *api.TestStateInput) (*api.TestStateOutput, error) {
	t := &trial{s: s, in: in, call: call, out: &api.TestStateOutput{}}
	var err error
	if t.state, err = stateToTest(in); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	if err := t.prepare(); err != nil {
		return nil, err
	}
	exit, e := t.run(ctx)
	if e != nil {
		t.fail(e)
	} else {
		t.succeed(exit)
	}
	if level := aws.Or(in.InspectionLevel, api.InspectionLevelInfo); level != api.InspectionLevelInfo {
		t.inspect()
	}
	return t.out, nil
}

// stateToTest is the state that a request tries out.
func stateToTest(in *api.TestStateInput) (*asl.State, error) {
	var st *asl.State
	var found []asl.Diagnostic
	if in.StateName == nil {
		st, found = asl.ParseState([]byte(in.Definition))
	} else {
		var m *asl.Machine
		if m, found = asl.Parse([]byte(in.Definition)); m != nil {
			if st = m.State(*in.StateName); st == nil {
				return nil, api.ValidationException.Errorf("State not found in definition")
			}
		}
	}
	if why := asl.InvalidDefinition(found); why != "" {
		return nil, api.InvalidDefinition.Errorf("%s", why)
	}
	return st, nil
}

// check refuses what cannot be tried out so.
func (t *trial) check() error {
	kind, mock := t.state.Type, t.in.Mock
	switch {
	case mock != nil && aws.Value(t.in.RevealSecrets):
		return api.ValidationException.Errorf("TestState does not support RevealSecrets when a mock is specified.")
	case mock != nil && slices.Contains([]asl.StateType{asl.Pass, asl.Succeed, asl.Fail}, kind):
		return api.ValidationException.Errorf("State type '%s' is not supported when a mock is specified", kind)
	case mock == nil && (kind == asl.Map || kind == asl.Parallel):
		return api.InvalidDefinition.Errorf("TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]")
	case mock == nil && kind == asl.Task && t.in.RoleArn == nil:
		return api.ValidationException.Errorf("RoleArn must be specified when testing a Task state")
	case mock == nil || mock.Result == nil:
		return nil
	}
	v, err := tree.ParseString(*mock.Result)
	if err != nil {
		return api.ValidationException.Errorf("Mocked result must be valid JSON")
	}
	t.result = v
	if kind != asl.Map && kind != asl.Parallel {
		return nil
	}
	list, ok := v.([]tree.Value)
	if !ok && (kind == asl.Parallel || !t.state.Processor.Distributed) {
		return api.ValidationException.Errorf("Mocked result must be an array.")
	}
	if kind == asl.Parallel && len(list) != len(t.state.Branches) {
		return api.ValidationException.Errorf("Mocked result must contain the same number of items as number of Parallel branches.")
	}
	return nil
}

// prepare makes what the expressions of the state see.
func (t *trial) prepare() error {
	input, _, err := parseInput(t.in.Input)
	if err != nil {
		return err
	}
	t.env = asl.Env{Input: input, Source: asl.Live, Inspect: &asl.Inspection{}, Variables: &tree.Object{}}
	if t.in.Variables != nil {
		v, err := tree.ParseString(*t.in.Variables)
		variables, ok := v.(*tree.Object)
		if err != nil || !ok {
			return api.ValidationException.Errorf("Variables must be a JSON object")
		}
		t.env.Variables = variables
	}
	name, now := aws.NewRequestID(), time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	machine := t.call.ARN("states", machineKind+name)
	execution := t.call.ARN("states", expressKind+name+":"+name)
	at := tree.NewObject("EnteredTime", now, "Name", t.state.Name)
	if t.state.Type == asl.Task || t.state.Type == asl.Map || t.state.Type == asl.Parallel {
		at.Set("RetryCount", flow.Number(int64(t.tried())))
	}
	t.env.Context = tree.NewObject(
		"Execution", tree.NewObject("Id", execution.String(), "Input", input, "Name", name, "RoleArn", aws.Value(t.in.RoleArn), "StartTime", now),
		"State", at, "StateMachine", tree.NewObject("Id", machine.String(), "Name", name),
	)
	return t.mockContext()
}

// mockContext puts in the Context object what the request says is there.
func (t *trial) mockContext() error {
	if t.in.Context == nil {
		return nil
	}
	v, err := tree.ParseString(*t.in.Context)
	given, ok := v.(*tree.Object)
	if err != nil || !ok {
		return api.ValidationException.Errorf("Invalid Context object provided: it must be a JSON object")
	}
	pattern := flow.ParseResource(t.state.Resource).Pattern
	for name, v := range given.All() {
		switch name {
		case "Task":
			if pattern == "" {
				return api.ValidationException.Errorf("Invalid Context object provided: Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern")
			}
		case "Map":
			return api.ValidationException.Errorf("Invalid Context object provided: 'Map' field is not supported when mocking a Context object")
		case "Execution", "State", "StateMachine":
		default:
			return api.ValidationException.Errorf("Invalid Context object provided: Field '%s' is not allowed", name)
		}
		part, ok := v.(*tree.Object)
		if !ok {
			return api.ValidationException.Errorf("Invalid Context object provided: Field '%s' must be an object", name)
		}
		had, _ := t.env.Context.Get(name)
		whole, _ := had.(*tree.Object)
		for key, x := range part.All() {
			if _, known := whole.Get(key); name != "Task" && !known {
				return api.ValidationException.Errorf("Invalid Context object provided: Field '%s' is not allowed", key)
			}
			if whole == nil {
				whole = &tree.Object{}
			}
			whole.Set(key, x)
		}
		t.env.Context.Set(name, whole)
	}
	return nil
}

// tried is how often the state was tried before.
func (t *trial) tried() int32 {
	return aws.Value(aws.Value(t.in.StateConfiguration).RetrierRetryCount)
}

// run does what the state does.
func (t *trial) run(ctx context.Context) (asl.Exit, *asl.Error) {
	switch st := t.state; st.Type {
	case asl.Choice:
		return st.Choose(t.env)
	case asl.Fail:
		return asl.Exit{}, st.Failure(t.env)
	case asl.Wait:
		if _, e := st.Until(t.env); e != nil {
			return asl.Exit{}, e
		}
	case asl.Task:
		return t.task(ctx)
	case asl.Parallel:
		if _, e := st.Arguments(t.env); e != nil {
			return asl.Exit{}, e
		}
		return t.mocked()
	case asl.Map:
		if _, e := st.MapLimits(t.env); e != nil {
			return asl.Exit{}, e
		}
		if reading, e := st.Reading(t.env); e != nil {
			return asl.Exit{}, e
		} else if reading == nil {
			if _, e := st.Items(t.env); e != nil {
				return asl.Exit{}, e
			}
		}
		return t.mocked()
	}
	return t.state.Exit(t.env, nil)
}

// mocked leaves the state with the result, or the error, that the request says.
func (t *trial) mocked() (asl.Exit, *asl.Error) {
	if e := t.in.Mock.ErrorOutput; e != nil {
		return asl.Exit{}, &asl.Error{Name: aws.Value(e.Error), Cause: aws.Value(e.Cause)}
	}
	return t.state.Exit(t.env, t.result)
}

// task calls what a Task calls, unless its answer is mocked.
func (t *trial) task(ctx context.Context) (asl.Exit, *asl.Error) {
	args, e := t.state.Arguments(t.env)
	if e != nil {
		return asl.Exit{}, e
	}
	role, e := t.state.Role(t.env)
	if e != nil {
		return asl.Exit{}, e
	}
	if t.in.Mock != nil {
		return t.mocked()
	}
	machine := t.call.ARN("states", machineKind+"test")
	c := &caller{machine: machine, execution: machine, role: *t.in.RoleArn, strand: &flow.Strand{}, express: true}
	answer := t.s.call(ctx, c, &flow.Call{Resource: t.state.Resource, Arguments: flow.Doc{V: args}, Role: role})
	if answer.Error != nil {
		return asl.Exit{}, answer.Error
	}
	return t.state.Exit(t.env, answer.Output.V)
}

// succeed answers how a state was left.
func (t *trial) succeed(exit asl.Exit) {
	t.out.Status = new(api.TestExecutionStatusSucceeded)
	t.out.Output, t.out.NextState = new(tree.String(exit.Output)), optional(exit.Next)
	if exit.Assigned.Len() > 0 {
		t.details().Variables = new(tree.String(exit.Variables))
	}
}

// details is what the answer tells of how it came about.
func (t *trial) details() *api.InspectionData {
	if t.out.InspectionData == nil {
		t.out.InspectionData = &api.InspectionData{}
	}
	return t.out.InspectionData
}

// fail answers how a state failed, and what follows.
func (t *trial) fail(e *asl.Error) {
	t.out.Status, t.out.Error, t.out.Cause = new(api.TestExecutionStatusFailed), optional(e.Name), optional(e.Cause)
	tries := make([]int, len(t.state.Retry))
	for i := range tries {
		tries[i] = int(t.tried())
	}
	delay, retrier, again := t.state.RetryOf(e, tries, t.env.Source.Float64())
	about := &api.InspectionErrorDetails{}
	if again || retrier >= 0 && retrier < len(tries) {
		about.RetryIndex = new(int32(retrier))
		t.details().ErrorDetails = about
	}
	if again {
		about.RetryBackoffIntervalSeconds = new(int32(math.Round(delay.Seconds())))
		t.out.Status = new(api.TestExecutionStatusRetriable)
		return
	}
	exit, catcher, caught, failed := t.state.CatchOf(t.env, e)
	if failed != nil {
		t.out.Error, t.out.Cause = optional(failed.Name), optional(failed.Cause)
		return
	}
	if caught {
		t.succeed(exit)
		t.out.Status = new(api.TestExecutionStatusCaughtError)
		about.CatchIndex = new(int32(catcher))
		t.details().ErrorDetails = about
	}
}

// inspect answers what the data was on its way.
func (t *trial) inspect() {
	d := t.details()
	d.Input = new(tree.String(t.env.Input))
	for step, v := range t.env.Inspect.Steps {
		text := new(tree.String(v))
		switch step {
		case "afterInputPath":
			d.AfterInputPath = text
		case "afterParameters":
			d.AfterParameters = text
		case "afterArguments":
			d.AfterArguments = text
		case "result":
			d.Result = text
		case "afterResultSelector":
			d.AfterResultSelector = text
		case "afterResultPath":
			d.AfterResultPath = text
		case "afterItemsPath":
			d.AfterItemsPath = text
		case "maxConcurrency":
			n, _ := tree.Int(v)
			d.MaxConcurrency = new(int32(n))
		case "toleratedFailureCount":
			n, _ := tree.Int(v)
			d.ToleratedFailureCount = new(int32(n))
		case "toleratedFailurePercentage":
			d.ToleratedFailurePercentage = new(float32(flow.Float(v)))
		}
	}
}
