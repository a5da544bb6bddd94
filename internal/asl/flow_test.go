package asl

import (
	"strings"
	"testing"
)

const at2 = "An error occurred while executing the state 'S' (entered at the event id #2). "

func TestPass(t *testing.T) {
	const in = `{"a":{"x":1,"big":12345678901234567890,"d":1.10},"b":[1,2],"name":"Arnav"}`
	for _, c := range []struct{ fields, want string }{
		{`"Comment":"nothing"`, in},
		{`"InputPath":"$.a"`, `{"x":1,"big":12345678901234567890,"d":1.10}`},
		{`"InputPath":null`, `{}`},
		{`"OutputPath":null`, `{}`},
		{`"OutputPath":"$.b"`, `[1,2]`},
		{`"InputPath":"$$.Execution.Name"`, `"run"`},
		{`"Result":{"r":[]}`, `{"r":[]}`},
		{`"Result":7,"ResultPath":"$.a.x","OutputPath":"$.a"`, `{"x":7,"big":12345678901234567890,"d":1.10}`},
		{`"Result":7,"ResultPath":null,"OutputPath":"$.b"`, `[1,2]`},
		{`"InputPath":"$.a","Parameters":{"y.$":"$.x","k":["$.x",{"z.$":"$$.StateMachine.Name"}]},"ResultPath":"$.p","OutputPath":"$.p"`, `{"y":1,"k":["$.x",{"z":"m-1"}]}`},
		{`"Result":7,"ResultPath":"$.name.x"`, `States.ResultPathMatchFailure: ` + at2 + `Unable to apply ReferencePath $.name.x to input "` + strings.ReplaceAll(in, `"`, `\"`) + `"`},
		{`"InputPath":"$.no.way"`, `States.Runtime: ` + at2 + `Invalid path '$.no.way' : Missing property in path $['no']`},
		{`"Parameters":{"v.$":"$.no"}`, `States.Runtime: ` + at2 + `The JSONPath '$.no' specified for the field 'v.$' could not be found in the input '` + in + `'`},
		{`"Assign":{"v.$":"$.b"},"OutputPath":"$.name"`, `"Arnav"`},
	} {
		if got := outcome(t, passing(c.fields), in, nil); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.fields, got, c.want)
		}
	}
}

