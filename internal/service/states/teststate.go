package states

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// TestState does what one state does, and tells of each step.
func (s *Service) TestState(ctx context.Context, call *aws.Call, in *api.TestStateInput) (*api.TestStateOutput, error) {
	st, err := testedState(in)
	if err != nil {
		return nil, err
	}
	how := aws.Value(in.StateConfiguration)
	test := asl.Test{State: st, Retries: int(aws.Value(how.RetrierRetryCount)), FailedItems: int64(aws.Value(how.MapIterationFailureCount))}
	if err := readMock(&test, in); err != nil {
		return nil, err
	}
	if refusal := test.Check(); refusal != nil {
		if refusal.Code == api.InvalidDefinition.Code {
			return nil, api.InvalidDefinition.Errorf("%s", refusal.Message)
		}
		return nil, api.ValidationException.Errorf("%s", refusal.Message)
	}
	if err := readEnv(&test, call, in); err != nil {
		return nil, err
	}
	test.Call = func(role string, args tree.Value) (tree.Value, *asl.Error) {
		machine := machineNamed(call, asl.NameOfLoneState)
		by := &caller{machine: machine, execution: machine, role: aws.Value(in.RoleArn), strand: &flow.Strand{}, express: true}
		answer := s.call(ctx, by, &flow.Call{Resource: st.Resource, Arguments: flow.Doc{V: args}, Role: role})
		return answer.Output.V, answer.Error
	}
	return testOutput(in, test.Run()), nil
}

// testedState is the state that a test is of: one of a machine, or one by itself.
func testedState(in *api.TestStateInput) (*asl.State, error) {
	var st *asl.State
	var found []asl.Diagnostic
	if in.StateName != nil {
		var m *asl.Machine
		if m, found = asl.Parse([]byte(in.Definition)); m != nil {
			if st = m.State(*in.StateName); st == nil {
				return nil, api.ValidationException.Errorf("State not found in definition")
			}
		}
	} else {
		st, found = asl.ParseState([]byte(in.Definition))
	}
	if why := asl.InvalidDefinition(found); why != "" {
		return nil, api.InvalidDefinition.Errorf("%s", why)
	}
	switch {
	case in.Mock != nil && aws.Value(in.RevealSecrets):
		return nil, api.ValidationException.Errorf("TestState does not support RevealSecrets when a mock is specified.")
	case st.Type != asl.Task || in.Mock != nil:
	case in.RoleArn == nil:
		return nil, api.ValidationException.Errorf("RoleArn must be specified when testing a Task state")
	default:
		if of := flow.ParseResource(st.Resource); of.Kind == flow.Activity || of.Pattern != "" {
			return nil, api.ValidationException.Errorf("TestState supports activities and the service integration patterns '.sync' and '.waitForTaskToken' with a mock only.")
		}
	}
	return st, nil
}

// readMock reads what stands for the answer of a task, or of states within.
func readMock(test *asl.Test, in *api.TestStateInput) error {
	if data := aws.Value(in.StateConfiguration).MapItemReaderData; data != nil {
		v, err := tree.ParseString(*data)
		if err != nil {
			return api.ValidationException.Errorf("MapItemReaderData must be valid JSON")
		}
		test.ReaderData = &v
	}
	switch {
	case in.Mock == nil:
	case in.Mock.ErrorOutput != nil && in.Mock.Result != nil:
		return api.ValidationException.Errorf("Only one of result and errorOutput can be mocked.")
	case in.Mock.ErrorOutput != nil:
		e := in.Mock.ErrorOutput
		test.Mock = &asl.Mock{Error: &asl.Error{Name: aws.Value(e.Error), Cause: aws.Value(e.Cause)}}
	default:
		v, err := tree.ParseString(aws.Value(in.Mock.Result))
		if err != nil {
			return api.ValidationException.Errorf("Mocked result must be valid JSON")
		}
		test.Mock = &asl.Mock{Result: v}
	}
	return nil
}

