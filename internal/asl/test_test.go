package asl

import (
	"testing"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// What AWS was seen to tell of states, one by one.
func TestStateByItself(t *testing.T) {
	mock := func(result string) *Mock { v, _ := tree.ParseString(result); return &Mock{Result: v} }
	oops := &Mock{Error: &Error{"MockException", "Mock the cause of the error."}}
	const arn = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke"`
	const inner = `"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}`
	const retry = `"QueryLanguage":"JSONata","Arguments":{"F":"foo"},"Retry":[{"ErrorEquals":["MockException"],"MaxAttempts":5}],"Catch":[{"ErrorEquals":["Other"],"Next":"X"},{"ErrorEquals":["States.ALL"],"Next":"H"}]`
	for _, c := range []struct {
		what, state, in string
		test            Test
		want            string
	}{
		{"a pass", `"Type":"Pass","End":true`, `{"v":1}`, Test{}, `{"status":"SUCCEEDED","output":{"v":1},"afterInputPath":{"v":1},"afterParameters":{"v":1},"afterResultPath":{"v":1},"afterResultSelector":{"v":1},"input":{"v":1}}`},
		{"a pass with a result", `"Type":"Pass","Result":{"r":2},"ResultPath":"$.m","End":true`, `{"v":1}`, Test{}, `{"status":"SUCCEEDED","output":{"v":1,"m":{"r":2}},"afterResultPath":{"v":1,"m":{"r":2}},"afterResultSelector":{"r":2},"input":{"v":1},"result":{"r":2}}`},
		{"a choice", `"Type":"Choice","Choices":[{"Variable":"$.v","NumericEquals":1,"Next":"One"}]`, `{"v":1}`, Test{}, `{"status":"SUCCEEDED","next":"One","output":{"v":1},"afterInputPath":{"v":1},"input":{"v":1}}`},
		{"a fail", `"Type":"Fail","Error":"E","Cause":"C"`, `{"v":1}`, Test{}, `{"status":"FAILED","error":"E: C","afterInputPath":{"v":1},"input":{"v":1}}`},
		{"a task", arn + `,"ResultSelector":{"s.$":"$.p"},"End":true`, `{"v":1}`, Test{Mock: mock(`{"p":"x"}`)}, `{"status":"SUCCEEDED","output":{"s":"x"},"afterInputPath":{"v":1},"afterParameters":{"v":1},"afterResultPath":{"s":"x"},"afterResultSelector":{"s":"x"},"input":{"v":1},"result":{"p":"x"}}`},
		{"one more try", arn + `,` + retry + `,"End":true`, `{}`, Test{Mock: oops, Retries: 4}, `{"status":"RETRIABLE","error":"MockException: Mock the cause of the error.","retryIndex":0,"backoff":16,"afterArguments":{"F":"foo"},"input":{}}`},
		{"no more tries", arn + `,` + retry + `,"End":true`, `{}`, Test{Mock: oops, Retries: 5}, `{"status":"CAUGHT_ERROR","next":"H","error":"MockException: Mock the cause of the error.","retryIndex":0,"catchIndex":1,"output":{"Error":"MockException","Cause":"Mock the cause of the error."},"afterArguments":{"F":"foo"},"input":{}}`},
		{"a parallel", `"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}],"End":true`, `{}`, Test{Mock: mock(`[7]`)}, `{"status":"SUCCEEDED","output":[7],"afterResultPath":[7],"afterResultSelector":[7],"input":{}}`},
		{"a map that tolerates", `"Type":"Map","QueryLanguage":"JSONata","Items":"{% $states.input %}",` + inner + `,"ToleratedFailureCount":1,"End":true`, `[1,2,3]`, Test{Mock: mock(`[1,1,1]`), FailedItems: 1}, `{"status":"SUCCEEDED","output":[1,1,1],"input":[1,2,3],"maxConcurrency":0,"toleratedFailureCount":1}`},
		{"a map that tolerates no more", `"Type":"Map",` + inner + `,"ToleratedFailureCount":1,"End":true`, `[1,2,3]`, Test{Mock: mock(`[1,1,1]`), FailedItems: 2}, `{"status":"FAILED","error":"States.ExceedToleratedFailureThreshold: The specified tolerated failure threshold was exceeded","afterInputPath":[1,2,3],"afterItemsPath":[1,2,3],"input":[1,2,3],"maxConcurrency":0,"toleratedFailureCount":1}`},
		{"variables", `"Type":"Pass","QueryLanguage":"JSONata","Output":"{% $x + 1 %}","Assign":{"y":2},"End":true`, `{}`, Test{Env: Env{Variables: tree.NewObject("x", number("1"))}}, `{"status":"SUCCEEDED","output":2,"input":{},"variables":{"x":1,"y":2}}`},
	} {
		s, found := ParseState([]byte("{" + c.state + "}"))
		if s == nil {
			t.Errorf("%s: %v", c.what, found)
			continue
		}
		test := c.test
		test.State, test.Env.Source = s, fixed
		test.Env.Input, _ = tree.ParseString(c.in)
		if refusal := test.Check(); refusal != nil {
			t.Errorf("%s: refused: %s", c.what, refusal.Message)
			continue
		}
		if got := told(test.Run()); !alike(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

// told is what a test found, as one document.
func told(r Tested) string {
	o := tree.NewObject("status", r.Status)
	if r.Exit.Next != "" {
		o.Set("next", r.Exit.Next)
	}
	if r.Error != nil {
		o.Set("error", r.Error.Error())
	}
	if r.Status == TestSucceeded || r.Status == TestCaught {
		o.Set("output", r.Exit.Output)
	}
	for name, i := range map[string]int{"catchIndex": r.CatchIndex, "retryIndex": r.RetryIndex} {
		if i >= 0 {
			o.Set(name, intNumber(int64(i)))
		}
	}
	if r.Backoff > 0 {
		o.Set("backoff", intNumber(r.Backoff))
	}
	for k, v := range r.Steps {
		o.Set(k, v)
	}
	return tree.String(o)
}

func TestRefusedTests(t *testing.T) {
	list, object := &Mock{Result: []Value{"1"}}, &Mock{Result: &tree.Object{}}
	const inner = `"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}`
	const branches = `"Branches":[{"StartAt":"B","States":{"B":{"Type":"Succeed"}}},{"StartAt":"C","States":{"C":{"Type":"Succeed"}}}]`
	for _, c := range []struct {
		state string
		test  Test
		want  string
	}{
		{`"Type":"Pass","End":true`, Test{Mock: list}, "State type 'Pass' is not supported when a mock is specified"},
		{`"Type":"Map",` + inner + `,"End":true`, Test{}, "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"},
		{`"Type":"Map",` + inner + `,"End":true`, Test{Mock: object}, "Mocked result must be an array."},
		{`"Type":"Map",` + inner + `,"End":true`, Test{Mock: list, FailedItems: 2}, "Map iteration failure count must be less than or equal to the number of Map iterations"},
		{`"Type":"Parallel",` + branches + `,"End":true`, Test{Mock: object}, "Mocked result must be an array."},
		{`"Type":"Parallel",` + branches + `,"End":true`, Test{Mock: list}, "Mocked result must contain the same number of items as number of Parallel branches."},
	} {
		s, found := ParseState([]byte("{" + c.state + "}"))
		if s == nil {
			t.Fatal(found)
		}
		c.test.State = s
		if got := c.test.Check(); got == nil || got.Message != c.want {
			t.Errorf("%s: got %v, want %s", c.state, got, c.want)
		}
	}
	s, _ := ParseState([]byte(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true}`))
	for context, want := range map[string]string{
		`{"Execution":{"Id":"x"},"StateMachine":{"Name":"m"}}`: "",
		`{"Pokedex":{}}`:                "Invalid Context object provided: Field 'Pokedex' is not allowed",
		`{"Execution":{"pokemon":"x"}}`: "Invalid Context object provided: Field 'pokemon' is not allowed",
		`{"Map":{}}`:                    "Invalid Context object provided: 'Map' field is not supported when mocking a Context object",
		`{"Task":{"Token":"t"}}`:        "Invalid Context object provided: Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern",
	} {
		v, _ := tree.ParseString(context)
		got := ""
		if r := (&Test{State: s}).CheckContext(v.(*tree.Object)); r != nil {
			got = r.Message
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", context, got, want)
		}
	}
}