func TestIntrinsics(t *testing.T) {
	const in = `{"a":[1,2,3,4,5,6,7,8,9],"s":"a,b;c","o":{"x":1,"l":[true,"t"]},"esc":"{\"foo\": 1.0}","n":null,"t":"Hi {}","d":[1,1,2,{"a":1},{"a":1},1.0]}`
	for _, c := range []struct{ call, want string }{
		{`States.Format('Hello, {}.', $.s)`, `"Hello, a,b;c."`},
		{`States.Format($.t, 1)`, `"Hi 1"`},
		{`States.Format('{} {}', $.o, $.n)`, `"{x=1, l=[true, t]} null"`},
		{`States.Format('\\{\\} it\\'s \\\\ {}', 'x')`, `"{} it's \\ x"`},
		{`States.StringToJson($.esc)`, `{"foo":1.0}`},
		{`States.JsonToString($.o)`, `"{\"x\":1,\"l\":[true,\"t\"]}"`},
		{`States.Array()`, `[]`},
		{`States.Array(1, 'two', null, true, $.s, States.Array(1.50))`, `[1,"two",null,true,"a,b;c",[1.50]]`},
		{`States.ArrayPartition($.a, 4)`, `[[1,2,3,4],[5,6,7,8],[9]]`},
		{`States.ArrayContains($.a, 5)`, `true`},
		{`States.ArrayContains($.d, $.o)`, `false`},
		{`States.ArrayRange(1, 9, 2)`, `[1,3,5,7,9]`},
		{`States.ArrayRange(3, 1, -1)`, `[3,2,1]`},
		{`States.ArrayGetItem($.a, 5)`, `6`},
		{`States.ArrayLength($.a)`, `9`},
		{`States.ArrayUnique($.d)`, `[1,2,{"a":1},1.0]`},
		{`States.Base64Encode('Data to encode')`, `"RGF0YSB0byBlbmNvZGU="`},
		{`States.Base64Decode('RGF0YSB0byBlbmNvZGU=')`, `"Data to encode"`},
		{`States.Hash('input data', 'SHA-1')`, `"aaff4a450a104cd177d28d18d74485e8cae074b7"`},
		{`States.JsonMerge($.o, States.StringToJson('{\"x\": 2, \"y\": 3}'), false)`, `{"x":2,"l":[true,"t"],"y":3}`},
		{`States.MathAdd(111.6, -1)`, `111`},
		{`States.MathAdd(-1.49, 0)`, `-1`},
		{`States.StringSplit($.s, ',;')`, `["a","b","c"]`},
		{`States.UUID()`, `"1b4e28ba-2fa1-41d2-883f-0016d3cca427"`},
		{`States.ArrayGetItem(States.StringSplit($$.StateMachine.Name, '-'), 1)`, `"1"`},
		{`States.ArrayLength($.a[?(@ > 5)])`, `4`},
		{`$$.Execution.Input.s`, `"a,b;c"`},
	} {
		if got := outcome(t, passing(`"Parameters":{"v.$":"`+c.call+`"},"OutputPath":"$.v"`), in, nil); got != c.want {
			t.Errorf("%s = %s, want %s", c.call, got, c.want)
		}
	}
	for _, bad := range []string{`States.Nothing()`, `States.Format('a`, `States.UUID(1)`, `States.Format('\\d')`, `States.Array(1,)`, `States.Array(`, `x`, ``} {
		want := `Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The value for the field 'v.$' must be a valid JSONPath or a valid intrinsic function call at /States/S/Parameters'`
		if got := outcome(t, passing(`"Parameters":{"v.$":"`+bad+`"}`), in, nil); got != want {
			t.Errorf("%s: %s", bad, got)
		}
	}
	for _, failing := range []string{`States.ArrayGetItem($.a, 9)`, `States.StringToJson('{')`, `States.ArrayRange(1, 2000, 1)`, `States.Hash('a', 'CRC')`, `States.MathAdd('a', 1)`, `States.JsonMerge($.o, $.o, true)`, `States.Format('{}')`, `States.ArrayPartition($.a, 0)`} {
		got := outcome(t, passing(`"Parameters":{"v.$":"`+failing+`"}`), in, nil)
		if !strings.HasPrefix(got, `States.IntrinsicFailure: `+at2+`The function '`) {
			t.Errorf("%s: %s", failing, got)
		}
	}
}

