package firewall

import (
	"net/http/httptest"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
)

// TestTransforms holds how parts of requests are read.
func TestTransforms(t *testing.T) {
	f := func(kind, text, want string) {
		t.Helper()
		if got := transforms[kind](text); got != want {
			t.Errorf("%s(%q) = %q, want %q", kind, text, got, want)
		}
	}
	f("URL_DECODE", "%3Cscript%3E+x", "<script> x")
	f("URL_DECODE", "%zz", "%zz")
	f("HTML_ENTITY_DECODE", "&lt;a&#62;", "<a>")
	f("COMPRESS_WHITE_SPACE", "a \t\n b", "a b")
	f("NORMALIZE_PATH", "/a/../b//c/./", "/b/c/")
	f("NORMALIZE_PATH_WIN", `\a\..\b`, "/b")
	f("BASE64_DECODE", "aGk=", "hi")
	f("HEX_DECODE", "6869", "hi")
	f("REMOVE_NULLS", "a\x00b", "ab")
}

// TestCapacity holds what statements cost, by AWS's guide.
func TestCapacity(t *testing.T) {
	uri := &api.FieldToMatch{UriPath: &api.UriPath{}}
	none, lower := []api.TextTransformation{{Type: "NONE"}}, []api.TextTransformation{{Type: "LOWERCASE"}}
	f := func(s api.Statement, want int64) {
		t.Helper()
		if got := Capacity([]api.Rule{{Statement: &s}}, func(string) int64 { return 100 }); got != want {
			t.Errorf("%+v costs %d, want %d", s, got, want)
		}
	}
	f(api.Statement{ByteMatchStatement: &api.ByteMatchStatement{FieldToMatch: uri, TextTransformations: none, PositionalConstraint: "EXACTLY"}}, 2)
	f(api.Statement{ByteMatchStatement: &api.ByteMatchStatement{FieldToMatch: uri, TextTransformations: lower, PositionalConstraint: "CONTAINS"}}, 20)
	f(api.Statement{IPSetReferenceStatement: &api.IPSetReferenceStatement{}}, 1)
	f(api.Statement{RuleGroupReferenceStatement: &api.RuleGroupReferenceStatement{}}, 100)
	f(api.Statement{RateBasedStatement: &api.RateBasedStatement{ScopeDownStatement: &api.Statement{GeoMatchStatement: &api.GeoMatchStatement{}}}}, 3)
}

// FuzzDecide holds that no request brings rules down.
func FuzzDecide(f *testing.F) {
	var rules []api.Rule
	for i, field := range []*api.FieldToMatch{
		{UriPath: &api.UriPath{}}, {QueryString: &api.QueryString{}}, {AllQueryArguments: &api.AllQueryArguments{}}, {Body: &api.Body{}}, {SingleHeader: &api.SingleHeader{Name: "cookie"}},
		{JsonBody: &api.JsonBody{MatchPattern: &api.JsonMatchPattern{All: &api.All{}}, MatchScope: "ALL"}},
		{Headers: &api.Headers{MatchPattern: &api.HeaderMatchPattern{All: &api.All{}}, MatchScope: "ALL"}}, {Cookies: &api.Cookies{MatchPattern: &api.CookieMatchPattern{All: &api.All{}}, MatchScope: "VALUE"}},
	} {
		var how []api.TextTransformation
		for kind := range transforms {
			how = append(how, api.TextTransformation{Type: kind})
		}
		rules = append(rules, api.Rule{Priority: int32(i), Action: &api.RuleAction{Block: &api.BlockAction{}}, Statement: &api.Statement{
			ByteMatchStatement: &api.ByteMatchStatement{SearchString: []byte("never to be found"), FieldToMatch: field, TextTransformations: how, PositionalConstraint: "CONTAINS_WORD"},
		}})
	}
	l, err := Compile(&api.WebACL{Rules: rules, DefaultAction: &api.DefaultAction{Allow: &api.AllowAction{}}}, nil, new(Counters))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/a?b=%zz", "a=b; c", `{"a":[1,{"b":null}]}`)
	f.Fuzz(func(t *testing.T, query, cookie, body string) {
		r := httptest.NewRequest("POST", "http://example.com/", strings.NewReader(""))
		r.URL.RawQuery = query
		r.Header.Set("Cookie", cookie)
		if d := l.Decide(New(r, []byte(body), "192.0.2.1")); d.Blocked {
			t.Errorf("%q, %q, %q is blocked", query, cookie, body)
		}
	})
}
