package mapping

import (
	"errors"
	"testing"

	"github.com/aloft-cloud/aloft/internal/script"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

func newRun() *Run {
	return &Run{Context: &Context{Args: vtl.NewMap().Set("name", "Eve"), Stash: vtl.NewMap(), AuthType: "API Key Authorization"}, Effects: new(Effects)}
}

// TestHelpers holds that templates and code see the same helpers.
func TestHelpers(t *testing.T) {
	f := func(template, code, want string) {
		t.Helper()
		parsed, err := vtl.ParseReturning(template)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := newRun().Render(parsed); err != nil || got != want {
			t.Errorf("%s = %s, %v, want %s", template, got, err, want)
		}
		p, wrong := Compile("export function request(ctx) { return " + code + " }")
		if wrong != nil {
			t.Fatal(wrong)
		}
		v, err := newRun().Call(t.Context(), script.New(script.Config{}), p, "request")
		if got := vtl.JSON(v); err != nil || got != want {
			t.Errorf("%s = %s, %v, want %s", code, got, err, want)
		}
	}
	f(`$util.dynamodb.toDynamoDBJson({"a":[1,"b",true,null]})`, `util.dynamodb.toDynamoDB({a:[1,"b",true,null]})`, `{"M":{"a":{"L":[{"N":1},{"S":"b"},{"BOOL":true},{"NULL":null}]}}}`)
	f(`#set($x = '<?xml version="1.0"?><posts a="x"><post><id>1</id><title>one &amp; all</title></post><post>2.5</post><none/></posts>')$util.toJson($util.xml.toMap($x))`,
		`util.xml.toMap('<?xml version="1.0"?><posts a="x"><post><id>1</id><title>one &amp; all</title></post><post>2.5</post><none/></posts>')`,
		`{"posts":{"a":"x","post":[{"id":1,"title":"one & all"},2.5],"none":""}}`)
	f(`$util.toJson($util.xml.toJsonString("<a>true</a>"))`, `util.xml.toJsonString("<a>true</a>")`, `"{\"a\":true}"`)
	f(`$util.dynamodb.toStringSetJson(["a","b"])`, `util.dynamodb.toStringSet(["a","b"])`, `{"SS":["a","b"]}`)
	f(`$util.toJson($util.time.epochMilliSecondsToISO8601(1517943695750))`, `util.time.epochMilliSecondsToISO8601(1517943695750)`, `"2018-02-06T19:01:35.750Z"`)
	f(`$util.toJson($util.time.epochMilliSecondsToFormatted(1517943695750, "yyyy-MM-dd HH:mm:ssZ", "+08:00"))`, `util.time.epochMilliSecondsToFormatted(1517943695750, "yyyy-MM-dd HH:mm:ssZ", "+08:00")`, `"2018-02-07 03:01:35+0800"`)
	f(`$util.time.parseFormattedToEpochMilliSeconds("2018-02-06 19:01:35+0000", "yyyy-MM-dd HH:mm:ssZ")`, `util.time.parseFormattedToEpochMilliSeconds("2018-02-06 19:01:35+0000", "yyyy-MM-dd HH:mm:ssZ")`, `1517943695000`)
	f(`$util.toJson($util.defaultIfNullOrEmpty("", "x"))`, `util.defaultIfNullOrEmpty("", "x")`, `"x"`)
	f(`$util.transform.toDynamoDBFilterExpression({"a":{"eq":1},"or":[{"b":{"beginsWith":"x"}},{"b":{"beginsWith":"y"}}]})`,
		`JSON.parse(util.transform.toDynamoDBFilterExpression({a:{eq:1},or:[{b:{beginsWith:"x"}},{b:{beginsWith:"y"}}]}))`,
		`{"expression":"((#a = :a_eq) AND (begins_with(#b, :b_beginsWith) OR begins_with(#b, :b_beginsWith_2)))","expressionNames":{"#a":"a","#b":"b"},"expressionValues":{":a_eq":{"N":1},":b_beginsWith":{"S":"x"},":b_beginsWith_2":{"S":"y"}}}`)
	f(`$util.toJson($util.list.copyAndRetainAll([1,2,3],[2]))`, `util.list.copyAndRetainAll([1,2,3],[2])`, `[2]`)
	f(`"$ctx.args.name $util.authType()"`, "ctx.args.name + ' ' + util.authType()", `"Eve API Key Authorization"`)
	f(`$util.matches("a+b", "xaab")`, `util.matches("a+b", "xaab")`, `true`)
	f(`$util.isNull($ctx.args.none)`, `util.isNull(ctx.args.none)`, `true`)
}

// TestLint holds what the runtime has not, and that what it has passes.
func TestLint(t *testing.T) {
	for _, bad := range []string{"async function request() {}", "function request() { for (let i = 0; i < 1; i = i + 1) {} }", "function request() { while (true) {} }",
		"function request() { try { } catch (e) { } }", "function request() { throw 1 }", "class A {}", "function* request() {}", "const f = () => /x/", "function request() { let a = 1; a++ }"} {
		if _, wrong := Compile("export " + bad); wrong == nil {
			t.Errorf("%s: is taken", bad)
		}
	}
	for _, good := range []string{"import * as d from '@aws-appsync/utils/dynamodb';\nexport const request = (ctx) => { for (const x of [1]) { } return { ...ctx.args, a: ctx?.b ?? 1, [`c`]: 2 } }",
		"function request() {}\nexport { request }", "import { util } from '@aws-appsync/utils'\nexport default function request() { return util.autoId() }"} {
		if _, wrong := Compile(good); wrong != nil {
			t.Errorf("%s: %v", good, wrong)
		}
	}
}

// FuzzCompile holds that no code makes the compiler or the lint panic.
func FuzzCompile(f *testing.F) {
	f.Add("export function request(ctx) { return ctx.args }")
	f.Add("import {a} from 'b'; export { a as c };")
	f.Fuzz(func(_ *testing.T, code string) { Compile(code) })
}

// FuzzFormat holds that a pattern of times is read, or refused.
func FuzzFormat(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
	f.Fuzz(func(t *testing.T, pattern string) {
		if _, err := layoutOf(pattern); err != nil {
			if _, ok := errors.AsType[*Abort](err); !ok {
				t.Errorf("%q: %v", pattern, err)
			}
		}
	})
}

var _ Runner = (*script.Pool)(nil)

// FuzzXML holds that no text makes a document of XML fail in another way than by an error.
func FuzzXML(f *testing.F) {
	f.Add(`<a b="1"><c/>text<c>2</c></a>`)
	f.Add(`<a><b></a></b>`)
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := ofXML(text); err == nil && m == nil {
			t.Error("neither a map nor an error")
		}
	})
}
