package template

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func load(t *testing.T, text string) *Template {
	t.Helper()
	d, err := Parse(text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := Load(d.Root)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// scope is a scope in which every resource has the name and attributes of its id.
func scope(t *testing.T, tmpl *Template, given map[string]string) *Scope {
	t.Helper()
	values, err := tmpl.Bind(given, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Scope{
		Account: "111122223333", Region: "eu-west-1", StackName: "st", StackID: "arn:st", Parameters: values.Bound,
		Resource: func(id, attribute string) (any, error) {
			if id == "New" {
				return Unknown{}, nil
			}
			return strings.TrimSuffix(id+"."+attribute, "."), nil
		},
		Export: func(name string) (string, error) { return "exported " + name, nil },
	}
	if s.Conditions, err = tmpl.EvalConditions(s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestResolve(t *testing.T) {
	const head = `
Parameters:
  Name: {Type: String, Default: x}
  Names: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Size: {Type: Number, Default: 5}
Mappings:
  Sizes: {small: {mem: 128, zones: [a, b]}}
Conditions:
  IsX: !Equals [!Ref Name, x]
  NotX: !Not [!Condition IsX]
  Both: !And [!Condition IsX, !Not [!Condition NotX]]
  Some: !Or [!Condition NotX, !Equals [!Ref Size, 5]]
Resources:
  New: {Type: T}
  A: {Type: T}
  B:
    Type: T
    Properties: {V: `
	is := func(expression, want string) {
		t.Helper()
		tmpl := load(t, head+expression+"}")
		v, err := tmpl.Resolve(tmpl.Resources["B"].Properties, scope(t, tmpl, nil))
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			return
		}
		got, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if want = `{"V":` + want + `}`; want == `{"V":}` {
			want = `{}`
		}
		if string(got) != want {
			t.Errorf("%s = %s, want %s", expression, got, want)
		}
	}
	is(`!Ref Name`, `"x"`)
	is(`!Ref Size`, `"5"`)
	is(`!Ref Names`, `["a","b","c"]`)
	is(`!Ref A`, `"A"`)
	is(`!GetAtt A.Arn`, `"A.Arn"`)
	is(`!GetAtt [A, !Ref Name]`, `"A.x"`)
	is(`!Ref AWS::AccountId`, `"111122223333"`)
	is(`!Ref AWS::Partition`, `"aws"`)
	is(`!Ref AWS::URLSuffix`, `"amazonaws.com"`)
	is(`!Ref AWS::NotificationARNs`, `[]`)
	is(`!Ref AWS::NoValue`, ``)
	is(`[1, !Ref AWS::NoValue, 2]`, `[1,2]`)
	is(`!If [IsX, {a: !Ref Name}, !Ref A]`, `{"a":"x"}`)
	is(`!If [NotX, 1, !Ref AWS::NoValue]`, ``)
	is(`!If [Both, 1, 2]`, `1`)
	is(`!If [Some, 1, 2]`, `1`)
	is(`!Join ['-', [a, !Ref Size, true, 1.50]]`, `"a-5-true-1.50"`)
	is(`!Join [',', !Ref Names]`, `"a,b,c"`)
	is(`!Join ['', [!Ref AWS::NoValue, Sample]]`, `"Sample"`)
	is(`!Join ['', [!Ref AWS::NoValue]]`, `""`)
	is(`!Split ['|', 'a|b||c']`, `["a","b","","c"]`)
	is(`!Select [1, !Ref Names]`, `"b"`)
	is(`!Select ['2', !Split ['/', 'a/b/c']]`, `"c"`)
	is(`!Sub 'a ${Name} ${A.Arn} ${!Keep} ${AWS::Region} $ { } ${Size}'`, `"a x A.Arn ${Keep} eu-west-1 $ { } 5"`)
	is(`!Sub ['${v}-${Name}', {v: !Select [0, !Ref Names]}]`, `"a-x"`)
	is(`!Sub 'no names'`, `"no names"`)
	is(`!Sub '${unclosed'`, `"${unclosed"`)
	is(`!FindInMap [Sizes, small, mem]`, `128`)
	is(`!Select [1, !FindInMap [Sizes, small, zones]]`, `"b"`)
	is(`!FindInMap [Sizes, big, mem, {DefaultValue: 64}]`, `64`)
	is(`!Base64 hello`, `"aGVsbG8="`)
	is(`!GetAZs ''`, `["eu-west-1a","eu-west-1b","eu-west-1c"]`)
	is(`!Select [0, !GetAZs us-east-1]`, `"us-east-1a"`)
	is(`!Cidr [192.168.0.0/24, 3, 5]`, `["192.168.0.0/27","192.168.0.32/27","192.168.0.64/27"]`)
	is(`!Select [1, !Cidr [10.0.0.0/16, 6, 8]]`, `"10.0.1.0/24"`)
	is(`!ImportValue {'Fn::Sub': '${Name}-vpc'}`, `"exported x-vpc"`)
	is(`!Length [1, 2, 3]`, `3`)
	is(`!Length {Ref: Names}`, `3`)
	is(`!ToJsonString {b: 1, a: ['<', !Ref Name]}`, `"{\"a\":[\"\u003c\",\"x\"],\"b\":1}"`)
	is(`!Ref New`, `"{{changeSet:KNOWN_AFTER_APPLY}}"`)
	is(`!Sub 'a ${New.Arn}'`, `"{{changeSet:KNOWN_AFTER_APPLY}}"`)
	is(`!Join ['', [a, !Ref New]]`, `"{{changeSet:KNOWN_AFTER_APPLY}}"`)
	is(`{Condition: {StringEquals: {a: b}}}`, `{"Condition":{"StringEquals":{"a":"b"}}}`)
}

func TestLoadRefuses(t *testing.T) {
	refuses := func(text, want string) {
		t.Helper()
		d, err := Parse(text, Options{})
		if err == nil {
			_, err = Load(d.Root)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
	const r = "\nResources: {A: {Type: T}}"
	with := func(properties string) string {
		return "Resources: {A: {Type: T}, B: {Type: T, Properties: {V: " + properties + "}}}"
	}
	refuses("Foo: 1\nBar: 2"+r, "Invalid template property or properties [Bar, Foo]")
	refuses("Description: x", "Template format error: At least one Resources member must be defined.")
	refuses("Resources: {}", "Template format error: At least one Resources member must be defined.")
	refuses("Resources: {A: x}", "Template format error: Any Resources member must be an object.")
	refuses("Resources: {A: {Properties: {}}}", "Template format error: [/Resources/A] Every Resources object must contain a Type member.")
	refuses("Resources: {A: {Type: T, Invalid: 1}}", "Invalid template resource property 'Invalid'")
	refuses("Resources: {'A::B': {Type: T}}", "Template format error: Resource name A::B is non alphanumeric.")
	refuses("AWSTemplateFormatVersion: 2010-09-08"+r, "Template format error: unsupported value for AWSTemplateFormatVersion.")
	refuses("Description: "+strings.Repeat("x", 1025)+r, "Template format error: 'Description' length is greater than 1024")
	refuses("Parameters: {'AWS::NoValue': {Type: String}}"+r, "Template format error: Parameter name AWS::NoValue is non alphanumeric.")
	refuses("Parameters: {P: {Type: Foo}}"+r, "Template format error: Unrecognized parameter type: Foo")
	refuses("Parameters: {P: {Default: x}}"+r, "Template format error: Every Parameters object must contain a Type member.")
	refuses("Parameters: {P: {Type: String, X: 1}}"+r, "Invalid template parameter property 'X'")
	refuses("Parameters: {A: {Type: String}}"+r, "Template format error: all resources and parameters must have unique names. Common name(s): [A]")
	refuses("Mappings: {M: {k: {a: {b: c}}}}"+r, "Template format error: Every Mappings attribute must be a String or a List.")
	refuses("Mappings: {M: {k: {a_b: c}}}"+r, "Template format error: Mappings attribute name 'a_b' must contain only alphanumeric characters.")
	refuses("Outputs: {O: {Value: null}}"+r, "[/Outputs/O/Value] 'null' values are not allowed in templates")
	refuses("Outputs: {O: null}"+r, "Template format error: Every Outputs member must contain a Value object")
	refuses("Outputs: {o-x: {Value: 1}}"+r, "Template format error: Outputs name 'o-x' is non alphanumeric.")
	refuses("Outputs: {O: {Value: !Ref Nope}}"+r, "Template format error: Unresolved resource dependencies [Nope] in the Outputs block of the template")
	refuses("Conditions: {C: !Equals [a]}"+r, "Template error: every Fn::Equals object requires a list of 2 string parameters.")
	refuses("Conditions: {C: !Equals [!Ref A, b]}"+r, "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template")
	refuses("Conditions: {C: !And [!Condition D, !Condition D], D: !Not [!Condition C]}"+r, "Template error: Found circular condition dependency: [C, D]")
	refuses("Conditions: {C: !Or [!Condition D]}"+r, "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters.")
	refuses(with("!Ref Nope"), "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template")
	refuses(with("!GetAtt Nope.Arn"), "Template error: instance of Fn::GetAtt references undefined resource Nope")
	refuses(with("!GetAtt Nope"), wrongArgs["Fn::GetAtt"])
	refuses(with("!Sub '${Nope.Arn}'"), "Template error: instance of Fn::Sub references invalid resource attribute Nope.Arn")
	refuses(with("!Sub '${Nope}'"), "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template")
	refuses(with("!Sub '${a-b}'"), "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons")
	refuses(with("!Sub [a]"), wrongArgs["Fn::Sub"])
	refuses(with("!If [C, 1, 2]"), "Template error: unresolved condition dependency C in Fn::If")
	refuses(with("!If [!Ref A, 1, 2]"), "Template error: Fn::If requires a list argument with the first element being a condition")
	refuses(with("!Join [a]"), wrongArgs["Fn::Join"])
	refuses(with("!Split [a, b, c]"), wrongArgs["Fn::Split"])
	refuses(with("!Select [0]"), "Template error: Fn::Select requires a list argument with two elements: an integer index and a list")
	refuses(with("!FindInMap [a, b]"), wrongArgs["Fn::FindInMap"])
	refuses(with("{'Fn::Nope': 1}"), "Template error: Encountered unsupported function: Fn::Nope Supported functions are: "+supportedFunctions)
	refuses(with("!Ref B"), "Circular dependency between resources: [B]")
	refuses("Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, DependsOn: [C]}, C: {Type: T, Properties: {V: !Sub '${A.Arn}'}}, D: {Type: T, DependsOn: C}}",
		"Circular dependency between resources: [A, B, C]")
	refuses("Resources: {A: {Type: T, DependsOn: Nope}}", "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template")
	refuses("Resources: {A: {Type: T, DeletionPolicy: Keep}}", "Template format error: Unrecognized DeletionPolicy Keep for resource A")
}

func TestBindRefuses(t *testing.T) {
	refuses := func(parameter, value, want string) {
		t.Helper()
		tmpl := load(t, "Parameters: {P: {"+parameter+"}}\nResources: {A: {Type: T}}")
		_, err := tmpl.Bind(map[string]string{"P": value}, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%s of %q: %v, want %s", parameter, value, err, want)
		}
	}
	refuses("Type: Number", "x", "Parameter 'P' must be a number.")
	refuses("Type: Number, MinValue: 5", "4", "Parameter 'P' must be a number not less than 5")
	refuses("Type: Number, MaxValue: 5", "6", "Parameter 'P' must be a number not greater than 5")
	refuses("Type: List<Number>", "1,x", "Parameter 'P' must be a number.")
	refuses("Type: String, AllowedValues: [a, 1]", "b", "Parameter 'P' must be one of AllowedValues")
	refuses("Type: CommaDelimitedList, AllowedValues: [a, b]", "a,c", "Parameter 'P' must be one of AllowedValues")
	refuses("Type: String, AllowedPattern: '[a-z]+'", "ab1", "Parameter 'P' must match pattern [a-z]+")
	refuses(`Type: String, AllowedPattern: '^(?=.*\p{Digit})[\p{Print}]{4,}$'`, "word", `Parameter 'P' must match pattern ^(?=.*\p{Digit})[\p{Print}]{4,}$`)
	refuses("Type: String, MinLength: 3", "ab", "Parameter 'P' must contain at least 3 characters")
	refuses("Type: String, MaxLength: 3", "abcd", "Parameter 'P' must contain at most 3 characters")
	refuses("Type: String, MaxLength: 3, ConstraintDescription: be short", "abcd", "Parameter 'P' failed to satisfy constraint: be short")
	refuses("Type: 'AWS::SSM::Parameter::Value<String>'", "/x", "Parameter 'P' is of type AWS::SSM::Parameter::Value<String>, and Aloft does not answer ssm:GetParameters yet.")

	rich := load(t, `Parameters: {P: {Type: String, AllowedPattern: '^(?=.*\p{Digit})[\p{Print}]{4,}$'}}`+"\nResources: {A: {Type: T}}")
	if _, err := rich.Bind(map[string]string{"P": "word 1"}, nil); err != nil {
		t.Error(err)
	}

	tmpl := load(t, "Parameters: {P: {Type: String}, Q: {Type: String}}\nResources: {A: {Type: T}}")
	if _, err := tmpl.Bind(nil, nil); err == nil || err.Error() != "Parameters: [P, Q] must have values" {
		t.Errorf("missing parameters: %v", err)
	}
	if _, err := tmpl.Bind(map[string]string{"P": "", "Q": "", "R": "", "S": ""}, nil); err == nil || err.Error() != "Parameters: [R, S] do not exist in the template" {
		t.Errorf("unknown parameters: %v", err)
	}
}

func TestDependencies(t *testing.T) {
	tmpl := load(t, `
Conditions: {Never: !Equals [a, b]}
Resources:
  A: {Type: T}
  B: {Type: T, DependsOn: [A, Gone]}
  C: {Type: T, Properties: {V: !If [Never, !Ref Gone, !GetAtt B.Arn], W: !Sub ['${A} ${x}', {x: 1}]}}
  Gone: {Type: T, Condition: Never}
`)
	got, err := tmpl.Dependencies(scope(t, tmpl, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"A": nil, "B": {"A"}, "C": {"A", "B"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	tmpl = load(t, "Conditions: {Never: !Equals [a, b]}\nResources: {A: {Type: T, Properties: {V: !Ref Gone}}, Gone: {Type: T, Condition: Never}}")
	if _, err := tmpl.Dependencies(scope(t, tmpl, nil)); err == nil || err.Error() != "Template format error: Unresolved resource dependencies [Gone] in the Resources block of the template" {
		t.Errorf("reference to a resource that is not made: %v", err)
	}
	tmpl = load(t, "Conditions: {Never: !Equals [a, b]}\nResources: {A: {Type: T}, Gone: {Type: T, Condition: Never}}\nOutputs: {O: {Value: !Ref Gone}}")
	if _, err := tmpl.Dependencies(scope(t, tmpl, nil)); err == nil || err.Error() != "Unresolved resource dependencies [Gone] in the Outputs block of the template" {
		t.Errorf("output of a resource that is not made: %v", err)
	}
}

func TestRules(t *testing.T) {
	tmpl := load(t, `
Parameters: {Version: {Type: String, Default: '5'}}
Rules:
  CheckBootstrapVersion:
    Assertions:
      - Assert: {'Fn::Not': [{'Fn::Contains': [['1', '2', '3', '4', '5'], !Ref Version]}]}
        AssertDescription: CDK bootstrap stack version 6 required.
Resources: {A: {Type: T}}
`)
	if err := tmpl.CheckRules(scope(t, tmpl, nil)); err == nil || !strings.Contains(err.Error(), "version 6 required") {
		t.Errorf("version 5: %v, want a refusal", err)
	}
	if err := tmpl.CheckRules(scope(t, tmpl, map[string]string{"Version": "6"})); err != nil {
		t.Errorf("version 6: %v", err)
	}
}
