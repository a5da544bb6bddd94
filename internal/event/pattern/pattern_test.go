package pattern_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/event/pattern"
)

func TestMatch(t *testing.T) {
	f := func(p, event string, want bool) {
		t.Helper()
		parsed, err := pattern.Parse([]byte(p))
		if err != nil {
			t.Errorf("Parse(%s): %v", p, err)
			return
		}
		if got := parsed.Match([]byte(event)); got != want {
			t.Errorf("Match of %s with %s = %v", p, event, got)
		}
		if got := newReference(p).match(event); got != want {
			t.Errorf("the reference matches %s with %s: %v", p, event, got)
		}
	}
	// Values.
	f(`{"source":["app"]}`, `{"source":"app"}`, true)
	f(`{"source":["app"]}`, `{"source":"App"}`, false)
	f(`{"source":["app"]}`, `{"detail":{"source":"app"}}`, false)
	f(`{"a":[""]}`, `{"a":""}`, true)
	f(`{"a":[""]}`, `{"a":null}`, false)
	f(`{"a":[null]}`, `{"a":null}`, true)
	f(`{"a":[null]}`, `{}`, false)
	f(`{"a":[true]}`, `{"a":true}`, true)
	f(`{"a":[true]}`, `{"a":"true"}`, false)
	f(`{"a":[300]}`, `{"a":300}`, true)
	f(`{"a":[300]}`, `{"a":3.0e2}`, true)
	f(`{"a":[300]}`, `{"a":"300"}`, false)
	f(`{"a":["300"]}`, `{"a":300}`, false)
	f(`{"a":[123456789012345678901]}`, `{"a":123456789012345678901}`, true)
	f(`{"a":[123456789012345678901]}`, `{"a":123456789012345678902}`, false)
	f(`{"a":["\u00e9"]}`, `{"a":"é"}`, true)
	// Text.
	f(`{"a":[{"prefix":"us-"}]}`, `{"a":"us-east-1"}`, true)
	f(`{"a":[{"prefix":""}]}`, `{"a":"x"}`, true)
	f(`{"a":[{"prefix":"1"}]}`, `{"a":12}`, false)
	f(`{"a":[{"prefix":{"equals-ignore-case":"US-"}}]}`, `{"a":"us-east-1"}`, true)
	f(`{"a":[{"suffix":".png"}]}`, `{"a":"x.png"}`, true)
	f(`{"a":[{"suffix":".png"}]}`, `{"a":"x.PNG"}`, false)
	f(`{"a":[{"suffix":{"equals-ignore-case":".png"}}]}`, `{"a":"x.PNG"}`, true)
	f(`{"a":[{"equals-ignore-case":"straße"}]}`, `{"a":"STRAßE"}`, true)
	f(`{"a":[{"wildcard":"*/lib/*.js"}]}`, `{"a":"/usr/lib/x/y.js"}`, true)
	f(`{"a":[{"wildcard":"*/lib/*.js"}]}`, `{"a":"/usr/lib.js"}`, false)
	f(`{"a":[{"wildcard":"a\\*b"}]}`, `{"a":"a*b"}`, true)
	f(`{"a":[{"wildcard":"a\\*b"}]}`, `{"a":"axb"}`, false)
	f(`{"a":[{"wildcard":""}]}`, `{"a":""}`, true)
	// Numbers.
	f(`{"a":[{"numeric":["=",3.018e2]}]}`, `{"a":301.8}`, true)
	f(`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":5}`, true)
	f(`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":0}`, false)
	f(`{"a":[{"numeric":[">",0]}]}`, `{"a":"1"}`, false)
	f(`{"a":[{"numeric":["<",-5]}]}`, `{"a":-5.000001}`, true)
	// What it is not.
	f(`{"a":[{"anything-but":"x"}]}`, `{"a":"y"}`, true)
	f(`{"a":[{"anything-but":"x"}]}`, `{"a":"x"}`, false)
	f(`{"a":[{"anything-but":"x"}]}`, `{}`, false)
	f(`{"a":[{"anything-but":"x"}]}`, `{"a":null}`, true)
	f(`{"a":[{"anything-but":["x","y"]}]}`, `{"a":["x","z"]}`, true)
	f(`{"a":[{"anything-but":["x","y"]}]}`, `{"a":["x","y"]}`, false)
	f(`{"a":[{"anything-but":[1,2]}]}`, `{"a":2.0}`, false)
	f(`{"a":[{"anything-but":[1,2]}]}`, `{"a":"2"}`, true)
	f(`{"a":[{"anything-but":{"prefix":"us-"}}]}`, `{"a":"eu-west-1"}`, true)
	f(`{"a":[{"anything-but":{"prefix":["us-","eu-"]}}]}`, `{"a":"eu-west-1"}`, false)
	f(`{"a":[{"anything-but":{"suffix":".png"}}]}`, `{"a":12}`, true)
	f(`{"a":[{"anything-but":{"equals-ignore-case":["A","b"]}}]}`, `{"a":"B"}`, false)
	f(`{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"/usr/lib/x"}`, false)
	f(`{"a":[{"anything-but":{"wildcard":["*/lib/*","*.js"]}}]}`, `{"a":"/usr/bin/x"}`, true)
	// Addresses.
	f(`{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.255"}`, true)
	f(`{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.1.0"}`, false)
	f(`{"a":[{"cidr":"2001:db8::/56"}]}`, `{"a":"2001:0db8:0000:0000:0000::1"}`, true)
	f(`{"a":["2001:db8::1"]}`, `{"a":"2001:0db8:0:0:0:0:0:1"}`, true)
	// Presence.
	f(`{"a":[{"exists":true}]}`, `{"a":null}`, true)
	f(`{"a":[{"exists":true}]}`, `{"a":{"b":1}}`, false)
	f(`{"a":[{"exists":true}]}`, `{"a":[]}`, false)
	f(`{"a":[{"exists":false}]}`, `{"b":1}`, true)
	f(`{"a":[{"exists":false},"x"]}`, `{"a":"x"}`, true)
	f(`{"a":[{"exists":false},"x"]}`, `{"a":"y"}`, false)
	f(`{"a":{"b":[{"exists":false}]}}`, `{"a":[{"b":1},{"c":1}]}`, false)
	// Paths.
	f(`{"a":{"b":["x"]}}`, `{"a.b":"x"}`, true)
	f(`{"a.b":["x"]}`, `{"a":{"b":"x"}}`, true)
	f(`{"a":["x"],"a":["y"]}`, `{"a":"x"}`, false)
	f(`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, true)
	f(`{"$or":[{"a":["x"]},{"b":["y"]}],"c":["z"]}`, `{"b":"y"}`, false)
	f(`{"d":{"$or":[{"a":["x"]},{"b":["y"]}],"$or":[{"e":[1]},{"f":[2]}]}}`, `{"d":{"a":"x","f":2}}`, true)
	// Arrays.
	f(`{"a":["x"]}`, `{"a":["y","x"]}`, true)
	f(`{"a":["x"]}`, `{"a":[["y"],["x"]]}`, true)
	f(`{"a":{"b":[1],"c":[2]}}`, `{"a":[{"b":1,"c":2}]}`, true)
	f(`{"a":{"b":[1],"c":[2]}}`, `{"a":[{"b":1},{"c":2}]}`, false)
	f(`{"a":{"b":[1]},"d":{"c":[2]}}`, `{"a":[{"b":0},{"b":1}],"d":[{"c":2},{"c":3}]}`, true)
	f(`{"a":{"b":{"c":[1]},"d":[2]}}`, `{"a":[{"b":[{"c":0},{"c":1}],"d":2}]}`, true)
	f(`{"a":{"b":{"c":[1]},"d":[2]}}`, `{"a":[{"b":[{"c":0},{"c":1}],"d":3},{"d":2}]}`, false)
	f(`{"a":["x"]}`, `not json`, false)
	f(`{"a":["x"]}`, `["a"]`, false)
}

func TestErrors(t *testing.T) {
	f := func(p, want string) {
		t.Helper()
		_, err := pattern.Parse([]byte(p))
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%s)\ngot  %v\nwant %s", p, err, want)
		}
	}
	at := func(p, why string, column int) {
		t.Helper()
		f(p, fmt.Sprintf("%s\n at [Source: (String)\"%s\"; line: 1, column: %d]", why, p, column))
	}
	at(`["a"]`, "Filter is not an object", 2)
	at(`{"not": closed mark"`, "Unrecognized token 'closed': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", 15)
	at(`{"a": 42}`, `"a" must be an object or an array`, 9)
	at(`{"a": "x"}`, `"a" must be an object or an array`, 8)
	at(`{}`, "Empty objects are not allowed", 3)
	at(`{"a": []}`, "Empty arrays are not allowed", 9)
	at(`{"a": [{"prefix": 123}]}`, "prefix match pattern must be a string", 22)
	at(`{"a": [{"prefix": ["x"]}]}`, "prefix match pattern must be a string", 20)
	at(`{"a": [{"Prefix": "x"}]}`, "Unrecognized match type Prefix", 20)
	at(`{"a": [{"wildcard": "a**"}]}`, "Consecutive wildcard characters at pos 2", 26)
	at(`{"a": [{"wildcard": "a\\b"}]}`, "Invalid escape character at pos 2", 27)
	at(`{"a": [{"anything-but": null}]}`, "Value of anything-but must be an array or single string/number value.", 29)
	at(`{"a": [{"anything-but": {"prefix": ""}}]}`, "Null prefix/suffix not allowed", 38)
	at(`{"a": [{"anything-but": ["x", 1]}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported", 33)
	at(`{"a": [{"numeric": 10}]}`, "Value of numeric must be an array.", 22)
	at(`{"a": [{"numeric": [">", 0, ">", 0]}]}`, "Bad numeric range operator: >", 32)
	at(`{"a": [{"numeric": [">", 0, "<"]}]}`, "Value of < must be numeric", 33)
	at(`{"a": [{"numeric": ["=", 1, 2]}]}`, "Too many elements in numeric expression", 30)
	at(`{"a": [{"exists": 1}]}`, "exists match pattern must be either true or false.", 20)
	at(`{"$or": [{"a": [1]}]}`, "There must have at least 2 Objects in $or relationship.", 21)
	at(`{"$or": {"a": [1]}}`, "It must be an Array followed with $or.", 10)
	at(`{"$or": [{"prefix": [1]}, {"a": [1]}]}`, "prefix is Ruler reserved fieldName which cannot be used inside $or.", 22)
	f(`{"a": [{"cidr": "10.0.0.0"}]}`, "Malformed CIDR, one '/' required")
	f(`{"a": [{"cidr": "xx.11.xx/8"}]}`, "Nonstandard IP address: xx.11.xx")
	f(`{"a": [{"cidr": "10.0.0.0/33"}]}`, "IPv4 mask bits must be < 32")
	f(`{"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}`, "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character")
	f(`{"a": [{"anything-but": ["x", null]}]}`, `Inside anything but list, start|null|boolean is not supported.
 at [Source: (String)"{"a": [{"anything-but": ["x", null]}]}"; line: 1, column: 35]
 at [Source: (String)"{"a": [{"anything-but": ["x", null]}]}"; line: 1, column: 35]`)
	f("{\n'a'", "Unexpected character (''' (code 39)): was expecting double-quote to start field name\n at [Source: (String)\"{\n'a'\"; line: 2, column: 1]")
	f(`{"$or":[`+strings.Repeat(`{"a":[1]},`, 1000)+`{"a":[1]}]}`, "Rule is too complex - $or makes more than 1000 rules of it")
}

func TestPipe(t *testing.T) {
	for p, want := range map[string]bool{
		`{"a":[{"prefix":"x"}]}`:                         true,
		`{"a":[{"anything-but":["x"]}]}`:                 true,
		`{"a":[{"wildcard":"x*"}]}`:                      false,
		`{"a":[{"anything-but":{"suffix":"x"}}]}`:        false,
		`{"a":[{"prefix":{"equals-ignore-case":"xX"}}]}`: true,
	} {
		if _, err := pattern.Pipe.Parse([]byte(p)); (err == nil) != want {
			t.Errorf("Pipe.Parse(%s): %v", p, err)
		}
	}
}

// FuzzMatch holds that patterns match what the reference matches.
func FuzzMatch(f *testing.F) {
	for _, p := range []string{
		`{"a":["x",1,null,true,{"exists":false}],"b":{"c":[{"prefix":"x"}]}}`,
		`{"$or":[{"a":{"b":[{"numeric":[">",1,"<=",2e0]}]}},{"a":{"c":[{"anything-but":[1]}]}}],"d":[{"wildcard":"a*b*"}]}`,
		`{"a":{"b":[1],"c":[2],"d":{"e":[{"suffix":{"equals-ignore-case":"K"}}]}}}`,
		`{"a":[{"cidr":"10.0.0.0/8"},"::1",{"equals-ignore-case":"ſ"}],"a":[{"anything-but":{"prefix":["x"]}}]}`,
	} {
		for _, e := range []string{
			`{"a":"x","b":{"c":["xy"]},"d":"axbx"}`,
			`{"a":[{"b":1,"c":2,"d":[{"e":"k"},{"e":2}]},{"b":2}],"a.b":1.5}`,
			`{"a":"10.1.2.3","d":"aab"}`,
		} {
			f.Add(p, e)
		}
	}
	f.Fuzz(func(t *testing.T, p, event string) {
		if len(p) > 4096 || len(event) > 4096 || repeats(p) || repeats(event) {
			return
		}
		parsed, err := pattern.Parse([]byte(p))
		if err != nil || !json.Valid([]byte(p)) || !json.Valid([]byte(event)) {
			return
		}
		want := newReference(p).match(event)
		if got := parsed.Match([]byte(event)); got != want {
			t.Errorf("Match of %s with %s = %v; the reference says %v", p, event, got, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p, _ := pattern.Parse([]byte(`{"source":["shop.orders"],"detail-type":["Order Placed"],"detail":{"total":[{"numeric":[">",100]}],"items":{"sku":[{"prefix":"A-"}]}}}`))
	event := []byte(`{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"Order Placed","source":"shop.orders","account":"111122223333","time":"2017-12-22T18:43:48Z","region":"us-west-1","resources":[],"detail":{"total":120.5,"customer":{"id":"c-1","name":"Eve"},"items":[{"sku":"B-1","n":1},{"sku":"A-1","n":2}]}}`)
	for b.Loop() {
		if !p.Match(event) {
			b.Fatal("no match")
		}
	}
}
