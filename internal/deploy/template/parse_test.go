package template

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	parses := func(text, want string) {
		t.Helper()
		d, err := Parse(text, Options{})
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			return
		}
		got, _ := json.Marshal(d.Root)
		if string(got) != want {
			t.Errorf("Parse(%q) = %s, want %s", text, got, want)
		}
	}
	parses(`{"A": [1, 1.0, true, null]}`, `{"A":[1,1.0,true,null]}`)
	parses("A: !Ref B", `{"A":{"Ref":"B"}}`)
	parses("A: !GetAtt B.C.D", `{"A":{"Fn::GetAtt":["B","C.D"]}}`)
	parses("A: !GetAtt [B, C]", `{"A":{"Fn::GetAtt":["B","C"]}}`)
	parses("A: !Sub 'x ${B}'", `{"A":{"Fn::Sub":"x ${B}"}}`)
	parses("A: !If [C, !Ref B, 5]", `{"A":{"Fn::If":["C",{"Ref":"B"},5]}}`)
	parses("A: !Select [0, !GetAZs '']", `{"A":{"Fn::Select":[0,{"Fn::GetAZs":""}]}}`)
	parses("A: !Equals [!Ref B, on]", `{"A":{"Fn::Equals":[{"Ref":"B"},true]}}`)
	parses("V: 2012-10-17", `{"V":"2012-10-17"}`)
	parses("A: 000000000000", `{"A":"000000000000"}`)
	parses("A: 0x10", `{"A":16}`)
	parses("A: 1_000", `{"A":1000}`)
	parses("A: 1.10", `{"A":1.10}`)
	parses("A: yes\nB: 'yes'\nC: NO", `{"A":true,"B":"yes","C":false}`)
	parses("200: ok\ntrue: x", `{"200":"ok","true":"x"}`)
	parses("A: |\n  x\n  y\n", `{"A":"x\ny\n"}`)
	parses("A:", `{"A":null}`)
}

func TestParseRefuses(t *testing.T) {
	refuses := func(text, want string) {
		t.Helper()
		_, err := Parse(text, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%.40q): %v, want %q", text, err, want)
		}
	}
	refuses(`{"this is invalid JSON"="bad"}`, "Template format error: JSON not well-formed. (line 1, column 25)")
	refuses("{}}", "JSON not well-formed. (line 1")
	refuses("a: [", "Template format error: YAML not well-formed.")
	refuses("- a", "Template format error: unsupported structure.")
	refuses("", "YAML not well-formed")
	refuses("A: &a [1]\nB: *a", "YAML aliases are not allowed in CloudFormation templates")
	refuses("A: !Nope x", "unknown tag !Nope")
	refuses("A: "+strings.Repeat("[", 200)+strings.Repeat("]", 200), "nested more than 100 deep")
	refuses(`{"A": `+strings.Repeat("[", 200)+strings.Repeat("]", 200)+"}", "nested more than 100 deep")
	refuses(strings.Repeat("x", MaxStored+1), "Template may not exceed 1000000 bytes in size.")
}

