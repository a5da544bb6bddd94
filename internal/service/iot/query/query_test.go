package query

import (
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// message is one that the tests query.
func message(payload string) *Message {
	return &Message{
		Topic: "a/b/c", Payload: []byte(payload), ClientID: "dev", Principal: "p", SourceIP: "1.2.3.4", Account: "123456789012",
		TraceID: "t", At: time.UnixMilli(1481825251155),
	}
}

const sample = `{"color":{"red":255,"name":"R"},"n":10,"d":2.5,"s":"hello","b":true,"null":null,"list":["x",1,{"v":7}],
	"e":[{"n":"temperature","u":"Cel","t":1234,"v":22.5},{"n":"light","u":"lm","t":1235,"v":135}]}`

func TestSelect(t *testing.T) {
	test := func(statement, payload, want string) {
		t.Helper()
		q, err := Parse(statement, Version2016)
		if err != nil {
			t.Errorf("Parse(%q): %v", statement, err)
			return
		}
		out, ok := q.Run(message(payload))
		if !ok {
			out = []byte("nothing")
		}
		if string(out) != want {
			t.Errorf("%s of %s = %s, want %s", statement, payload, out, want)
		}
	}
	test(`SELECT * FROM 'a/#'`, `{"a": 1}`, `{"a": 1}`)
	test(`SELECT *`, `not json`, `not json`)
	test(`select a, b.c AS d from 't'`, `{"a":1,"b":{"c":[1.50]}}`, `{"a":1,"d":[1.50]}`)
	test(`SELECT b.c, missing, b.c.d FROM 't'`, `{"b":{"c":2}}`, `{"c":2}`)
	test(`SELECT *, topic(2) AS device, clientid() FROM 't'`, `{"a":1}`, `{"a":1,"device":"b","clientid":"dev"}`)
	test(`SELECT *, 1 AS x FROM 't'`, `[1]`, `nothing`)
	test(`SELECT * AS payload, timestamp() AS at FROM 't'`, `{"a":1}`, `{"payload":{"a":1},"at":1481825251155}`)
	test(`SELECT encode(*, 'base64') AS data FROM 't'`, "\xff\xfe", `{"data":"//4="}`)
	test(`SELECT a FROM 't'`, "\xff", `{}`)
	test(`SELECT VALUE s FROM 't'`, sample, `"hello"`)
	test(`SELECT n FROM 't' WHERE n > 5 AND b`, sample, `{"n":10}`)
	test(`SELECT n FROM 't' WHERE missing > 5`, sample, `nothing`)
	test(`SELECT n FROM 't' WHERE NOT (n = 10) OR s <> 'hello'`, sample, `nothing`)
	test(`SELECT n FROM 't' WHERE s IN ['a', 'hello']`, sample, `{"n":10}`)
	test(`SELECT n FROM 't' WHERE n NOT IN (1, 2)`, sample, `{"n":10}`)
	test(`SELECT (SELECT VALUE n FROM e) as sensors FROM 'my/topic'`, sample, `{"sensors":["temperature","light"]}`)
	test(`SELECT (SELECT v FROM e WHERE n = 'temperature') as temperature FROM 'my/topic'`, sample, `{"temperature":[{"v":22.5}]}`)
	test(`SELECT get((SELECT v FROM e WHERE n = 'temperature'), 0).v as temperature FROM 'topic'`, sample, `{"temperature":22.5}`)
	test(`SELECT get((SELECT v FROM e), 1).v FROM 'topic'`, sample, `{"v":135}`)
	test(`SELECT n FROM 't' WHERE EXISTS (SELECT * FROM e WHERE v > 100)`, sample, `{"n":10}`)
	test(`SELECT CASE color.name WHEN 'G' THEN 'green' WHEN 'R' THEN 'red' ELSE 'none' END AS c FROM 't'`, sample, `{"c":"red"}`)
	test("SELECT `my-key`, \"text\" AS `other key` FROM 't'", `{"my-key":1}`, `{"my-key":1,"other key":"text"}`)
	test(`SELECT eventType = 'connected' AS connected FROM 't'`, `{"eventType":"connected"}`, `{"connected":true}`)
}

func TestExpressions(t *testing.T) {
	test := func(expression, want string) {
		t.Helper()
		tmpl, err := ParseTemplate("<${"+expression+"}>", Version2016)
		if err != nil {
			t.Errorf("ParseTemplate(%q): %v", expression, err)
			return
		}
		if got := tmpl.Fill(message(sample)); got != "<"+want+">" {
			t.Errorf("%s = %s, want %s", expression, got, want)
		}
	}
	test(`topic()`, "a/b/c")
	test(`topic(4)`, "")
	test(`n + 5 * 2`, "20")
	test(`n / 4`, "2.5")
	test(`n / 5 - -1`, "3")
	test(`7 % 3`, "1")
	test(`-7 % 3`, "-1")
	test(`n / 0`, "")
	test(`1 / 3`, "0."+strings.Repeat("3", 34))
	test(`0.1 + 0.2`, "0.3")
	test(`n + ' apples'`, "10 apples")
	test(`'5' * 2`, "10")
	test(`s * 2`, "")
	test(`b AND 'TRUE'`, "true")
	test(`b AND 1`, "")
	test(`n = '10'`, "false")
	test(`missing = 1`, "")
	test(`n >= '9'`, "true")
	test(`floor(timestamp() / 1000) + 60`, "1481825311")
	test(`parse_time("yyyy-MM-dd HH:mm:ss z", 1481825251155)`, "2016-12-15 18:07:31 UTC")
	test(`parse_time("yyyy.MM.dd G", 1)`, "")
	test(`parse_time("yyyy/MM/dd'T'HH", timestamp(), "America/Los_Angeles")`, "2016/12/15T10")
	test(`abs(-5)`, "5")
	test(`round(2.5)`, "3")
	test(`round(-2.5)`, "-3")
	test(`ceil(1.2)`, "2")
	test(`floor(-1.2)`, "-2")
	test(`trunc(3.14159, 2)`, "3.14")
	test(`sqrt(-1)`, "")
	test(`power(2, 5)`, "32")
	test(`bitand(12, 10) + bitor(12, 10) + bitxor(12, 10)`, "28")
	test(`bitnot(12)`, "-13")
	test(`concat("a", 1, true)`, "a1true")
	test(`concat(list, "y")`, `["x",1,{"v":7},"y"]`)
	test(`lower('AbC') + upper('d')`, "abcD")
	test(`substring("012345", 1, 3)`, "12")
	test(`substring("012345", -50)`, "012345")
	test(`substring("012345", 3, 1)`, "")
	test(`indexof("abcd", "bc")`, "1")
	test(`startswith(s, "he")`, "true")
	test(`endswith(s, "he")`, "false")
	test(`regexp_matches("aaaa", "^a{2,}$")`, "true")
	test(`regexp_replace("abcd", "b(.)", "x$1$1")`, "axccd")
	test(`regexp_substr("hihihello", "(hi)*")`, "hihi")
	test(`regexp_matches("a", "(")`, "")
	test(`replace("abcd", "bc", "x")`, "axd")
	test(`lpad("x", 2) + rpad("x", 1) + trim(" y ")`, "  xx y")
	test(`length("hé")`, "2")
	test(`numbytes("hé")`, "3")
	test(`chr(65)`, "A")
	test(`cast("3.6" AS Int)`, "4")
	test(`cast(true AS Decimal)`, "1")
	test(`cast(0 AS Boolean)`, "false")
	test(`cast("no" AS Int)`, "")
	test(`encode(s, 'base64')`, "aGVsbG8=")
	test(`decode('aGVsbG8=', 'base64')`, "hello")
	test(`md5("hello")`, "5d41402abc4b2a76b9719d911017c592")
	test(`isNull(null)`, "true")
	test(`isUndefined(nope)`, "true")
	test(`get(list, 2).v`, "7")
	test(`get(s, 1)`, "e")
	test(`get(color, "red")`, "255")
	test(`get_or_default(nope, "d")`, "d")
	test(`nanvl("x", 8)`, "8")
	test(`accountid() + clientid() + sourceip() + principal() + traceid() + sql_version()`, "123456789012dev1.2.3.4pt2016-03-23")
	test(`'}'`, "}")
	test(`1e999 * 1e999`, "1e+1998")
}

// What would grow at every level ends soon, as nothing.
func TestGrowth(t *testing.T) {
	double := "*"
	for range 50 {
		double = "(SELECT VALUE [*, *] FROM " + double + ")"
	}
	wide := "SELECT " + strings.Repeat("* AS a, ", 5000) + "* AS b FROM 't'"
	texts := "SELECT " + strings.Repeat("lpad('x', 1000000) AS a, ", 1000) + "1 AS b FROM 't'"
	large := `{"list":[` + strings.Repeat("1,", 60000) + "1]}"
	for _, statement := range []string{
		"SELECT " + double + " AS x FROM 't'", "SELECT VALUE " + double + " FROM 't'", wide, texts,
		"SELECT * FROM 't' WHERE EXISTS " + double, "SELECT (SELECT lpad('x', 100000) AS x FROM list) AS y FROM 't'",
		"SELECT concat(" + double + "," + double + ") AS x FROM 't'",
	} {
		q, err := Parse(statement, Version2016)
		if err != nil {
			t.Fatal(err)
		}
		if out, ok := q.Run(message(large)); len(out) > mostMade {
			t.Errorf("%.80s makes %d bytes, %v", statement, len(out), ok)
		}
	}
}

func TestRefused(t *testing.T) {
	for statement, want := range map[string]string{
		``:                                  "expected SELECT",
		`SELECT`:                            "expected an expression",
		`SELECT * FROM topic`:               "expected a topic filter",
		`SELECT a + 1 FROM 't'`:             "needs a name",
		`SELECT nope(1) FROM 't'`:           "unknown function nope",
		`SELECT aws_lambda('x', *) AS r`:    "the function aws_lambda is not supported",
		`SELECT abs() FROM 't'`:             "wrong number of arguments for function abs: 0",
		`SELECT * FROM 't' WHERE`:           "expected an expression",
		`SELECT * FROM 't' LIMIT 1`:         "unexpected LIMIT",
		`SELECT 1e9999 AS a`:                "is not a number",
		`SET @x = 1 SELECT * FROM 't'`:      "begins nothing",
		`SELECT cast(a AS Blob) FROM 't'`:   "there is no type Blob",
		`SELECT ` + strings.Repeat("(", 99): "too deep",
		"SELECT " + strings.Repeat("a.", longestStatement) + "a FROM 't'": "longer than",
	} {
		_, err := Parse(statement, Version2016)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %s", statement, err, want)
		}
	}
	for _, template := range []string{"${", "${a", "${a b}", "${}"} {
		if _, err := ParseTemplate(template, Version2016); err == nil {
			t.Errorf("ParseTemplate(%q) is no error", template)
		}
	}
}

