package pattern

import (
	"strings"
	"testing"
)

func TestTerms(t *testing.T) {
	f := func(pattern, message string, want bool) {
		t.Helper()
		p, err := Parse(pattern)
		if err != nil {
			t.Errorf("Parse(%q): %v", pattern, err)
			return
		}
		if got := p.Match(message); got != want {
			t.Errorf("Parse(%q).Match(%q) = %v, want %v", pattern, message, got, want)
		}
	}
	f("", "anything", true)
	f(" ", "anything", true)
	f(`""`, "anything", true)
	f(`" "`, "two words", true)
	f("ERROR", "[ERROR] A fatal exception has occurred", true)
	f("ERROR", "Exiting with ERRORCODE: -1", true)
	f("ERROR", "error", false)
	f(`"ERROR" - "Exiting"`, "Exiting with ERRORCODE: -1", false)
	f(`ERROR -Exiting`, "[ERROR] stays", true)
	f("ERROR Exception", "[ERROR] Caught IllegalArgumentException", true)
	f("ERROR Exception", "[ERROR] nothing", false)
	f("?ERROR ?WARN", "WARN message", true)
	f("?ERROR ?WARN", "INFO message", false)
	f("?ERROR ?ARGUMENTS REQUEST", "[INFO] REQUEST FAILED", true)
	f("ERROR or Exception", "ERROR Exception", false)
	f(`"INTERNAL SERVER ERROR"`, "[ERROR 500] INTERNAL SERVER ERROR", true)
	f(`"say \"hi\""`, `say "hi"`, true)
	f(`"a\\b"`, `a\b`, true)
	f("é", "café", true)
	f("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", true)
	f(`%colou?r%`, "the color", true)
	f(`%^[hc]at%`, "a hat", false)
	f(`%ab{,2}c%`, "abbc", true)
	f(`%^ab{,2}c%`, "abbbc", false)
	f(`%\x28x\)%`, "(x)", true)
	f(`%10\.10\.0\.1%`, "10.10.0.1", true)
}

func TestInvalid(t *testing.T) {
	f := func(pattern, want string) {
		t.Helper()
		if _, err := Parse(pattern); err == nil || err.Error() != want {
			t.Errorf("Parse(%q) = %v, want %s", pattern, err, want)
		}
	}
	const invalid = "Invalid metric filter pattern"
	f(`a:b`, "Invalid character(s) in term ':'")
	f(`(x)`, "Invalid character(s) in term '('")
	f(" {$.ThisFlag IS TRUE} ", "Invalid character(s) in term '{$.'")
	f(`"open`, invalid)
	f(`-`, invalid)
	f(`%something!%`, "Invalid character(s) in term '!'")
	f(`%open`, invalid)
	f(`%%`, invalid)
	f(`%a% b`, invalid)
	f(`%a{1001}%`, invalid)
	f(`%\p%`, invalid)
	f(`{}`, invalid)
	f(`{ $.a }`, invalid)
	f(`{ $ = 1 }`, invalid)
	f(`{ $.a = }`, invalid)
	f(`{ $.a = 1`, invalid)
	f(`{ $.a = 1 } x`, invalid)
	f(`{ ($.a = 1 }`, invalid)
	f(`{ $.a EXISTS }`, invalid)
	f(`{ $.a IS NOT NULL }`, invalid)
	f(`{ $.a[*].b[*] = 1 }`, invalid)
	f(`{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }`, invalid)
	f(`{ $."detail-type" = x }`, `Invalid character(s) in term '$."'`)
	f(`{ $.a > "123" }`, `Invalid character(s) in term '"123"'`)
	f(`{ $.a >= word }`, `Invalid character(s) in term 'word'`)
	f(`{ $.a = b$c }`, `Invalid character(s) in term '$'`)
	f(`{`+strings.Repeat("(", 400)+`$.a=1`+strings.Repeat(")", 400)+`}`, invalid)
	f(`[a, ..., b, ...]`, invalid)
	f(`[a = 1 || b = 2]`, invalid)
	f(`[a`, invalid)
	f(`[a b]`, invalid)
}

const trail = `
{
    "eventType": "UpdateTrail",
    "someString": "111.111.111.111",
    "emptyString": "",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "someInt": 123,
    "someFloat": 12.34,
    "someFloat2": 12.0,
    "someObject": {},
    "SomeNull": null,
    "ThisFlag": true,
    "cluster.name": "c",
    "some-thing": 1,
    "coordinates": [[0, 1, 2], [4, 5, 6]],
    "quoted": "error \"message\""
}
`

