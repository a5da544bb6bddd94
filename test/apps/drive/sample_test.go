package drive

import (
	"encoding/json"
	"testing"
)

func TestFields(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		got, err := json.Marshal(fields(source))
		if err != nil || string(got) != want {
			t.Errorf("fields(%q) = %s, want %s", source, got, want)
		}
	}
	f(`const data = JSON.parse(event.body); if (typeof data.text !== 'string') {}`, `{"text":"hello world"}`)
	f(`const body = JSON.parse(event.body); const {chat, text} = body.message;`, `{"message":{"chat":"1","text":"hello world"}}`)
	f(`const { email, age } = JSON.parse(event.body);`, `{"age":1,"email":"someone@example.com"}`)
	f("body = json.loads(event['body'])\nchat = body['message']['chat']['id']", `{"message":{"chat":{"id":"1"}}}`)
	f("name = event.get('name')", `{"name":"hello world"}`)
	f(`data.items.forEach(x => x)`, `{}`)
}

func TestMatching(t *testing.T) {
	f := func(pattern, want string) {
		t.Helper()
		if got := encoded(matching(parsed(pattern))); got != want {
			t.Errorf("matching(%s) = %s, want %s", pattern, got, want)
		}
	}
	f(`{"source":["orders"],"detail":{"total":[{"numeric":[">",10]}],"kind":[{"prefix":"a"}],"gone":[{"exists":false}]}}`,
		`{"detail":{"kind":"a1","total":11},"source":"orders"}`)
	f(`{"$or":[{"a":["1"]},{"b":["2"]}],"c":[{"anything-but":["x"]}]}`, `{"a":"1","c":"something else"}`)
	f(`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"status":{"S":["new"]}}}}`, `{"dynamodb":{"NewImage":{"status":{"S":"new"}}},"eventName":"INSERT"}`)
}
