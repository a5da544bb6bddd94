package tree

import (
	"encoding/json"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"b": 1.50, "a": [true, null, -0, 1e400, 9223372036854775807]}`, `{"b":1.50,"a":[true,null,0,1e400,9223372036854775807]}`},
		{`"<\u00e9\ud83c\udd97\n\u001f\/>"`, `"<é🆗\n\u001F/>"`},
		{` [ ] `, `[]`},
		{`{}`, `{}`},
		{`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"\"\xff\"", "\"\uFFFD\""},
		{`"\ud800x"`, "\"\uFFFDx\""},
	} {
		v, err := Parse([]byte(c.in))
		if got := String(v); err != nil || got != c.want {
			t.Errorf("Parse(%s) = %s, %v, want %s", c.in, got, err, c.want)
		}
	}
}

// The words are Jackson's, which AWS passes on.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{'a': 1}`, `Unexpected character (''' (code 39)): was expecting double-quote to start field name`},
		{`not json`, `Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`},
		{``, `No content to map due to end-of-input`},
		{`{"a":1,}`, `Unexpected character ('}' (code 125)): was expecting double-quote to start field name`},
		{`[1 2]`, `Unexpected character ('2' (code 50)): was expecting comma to separate Array entries`},
		{`{"a" 1}`, `Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value`},
		{`01`, `Invalid numeric value: Leading zeroes not allowed`},
		{`"a`, `Unexpected end-of-input: was expecting closing quote for a string value`},
	} {
		if _, err := Parse([]byte(c.in)); err == nil || err.Error() != c.want {
			t.Errorf("Parse(%s): %v, want %s", c.in, err, c.want)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true},
		{`9007199254740993`, `9007199254740992`, false},
		{`{"a":1,"b":[2]}`, `{"b":[2],"a":1e0}`, true},
		{`[1,2]`, `[2,1]`, false},
		{`null`, `false`, false},
		{`0.1`, `0.10000000000000001`, false},
		{`1e999999999`, `1e999999999`, true},
	} {
		a, _ := ParseString(c.a)
		b, _ := ParseString(c.b)
		if got := Equal(a, b); got != c.want {
			t.Errorf("Equal(%s, %s) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestObject(t *testing.T) {
	o := NewObject("b", true, "a", nil)
	p := o.With("c", "x").With("b", false)
	p.Delete("a")
	if got, want := String(o)+String(p), `{"b":true,"a":null}{"b":false,"c":"x"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var row struct{ V *Object }
	b, err := json.Marshal(struct{ V *Object }{p})
	if err == nil {
		err = json.Unmarshal(b, &row)
	}
	if err != nil || String(row.V) != String(p) {
		t.Errorf("a row gives %s, %v", String(row.V), err)
	}
}

// What parses prints as JSON that means the same, and prints so again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"b": 1.50, "a": [true, null]}`, `"\ud83c\udd97"`, `[[[[]]]]`, `-0.0e-1`, `{"a":{"a":1}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseString(s)
		if err != nil {
			return
		}
		printed := Append(nil, v)
		if !json.Valid(printed) {
			t.Fatalf("%q prints as %q", s, printed)
		}
		w, err := Parse(printed)
		if err != nil || String(w) != string(printed) {
			t.Fatalf("%q prints as %q, then %q, %v", s, printed, String(w), err)
		}
	})
}
