package function

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/script"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// noValues are stores with nothing in them.
type noValues struct{}

func (noValues) Value(context.Context, string, string) (string, bool, error) { return "", false, nil }
func (noValues) Meta(context.Context, string) (json.RawMessage, error) {
	return json.RawMessage(`{"keyCount":0}`), nil
}

// TestWorld holds what scripts find besides the language.
func TestWorld(t *testing.T) {
	pool := script.New(script.Config{})
	defer pool.Close()
	f := func(expression, want string) {
		t.Helper()
		p := Compile([]byte("const crypto = require('crypto'), qs = require('querystring'), {Buffer: B} = require('buffer');\nasync function handler() { return {out: " + expression + "} }"))
		out, err := p.Run(t.Context(), pool, noValues{}, tree.NewObject())
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			return
		}
		if got := tree.String(out.Value); got != `{"out":`+want+`}` {
			t.Errorf("%s = %s, want %s", expression, got, want)
		}
	}
	f(`crypto.createHash('sha256').update('abc').digest('hex')`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`)
	f(`crypto.createHmac('sha1', 'key').update('The quick brown fox jumps over the lazy dog').digest('base64')`, `"3nybhbi3iqa8ino29wqQcBydtNk="`)
	f(`crypto.createHmac('sha256', 'k').update('a').update('b').digest('base64url').length`, `43`)
	f(`qs.parse('a=1&b=%20x&a=2')`, `{"a":["1","2"],"b":" x"}`)
	f(`qs.stringify({a: [1, 'ü'], b: ''})`, `"a=1&a=%C3%BC&b="`)
	f(`Buffer.from('grüße 🎈').toString('hex')`, `"6772c3bcc39f6520f09f8e88"`)
	f(`B.from('6772c3bcc39f6520f09f8e88', 'hex').toString()`, `"grüße 🎈"`)
	f(`Buffer.from('-_-_', 'base64url').toString('base64')`, `"+/+/"`)
	f(`[atob('aGk='), btoa('hi'), String.bytesFrom('aGk=', 'base64')]`, `["hi","aGk=","hi"]`)
	f(`Buffer.concat([Buffer.from('ab'), Buffer.alloc(2, 'c')]).toString()`, `"abcc"`)
	f(`[Buffer.from([1, 2, 3, 4]).readUInt16BE(1), Buffer.from('abc').indexOf('c'), Buffer.isBuffer(Buffer.from('a').slice(0, 1))]`, `[515,2,true]`)
	f(`Buffer.from([0xff, 0x41, 0xe2, 0x82]).toString()`, `"�A�"`)
	f(`typeof host === 'undefined' ? 1 : new TextDecoder().decode(new TextEncoder().encode('ß'))`, `"ß"`)
}

// TestFailures tells apart what does not run from what may not be returned.
func TestFailures(t *testing.T) {
	pool := script.New(script.Config{})
	defer pool.Close()
	f := func(code, want string) {
		t.Helper()
		_, err := Compile([]byte(code)).Run(t.Context(), pool, noValues{}, tree.NewObject())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", code, err, want)
		}
	}
	f("function handler( {", "SyntaxError")
	f("var x = 1", `"handler" is not defined`)
	f("function handler() { return event.none.x }", "ReferenceError")
	f("function handler() { for (;;); }", "exceeded the time")
	f("function handler() { return 'text' }", "returned an invalid value")
	f("function handler() { return {x: 'x'.repeat(50000)} }", "larger than")
	f("import fs from 'fs'; function handler() { return {} }", `Cannot find module "fs"`)
	f("async function handler() { return await require('cloudfront').kvs().get('x') }", "KvsNotAssociated")
}

// TestRequest holds that a script that changes nothing changes nothing, but that
// what is there several times is together.
func TestRequest(t *testing.T) {
	f := func(target string, header http.Header) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header = header
		e := NewEvent(Context{Event: ViewerRequest}, r, nil)
		o, _ := e.Get("request")
		got, err := TakeRequest(o.(*tree.Object), r)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			return
		}
		if got.URL.RequestURI() != r.URL.RequestURI() || got.Host != r.Host {
			t.Errorf("%s: got %s of %s", target, got.URL.RequestURI(), got.Host)
		}
		for name := range header {
			if strings.Join(got.Header[name], "\n") != strings.Join(header[name], "\n") {
				t.Errorf("%s: %s is %q, want %q", target, name, got.Header[name], header[name])
			}
		}
	}
	f("http://a.example/", http.Header{})
	f("http://a.example/a%20b/%C3%BC?x=1&x=2&y=%20&z=", http.Header{"X-A": {"1", "2"}, "Cookie": {"a=1; a=3; b=2"}, "X-Forwarded-Proto": {"https"}, "Via": {"1.1 x"}})
}

// FuzzScript holds that what scripts return is taken, or refused, and no more.
func FuzzScript(f *testing.F) {
	f.Add(`{"method":"GET","uri":"/x","querystring":{"a":{"value":"1","multiValue":[{"value":"1"},{"value":"2"}]}},"headers":{"host":{"value":"example.com"}},"cookies":{"c":{"value":"d"}}}`)
	f.Add(`{"statusCode":302,"headers":{"location":{"value":"/"}},"cookies":{"a":{"value":"b","attributes":"Secure"}},"body":{"encoding":"base64","data":"aGk="}}`)
	f.Add(`{"uri":"/%zz","headers":[],"querystring":{"a":null}}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := tree.ParseString(text)
		o, ok := v.(*tree.Object)
		if err != nil || !ok {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "http://example.com/", nil)
		if got, err := TakeRequest(o, r); err == nil && !strings.HasPrefix(got.URL.RequestURI(), "/") {
			t.Errorf("%s: asks %q", text, got.URL.RequestURI())
		}
		if a, err := TakeAnswer(o, nil); err == nil && (a.Status < 100 || a.Status > 599) {
			t.Errorf("%s: answers %d", text, a.Status)
		}
		ReadEvent([]byte(text))
	})
}

// FuzzTrigger holds the same of functions of Lambda.
func FuzzTrigger(f *testing.F) {
	f.Add(`{"uri":"/a","method":"GET","querystring":"a=b","headers":{"host":[{"key":"Host","value":"example.com"}]},"body":{"action":"replace","data":"aGk=","encoding":"base64"}}`)
	f.Add(`{"status":"200","headers":{"a":[{"value":1}]},"body":"x"}`)
	f.Add(`{"status":200,"headers":{"a":{}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest(http.MethodGet, "http://example.com/", nil)
		for _, event := range []string{ViewerRequest, OriginRequest} {
			turn, err := TakeTurn(event, []byte(text), r, nil)
			if _, refused := errors.AsType[*Rejected](err); err != nil && !refused {
				t.Errorf("%s: %v is no refusal", text, err)
			}
			if err == nil && turn.Answer == nil && !strings.HasPrefix(turn.Request.URL.RequestURI(), "/") {
				t.Errorf("%s: asks %q", text, turn.Request.URL.RequestURI())
			}
		}
		TakeResponse(OriginResponse, []byte(text), &Answer{Status: 200, Header: http.Header{"Via": {"x"}}})
	})
}
