package firehose

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
)

// TestPrefix evaluates prefixes as AWS's manual does.
func TestPrefix(t *testing.T) {
	f := facts{
		at: time.Date(2018, 8, 27, 10, 30, 5, 123456789, time.UTC), random: "Ab3",
		keys: map[string]string{"partitionKeyFromQuery:id": "7"},
	}
	test := func(text, want, wantError string) {
		t.Helper()
		p, err := parsePrefix(text)
		if err != nil {
			t.Fatalf("parsePrefix(%q): %v", text, err)
		}
		f.failure = ""
		if got := p.evaluate(&f); got != want {
			t.Errorf("%q for records = %q, want %q", text, got, want)
		}
		f.failure = "processing-failed"
		if got := p.evaluate(&f); got != wantError {
			t.Errorf("%q for failures = %q, want %q", text, got, wantError)
		}
	}
	test("", "2018/08/27/10/", "processing-failed/2018/08/27/10/")
	test("in/", "in/2018/08/27/10/", "in/processing-failed/2018/08/27/10/")
	test("no/!{firehose:error-output-type}/!{timestamp:yyyy}/any/!{timestamp:dd}", "no//2018/any/27", "no/processing-failed/2018/any/27")
	test("!{timestamp:yy-M-D-EEE'T'hh}/!{firehose:random-string}/", "18-8-239-MonT10/Ab3/", "18-8-239-MonT10/Ab3/")
	test("id=!{partitionKeyFromQuery:id}/", "id=7/", "id=7/")
}

// FuzzPrefix checks that what is taken can be evaluated, and that text without
// expressions stays as it is.
func FuzzPrefix(f *testing.F) {
	f.Add("a/!{timestamp:yyyy'x'}/!{firehose:random-string}!{partitionKeyFromLambda:k}")
	f.Add("!{")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePrefix(text)
		if err != nil {
			return
		}
		got := p.evaluate(&facts{at: time.Unix(0, 0).UTC()})
		if !strings.Contains(text, "!{") && got != text+"1970/01/01/00/" {
			t.Errorf("%q = %q", text, got)
		}
	})
}

// FuzzQuery checks that a query either is refused or ends, whatever it reads.
func FuzzQuery(f *testing.F) {
	f.Add("{a: .b, c: (.d | tostring)}", []byte(`{"b":1,"d":[2]}`))
	f.Add(".. | tojson", []byte("[[1]]"))
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		if q, err := parseQuery(text); err == nil {
			q.run(data)
		}
	})
}

func TestQuery(t *testing.T) {
	for _, text := range []string{"[range(9)]", "def f: f; f", "{a: (. as [$x] | reduce .[] as $y (0; . + $y))}", "repeat(.)", "$ENV", "env", "{"} {
		if _, err := parseQuery(text); err == nil {
			t.Errorf("parseQuery(%q) is no error", text)
		}
	}
	q, err := parseQuery(`{a: .a, b: .b.c, n: .n, no: .no, day: (.t | strftime("%d"))}`)
	if err != nil {
		t.Fatal(err)
	}
	keys, why := q.run([]byte(`{"a":"x","b":{"c":true},"n":1.5,"t":86400}`))
	if why != "" || keys["a"] != "x" || keys["b"] != "true" || keys["n"] != "1.5" || keys["no"] != "" || keys["day"] != "02" {
		t.Errorf("got %v %q", keys, why)
	}
	if _, why := q.run([]byte("x")); why == "" {
		t.Error("what is no JSON has keys")
	}
}

func TestCompress(t *testing.T) {
	data := bytes.Repeat([]byte("hello "), 100_000)
	unzip := map[string]func([]byte) ([]byte, error){
		"GZIP": func(b []byte) ([]byte, error) {
			r, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return io.ReadAll(r)
		},
		"Snappy": func(b []byte) ([]byte, error) { return io.ReadAll(snappy.NewReader(bytes.NewReader(b))) },
		"HADOOP_SNAPPY": func(b []byte) (out []byte, err error) {
			for len(b) > 0 {
				n := binary.BigEndian.Uint32(b[4:])
				block, err := snappy.Decode(nil, b[8:8+n])
				if err != nil {
					return nil, err
				}
				out, b = append(out, block...), b[8+n:]
			}
			return out, nil
		},
		"UNCOMPRESSED": func(b []byte) ([]byte, error) { return b, nil },
	}
	for format, read := range unzip {
		packed, err := compress(format, "x", data)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read(packed); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", format, len(got), err)
		}
	}
}