// readEnv reads what the expressions of the state see.
func readEnv(test *asl.Test, call *aws.Call, in *api.TestStateInput) error {
	input, _, err := parseInput(in.Input)
	if err != nil {
		return err
	}
	test.Env = asl.Env{Input: input, Source: asl.Live, Event: 2} // as in an execution that begins with the state
	if in.Variables != nil {
		v, err := tree.ParseString(*in.Variables)
		variables, ok := v.(*tree.Object)
		if err != nil || !ok {
			return api.ValidationException.Errorf("Variables must be a JSON object")
		}
		test.Env.Variables = variables
	}
	if in.Context == nil {
		test.Env.Context = testContext(test.State, call, in, input)
		return nil
	}
	v, err := tree.ParseString(*in.Context)
	given, ok := v.(*tree.Object)
	if err != nil || !ok {
		return api.ValidationException.Errorf("Invalid Context object provided: it must be a JSON object")
	}
	if refusal := test.CheckContext(given); refusal != nil {
		return api.ValidationException.Errorf("%s", refusal.Message)
	}
	test.Env.Context = given
	return nil
}

// testContext is the Context object of an execution that there is not.
func testContext(st *asl.State, call *aws.Call, in *api.TestStateInput, input tree.Value) *tree.Object {
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	machine, name := aws.NewRequestID(), aws.NewRequestID()
	var role tree.Value
	if in.RoleArn != nil {
		role = *in.RoleArn
	}
	at := tree.NewObject("EnteredTime", now, "Name", asl.NameOfLoneState)
	if st.Type == asl.Task || st.Type == asl.Parallel || st.Type == asl.Map {
		at.Set("RetryCount", flow.Number(int64(aws.Value(aws.Value(in.StateConfiguration).RetrierRetryCount))))
	}
	return tree.NewObject(
		"Execution", tree.NewObject("Id", call.ARN("states", expressKind+machine+":"+name).String(), "Input", input, "Name", name, "RoleArn", role, "StartTime", now),
		"State", at,
		"StateMachine", tree.NewObject("Id", machineNamed(call, machine).String(), "Name", machine),
	)
}

// testOutput tells what a test found, at the level that was asked for.
func testOutput(in *api.TestStateInput, found asl.Tested) *api.TestStateOutput {
	out := &api.TestStateOutput{Status: &found.Status, NextState: optional(found.Exit.Next)}
	if found.Status == asl.TestSucceeded || found.Status == asl.TestCaught {
		out.Output = new(tree.String(found.Exit.Output))
	}
	if found.Error != nil {
		out.Error, out.Cause = optional(found.Error.Name), optional(found.Error.Cause)
	}
	if aws.Or(in.InspectionLevel, api.InspectionLevelInfo) != api.InspectionLevelInfo {
		out.InspectionData = inspection(found)
	}
	return out
}

// inspection is what the data was on its way, and what follows a failure.
func inspection(found asl.Tested) *api.InspectionData {
	data := &api.InspectionData{}
	for name, member := range map[string]**string{
		"input": &data.Input, "afterArguments": &data.AfterArguments, "afterInputPath": &data.AfterInputPath, "afterParameters": &data.AfterParameters,
		"result": &data.Result, "afterResultSelector": &data.AfterResultSelector, "afterResultPath": &data.AfterResultPath,
		"variables": &data.Variables, "afterItemsPath": &data.AfterItemsPath,
	} {
		if v, done := found.Steps[name]; done {
			*member = new(tree.String(v))
		}
	}
	for name, member := range map[string]**int32{"maxConcurrency": &data.MaxConcurrency, "toleratedFailureCount": &data.ToleratedFailureCount} {
		if n, ok := tree.Int(found.Steps[name]); ok {
			*member = new(int32(n))
		}
	}
	if v, given := found.Steps["toleratedFailurePercentage"]; given {
		data.ToleratedFailurePercentage = new(float32(flow.Float(v)))
	}
	if found.CatchIndex < 0 && found.RetryIndex < 0 {
		return data
	}
	data.ErrorDetails = &api.InspectionErrorDetails{}
	if found.CatchIndex >= 0 {
		data.ErrorDetails.CatchIndex = new(int32(found.CatchIndex))
	}
	if found.RetryIndex >= 0 {
		data.ErrorDetails.RetryIndex = new(int32(found.RetryIndex))
	}
	if found.Status == asl.TestRetriable {
		data.ErrorDetails.RetryBackoffIntervalSeconds = new(int32(found.Backoff))
	}
	return data
}