func TestChoice(t *testing.T) {
	const in = `{"s":"foobar","n":5,"n2":5.0,"t":"2016-03-14T01:59:00Z","b":true,"z":null,"star":"a*b"}`
	for _, c := range []struct{ rule, want string }{
		{`"Variable":"$.s","StringEquals":"foobar"`, `"yes"`},
		{`"Variable":"$.s","StringGreaterThanPath":"$.star"`, `"yes"`},
		{`"Variable":"$.s","StringMatches":"f*b*r"`, `"yes"`},
		{`"Variable":"$.s","StringMatches":"f*x"`, `"no"`},
		{`"Variable":"$.star","StringMatches":"a\\*b"`, `"yes"`},
		{`"Variable":"$.s","StringMatches":"a\\*b"`, `"no"`},
		{`"Variable":"$.n","NumericEqualsPath":"$.n2"`, `"yes"`},
		{`"Variable":"$.n","NumericLessThan":5`, `"no"`},
		{`"Variable":"$.n","StringEquals":"5"`, `"no"`},
		{`"Variable":"$.t","TimestampLessThan":"2016-03-14T01:59:00.001Z"`, `"yes"`},
		{`"Variable":"$.t","TimestampEquals":"2016-03-14T02:59:00+01:00"`, `"yes"`},
		{`"Variable":"$.b","BooleanEquals":true`, `"yes"`},
		{`"Variable":"$.z","IsNull":true`, `"yes"`},
		{`"Variable":"$.nothing","IsPresent":false`, `"yes"`},
		{`"Variable":"$.z","IsPresent":true`, `"yes"`},
		{`"Variable":"$.t","IsTimestamp":true`, `"yes"`},
		{`"Variable":"$.n","IsNumeric":false`, `"no"`},
		{`"Not":{"Variable":"$.b","BooleanEquals":true}`, `"no"`},
		{`"And":[{"Variable":"$.nothing","IsPresent":true},{"Variable":"$.nothing","StringEquals":"x"}]`, `"no"`},
		{`"Or":[{"Variable":"$.n","NumericGreaterThan":9},{"Variable":"$.n","NumericGreaterThanEquals":5}]`, `"yes"`},
		{`"Variable":"$$.Execution.Name","StringEquals":"run"`, `"yes"`},
		{`"Variable":"$.nothing","StringEquals":"x"`, `States.Runtime: An error occurred while executing the state 'C' (entered at the event id #2). Invalid path '$.nothing': The choice state's condition path references an invalid value.`},
	} {
		definition := `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{` + c.rule + `,"Next":"Y"}],"Default":"N"},
			"Y":{"Type":"Pass","Result":"yes","End":true},"N":{"Type":"Pass","Result":"no","End":true}}}`
		if got := outcome(t, definition, in, nil); got != c.want {
			t.Errorf("%s: got %s, want %s", c.rule, got, c.want)
		}
	}
	got := outcome(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericEquals":1,"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`, in, nil)
	if want := `States.NoChoiceMatched: An error occurred while executing the state 'C' (entered at the event id #2). Failed to transition out of the state. The state does not point to a next state.`; got != want {
		t.Errorf("without a match: %s", got)
	}
}

func TestVariables(t *testing.T) {
	for _, c := range []struct{ what, definition, in, want string }{
		{"an Assign sees the variables of before", `{"StartAt":"A","States":{
			"A":{"Type":"Pass","Assign":{"x":1,"y.$":"$.in"},"Next":"B"},
			"B":{"Type":"Pass","Assign":{"x.$":"$y","y.$":"$x"},"Next":"C"},
			"C":{"Type":"Pass","Parameters":{"x.$":"$x","y.$":"$y","f.$":"States.Format('{}', $y)"},"End":true}}}`, `{"in":[2]}`, `{"x":[2],"y":1,"f":"1"}`},
		{"branches see what is outside, and keep theirs", `{"StartAt":"A","States":{
			"A":{"Type":"Pass","Assign":{"x":1},"Next":"P"},
			"P":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"y":2},"Next":"B2"},"B2":{"Type":"Pass","Parameters":{"s.$":"States.MathAdd($x, $y)"},"End":true}}}],"Next":"E"},
			"E":{"Type":"Pass","Parameters":{"x.$":"$x","o.$":"$"},"End":true}}}`, `{}`, `{"x":1,"o":[{"s":3}]}`},
		{"OutputPath and InputPath lead to variables", `{"StartAt":"A","States":{
			"A":{"Type":"Pass","Assign":{"answer":42},"Next":"B"},
			"B":{"Type":"Pass","InputPath":"$answer","ResultPath":"$.theAnswer","OutputPath":"$answer","Assign":{"answer":"<omitted>"},"End":true}}}`, `{"q":1}`, `42`},
	} {
		if got := outcome(t, c.definition, c.in, nil); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

func TestTask(t *testing.T) {
	task := func(s *State, args Value) (Value, *Error) {
		if s.Name == "Bad" {
			return nil, &Error{"Lambda.Oops", "why"}
		}
		return args, nil
	}
	const arn = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke"`
	for _, c := range []struct{ what, states, want string }{
		{"result selector and path", `"S":{` + arn + `,"Parameters":{"p.$":"$.in"},"ResultSelector":{"sel.$":"$.p"},"ResultPath":"$.out","End":true}`, `{"in":1,"out":{"sel":1}}`},
		{"a catcher without a path", `"Bad":{` + arn + `,"Catch":[{"ErrorEquals":["States.TaskFailed"],"Next":"E"}],"End":true},"E":{"Type":"Succeed"}`, `{"Error":"Lambda.Oops","Cause":"why"}`},
		{"a catcher with a path", `"Bad":{` + arn + `,"Catch":[{"ErrorEquals":["Other"],"Next":"E"},{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"E"}],"End":true},"E":{"Type":"Succeed"}`, `{"in":1,"e":{"Error":"Lambda.Oops","Cause":"why"}}`},
		{"a catcher that assigns", `"Bad":{` + arn + `,"Catch":[{"ErrorEquals":["States.ALL"],"Assign":{"c.$":"$.Cause"},"ResultPath":null,"Next":"E"}],"End":true},"E":{"Type":"Pass","Parameters":{"c.$":"$c","i.$":"$.in"},"End":true}`, `{"c":"why","i":1}`},
		{"nothing catches", `"Bad":{` + arn + `,"Retry":[{"ErrorEquals":["Lambda.Oops"],"MaxAttempts":2}],"End":true}`, `Lambda.Oops: why`},
		{"a runtime error passes all catchers", `"S":{` + arn + `,"OutputPath":"$.x","Catch":[{"ErrorEquals":["States.Runtime"],"Next":"E"}],"End":true},"E":{"Type":"Succeed"}`, `States.Runtime: ` + at2 + `Invalid path '$.x' : No results for path: $['x']`},
		{"a time-out by a path", `"S":{` + arn + `,"TimeoutSecondsPath":"$.no","End":true}`, `States.Runtime: ` + at2 + `Invalid path '$.no' : No results for path: $['no']`},
		{"fail by paths", `"S":{"Type":"Fail","ErrorPath":"States.Format('E{}', $.in)","CausePath":"$$.Execution.Name"}`, `E1: run`},
		{"fail by a path that leads nowhere", `"S":{"Type":"Fail","CausePath":"$.no"}`, `States.Runtime: ` + at2 + `The JSONPath '$.no' specified for the field 'CausePath' could not be found in the input '{"in":1}'`},
		{"wait", `"S":{"Type":"Wait","SecondsPath":"$.in","End":true}`, `{"in":1}`},
		{"wait for what is missing", `"S":{"Type":"Wait","SecondsPath":"$.no","End":true}`, `States.Runtime: ` + at2 + `The SecondsPath parameter does not reference an input value: $.no`},
		{"wait for a time that is none", `"S":{"Type":"Wait","TimestampPath":"$.in","End":true}`, `States.Runtime: ` + at2 + `The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: $.in == 1`},
	} {
		start := c.states[1 : strings.IndexByte(c.states[1:], '"')+1]
		got := outcome(t, `{"StartAt":"`+start+`","States":{`+c.states+`}}`, `{"in":1}`, task)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

func TestMap(t *testing.T) {
	const inner = `"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}`
	for _, c := range []struct{ fields, want string }{
		{`"ItemsPath":"$.l"`, `[1,2]`},
		{`"ItemsPath":"$.l","ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value","k.$":"$.k"},"ResultSelector":{"all.$":"$[*].v"},"ResultPath":"$.r","OutputPath":"$.r"`, `{"all":[1,2]}`},
		{`"ItemsPath":"$.l","Parameters":{"v.$":"$$.Map.Item.Value"},"MaxConcurrencyPath":"$.k"`, `States.Runtime: ` + at2 + `The MaxConcurrencyPath field refers to value "x" which is not a valid integer: $.k`},
		{`"ItemsPath":"$.k"`, `States.Runtime: ` + at2 + `Reference path "$.k" must point to array.`},
		{`"ToleratedFailureCountPath":"$.l"`, `States.Runtime: ` + at2 + `The ToleratedFailureCountPath field refers to value "[1,2]" which is not a valid integer: $.l`},
	} {
		got := outcome(t, `{"StartAt":"S","States":{"S":{"Type":"Map",`+inner+`,`+c.fields+`,"End":true}}}`, `{"l":[1,2],"k":"x"}`, nil)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.fields, got, c.want)
		}
	}
}
