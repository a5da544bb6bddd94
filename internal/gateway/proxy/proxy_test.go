package proxy

import (
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func request() *Request {
	return &Request{
		Account: "123456789012", API: "abc123", Stage: "dev", RouteKey: "POST /pets/{id}", Path: "/dev/pets/a b", Resource: "/pets/{id}",
		Params: map[string]string{"id": "a b"}, Variables: map[string]string{"v": "1"}, Method: "POST", Query: "x=1&x=2%203&y&z=%zz", Protocol: "HTTP/1.1",
		Header: http.Header{"Host": {"abc123.execute-api.localhost"}, "Accept": {"a", "b"}, "Cookie": {"c1=1; c2=2", "c3"}, "Content-Type": {"application/json"}, "User-Agent": {"curl"}},
		Body:   []byte(`{"a":"é"}`), Domain: "abc123.execute-api.localhost", SourceIP: "127.0.0.1", ID: "JKJaXmPLvHcESHA=",
		Time: time.Date(2020, 3, 10, 5, 16, 23, 220e6, time.UTC),
	}
}

// The events are compared with those in testdata, which look like AWS's.
func TestEvents(t *testing.T) {
	binary := request()
	binary.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	bare := &Request{
		Account: "123456789012", API: "abc123", Stage: "$default", RouteKey: "$default", Path: "/", Resource: "$default", Method: "GET", Protocol: "HTTP/2.0",
		Header: http.Header{"Host": {"abc123.execute-api.localhost"}}, Domain: "abc123.execute-api.localhost", SourceIP: "::1", ID: "id", Time: time.UnixMilli(1583817383220),
	}
	f := func(name, version string, r *Request) {
		t.Helper()
		want, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var g, w any
		if err := json.Unmarshal(r.Event(version), &g); err != nil {
			t.Fatalf("%s: %v: %s", name, err, r.Event(version))
		}
		if err := json.Unmarshal(want, &w); err != nil {
			t.Fatal(err)
		}
		got, _ := json.MarshalIndent(g, "", "  ")
		if want, _ := json.MarshalIndent(w, "", "  "); string(got) != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
	f("v2", V2, request())
	f("v2-binary", V2, binary)
	f("v2-bare", V2, bare)
	f("v1", V1, request())
	f("v1-bare", V1, bare)
}

func TestIsText(t *testing.T) {
	f := func(contentType string, want bool) {
		t.Helper()
		if got := isText(contentType); got != want {
			t.Errorf("isText(%q) = %v, want %v", contentType, got, want)
		}
	}
	f("text/csv; charset=utf-8", true)
	f("application/json", true)
	f("Application/JSON;charset=UTF-8", true)
	f("application/javascript", true)
	f("application/xml", true)
	f("application/problem+json", false)
	f("application/x-www-form-urlencoded", false)
	f("multipart/form-data; boundary=x", false)
	f("", false)
	f(";", false)
}

func TestParseReply(t *testing.T) {
	f := func(version, payload, want string) {
		t.Helper()
		r, err := ParseReply(version, []byte(payload))
		got := "malformed"
		if err == nil {
			var b strings.Builder
			b.WriteString(http.StatusText(r.Status) + "\n")
			r.Header.Write(&b)
			got = strings.ReplaceAll(b.String(), "\r\n", "\n") + "\n" + string(r.Body)
		}
		if got != want {
			t.Errorf("%s %s: got %q, want %q", version, payload, got, want)
		}
	}
	const text = "Content-Type: text/plain; charset=utf-8\n"
	const asJSON = "OK\nContent-Type: application/json\n\n"
	f(V2, `{"statusCode":200,"body":"hi"}`, "OK\n"+text+"\nhi")
	f(V2, `{"statusCode":"404"}`, "Not Found\n"+text+"\n")
	f(V2, `{"statusCode":200,"headers":{"x-a":5,"content-type":"a/b","Connection":"close","content-length":"9"},"cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true}`,
		"OK\nContent-Type: a/b\nSet-Cookie: a=1\nSet-Cookie: b=2\nX-A: 5\n\nhi")
	f(V2, `{"statusCode":200,"headers":null,"body":null,"other":[1]}`, "OK\n"+text+"\n")
	f(V2, `{"hello":"world"}`, asJSON+`{"hello":"world"}`)
	f(V2, `{"headers":5}`, asJSON+`{"headers":5}`)
	f(V2, `"Hello from Lambda!"`, asJSON+"Hello from Lambda!")
	f(V2, `[1]`, asJSON+"[1]")
	f(V2, `null`, asJSON+"null")
	f(V2, `nonsense`, "malformed")
	f(V2, ``, "malformed")
	f(V2, `{"statusCode":200,"body":{"a":1}}`, "malformed")
	f(V2, `{"statusCode":200,"headers":{"a":{}}}`, "malformed")
	f(V2, `{"statusCode":99}`, "malformed")
	f(V2, `{"statusCode":100}`, "malformed")
	f(V2, `{"statusCode":"ok"}`, "malformed")
	f(V2, `{"statusCode":200,"body":"?","isBase64Encoded":true}`, "malformed")
	f(V2, `{"statusCode":200}x`, "malformed")
	f(V1, `{"statusCode":201,"headers":{"X-B":"1","x-c":"2"},"multiValueHeaders":{"x-b":["3","1"],"X-C":["4"]},"cookies":["no"]}`,
		"Created\n"+text+"X-B: 3\nX-B: 1\nX-C: 4\nX-C: 2\n\n")
	f(V1, `{"body":"hi"}`, "malformed")
	f(V1, `"hi"`, "malformed")
}

func FuzzParseReply(f *testing.F) {
	f.Add(`{"statusCode":200,"headers":{"a":1},"multiValueHeaders":{"b":["c"]},"cookies":["d"],"body":"e","isBase64Encoded":false}`)
	f.Fuzz(func(t *testing.T, payload string) {
		for _, version := range []string{V1, V2} {
			r, err := ParseReply(version, []byte(payload))
			if err == nil && (r.Status < 200 || r.Status > 599) {
				t.Errorf("%s: status %d", payload, r.Status)
			}
		}
	})
}

// Whatever a client sends, the event is JSON.
func FuzzEvent(f *testing.F) {
	f.Add("/a/b", "x=1&y=%zz", "c=1;d", "text/plain", []byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, path, query, cookie, contentType string, body []byte) {
		r := request()
		r.Path, r.Query, r.Body = path, query, body
		r.Header["Cookie"], r.Header["Content-Type"] = []string{cookie}, []string{contentType}
		for _, version := range []string{V1, V2} {
			if e := r.Event(version); !json.Valid(e) {
				t.Errorf("event is no JSON: %q", e)
			}
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	r := request()
	b.ReportAllocs()
	for b.Loop() {
		r.Event(V2)
	}
}

// Functions see the headers that authorizers want as those spell them.
func TestSpelled(t *testing.T) {
	h := http.Header{"Token": {"a"}, "Other": {"b"}}
	got := Spelled(h, []string{"route.request.header.token", "method.request.header.Other", "method.request.querystring.x", "method.request.header.none"})
	if want := (http.Header{"token": {"a"}, "Other": {"b"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if h.Get("token") != "a" {
		t.Error("the header of the request changed")
	}
}