// FuzzQuery checks that a statement either is refused or says of any message
// nothing or a document.
func FuzzQuery(f *testing.F) {
	f.Add(`SELECT *, (SELECT VALUE n FROM e WHERE n > 1) AS x FROM 't' WHERE a IN [1,2]`, []byte(sample))
	f.Add(`SELECT CASE a WHEN 1 THEN substring(s, 1, 2) ELSE lpad('x', 9) END AS b`, []byte(`{"a":1e400}`))
	f.Add(`SELECT regexp_replace(s, '(a)', '$1') + cast(b AS int) / 3 AS c`, []byte(`[1]`))
	f.Fuzz(func(t *testing.T, statement string, payload []byte) {
		q, err := Parse(statement, Version2016)
		if err != nil {
			return
		}
		out, ok := q.Run(message(string(payload)))
		if ok && string(out) != string(payload) {
			if _, err := tree.Parse(out); err != nil {
				t.Errorf("%s of %q = %q: %v", statement, payload, out, err)
			}
		}
	})
}

// FuzzTemplate checks that text without expressions stays as it is.
func FuzzTemplate(f *testing.F) {
	f.Add("a/${topic(1)}/${'}'}")
	f.Fuzz(func(t *testing.T, text string) {
		tmpl, err := ParseTemplate(text, Version2016)
		if err == nil {
			if got := tmpl.Fill(message(sample)); !strings.Contains(text, "${") && got != text {
				t.Errorf("%q = %q", text, got)
			}
		}
	})
}
