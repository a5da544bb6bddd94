package graphql

import (
	"context"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

const sample = `
interface Animal { name: String! }
type Dog implements Animal { name: String! barks: Boolean at: AWSDateTime }
type Cat implements Animal { name: String! lives: Int! }
enum Size { BIG SMALL }
input Filter { size: Size = BIG, names: [String!] }
type Query { animals(filter: Filter, limit: Int = 2): [Animal!] dog: Dog! count: Int big: [Size] }
`

// fixed answers fields of the root with what JSON says.
type fixed struct{ root *vtl.Map }

func (fixed) Allow(*Field) *Error      { return nil }
func (f fixed) Has(typ, _ string) bool { return typ == "Query" }
func (f fixed) Resolve(_ context.Context, fields []*Field) []Outcome {
	out := make([]Outcome, len(fields))
	for i, field := range fields {
		v, _ := f.root.Lookup(field.Name)
		if v == "args" {
			v = vtl.JSON(field.Args)
		}
		out[i].Value = v
	}
	return out
}

func answerTo(t testing.TB, query, variables, root string) string {
	t.Helper()
	s, err := ParseSchema(sample)
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{Query: query}
	if v, err := vtl.ParseJSON(variables); err == nil {
		r.Variables, _ = v.(*vtl.Map)
	}
	op, errs, _ := s.Prepare(r)
	if errs != nil {
		return string(AppendErrors(nil, errs))
	}
	v, err := vtl.ParseJSON(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(op.Execute(context.Background(), fixed{v.(*vtl.Map)}, 100, nil).JSON())
}

func TestExecute(t *testing.T) {
	f := func(query, variables, root, want string) {
		t.Helper()
		if got := answerTo(t, query, variables, root); !strings.Contains(got, want) {
			t.Errorf("%s = %s, want %s", query, got, want)
		}
	}
	f("{ animals { name ... on Dog { barks } ...c } } fragment c on Cat { lives }", "", `{"animals":[{"__typename":"Dog","name":"a","barks":true},{"__typename":"Cat","name":"b","lives":9}]}`,
		`{"data":{"animals":[{"name":"a","barks":true},{"name":"b","lives":9}]}}`)
	f("{ animals { ... on Cat { lives } } }", "", `{"animals":[{"__typename":"Cat"}]}`, `{"data":{"animals":null},"errors":[{"path":["animals",0,"lives"],"locations":null,"message":"Cannot return null for non-nullable type: 'Int' within parent 'Cat' (/animals[0]/lives)"}]}`)
	f("{ dog { name } }", "", `{"dog":null}`, `{"data":null,"errors":[{"path":["dog"]`)
	f("{ count }", "", `{"count":"x"}`, `"message":"Can't serialize value (/count) : Expected a value that can be converted to type 'Int' but it was a 'String'"`)
	f("{ count }", "", `{"count":"7"}`, `{"data":{"count":7}}`)
	f("{ animals { name } }", "", `{"animals":{"a":1}}`, `Can't resolve value (/animals) : type mismatch error, expected type LIST`)
	f("{ dog { at } }", "", `{"dog":{"at":"yesterday"}}`, "Unable to serialize `yesterday` as a valid DateTime Object.")
	f("{ dog { at } }", "", `{"dog":{"at":"2026-01-02T03:04:05.678+01:00"}}`, `{"data":{"dog":{"at":"2026-01-02T03:04:05.678+01:00"}}}`)
	f("{ big }", "", `{"big":["BIG","HUGE"]}`, `{"data":{"big":["BIG",null]},"errors":[{"path":["big",1]`)
	f("query($n: Boolean!) { a: count @include(if: $n) b: count @skip(if: $n) }", `{"n":false}`, `{"count":1}`, `{"data":{"b":1}}`)
	f("query($n: Int!) { animals(limit: $n) { name } }", `{"n":"x"}`, `{}`, `Variable 'n' has an invalid value. Expected type 'Int' but was 'String'.`)
	f("query($n: Int!) { animals(limit: $n) { name } }", `{}`, `{}`, `Variable 'n' has coerced Null value for NonNull type 'Int!'`)
	f("{ animals(filter: {size: HUGE}) { name } }", "", `{}`, `Validation error of type WrongType`)
	f("{ animals }", "", `{}`, `Validation error of type SubSelectionRequired: Sub selection required for type Animal of field animals @ 'animals'`)
	f("{ __type(name: \"Size\") { kind enumValues { name } } }", "", `{}`, `{"data":{"__type":{"kind":"ENUM","enumValues":[{"name":"BIG"},{"name":"SMALL"}]}}}`)
	f("{", "", `{}`, "Unable to parse GraphQL query.")
}

// FuzzPrepare holds that what is valid runs, whatever it is.
func FuzzPrepare(f *testing.F) {
	f.Add("{ animals { name } }")
	f.Add("query q($a: Filter) { animals(filter: $a) { ...f } } fragment f on Animal { __typename name }")
	f.Add("{ __schema { types { name fields { name type { ofType { name } } } } } }")
	f.Fuzz(func(t *testing.T, query string) {
		answerTo(t, query, `{"a":{"size":"BIG"}}`, `{"animals":[{"__typename":"Dog","name":"a"}],"dog":{"name":1},"count":1.5}`)
	})
}

// FuzzParseSchema holds that a schema that is whole prints as one that is.
func FuzzParseSchema(f *testing.F) {
	f.Add(sample)
	f.Add("type Query implements A, B { a(x: Int = 1): String @aws_auth(cognito_groups: [\"g\"]) } interface A { a: String } interface B { a: String }")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchema(text)
		if err != nil {
			return
		}
		if _, err := ParseSchema(s.SDL(true)); err != nil {
			t.Errorf("%q prints as %q: %v", text, s.SDL(true), err)
		}
		s.Introspection()
	})
}