func TestAliases(t *testing.T) {
	d, err := Parse("A: &a {X: 1, Y: 2}\nB: {<<: *a, Y: 3}\nC: *a", Options{Aliases: true})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(d.Root)
	if want := `{"A":{"X":1,"Y":2},"B":{"X":1,"Y":3},"C":{"X":1,"Y":2}}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 9; i++ {
		prev, this := indexName(i-1), indexName(i)
		bomb += "a" + this + ": &a" + this + " [" + strings.TrimSuffix(strings.Repeat("*a"+prev+",", 10), ",") + "]\n"
	}
	if _, err := Parse(bomb, Options{Aliases: true}); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a bomb: %v, want a refusal", err)
	}
}

func TestLine(t *testing.T) {
	for _, text := range []string{
		"Resources:\n  Table:\n    Type: X\n    Properties:\n      A:\n        - 1\n        - 2\n",
		"{\"Resources\":\n{ \"Table\":\n{ \"Type\": \"X\",\n\"Properties\": {\n \"A\": [\n 1,\n 2 ]}}}}",
	} {
		d, err := Parse(text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			path string
			line int
		}{
			{"Resources", 1}, {"Resources/Table", 2}, {"Resources/Table/Properties", 4},
			{"Resources/Table/Nope", 2}, {"Nope", 1},
		} {
			if got := d.Line(strings.Split(c.path, "/")...); got != c.line {
				t.Errorf("JSON %v: Line(%s) = %d, want %d", d.JSON, c.path, got, c.line)
			}
		}
	}
}

// What parses can be written as JSON and reads the same again; nothing panics.
func FuzzParse(f *testing.F) {
	f.Add("A: !Sub 'x ${B}'\nB: [1, 2.50, yes]")
	f.Add(`{"Resources": {"A": {"Type": "X"}}}`)
	f.Add("A: &a {X: 1}\nB: {<<: *a}")
	f.Add(sampleTemplate)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text, Options{Aliases: true})
		if err != nil {
			return
		}
		d.Line("Resources", "A")
		written, err := json.Marshal(d.Root)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := Parse(string(written), Options{})
		if err != nil {
			t.Fatalf("%q became %s: %v", text, written, err)
		}
		if third, _ := json.Marshal(again.Root); string(third) != string(written) {
			t.Fatalf("%q: %s, then %s", text, written, third)
		}
	})
}

// Any tree is loaded or refused, and one that is loaded can be computed.
func FuzzLoad(f *testing.F) {
	f.Add(sampleTemplate)
	f.Add(`{"Resources":{"A":{"Type":"X","Properties":{"P":{"Fn::Join":["",[{"Ref":"A"}]]}}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text, Options{})
		if err != nil {
			return
		}
		tmpl, err := Load(d.Root)
		if err != nil {
			return
		}
		values, err := tmpl.Bind(nil, nil)
		if err != nil {
			return
		}
		s := &Scope{Region: "eu-west-1", Parameters: values.Bound, Resource: func(id, attribute string) (any, error) {
			return Unknown{}, nil
		}, Export: func(name string) (string, error) { return name, nil }}
		if s.Conditions, err = tmpl.EvalConditions(s); err != nil {
			return
		}
		if _, err := tmpl.Dependencies(s); err != nil {
			return
		}
		for _, r := range tmpl.Resources {
			v, err := tmpl.Resolve(r.Properties, s)
			if err != nil {
				continue
			}
			if m, ok := v.(map[string]any); ok && len(m) == 0 != (len(r.Properties) == 0) {
				continue // all were AWS::NoValue
			}
			if reflect.TypeOf(v) == reflect.TypeFor[noValue]() {
				t.Fatalf("%q: AWS::NoValue got out", text)
			}
		}
	})
}

const sampleTemplate = `
Parameters:
  Name: {Type: String, Default: x}
  Names: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Size: {Type: Number, Default: 5, MinValue: 1, MaxValue: 10}
Mappings:
  Sizes: {small: {mem: 128, zones: [a, b]}}
Conditions:
  IsX: !Equals [!Ref Name, x]
  NotX: !Not [!Condition IsX]
  Both: !And [!Condition IsX, !Not [!Condition NotX]]
Resources:
  A:
    Type: T
    Properties:
      Name: !Sub '${AWS::StackName}-${Name}-${!Literal}'
      List: !Split [',', !Join [',', !Ref Names]]
  B:
    Type: T
    DependsOn: A
    Properties:
      Arn: !GetAtt A.Arn
      Maybe: !If [NotX, 1, !Ref AWS::NoValue]
  C:
    Type: T
    Condition: NotX
Outputs:
  Arn: {Value: !GetAtt A.Arn, Export: {Name: !Sub '${AWS::StackName}:Arn'}}
`
