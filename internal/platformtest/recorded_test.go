package platformtest

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestCompare checks what counts as the same answer, and what does not.
func TestCompare(t *testing.T) {
	r := Recording{Masks: []string{"day"}, Unknown: []string{"Id"}, Hidden: []string{"Token"}}
	for _, c := range []struct{ want, got, diff string }{
		{`{"A":"<x:1>/b","B":[1,true]}`, `{"A":"any/b","B":[1,true],"Token":"t"}`, ``},
		{`{"A":"<x:1>/b"}`, `{"A":"any/c"}`, `a.A is any/c`},
		{`{"A":1}`, `{"A":1,"B":2}`, `a.B is 2, and was not recorded`},
		{`{"A":1,"B":2}`, `{"A":1}`, `a.B is <nil>, want 2`},
		{`{"A":[1,2]}`, `{"A":[2,1]}`, `a.A[0] is 2, want 1`},
		{`{"A":[1]}`, `{"A":[1,1]}`, `a.A is [1 1]`},
		{`{"Id":"x"}`, `{"Id":"y"}`, ``},
		{`{"Id":"x"}`, `{}`, `a.Id is <nil>`},
		{`{"A":"datetime"}`, `{"A":1.5}`, ``},
		{`{"A":"datetime"}`, `{}`, `a.A is <nil>`},
		{`{"A":"on day"}`, `{"A":"on Monday"}`, ``},
		{`{"A":{"B":1}}`, `{"A":"{\"B\":1}"}`, ``},
		{`{"A":{}}`, `{}`, ``},
		{`{"A":{"<k>":1}}`, `{"A":{"any":1}}`, ``},
		{`{"A":{"<k>":1}}`, `{"A":{"any":2}}`, `a.A.<k> is 2`},
		{`{"A":"in [b, a]"}`, `{"A":"in [a, b]"}`, ``},
		{`{"A":"text"}`, `{"A":"dGV4dA=="}`, ``},
	} {
		var want, got map[string]any
		for text, v := range map[string]*map[string]any{c.want: &want, c.got: &got} {
			if err := json.Unmarshal([]byte(text), v); err != nil {
				t.Fatal(err)
			}
		}
		diff := r.compare("a", want, answer{status: 200, body: got}, "")
		if (diff == "") != (c.diff == "") || !strings.HasPrefix(diff, c.diff) {
			t.Errorf("compare(%s, %s) = %q, want %q", c.want, c.got, diff, c.diff)
		}
	}
}

// TestRefusals checks that code, words and status of a refusal are compared.
func TestRefusals(t *testing.T) {
	refused := answer{operation: "Do", status: 400, code: "Bad", body: map[string]any{"__type": "Bad", "message": "It is bad.", "Why": "x"}}
	for want, ok := range map[string]bool{
		`{"Error":{"Code":"Bad","Message":"It is bad.","Type":"Sender"},"Why":"x","ResponseMetadata":{"HTTPStatusCode":400}}`: true,
		`{"Error":{"Code":"Bad","Message":"It is bad.","Why":"x"}}`:                                                           true,
		`{"Error":{"Code":"Bad","Message":"It is bad."}}`:                                                                     false,
		`{"Error":{"Code":"Worse","Message":"It is bad.","Why":"x"}}`:                                                         false,
		`{"Error":{"Code":"Bad","Message":"It is good.","Why":"x"}}`:                                                          false,
		`{"Error":{"Code":"Bad","Message":"It is bad.","Why":"x"},"ResponseMetadata":{"HTTPStatusCode":404}}`:                 false,
		`{"ResponseMetadata":{"HTTPStatusCode":200}}`:                                                                         false,
		`"An error occurred (Bad) when calling the Do operation: It is bad."`:                                                 true,
	} {
		var w any
		if err := json.Unmarshal([]byte(want), &w); err != nil {
			t.Fatal(err)
		}
		if diff := (Recording{}).compare("a", w, refused, ""); (diff == "") != ok {
			t.Errorf("%s: %q, want the same: %t", want, diff, ok)
		}
	}
}

// TestSteps checks how files of steps are read.
func TestSteps(t *testing.T) {
	before, without, cases := parseCases("# About.\n\n*\n- A {}\n\nT::x[…]\nl B {\"P\":\"@…@\"}\n- C\n\nwithout\nT::y[…]: it is slow\n")
	if len(before) != 1 || len(cases) != 1 || len(cases[0].steps) != 2 || len(without) != 1 {
		t.Fatalf("parsed as %v, %v, %v", before, cases, without)
	}
	all := expand(t, cases, map[string]map[string]any{"s/f.py::T::x[one]": nil, "s/f.py::T::x[two]": nil, "s/f.py::T::y[one]": nil})
	if len(all) != 2 || !strings.Contains(all[0].steps[0]+all[1].steps[0], `"one"`) {
		t.Errorf("expanded to %v", all)
	}
	m := memory{texts: map[string]string{"ME": "me"}, kept: make(map[string]any)}
	m.keep("K", map[string]any{"Id": "k", "In": []any{map[string]any{"Deep": "d\"q"}}})
	m.keep("", map[string]any{"Id": "last"})
	if got, err := m.fill("@ME@ @Id@ @K.Id@ @Deep@"); got != `me last k d\"q` || err != nil {
		t.Errorf("filled: %q, %v", got, err)
	}
	if _, err := m.fill("@None@"); err == nil {
		t.Error("a reference to nothing was filled")
	}
}
