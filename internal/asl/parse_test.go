package asl

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The words are those that AWS was seen to say, where it was.
func TestDiagnostics(t *testing.T) {
	const arn = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke"`
	for _, c := range []struct{ what, states, want string }{
		{"no StartAt", ``, `SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt] at /`},
		{"a downgrade", `QL"A":{"Type":"Pass","QueryLanguage":"JSONPath","End":true}`, `SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/A`},
		{"a strange type", `"A":{"Type":"Foo","End":true}`, `SCHEMA_VALIDATION_FAILED: The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map] at /States/A/Type`},
		{"no branches", `"A":{"Type":"Parallel","Branches":[],"End":true}`, `SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/Branches`},
		{"no role", `"A":{` + arn + `,"Credentials":{"x":"y"},"End":true}`, `SCHEMA_VALIDATION_FAILED: The field 'RoleArn' is required but was missing at /States/A/Credentials`},
		{"no time", `"A":{"Type":"Wait","Timestamp":"2016-12-05T21:29:29","End":true}`, `SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp`},
		{"no path", `"A":{"Type":"Pass","OutputPath":"Test","End":true}`, `SCHEMA_VALIDATION_FAILED: Value must be a valid JSONPath. at /States/A/OutputPath`},
		{"a field of other states", `"A":{"Type":"Pass","TimeoutSeconds":1,"End":true}`, `SCHEMA_VALIDATION_FAILED: Field 'TimeoutSeconds' is not supported at /States/A`},
		{"a field of JSONata", `"A":{"Type":"Pass","Output":1,"End":true}`, `SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A`},
		{"a field of JSONPath", `QL"A":{"Type":"Pass","InputPath":"$","End":true}`, `SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage at /States/A`},
		{"nowhere to go", `"A":{"Type":"Pass","Next":"X"},"B":{"Type":"Pass","End":true}`, `MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Next, MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B`},
		{"no end", `"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Pass","Next":"A"}`, `MISSING_END_STATE: Workflow has no terminal state at null`},
		{"nothing to choose", `"A":{"Type":"Choice","Choices":[{"Variable":"$.x","IsNull":true,"Next":"X"}],"Default":"Y"},"B":{"Type":"Succeed"}`, `MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Choices[0]/Next, MISSING_TRANSITION_TARGET: Missing 'Next' target: Y at /States/A/Default, MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B`},
		{"a name twice", `"A":{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}`, `DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A/ItemProcessor/States/A`},
		{"no ARN", `"A":{"Type":"Task","Resource":"fn","End":true}`, `SCHEMA_VALIDATION_FAILED: Value is not a valid resource ARN at /States/A/Resource`},
		{"a rule without a path", `"A":{"Type":"Choice","Choices":[{"Variable":"$.a[x]","IsNull":true,"Next":"B"}]},"B":{"Type":"Succeed"}`, `SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: '[' must be followed by ' or '[' at /States/A/Choices[0]/Variable`},
		{"ItemProcessor has no language", `"A":{"Type":"Map","ItemProcessor":{"QueryLanguage":"JSONata","StartAt":"B","States":{"B":{"Type":"Pass","End":true}}},"End":true}`, `SCHEMA_VALIDATION_FAILED: Field 'QueryLanguage' is not supported at /States/A/ItemProcessor`},
	} {
		language, states := "", c.states
		if s, ok := strings.CutPrefix(c.states, "QL"); ok {
			language, states = `"QueryLanguage":"JSONata",`, s
		}
		start := `"StartAt":"A",`
		if states == "" {
			start, states = "", `"A":{"Type":"Succeed"}`
		}
		_, found := Parse([]byte(`{` + start + language + `"States":{` + states + `}}`))
		if got, want := InvalidDefinition(found), "Invalid State Machine Definition: '"+c.want+"'"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, want)
		}
	}
}

func TestExpress(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:states:::states:startExecution.sync:2":            "Express state machine does not support '.sync' service integration",
		"arn:aws:states:us-east-1:111111111111:activity:a":         "Express state machine does not support Activity ARN",
		"arn:aws:states:::sqs:sendMessage":                         "",
		"arn:aws:lambda:us-east-1:111111111111:function:a.sync":    "",
		"arn:aws:states:::aws-sdk:dynamodb:getItem.syncopation":    "",
		"arn:aws:states:::sqs:sendMessage.waitForTaskToken":        "Express state machine does not support '.waitForTaskToken' service integration",
		"arn:aws:states:::ecs:runTask.sync":                        "Express state machine does not support '.sync' service integration",
		"arn:aws:states:::aws-sdk:sfn:startExecution":              "",
		"arn:aws:states:us-east-1:111111111111:activity:some.sync": "Express state machine does not support Activity ARN",
	} {
		definition := fmt.Appendf(nil, `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":%q,"End":true}}}`, arn)
		if _, found := Parse(definition); len(found) > 0 {
			t.Errorf("%s: %v", arn, found)
		}
		got := ""
		if _, found := Parse(definition, AsExpress); len(found) > 0 {
			got = found[0].Message
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", arn, got, want)
		}
	}
}