func TestJSON(t *testing.T) {
	f := func(want bool, patterns ...string) {
		t.Helper()
		for _, text := range patterns {
			p, err := Parse(text)
			if err != nil {
				t.Errorf("Parse(%q): %v", text, err)
			} else if p.Match(trail) != want {
				t.Errorf("Parse(%q).Match(trail) = %v, want %v", text, !want, want)
			}
		}
	}
	// What AWS says to these is known.
	f(true,
		`{ $.someString = "111.111.111.111" }`, `{ $.someString != 111*111 }`, `{ $.someString = "*" }`, `{ $.emptyString = "*" }`,
		`{ $.someString = "*.111.111.111" }`, `{ $.someString = "111*" }`, `{ $.someString != "222" }`, `{ $.someString != "*222" }`,
		`{ $.someInt = "123" }`, `{ $.someInt != "123.0" }`, `{ $.someInt = "1*" }`, `{ $.someInt = "*23" }`, `{ $.someInt != "*32" }`,
		`{ $.someFloat2 != "12" }`, `{ $.someFloat = "12.*" }`, `{ $.someString = 111.111.111.111 }`, `{ $.someInt = 123.0 }`,
		`{ $.someInt = * }`, `{ $.someFloat2 = 12 }`, `{ $.someFloat = *.34 }`, `{ $.someFloat = 12.34*}`, `{ $.someString != 111 }`,
		`{ $.someInt < 1000 }`, `{ $.someFloat   >= 1.0 }`, `{ $.objectList[1].id    = 2 }`, `{ $.arrayKey[0] = "value" }`,
		`{ $.SomeNull IS NULL }`, `{ $.SomeOther NOT EXISTS         }`, `{$.ThisFlag IS TRUE}`, `{ $.someInt >= 1.23e2 }`, `{ $.someInt > +1 }`)
	f(false,
		`{ $.someString > 123 }`, `{ $.someString <= 123 }`, `{ $.someString = 123 }`, `{ $.someObject != 123 }`, `{ $.someObject = "123" }`,
		`{ $.arrayKey != "x" }`, `{ $.ThisFlag[0] = "value" }`, `{ $.objectList[1].number = 2 }`, `{ $.notExisted != "x" }`, `{ $.someInt != 123 }`,
		`{ $.ThisFlag IS FALSE }`, `{ $.ThisFlag IS NULL }`, `{ $.ThisFlag = true }`, `{ $.SomeNull NOT EXISTS }`)
	f(true,
		`{ $.eventType = %Trail% }`, `{ $.arrayKey[*] = %val.{2}% }`, `{ $.* = %111\.111\.111\.1[0-9]{1,2}% }`, `{ $.['cluster.name'] = "c" }`,
		`{ $.some-thing = 1 }`, `{ $.quoted = "error \"message\"" }`, `{ $.coordinates[1][2] = 6 }`, `{ $.someInt=123&&$.someFloat<13 }`,
		`{ ($.someInt = 123) && ($.eventType = UpdateTrail) }`, `{ $.someInt = 123 || $.a = 1 && $.b = 2 }`)
	f(false, `{ ($.someInt = 123 || $.a = 1) && $.b = 2 }`, `{ $.eventType = %^Trail% }`, `{ $.coordinates[9][2] = 6 }`)

	p, _ := Parse(`{ $.a = 1 }`)
	for _, m := range []string{"", "plain", `{"a":1`, `{"a":1} {"a":1}`, `"a"`} {
		if p.Match(m) {
			t.Errorf("matches %q", m)
		}
	}
	if !p.Match("{\"a\":1}\n") {
		t.Error("does not match JSON with a line feed")
	}
}

func TestColumns(t *testing.T) {
	const line = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	f := func(pattern, message string, want bool) {
		t.Helper()
		p, err := Parse(pattern)
		if err != nil {
			t.Errorf("Parse(%q): %v", pattern, err)
		} else if p.Match(message) != want {
			t.Errorf("Parse(%q).Match(%q) = %v, want %v", pattern, message, !want, want)
		}
	}
	f(`[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]`, line, true)
	f(`[..., request =*.html*, status_code = 4*, bytes]`, line, true)
	f(`[..., status_code = 404 || status_code = 410, bytes]`, line, true)
	f(`[..., status_code != 404 && status_code != 410, bytes]`, line, false)
	f(`[ip, user, username, timestamp, request, status_code, bytes > 1000]`, line, true)
	f(`[ip, user, username, timestamp, request, status_code, bytes > 2000]`, line, false)
	f(`[ip, ..., bytes < 2e3]`, line, true)
	f(`[ip, user = Prod, ...]`, line, true)
	f(`[a, b, c, d, e, f, g, h]`, line, false)
	f(`[a, b, c, d, e, f, g, h, ...]`, line, false)
	f(`[w1=ERROR, w2]`, "ERROR 09/25/2014 12:00:02 Failed to process request", true)
	f(`[w1=ERROR || w1=WARNING, w2]`, "WARNING 09/25/2014 12:00:02 Invalid user request", true)
	f(`[w1!=ERROR && w1!=WARNING, w2]`, "INFO 09/25/2014", true)
	f(`[w1=ERROR]`, "ERROR two", false)
	f(`[]`, "word", true)
	f(`[...]`, "", true)
	f(`[l, d, t, method, url=%/service/resource/[0-9]+$%, ms]`, "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200", true)
	f(`[l, d, t, method, url=%/service/resource/[0-9]+$%, ms]`, "INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310", false)

	p, err := Parse(`[..., request=*.html*, status_code=4*,]`)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := p.Extract(line)
	want := map[string]string{"$1": "127.0.0.1", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700",
		"$request": "GET /index.html HTTP/1.0", "$status_code": "404", "$7": "1534"}
	if !ok {
		t.Fatal("does not match")
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s = %q, want %q", k, got[k], v)
		}
	}
}

// What parses can be matched with any message, and parses again from its text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"ERROR -x ?y", `"a b"`, "%a[b-c]{,3}%", `{ $.a[0].b = "x*" && ($.c > 1e3 || $.d IS NULL) }`, "[a, ..., b = 4* || b != %x%]", "{ $.['a.b'] NOT EXISTS }"} {
		f.Add(s, trail)
		f.Add(s, `a [b c] "d e" 4`)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		_, extracted := p.Extract(message)
		if again, err := Parse(p.String()); err != nil || again.Match(message) != extracted {
			t.Errorf("Parse(%q) matches %q differently the second time, %v", text, message, err)
		}
	})
}
