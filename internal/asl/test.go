package asl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Test is a test of one state by itself, as TestState makes it.
type Test struct {
	State *State
	Env   Env
	Call  func(role string, args Value) (Value, *Error) // does what a Task does; not called when there is a mock
	Mock  *Mock

	Retries     int    // how often the retrier that matches was used already
	FailedItems int64  // iterations of a Map that failed
	ReaderData  *Value // what an ItemReader is said to read
}

// Mock stands for what a Task, Parallel or Map gives.
type Mock struct {
	Result Value
	Error  *Error // if it fails
}

// The outcomes of a test.
const (
	TestSucceeded = "SUCCEEDED"
	TestFailed    = "FAILED"
	TestRetriable = "RETRIABLE"
	TestCaught    = "CAUGHT_ERROR"
)

// Tested is what a test finds.
type Tested struct {
	Status     string
	Exit       Exit   // of one that succeeded or was caught
	Error      *Error // of one that did not succeed
	CatchIndex int    // of the catcher, -1 if none
	RetryIndex int    // of the retrier that matches, -1 if none
	Backoff    int64  // seconds until it is tried again, if it is
	Steps      map[string]Value
}

// A Refusal is why a test is not made: the code of a fault of the API, and its words.
type Refusal struct{ Code, Message string }

func refuse(format string, args ...any) *Refusal {
	return &Refusal{"ValidationException", fmt.Sprintf(format, args...)}
}

// Check refuses tests that make no sense.
func (t *Test) Check() *Refusal {
	s := t.State
	mockable := s.Type == Task || s.Type == Map || s.Type == Parallel
	switch {
	case t.Mock != nil && !mockable:
		return refuse("State type '%s' is not supported when a mock is specified", s.Type)
	case t.Mock == nil && (s.Type == Map || s.Type == Parallel):
		return &Refusal{"InvalidDefinition", "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"}
	case t.Mock == nil || t.Mock.Error != nil:
		return nil
	}
	list, isList := t.Mock.Result.([]Value)
	switch {
	case s.Type == Parallel && !isList, s.Type == Map && s.writer == nil && !isList:
		return refuse("Mocked result must be an array.")
	case s.Type == Parallel && len(list) != len(s.Branches):
		return refuse("Mocked result must contain the same number of items as number of Parallel branches.")
	case s.Type == Map && isList && t.FailedItems > int64(len(list)):
		return refuse("Map iteration failure count must be less than or equal to the number of Map iterations")
	}
	return nil
}

// contextFields are what a context that is given may have.
var contextFields = map[string][]string{
	"Execution":    {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"},
	"State":        {"EnteredTime", "Name", "RetryCount"},
	"StateMachine": {"Id", "Name"},
	"Task":         {"Token"},
}

// CheckContext refuses a Context object that could not be one.
func (t *Test) CheckContext(context *tree.Object) *Refusal {
	const invalid = "Invalid Context object provided: "
	for name, v := range context.All() {
		allowed, known := contextFields[name]
		switch {
		case name == "Map":
			return refuse(invalid + "'Map' field is not supported when mocking a Context object")
		case !known:
			return refuse(invalid+"Field '%s' is not allowed", name)
		case name == "Task" && !waits(t.State.Resource):
			return refuse(invalid + "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern")
		}
		inner, _ := v.(*tree.Object)
		for _, field := range inner.Keys() {
			if !slices.Contains(allowed, field) {
				return refuse(invalid+"Field '%s' is not allowed", field)
			}
		}
	}
	return nil
}

// waits reports whether a resource is one whose end is waited for.
func waits(resource string) bool {
	return strings.HasSuffix(resource, ".waitForTaskToken") || strings.HasSuffix(resource, ".sync") || strings.Contains(resource, ".sync:")
}

// Run makes the test.
func (t *Test) Run() Tested {
	env := t.Env
	env.Inspect = &Inspection{}
	env.Inspect.set("input", env.Input)
	exit, failed := t.try(env)
	out := Tested{Status: TestSucceeded, Exit: exit, Error: failed, CatchIndex: -1, RetryIndex: -1}
	if failed != nil {
		t.handle(env, &out)
	}
	if vars := out.Exit.Variables; vars.Len() > 0 {
		env.Inspect.set("variables", vars)
	} else if env.Variables.Len() > 0 {
		env.Inspect.set("variables", env.Variables)
	}
	out.Steps = env.Inspect.Steps
	return out
}

// try does what the state does, once.
func (t *Test) try(env Env) (Exit, *Error) {
	s := t.State
	switch s.Type {
	case Choice:
		return s.Choose(env)
	case Fail:
		if s.QueryLanguage == JSONPath {
			env.Inspect.set("afterInputPath", env.Input)
		}
		return Exit{}, s.Failure(env)
	case Wait:
		if _, err := s.Until(env); err != nil {
			return Exit{}, err
		}
	case Task:
		args, err := s.Arguments(env)
		if err != nil {
			return Exit{}, err
		}
		role, err := s.Role(env)
		if err != nil {
			return Exit{}, err
		}
		result, err := t.call(role, args)
		if err != nil {
			return Exit{}, err
		}
		return s.Exit(env, result)
	case Parallel:
		if t.Mock.Error != nil {
			return Exit{}, t.Mock.Error
		}
		return s.Exit(env, t.Mock.Result)
	case Map:
		return t.tryMap(env)
	}
	return s.Exit(env, nil)
}

func (t *Test) call(role string, args Value) (Value, *Error) {
	if t.Mock == nil {
		return t.Call(role, args)
	}
	return t.Mock.Result, t.Mock.Error
}

func (t *Test) tryMap(env Env) (Exit, *Error) {
	s := t.State
	limits, err := s.MapLimits(env)
	if err != nil {
		return Exit{}, err
	}
	total := int64(0)
	if s.reader == nil {
		items, err := s.Items(env)
		if err != nil {
			return Exit{}, err
		}
		total = int64(len(items))
	} else if t.ReaderData != nil {
		items, ok := itemsOf(*t.ReaderData, true)
		if !ok {
			return Exit{}, readerError("Attempting to map over non-iterable node.")
		}
		total = int64(len(items))
	}
	switch {
	case t.Mock.Error != nil:
		return Exit{}, t.Mock.Error
	case limits.Exceeded(t.FailedItems, total):
		return Exit{}, &Error{ErrExceedToleratedFailure, "The specified tolerated failure threshold was exceeded"}
	}
	return s.Exit(env, t.Mock.Result)
}

// handle finds what follows the failure: another try, a catcher, or the end.
func (t *Test) handle(env Env, out *Tested) {
	out.Status, out.Exit = TestFailed, Exit{}
	s, failed := t.State, out.Error
	tries := make([]int, len(s.Retry))
	for i := range tries {
		tries[i] = t.Retries
	}
	delay, i, again := s.RetryOf(failed, tries, env.Source.Float64())
	out.RetryIndex = i
	if again {
		out.Status, out.Backoff = TestRetriable, int64(delay.Seconds())
		return
	}
	exit, i, caught, err := s.CatchOf(env, failed)
	switch {
	case err != nil:
		out.Error = err
	case caught:
		out.Status, out.Exit, out.CatchIndex = TestCaught, exit, i
	}
}