func TestMachine(t *testing.T) {
	m, found := Parse([]byte(`{"Comment":"c","StartAt":"M","TimeoutSeconds":60,"States":{
		"M":{"Type":"Map","Label":"L","ItemsPath":"$list","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"},
			"StartAt":"I","States":{"I":{"Type":"Pass","Parameters":{"a.$":"States.MathAdd($x, $b)"},"End":true}}},"Next":"P"},
		"P":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}],"End":true}}}`))
	if m == nil || len(found) > 0 {
		t.Fatal(found)
	}
	if s := m.State("I"); s == nil || s.Machine().Parent() != m.State("M") || m.State("B").Machine().Parent().Name != "P" {
		t.Errorf("State(I) = %v", s)
	}
	if p := m.State("M").Processor; !p.Distributed || !p.Express || m.TimeoutSeconds != 60 {
		t.Errorf("the processor is %+v", p)
	}
	if got, want := fmt.Sprint(m.VariableReferences), "map[I:[b x] M:[list]]"; got != want {
		t.Errorf("VariableReferences = %s, want %s", got, want)
	}
}

func TestRetrier(t *testing.T) {
	for _, c := range []struct {
		r      Retrier
		n      int
		random float64
		want   time.Duration
	}{
		{Retrier{IntervalSeconds: 1, BackoffRate: 2}, 0, 0, time.Second},
		{Retrier{IntervalSeconds: 3, BackoffRate: 2}, 3, 0, 24 * time.Second},
		{Retrier{IntervalSeconds: 3, BackoffRate: 1.5}, 1, 0, 4500 * time.Millisecond},
		{Retrier{IntervalSeconds: 3, BackoffRate: 2, MaxDelaySeconds: 5}, 3, 0, 5 * time.Second},
		{Retrier{IntervalSeconds: 4, BackoffRate: 2, FullJitter: true}, 1, 0.25, 2 * time.Second},
		{Retrier{IntervalSeconds: 1, BackoffRate: 10}, 1000, 0, maxSeconds * time.Second},
	} {
		if got := c.r.Delay(c.n, c.random); got != c.want {
			t.Errorf("%+v.Delay(%d, %v) = %v, want %v", c.r, c.n, c.random, got, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		list, name string
		want       bool
	}{
		{"States.ALL", "Anything", true},
		{"States.ALL", "States.Timeout", true},
		{"States.ALL", "States.Runtime", false},
		{"States.ALL", "States.DataLimitExceeded", false},
		{"States.DataLimitExceeded", "States.DataLimitExceeded", true},
		{"States.Runtime", "States.Runtime", false},
		{"States.TaskFailed", "Lambda.Unknown", true},
		{"States.TaskFailed", "States.Timeout", false},
		{"States.Timeout", "States.HeartbeatTimeout", true},
		{"States.HeartbeatTimeout", "States.Timeout", false},
		{"A B", "B", true},
		{"A B", "C", false},
	} {
		if got := Matches(strings.Fields(c.list), c.name); got != c.want {
			t.Errorf("Matches(%s, %s) = %v", c.list, c.name, got)
		}
	}
}

// Whatever parses can be run, and ends with an output or an error; whatever
// does not is refused with words.
func FuzzParse(f *testing.F) {
	f.Add(passing(`"Parameters":{"v.$":"States.Format('{}', $.a)"},"ResultPath":"$.x"`), `{"a":1}`)
	f.Add(`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Not":{"Variable":"$.x","IsPresent":true},"Next":"S"}],"Default":"F"},"S":{"Type":"Succeed"},"F":{"Type":"Fail","ErrorPath":"$.e"}}}`, `{}`)
	f.Add(`{"QueryLanguage":"JSONata","StartAt":"M","States":{"M":{"Type":"Map","Items":"{% [1..3] %}","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Output":"{% $states.input * 2 %}","End":true}}},"End":true}}}`, `[]`)
	f.Add(`{"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$.s","Next":"P"},"P":{"Type":"Parallel","Branches":[{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::a:b","Retry":[{"ErrorEquals":["States.ALL"]}],"End":true}}}],"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"S"}],"End":true},"S":{"Type":"Succeed"}}}`, `{"s":1}`)
	f.Fuzz(func(t *testing.T, definition, input string) {
		if strings.Contains(definition, "..") {
			t.Skip("expressions have fuzz tests of their own; here they only take time")
		}
		m, found := Parse([]byte(definition))
		if m == nil {
			if InvalidDefinition(found) == "" {
				t.Fatalf("refused without a word")
			}
			return
		}
		outcome(t, definition, "1", nil)
	})
}
