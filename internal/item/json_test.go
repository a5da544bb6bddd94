package item

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/jx"
)

const order = `{"pk":{"S":"user#0001234"},"sk":{"S":"order#2026-11-01T00:00:00Z#991"},"status":{"S":"SHIPPED"},"amount":{"N":"1234.5678"},"count":{"N":"42"},"paid":{"BOOL":true},"note":{"S":"leave at the door, \"ring\" twice"},"tags":{"SS":["a","bb","ccc"]},"lines":{"L":[{"M":{"sku":{"S":"X-1"},"qty":{"N":"3"}}},{"M":{"sku":{"S":"X-2"},"qty":{"N":"1"}}}]},"addr":{"M":{"street":{"S":"1 Main St"},"zip":{"S":"12345"},"city":{"S":"Springfield"}}},"nil":{"NULL":true},"bin":{"B":"AAECAwQFBgcICQ=="}}`

func decode(t testing.TB, text string) Item {
	t.Helper()
	var it Item
	r := jx.NewReader(text)
	if err := it.DecodeJSON(r); err != nil || r.End() != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return it
}

func TestJSON(t *testing.T) {
	it := decode(t, order)
	var got, want any
	if err := json.Unmarshal(it.AppendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(order), &want)
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if !bytes.Equal(g, w) {
		t.Errorf("got  %s\nwant %s", g, w)
	}
	if got := it.Get("lines").Index(1).Field("sku").Text(); got != "X-2" {
		t.Errorf("got %q", got)
	}
}

func TestJSONForm(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := decode(t, in).String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
	f(`{}`, `{}`)
	f(`{"b":{"N":"1.50"},"a":{"NS":["3","1e1","-2"]}}`, `{"a":{"NS":["-2","3","10"]},"b":{"N":"1.5"}}`)
	f(`{"a":{"S":"1"},"b":{"S":""},"a":{"S":"2"}}`, `{"a":{"S":"2"},"b":{"S":""}}`)
	f(`{"a":{"S":"x","N":null,"unknown":[1]}}`, `{"a":{"S":"x"}}`)
	f(`{"a":{"SS":["b","","a"]}}`, `{"a":{"SS":["","a","b"]}}`)
	long := strings.Repeat("x", 300)
	f(`{"m":{"M":{"z":{"L":[{"S":"`+long+`"}]},"b":{"B":""}}}}`, `{"m":{"M":{"b":{"B":""},"z":{"L":[{"S":"`+long+`"}]}}}}`)
}

func TestInvalid(t *testing.T) {
	f := func(in, attribute, want string) {
		t.Helper()
		err := decode(t, in).Err()
		if err == nil || err.Message != want || err.Attribute != attribute {
			t.Errorf("%s: got %+v, want %s of %s", in, err, want, attribute)
		}
	}
	f(`{"a":{"S":"x"},"b":{}}`, "b", string(errEmpty))
	f(`{"a":{"X":"x"},"b":{}}`, "a", string(errEmpty))
	f(`{"":{"S":"x"}}`, "", string(errNoName))
	f(`{"a":{"M":{"":{"S":"x"}}}}`, "a", string(errNoName))
	f(`{"a":null}`, "a", string(errEmpty))
	f(`{"a":{"L":[{"M":{"b":{}}}]}}`, "a", string(errEmpty))
	f(`{"a":{"S":"x","N":"1"}}`, "a", string(errMany))
	f(`{"a":{"NULL":false}}`, "a", string(errNull))
	f(`{"a":{"SS":[]}}`, "a", string(errEmptySS))
	f(`{"a":{"NS":[]}}`, "a", string(errEmptyNS))
	f(`{"a":{"BS":[]}}`, "a", string(errEmptyBS))
	f(`{"a":{"SS":["b","a","b"]}}`, "a", "One or more parameter values were invalid: Input collection [b, a, b] contains duplicates.")
	f(`{"a":{"BS":["Ag==","AQ==","Ag=="]}}`, "a", "One or more parameter values were invalid: Input collection [Ag==, AQ==, Ag==]of type BS contains duplicates.")
	f(`{"a":{"NS":["1","1.0"]}}`, "a", string(errSameNS))
	f(`{"a":{"NS":["1","x"]}}`, "a", "The parameter cannot be converted to a numeric value: x")
	f(`{"a":{"N":""}}`, "a", "The parameter cannot be converted to a numeric value")
	f(`{"a":{"M":{"b":{"N":"1e200"}}}}`, "a", string(errOverflow))
	nest := func(n int) string {
		return `{"a":` + strings.Repeat(`{"L":[`, n) + `{"S":"x"}` + strings.Repeat(`]}`, n) + `}`
	}
	f(nest(MaxDepth+1), "a", string(errNesting))
	if err := decode(t, nest(MaxDepth)).Err(); err != nil {
		t.Error(err)
	}
}

func TestNoItem(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		var it Item
		if err := it.DecodeJSON(jx.NewReader(in)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
	f(`"x"`, string(errNotItem))
	f(`{"a":{"M":"x"}}`, string(errNotMap))
	f(`[]`, string(errMapArray))
	f(`{"a":"x"}`, string(errNotObject))
	f(`{"a":[]}`, string(errArray))
	f(`{"a":{"S":1}}`, "NUMBER_VALUE cannot be converted to String")
	f(`{"a":{"N":1.5}}`, "DECIMAL_VALUE cannot be converted to String")
	f(`{"a":{"B":true}}`, string(errNotBlob))
	f(`{"a":{"B":"abc"}}`, "Base64 encoded length is expected a multiple of 4 bytes but found: 3")
	f(`{"a":{"B":"abc!"}}`, string(errBase64))
	f(`{"a":{"BS":{}}}`, "Start of structure or map found where not expected")
	f(`{"a":{"L":"x"}}`, "Unexpected field type")
	f(`{"a":{"S":"x"}`, "invalid JSON")
}

// FuzzDecode: what is decoded is written, decodes to the same bytes, and every
// method holds on it.
func FuzzDecode(f *testing.F) {
	f.Add(order)
	f.Add(`{"a":{"NS":["1","2","1"]},"b":{"M":{"x":{"L":[]}}}}`)
	f.Add(`{"a":{"S":"x","N":"1"},"":{"BS":["AQ=="]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var it Item
		r := jx.NewReader(text)
		if it.DecodeJSON(r) != nil || r.End() != nil {
			return
		}
		if it.Err() != nil {
			if it.Len() != 0 || it.Get("a") != nil {
				t.Errorf("%q is invalid and has attributes", text)
			}
			return
		}
		if back := decode(t, it.String()); !back.Equal(it) {
			t.Errorf("%q\n is %s\n and comes back as %s", text, it, back)
		}
		size, last := 0, ""
		for name, v := range it.All {
			if size > 0 && string(name) <= last {
				t.Errorf("%q: %q follows %q", text, name, last)
			}
			last = string(name)
			if !it.Get(last).Equal(v) {
				t.Errorf("%q: cannot get %q", text, last)
			}
			size += len(name) + v.Size()
		}
		if it.Size() != size {
			t.Errorf("%q: size %d, want %d", text, it.Size(), size)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var it Item
		_ = it.DecodeJSON(jx.NewReader(order))
	}
}

func BenchmarkEncode(b *testing.B) {
	it := decode(b, order)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = it.AppendJSON(buf[:0])
	}
}

func BenchmarkGet(b *testing.B) {
	it := decode(b, order)
	b.ReportAllocs()
	for b.Loop() {
		it.Get("status")
	}
}
