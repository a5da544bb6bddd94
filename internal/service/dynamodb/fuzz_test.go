package dynamodb

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/store"
)

// refusedOrDone fails if err is a failure of ours.
func refusedOrDone(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil && aws.Refusal(err).Status >= 500 {
		t.Errorf("%s: %v", what, err)
	}
}

// FuzzStart: a starting key is good, or refused; a forged one breaks nothing.
func FuzzStart(f *testing.F) {
	for _, seed := range []string{`{"k":{"S":"x"}}`, `{"k":{"N":"1"}}`, `{}`, `{"k":{"S":""}}`, `{"k":{"S":"x"},"z":{"S":"x"}}`, `{"k":{"L":[]}}`} {
		f.Add(seed)
	}
	s, _ := recoverable(f)
	call := &aws.Call{Account: "000000000000", Region: "us-east-1"}
	f.Fuzz(func(t *testing.T, text string) {
		var start item.Item
		if start.DecodeJSON(jx.NewReader(text)) != nil {
			return
		}
		_, err := s.Scan(t.Context(), call, &api.ScanInput{TableName: "files", ExclusiveStartKey: start})
		refusedOrDone(t, "Scan after "+text, err)
		_, err = s.Query(t.Context(), call, &api.QueryInput{TableName: "files", ExclusiveStartKey: start, KeyConditions: map[string]api.Condition{
			"k": {ComparisonOperator: "EQ", AttributeValueList: []item.Value{item.String("x")}},
		}})
		refusedOrDone(t, "Query after "+text, err)
	})
}

// FuzzToken: a token of a statement is one that was given for it, or refused.
func FuzzToken(f *testing.F) {
	s, _ := recoverable(f)
	call := &aws.Call{Account: "000000000000", Region: "us-east-1"}
	st, err := s.statement(call, `SELECT * FROM "files"`, nil)
	if err != nil {
		f.Fatal(err)
	}
	last := item.New(item.Attribute{Name: "k", Value: item.String("x")})
	f.Add(*st.token(last))
	f.Add("")
	f.Add("eyJrIjp7IlMiOiJ4In19")
	f.Fuzz(func(t *testing.T, token string) {
		key, err := st.after(&token)
		if err != nil && aws.Refusal(err).Code != "ValidationException" {
			t.Errorf("after(%q): %v", token, err)
		}
		if err == nil && st.token(key) == nil {
			t.Errorf("after(%q) is no key", token)
		}
		_, err = s.ExecuteStatement(t.Context(), call, &api.ExecuteStatementInput{Statement: `SELECT * FROM "files"`, NextToken: &token})
		refusedOrDone(t, "ExecuteStatement after "+token, err)
	})
}

// FuzzIterator: what parses prints as it was.
func FuzzIterator(f *testing.F) {
	stream := aws.ARN{Service: "dynamodb", Region: "us-east-1", Account: "000000000000", Resource: "table/t/stream/2026-01-01T00:00:00.000"}
	f.Add(iterator{stream, "shardId-1", store.Position{Version: 7, Index: 1}, time.UnixMilli(12)}.String())
	f.Add("forged")
	f.Add("arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/x|1|fHx8")
	f.Fuzz(func(t *testing.T, text string) {
		it, err := parseIterator(text)
		if err != nil {
			if aws.Refusal(err).Code != "ValidationException" {
				t.Errorf("parseIterator(%q): %v", text, err)
			}
			return
		}
		if again, err := parseIterator(it.String()); err != nil || again != it {
			t.Errorf("parseIterator(%q) is %v, and again %v, %v", text, it, again, err)
		}
	})
}

// FuzzImport: what is imported of a file are items, and each can be told again.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{"k,n\nx,1\n", `{"Item":{"k":{"S":"x"}}}`, `{"Item":{"k":{"S":"x"},"n":{"NS":["1","1"]}}}`, "k\n\"unclosed", ",\n0,", "0\n\xdd", "{\"Item\":\n", `$ion_1_0 {Item:{k:"x",n:$dynamodb_NS::[1.,2d3],b:{{AA==}},l:[null,true,{}]}}`} {
		f.Add(seed)
	}
	table := &table{Definitions: []definition{{"k", item.S}, {"n", item.N}}, Key: keySchema{Hash: []definition{{"k", item.S}}}}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []string{"CSV", jsonFormat, ionFormat} {
			m := &importing{In: wire[api.ImportTableInput]{V: api.ImportTableInput{InputFormat: format}}}
			for it := range m.items(table, strings.NewReader(text)) {
				if it == nil || it.Err() != nil {
					continue
				}
				b := it.AppendJSON(nil)
				if !json.Valid(b) {
					t.Fatalf("%s of %q: %s", format, text, b)
				}
				var again item.Item
				if err := again.DecodeJSON(jx.NewReader(string(b))); err != nil || !again.Equal(it) {
					t.Errorf("%s of %q: %s is %s, %v", format, text, b, again, err)
				}
			}
		}
	})
}
