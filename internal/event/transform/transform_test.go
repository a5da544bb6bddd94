package transform_test

import (
	"encoding/json"
	"testing"

	"github.com/aloft-cloud/aloft/internal/event/transform"
)

const event = `{"detail-type":"t","time":"2024-01-01T00:00:00Z","detail":{"id":"a\"b","n":1.50,"ok":true,"list":["x",{"y":[1,2]}],"all":[{"id":1},{"id":2},{}],"a b":null}}`

func TestFind(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		p, err := transform.ParsePath(path)
		if err != nil {
			t.Errorf("ParsePath(%q): %v", path, err)
			return
		}
		got, ok := p.Find([]byte(event))
		if !ok {
			got = []byte("none")
		}
		if string(got) != want {
			t.Errorf("%s leads to %s, want %s", path, got, want)
		}
	}
	f("$", event)
	f("$.detail-type", `"t"`)
	f("$.detail.n", "1.50")
	f("$.detail.list[1].y[0]", "1")
	f("$.detail['a b']", "null")
	f(`$["detail"].ok`, "true")
	f("$.detail.all[*].id", "[1,2]")
	f("$.detail.list[2]", "none")
	f("$.detail.id.x", "none")
	f("$.none", "none")
	for _, bad := range []string{"", "detail", "$detail", "$.", "$.a..b", "$[", "$[x]", "$[-1]", "$['a]", "$.a]"} {
		if _, err := transform.ParsePath(bad); err == nil {
			t.Errorf("ParsePath(%q) has no error", bad)
		}
	}
}

func TestFill(t *testing.T) {
	values := map[string]string{"id": `"a\"b"`, "n": "1.50", "list": `["x", {"y": "z"}]`}
	f := func(template, want string) {
		t.Helper()
		got := transform.ParseTemplate(template).Fill(func(name string) ([]byte, bool) {
			v, ok := values[name]
			return []byte(v), ok
		})
		if string(got) != want {
			t.Errorf("%s becomes %s, want %s", template, got, want)
		}
	}
	f(`{"id": <id>, "n": <n>}`, `{"id": "a\"b", "n": 1.50}`)
	f(`{"text": "it is <id>, <n> and <list>"}`, `{"text": "it is a\"b, 1.50 and [x,{y:z}]"}`)
	f(`{"none": <none>, "text": "<none>!"}`, `{"none": "", "text": "!"}`)
	f(`"say \"<id>\""`, `"say \"a\"b\""`)
	f("\"<n>\"\n\"<n>\"", "\"1.50\"\n\"1.50\"")
	f(`{[/ < 1 <>`, `{[/ < 1 <>`)
}

// FuzzFind holds that a path leads only to JSON.
func FuzzFind(f *testing.F) {
	f.Add("$.detail.list[1].y[*]", event)
	f.Add("$['a'][0].*", `[[{}]]`)
	f.Fuzz(func(t *testing.T, path, doc string) {
		p, err := transform.ParsePath(path)
		if err != nil || !json.Valid([]byte(doc)) {
			return
		}
		if got, ok := p.Find([]byte(doc)); ok && !json.Valid(got) {
			t.Errorf("%s leads to %s", path, got)
		}
	})
}
