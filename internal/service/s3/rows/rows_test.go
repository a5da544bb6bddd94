package rows

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/query"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// written is all records that c reads, as JSON, or the code of its refusal.
func written(c *CSV, h Header) string {
	if err := c.Head(h); err != nil {
		return aws.Refusal(err).Code
	}
	var out []byte
	for row, err := range c.Rows(1 << 62) {
		if err != nil {
			return aws.Refusal(err).Code
		}
		out, _ = JSONWriter(";")(out, row.All())
	}
	return string(out)
}

func TestCSV(t *testing.T) {
	f := func(text string, change func(*Format), h Header, want string) {
		t.Helper()
		format := DefaultFormat
		if change != nil {
			change(&format)
		}
		if got := written(NewCSV(strings.NewReader(text), format), h); got != want {
			t.Errorf("CSV of %.40q: %.90s, want %s", text, got, want)
		}
	}
	f("", nil, NoHeader, "")
	f("a,b\nc", nil, NoHeader, `{"_1":"a","_2":"b"};{"_1":"c"};`)
	f("a,b\nc,d,e\n", nil, UseHeader, `{"a":"c","b":"d","_3":"e"};`)
	f("a,b\nc,d\n", nil, IgnoreHeader, `{"_1":"c","_2":"d"};`)
	f("\ufeffa\r\nb,\r\n\r\n", nil, NoHeader, `{"_1":"a"};{"_1":"b","_2":""};`)
	f("#no\na,#b\n", nil, NoHeader, `{"_1":"a","_2":"#b"};`)
	f("#no\n", func(f *Format) { f.Comment = "!" }, NoHeader, `{"_1":"#no"};`)
	f(`"a,""b""",c"d`, nil, NoHeader, `{"_1":"a,\"b\"","_2":"c\"d"};`)
	f(`"a"b`, nil, NoHeader, "CSVUnescapedQuote")
	f("\"a\nb\",c\n", nil, NoHeader, "CSVEscapingRecordDelimiter")
	f("\"a\nb\",c\nd", func(f *Format) { f.QuotedRecord = true }, NoHeader, `{"_1":"a\nb","_2":"c"};{"_1":"d"};`)
	f("\"a\nb", func(f *Format) { f.QuotedRecord = true }, NoHeader, "CSVParsingError")
	f(`'a\'b'|c;;d\e`, func(f *Format) { f.Quote, f.Escape, f.Field, f.Record = "'", `\`, "|", ";;" }, NoHeader, `{"_1":"a'b","_2":"c"};{"_1":"d\\e"};`)
	f("a;b;;c;", func(f *Format) { f.Record = ";;" }, NoHeader, `{"_1":"a;b"};{"_1":"c;"};`)
	f("\xff", nil, NoHeader, "InvalidTextEncoding")
	f(strings.Repeat("x", query.MaxRecord+1), nil, NoHeader, "OverMaxRecordSize")
	f(`"`+strings.Repeat("x\n", query.MaxRecord), func(f *Format) { f.QuotedRecord = true }, NoHeader, "OverMaxRecordSize")
}

func TestBind(t *testing.T) {
	f := func(h Header, want string, uses ...query.Step) {
		t.Helper()
		c := NewCSV(strings.NewReader("Id,name,NAME\n"), DefaultFormat)
		if err := c.Head(h); err != nil {
			t.Fatal(err)
		}
		got := "found"
		if err := c.Bind(uses); err != nil {
			got = aws.Refusal(err).Code
		}
		if got != want {
			t.Errorf("Bind(%v) = %s, want %s", uses, got, want)
		}
	}
	f(UseHeader, "found", query.Step{Name: "ID"}, query.Step{Name: "_3"}, query.Step{Name: "NAME", Exact: true})
	f(UseHeader, "AmbiguousFieldName", query.Step{Name: "name"})
	f(UseHeader, "MissingHeaders", query.Step{Name: "id", Exact: true})
	f(IgnoreHeader, "InvalidColumnIndex", query.Step{Name: "Id"})
	f(IgnoreHeader, "InvalidColumnIndex", query.Step{Name: "_0"})
}

// split is the records of text as ranges of n bytes read them, one after the
// other, each with what is before it, but not more than most.
func split(text string, n, most int, read func(part io.Reader, skip bool, lead, size int64) string) string {
	var out string
	for at := 0; at < len(text); at += n {
		lead := min(most, at)
		out += read(strings.NewReader(text[at-lead:]), at > 0, int64(lead), int64(n))
	}
	return out
}

// TestRanges reads each record once, wherever the ranges are cut.
func TestRanges(t *testing.T) {
	const lines = "{\"a\":1}\r\n{\"a\":22}\r\n\r\n{\"a\":333}\r\n"
	const cells = "a,1\r\nbb,22\r\n\r\nccc,333\r\nd"
	for n := 1; n < 40; n++ {
		got := split(cells, n, 2, func(part io.Reader, skip bool, lead, size int64) (out string) {
			f := DefaultFormat
			f.Record = "\r\n"
			c := NewCSV(part, f)
			if skip {
				c.Skip(lead)
			}
			for row, err := range c.Rows(size) {
				if err != nil {
					t.Fatal(err)
				}
				out += tree.String(row.Value())
			}
			return out
		})
		if want := `{"_1":"a","_2":"1"}{"_1":"bb","_2":"22"}{"_1":"ccc","_2":"333"}{"_1":"d"}`; got != want {
			t.Errorf("CSV in ranges of %d: %s, want %s", n, got, want)
		}
		got = split(lines, n, 1, func(part io.Reader, skip bool, lead, size int64) (out string) {
			j := NewJSON(part)
			if skip {
				j.Skip(lead)
			}
			for row, err := range j.Rows(nil, size) {
				if err != nil {
					t.Fatal(err)
				}
				out += tree.String(row.Value())
			}
			return out
		})
		if want := `{"a":1}{"a":22}{"a":333}`; got != want {
			t.Errorf("JSON in ranges of %d: %s, want %s", n, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got := ""
		path := []query.Step{{Name: "a"}, {Kind: query.AllElements}, {Name: "b"}}
		for row, err := range NewJSON(iotest.OneByteReader(strings.NewReader(text))).Rows(path, 1<<62) {
			if err != nil {
				got = aws.Refusal(err).Code
				break
			}
			if _, missing := row.Value().(query.Missing); missing {
				got += "- "
			} else {
				got += tree.String(row.Value()) + " "
			}
		}
		if got != want {
			t.Errorf("JSON of %.90s: %.90s, want %s", text, got, want)
		}
	}
	f(``, ``)
	f("\ufeff"+`{"a":[{"b":1},{"b":[2,"]"]},{"c":{"b":3}},4]}`, `1 [2,"]"] - - `)
	f(`{"x":{"a":[]},"a":[]} {"a":{}} 5 "s" null []`, `- - - - - - `)
	f(`{"A" : [ { "c\"}" : "x\\" , "b" : true } ] , "a":[{"b":9}]}`, `true `)
	f(`{"a":[{"b":1}`, "JSONParsingError")
	f(`{"a":[{"b":1]`, "JSONParsingError")
	f(`{"a":[{"b":tru}]}`, "JSONParsingError")
	f(`{"a"}`, "JSONParsingError")
	f(`}`, "JSONParsingError")
	f(`{"a":[{"b":"`+strings.Repeat("x", query.MaxRecord)+`"}]}`, "OverMaxRecordSize")
	f(`{"a":[{"b":[`+strings.Repeat(" ", query.MaxRecord)+`]}]}`, "OverMaxRecordSize")
	f(`{"other":"`+strings.Repeat("x", 2*query.MaxRecord)+`","a":[{"b":5}]}`, "5 ")
}

func TestWriters(t *testing.T) {
	r := query.Record{{Name: "a", Value: query.Text(`x"y`)}, {Name: "b", Value: nil}, {Name: "c", Value: query.Missing{}}, {Name: "d", Value: int64(5)}, {Name: "e", Value: true}}
	f := func(change func(*Format), want string) {
		t.Helper()
		format := DefaultFormat
		change(&format)
		if got, _ := CSVWriter(format)(nil, r); string(got) != want {
			t.Errorf("CSV: %q, want %q", got, want)
		}
	}
	f(func(*Format) {}, `"x""y",,,5,true`+"\n")
	f(func(f *Format) { f.Always, f.Field, f.Record, f.Quote, f.Escape = true, "|", "!", "'", `\` }, `'x"y'|''|''|'5'|'true'!`)
	if got, _ := JSONWriter("\n")(nil, r); string(got) != `{"a":"x\"y","b":null,"d":5,"e":true}`+"\n" {
		t.Errorf("JSON: %s", got)
	}
	if _, err := CSVWriter(DefaultFormat)(nil, query.Record{{Value: []any{}}}); aws.Refusal(err).Code != "InvalidDataType" {
		t.Errorf("nested data as CSV: %v", err)
	}
}

func TestUnpack(t *testing.T) {
	f := func(content []byte, compression, want string) {
		t.Helper()
		b, err := io.ReadAll(Unpack(bytes.NewReader(content), compression))
		got := string(b)
		if err != nil {
			got = aws.Refusal(err).Code
		}
		if got != want {
			t.Errorf("Unpack by %s: %s, want %s", compression, got, want)
		}
	}
	var zip bytes.Buffer
	w := gzip.NewWriter(&zip)
	fmt.Fprint(w, "text")
	w.Close()
	bz, _ := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWcso0y0AAACBgAIABEAgACGYGYMsLuSKcKEhllGmWg==")
	f([]byte("text"), "NONE", "text")
	f(zip.Bytes(), "GZIP", "text")
	f(zip.Bytes()[:20], "GZIP", "TruncatedInput")
	f([]byte("this is no gzip"), "GZIP", "InvalidCompressionFormat")
	f([]byte("this is no bzip2"), "BZIP2", "InvalidCompressionFormat")
	f(bz, "BZIP2", "text")
}

// FuzzCSV: what is read and written is read again as it was.
func FuzzCSV(f *testing.F) {
	f.Add("a,\"b\"\"c\",\nd\r\n#e")
	f.Add("\"x\ny\",z")
	f.Fuzz(func(t *testing.T, text string) {
		format := DefaultFormat
		format.QuotedRecord = true
		all := func(in string, format Format) (out []byte, failed bool) {
			for row, err := range NewCSV(strings.NewReader(in), format).Rows(1 << 62) {
				if err != nil {
					return nil, true
				}
				format.Always = true
				out, _ = CSVWriter(format)(out, row.All())
			}
			return out, false
		}
		once, failed := all(text, format)
		if failed {
			return
		}
		if again, failed := all(string(once), format); failed || !bytes.Equal(once, again) {
			t.Fatalf("%q is %q, and that is %q", text, once, again)
		}
	})
}

// FuzzJSON: whatever comes, reading ends, and what is read is JSON.
func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[{"b":1},[]]} 5`, "a")
	f.Fuzz(func(t *testing.T, text, name string) {
		for row, err := range NewJSON(strings.NewReader(text)).Rows([]query.Step{{Name: name}, {Kind: query.AllElements}}, 1<<62) {
			if err != nil {
				break
			}
			if _, missing := row.Value().(query.Missing); missing {
				continue
			}
			if _, err := tree.ParseString(tree.String(row.Value())); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}
