package proxy_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

func TestBalancerEvent(t *testing.T) {
	f := func(r proxy.BalancerRequest, want string) {
		t.Helper()
		r.TargetGroup, r.Method, r.Path = "arn", "GET", "/a%20b"
		if got := string(r.Event()); got != want {
			t.Errorf("Event() = %s, want %s", got, want)
		}
	}
	const head = `{"requestContext":{"elb":{"targetGroupArn":"arn"}},"httpMethod":"GET","path":"/a%20b",`
	h := http.Header{"Accept": {"a", "b"}}
	f(proxy.BalancerRequest{Query: "x=1&x=%32&y", Header: h}, head+`"queryStringParameters":{"x":"%32","y":""},"headers":{"accept":"b"},"body":"","isBase64Encoded":false}`)
	f(proxy.BalancerRequest{Query: "x=1&x=%32&y", Header: h, Multi: true}, head+`"multiValueQueryStringParameters":{"x":["1","%32"],"y":[""]},"multiValueHeaders":{"accept":["a","b"]},"body":"","isBase64Encoded":false}`)
	text := http.Header{"Content-Type": {"application/json"}}
	f(proxy.BalancerRequest{Header: text, Body: []byte(`{}`)}, head+`"queryStringParameters":{},"headers":{"content-type":"application/json"},"body":"{}","isBase64Encoded":false}`)
	f(proxy.BalancerRequest{Header: http.Header{}, Body: []byte(`{}`)}, head+`"queryStringParameters":{},"headers":{},"body":"e30=","isBase64Encoded":true}`)
	text.Set("Content-Encoding", "gzip")
	f(proxy.BalancerRequest{Header: text, Body: []byte(`{}`)}, head+`"queryStringParameters":{},"headers":{"content-encoding":"gzip","content-type":"application/json"},"body":"e30=","isBase64Encoded":true}`)
}

func TestParseBalancerReply(t *testing.T) {
	f := func(payload string, multi bool, status int, contentType, body string) {
		t.Helper()
		r, err := proxy.ParseBalancerReply([]byte(payload), multi)
		switch {
		case status == 0 && err == nil:
			t.Errorf("ParseBalancerReply(%s) = %v, want an error", payload, r)
		case status != 0 && (err != nil || r.Status != status || r.Header.Get("Content-Type") != contentType || string(r.Body) != body):
			t.Errorf("ParseBalancerReply(%s) = %v, %v", payload, r, err)
		}
	}
	f(`{"statusCode":200,"statusDescription":"200 OK","headers":{"Content-Type":"text/html"},"body":"hi","isBase64Encoded":false}`, false, 200, "text/html", "hi")
	f(`{"statusCode":"404"}`, false, 404, "application/octet-stream", "")
	f(`{"statusCode":200,"multiValueHeaders":{"Content-Type":["text/css"]},"headers":{"Content-Type":"text/html"}}`, true, 200, "text/css", "")
	f(`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, false, 200, "application/octet-stream", "hi")
	f(`{"statusCode":200,"body":"!","isBase64Encoded":true}`, false, 0, "", "")
	f(`{"body":"hi"}`, false, 0, "", "")
	f(`{"statusCode":99}`, false, 0, "", "")
	f(`"hi"`, false, 0, "", "")
	f(`{"statusCode":200,"body":{}}`, false, 0, "", "")
}

// FuzzParseBalancerReply holds that what parses is an answer that can be sent.
func FuzzParseBalancerReply(f *testing.F) {
	f.Add(`{"statusCode":200,"headers":{"a":1},"multiValueHeaders":{"a":[true]},"body":"x"}`, true)
	f.Fuzz(func(t *testing.T, payload string, multi bool) {
		r, err := proxy.ParseBalancerReply([]byte(payload), multi)
		if err == nil && (r.Status < 200 || r.Status > 599 || !json.Valid([]byte(payload))) {
			t.Errorf("ParseBalancerReply(%q) = %v", payload, r)
		}
	})
}
