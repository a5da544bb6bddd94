package asl

import (
	"testing"
)

func TestJSONata(t *testing.T) {
	const in = `{"a":{"x":1,"big":12345678901234567890},"list":[1,2,3],"name":"Arnav","bad":true}`
	const inner = `"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}`
	failed := func(text string) string { return `States.QueryEvaluationError: ` + at2 + text }
	for _, c := range []struct{ states, want string }{
		{`"S":{"Type":"Pass","Output":{"r":"{% $states.input.a.x + 1 %}","c":["{% $states.context.Execution.Name %}"," {% no %} ",null],"k.$":"$.a","b":"{% $states.input.a.big %}"},"End":true}`, `{"r":2,"c":["run"," {% no %} ",null],"k.$":"$.a","b":12345678901234567890}`},
		{`"S":{"Type":"Pass","Output":"{% $states.input.list[$ > 1] %}","End":true}`, `[2,3]`},
		{`"S":{"Type":"Pass","Output":"{% $doesNotExist %}","End":true}`, failed(`The JSONata expression '$doesNotExist' specified for the field 'Output' returned nothing (undefined).`)},
		{`"S":{"Type":"Pass","Output":{"l":[1,"{% $randomSeeded(1) %}"]},"End":true}`, failed(`The JSONata expression '$randomSeeded(1)' specified for the field 'Output/l[1]' threw an error during evaluation. T1006: Attempted to invoke a non-function`)},
		{`"S":{"Type":"Map","Items":"{% $fn := function($x){$x} %}",` + inner + `,"End":true}`, failed(`The JSONata expression '$fn := function($x){$x}' specified for the field 'Items' returned an unsupported result type.`)},
		{`"S":{"Type":"Map","Items":"{% 'string' %}",` + inner + `,"End":true}`, failed(`The JSONata expression ''string'' specified for the field 'Items' returned an unexpected result type. Expected 'array', but was 'string' for value: "string"`)},
		{`"S":{"Type":"Map","Items":"{% {'foo': 'bar'} %}",` + inner + `,"End":true}`, failed(`The JSONata expression '{'foo': 'bar'}' specified for the field 'Items' returned an unexpected result type. Expected 'array', but was 'object' for value: {"foo":"bar"}`)},
		{`"S":{"Type":"Map","Items":"{% $states.input.list %}","ItemSelector":{"v":"{% $states.context.Map.Item.Value * 10 %}","n":"{% $states.input.name %}"},` + inner + `,"Output":"{% $states.result.v %}","End":true}`, `[10,20,30]`},
		{`"S":{"Type":"Map",` + inner + `,"End":true}`, failed(`Map state input must be an array but was: ` + in)},
		{`"S":{"Type":"Choice","Choices":[{"Condition":"{% $states.input.a.x > 1 %}","Next":"N"},{"Condition":"{% $states.input.name = 'Arnav' %}","Assign":{"v":"{% $states.input.a.x %}"},"Output":"chosen","Next":"Y"}],"Default":"N"},"Y":{"Type":"Pass","Output":"{% [$states.input, $v] %}","End":true},"N":{"Type":"Succeed"}`, `["chosen",1]`},
		{`"S":{"Type":"Choice","Choices":[{"Condition":"{% $states.input.name %}","Next":"N"}]},"N":{"Type":"Succeed"}`, failed(`The JSONata expression '$states.input.name' specified for the field 'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean', but was 'string' for value: "Arnav"`)},
		{`"S":{"Type":"Wait","Timestamp":"{% '05-12-2016T21:29:29Z' %}","End":true}`, failed(`The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: 05-12-2016T21:29:29Z`)},
		{`"S":{"Type":"Wait","Seconds":"{% $states.input.a.x %}","Output":{"waited":true},"End":true}`, `{"waited":true}`},
		{`"S":{"Type":"Fail","Error":"{% 'E' & $states.input.a.x %}","Cause":"plain"}`, `E1: plain`},
		{`"S":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"p":"{% $states.input.a.x %}"},"Assign":{"r":"{% $states.result.p + 1 %}"},"Output":{"res":"{% $states.result %}","in":"{% $states.input.name %}"},"Next":"T"},"T":{"Type":"Pass","Output":{"r":"{% $r %}","o":"{% $states.input %}"},"End":true}`, `{"r":2,"o":{"res":{"p":1},"in":"Arnav"}}`},
		{`"S":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Fail","Error":"E","Cause":"C"}}}],"Catch":[{"ErrorEquals":["States.ALL"],"Assign":{"c":"{% $states.errorOutput.Cause %}"},"Output":"{% $states.errorOutput %}","Next":"T"}],"End":true},"T":{"Type":"Pass","Output":"{% [$c, $states.input] %}","End":true}`, `["C",{"Error":"E","Cause":"C"}]`},
		{`"S":{"Type":"Pass","Output":"{% 1 + %}","End":true}`, `Invalid State Machine Definition: 'INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/S/Output'`},
		{`"S":{"Type":"Pass","Output":{"v":"{% phone %}"},"End":true}`, `Invalid State Machine Definition: 'UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/S/Output/v'`},
	} {
		got := outcome(t, `{"QueryLanguage":"JSONata","StartAt":"S","States":{`+c.states+`}}`, in, nil)
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.states, got, c.want)
		}
	}
}

// States of both languages can follow each other, and share variables.
func TestMixed(t *testing.T) {
	got := outcome(t, `{"StartAt":"A","States":{
		"A":{"Type":"Pass","Assign":{"x":[1,2]},"Next":"B"},
		"B":{"Type":"Pass","QueryLanguage":"JSONata","Assign":{"y":"{% $sum($x) %}"},"Output":{"o":"{% $states.input.i %}"},"Next":"C"},
		"C":{"Type":"Pass","Parameters":{"y.$":"$y","o.$":"$.o"},"End":true}}}`, `{"i":"in"}`, nil)
	if want := `{"y":3,"o":"in"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
