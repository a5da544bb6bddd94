package mapping

import (
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

func TestFind(t *testing.T) {
	v, err := vtl.ParseJSON(`{"store":{"book":[{"title":"A","price":8.95,"n":1},{"title":"B","price":12,"isbn":"x"},{"title":"C","price":9}],"open":true},"a b":1,"null":null}`)
	if err != nil {
		t.Fatal(err)
	}
	f := func(path, want string) {
		t.Helper()
		got, err := Find(v, path)
		if err != nil || vtl.JSON(got) != want {
			t.Errorf("%s: got %s, %v, want %s", path, vtl.JSON(got), err, want)
		}
	}
	f("$.store.open", "true")
	f("$.store.book[0].title", `"A"`)
	f("$['store']['book'][-1].title", `"C"`)
	f("$['a b']", "1")
	f("store.open", "true")
	f("$.store.book[*].title", `["A","B","C"]`)
	f("$.store.book[0,2].title", `["A","C"]`)
	f("$.store.book[1:].title", `["B","C"]`)
	f("$.store.book[:-1].title", `["A","B"]`)
	f("$..title", `["A","B","C"]`)
	f("$.store.book[?(@.price < 10)].title", `["A","C"]`)
	f("$.store.book[?(@.isbn)].title", `["B"]`)
	f("$.store.book[?(@.title == 'C')].price", `[9]`)
	f("$.store.book.length()", "3")
	f("$.none", "null")
	f("$.null", "null")
	f("$.store.*", `[[{"title":"A","price":8.95,"n":1},{"title":"B","price":12,"isbn":"x"},{"title":"C","price":9}],true]`)
	for _, bad := range []string{"$[", "$.a[x]", "$.[?(@.a", "$..", "$.a[?(b)]"} {
		if _, err := Find(v, bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// What AWS made of bodies, as recorded.
func TestVariables(t *testing.T) {
	f := func(body, template, want string) {
		t.Helper()
		p, err := vtl.Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		in := &Input{Body: body, Path: map[string]string{"id": "7"}, Query: map[string]string{"id": "8", "q": "x"}, Header: map[string]string{"Accept": "*/*"}}
		got, err := p.Render(vtl.Config{Quiet: true}, map[string]any{"input": in, "util": Util{}})
		if err != nil || got != want {
			t.Errorf("%s with %s: got %q, %v, want %q", template, body, got, err, want)
		}
	}
	const all = `#set($r = $input.path('$.json')){"body": $r, "nested": $r.nested, "isNull": "#if($r == $null)true#{else}false#end", "isEmptyString": "#if($r == "")true#{else}false#end"}`
	f("", all, `{"body": , "nested": , "isNull": "true", "isEmptyString": "true"}`)
	f(`{"json": []}`, all, `{"body": [], "nested": , "isNull": "false", "isEmptyString": "false"}`)
	f(`{"foo": [{"nested": "bar"}]}`, "$input.path('$')", `{foo=[{"nested":"bar"}]}`)
	f(`[{"foo": "bar"}]`, "$input.path('$')", `[{"foo":"bar"}]`)
	f(`{"bigger": "dict", "to": "test", "with": "separators"}`, "$input.path('$')", "{bigger=dict, to=test, with=separators}")
	f("", "EncodedBody=$util.urlEncode($input.body)&EncodedBodyAccess=$util.urlEncode($input.body.testAccess)", "EncodedBody=%7B%7D&EncodedBodyAccess=")
	f(`{"some": "value"}`, "$util.urlEncode($input.body)", "%7B%22some%22%3A+%22value%22%7D")
	f("some raw data", "$input.body $input.path('$.x')|", "some raw data |")
	f(`{"a":{"b":"x\"y"},"n":1.0}`, `$input.json('$.a') $input.json('$.a.b') $input.json('$.n') $input.json('$.none')`, `{"b":"x\"y"} "x\"y" 1.0 ""`)
	f("", "$input.params('id') $input.params('q') $input.params('accept') $input.params('none')|", "7 x */* |")
	f("", "#foreach($k in $input.params().keySet())$k: $input.params().get($k).keySet() #end", "path: [id] querystring: [id, q] header: [Accept] ")
	f(`it's "a/b" é`+"\n", "$util.escapeJavaScript($input.body)", `it\'s \"a\/b\" \u00E9\n`)
	f("", "$util.base64Encode('hi') $util.base64Decode('aGk=') $util.urlDecode('a+b%2F') $util.parseJson('{\"a\":[1,2]}').a[1]", "aGk= hi a b/ 2")
}

func FuzzFind(f *testing.F) {
	f.Add(`{"a":[{"b":1}]}`, "$..a[?(@.b == 1)]['b'][0:1,2].length()")
	f.Fuzz(func(t *testing.T, source, path string) {
		if v, err := vtl.ParseJSON(source); err == nil && strings.Count(path, "..") < 3 {
			Find(v, path)
		}
	})
}
