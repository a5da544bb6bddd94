package asl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// mapState is a distributed Map with the fields.
func mapState(t *testing.T, language, fields string) *State {
	t.Helper()
	s, found := ParseState([]byte(`{"Type":"Map",` + language + fields + `,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}},"End":true}`))
	if s == nil {
		t.Fatalf("%s: %v", fields, found)
	}
	return s
}

// The files and what comes of them were recorded of AWS, where they are CSV.
func TestRead(t *testing.T) {
	const rows = "Value1,Value2,Value3\nValue4,Value5,Value6\n,,,\ntrue,1,'HelloWorld'\nNull,None,\n   \n"
	const numbered = "Col1,Col2\nValue1,Value2\nValue3,Value4\nValue5,Value6\nValue7,Value8\n"
	for _, c := range []struct{ config, file, want string }{
		{`"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["H1","H2","H3"]`, rows, `{"H1":"Value1","H2":"Value2","H3":"Value3"} {"H1":"Value4","H2":"Value5","H3":"Value6"} {"H1":"","H2":"","H3":""} {"H1":"true","H2":"1","H3":"'HelloWorld'"} {"H1":"Null","H2":"None","H3":""} {"H1":"   ","H2":"","H3":""}`},
		{`"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["H1"]`, "a,b\nc", `{"H1":"a"} {"H1":"c"}`},
		{`"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["H1","H1"]`, rows, `States.ItemReaderFailed: CSV headers cannot contain duplicates.`},
		{`"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW","MaxItems":2`, numbered, `{"Col1":"Value1","Col2":"Value2"} {"Col1":"Value3","Col2":"Value4"}`},
		{`"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW","MaxItemsPath":"$.least"`, numbered, `States.ItemReaderFailed: field MaxItems must be positive`},
		{`"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW","MaxItemsPath":"$.zero"`, "\uFEFFa\n1", `{"a":"1"}`},
		{`"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW","CSVDelimiter":"SEMICOLON"`, "a;b\n\"1;2\";3", `{"a":"1;2","b":"3"}`},
		{`"InputType":"JSON"`, `[1,{"a":2}]`, `1 {"a":2}`},
		{`"InputType":"JSON"`, `{"k":["v"],"l":2}`, `k=["v"] l=2`},
		{`"InputType":"JSON","ItemsPointer":"/a/b~1c"`, `{"a":{"b/c":[true]}}`, `true`},
		{`"InputType":"JSON"`, `"text"`, `States.ItemReaderFailed: Attempting to map over non-iterable node.`},
		{`"InputType":"JSONL"`, "{\"a\":1}\n\n[2]\n", `{"a":1} [2]`},
		{`"InputType":"JSONL"`, "{\"a\":1}\nx\n", `States.ItemReaderFailed: The JSONL file cannot be read: Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`},
	} {
		s := mapState(t, "", `"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","Parameters":{"Bucket.$":"$.b","Key":"k"},"ReaderConfig":{`+c.config+`}}`)
		in, _ := tree.ParseString(`{"b":"bucket","least":-1,"zero":0}`)
		r, failed := s.Reading(Env{Input: in, Source: fixed})
		if failed != nil {
			t.Errorf("%s: %v", c.config, failed)
			continue
		}
		if got := tree.String(r.Arguments); got != `{"Bucket":"bucket","Key":"k"}` {
			t.Errorf("%s: Arguments = %s", c.config, got)
		}
		var items []string
		failed = r.Read(strings.NewReader(c.file), func(i Item) bool {
			text := tree.String(i.Value)
			if i.HasKey {
				text = i.Key + "=" + text
			}
			items = append(items, text)
			return true
		})
		got := strings.Join(items, " ")
		if failed != nil {
			got = failed.Error()
		}
		if got != c.want {
			t.Errorf("%s of %q:\n got %s\nwant %s", c.config, c.file, got, c.want)
		}
	}
}

func TestBatches(t *testing.T) {
	big := `"` + strings.Repeat("x", 100) + `"`
	for _, c := range []struct{ language, batcher, items, want string }{
		{"", `"MaxItemsPerBatch":2`, `[1,2,3]`, `{"Items":[1,2]} {"Items":[3]}`},
		{"", `"MaxItemsPerBatch":2,"BatchInput":{"f.$":"$.f"}`, `[1,2]`, `{"BatchInput":{"f":"in"},"Items":[1,2]}`},
		{"", `"MaxInputBytesPerBatch":119`, `[1,` + big + `,2,3]`, `{"Items":[1,` + big + `,2]} {"Items":[3]}`},
		{"", `"MaxInputBytesPerBatch":20`, `[` + big + `]`, `States.DataLimitExceeded: An item exceeds the maximum number of bytes of a batch: 20`},
		{"", `"MaxItemsPerBatchPath":"$.n"`, `[1,2]`, `{"Items":[1]} {"Items":[2]}`},
		{`"QueryLanguage":"JSONata",`, `"MaxItemsPerBatch":"{% $states.input.n + 1 %}"`, `[1,2]`, `{"Items":[1,2]}`},
	} {
		s := mapState(t, c.language, `"ItemBatcher":{`+c.batcher+`}`)
		in, _ := tree.ParseString(`{"f":"in","n":1}`)
		b, failed := s.NewBatcher(Env{Input: in, Source: fixed})
		if failed != nil {
			t.Errorf("%s: %v", c.batcher, failed)
			continue
		}
		items, _ := tree.ParseString(c.items)
		var out []string
		for _, x := range items.([]Value) {
			batch, full, err := b.Add(x)
			if full {
				out = append(out, tree.String(batch))
			}
			if failed = err; failed != nil {
				break
			}
		}
		if batch, some := b.Rest(); some {
			out = append(out, tree.String(batch))
		}
		got := strings.Join(out, " ")
		if failed != nil {
			got = failed.Error()
		}
		if got != c.want {
			t.Errorf("%s of %.40s:\n got %s\nwant %s", c.batcher, c.items, got, c.want)
		}
	}
}

func TestExceeded(t *testing.T) {
	for _, c := range []struct {
		l             MapLimits
		failed, total int64
		want          bool
	}{
		{MapLimits{}, 0, 10, false},
		{MapLimits{}, 1, 10, true},
		{MapLimits{ToleratedFailureCount: 2, CountGiven: true}, 2, 10, false},
		{MapLimits{ToleratedFailureCount: 2, CountGiven: true}, 3, 10, true},
		{MapLimits{ToleratedFailurePercentage: 20, PercentageGiven: true}, 2, 10, false},
		{MapLimits{ToleratedFailurePercentage: 20, PercentageGiven: true}, 3, 10, true},
		{MapLimits{ToleratedFailureCount: 9, CountGiven: true, ToleratedFailurePercentage: 20, PercentageGiven: true}, 3, 10, true},
	} {
		if got := c.l.Exceeded(c.failed, c.total); got != c.want {
			t.Errorf("%s: Exceeded(%d, %d) = %v", fmt.Sprintf("%+v", c.l), c.failed, c.total, got)
		}
	}
}
